"""A slope, split into bands of detail and opponent colours, each at its own strength (the "Laplacian" of DeepDream).

Worked through in strips of rows, so that a picture of any size takes little memory; the strips leave no trace, since
each sees enough rows beside its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

AXES = torch.tensor([[1, 1, 1], [1, 0, -1], [-1, 2, -1]], dtype=torch.float32)
AXES = AXES / AXES.square().sum(1, keepdim=True).sqrt()
"""Opponent colours (rows): light, red against blue, green against magenta. Photographs vary along them nearly
independently."""

BANDS = (0.25, 0.7, 1.0, 0.4)
"""Strength of each band of detail, fine to coarse; the last is all that is coarser."""

THING = (0.12, 0.5, 1.0, 0.6)
"""The same where a thing is to be seen: its form before its grain."""

COLOURS = (0.07, 0.17, 0.28, 0.28)
"""Strength of colour against light in each band."""

COARSEST = 2 ** (len(BANDS) - 1)
"""Pixels of the picture in one of the coarsest band."""

HALO = 4 * COARSEST
"""Rows beside its own that a strip sees: as far as a coarse band's blur reaches."""

STRIP = 1 << 20
"""Most pixels of a strip, about. There are two strips at least, so that two threads have work."""

HELD = 1 << 22
"""Pixels of a slope up to which bands are held from one look to the next; above, they are computed again."""

AHEAD = 4
"""Strips that are finished before the first of them is taken, where there are threads for it."""


T = TypeVar("T")
R = TypeVar("R")


