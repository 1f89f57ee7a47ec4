"""How likely the model finds a text after another: the ground of every choice between drafts.

Ranking by likelihood alone puts the most general sentence first. Pointwise mutual information (Li et al., "A
diversity-promoting objective function", 2016) asks instead how much likelier a text is here than anywhere.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vesica.text.llama_c import BATCH, SEQUENCES, LlamaC
from vesica.text.sampling import log_softmax

TOGETHER = 16
"""Texts tried at once."""

FIRST = SEQUENCES - TOGETHER - 1
"""The sequence that the first text is tried in; those before it are the caller's."""


def likelihoods(
    door: LlamaC, start: Sequence[int], texts: Sequence[Sequence[int]], *, held: int | None = None
) -> NDArray[np.float64]:
    """Mean log-probability of each text's tokens after ``start``, in nats; see ``each_likelihood``."""
    return np.array([each.mean() for each in each_likelihood(door, start, texts, held=held)])


def each_likelihood(
    door: LlamaC, start: Sequence[int], texts: Sequence[Sequence[int]], *, held: int | None = None
) -> list[NDArray[np.float64]]:
    """Log-probability of each token of each text after ``start``, in nats.

    ``held`` is the sequence in which the model already holds ``start``; None reads it first.
    """
    base = FIRST + TOGETHER if held is None else held
    head, tail = list(start[:-1]), start[-1]
    if held is None:
        door.drop(base)
        if head:
            door.read(head, base)
    found = []
    for part in _parts([list(text[:BATCH]) or [tail] for text in texts]):
        items: list[tuple[int, int, int, bool]] = []
        spans = []
        for place, text in enumerate(part):
            door.copy(base, FIRST + place)
            # The last token of the start is read again, for the logits after it.
            door.drop(FIRST + place, after=len(head))
            spans.append(slice(len(items), len(items) + len(text)))
            read = [tail, *text[:-1]]
            items += [(token, len(head) + i, FIRST + place, True) for i, token in enumerate(read)]
        rows = door.step(items)
        for place, (text, span) in enumerate(zip(part, spans, strict=True)):
            found.append(log_softmax(rows[span])[np.arange(len(text)), text])
            door.drop(FIRST + place)
    if held is None:
        door.drop(base)
    return found


def _parts(texts: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Texts in order, as many together as one pass takes."""
    part: list[list[int]] = []
    for text in texts:
        if len(part) == TOGETHER or sum(map(len, part)) + len(text) > BATCH:
            yield part
            part = []
        part.append(text)
    if part:
        yield part
