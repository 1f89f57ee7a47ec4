"""Tiles in which a large picture is looked at. Cuts lie elsewhere at every step, so that none leaves a trace."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from vesica.image.tensors import mirrored

ROWS, COLUMNS = 320, 640
"""Most pixels that a tile counts for along the picture's longer side, and along its shorter one. Fixed, so that nothing
depends on the number of threads; and such that the picture of usual size is two tiles."""

SMALL = 160
"""A picture of more pixels than a square of this side is two tiles at least, so that two threads have work."""

MARGIN = 16
"""Pixels of its neighbours that a tile sees: a network's edges see zeros."""

BORDER = 8
"""Pixels of reflected picture, at least, beyond the picture's own border, for the same reason."""

MOVE = 16
"""Pixels by which a cut may lie off its usual place, to both sides."""


@dataclass(frozen=True, slots=True)
class Span:
    """One side of a tile: it counts from ``start`` to ``end`` and sees ``first`` to ``last``, which may lie outside."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, and what is seen around it."""

    down: Span
    right: Span

    @property
    def core(self) -> tuple[slice, slice, slice, slice]:
        """The part that counts, as an index into a tensor [n, channels, height, width]."""
        return slice(None), slice(None), slice(self.down.start, self.down.end), slice(self.right.start, self.right.end)

    @property
    def area(self) -> int:
        """Pixels that are seen."""
        return (self.down.last - self.down.first) * (self.right.last - self.right.first)

    def seen(self, picture: Tensor) -> Tensor:
        """What the tile sees of ``picture`` [n, channels, height, width]: a new tensor."""
        rows = mirrored(picture.shape[2], self.down.first, self.down.last)
        columns = mirrored(picture.shape[3], self.right.first, self.right.last)
        top, left = int(rows.min()), int(columns.min())
        near = picture[:, :, top : int(rows.max()) + 1, left : int(columns.max()) + 1]
        return near[:, :, rows - top][:, :, :, columns - left]

    def inner(self, seen: Tensor) -> Tensor:
        """The part that counts, of a tensor as large as what is seen."""
        rows = slice(self.down.start - self.down.first, self.down.end - self.down.first)
        columns = slice(self.right.start - self.right.first, self.right.end - self.right.first)
        return seen[:, :, rows, columns]


def cut(height: int, width: int, jitter: int, generator: torch.Generator, *, whole: bool = False) -> list[Tile]:
    """Cut a picture into tiles, of one size and shape in what they see.

    One shape, since a convolution is prepared anew for each it meets. Cuts, and the network's grid within the tiles,
    are moved as ``generator`` draws; the grid by up to ``jitter`` pixels. ``whole``: a picture of up to ``COLUMNS``
    pixels a side is one tile.
    """
    if whole and max(height, width) <= COLUMNS:
        return [Tile(_spans(height, 1, jitter, generator)[0], _spans(width, 1, jitter, generator)[0])]
    least = 2 if height * width > SMALL * SMALL else 1
    tall = height >= width
    rows = max(least, -(-height // ROWS)) if tall else -(-height // COLUMNS)
    columns = -(-width // COLUMNS) if tall else max(least, -(-width // ROWS))
    down = _spans(height, rows, jitter, generator)
    right = _spans(width, columns, jitter, generator)
    return [Tile(one, other) for one in down for other in right]


def _spans(size: int, count: int, jitter: int, generator: torch.Generator) -> list[Span]:
    outer = int(torch.randint(0, jitter + 1, (1,), generator=generator))
    first, last = -BORDER - outer, size + BORDER + jitter - outer
    if count == 1:
        return [Span(0, size, first, last)]
    # A tile at the border has one cut, one inside has two; all see equally much.
    beside = MARGIN + MOVE
    length = -(-(last - first + 2 * beside * (count - 1)) // count)
    usual = [first + length - beside + place * (length - 2 * beside) for place in range(count - 1)]
    moves = torch.randint(-MOVE, MOVE + 1, (count - 1,), generator=generator).tolist()
    cuts = [min(max(one + move, 1), size - 1) for one, move in zip(usual, moves, strict=True)]
    starts = [first, *(one - beside for one in usual[:-1]), last - length]
    return [
        Span(start, end, begin, begin + length)
        for (start, end), begin in zip(pairwise([0, *cuts, size]), starts, strict=True)
    ]
