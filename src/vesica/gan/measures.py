"""How near samples are to what was learned from: distances of sets of features, whichever network gave these.

On EfficientNet-Lite2 they are no one's FID or KID but ours: they can't be compared with those on Inception's features.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Features = NDArray[np.float64]
"""[n, d], one row a picture."""


def frechet(first: Features, second: Features) -> float:
    """FID's distance (Heusel et al., 2017): of two normal distributions with the means and covariances of both sets.

    0 where these are the same. It is larger the fewer rows there are, so only sets of one size can be compared.
    """
    mean1, mean2 = first.mean(0), second.mean(0)
    x = (first - mean1) / max(1, len(first) - 1) ** 0.5
    y = (second - mean2) / max(1, len(second) - 1) ** 0.5
    # The covariances' product has the squared singular values of x y', which are those of their triangles.
    triangles = [np.asarray(np.linalg.qr(one, mode="r")) for one in (x, y)]
    shared = scipy.linalg.svdvals(triangles[0] @ triangles[1].T).sum()
    apart = float(np.square(mean1 - mean2).sum() + np.square(x).sum() + np.square(y).sum() - 2 * shared)
    return max(0.0, apart)


def kernel_distance(first: Features, second: Features) -> float:
    """KID (Binkowski et al., 2018): squared maximum mean discrepancy under (x·y / d + 1)^3, without bias.

    Around 0, also below, where both sets are of one kind, however few rows there are.
    """

    def kernel(x: Features, y: Features) -> Features:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    xx, yy, xy = kernel(first, first), kernel(second, second), kernel(first, second)
    n, m = len(first), len(second)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())


def precision_recall(real: Features, made: Features, *, neighbours: int = 3) -> tuple[float, float]:
    """Share of made rows within reach of real ones, and of real ones within reach of made ones.

    Improved precision and recall (Kynkäänniemi et al., 2019): a row reaches as far as its third nearest neighbour of
    its own set. Low precision: much that is made looks like nothing real. Low recall: much that is real is never made.
    """
    across = _distances(made, real)
    return _within(across, _reach(real, neighbours)), _within(across.T, _reach(made, neighbours))


def _reach(rows: Features, neighbours: int) -> Features:
    # The nearest is the row itself.
    place = min(neighbours, len(rows) - 1)
    return np.asarray(np.partition(_distances(rows, rows), place, axis=1)[:, place])


def _within(distances: Features, reach: Features) -> float:
    return float((distances <= reach + 1e-9).any(1).mean())


def _distances(first: Features, second: Features) -> Features:
    squared = np.square(first).sum(1)[:, None] + np.square(second).sum(1) - 2 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


@dataclass(frozen=True)
class Nearest:
    """For each row asked, the nearest of those learned from: its place, and how far it is (0 to 2, by angle)."""

    places: NDArray[np.intp]
    distances: Features


def nearest(asked: Features, learned: Features, *, apart: NDArray[np.bool_] | None = None) -> Nearest:
    """The nearest learned row for each one asked, by 1 - cosine; pairs where ``apart`` says so do not count."""
    angles = 1 - _unit(asked) @ _unit(learned).T
    if apart is not None:
        angles = np.where(apart, np.inf, angles)
    places = angles.argmin(1)
    return Nearest(places, angles[np.arange(len(asked)), places])


def _unit(rows: Features) -> Features:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


@dataclass(frozen=True)
class Memory:
    """What samples owe to single pictures.

    share : of samples that are nearer to a learned picture than all but one in twenty of the pictures that were not
        learned from; around 0.05 where nothing was learned by heart, 1 where all are copies
    ratio : median distance of samples to what was learned, by that of the others; below 1 where samples are nearer
    bound : the distance that only one in twenty of the others is below
    """

    share: float
    ratio: float
    bound: float


def memory(samples: Nearest, others: Nearest) -> Memory:
    """Compare how near samples and other pictures of the kind are to what was learned from."""
    bound = float(np.quantile(others.distances, 0.05))
    return Memory(
        float((samples.distances < bound).mean()),
        float(np.median(samples.distances) / max(np.median(others.distances), 1e-12)),
        bound,
    )
