"""Rhymed iambic quatrains: a beam search over whole lines, in which the language model may only write what scans.

Each step extends every line under way by one word that fits the metre, drawn as a stochastic beam does (Kool, van Hoof
and Welling, "Stochastic beams and where to find them", 2019: Gumbel noise on log-probabilities). A finished line is
judged by the words it took, by how readily the model would end a phrase there, and by how much its words belong to
the subject; the best few, with different last words, are carried into the next line together. So a rhyme is not
decided before its partner is found: pairs that come easily win over pairs that are forced.

The vocabulary is the words that are one token of the model, that the dictionary says in one way only, and whose
syllables and stress the spelling rules find too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError
from vesica.text.llama_c import SEQUENCES, LlamaC
from vesica.text.params import WriteParams
from vesica.text.prosody import LETTERS, SMALL, beats, known_words, one_sound, sounds, word_list, words_of
from vesica.text.quatrains import QUATRAINS
from vesica.text.sampling import log_softmax
from vesica.text.scansion import stress, syllables

OPENING, CLOSING = 10, 22
"""Drafts of a line under way at once: of a line whose rhyme is free, and of one that answers a rhyme."""

READY = 24
"""Finished lines to choose from."""

KEPT = 6
"""Finished lines carried on together."""

ALIKE = 2
"""Of these, how many may share all lines but the last."""

RICH = 0.4
"""What a rhyme with more words is worth, by the logarithm of their number."""

CHILDREN = 5
"""Words tried after one beginning."""

FLOOR = -8.5
"""Log-probability below which a word is forced; no word below it is taken."""

PULL = 0.5
"""How much of its information about the subject is added to a word's log-probability."""

STANZAS = 3
"""Drafts carried from one stanza into the next."""

FELLOWS = 5
"""Words that must share a rhyme before a line may end on it."""

AHEAD = -1.3
"""Log-probability a syllable costs on the whole, by which drafts of different lengths are compared."""

DEPENDENT = frozenset({"that", "which", "who", "whom", "whose", "or", "than"})
"""Words that begin no sentence, as they lean on one before."""

RUN_ON = 0.7
"""What it costs a line to run into the next with no mark at its end."""

SHARE = 0.01
"""Words less likely than this share of the likeliest that fit are left out."""


WORN = word_list("worn")
"""Words that verse, and this model's verse most of all, has worn out."""

UNSEEMLY = word_list("unseemly")
"""Words that no poem on a wall should come upon by chance."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words a poem may use; arrays run over them.

    tokens : int [words], the token in the middle of a line
    first : int [words], the token that begins a line with the word, or -1
    fit : bool [2 * 5 + 1, 2, words]: may stand where so many syllables are left, off (0) or on (1) the beat
    size : int [words], syllables
    rhyme : int [words], which rhyme the word has; -1: none, or too slight a word to end a line
    vowel, onset : of the last syllable
    """

    words: tuple[str, ...]
    tokens: NDArray[np.intp]
    first: NDArray[np.intp]
    fit: NDArray[np.bool_]
    size: NDArray[np.int64]
    rhyme: NDArray[np.int64]
    vowel: NDArray[np.str_]
    stems: NDArray[np.str_]
    onset: NDArray[np.str_]
    index: Mapping[str, int]


