"""Which way a picture must change to come nearer to a style: one loss over all of it, computed tile by tile.

Statistics are sums over places, so tiles are visited twice: once to add up the sums of the whole picture, and once to
carry the slope of the loss by those sums down to the pixels. The result is that of one pass over the whole, in the
memory of a tile, and it does not depend on how many threads share the tiles.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vesica.image.network import Network
from vesica.image.style_loss import TINY, Statistics, style_loss
from vesica.image.tensors import reflected

ROWS, COLUMNS = 320, 640
"""Most pixels of a tile, without its margin."""

ALONE = 160
"""Rows up to which there is one tile; above there are two at least, for two threads."""

MARGIN = 32
"""Pixels of its neighbours that a tile sees: a network's edges see zeros."""

BORDER = 8
"""Pixels of reflected picture, at least, beyond its border, for the same reason."""

HELD = 700_000
"""Pixels of a picture up to which maps are held between the two visits; above, they are computed again."""

COLOURS = "colours"
"""The layer that is the picture itself: statistics of its colours."""

T = TypeVar("T")

Style = Mapping[str, Statistics]
"""Statistics of each layer, [channels] and [channels, channels]."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where in the picture which styles are aimed at together.

    styles : weight of each, and its statistics
    share : float32 [1, 1, height, width] of 0..1, or None for everywhere; the shares of all regions add up to 1
    """

    styles: Sequence[tuple[float, Style]]
    share: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows and columns that are seen, and which of those count."""

    down: slice
    inner_down: slice
    right: slice
    inner_right: slice

    def seen(self, x: Tensor) -> Tensor:
        """What the tile sees of ``x`` [1, channels, height, width], laid out as convolutions like it."""
        return x[:, :, self.down, self.right].contiguous(memory_format=torch.channels_last)

    def inner(self, maps: Tensor, stride: int = 1) -> Tensor:
        """What counts of a map of the tile, at ``stride`` pixels a place."""
        down, right = (slice(side.start // stride, side.stop // stride) for side in (self.inner_down, self.inner_right))
        return maps[:, :, down, right]


def tiles(height: int, width: int, grid: int) -> list[Tile]:
    """Tiles over a picture whose sides are multiples of ``grid``, row by row, cut on such multiples too."""
    across = _cut(width, -(-width // COLUMNS), grid)
    rows = max(-(-height // ROWS), 2 if height > ALONE else 1)
    return [Tile(*down, *right) for down in _cut(height, rows, grid) for right in across]


def _cut(size: int, count: int, grid: int) -> list[tuple[slice, slice]]:
    edges = [round(size * place / count / grid) * grid for place in range(count + 1)]
    margin = -(-MARGIN // grid) * grid
    sides = [(start, end, max(0, start - margin), min(size, end + margin)) for start, end in pairwise(edges)]
    return [(slice(first, last), slice(start - first, end - first)) for start, end, first, last in sides]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over places, float64: their share, the maps [channels], the maps' products [channels, channels]."""

    share: float
    first: Tensor
    second: Tensor

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.share + other.share, self.first + other.first, self.second + other.second)

    def statistics(self) -> Statistics:
        """Mean and covariance, float64."""
        mean = self.first / max(self.share, TINY)
        return Statistics(mean, self.second / max(self.share, TINY) - torch.outer(mean, mean))


def _flat(maps: Tensor) -> Tensor:
    """[places, channels] of a map [1, channels, height, width]."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def _sums(maps: Tensor, share: Tensor | None) -> Sums:
    flat = _flat(maps)
    if share is None:
        return Sums(len(flat), flat.sum(0, dtype=torch.float64), (flat.T @ flat).double())
    weighed = flat * share
    return Sums(share.double().sum().item(), weighed.sum(0, dtype=torch.float64), (weighed.T @ flat).double())


def _ordered(network: Network, layers: Collection[str]) -> tuple[str, ...]:
    return tuple(layer for layer in (COLOURS, *network.layers) if layer in layers)


class View:
    """A picture as tiles of a network that sees it past its border, its grid at one place."""

    def __init__(self, network: Network, layers: Collection[str], shift: tuple[int, int], height: int, width: int):
        """``shift``: pixels (down, right) by which the network's grid lies off the picture's."""
        self._network, self.height, self.width = network, height, width
        self.layers = _ordered(network, layers)
        grid = max(self.stride_of(layer) for layer in self.layers)
        self._before = BORDER + shift[0], BORDER + shift[1]
        sides = [
            -(-(size + before + BORDER) // grid) * grid
            for size, before in zip((height, width), self._before, strict=True)
        ]
        self._places = [
            reflected(size, side)[side - before : 2 * side - before]
            for size, side, before in zip((height, width), sides, self._before, strict=True)
        ]
        self.tiles = tiles(sides[0], sides[1], grid)

    def spread(self, x: Tensor) -> Tensor:
        """``x`` [1, channels, height, width] with its border reflected."""
        return x.index_select(2, self._places[0]).index_select(3, self._places[1])

    def maps(self, seen: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """The maps of what a tile sees, margin and all."""
        deep = tuple(layer for layer in layers if layer != COLOURS)
        return {COLOURS: seen, **(self._network.maps(seen, deep) if deep else {})}

    def inner(self, tile: Tile, layer: str, maps: Mapping[str, Tensor]) -> Tensor:
        """What counts of one of a tile's maps, or of their slopes: a view."""
        return tile.inner(maps[layer], self.stride_of(layer))

    def stride_of(self, layer: str) -> int:
        """Pixels per place of a layer."""
        return 1 if layer == COLOURS else self._network.stride_of(layer)

    def shares(self, tile: Tile, spread: Tensor | None, layers: Collection[str]) -> dict[str, Tensor | None]:
        """How much each place of each layer belongs to a region, [places, 1]; None for all of it."""
        if spread is None:
            return dict.fromkeys(layers)
        part = tile.inner(spread[:, :, tile.down, tile.right])
        return {layer: F.avg_pool2d(part, self.stride_of(layer)).reshape(-1, 1) for layer in layers}

    def joined(self, slopes: Iterable[Tensor]) -> Tensor:
        """The picture's slope out of those of what each tile sees, which add up where tiles overlap; without border."""
        whole = torch.zeros(1, 3, self.height, self.width)
        for tile, slope in zip(self.tiles, slopes, strict=True):
            down, seen_down = _shared(tile.down, self._before[0], self.height)
            right, seen_right = _shared(tile.right, self._before[1], self.width)
            whole[:, :, down, right] += slope[:, :, seen_down, seen_right]
        return whole


