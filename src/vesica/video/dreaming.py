"""A dream that goes on from frame to frame: a few steps each, coarse to fine, that build on what was dreamt before."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vesica.image.bands import AXES, evened
from vesica.image.gain import Gain, tilted
from vesica.image.objective import parse_objective
from vesica.image.tensors import scaled
from vesica.image.tiles import cut
from vesica.video.params import DreamParams
from vesica.weights.efficientnet_lite import efficientnet_lite

SMALLEST = 32
"""Pixels of the shortest side below which a scale is left out."""

BEGINNING = 10
"""Steps at every scale with which a scene's first dream begins."""

BEGINNING_RATE = 0.009
"""Mean change of a pixel in one of them."""

Tell = Callable[[Tensor], None]
"""Called after each step with the view so far; may raise ``Cancelled``."""


@dataclass(frozen=True, slots=True)
class Dreamer:
    """What is looked for, and how.

    gains : what is looked for; several are mixed by shares that sum to 1
    """

    gains: tuple[Gain, ...]
    params: DreamParams
    generator: torch.Generator
    pool: Executor
    tell: Tell

    @classmethod
    def of(
        cls, wishes: Sequence[str], params: DreamParams, generator: torch.Generator, pool: Executor, tell: Tell
    ) -> "Dreamer":
        """One gain for each wish. Raises ``VesicaError`` for a wish that can't be read."""
        network, gains = efficientnet_lite(), []
        for wish in wishes:
            terms = parse_objective(wish)
            layers = tuple(sorted({term.layer for term in terms if term.layer and term.channel is None}))
            gains.append(Gain(network, terms, tilted(layers, params.variety, generator)))
        return cls(tuple(gains), params, generator, pool, tell)

    def balanced(self, view: Tensor) -> "Dreamer":
        """The same, with the terms of each wish pulling alike on ``view``."""
        tiles = cut(*_size(view), self.params.jitter, torch.Generator())
        return replace(self, gains=tuple(gain.balanced(view, tiles[len(tiles) // 2]) for gain in self.gains))

    def begun(self, view: Tensor, shares: Sequence[float] = (1.0,)) -> Tensor:
        """A whole dream into ``view`` [1, 3, height, width]: small scale first, each built on the last."""
        ground, dreamt = view, torch.zeros(1, 3, 1, 1)
        for height, width in _sizes(*_size(view), self.params):
            here = scaled(ground, height, width).clamp(0, 1)
            seen = (here + scaled(dreamt, height, width)).clamp(0, 1)
            for _ in range(BEGINNING):
                seen = (seen + BEGINNING_RATE * self._step(seen, shares)).clamp(0, 1)
                self.tell(seen)
            dreamt = seen - here
        return (ground + dreamt).clamp(0, 1)

    def deepened(
        self, view: Tensor, fps: float, shares: Sequence[float] = (1.0,), *, weight: Tensor | None = None
    ) -> Tensor:
        """``view`` after one frame more of dreaming: a step at every scale. ``weight``: how strongly where."""
        sizes = _sizes(*_size(view), self.params)
        for size in sizes:
            seen = scaled(view, *size).clamp(0, 1)
            change = self.params.rate / (fps * len(sizes)) * self._step(seen, shares)
            change = scaled(change, *_size(view))
            view = view + (change if weight is None else change * weight)
            self.tell(view)
        return view

    def _step(self, seen: Tensor, shares: Sequence[float]) -> Tensor:
        """The direction to climb in, of mean absolute value 1."""
        tiles = cut(*_size(seen), self.params.jitter, self.generator)
        whole = torch.zeros_like(seen)
        for gain, share in zip(self.gains, shares, strict=True):
            if share <= 0:
                continue
            slope = torch.empty_like(seen)
            for tile, part in zip(
                tiles, self.pool.map(lambda tile, gain=gain: gain.slope(seen, tile), tiles), strict=True
            ):
                slope[tile.core] = part
            for rows, step in evened(slope, self.params.colour, self.pool):
                whole[:, :, rows] += share * step
        return whole


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]


def _sizes(height: int, width: int, params: DreamParams) -> list[tuple[int, int]]:
    """Height and width of each scale, small to large."""
    scales = [params.ratio**-octave for octave in reversed(range(params.octaves))]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales]
    return [size for size in sizes if min(size) >= SMALLEST] or [(height, width)]


@dataclass(frozen=True, slots=True)
class Tone:
    """Mean and spread of a picture's light and of its two colours, float64 [3]: what a long dream must not lose."""

    mean: Tensor
    spread: Tensor

    @classmethod
    def of(cls, view: Tensor) -> "Tone":
        flat = torch.einsum("ij,bjhw->ihw", AXES, view).double().flatten(1)
        mean = flat.mean(1)
        return cls(mean, (flat - mean[:, None]).square().mean(1).sqrt().clamp_min(1e-4))

    def mixed(self, other: "Tone", share: float) -> "Tone":
        """Between this and another."""
        return Tone(self.mean.lerp(other.mean, share), self.spread.lerp(other.spread, share))

    def pull(self, view: Tensor, share: float) -> Tensor:
        """``view`` brought nearer to this by ``share`` of the way."""
        here = Tone.of(view)
        gain = (1 + share * ((self.spread / here.spread).clamp(0.25, 2) - 1)).float().view(3, 1, 1)
        mean, aim = here.mean.float().view(3, 1, 1), (here.mean.lerp(self.mean, share)).float().view(3, 1, 1)
        axes = torch.einsum("ij,bjhw->bihw", AXES, view)
        return torch.einsum("ij,bihw->bjhw", AXES, (axes - mean) * gain + aim)


def leak(fps: float, seconds: float) -> float:
    """The share that is left of something after a frame, if a third of it is left after ``seconds``."""
    return math.exp(-1 / (fps * seconds))
