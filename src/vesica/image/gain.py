"""How much of what a dream looks for a view shows: one number, to be climbed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vesica.image.fourier import turned
from vesica.image.objective import Term
from vesica.image.tiles import Tile
from vesica.weights.efficientnet_lite import EfficientNetLite, channels_of, stride_of

LAST = "b15"
"""The map from which the network names things."""

VIEW = 7
"""Side of the window in which a thing is looked for, in cells of the last map: 224 pixels, as the network learned."""

WINDOW_STEP = 2
"""Cells from one such window to the next."""

SPREAD = 2.0
"""How much less (in logits) another window may show of a thing to count for a third as much."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What is looked for, ready to be measured on tiles of a picture.

    tilts : by layer, the weight of each of its channels, float32 [1, channels, 1, 1]; empty for alike
    guides : by layer, what a guide picture shows there
    """

    network: EfficientNetLite
    terms: tuple[Term, ...]
    tilts: Mapping[str, Tensor] = field(default_factory=dict)
    guides: Mapping[str, "Guide"] = field(default_factory=dict)

    def of(self, seen: Tensor, tile: Tile, size: tuple[int, int]) -> Tensor:
        """The weighted sum of all terms in what ``tile`` of a picture of ``size`` sees; differentiable.

        Each map's values are summed up, so that every tile pulls as it would inside the whole.
        """
        single = {term.layer for term in self.terms if term.channel is not None}
        whole = {term.layer for term in self.terms if term.layer and term.channel is None}
        named = {LAST for term in self.terms if term.label is not None}
        # A channel is wanted before its ReLU6, which gives no direction where the channel is silent. A layer that is
        # wanted both ways is wanted before it too: its squares differ little.
        maps = self.network.maps(seen, tuple(sorted(single | whole | named)), linear=single)
        return torch.stack([term.weight * self._part(term, maps, tile, size) for term in self.terms]).sum()

    def _part(self, term: Term, maps: Mapping[str, Tensor], tile: Tile, size: tuple[int, int]) -> Tensor:
        if term.label is not None:
            return self._named(term.label, maps[LAST])
        shown = maps[term.layer]
        if term.channel is not None and term.place is not None:
            return _unit(shown[0, term.channel], term, tile, size)
        if term.channel is not None:
            return F.softplus(shown[:, term.channel]).square().sum()
        if term.layer in self.guides:
            return self.guides[term.layer].likeness(shown)
        return (shown.square() * self.tilts.get(term.layer, 1.0)).sum()

    def _named(self, label: int, last: Tensor) -> Tensor:
        """How far a class stands out from the others, in windows of the size that the network learned at.

        A soft maximum over the windows, so that a thing grows whole where it shows most, and not in parts everywhere.
        """
        inner = self.network.head(last)
        window = min(VIEW, inner.shape[2]), min(VIEW, inner.shape[3])
        logits = self.network.logits(F.avg_pool2d(inner, window, WINDOW_STEP).permute(0, 2, 3, 1))
        return SPREAD * ((logits[..., label] - logits.mean(-1)) / SPREAD).logsumexp((0, 1, 2))

    @property
    def names(self) -> bool:
        """Whether a thing is looked for by its name: it must be seen whole, and from more than one side."""
        return any(term.label is not None for term in self.terms)

    def slope(self, picture: Tensor, tile: Tile, turn: Tensor | None = None) -> Tensor:
        """Gradient of the gain by the pixels of ``picture`` [1, 3, height, width] that ``tile`` counts for.

        turn : how what is seen is turned first, as drawn by ``fourier.drawn``
        """
        seen = tile.seen(picture).contiguous(memory_format=torch.channels_last).requires_grad_()
        view = seen if turn is None else turned(seen, turn).contiguous(memory_format=torch.channels_last)
        (slope,) = torch.autograd.grad(self.of(view, tile, (picture.shape[2], picture.shape[3])), seen)
        return tile.inner(slope)

    def balanced(self, picture: Tensor, tile: Tile) -> "Gain":
        """The same, its terms weighted so that those of equal weight begin with an equal pull on ``tile``."""
        if len(self.terms) == 1:
            return self
        alone = [replace(self, terms=(replace(term, weight=1.0),)) for term in self.terms]
        pulls = [one.slope(picture, tile).double().square().mean().sqrt().item() for one in alone]
        terms = [
            replace(term, weight=term.weight / max(pull, 1e-12)) for term, pull in zip(self.terms, pulls, strict=True)
        ]
        return replace(self, terms=tuple(terms))


def _unit(channel: Tensor, term: Term, tile: Tile, size: tuple[int, int]) -> Tensor:
    """The value of ``channel`` [height, width] at the term's place; no pull where the tile does not hold the place."""
    assert term.place
    stride = stride_of(term.layer)
    right, down = (share * (side - 1) for share, side in zip(term.place, (size[1], size[0]), strict=True))
    if not (tile.down.start <= down < tile.down.end and tile.right.start <= right < tile.right.end):
        return channel.sum() * 0
    row, column = int(down - tile.down.first) // stride, int(right - tile.right.first) // stride
    return channel[min(row, channel.shape[0] - 1), min(column, channel.shape[1] - 1)]


@dataclass(frozen=True, slots=True)
class Guide:
    """What a guide picture shows in one layer.

    spread : root mean square of each channel, float32 [channels]
    places : what stands at each place, divided by ``spread``, float32 [places, channels]
    """

    spread: Tensor
    places: Tensor

    def likeness(self, shown: Tensor) -> Tensor:
        """How near each place of a map [1, channels, height, width] is to the place of the guide most like it."""
        here = shown[0].flatten(1).T / self.spread
        with torch.no_grad():
            best = (F.normalize(here) @ F.normalize(self.places).T).argmax(1)
        return -(here - self.places[best]).square().sum()


def guide_of(network: EfficientNetLite, picture: Tensor, layers: tuple[str, ...]) -> dict[str, Guide]:
    """What ``picture`` [1, 3, height, width] shows in each of ``layers``."""
    with torch.no_grad():
        maps = network.maps(picture, layers)
    shown = {layer: maps[layer][0].flatten(1).T for layer in layers}
    spreads = {layer: x.double().square().mean(0).sqrt().float().clamp_min(1e-3) for layer, x in shown.items()}
    return {layer: Guide(spreads[layer], shown[layer] / spreads[layer]) for layer in layers}


def tilted(layers: tuple[str, ...], variety: float, generator: torch.Generator) -> dict[str, Tensor]:
    """A weight of each channel of each layer, of mean 1: the larger ``variety``, the further apart."""
    drawn = {layer: torch.randn(1, channels_of(layer), 1, 1, generator=generator) for layer in layers}
    tilts = {layer: (variety * x.double()).exp() for layer, x in drawn.items()}
    return {layer: (x / x.mean()).float() for layer, x in tilts.items()}
