"""Optical flow: where each pixel of a frame was in the frame before it, and which pixels were not there.

Flow by dense inverse search (T. Kroeger, R. Timofte, D. Dai and L. Van Gool, 2016; OpenCV's DIS). A pixel counts as
seen before where flow forward and back agree (N. Sundaram, T. Brox and K. Keutzer, 2010).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vesica.image.pictures import Picture, grey

Floats = NDArray[np.float32]

AGREES = 0.01, 0.5
"""How far flow there and back may miss: a share of both their squares, plus pixels squared."""

ALIKE = 0.03
"""Difference of light, of a range of 1, up to which a pixel of a flat place counts as seen whatever its flow."""

LOST = 0.8, 0.6
"""Share of pixels not seen before, from which a frame begins a new scene: by itself, and with other colours."""

CHANGED = 0.25
"""Distance of colour histograms (0 to 1) that counts as other colours."""


@dataclass(frozen=True, slots=True)
class Motion:
    """From one frame to the next.

    back : float32 [height, width, 2]: for each pixel of the later frame, how far right and down it was in the sooner
    seen : float32 [height, width], 0..1: how surely it was there, or looked alike
    sure : bool [height, width]: whether flow there and back agree on it, what the warping error is measured on
    cut : whether the later frame begins a new scene, so that nothing of the sooner one helps
    """

    back: Floats
    seen: Floats
    sure: NDArray[np.bool_]
    cut: bool


def motion(sooner: Picture, later: Picture) -> Motion:
    """The motion between two frames, uint8 [height, width, 3] of one size, 16 pixels a side or more.

    Computed on one thread, as DIS cuts a picture by the number of threads.
    """
    one, two = grey(sooner), grey(later)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        back = _flow(two, one)
        forth = _flow(one, two)
        there = warped(forth, back)
        missed = np.square(back + there).sum(2)
        far = np.square(back).sum(2) + np.square(there).sum(2)
        inside = _inside(back)
        agreed = (missed <= AGREES[0] * far + AGREES[1]) & inside
        # What moves leaves a rim that neither frame shows well.
        sure = cv2.erode(agreed.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
        light, carried = (cv2.GaussianBlur(x.astype(np.float32) / 255, (0, 0), 1.5) for x in (two, warped(one, back)))
        seen = cv2.GaussianBlur((sure | ((np.abs(light - carried) < ALIKE) & inside)).astype(np.float32), (0, 0), 1.0)
        lost, apart = 1 - float(agreed.mean()), _apart(sooner, later)
        cut = lost > LOST[0] or (lost > LOST[1] and apart > CHANGED)
        return Motion(back, np.asarray(seen, np.float32), sure, cut)
    finally:
        cv2.setNumThreads(threads)


def _flow(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> Floats:
    """float32 [height, width, 2]: where each pixel of ``one`` lies in ``two``, right and down from its place."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setUseSpatialPropagation(True)
    # Patches of 8 pixels at the finest scale need a picture of some size.
    search.setFinestScale(0 if min(one.shape) < 128 else 1)
    return np.asarray(search.calc(one, two, np.zeros((*one.shape, 2), np.float32)), np.float32)


def warped(picture: NDArray[Any], back: Floats) -> Floats:
    """``picture``, numbers [height, width] or [height, width, channels], carried along: each pixel from where it was.

    Cubic, so that a picture carried through many frames stays sharp; borders are stretched.
    """
    height, width = back.shape[:2]
    across = np.arange(width, dtype=np.float32) + back[..., 0]
    down = np.arange(height, dtype=np.float32)[:, None] + back[..., 1]
    return np.asarray(
        cv2.remap(picture.astype(np.float32), across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def _inside(back: Floats) -> NDArray[np.bool_]:
    """Where a pixel was within the frame before."""
    height, width = back.shape[:2]
    across = np.arange(width, dtype=np.float32) + back[..., 0]
    down = np.arange(height, dtype=np.float32)[:, None] + back[..., 1]
    inside: NDArray[np.bool_] = (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    return inside


def _apart(one: Picture, two: Picture) -> float:
    """How far the colours of two frames are apart, 0 (the same) to 1: half the sum of differences of histograms."""
    first, second = (
        np.bincount((frame >> 5).astype(np.int32).reshape(-1, 3) @ np.array([64, 8, 1]), minlength=512) / frame.size * 3
        for frame in (one, two)
    )
    return float(np.abs(first - second).sum() / 2)


def warping_error(sooner: Picture, later: Picture, moved: Motion) -> tuple[float, float]:
    """How far a frame is from the one before it carried along, where that was seen: mean difference 0..1, and weight.

    sooner, later : two frames of what was made; ``moved`` is the motion of what they were made of
    """
    if moved.cut:
        return 0.0, 0.0
    apart = np.abs(later.astype(np.float32) - warped(sooner, moved.back).clip(0, 255)).mean(2)
    return float(apart[moved.sure].sum(dtype=np.float64)) / 255, float(moved.sure.sum())
