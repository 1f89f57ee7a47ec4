"""DeepDream that moves: into a picture for ever, from one dream to another, or over a person's video.

A frame is never dreamt from nothing: it begins with the dream of the frame before, moved as the scene moved, fades a
little and is dreamt a few steps deeper. What fades and what grows hold each other, so a dream of a minute looks as rich
as one of a second, and neither flickers nor drowns.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vesica.errors import VesicaError
from vesica.image.mask import strength_of
from vesica.image.noise import fbm
from vesica.image.pictures import Picture, check_picture
from vesica.image.tensors import one_thread_each, scaled, to_picture
from vesica.video.clip import Video
from vesica.video.dreaming import Dreamer, Tone, leak
from vesica.video.params import DreamParams
from vesica.video.reading import frames
from vesica.video.stabilise import Carried, stabilised
from vesica.video.writing import write_video
from vesica.work import Progress, Step

MEMORY = 0.55
"""Seconds after which a third is left of what was dreamt over a picture or a clip and is not dreamt again."""

TONE = 0.5
"""Seconds in which a zoom's light and colours come two thirds nearer to the picture's own."""

CATCHING_UP = 2.0
"""How much more is dreamt into what just came to be seen."""

SOFT = 0.12
"""Width of the border, in levels of the clouds, along which one picture becomes the other."""


def dream(
    *,
    params: DreamParams,
    seed: int,
    picture: Picture | None = None,
    other: Picture | None = None,
    clip: Video | None = None,
    mask: Picture | None = None,
    progress: Progress | None = None,
) -> Video:
    """A dream that moves.

    Parameters
    ----------
    params : the knobs
    seed : draws which channels of a layer count for more, how the view moves, and where a morph begins
    picture : uint8 [height, width, 3], what a zoom goes into and a morph begins with; left unchanged
    other : the picture that a morph ends in; None: the same
    clip : the video that is dreamt over; it keeps its size, its pace and its sound
    mask : how strongly to dream where in each frame: white is full strength, black none; in the frames' shape, at any
        size
    progress : called after every step with the frame so far; may raise ``Cancelled``

    Raises
    ------
    VesicaError : what the mode needs is missing or too small, or a wish that can't be read; ``ModelMissing`` without
        the network
    """
    mode = _mode(params, other, clip)
    generator = torch.Generator().manual_seed(seed)
    with one_thread_each() as pool:
        if mode == "clip":
            if clip is None:
                raise VesicaError("A dream over a clip needs a video; give one with --clip FILE, or choose mode zoom.")
            strength = _strength(clip.height, clip.width, mask, params.feather)
            telling = _Telling(progress, clip.count)
            dreamer = Dreamer.of([params.look_for], params, generator, pool, telling.step)
            return write_video(telling.frames(_over(clip, dreamer, strength)), clip.fps, sound_of=clip)
        if picture is None:
            raise VesicaError(f"A {mode} needs a picture; give one with --picture FILE.")
        count = max(1, round(params.seconds * params.fps))
        telling = _Telling(progress, count)
        wishes = [params.look_for] if mode == "zoom" else [params.look_for, params.into or params.look_for]
        dreamer = Dreamer.of(wishes, params, generator, pool, telling.step)
        view = _view(picture, params.size)
        strength = _strength(view.shape[2], view.shape[3], mask, params.feather)
        if mode == "zoom":
            return write_video(telling.frames(_into(view, dreamer, count, strength)), params.fps)
        last = view if other is None else _view(_shaped(other, picture), params.size)
        return write_video(telling.frames(_between(view, last, dreamer, count, seed, strength)), params.fps)


def _mode(params: DreamParams, other: Picture | None, clip: Video | None) -> str:
    if params.mode != "auto":
        return params.mode
    return "clip" if clip is not None else "morph" if other is not None else "zoom"


class _Telling:
    """Progress in frames; after each step, the frame as it is by then."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def step(self, view: Tensor) -> None:
        if self._progress:
            self._progress(Step(self._done, self._total, to_picture(view.clamp(0, 1)), "dreaming"))

    def frames(self, made: Iterator[Picture]) -> Iterator[Picture]:
        for frame in made:
            self._done += 1
            if self._progress:
                self._progress(Step(self._done, self._total, frame, f"frame {self._done} of {self._total}"))
            yield frame


# Into a picture


def _into(view: Tensor, dreamer: Dreamer, count: int, strength: Tensor | None) -> Iterator[Picture]:
    """Every frame is the last one, a little larger, dreamt a little deeper. The first is the picture itself.

    What was dreamt flows on with the zoom, out of where a mask lets dream.
    """
    params, tone = dreamer.params, Tone.of(view)
    dreamer, faded = dreamer.balanced(view), 1 - leak(params.fps, TONE)
    for number in range(count):
        yield to_picture(view)
        if number < count - 1:
            view = zoomed(view, params.zoom ** (1 / params.fps), math.radians(params.turn / params.fps))
            view = tone.pull(dreamer.deepened(view, params.fps, weight=strength), faded).clamp(0, 1)


