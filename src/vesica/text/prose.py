"""The next sentences: several drafts of each, the one that says most of the story so far is kept.

A small model loses a scene after two sentences, so each sentence is chosen before the next is drawn. Drafts that say
again what stands already, or that break off, are left out; DRY keeps phrases from coming back.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError
from vesica.text.lexicon import UNSEEMLY
from vesica.text.likelihood import likelihoods
from vesica.text.llama_c import CONTEXT, LlamaC
from vesica.text.model import Door, takes
from vesica.text.prosody import words_of
from vesica.text.sampling import Sampling
from vesica.text.stream import fitted, go_on
from vesica.weights.minilm import embed

MOST = 48
"""Tokens of the longest sentence drawn; one that is longer is drawn again."""

READ = 2048
"""Tokens of the story that are read: its end, as reading is what costs time."""

AGAIN = 0.86
"""Cosine from which two sentences say the same."""

REMEMBERED = 24
"""Sentences before that a new one must differ from."""

SENTENCE = re.compile(r".+?[.!?…]+[\"'”’)]*(?=\s|$)", re.S)


def sentences(text: str) -> list[str]:
    """The whole sentences of a text."""
    return [" ".join(found.split()) for found in SENTENCE.findall(text)]


def joined(text: str, more: str) -> str:
    """A text with a sentence after it, and one space or line end between."""
    return more if not text or text[-1].isspace() else f"{text} {more}"


def opening(about: str, text: str) -> str:
    """What the model reads: the subject in brackets, then the story."""
    note = f"[{about}]\n\n" if about else "" if text.strip() else "[A short story.]\n\n"
    return note + (text.rstrip(" ") if text.strip() else "")


def prose(
    door: Door,
    text: str,
    about: str,
    how: Sampling,
    *,
    seed: int,
    count: int,
    tries: int,
    listen: Callable[[int, str], None] = lambda *_: None,
) -> str:
    """The next ``count`` sentences after ``text``. ``listen`` hears tokens drawn and sentences so far."""
    lead = "" if text.strip() else "The"
    story = _Story(door, opening(about, text) + lead, room=max(tries * MOST, CONTEXT - READ))
    before = sentences(text)[-REMEMBERED:]
    found, heard = "", 0
    for number in range(count):
        chosen = ""
        for round_ in range(3):
            seeds = np.random.SeedSequence([seed, number, round_]).generate_state(tries).tolist()
            drawn = [lead] * tries
            for take, piece in story.takes(how, seeds):
                drawn[take] += piece
                heard += 1
                listen(heard, joined(found, drawn[0].strip()))
            drafts = [parts[0] for take in drawn if (parts := sentences(take)) and decent(parts[0])]
            if chosen := best(story, list(dict.fromkeys(drafts)), before):
                break
        if not chosen:
            break
        story.add(chosen.removeprefix(lead))
        lead, before, found = "", [*before, chosen], joined(found, chosen)
        listen(heard, found)
    if not found:
        raise VesicaError("The model found no sentence that goes on from here; change the last lines or the seed.")
    return found


class _Story:
    """What the model has read: through the C interface read once and gone on from, else sent again each time."""

    def __init__(self, door: Door, text: str, *, room: int) -> None:
        self.door, self.text = door, text
        if isinstance(door, LlamaC):
            door.clear()
            self.tokens = fitted(door, text, room)
            self.row = door.read(self.tokens, 0)

    def takes(self, how: Sampling, seeds: Sequence[int]) -> Iterator[tuple[int, str]]:
        if isinstance(self.door, LlamaC):
            yield from go_on(self.door, self.tokens, self.row, how, seeds=seeds, tokens=MOST)
        else:
            yield from takes(self.door, self.text[-4 * READ :], how, seeds=seeds, tokens=MOST)

    def add(self, sentence: str) -> None:
        more = sentence if sentence[:1] == " " or self.text[-1:].isspace() else f" {sentence}"
        self.text += more
        if isinstance(self.door, LlamaC):
            tokens = self.door.tokens(more)
            self.row = self.door.read(tokens, 0, at=len(self.tokens))
            self.tokens = [*self.tokens, *tokens]

    def worth(self, drafts: Sequence[str]) -> NDArray[np.float64]:
        """How much a draft says of the story: information in nats a token, with some likelihood against nonsense."""
        if not isinstance(self.door, LlamaC):
            rows = embed([self.text[-400:], *drafts]).astype(np.float64)
            near: NDArray[np.float64] = rows[1:] @ rows[0]
            return near
        tokens = [self.door.tokens(f" {draft}") for draft in drafts]
        here = likelihoods(self.door, self.tokens, tokens, held=0)
        anywhere = likelihoods(self.door, self.door.tokens("\n"), tokens)
        worth: NDArray[np.float64] = here - anywhere + 0.3 * here
        return worth


def decent(sentence: str) -> bool:
    """Whether a draft is a sentence of a story: three words or more, none unseemly, no list, heading or mark-up."""
    words = [word.lower() for word in words_of(sentence)]
    plain = not re.search(r"[\[\]<>#*_|{}=@]|https?:|^\d|^[A-Z][a-z]*:", sentence)
    return len(words) >= 3 and plain and not UNSEEMLY & set(words) and sentence.count('"') % 2 == 0


def best(story: _Story, drafts: Sequence[str], before: Sequence[str]) -> str:
    """The draft that says most, out of those that say nothing again; "" if all do."""
    if not drafts:
        return ""
    rows = embed([*drafts, *before]).astype(np.float64)
    likeness = rows[: len(drafts)] @ rows[len(drafts) :].T
    fresh = [draft for draft, near in zip(drafts, likeness, strict=True) if near.max(initial=0) < AGAIN]
    return fresh[int(np.round(story.worth(fresh), 6).argmax())] if fresh else ""
