"""DeepDream (Mordvintsev, Olah and Tyka, 2015): show a network more of what it already sees.

The picture is climbed towards more of what is looked for, small scale first: larger squares of a network's maps, a
channel, a thing by its name, or likeness to a guide picture. Slopes are split into bands of detail, each brought to one
strength, and into light and colour, with colour held back more the finer the band: photographs have little colour at
one or two pixels, networks want a lot.
"""

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vesica.errors import VesicaError
from vesica.image.alpha import keeps_alpha
from vesica.image.bands import AXES, BANDS, THING, evened
from vesica.image.fourier import drawn, optimised
from vesica.image.gain import Gain, guide_of, tilted
from vesica.image.mask import strength_of
from vesica.image.objective import parse_objective
from vesica.image.params import DreamParams
from vesica.image.pictures import MOST_PIXELS, Picture, check_picture
from vesica.image.tensors import one_thread_each, scaled, to_picture, to_tensor
from vesica.image.tiles import Tile, cut
from vesica.image.viewer import LONGEST, Viewer
from vesica.weights.efficientnet_lite import EfficientNetLite, efficientnet_lite
from vesica.work import Progress

SMALLEST = 32
"""Pixels of the shortest side below which there is nothing to see."""

GUIDE = 384
"""Pixels of a guide's longest side at which it is looked at."""

FIRST, FIRST_STEPS = 256, 96
"""Pixels of the longest side, and steps, at which a thing is first drawn out of nothing."""

VIEWS, THING_STEPS = 2, 64
"""Ways at once in which the picture is turned where a thing is looked for, and steps at the smallest scale."""

MOMENTUM = 0.6
"""How much of the last slope goes on where a thing is looked for: what is no part of it differs from step to step."""

FOCUS = 24
"""Pixels over which it is looked how strong the slope of a thing is."""

ROWS = 256
"""Rows that are worked on at once where more would take much memory."""


@keeps_alpha
def dream(
    *,
    picture: Picture | None = None,
    params: DreamParams,
    seed: int,
    mask: Picture | None = None,
    guide: Picture | None = None,
    progress: Progress | None = None,
) -> Picture:
    """Dream into ``picture``, or from noise; the result has its size.

    Parameters
    ----------
    picture : uint8 [height, width, 3], at least 32 pixels a side; left unchanged. With alpha as a fourth channel, the
        result has the same; where nothing shows, it keeps every byte (see ``vesica.image.alpha``)
    params : the knobs
    seed : draws the noise, which channels of a layer count for more, and how the view moves from step to step
    mask : how strongly to dream where: white is full strength, black is kept to the byte; in the picture's shape, at
        any size
    guide : what to dream of: the layers that are looked for become like this picture's
    progress : called after every tile of every step with the dream so far; may raise ``Cancelled``

    Raises
    ------
    VesicaError : a wish that can't be read, a picture too small or none, a mask of another shape; ``ModelMissing``
        without the network
    """
    terms = parse_objective(params.look_for)
    generator = torch.Generator().manual_seed(seed)
    with one_thread_each() as pool:
        picture = _ground(picture, params, generator)
        strength = strength_of(picture, mask, params.feather)
        network = efficientnet_lite()
        labels = [(term.label, term.weight) for term in terms if term.label is not None]
        if params.start == "noise" and labels:
            picture = _first(network, labels, picture, generator)
        layers = tuple(sorted({term.layer for term in terms if term.layer and term.channel is None}))
        if guide is not None:
            check_picture(guide, name="A guide")
            if not layers:
                raise VesicaError(f"A guide is matched in whole layers; let {params.look_for[:60]!r} name one, as b8.")
        guides = {} if guide is None else guide_of(network, to_tensor(_fitted(guide, GUIDE)), layers)
        gain = Gain(network, terms, tilted(layers, params.variety, generator), guides)
        dreamt = _dreamt(picture, strength, gain, params, generator, pool, progress)
        return _laid_over(picture, dreamt, strength, params)