def _shared(side: slice, before: int, size: int) -> tuple[slice, slice]:
    """What a tile's side shares with a picture of ``size`` that begins ``before`` pixels in: its places in each."""
    start, stop = max(side.start - before, 0), min(side.stop - before, size)
    return slice(start, stop), slice(start + before - side.start, stop + before - side.start)


def style_of(network: Network, picture: Tensor, layers: Collection[str], pool: Executor) -> Style:
    """Statistics of a picture [1, 3, height, width], sRGB in 0..1, as float32."""
    view = View(network, layers, (0, 0), *picture.shape[-2:])
    spread = view.spread(picture)

    def count(tile: Tile) -> dict[str, Sums]:
        with torch.no_grad():
            maps = view.maps(tile.seen(spread), view.layers)
            return {layer: _sums(view.inner(tile, layer, maps), None) for layer in view.layers}

    counted = list(pool.map(count, view.tiles))
    found = {layer: reduce(Sums.__add__, [sums[layer] for sums in counted]).statistics() for layer in view.layers}
    return {layer: Statistics(one.mean.float(), one.covariance.float()) for layer, one in found.items()}


@dataclass(slots=True)
class _Held:
    """What does not change from step to step, for one place of the grid."""

    view: View
    content: list[Tensor]
    size: float
    shares: list[list[dict[str, Tensor | None]]]


