"""A judge of what a generator of pictures makes: it looks through EfficientNet-Lite2, which no discriminator saw."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from vesica.gan.crops import Crops
from vesica.gan.draws import draw
from vesica.gan.measures import (
    Features,
    Memory,
    Nearest,
    frechet,
    kernel_distance,
    memory,
    nearest,
    precision_recall,
)

SEES = 128
"""Pixels a side at which the judge looks at smaller samples."""

AT_ONCE = 16

MOST_VIEWS = 2000
"""Views of what was learned with which samples are compared; of more pictures each has fewer."""

Look = Callable[[Tensor], Tensor]
"""Features [n, d] of pictures [n, 3, side, side] in 0..1."""


def features(samples: Tensor, look: Look, pool: Executor) -> Features:
    """Features [n, d] of samples [n, 3, size, size] in -1..1."""

    def some(first: int) -> Tensor:
        with torch.no_grad():
            x = (samples[first : first + AT_ONCE] + 1) / 2
            if x.shape[-1] < SEES:
                x = F.interpolate(x, (SEES, SEES), mode="bilinear", align_corners=False)
            return look(x.contiguous(memory_format=torch.channels_last))

    found = torch.cat(list(pool.map(some, range(0, len(samples), AT_ONCE))))
    return np.asarray(found.double().numpy())


def reals(crops: Crops, count: int, seed: int) -> Tensor:
    """``count`` samples of real pictures, each picture as often as any other."""
    return torch.stack([crops.sample(number % len(crops), draw(seed, "judged", number)) for number in range(count)])


@dataclass(frozen=True)
class Copying:
    """How near samples are to what was learned: for each sample the nearest view, and what it adds up to.

    nearest : places among ``views``; ``held_out`` says whether the others were pictures held out, or else those learned
        from, each against all but itself
    """

    memory: Memory
    nearest: Nearest
    views: Tensor
    held_out: bool


def copying(samples: Tensor, learned: Crops, held_out: Crops | None, look: Look, pool: Executor) -> Copying:
    """Find the nearest view, shifted and mirrored, of what was learned from for each sample."""
    fewer = max(2, MOST_VIEWS // max(1, len(learned)))
    views, owners = _views(learned, fewer)
    known = features(views, look, pool)
    mine = nearest(features(samples, look, pool), known)
    if held_out is not None:
        others = nearest(features(_views(held_out, fewer)[0], look, pool), known)
    else:
        others = nearest(known, known, apart=owners[:, None] == owners[None, :])
    return Copying(memory(mine, others), mine, views, held_out is not None)


def _views(crops: Crops, most: int) -> tuple[Tensor, NDArray[np.intp]]:
    """Views of all pictures, and to which picture each belongs."""
    parts = []
    for place in range(len(crops)):
        seen = crops.views(place)
        parts.append(seen[torch.linspace(0, len(seen) - 1, min(most, len(seen))).round().long()])
    owners = [place for place, part in enumerate(parts) for _ in range(len(part))]
    return torch.cat(parts), np.array(owners, np.intp)


def distances(real: Features, made: Features) -> dict[str, float]:
    """All distances of a set of samples from as many real ones, by the names that the card has for them."""
    precision, recall = precision_recall(real, made)
    return {
        "kid_lite2": kernel_distance(real, made),
        "fid_lite2": frechet(real, made),
        "precision": precision,
        "recall": recall,
    }


def most_varied(rows: Features, count: int) -> Sequence[int]:
    """``count`` rows that differ the most from one another, the first row among them: farthest point first."""
    chosen = [0]
    far = _far(rows, 0)
    while len(chosen) < min(count, len(rows)):
        chosen.append(int(far.argmax()))
        far = np.minimum(far, _far(rows, chosen[-1]))
    return chosen


def _far(rows: Features, place: int) -> Features:
    return np.asarray(np.square(rows - rows[place]).sum(1))
