"""What the picture engines ask of a network: maps by name, and how coarse each is."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Network(Protocol):
    """A frozen network that sees pictures, whichever it is."""

    @property
    def name(self) -> str:
        """What statistics of its maps are kept under; two networks of one name give the same maps."""

    @property
    def layers(self) -> Sequence[str]:
        """Names of the maps that can be asked for, shallow to deep."""

    @property
    def style_layers(self) -> Sequence[str]:
        """The maps that a style is told by: strokes from fine to broad."""

    @property
    def content_layer(self) -> str:
        """The map that says what stands where."""

    @property
    def segment_layer(self) -> str:
        """A deep map, which says what a place is rather than how it looks."""

    def maps(self, pictures: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Maps [n, channels, height / stride, width / stride] of pictures [n, 3, height, width], sRGB in 0..1.

        Computed no deeper than needed, each out of the ones before it; differentiable by the pictures.
        """

    def stride_of(self, layer: str) -> int:
        """Pixels of the picture per pixel of the map ``layer``."""