class Objective:
    """The loss of a picture of one size against styles (by region) and content.

    Parameters
    ----------
    network : sees the pictures
    content : float32 [1, 3, height, width], sRGB in 0..1
    regions : what is aimed at where
    content_layer, content_weight : the map that says what stands where, and how much it counts against style
    pool : threads that each compute alone
    """

    def __init__(
        self,
        network: Network,
        content: Tensor,
        regions: Sequence[Region],
        *,
        content_layer: str,
        content_weight: float,
        pool: Executor,
    ) -> None:
        self._network, self._regions, self._pool = network, regions, pool
        self._content, self._content_layer, self._content_weight = content, content_layer, content_weight
        named = {layer for region in regions for _, style in region.styles for layer in style}
        self._style_layers = _ordered(network, named)
        self._layers = _ordered(network, {*named, content_layer})
        self._hold = content.shape[-2] * content.shape[-1] <= HELD
        self._known: dict[tuple[int, int], _Held] = {}

    def slope(
        self, picture: Tensor, shift: tuple[int, int], tick: Callable[[], None] | None = None
    ) -> tuple[Tensor, float]:
        """The gradient of the loss by the pixels of ``picture`` [1, 3, height, width], and the loss.

        shift : where the network's grid lies, in pixels (down, right) of 0 or more
        tick : called from the caller's thread after each tile of a large picture
        """
        held = self._held(shift)
        view, spread = held.view, held.view.spread(picture)
        if self._hold:
            tick = None

        def look(number: int) -> tuple[Tensor, dict[str, Tensor]]:
            seen = view.tiles[number].seen(spread).requires_grad_()
            return seen, view.maps(seen, self._layers)

        def count(number: int) -> tuple[tuple[Tensor, dict[str, Tensor]] | None, list[dict[str, Sums]], float]:
            with torch.set_grad_enabled(self._hold):
                seen, maps = look(number)
            with torch.no_grad():
                inner = {layer: view.inner(view.tiles[number], layer, maps) for layer in self._layers}
                sums = [{layer: _sums(inner[layer], share[layer]) for layer in share} for share in held.shares[number]]
                apart = (inner[self._content_layer] - held.content[number]).square().sum(dtype=torch.float64).item()
            return (seen, maps) if self._hold else None, sums, apart

        looked, counted, apart = zip(*_ticked(self._pool.map(count, range(len(view.tiles))), tick), strict=True)
        loss, pulls = self._pulls(counted)

        def climb(number: int) -> Tensor:
            seen, maps = looked[number] or look(number)
            tile = view.tiles[number]
            with torch.no_grad():
                inner = {layer: view.inner(tile, layer, maps) for layer in self._layers}
                gains = {
                    self._content_layer: (2 * self._content_weight / held.size)
                    * (inner[self._content_layer] - held.content[number])
                }
                for pull, share in zip(pulls, held.shares[number], strict=True):
                    for layer, (first, second) in pull.items():
                        gain = torch.addmm(first, _flat(inner[layer]), second)
                        weight = share[layer]
                        gain = gain if weight is None else gain * weight
                        gain = gain.reshape(*inner[layer].shape[-2:], -1).permute(2, 0, 1)[None]
                        gains[layer] = gains[layer] + gain if layer in gains else gain
            return self._carried(seen, maps, gains, view, tile)

        slopes = _ticked(self._pool.map(climb, range(len(view.tiles))), tick)
        return view.joined(slopes), loss + self._content_weight * sum(apart) / held.size

    def _carried(
        self, seen: Tensor, maps: Mapping[str, Tensor], gains: Mapping[str, Tensor], view: View, tile: Tile
    ) -> Tensor:
        """The slope by what a tile sees, out of the gains by what counts of its maps.

        It comes down from the deepest map, and each map's gain is added where it passes: autograd's own way, a slope as
        large as the map for each and their sum, takes a third more time.
        """

        def add(layer: str, slope: Tensor) -> None:
            view.inner(tile, layer, {layer: slope}).add_(gains[layer])

        *passed, deepest = (layer for layer in self._layers if layer != COLOURS)
        for layer in passed:
            maps[layer].register_hook(partial(add, layer))  # type: ignore[no-untyped-call]
        last = torch.zeros_like(maps[deepest])
        add(deepest, last)
        (slope,) = torch.autograd.grad(maps[deepest], seen, last)
        if COLOURS in gains:
            add(COLOURS, slope)
        return slope

    def _held(self, shift: tuple[int, int]) -> _Held:
        if shift not in self._known:
            view = View(self._network, self._layers, shift, *self._content.shape[-2:])
            spread = view.spread(self._content)
            spread_shares = [None if one.share is None else view.spread(one.share) for one in self._regions]

            def look(tile: Tile) -> Tensor:
                with torch.no_grad():
                    maps = view.maps(tile.seen(spread), (self._content_layer,))
                    return view.inner(tile, self._content_layer, maps).contiguous(memory_format=torch.channels_last)

            content = list(self._pool.map(look, view.tiles))
            size = sum(one.square().sum(dtype=torch.float64).item() for one in content)
            shares = [[view.shares(tile, one, self._style_layers) for one in spread_shares] for tile in view.tiles]
            if not self._hold:
                self._known.clear()
            self._known[shift] = _Held(view, content, max(size, TINY), shares)
        return self._known[shift]

    def _pulls(
        self, counted: Sequence[Sequence[Mapping[str, Sums]]]
    ) -> tuple[float, list[dict[str, tuple[Tensor, Tensor]]]]:
        """The styles' loss, and for each region and layer its slope by the sums: [channels], [channels, channels]."""
        first_layer = self._style_layers[0]
        area = sum(region[first_layer].share for tile in counted for region in tile)
        loss, pulls = 0.0, []
        for number, region in enumerate(self._regions):
            sums = {
                layer: reduce(Sums.__add__, [tile[number][layer] for tile in counted]) for layer in self._style_layers
            }
            for one in sums.values():
                one.first.requires_grad_(), one.second.requires_grad_()
            found = {layer: one.statistics() for layer, one in sums.items()}
            # A region counts by its area, so that its pixels are drawn to content and style as those of any other.
            share = sums[first_layer].share / area
            total = share * torch.stack([weight * style_loss(found, style) for weight, style in region.styles]).sum()
            slopes = torch.autograd.grad(total, [leaf for one in sums.values() for leaf in (one.first, one.second)])
            loss += total.item()
            pairs = zip(slopes[::2], slopes[1::2], strict=True)
            # The products' slope is symmetric, and each of its entries moves two of the maps' values.
            pulls.append(
                {layer: (first.float(), 2 * second.float()) for layer, (first, second) in zip(sums, pairs, strict=True)}
            )
        return loss, pulls


def _ticked(results: Iterable[T], tick: Callable[[], None] | None) -> Iterator[T]:
    for result in results:
        yield result
        if tick:
            tick()
