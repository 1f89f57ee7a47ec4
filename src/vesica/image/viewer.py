"""What a dream looks like while it is made: small, and anew whenever enough was looked at since the last time.

Work is counted in pixels, not in seconds, so an engine needs no clock; a large picture is shown within its steps too.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vesica.image.bands import evened
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture
from vesica.image.tensors import scaled, to_picture, to_tensor
from vesica.image.tiles import Span, Tile
from vesica.work import Progress, Step

LONGEST = 512
"""Pixels of a preview's longest side."""

AFTER = 300_000
"""Pixels to be looked at between one preview and the next: about a quarter of a second of one core."""


class Viewer:
    """Tells ``progress`` after each tile, and each step, how far the dream is and what it looks like."""

    def __init__(self, small: Picture, total: int, params: DreamParams, progress: Progress) -> None:
        """``small``: what is dreamt into, at a preview's size; ``total``: tiles and steps to come."""
        self._small, self._total, self._params, self._progress = small, total, params, progress
        self._shown, self._done, self._since = small, 0, 0
        self._sketch = torch.zeros(1, 3, *small.shape[:2])

    def begin(self, view: Tensor, ground: Picture) -> None:
        """What is made out of ``ground`` will stand in ``view`` [1, 3, height, width]."""
        self._view, self._ground = view, ground
        self.large = view.shape[2] * view.shape[3] > AFTER

    def looked(self, tile: Tile, slope: Tensor) -> None:
        """The slope of ``tile`` is known. Of a large picture it is shown what a step along it does at this size."""
        self._since += tile.area
        if self.large:
            rows = _part(tile.down, self._view.shape[2], self._sketch.shape[2])
            columns = _part(tile.right, self._view.shape[3], self._sketch.shape[3])
            size = rows.stop - rows.start, columns.stop - columns.start
            self._sketch[:, :, rows, columns] = F.interpolate(slope, size, mode="area")
            if self._since >= AFTER:
                step = torch.cat([part for _, part in evened(self._sketch, self._params.colour)], 2)
                self._show(self._params.rate * step)
        self._on()

    def stepped(self) -> None:
        """The view has taken its step."""
        if self.large:
            self._sketch.zero_()
        if self.large or self._since >= AFTER:
            self._show()
        self._on()

    def waited(self) -> None:
        """Something was done that counts for nothing; the last is told again."""
        self._progress(Step(self._done, self._total, self._shown, f"at {self._view.shape[3]} x {self._view.shape[2]}"))

    def _on(self) -> None:
        self._done += 1
        self.waited()

    def _show(self, step: Tensor | float = 0.0) -> None:
        """The picture at a preview's size, with what was dreamt laid over it."""
        every = -(-max(self._ground.shape[:2]) // (2 * LONGEST))
        change = self._view[:, :, ::every, ::every] - to_tensor(self._ground[::every, ::every])
        change = scaled(change, *self._small.shape[:2]) + step
        self._shown, self._since = to_picture((to_tensor(self._small) + change).clamp(0, 1)), 0


def _part(span: Span, side: int, small: int) -> slice:
    """Where a span of a side lies when the side is scaled down to ``small`` pixels; at least one of them."""
    first = span.start * small // side
    return slice(first, max(span.end * small // side, first + 1))