def stem(word: str) -> str:
    """A word without its commonest endings, so that ``wave`` and ``waves`` count as one."""
    for ending in ("ings", "ing", "ers", "er", "ies", "ied", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word[: -len(ending)]
            return root[:-1] if len(root) > 3 and root[-1] == root[-2] else root
    return word


def sure(word: str) -> bool:
    """Whether dictionary and spelling agree on how a word scans."""
    if word in SMALL:
        return bool(sounds(word)) and all(sound.syllables == syllables(word) for sound in sounds(word))
    sound = one_sound(word)
    if not sound or not beats(word) or sound.syllables != syllables(word) or "1" not in sound.stress:
        return False
    return sound.syllables == 1 or sound.stress.index("1") == stress(word)


@cache
def vocabulary(door: LlamaC) -> Vocabulary:
    """The words of this model that a poem may use."""
    known, inner, first = known_words(), dict[str, int](), dict[str, int]()
    for token in range(door.size):
        text = door.piece(token).decode("utf-8", "replace")
        if LETTERS.fullmatch(text[1:].lower()) or text in {"A", "I", " I", " a"}:
            if text[0] == " " and (text[1:].islower() or text == " I"):
                inner[text[1:].lower()] = token
            elif text[0].isupper() and (text[1:].islower() or len(text) == 1):
                first[text.lower()] = token
    words = [word for word in sorted(inner) if word in known and _wanted(word) and sure(word)]
    fit = np.zeros((11, 2, len(words)), np.bool_)
    names: dict[tuple[str, ...], int] = {}
    rhyme = np.full(len(words), -1)
    for place, word in enumerate(words):
        for way in beats(word):
            # "Into" may lean either way in the dictionary; only the way that the spelling agrees with is used.
            if len(way) > 1 and way[stress(word)] != "+":
                continue
            fit[len(way) :, int(way[0] == "+"), place] = True
        sound = one_sound(word)
        if sound and sound.rhyme and word not in SMALL:
            rhyme[place] = names.setdefault(sound.rhyme, len(names))
    return Vocabulary(
        tuple(words),
        np.array([inner[word] for word in words], np.intp),
        np.array([first.get(word, -1) for word in words], np.intp),
        fit,
        np.array([syllables(word) for word in words]),
        rhyme,
        np.array([(sounds(word)[0].rhyme or ("",))[0] for word in words]),
        np.array([stem(word) for word in words]),
        np.array([sounds(word)[0].onset for word in words]),
        {word: place for place, word in enumerate(words)},
    )


def _wanted(word: str) -> bool:
    return word not in WORN and word not in UNSEEMLY and (len(word) > 2 or word in SMALL or word in {"go", "ox"})


Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Draft:
    """A poem under way, up to a word of its last line.

    lines : the finished lines; ``line`` the one under way, ``place`` its syllables so far
    text, at : which sequence of the model holds it, and how many tokens that has
    row : log-probabilities of what comes next, over the model's tokens
    worth : log-probabilities and pull of the subject; ``score`` has the noise too
    rhymes : the words that ended the stanza's lines, as places in the vocabulary
    used : stems of the content words so far; ``pairs`` all neighbouring words
    """

    row: Row
    lines: tuple[str, ...] = ()
    line: str = ""
    place: int = 0
    text: int = 0
    at: int = 0
    score: float = 0.0
    worth: float = 0.0
    word: int = -1
    rhymes: tuple[int, ...] = ()
    used: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    comma: bool = False


class Verse:
    """A search for poems in one form."""

    def __init__(
        self,
        door: LlamaC,
        start: Sequence[int],
        *,
        feet: int,
        rhyme: str,
        chance: float,
        seed: int,
        pull: Row,
        floor: float = FLOOR,
    ) -> None:
        """``pull`` [words] is added to a word's log-probability."""
        self.door, self.words = door, vocabulary(door)
        self.syllables, self.scheme, self.chance, self.pull, self.floor = 2 * feet, rhyme, chance, pull, floor
        self.generator = np.random.Generator(np.random.PCG64(seed))
        self.marks = {mark: door.tokens(mark)[0] for mark in (",", ";", ".", "\n")}
        rhymed = self.words.rhyme >= 0
        self.fellows = np.bincount(self.words.rhyme[rhymed])
        # How well a rhyme may be answered: by the pull of its best words, and by how many there are.
        self.promise = np.full(len(self.fellows), -9.0)
        for number in np.flatnonzero(self.fellows >= FELLOWS):
            best = np.sort(pull[self.words.rhyme == number])[-4:-1]
            self.promise[number] = best.mean() + RICH * np.log(self.fellows[number])
        door.clear()
        row = log_softmax(door.read(start, 0))
        shown = [words_of(line.lower()) for _, quatrain in QUATRAINS[feet] for line in quatrain.split("\n")]
        told = {pair for words in shown for pair in pairwise(words) if not SMALL.issuperset(pair)}
        self.start = Draft(row, at=len(start), pairs=frozenset(told))

    def stanza(self, drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
        """Line by line, the best drafts one line on; the last list has finished stanzas."""
        drafts = [replace(draft, rhymes=()) for draft in drafts]
        for number in range(len(self.scheme)):
            drafts = self._line(drafts, number)
            yield drafts

    def _line(self, drafts: list[Draft], number: int) -> list[Draft]:
        ways = list(drafts)
        finished: list[Draft] = []
        while ways:
            ways = self._advanced(ways, self._chosen(ways, number), [*drafts, *finished])
            finished += [draft for draft in ways if draft.place == self.syllables]
            finished = sorted(finished, key=lambda draft: -draft.worth)[:READY]
            ways = [draft for draft in ways if draft.place < self.syllables]
        return self._ended(finished, number)

    def _chosen(self, ways: Sequence[Draft], number: int) -> list[tuple[float, float, int, int]]:
        """The next words of all drafts together: (score, log-probability, draft, word or -1 for a comma)."""
        found = []
        for place, draft in enumerate(ways):
            allowed = self._allowed(draft, number)
            tokens = self.words.tokens if draft.place else self.words.first
            row = draft.row[tokens]
            row[~allowed] = -np.inf
            high = row.max()
            near = np.flatnonzero(row >= max(high + np.log(SHARE), self.floor))
            noise = self.generator.gumbel(size=len(near)) * self.chance
            left = self.syllables - draft.place - self.words.size[near]
            scores = draft.score + row[near] + self.pull[near] + noise + AHEAD * left
            if number in self._firsts():
                scores = scores + np.where(left == 0, self.promise[self.words.rhyme[near]], 0)
            for best in np.argsort(-scores, kind="stable")[:CHILDREN]:
                found.append((float(scores[best]), float(row[near[best]]), place, int(near[best])))
            if 1 < draft.place < self.syllables - 1 and not draft.comma and draft.line[-1] != ",":
                comma = float(draft.row[self.marks[","]])
                if comma > -1.5:
                    found.append((draft.score + comma + AHEAD * (self.syllables - draft.place), comma, place, -1))
        return sorted(found, reverse=True)[: CLOSING if self._partner(number) is not None else OPENING]

    def _firsts(self) -> set[int]:
        return {self.scheme.index(mark) for mark in self.scheme}

    def _partner(self, number: int) -> int | None:
        """Which earlier line of the stanza a line rhymes with."""
        first = self.scheme.index(self.scheme[number])
        return first if first < number else None

    def _allowed(self, draft: Draft, number: int) -> Mask:
        words, left = self.words, self.syllables - draft.place
        allowed: Mask = words.fit[left, draft.place % 2] & ~np.isin(words.stems, list(draft.used))
        if not draft.place:
            allowed &= words.first >= 0
        for name in self._stale(draft):
            if name in words.index:
                allowed[words.index[name]] = False
        last = words.size == left
        partner = self._partner(number)
        if partner is None:
            fits = (words.rhyme >= 0) & (self.fellows[words.rhyme] >= FELLOWS)
            for other in draft.rhymes:
                # "Days" beside "today" would blur the pattern.
                fits &= words.vowel != words.vowel[other]
        else:
            other = draft.rhymes[partner]
            fits = (words.rhyme == words.rhyme[other]) & (words.onset != words.onset[other])
        allowed &= ~last | fits
        return allowed

    def _stale(self, draft: Draft) -> Iterator[str]:
        """Words that would repeat too much: an opening, a word of the line, a pair of words of the poem."""
        if draft.place:
            before = self.words.words[draft.word]
            yield from (follower for one, follower in draft.pairs if one == before)
            yield from (name for name in words_of(draft.line.lower()) if len(name) > 3 or name == "as")
            return
        starts = [line.split()[0].lower() for line in draft.lines]
        here = starts[len(starts) // len(self.scheme) * len(self.scheme) :]
        # "About" begins what the model is shown of a new poem.
        yield "about"
        if not draft.lines or draft.lines[-1].endswith("."):
            yield from DEPENDENT
        yield from (name for name in here if here.count(name) > 1 or name in ("and", "but"))

    def _advanced(
        self, ways: Sequence[Draft], chosen: Sequence[tuple[float, float, int, int]], held: Sequence[Draft]
    ) -> list[Draft]:
        """The drafts one word on, read by the model."""
        taken = {draft.text for draft in (*ways, *held)} | {0}
        free = [text for text in range(1, SEQUENCES) if text not in taken]
        fresh, items = [], []
        for (score, likely, place, word), text in zip(chosen, free, strict=False):
            draft = ways[place]
            self.door.copy(draft.text, text)
            ahead = self.syllables - draft.place - (self.words.size[word] if word >= 0 else 0)
            score -= AHEAD * ahead
            if word < 0:
                token = self.marks[","]
                fresh.append(
                    replace(
                        draft,
                        line=draft.line + ",",
                        comma=True,
                        score=score,
                        worth=draft.worth + likely,
                        text=text,
                        at=draft.at + 1,
                    )
                )
            else:
                token = int((self.words.tokens if draft.place else self.words.first)[word])
                fresh.append(self._with(draft, word, score, likely + float(self.pull[word]), text))
            items.append((token, draft.at, text, True))
        rows = log_softmax(self.door.step(items))
        return [replace(draft, row=row) for draft, row in zip(fresh, rows, strict=True)]

    def _with(self, draft: Draft, word: int, score: float, likely: float, text: int) -> Draft:
        name = self.words.words[word]
        shown = "I" if name == "i" else name if draft.place else name.capitalize()
        before = self.words.words[draft.word] if draft.word >= 0 and draft.place else ""
        return replace(
            draft,
            line=f"{draft.line} {shown}" if draft.place else shown,
            place=draft.place + int(self.words.size[word]),
            text=text,
            at=draft.at + 1,
            score=score,
            worth=draft.worth + likely,
            word=word,
            used=draft.used if name in SMALL else draft.used | {self.words.stems[word]},
            pairs=draft.pairs | {(before, name)},
        )

    def _ended(self, finished: Sequence[Draft], number: int) -> list[Draft]:
        """The best finished lines with different last words, each with a mark at its end, ready for the next line."""
        ends = []
        last = number == len(self.scheme) - 1
        for draft in finished:
            likely = {mark: float(draft.row[token]) for mark, token in self.marks.items()}
            if last:
                mark, end = ".", 1.5 * likely["."]
            else:
                likely["."] += 0.5 if number == 1 else -1
                likely["\n"] -= RUN_ON
                mark, end = max(likely.items(), key=lambda item: item[1])
            promise = 0 if self._partner(number) is not None else float(self.promise[self.words.rhyme[draft.word]])
            ends.append((draft.worth + end + promise, mark, draft))
        ends.sort(key=lambda end: -end[0])
        kept: list[Draft] = []
        for score, mark, draft in ends:
            alike = [other for other in kept if other.lines[:-1] == draft.lines]
            if len(kept) < KEPT and len(alike) < ALIKE and all(draft.word != other.word for other in kept):
                kept.append(
                    replace(
                        draft,
                        lines=(*draft.lines, draft.line + mark.strip()),
                        line="",
                        place=0,
                        comma=False,
                        score=score,
                        worth=score,
                        rhymes=(*draft.rhymes, draft.word),
                    )
                )
        for text in set(range(1, SEQUENCES)) - {draft.text for draft in kept}:
            self.door.drop(text)
        items, wanted = [], []
        for draft in kept:
            mark = draft.lines[-1][-1]
            tokens = [self.marks[mark]] if mark in self.marks else []
            tokens += [self.marks["\n"]] * (2 if last else 1)
            items += [(token, draft.at + i, draft.text, i == len(tokens) - 1) for i, token in enumerate(tokens)]
            wanted.append(len(tokens))
        rows = log_softmax(self.door.step(items))
        return [
            replace(draft, row=row, at=draft.at + count) for draft, row, count in zip(kept, rows, wanted, strict=True)
        ]


def opening(door: LlamaC, subject: str, feet: int) -> list[int]:
    """The tokens the model reads before it writes a poem on a subject."""
    shown = "".join(f"About {about}\n\n{quatrain}\n\n\n" for about, quatrain in QUATRAINS[feet])
    # Line ends one by one, as they stand before letters; at the end of a text two would be one token.
    return door.tokens(f"{shown}About {subject}") + 2 * door.tokens("\n")


FRAMES = ("The", "And", "The old", "Upon the", "There was a", "It was", "Beneath the", "They")
"""Beginnings after which the subject shows in what may come next."""


def pull_of(door: LlamaC, subject: str, feet: int) -> Row:
    """How much likelier the subject makes each word [words]: mean pointwise mutual information, in nats."""
    words = vocabulary(door)
    rows = []
    for about in (subject, "something"):
        door.clear()
        start = opening(door, about, feet)
        door.read(start, 0)
        items = []
        for text, frame in enumerate(FRAMES, 1):
            door.copy(0, text)
            tokens = door.tokens(frame)
            items += [(token, len(start) + i, text, i == len(tokens) - 1) for i, token in enumerate(tokens)]
        rows.append(log_softmax(door.step(items))[:, words.tokens])
    pull: Row = (rows[0] - rows[1]).mean(axis=0)
    pull[[word in SMALL for word in words.words]] = 0
    return pull


def poem(
    door: LlamaC,
    about: str,
    params: WriteParams,
    *,
    seed: int,
    listen: Callable[[int, str], None] = lambda *_: None,
) -> str:
    """A poem of quatrains about a subject. ``listen`` hears how many lines stand, and the best of them."""
    pull = PULL * np.clip(pull_of(door, about, params.feet), -1, 3)
    for attempt in range(4):
        search = Verse(
            door,
            opening(door, about, params.feet),
            feet=params.feet,
            rhyme=params.rhyme,
            chance=params.chance,
            floor=FLOOR - 2 * attempt,
            seed=seed + (attempt << 32),
            pull=pull,
        )
        drafts = [search.start]
        for _ in range(params.stanzas):
            for stage in search.stanza(drafts[:STANZAS]):
                drafts = stage
                if not drafts:
                    break
                listen(len(drafts[0].lines), shown(drafts[0].lines, params.rhyme))
        if drafts:
            return shown(drafts[0].lines, params.rhyme)
    raise VesicaError("No poem of this form was found; try another seed or more chance.")


def shown(lines: Sequence[str], rhyme: str) -> str:
    """Lines as stanzas, with an empty line between."""
    size = len(rhyme)
    return "\n\n".join("\n".join(lines[at : at + size]) for at in range(0, len(lines), size))
