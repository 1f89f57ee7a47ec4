"""Titles: words that the brief calls up, set into the shapes that titles have.

The model follows each shape word by word in two minds, one that knows the brief and one that does not. A beam keeps
the words that are likely in the first and much likelier there than in the second: pointwise mutual information, so
that the title belongs to this brief. Of what is left, sense decides: near the brief, but not the brief again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError
from vesica.text.lexicon import PEOPLE, QUALITIES, RESTS, STUFF, TAKES, THINGS, UNSEEMLY, WORN, singular, stem
from vesica.text.llama_c import SEQUENCES, LlamaC
from vesica.text.prosody import LETTERS, SMALL, sounds, words_of
from vesica.text.sampling import log_softmax
from vesica.weights.minilm import embed

SHAPES = tuple(
    tuple(shape.split())
    for shape in (
        "the QUALITY THING",
        "the QUALITY THINGS",
        "QUALITY THINGS",
        "STUFF and STUFF",
        "THINGS and STUFF",
        "after the THING",
        "after the QUALITY THING",
        "before the THING",
        "under the THING",
        "what the THING TAKES",
        "what the PERSON TAKES",
        "where the THING RESTS",
        "the night the THING RESTS",
        "the PERSON and the THING",
        "a THING of STUFF",
        "all the QUALITY THINGS",
        "a year of THINGS",
        "THINGS without THINGS",
        "THINGS for the THING",
        "STUFF on the THING",
    )
)
"""Shapes of titles: words as they stand, and in capitals the class that a word is drawn from."""

PLAIN = frozenset({"old", "new"})
"""Qualities that a title gains nothing from."""

WAYS = 3
"""Words tried in one place of a shape; one more in the first."""

TOGETHER = 60
"""Titles under way at once."""

FINAL = 48
"""Titles judged with care."""

LIKELY = 0.45
"""What a word's log-probability is worth beside its information about the brief."""

BOLD = 0.5
"""How far chance moves a word's score, in nats at temperature 1."""

NEAR = (0.3, 0.65)
"""Cosines between title and brief within which a title is neither astray nor the brief again."""

SHOWN = (
    ("Two brothers run a ferry until the bridge is built.", "the last crossing"),
    ("A woman learns the names of birds after her husband dies.", "what the wren said"),
    ("Portraits of bakers at work before dawn.", "flour and lamplight"),
    ("The year the orchard was sold.", "ladders in the grass"),
    ("A boy repairs clocks in a town that is about to be flooded.", "under the stopped clock"),
    ("Letters from a soldier to his mother.", "the folded shirt"),
)
"""Briefs and titles of our own, which show the model what a title is. In small letters, as most words then are one
token."""

ELSEWHERE = "A story."

LOWER = frozenset(
    {"a", "an", "the", "and", "but", "or", "nor", "for", "of", "to", "in", "on", "at", "by", "from", "with", "as"}
)


@dataclass(frozen=True, slots=True)
class Title:
    """A title under way: words so far, the texts that hold it with and without the brief, and what its words say."""

    shape: tuple[str, ...]
    words: tuple[str, ...] = ()
    score: float = 0.0
    told: tuple[float, ...] = ()
    texts: tuple[int, int] = (0, 0)


@cache
def classes(door: LlamaC) -> dict[str, tuple[tuple[str, ...], NDArray[np.intp]]]:
    """By class, the words of it that are one token of the model, and these tokens."""
    found: dict[str, dict[str, int]] = {
        name: {} for name in ("THING", "STUFF", "THINGS", "PERSON", "QUALITY", "RESTS", "TAKES")
    }
    for token in range(door.size):
        text = door.piece(token).decode("utf-8", "replace")
        word = text[1:]
        if text[:1] != " " or not LETTERS.fullmatch(word) or word in WORN or word in UNSEEMLY:
            continue
        many = singular(word) in THINGS
        for name, is_one in (
            ("THING", word in THINGS),
            ("STUFF", word in STUFF),
            ("THINGS", many),
            ("PERSON", word in PEOPLE and not singular(word)),
            ("QUALITY", word in QUALITIES - PLAIN),
            ("RESTS", word in RESTS),
            ("TAKES", word in TAKES),
        ):
            if is_one:
                found[name][word] = token
    return {name: (tuple(words), np.array(list(words.values()), np.intp)) for name, words in found.items()}


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


def decent(title: str) -> bool:
    """Whether a title is one: two to six known words, none worn out or said twice."""
    words = [word.lower() for word in words_of(title)]
    content = [stem(word) for word in words if word not in SMALL]
    return (
        2 <= len(words) <= 6
        and bool(content)
        and len(set(content)) == len(content)
        and all(sounds(word) for word in words)
        and not (WORN | UNSEEMLY) & set(words)
        and words[-1] not in SMALL
        and title.lower() not in {shown for _, shown in SHOWN}
    )


