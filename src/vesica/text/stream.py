"""Text as it is written: several takes in one pass, whole characters, stops that never show half of themselves."""

import codecs
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np

from vesica.errors import VesicaError
from vesica.text.llama_c import CONTEXT, SEQUENCES, LlamaC, Logits
from vesica.text.sampling import Sampling, draw


class Ear:
    """Joins token bytes to text, holding back half characters and what may be the beginning of a stop."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = [word for word in stop if word]
        self._held = ""
        self.stopped = False

    def hear(self, data: bytes, *, last: bool = False) -> str:
        """What can be shown now. After a stop nothing more comes."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(data, last)
        places = [self._held.find(word) for word in self._stop]
        if found := [place for place in places if place >= 0]:
            self.stopped = True
            shown, self._held = self._held[: min(found)], ""
            return shown
        keep = 0 if last else self._may_begin()
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def _may_begin(self) -> int:
        """How much of the end may be the beginning of a stop."""
        for size in range(max((len(word) for word in self._stop), default=1) - 1, 0, -1):
            if any(word.startswith(self._held[-size:]) for word in self._stop if len(self._held) >= size):
                return size
        return 0


def fitted(door: LlamaC, prompt: str, room: int) -> list[int]:
    """The tokens of a prompt, its beginning cut off where it leaves no room for ``room`` tokens more."""
    tokens = door.tokens(prompt, special=True)
    most = CONTEXT - room
    if most < 16:
        raise VesicaError(f"There is no room for {room} tokens in a context of {CONTEXT}; ask for less.")
    return tokens[-most:] or door.tokens("\n")


def stream(
    door: LlamaC,
    prompt: str,
    how: Sampling,
    *,
    seeds: Sequence[int],
    tokens: int,
    stop: Sequence[str] = (),
    grammar: str = "",
) -> Iterator[tuple[int, str]]:
    """Pieces of text as (take, piece): one take a seed, all in one pass, the prompt read once and shared."""
    door.clear()
    start = fitted(door, prompt, len(seeds) * tokens)
    yield from go_on(door, start, door.read(start, 0), how, seeds=seeds, tokens=tokens, stop=stop, grammar=grammar)


def go_on(
    door: LlamaC,
    start: Sequence[int],
    first: Logits,
    how: Sampling,
    *,
    seeds: Sequence[int],
    tokens: int,
    stop: Sequence[str] = (),
    grammar: str = "",
) -> Iterator[tuple[int, str]]:
    """As ``stream``, from a text that the model holds as its text 0: its tokens, and the logits after them.

    Text 0 stays as it is. The takes are texts 1, 2, ...; a step yields at least once, an empty piece if need be, so
    that whoever listens can stop between any two.
    """
    if not 1 <= len(seeds) < SEQUENCES:
        raise VesicaError(f"Between 1 and {SEQUENCES - 1} takes can be written at once; {len(seeds)} can't.")
    generators = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
    histories = [list(start) for _ in seeds]
    ears = [Ear(stop) for _ in seeds]
    ends = frozenset(door.ends)
    with ExitStack() as held:
        rules = [held.enter_context(door.grammar(grammar)) for _ in seeds] if grammar else []
        for take in range(len(seeds)):
            door.copy(0, take + 1)
        rows = dict.fromkeys(range(len(seeds)), first)
        for count in range(tokens):
            items = []
            for take, row in rows.items():
                token = draw(rules[take].mask(row) if rules else row, histories[take], how, generators[take])
                if token in ends:
                    continue
                if rules:
                    rules[take].accept(token)
                histories[take].append(token)
                yield take, ears[take].hear(door.piece(token))
                if not ears[take].stopped:
                    items.append((token, len(start) + count, take + 1, True))
            if not items or count == tokens - 1:
                break
            rows = {item[2] - 1: row for item, row in zip(items, door.step(items), strict=True)}
    for take, ear in enumerate(ears):
        door.drop(take + 1)
        yield take, ear.hear(b"", last=True)


def written(
    door: LlamaC, prompt: str, how: Sampling, *, seeds: Sequence[int], tokens: int, stop: Sequence[str] = ()
) -> list[str]:
    """All takes of ``stream``, whole."""
    takes = [""] * len(seeds)
    for take, piece in stream(door, prompt, how, seeds=seeds, tokens=tokens, stop=stop):
        takes[take] += piece
    return takes
