"""A hymn tune: phrases with an arch each, a form that comes back to its beginning, one climax, cadences that close.

A phrase is a rhythm and a cheapest way through scale degrees: steps are free, leaps cost and turn back, the line
follows its arch. Phrases of one letter share their first half, so that a tune is recognised when it returns.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vesica.music.harmony import home
from vesica.music.score import Key, Metre, Note, Pitch, pitch_on_line

FORMS: dict[int, tuple[tuple[str, tuple[str, ...]], ...]] = {
    2: (("AA", ("half", "authentic")),),
    3: (("ABA", ("half", "tonicised", "authentic")), ("AAB", ("half", "authentic", "authentic"))),
    4: (
        ("AABA", ("half", "authentic", "tonicised", "authentic")),
        ("ABAB", ("half", "tonicised", "half", "authentic")),
        ("ABCA", ("half", "authentic", "tonicised", "authentic")),
    ),
    5: (("AABCA", ("half", "authentic", "tonicised", "half", "authentic")),),
    6: (("AABBCA", ("half", "authentic", "tonicised", "half", "tonicised", "authentic")),),
    7: (("ABABCDB", ("half", "authentic", "half", "authentic", "tonicised", "half", "authentic")),),
    8: (("ABABCDAB", ("half", "authentic", "half", "authentic", "tonicised", "half", "half", "authentic")),),
}
"""Letters of the phrases, and how each closes; the song forms, and the bar form (two Stollen and an Abgesang)."""

RHYTHMS: dict[tuple[int, int], tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]] = {
    # beats in a bar, beats of pickup: rhythms in quarters of inner phrases, of a last phrase
    (4, 0): (
        ((1, 1, 1, 1, 1, 1, 2), (2, 1, 1, 1, 1, 2), (1, 1, 1, 1, 2, 2)),
        ((1, 1, 1, 1, 2, 2, 4), (1, 1, 1, 1, 1, 1, 1, 1, 4), (2, 1, 1, 1, 1, 2, 4), (1, 1, 1, 1, 1, 1, 2, 4)),
    ),
    (4, 1): (
        ((1, 1, 1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 2, 1), (1, 2, 1, 1, 2, 1), (1, 1, 1, 1, 1, 1, 1, 1)),
        ((1, 1, 1, 1, 1, 3), (1, 1, 1, 2, 1, 1, 1, 1, 3), (1, 1, 1, 1, 1, 1, 1, 2, 3)),
    ),
    (3, 0): (
        ((2, 1, 2, 1, 2, 1, 3), (1, 1, 1, 2, 1, 1, 1, 1, 3), (2, 1, 1, 1, 1, 2, 1, 3)),
        ((2, 1, 2, 1, 2, 1, 3), (2, 1, 1, 1, 1, 2, 1, 3), (1, 1, 1, 2, 1, 1, 1, 1, 3)),
    ),
    (3, 1): (
        ((1, 2, 1, 2, 1, 2, 1, 2), (1, 1, 1, 1, 2, 1, 1, 1, 1, 2), (1, 2, 1, 1, 1, 1, 2, 1, 2)),
        ((1, 2, 1, 2, 1, 2, 1, 2), (1, 1, 1, 1, 2, 1, 1, 1, 1, 2), (1, 2, 1, 1, 1, 1, 2, 1, 2)),
    ),
}

LOWEST, HIGHEST = 62, 77
"""D4 to F5: where a congregation sings, were it a willing one."""

INTERVAL = (6, 0, 3, 6, 8, 16, 40, 20)
"""Price of a move by so many steps."""

TRIES = 12


@dataclass(frozen=True, slots=True)
class Tune:
    """A melody with its plan: ``cadences`` names the close of each phrase, by the number of its last note."""

    notes: tuple[Note, ...]
    pickup: Fraction
    cadences: dict[int, str]


def compose(rng: random.Random, key: Key, metre: Metre, phrases: int) -> Tune:
    """A tune of 2 to 8 phrases in 3/4 or 4/4."""
    letters, closes = rng.choice(FORMS[phrases])
    pickup = rng.choice((0, 1))
    inner, last = RHYTHMS[metre.beats, pickup]
    range_ = _range(key)
    # The climax stands in the first phrase after the middle that says something new.
    news = [place for place, letter in enumerate(letters) if letters.index(letter) == place and place >= phrases // 2]
    climax = news[0] if news else phrases - 1
    rhythms: dict[str, tuple[int, ...]] = {}
    for letter in letters:
        if letter not in rhythms:
            rhythms[letter] = rng.choice(inner)
    best: list[list[int]] | None = None
    fewest = 99
    lengths: list[tuple[int, ...]] = []
    for _ in range(TRIES):
        lengths = []
        lines: list[list[int]] = []
        heads: dict[str, list[int]] = {}
        for place, letter in enumerate(letters):
            ending = place == phrases - 1
            rhythm = rng.choice(last) if ending else rhythms[letter]
            if ending and letter in heads:
                # It begins as it did and ends longer.
                rhythm = _ending_like(rhythms[letter], last)
            keep = heads.get(letter, [])[: _shared(rhythms[letter], rhythm)]
            top = range_[1] if place == climax else range_[1] - 1 - (place == 0)
            before = lines[-1][-1] if lines else None
            line = _phrase(rng, key, rhythm, keep, before, (range_[0], top), closes[place], ending, place == climax)
            heads.setdefault(letter, line)
            lines.append(line)
            lengths.append(rhythm)
        every = [degree for line in lines for degree in line]
        count = every.count(max(every))
        if count < fewest:
            best, fewest = lines, count
        if count == 1:
            break
    assert best is not None
    return _written(best, lengths, key, Fraction(pickup), closes)


def _ending_like(rhythm: tuple[int, ...], last: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return max(last, key=lambda one: (_shared(rhythm, one), -len(one)))


def _shared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many notes two phrases of one letter have alike: where rhythms agree, up to five in eight."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return min(count, (5 * min(len(one), len(other))) // 8)


def _range(key: Key) -> tuple[int, int]:
    """Lowest and highest degree (0 is the tonic from D4 to C sharp 5) that lie well."""
    fits = [degree for degree in range(-8, 12) if LOWEST <= _pitch(degree, key).midi <= HIGHEST]
    return fits[0], fits[-1]


def _pitch(degree: int, key: Key, raised: bool = False) -> Pitch:
    """The pitch of a degree; ``raised`` by a semitone, as the sixth and seventh of minor are on their way up."""
    tonic = home(key)
    lines = (0, 2, -3, -1, 1, -4, -2) if key.mode == "minor" else (0, 2, 4, -1, 1, 3, 5)
    octave, place = divmod(degree, 7)
    line = tonic + lines[place] + (7 if raised else 0)
    # A tune on C or C sharp closes on the upper one: the lower leaves the alto no room.
    base = 62 + (tonic * 7 - 2) % 12
    rise = (lines[place] * 7) % 12 + (1 if raised else 0)
    return pitch_on_line(line, base + 12 * octave + rise)


ENDS = {
    # degrees that close a phrase, for each its price; major, minor
    "authentic": ({0: 0, 2: 4}, {0: 0, 2: 6}),
    "half": ({1: 0, 4: 3, 6: 4}, {1: 0, 4: 2, 6: 6}),
    "tonicised": ({4: 0, 1: 3}, {2: 0, 4: 3}),
}

APPROACHES = {
    # degrees that may stand before the last, by cadence and last degree; the dominant must be able to carry them
    ("authentic", 0): (1, 6),
    ("authentic", 2): (1, 3, 4),
    ("half", 1): (0, 2, 3),
    ("half", 4): (5, 3, 2, 0),
    ("half", 6): (0,),
}


def _phrase(
    rng: random.Random,
    key: Key,
    rhythm: tuple[int, ...],
    keep: list[int],
    before: int | None,
    range_: tuple[int, int],
    close: str,
    final: bool,
    climax: bool,
) -> list[int]:
    """The degrees of one phrase; ``keep`` are its first ones, already known. A ``climax`` touches its top once."""
    low, high = range_
    minor = key.mode == "minor"
    count = len(rhythm)
    ends = {0: 0} if final else ENDS[close][minor]
    peak = rng.randrange(35, 70) * count // 100
    peak = max(peak, min(len(keep), count - 3))
    start = rng.choice([degree for degree in (-3, 0, 2, 4, 7) if low <= degree <= high])
    close_at = min(ends, key=lambda degree: (ends[degree], degree))
    degrees = range(low, high + 1)
    costs: dict[tuple[int, int], int] = {}
    backs: list[dict[tuple[int, int], tuple[int, int]]] = []
    for place in range(count):
        noise = {degree: rng.randrange(6) for degree in degrees}
        if place <= peak:
            aim = start + (high - start) * place // max(peak, 1)
        else:
            aim = high - (high - close_at) * (place - peak) // max(count - 1 - peak, 1)
        allowed = [keep[place]] if place < len(keep) else degrees
        now: dict[tuple[int, int], int] = {}
        back: dict[tuple[int, int], tuple[int, int]] = {}
        for degree in allowed:
            price = noise[degree] + 2 * (degree - aim) ** 2 // 3 + (4 if degree % 7 == 6 else 0)
            if climax:
                price += 60 * ((degree == high) != (place == peak))
            if place == count - 1:
                price += 2 * ends.get(degree % 7, 500) if 0 <= degree <= 6 or degree in (-1, 7) else 60
            if place == count - 2 and close == "tonicised":
                price += 0 if degree % 7 in ((1, 3) if minor else (5, 3, 1, 2)) else 100
            if place == 0:
                price += 0 if degree % 7 in (0, 2, 4) else 200
                price += 4 * max(0, abs(degree - before) - 3) if before is not None else 0
                now[degree, degree] = price
                continue
            for (older, old), cost in costs.items():
                total = cost + price + _move(older, old, degree, place, minor)
                if place == count - 1 and degree % 7 in ends:
                    wanted = APPROACHES.get((close, degree % 7))
                    total += 0 if wanted is None or old % 7 in wanted else 60
                if (old, degree) not in now or total < now[old, degree]:
                    now[old, degree] = total
                    back[old, degree] = (older, old)
        costs = now
        backs.append(back)
    pair = min(costs, key=lambda one: (costs[one], one))
    line = [pair[1]]
    for back in reversed(backs[1:]):
        pair = back[pair]
        line.append(pair[1])
    return line[::-1]


def _move(older: int, old: int, degree: int, place: int, minor: bool) -> int:
    """The price of singing ``degree`` after ``older`` and ``old``."""
    move, last = degree - old, old - older
    price = INTERVAL[abs(move)] if abs(move) < 8 else 90
    if {old % 7, degree % 7} == ({1, 5} if minor else {3, 6}) and abs(move) > 1:
        price += 60
    if place > 1:
        if abs(last) > 2 and not (move * last < 0 and abs(move) == 1):
            price += 10
        if move == 0 and last == 0:
            price += 14
        if degree == older and move:
            price += 8
        if move * last > 0 and abs(move) > 1 and abs(last) > 1:
            price += 8
    if old % 7 == 6 and move > 1:
        price += 12
    if 6 in (old % 7, degree % 7) and abs(move) > 2:
        price += 40
    return price


def _written(
    lines: list[list[int]], rhythms: list[tuple[int, ...]], key: Key, pickup: Fraction, closes: Sequence[str]
) -> Tune:
    degrees = [degree for line in lines for degree in line]
    raised = _raised(lines) if key.mode == "minor" else [False] * len(degrees)
    notes: list[Note] = []
    cadences = {}
    onset = Fraction(0)
    for line, rhythm, close in zip(lines, rhythms, closes, strict=True):
        for place, length in enumerate(rhythm):
            number = len(notes)
            pitch = _pitch(degrees[number], key, raised[number])
            last = place == len(line) - 1
            notes.append(Note("", onset, Fraction(length), pitch, fermata=last))
            onset += length
        cadences[len(notes) - 1] = close
    return Tune(tuple(notes), pickup, cadences)


def _raised(lines: list[list[int]]) -> list[bool]:
    """Which notes melodic minor raises: a seventh that goes to the tonic or closes a phrase, a sixth before it."""
    found = []
    for line in lines:
        raised = [False] * len(line)
        for place in range(len(line) - 1, -1, -1):
            later = line[place + 1] if place + 1 < len(line) else None
            if line[place] % 7 == 6:
                raised[place] = (
                    later is None or later == line[place] + 1 or (later == line[place] and raised[place + 1])
                )
            elif line[place] % 7 == 5:
                raised[place] = later is not None and later >= line[place] and raised[place + 1]
        found += raised
    return found