def zoomed(view: Tensor, factor: float, angle: float = 0.0) -> Tensor:
    """``view`` [1, 3, height, width] made ``factor`` times larger about its middle and turned by ``angle`` radians."""
    height, width = view.shape[2:]
    cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
    moved = torch.tensor([[[cos, sin * height / width, 0], [-sin * width / height, cos, 0]]], dtype=torch.float32)
    grid = F.affine_grid(moved, [1, 3, height, width], align_corners=False)
    # Cubic: a bilinear zoom would blur a little more with every frame.
    return F.grid_sample(view, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


# From one to another


def _between(
    first: Tensor, last: Tensor, dreamer: Dreamer, count: int, seed: int, strength: Tensor | None
) -> Iterator[Picture]:
    """Clouds of the one picture open into the other, while the dream looks for less of the one and more of the other.

    No frame shows both pictures through each other: each place is one or the other, and the dream sews the seams.
    """
    params, clouds = dreamer.params, _clouds(first.shape[2], first.shape[3], seed)
    dreamer, kept = dreamer.balanced(first), leak(params.fps, MEMORY)
    dreamt = dreamer.begun(first, (1.0, 0.0)) - first
    for number in range(count):
        share = _course(number, count, loop=params.loop)
        ground = first.lerp(last, _opened(clouds, share))
        yield to_picture((ground + (dreamt if strength is None else dreamt * strength)).clamp(0, 1))
        if number < count - 1:
            share = _course(number + 1, count, loop=params.loop)
            ground = first.lerp(last, _opened(clouds, share))
            view = dreamer.deepened(ground + kept * dreamt, params.fps, (1 - share, share))
            dreamt = view.clamp(0, 1) - ground


def _course(number: int, count: int, *, loop: bool) -> float:
    """How far a morph is, 0..1, at a frame: it leaves and arrives gently; looped, it returns to its beginning."""
    if loop:
        return (1 - math.cos(2 * math.pi * number / count)) / 2
    return (1 - math.cos(math.pi * number / max(1, count - 1))) / 2


def _clouds(height: int, width: int, seed: int) -> Tensor:
    """float32 [1, 1, height, width] of 0..1, evenly spread: when each place changes over."""
    down, right = np.mgrid[:height, :width] / max(height, width) * 4
    ranks: NDArray[np.int64] = fbm(right, down, seed, 3).ravel().argsort(kind="stable").argsort(kind="stable")
    return torch.from_numpy((ranks / ranks.size).astype(np.float32)).view(1, 1, height, width)


def _opened(clouds: Tensor, share: float) -> Tensor:
    """How much of the second picture is seen where, when ``share`` of all places have changed over."""
    return (((share * (1 + 2 * SOFT) - SOFT - clouds) / SOFT + 1) / 2).clamp(0, 1)


# Over a clip


def _over(clip: Video, dreamer: Dreamer, strength: Tensor | None) -> Iterator[Picture]:
    """What was dreamt moves with the scene, fades, and is dreamt anew; every frame keeps its own sharpness.

    It is dreamt everywhere and shown where a mask lets it, so that what comes into its light is grown already.
    """
    params, fps = dreamer.params, float(clip.fps)
    kept = leak(fps, MEMORY)
    height, width = _fitted(clip.height, clip.width, params.size)
    here = dreamer

    def make(frame: Picture, carried: Carried | None) -> NDArray[np.float32]:
        """Dreamt change (3 channels) and how grown it is (1), float32 [height, width, 4]."""
        nonlocal here
        ground = _tensor(frame)
        if carried is None:
            here = dreamer.balanced(ground)
            change, grown = here.begun(ground) - ground, torch.ones(1, 1, height, width)
        else:
            before = torch.from_numpy(carried.made * carried.seen[..., None]).permute(2, 0, 1)[None]
            grown = 1 - (1 - before[:, 3:].clamp(0, 1)) * kept
            weight = 1 + CATCHING_UP * (1 - before[:, 3:].clamp(0, 1))
            view = here.deepened(ground + kept * before[:, :3], fps, weight=weight)
            change = view.clamp(0, 1) - ground
        made: NDArray[np.float32] = torch.cat([change, grown], 1)[0].permute(1, 2, 0).contiguous().numpy()
        return made

    whole: list[Picture] = []

    def small() -> Iterator[Picture]:
        for frame in frames(clip):
            whole[:] = [frame]
            yield _resized(frame, height, width)

    for _, made in stabilised(small(), make):
        change = torch.from_numpy(made[..., :3]).permute(2, 0, 1)[None]
        change = scaled(change, clip.height, clip.width)
        yield to_picture((_tensor(whole[0]) + (change if strength is None else change * strength)).clamp(0, 1))


# Pictures as tensors


def _fitted(height: int, width: int, longest: int) -> tuple[int, int]:
    """Height and width, even, with the longest side ``longest`` at most."""
    scale = min(1.0, longest / max(height, width))
    height, width = (max(2, round(side * scale / 2) * 2) for side in (height, width))
    if min(height, width) < 32:
        raise VesicaError("What is dreamt into needs 32 pixels a side; give a larger one, or a larger size.")
    return height, width


def _strength(height: int, width: int, mask: Picture | None, feather: int) -> Tensor | None:
    """How much may be dreamt where in a frame, float32 [1, 1, height, width] of 0..1, or None for everything."""
    strength = strength_of(np.zeros((height, width, 3), np.uint8), mask, feather)
    return None if strength is None else torch.from_numpy(strength)[None, None]


def _view(picture: Picture, longest: int) -> Tensor:
    check_picture(picture)
    return _tensor(_resized(picture, *_fitted(picture.shape[0], picture.shape[1], longest)))


def _shaped(other: Picture, picture: Picture) -> Picture:
    """``other``, cut to the shape of ``picture`` about its middle and brought to its size."""
    check_picture(other)
    height, width = picture.shape[:2]
    share = min(other.shape[0] / height, other.shape[1] / width)
    down, right = max(1, round(height * share)), max(1, round(width * share))
    top, left = (other.shape[0] - down) // 2, (other.shape[1] - right) // 2
    return _resized(other[top : top + down, left : left + right], height, width)


def _resized(picture: Picture, height: int, width: int) -> Picture:
    if picture.shape[:2] == (height, width):
        return picture
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _tensor(picture: Picture) -> Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
