"""Keep what is made of a video steady: what was made of a frame is carried along with the motion of the next.

After M. Ruder, A. Dosovitskiy and T. Brox, "Artistic style transfer for videos" (2016): warped by optical flow, held
where a pixel was seen before, let go where it was hidden, and begun anew where a scene is cut.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from vesica.image.pictures import Picture
from vesica.video.flow import Floats, motion, warped

TRUST = 0.16
"""Difference of smoothed colours, of a range of 1, at which a third of what is carried is believed.

Where flow errs unnoticed, or the light of a scene changes, what was carried goes stale: this lets it fade.
"""

CRISPER = 1.2
"""Most by which the contrast of mixed strokes is brought up again to that of fresh ones."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What was made of the frame before, brought to where its pixels are now.

    made : float32 [height, width, channels]
    seen : float32 [height, width], 0..1: how surely a pixel was there before
    """

    made: Floats
    seen: Floats


Make = Callable[[Picture, Carried | None], Floats]
"""Makes float32 [height, width, channels] of a frame. None: nothing is carried, a scene begins."""


def stabilised(frames: Iterable[Picture], make: Make) -> Iterator[tuple[Picture, Floats]]:
    """Each frame, and what ``make`` makes of it, given what it made of the one before; two frames are held at once."""
    before: tuple[Picture, Floats] | None = None
    for frame in frames:
        carried = None
        if before is not None:
            moved = motion(before[0], frame)
            if not moved.cut:
                carried = Carried(warped(before[1], moved.back), moved.seen)
        made = make(frame, carried)
        yield frame, made
        before = frame, made


def blended(fresh: Floats, carried: Carried, steadiness: float) -> Floats:
    """``fresh`` with what was carried laid over it where that was seen before and still fits.

    fresh : float32 [height, width, 3] of 0..1
    steadiness : share of what was carried where it is believed, 0..1
    """
    apart = np.abs(_smooth(carried.made - fresh)).mean(2)
    share = steadiness * carried.seen * np.exp(-np.square(apart / TRUST))
    mixed = fresh + share[..., None] * (carried.made - fresh)
    # Strokes that differ would cancel out, a little more with each frame, until nothing but fog was left.
    sigma = max(1.0, max(fresh.shape[:2]) / 160)
    calm, told = cv2.GaussianBlur(mixed, (0, 0), sigma), cv2.GaussianBlur(fresh, (0, 0), sigma)
    wanted, there = (
        cv2.GaussianBlur(np.square(one - other).mean(2), (0, 0), 2 * sigma)
        for one, other in ((fresh, told), (mixed, calm))
    )
    gain = np.sqrt((wanted + 1e-6) / (there + 1e-6)).clip(1, CRISPER)
    made: Floats = (calm + (mixed - calm) * gain[..., None]).clip(0, 1).astype(np.float32)
    return made


def _smooth(x: Floats) -> Floats:
    """Without strokes: they may lie elsewhere without being wrong."""
    sigma = max(x.shape[:2]) / 64
    small = cv2.resize(x, (max(1, x.shape[1] // 4), max(1, x.shape[0] // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(0.5, sigma / 4))
    return np.asarray(cv2.resize(small, (x.shape[1], x.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)