def _ground(picture: Picture | None, params: DreamParams, generator: torch.Generator) -> Picture:
    """What is dreamt into: the picture, or noise of its size or of the knobs'."""
    if picture is not None:
        check_picture(picture)
        height, width = picture.shape[:2]
    elif params.start == "picture":
        raise VesicaError("A dream needs a picture to begin from; give one, or begin from noise with start=noise.")
    else:
        height, width = params.height, params.width
    if height * width > MOST_PIXELS:
        raise VesicaError(
            f"A picture to dream into has at most {MOST_PIXELS // 1_000_000} million pixels; this one has "
            f"{width} x {height}, so scale it down."
        )
    if min(height, width) < SMALLEST:
        raise VesicaError(
            f"A picture to dream into needs {SMALLEST} pixels a side; this one has {width} x {height}, so scale it up."
        )
    return natural_noise(height, width, generator) if params.start == "noise" or picture is None else picture


def _first(
    network: EfficientNetLite, labels: list[tuple[int, float]], noise: Picture, generator: torch.Generator
) -> Picture:
    """Things by name, out of nothing: optimised whole at the size that the network learned at, then scaled up."""
    small = _fitted(noise, FIRST).shape[:2]

    def named(pictures: Tensor) -> Tensor:
        logits = network.classes(pictures)
        return torch.stack([weight * logits[0, label] for label, weight in labels]).sum()

    *_, last = optimised(named, count=1, height=small[0], width=small[1], steps=FIRST_STEPS, generator=generator)
    return _at(to_picture(last), noise.shape[:2])


def natural_noise(height: int, width: int, generator: torch.Generator) -> Picture:
    """Clouds of noise with the statistics of photographs: amplitude falls as 1/frequency, and colour varies less than
    light (Field, 1987; Ruderman, Cronin and Chiao, 1998)."""
    down, right = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    fall = 1 / (down.square() + right.square()).sqrt().clamp_min(1 / max(height, width))
    light = torch.zeros(3, height, width)
    for axis, spread in zip(AXES, (0.27, 0.085, 0.05), strict=True):
        cloud = torch.fft.irfft2(
            torch.fft.rfft2(torch.randn(height, width, generator=generator)) * fall, (height, width)
        )
        cloud *= spread / cloud.double().square().mean().sqrt().float()
        for channel, share in zip(light, axis, strict=True):
            channel += cloud * share
    return to_picture(light.add_(0.45).clamp_(0, 1)[None])


