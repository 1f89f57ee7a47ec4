"""Titles: many short drafts under a grammar; the one that says most of its brief, in words of its own, is kept."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError
from vesica.text.lexicon import UNSEEMLY, WORN, stem
from vesica.text.likelihood import likelihoods
from vesica.text.llama_c import LlamaC
from vesica.text.model import Door, takes
from vesica.text.prosody import SMALL, sounds, words_of
from vesica.text.sampling import Sampling
from vesica.weights.minilm import embed

DRAFTS = 24
"""Titles drawn at once."""

GRAMMAR = """
root ::= word (" " word){1,5} "\\n"
word ::= [A-Z]? [a-z]+ ("'s")?
"""

SHOWN = (
    ("Two brothers run a ferry until the bridge is built.", "The Last Crossing"),
    ("A woman learns the names of birds after her husband dies.", "What the Wren Said"),
    ("Portraits of bakers at work before dawn.", "Flour and Lamplight"),
    ("The year the orchard was sold.", "Apples for Nobody"),
    ("A boy repairs clocks in a town that is about to be flooded.", "Water Time"),
)
"""Briefs and titles of our own, which show the model what a title is."""

LOWER = frozenset(
    {"a", "an", "the", "and", "but", "or", "nor", "for", "of", "to", "in", "on", "at", "by", "from", "with", "as"}
)


def opening(brief: str) -> str:
    """What the model reads before it writes a title."""
    shown = "".join(f"Brief: {told}\nTitle: {title}\n\n" for told, title in SHOWN)
    return f"{shown}Brief: {brief}\nTitle:"


def title_case(text: str) -> str:
    """A title in capitals and small letters, as English sets them."""
    words = text.split()
    cased = [
        word.lower() if word.lower() in LOWER and 0 < place < len(words) - 1 else word[:1].upper() + word[1:]
        for place, word in enumerate(words)
    ]
    return " ".join(cased)


def novelty(title: str, brief: str) -> float:
    """The share of a title's content words that the brief does not have already."""
    told = {stem(word.lower()) for word in words_of(brief)}
    own = [stem(word.lower()) for word in words_of(title) if word.lower() not in SMALL]
    return sum(word not in told for word in own) / len(own) if own else 0.0


def decent(title: str, brief: str) -> bool:
    """Whether a title is one: two to six words, none worn out, made up or said twice, no author."""
    words = [word.lower() for word in words_of(title)]
    content = [stem(word) for word in words if word not in SMALL]
    told = {word.lower() for word in words_of(brief)}
    return (
        2 <= len(words) <= 6
        and bool(content)
        and len(set(content)) == len(content)
        and all(sounds(word) or word in told for word in words)
        and not WORN & set(words)
        and not UNSEEMLY & set(words)
        and words[-1] not in SMALL
        and words[0] not in {"by", "title", "brief"}
        and not re.search(r"\b(?:by|chapter|volume|part)\b", title.lower())
        and title not in {shown for _, shown in SHOWN}
    )


def title(
    door: Door, brief: str, how: Sampling, *, seed: int, listen: Callable[[int, str], None] = lambda *_: None
) -> str:
    """The best of many titles for a brief. ``listen`` hears how many tokens are drawn, and the first draft so far."""
    drafts: list[str] = []
    for round_ in range(4):
        drawn = [""] * DRAFTS
        seeds = np.random.SeedSequence([seed, round_]).generate_state(DRAFTS).tolist()
        for heard, (take, piece) in enumerate(
            takes(door, opening(brief), how, seeds=seeds, tokens=14, stop=["\n"], grammar=GRAMMAR)
        ):
            drawn[take] += piece
            listen(heard, drawn[0].strip())
        drafts = sorted({cased for take in drawn if decent(cased := title_case(take.strip()), brief)})
        if len(drafts) >= 3:
            break
    if not drafts:
        raise VesicaError("The model found no title for this brief; say it in other words, or try another seed.")
    return drafts[int(np.argmax(scores(door, drafts, brief)))]


def scores(door: Door, drafts: list[str], brief: str) -> NDArray[np.float64]:
    """How good each title is: its information about the brief, its likelihood, nearness in sense, and new words."""
    here = anywhere = np.zeros(len(drafts))
    if isinstance(door, LlamaC):
        tokens = [door.tokens(f" {draft}\n") for draft in drafts]
        here = likelihoods(door, door.tokens(opening(brief)), tokens)
        anywhere = likelihoods(door, door.tokens(opening("A story.")), tokens)
    rows = embed([brief, *drafts]).astype(np.float64)
    near = rows[1:] @ rows[0]
    new = np.array([novelty(draft, brief) for draft in drafts])
    result: NDArray[np.float64] = (here - anywhere) + 0.4 * here + 1.5 * near + 1.2 * np.minimum(new, 0.7)
    result[new == 0] -= 3
    return result.round(6)
