"""Choosing the next token from logits: temperature, min-p, and DRY against repetition. Exact for a given generator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    temperature : 1 is the model's own distribution; lower is safer
    min_p : tokens less likely than this share of the likeliest are left out (Nguyen et al., "Min-p", 2024)
    dry : strength of the penalty on going on with a passage that stood before; 0 is none ("Don't repeat yourself",
        p-e-w, 2024), ``base`` its growth with each token of the passage, ``free`` the length that costs nothing
    """

    temperature: float = 0.8
    min_p: float = 0.05
    dry: float = 0.8
    base: float = 1.75
    free: int = 2


def draw(logits: Logits, history: Sequence[int], how: Sampling, generator: np.random.Generator) -> int:
    """The next token after ``history``."""
    scores = logits.astype(np.float64)
    if how.dry:
        for token, length in repeats(history).items():
            if length > how.free:
                scores[token] -= how.dry * how.base ** (length - how.free)
    scores = (scores - scores.max()) / how.temperature
    likely = np.flatnonzero(scores >= np.log(max(how.min_p, 1e-12)))
    shares = np.exp(scores[likely])
    return int(likely[np.searchsorted(np.cumsum(shares), generator.random() * shares.sum(), side="right")])


def repeats(history: Sequence[int], *, most: int = 24, reach: int = 600) -> dict[int, int]:
    """Tokens that would go on with a passage of ``history`` that its end repeats, and that passage's length."""
    recent = list(history[-reach:])
    found: dict[int, int] = {}
    for place in range(len(recent) - 1):
        if recent[place] == recent[-1]:
            length = 1
            while length < min(most, place + 1) and recent[place - length] == recent[-1 - length]:
                length += 1
            found[recent[place + 1]] = max(found.get(recent[place + 1], 0), length)
    return found


def log_softmax(logits: Logits) -> NDArray[np.float64]:
    """Log-probabilities [..., vocabulary] in float64."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    result: NDArray[np.float64] = wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return result
