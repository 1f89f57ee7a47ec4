"""Rhymed iambic quatrains: a beam search over whole lines, in which the language model may only write what scans.

Each step extends every line under way by one word that fits the metre, drawn as a stochastic beam does (Kool, van Hoof
and Welling, "Stochastic beams and where to find them", 2019: Gumbel noise on log-probabilities). A finished line is
judged by the words it took, by how readily the model would end a phrase there, and by how much its words belong to
the subject; the best few, with different last words, are carried into the next line together. So a rhyme is not
decided before its partner is found: pairs that come easily win over pairs that are forced. Several such searches,
which know nothing of each other, run side by side as one batch, for something to choose from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vesica.text.lexicon import TAKES
from vesica.text.likelihood import FIRST
from vesica.text.llama_c import LlamaC
from vesica.text.prosody import SMALL, words_of
from vesica.text.quatrains import QUATRAINS
from vesica.text.sampling import log_softmax
from vesica.text.vocabulary import Mask, vocabulary
from vesica.text.voice import DEPENDENT, POINTING, SUBJECTS, TURNS, barred, follows

OPENING, CLOSING = 7, 12
"""Beginnings of a line under way at once, in each search: of a line whose rhyme is free, and of one that answers."""

READY = 24
"""Finished lines to choose from, in each search."""

KEPT = 5
"""Finished lines carried on together, in each search."""

ALIKE = 2
"""Of these, how many may share all lines but the last."""

RICH = 0.4
"""What a rhyme with more words is worth, by the logarithm of their number."""

CHILDREN = 5
"""Words tried after one beginning."""

FLOOR, ENDING = -8.5, -6.0
"""Log-probability below which a word is forced, within a line and at its end, where rhyme forces it."""

KNEE = -4.0
"""Log-probability below which a word costs twice: a line is as good as its worst word."""

FELLOWS = 5
"""Words that must share a rhyme before a line may end on it."""

AHEAD = -1.3
"""Log-probability a syllable costs on the whole, by which drafts of different lengths are compared."""

BLUNT = 1.0
"""What it costs a line to end on a word that shows nothing or asks for more: such words are what rhyme forces."""

LAME = 1.0
"""What each "was" after the second costs."""

RUN_ON = 0.7
"""What it costs a line to run into the next with no mark at its end."""

TURN = 1.5
"""What it is worth a last stanza to begin with a word that turns the poem."""

SHARE = 0.01
"""Words less likely than this share of the likeliest that fit are left out."""

LAME_VERBS = frozenset({"was", "were", "had"})

Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Draft:
    """A poem under way, up to a word of its last line.

    lines : the finished lines; ``line`` the one under way, ``place`` its syllables so far
    text, at : which sequence of the model holds it, and how many tokens that has
    row : log-probabilities of what comes next, over the model's tokens
    worth : log-probabilities and pull of the subject; ``score`` has the noise too
    search : which of the searches it belongs to
    rhymes : the words that ended the stanza's lines, as places in the vocabulary; ``ends`` those of stanzas before
    said : all words so far; ``used`` stems of the content words; ``pairs`` all neighbouring words
    lame : how often it says "was" or "were"
    forced : log-probability of the least likely word that ends a line
    """

    row: Row
    lines: tuple[str, ...] = ()
    line: str = ""
    place: int = 0
    text: int = 0
    at: int = 0
    score: float = 0.0
    worth: float = 0.0
    search: int = 0
    word: int = -1
    rhymes: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    said: frozenset[str] = frozenset()
    used: frozenset[int] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    comma: bool = False
    lame: int = 0
    forced: float = 0.0


@dataclass(frozen=True, slots=True)
class Next:
    """A word, or a comma (-1), that may follow a draft."""

    score: float
    likely: float
    draft: Draft
    word: int


class Verse:
    """A search for poems in one form."""

    def __init__(
        self,
        door: LlamaC,
        start: Sequence[int],
        *,
        about: str,
        feet: int,
        rhyme: str,
        chance: float,
        seed: int,
        pull: Row,
        slack: float = 0,
    ) -> None:
        """``pull`` [words] is added to a word's log-probability; ``slack`` lowers what words must reach, in nats.

        The model must hold ``start`` but for its last token in sequence 0.
        """
        self.door, self.words = door, vocabulary(door)
        self.syllables, self.scheme, self.chance, self.pull, self.slack = 2 * feet, rhyme, chance, pull, slack
        self.brief = frozenset(word.lower() for word in words_of(about))
        self.generator = np.random.Generator(np.random.PCG64(seed))
        self.marks = {mark: door.tokens(mark)[0] for mark in (",", ";", ".", "\n")}
        rhymed = self.words.rhyme >= 0
        self.fellows = np.bincount(self.words.rhyme[rhymed])
        # How well a rhyme may be answered: by the pull of its best words, and by how many there are.
        self.promise = np.full(len(self.fellows), -9.0)
        for number in np.flatnonzero(self.fellows >= FELLOWS):
            best = np.sort(pull[self.words.rhyme == number])[-4:-1]
            self.promise[number] = best.mean() + RICH * np.log(self.fellows[number])
        self.blunt = (self.words.shows <= 0) | np.isin(self.words.words, sorted(TAKES))
        self.lame = np.isin(self.words.words, sorted(LAME_VERBS))
        row = log_softmax(door.read(start[-1:], 0, at=len(start) - 1))
        shown = [words_of(line.lower()) for _, quatrain in QUATRAINS[feet] for line in quatrain.split("\n")]
        told = {pair for words in shown for pair in pairwise(words) if not SMALL.issuperset(pair)}
        self.start = Draft(row, at=len(start), pairs=frozenset(told))

    def stanza(self, drafts: Sequence[Draft], *, searches: int, last: bool) -> Iterator[list[Draft]]:
        """After each word, the best drafts so far of each search; the last list has the finished stanzas."""
        drafts = [
            replace(draft, rhymes=(), ends=draft.ends + draft.rhymes, search=search, worth=0.0)
            for search in range(searches)
            for draft in drafts
        ]
        for number in range(len(self.scheme)):
            ways, finished = list(drafts), list[Draft]()
            while ways:
                ways = self._advanced(ways, self._chosen(ways, number, last), [*drafts, *finished])
                finished += [draft for draft in ways if draft.place == self.syllables]
                finished = [draft for search in range(searches) for draft in _best(finished, search)[:READY]]
                ways = [draft for draft in ways if draft.place < self.syllables]
                yield sorted([*ways, *finished], key=lambda draft: -draft.place)
            drafts = self._ended(finished, number, searches)
            yield drafts

    def _chosen(self, ways: Sequence[Draft], number: int, last: bool) -> list[Next]:
        """The next words of all drafts together."""
        found: dict[int, list[Next]] = {}
        for draft in ways:
            here = found.setdefault(draft.search, [])
            allowed = self._allowed(draft, number)
            row = draft.row[self.words.tokens if draft.place else self.words.first]
            row[~allowed] = -np.inf
            left = self.syllables - draft.place - self.words.size
            lowest = np.where(left == 0, ENDING, FLOOR) - self.slack
            near = np.flatnonzero(row >= np.maximum(row.max() + np.log(SHARE), lowest))
            near = near[np.isfinite(row[near])]
            noise = self.generator.gumbel(size=len(near)) * self.chance
            scores = draft.score + _strained(row[near]) + self.pull[near] + noise + AHEAD * left[near]
            if number in self._firsts():
                scores = scores + np.where(left[near] == 0, self.promise[self.words.rhyme[near]], 0)
            scores = scores - BLUNT * ((left[near] == 0) & self.blunt[near])
            scores = scores - LAME * max(0, draft.lame - 1) * self.lame[near]
            if last and number == 0 and not draft.place:
                scores = scores + TURN * np.array([self.words.words[word] in TURNS for word in near])
            for best in np.argsort(-scores, kind="stable")[:CHILDREN]:
                here.append(Next(float(scores[best]), float(row[near[best]]), draft, int(near[best])))
            if 1 < draft.place < self.syllables - 2 and not draft.comma and draft.line[-1] != ",":
                comma = float(draft.row[self.marks[","]])
                if comma > -1.5:
                    score = draft.score + comma + AHEAD * (self.syllables - draft.place)
                    here.append(Next(score, comma, draft, -1))
        most = CLOSING if self._partner(number) is not None else OPENING
        return [
            next_ for search in sorted(found) for next_ in sorted(found[search], key=lambda next_: -next_.score)[:most]
        ]

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
        before = words.words[draft.word] if draft.place else ""
        if before in ("a", "an"):
            allowed &= ~words.plural & (words.vocal == (before == "an"))
        if before in POINTING and left == 1:
            # A line that ends right after "the" must end on what can be seen, for only a noun can stand there.
            allowed &= words.shows == 1
        last = words.size == left
        partner = self._partner(number)
        if partner is None:
            fits = (words.rhyme >= 0) & (self.fellows[words.rhyme] >= FELLOWS)
            for other in draft.rhymes:
                # "Days" beside "today" would blur the pattern.
                fits &= words.vowel != words.vowel[other]
            fits &= ~np.isin(words.rhyme, [words.rhyme[other] for other in draft.ends])
        else:
            other = draft.rhymes[partner]
            fits = (words.rhyme == words.rhyme[other]) & (words.onset != words.onset[other])
        allowed &= ~last | fits
        return allowed

    def _stale(self, draft: Draft) -> Iterator[str]:
        """Words that would break the voice, or repeat too much: an opening, a word of the line, a pair of the poem."""
        yield from barred(self.brief, draft.said)
        if "there" in draft.said:
            yield "there"
        if draft.place:
            before = self.words.words[draft.word]
            if draft.line[-1] != ",":
                yield from follows(before)
            yield from (follower for one, follower in draft.pairs if one == before)
            yield from (name for name in words_of(draft.line.lower()) if len(name) > 3 or name == "as")
            return
        starts = [line.split()[0].lower() for line in draft.lines]
        here = starts[len(starts) // len(self.scheme) * len(self.scheme) :]
        # "About" begins what the model is shown of a new poem.
        yield "about"
        if not draft.lines or draft.lines[-1].endswith("."):
            yield from DEPENDENT
        if draft.lines and draft.lines[-1][-1].isalpha():
            # A line that runs on has its subject already: "when the bell / it rang".
            yield from SUBJECTS
        if not draft.lines:
            yield from TURNS | {"and", "so"}
        yield from (name for name in here if here.count(name) > 1 or name in ("and", "but"))

    def _advanced(self, ways: Sequence[Draft], chosen: Sequence[Next], held: Sequence[Draft]) -> list[Draft]:
        """The drafts one word on, read by the model."""
        taken = {draft.text for draft in (*ways, *held)} | {0}
        free = [text for text in range(1, FIRST) if text not in taken]
        fresh, items = [], []
        for next_, text in zip(chosen, free, strict=False):
            draft, word = next_.draft, next_.word
            self.door.copy(draft.text, text)
            ahead = self.syllables - draft.place - (self.words.size[word] if word >= 0 else 0)
            score = next_.score - AHEAD * ahead
            if word < 0:
                token = self.marks[","]
                worth = draft.worth + next_.likely
                fresh.append(
                    replace(
                        draft, line=draft.line + ",", comma=True, score=score, worth=worth, text=text, at=draft.at + 1
                    )
                )
            else:
                token = int((self.words.tokens if draft.place else self.words.first)[word])
                fresh.append(self._with(draft, word, score, next_.likely, text))
            items.append((token, draft.at, text, True))
        rows = log_softmax(self.door.step(items))
        for draft in ways:
            if all(draft.text != other.text for other in held):
                self.door.drop(draft.text)
        return [replace(draft, row=row) for draft, row in zip(fresh, rows, strict=True)]

    def _with(self, draft: Draft, word: int, score: float, likely: float, text: int) -> Draft:
        name = self.words.words[word]
        shown = "I" if name == "i" else name if draft.place else name.capitalize()
        before = self.words.words[draft.word] if draft.word >= 0 and draft.place else ""
        place = draft.place + int(self.words.size[word])
        cost = LAME * max(0, draft.lame - 1) * self.lame[word]
        if place == self.syllables and self.blunt[word]:
            cost += BLUNT
        return replace(
            draft,
            line=f"{draft.line} {shown}" if draft.place else shown,
            place=place,
            text=text,
            at=draft.at + 1,
            score=score,
            worth=draft.worth + float(_strained(np.array(likely))) + float(self.pull[word]) - cost,
            word=word,
            said=draft.said | {name},
            used=draft.used if name in SMALL else draft.used | {int(self.words.stems[word])},
            pairs=draft.pairs | {(before, name)},
            lame=draft.lame + (name in LAME_VERBS),
            forced=min(draft.forced, likely) if place == self.syllables else draft.forced,
        )

    def _ended(self, finished: Sequence[Draft], number: int, searches: int) -> list[Draft]:
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
        for search in range(searches):
            mine: list[Draft] = []
            for score, mark, draft in ends:
                alike = [other for other in mine if other.lines[:-1] == draft.lines]
                if draft.search != search or len(mine) == KEPT or len(alike) == ALIKE:
                    continue
                if all(draft.word != other.word for other in mine):
                    lines, rhymes = (*draft.lines, draft.line + mark.strip()), (*draft.rhymes, draft.word)
                    line = replace(draft, lines=lines, line="", place=0, comma=False, rhymes=rhymes)
                    mine.append(replace(line, score=score, worth=score))
            kept += mine
        for text in set(range(1, FIRST)) - {draft.text for draft in kept}:
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


def _strained(likely: Row) -> Row:
    """Log-probabilities, in which what lies below ``KNEE`` costs twice."""
    return likely + np.minimum(likely - KNEE, 0)


def _best(drafts: Sequence[Draft], search: int) -> list[Draft]:
    return sorted((draft for draft in drafts if draft.search == search), key=lambda draft: -draft.worth)
