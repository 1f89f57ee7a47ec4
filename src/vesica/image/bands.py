"""A slope, split into bands of detail and opponent colours, each at its own strength (the "Laplacian" of DeepDream).

Worked through in strips of rows, so that a picture of any size takes little memory; the strips leave no trace, since
each sees enough rows beside its own.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

AXES = torch.tensor([[1, 1, 1], [1, 0, -1], [-1, 2, -1]], dtype=torch.float32)
AXES = AXES / AXES.square().sum(1, keepdim=True).sqrt()
"""Opponent colours (rows): light, red against blue, green against magenta. Photographs vary along them nearly
independently."""

BANDS = (0.25, 0.7, 1.0, 0.4)
"""Strength of each band of detail, fine to coarse; the last is all that is coarser."""

COLOURS = (0.07, 0.17, 0.28, 0.28)
"""Strength of colour against light in each band."""

COARSEST = 2 ** (len(BANDS) - 1)
"""Pixels of the picture in one of the coarsest band."""

HALO = 4 * COARSEST
"""Rows beside its own that a strip sees: as far as a coarse band's blur reaches."""

STRIP = 1 << 20
"""Pixels of a strip, about."""

KERNEL = torch.tensor([1, 4, 6, 4, 1], dtype=torch.float32) / 16


def evened(slope: Tensor, colour: float) -> Iterator[tuple[slice, Tensor]]:
    """The slope with every band at its own strength, strip by strip: which rows, and their float32 [1, 3, rows, width].

    Its mean absolute value is about 1 where the slope is not zero.

    Parameters
    ----------
    slope : float [1, 3, height, width]; where all of a pixel is zero, nothing was seen and nothing is measured
    colour : strength of colour, 0..1; 0 leaves light alone
    """
    strips = list(_strips(*slope.shape[-2:]))
    held = [_bands(slope, strip) for strip in strips] if len(strips) == 1 else None

    def split() -> Iterator[tuple[slice, list[Tensor]]]:
        for place, strip in enumerate(strips):
            yield strip, held[place] if held else _bands(slope, strip)

    squares, seen = [torch.zeros(3, dtype=torch.float64) for _ in BANDS], [0] * len(BANDS)
    for strip, bands in split():
        for place, band in enumerate(bands):
            inner = _inner(band, strip, 2**place)
            # float64: a float32 sum of this many numbers loses digits, and with them the same bytes elsewhere.
            squares[place] += inner.square().sum((0, 2, 3), dtype=torch.float64)
            seen[place] += int(inner[:, 0].count_nonzero())
    gains = [
        (torch.tensor([1, tint * colour, tint * colour]) * light / (square / max(count, 1)).sqrt().clamp_min(1e-30))
        .float()
        .view(1, 3, 1, 1)
        for light, tint, square, count in zip(BANDS, COLOURS, squares, seen, strict=True)
    ]

    def joined() -> Iterator[tuple[slice, Tensor]]:
        for strip, bands in split():
            rows = slice(strip.start, min(strip.stop, slope.shape[-2]))
            yield rows, _joined(bands, gains, strip, slope.shape[-1])[:, :, : rows.stop - rows.start]

    kept = list(joined()) if held else None
    total, count = 0.0, 0
    for _, change in kept or joined():
        total += float(change.abs().sum(dtype=torch.float64))
        count += int(change.count_nonzero())
    for rows, change in kept or joined():
        yield rows, change * (count / max(total, 1e-30))


def _strips(height: int, width: int) -> Iterator[slice]:
    """Rows of the strips: whole steps of the coarsest band, the last perhaps beyond the picture."""
    rows = max(HALO, STRIP // width // COARSEST * COARSEST)
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, -(-height // COARSEST) * COARSEST))


def _bands(slope: Tensor, strip: slice) -> list[Tensor]:
    """Bands of a strip and its halo in opponent colours, fine to coarse, each half as large as the one before."""
    height, width = slope.shape[-2:]
    rows = torch.arange(strip.start - HALO, strip.stop + HALO).clamp(0, height - 1)
    columns = torch.arange(-(-width // COARSEST) * COARSEST).clamp(0, width - 1)
    top = int(rows[0])
    part = slope[:, :, top : int(rows[-1]) + 1][:, :, rows - top][:, :, :, columns].float()
    rest, bands = torch.einsum("ij,bjhw->bihw", AXES, part), []
    for _ in BANDS[1:]:
        coarse = _blurred(rest)[:, :, ::2, ::2]
        bands.append(rest - F.interpolate(coarse, rest.shape[-2:], mode="bilinear", align_corners=False))
        rest = coarse
    return [*bands, rest]


def _inner(band: Tensor, strip: slice, scale: int) -> Tensor:
    """A band without the halo."""
    return band[:, :, HALO // scale : (HALO + strip.stop - strip.start) // scale]


def _joined(bands: list[Tensor], gains: list[Tensor], strip: slice, width: int) -> Tensor:
    """The strip that bands at these strengths make, without the halo, in red, green and blue."""
    whole = bands[-1] * gains[-1]
    for band, gain in reversed(list(zip(bands[:-1], gains[:-1], strict=True))):
        whole = F.interpolate(whole, band.shape[-2:], mode="bilinear", align_corners=False) + band * gain
    return torch.einsum("ij,bihw->bjhw", AXES, _inner(whole, strip, 1)[..., :width])


def _blurred(x: Tensor) -> Tensor:
    count = x.shape[1]
    x = F.pad(x, (2, 2, 2, 2), mode="replicate")
    x = F.conv2d(x, KERNEL.view(1, 1, 5, 1).expand(count, 1, 5, 1), groups=count)
    return F.conv2d(x, KERNEL.view(1, 1, 1, 5).expand(count, 1, 1, 5), groups=count)