def title(
    door: LlamaC, brief: str, *, temperature: float, seed: int, listen: Callable[[int, str], None] = lambda *_: None
) -> str:
    """The best of many titles for a brief. ``listen`` hears how many steps are done, and the best words so far."""
    found = sorted(_drawn(door, brief, temperature, seed, listen), key=lambda title: -title.score)[:FINAL]
    if not found:
        raise VesicaError("The model found no title for this brief; say it in other words, or try another seed.")
    drafts = [title_case(" ".join(title.words)) for title in found]
    # Of several good ones each seed should find its own.
    chance = np.random.Generator(np.random.PCG64([seed, 1])).gumbel(size=len(drafts)) * BOLD * temperature
    return drafts[int(np.argmax(scores(found, drafts, brief) + chance))]


def scores(found: Sequence[Title], drafts: Sequence[str], brief: str) -> NDArray[np.float64]:
    """How good titles are: what their words score, the word that says least, nearness in sense, and new words."""
    rows = embed([brief, *drafts]).astype(np.float64)
    near = rows[1:] @ rows[0]
    new = np.array([novelty(draft, brief) for draft in drafts])
    words = np.array([title.score / max(1, len(title.told)) for title in found])
    least = np.array([min(title.told) for title in found])
    thin = np.array([len(title.told) == 1 for title in found])
    far = np.maximum(NEAR[0] - near, 0) + np.maximum(near - NEAR[1], 0)
    result: NDArray[np.float64] = (
        words + np.minimum(least, 1.0) - 0.8 * thin - 8 * far - 1.5 * (new == 0) + 0.7 * ((new > 0.3) & (new < 1))
    )
    return result.round(4)


def _drawn(door: LlamaC, brief: str, temperature: float, seed: int, listen: Callable[[int, str], None]) -> list[Title]:
    """Finished titles of all shapes."""
    generator = np.random.Generator(np.random.PCG64(seed))
    listen(0, "")
    shown = door.tokens("".join(f"Brief: {told}\nTitle: {title}\n\n" for told, title in SHOWN))
    door.clear()
    door.read(shown, 0)
    listen(1, "")
    heads, rows, at = [], [], []
    for text, told in enumerate((brief, ELSEWHERE), 1):
        door.copy(0, text)
        tail = door.tokens(f"Brief: {told}\nTitle:")
        rows.append(log_softmax(door.read(tail, text, at=len(shown))))
        heads.append(text)
        at.append(len(shown) + len(tail))
        listen(1 + text, "")
    ways = [(Title(shape, texts=(1, 2)), rows[0], rows[1]) for shape in SHAPES]
    finished: list[Title] = []
    for place in range(max(len(shape) for shape in SHAPES)):
        fresh = [
            title for way, here, anywhere in ways for title in _next(door, way, here, anywhere, temperature, generator)
        ]
        finished += [title for title in fresh if len(title.words) == len(title.shape) and decent(" ".join(title.words))]
        fresh = [title for title in fresh if len(title.words) < len(title.shape)]
        listen(4 + place, title_case(" ".join(max(finished or fresh, key=lambda title: title.score).words)))
        ways = _read(door, fresh, at, place, {title.texts for title, _, _ in ways})
    return finished


def _next(
    door: LlamaC,
    way: Title,
    here: NDArray[np.float64],
    anywhere: NDArray[np.float64],
    temperature: float,
    generator: np.random.Generator,
) -> list[Title]:
    """A title one word on, in the best ways."""
    slot = way.shape[len(way.words)]
    if slot.islower():
        return [Title(way.shape, (*way.words, slot), way.score, way.told, way.texts)]
    names, tokens = classes(door)[slot]
    told = np.clip(here[tokens] - anywhere[tokens], -2, 3)
    worth = told + LIKELY * here[tokens]
    noisy = worth + generator.gumbel(size=len(tokens)) * BOLD * temperature
    best = np.argsort(-noisy, kind="stable")[: WAYS + (not way.told)]
    return [
        Title(
            way.shape,
            (*way.words, names[one]),
            way.score + float(worth[one]),
            (*way.told, float(told[one])),
            way.texts,
        )
        for one in best
    ]


def _read(
    door: LlamaC, titles: Sequence[Title], at: Sequence[int], place: int, before: set[tuple[int, int]]
) -> list[tuple[Title, NDArray[np.float64], NDArray[np.float64]]]:
    """Titles with what comes next, with the brief and without."""
    if not titles:
        return []
    titles = sorted(titles, key=lambda title: -title.score)[:TOGETHER]
    taken = {text for texts in before for text in texts} | {0, 1, 2}
    free = iter(text for text in range(3, SEQUENCES) if text not in taken)
    fresh, items = [], []
    for title in titles:
        texts = (next(free), next(free))
        token = door.tokens(f" {title.words[-1]}")[0]
        for source, text, start in zip(title.texts, texts, at, strict=True):
            door.copy(source, text)
            items.append((token, start + place, text, True))
        fresh.append(Title(title.shape, title.words, title.score, title.told, texts))
    rows = log_softmax(door.step(items))
    for texts in before - {(1, 2)}:
        for text in texts:
            door.drop(text)
    return [(title, rows[2 * number], rows[2 * number + 1]) for number, title in enumerate(fresh)]