def _dreamt(
    picture: Picture,
    strength: NDArray[np.float32] | None,
    gain: Gain,
    params: DreamParams,
    generator: torch.Generator,
    pool: Executor,
    progress: Progress | None,
) -> Tensor:
    """What the dream adds to the picture, float32 [1, 3, height, width], at the size it is worked at."""
    sizes = _sizes(picture.shape[0], picture.shape[1], params)
    views, momentum, strengths = (VIEWS, MOMENTUM, THING) if gain.names else (1, 0.0, BANDS)
    steps = _steps(len(sizes), gain, params)
    total = sum(
        count * (views * len(cut(*size, params.jitter, torch.Generator(), whole=gain.names)) + 1)
        for size, count in zip(sizes, steps, strict=True)
    )
    viewer = Viewer(_fitted(picture, LONGEST), total, params, progress) if progress else None
    weight = None if strength is None else torch.from_numpy(strength)[None, None]
    change = torch.zeros(1, 3, 1, 1)
    for size, count in zip(sizes, steps, strict=True):
        ground = _at(picture, size)
        view = _add(scaled(change, *size), ground, 1.0).clamp_(0, 1)
        held = None if weight is None else scaled(weight, *size).clamp(0, 1)
        if viewer:
            viewer.begin(view, ground)
        here = None
        # bfloat16: half the memory, and a slope needs few digits.
        slope = torch.zeros(1, 3, *size, dtype=torch.bfloat16)
        for _ in range(count):
            tiles = cut(*size, params.jitter, generator, whole=gain.names)
            here = here or gain.balanced(view, tiles[len(tiles) // 2])
            turns = [drawn(1, generator) if gain.names else None for _ in range(views)]
            looks = [(tile, turn) for tile in tiles for turn in turns]
            slope *= momentum
            for (tile, _), part in zip(looks, pool.map(_climb(here, view, held), looks), strict=True):
                slope[tile.core] += part
                if viewer:
                    viewer.looked(tile, part)
            tick = viewer.waited if viewer and viewer.large else None
            where = _focus(slope) if gain.names else None
            for rows, step in evened(slope, params.colour, pool, strengths=strengths, tick=tick):
                for share in (held, where):
                    if share is not None:
                        step = step * share[:, :, rows]
                view[:, :, rows] = view[:, :, rows].add(step, alpha=params.rate).clamp_(0, 1)
            if viewer:
                viewer.stepped()
        del slope
        change = _add(view, ground, -1.0)
    return change


def _focus(slope: Tensor) -> Tensor:
    """Where a thing is, float32 [1, 1, height, width] of 0..1: where its slope is strong over ``FOCUS`` pixels."""
    strong = F.avg_pool2d(
        slope.abs().mean(1, keepdim=True).float(), FOCUS, FOCUS // 2, FOCUS // 2, count_include_pad=False
    )
    strong = (strong / strong.flatten().kthvalue(max(1, round(0.9 * strong.numel())))[0].clamp_min(1e-30)).clamp(0, 1)
    return scaled(strong.square(), *slope.shape[-2:]).clamp(0, 1)


def _steps(scales: int, gain: Gain, params: DreamParams) -> list[int]:
    """Steps at each scale, small to large: a thing takes many at the small ones, where it is seen whole."""
    if params.steps:
        return [params.steps] * scales
    return [max(12, THING_STEPS >> scale) if gain.names else 12 for scale in range(scales)]


def _climb(gain: Gain, view: Tensor, held: Tensor | None) -> Callable[[tuple[Tile, Tensor | None]], Tensor]:
    """The slope that a tile, turned, finds; none where nothing may change."""

    def climb(look: tuple[Tile, Tensor | None]) -> Tensor:
        tile, turn = look
        if held is not None and not held[tile.core].any():
            return torch.zeros_like(view[tile.core])
        return gain.slope(view, tile, turn)

    return climb


def _add(change: Tensor, ground: Picture, sign: float) -> Tensor:
    """``change`` [1, 3, height, width] with the ground added in place (or taken off), little by little."""
    for top in range(0, len(ground), ROWS):
        change[:, :, top : top + ROWS] += sign * to_tensor(ground[top : top + ROWS])
    return change


def _laid_over(picture: Picture, change: Tensor, strength: NDArray[np.float32] | None, params: DreamParams) -> Picture:
    """The picture with what was dreamt laid over it at its own size, so that it keeps its own sharpness."""
    height, width = picture.shape[:2]
    result = np.empty_like(picture)
    if not params.colour:
        # One change for all three, held back where one of them would run out of its range: so the hue stays.
        light = scaled(change[:, :1], height, width)[0, 0].numpy() * 255
        if strength is not None:
            light *= strength
        light = light.clip(-picture.min(2).astype(np.float32), 255 - picture.max(2).astype(np.float32))
        light = np.rint(light).astype(np.int16)
        result[:] = picture + light[..., None]
        return result
    for channel in range(3):
        more = scaled(change[:, channel : channel + 1], height, width)[0, 0].numpy() * 255
        if strength is not None:
            more *= strength
        result[..., channel] = np.rint(picture[..., channel] + more).clip(0, 255)
    return result


def _sizes(height: int, width: int, params: DreamParams) -> list[tuple[int, int]]:
    """Height and width of every octave, small to large; octaves too small to see anything in are left out."""
    longest, shortest = max(height, width), min(height, width)
    scale = min(1.0, max(params.size / longest, SMALLEST / shortest)) if params.size else 1.0
    height, width = max(SMALLEST, round(height * scale)), max(SMALLEST, round(width * scale))
    scales = [params.ratio**-octave for octave in reversed(range(params.octaves))]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales]
    return [size for size in sizes if min(size) >= SMALLEST] or [(height, width)]


def _at(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at another height and width, by Lanczos' filter."""
    if picture.shape[:2] == size:
        return picture
    return np.array(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.LANCZOS))


def _fitted(picture: Picture, longest: int) -> Picture:
    """The picture, scaled down where its longest side is above ``longest`` pixels."""
    height, width = picture.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return _at(picture, (max(1, round(height * scale)), max(1, round(width * scale))))