def evened(
    slope: Tensor,
    colour: float,
    pool: Executor | None = None,
    *,
    strengths: Sequence[float] = BANDS,
    tick: Callable[[], None] | None = None,
) -> Iterator[tuple[slice, Tensor]]:
    """The slope with every band at its own strength, strip by strip: which rows, and their float32 [1, 3, rows, width].

    Its mean absolute value is about 1 where the slope is not zero.

    Parameters
    ----------
    slope : float [1, 3, height, width]; where all of a pixel is zero, nothing was seen and nothing is measured
    colour : strength of colour, 0..1; 0 leaves light alone
    pool : threads that share the strips; the result is the same without
    strengths : of each band, fine to coarse
    tick : called from the caller's thread after each look at a strip
    """
    height, width = slope.shape[-2:]
    strips, hold = list(_strips(height, width)), height * width <= HELD

    def run(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for result in pool.map(work, items) if pool else map(work, items):
            yield result
            if tick:
                tick()

    def measured(strip: slice) -> tuple[list[Tensor] | None, list[Tensor], list[int]]:
        bands = _bands(slope, strip)
        inner = [_inner(band, strip, 2**place) for place, band in enumerate(bands)]
        # float64: a float32 sum of this many numbers loses digits, and with them the same bytes elsewhere.
        squares = [one.square().sum((0, 2, 3), dtype=torch.float64) for one in inner]
        return bands if hold else None, squares, [int(one[:, 0].count_nonzero()) for one in inner]

    held, squares, seen = zip(*run(measured, strips), strict=True)
    gains = [
        _gain(light, tint * colour, sum(strip[place] for strip in squares), sum(strip[place] for strip in seen))
        for place, (light, tint) in enumerate(zip(strengths, COLOURS, strict=True))
    ]

    def joined(number: int) -> Tensor:
        strip = strips[number]
        whole = _joined(held[number] or _bands(slope, strip), gains, strip)
        return whole[:, :, : height - strip.start, :width]

    def summed(number: int) -> tuple[Tensor | None, float, int]:
        step = joined(number)
        return step if hold else None, float(step.abs().sum(dtype=torch.float64)), int(step.count_nonzero())

    steps, totals, counts = zip(*run(summed, range(len(strips))), strict=True)
    scale = sum(counts) / max(sum(totals), 1e-30)

    def finished(number: int) -> Tensor:
        step: Tensor = (joined(number) if steps[number] is None else steps[number]) * scale
        return step

    for first in range(0, len(strips), AHEAD):
        numbers = range(len(strips))[first : first + AHEAD]
        for number, step in zip(numbers, run(finished, numbers), strict=True):
            top = strips[number].start
            yield slice(top, top + step.shape[2]), step


def _strips(height: int, width: int) -> Iterator[slice]:
    """Rows of the strips: whole steps of the coarsest band, the last perhaps beyond the picture."""
    rows = -(-max(HALO, min(STRIP // width, -(-height // 2))) // COARSEST) * COARSEST
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, -(-height // COARSEST) * COARSEST))


def _gain(light: float, tint: float, square: Tensor, count: int) -> Tensor:
    """What brings a band to its strength, [1, 3, 1, 1]: from its sum of squares [3] over ``count`` places."""
    rms = (square / max(count, 1)).sqrt().clamp_min(1e-30)
    gain: Tensor = torch.tensor([1, tint, tint]) * light / rms
    return gain.float().view(1, 3, 1, 1)


def _bands(slope: Tensor, strip: slice) -> list[Tensor]:
    """Bands of a strip and its halo in opponent colours, fine to coarse, each half as large as the one before."""
    height, width = slope.shape[-2:]
    first, last = max(strip.start - HALO, 0), min(strip.stop + HALO, height)
    # Beyond the picture, its border goes on.
    beyond = 0, -width % COARSEST, first - strip.start + HALO, strip.stop + HALO - last
    rest = F.pad(torch.einsum("ij,bjhw->bihw", AXES, slope[:, :, first:last].float()), beyond, mode="replicate")
    bands = []
    for _ in BANDS[1:]:
        coarse = _halved(rest)
        bands.append(rest - _doubled(coarse))
        rest = coarse
    return [*bands, rest]


def _inner(band: Tensor, strip: slice, scale: int) -> Tensor:
    """A band without the halo."""
    return band[:, :, HALO // scale : (HALO + strip.stop - strip.start) // scale]


def _joined(bands: list[Tensor], gains: list[Tensor], strip: slice) -> Tensor:
    """The strip that bands at these strengths make, without the halo, in red, green and blue."""
    whole = bands[-1] * gains[-1]
    for band, gain in reversed(list(zip(bands[:-1], gains[:-1], strict=True))):
        whole = torch.addcmul(_doubled(whole), band, gain)
    return torch.einsum("ij,bihw->bjhw", AXES, _inner(whole, strip, 1))


def _halved(x: Tensor) -> Tensor:
    """Every second pixel of ``x`` [1, 3, height, width] (even sides), blurred by 1 4 6 4 1 each way."""
    height, width = x.shape[-2:]
    x = F.pad(x, (2, 1, 2, 1), mode="replicate")
    x = _weighed([x[:, :, tap : tap + height - 1 : 2] for tap in range(5)])
    return _weighed([x[..., tap : tap + width - 1 : 2] for tap in range(5)])


def _weighed(taps: Sequence[Tensor]) -> Tensor:
    outer, inner = taps[0] + taps[4], taps[1] + taps[3]
    return outer.mul_(1 / 16).add_(inner, alpha=1 / 4).add_(taps[2], alpha=3 / 8)


def _doubled(x: Tensor) -> Tensor:
    """``x`` [1, 3, height, width] at twice the size, bilinear: three quarters of the nearer, a quarter of the next."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    near = x[..., 1:-1] * 0.75
    x = torch.stack([near.add(x[..., :-2], alpha=0.25), near.add(x[..., 2:], alpha=0.25)], -1).flatten(-2)
    near = x[:, :, 1:-1] * 0.75
    return torch.stack([near.add(x[:, :, :-2], alpha=0.25), near.add(x[:, :, 2:], alpha=0.25)], 3).flatten(2, 3)
