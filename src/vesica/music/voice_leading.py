"""Voice leading in four parts, as harmony is taught: named rules over a score, and every fault found by them.

The rules are those that Piston (*Harmony*, 1941) and Aldwell and Schachter (*Harmony and Voice Leading*, 1978) share.
Nothing but the notes is needed: each beat is read as the chord that leaves the least unexplained, where a note outside
the chord is explained if it passes, returns to its neighbour, is suspended and resolves, or anticipates. Bach's own
chorales keep these rules but for a few faults in a hundred chords (``bench/bench_chorale.py``).
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise

from vesica.errors import VesicaError
from vesica.music.score import Key, Metre, Note, Score, bar_and_beat, bar_lines, key_at, metre_at

VOICES = ("soprano", "alto", "tenor", "bass")

RANGES = ((60, 81), (53, 74), (46, 69), (36, 64))
"""Lowest and highest key of each voice: C4-A5, F3-D5, B flat 2-A4, C2-E4."""

WIDEST = (12, 12, 19)
"""Most semitones between soprano and alto, alto and tenor, tenor and bass."""

RULES = (
    "range",
    "spacing",
    "crossing",
    "overlap",
    "parallel fifths",
    "parallel octaves",
    "parallel unisons",
    "hidden fifths",
    "hidden octaves",
    "leap",
    "dissonance",
    "six-four",
    "missing third",
    "leading tone",
    "doubled leading tone",
    "seventh",
    "cadence",
)

SIZES = (0, 2, 4, 5, 7, 9, 11)
"""Semitones of the major or perfect interval of so many steps; one that is larger is augmented."""

PERFECT = {0: "octaves", 7: "fifths"}

SHAPES = (
    # name, semitones above the root, how unlikely among equals
    ("major", (0, 4, 7), 0),
    ("minor", (0, 3, 7), 0),
    ("diminished", (0, 3, 6), 1),
    ("dominant seventh", (0, 4, 7, 10), 2),
    ("minor seventh", (0, 3, 7, 10), 3),
    ("half-diminished seventh", (0, 3, 6, 10), 3),
    ("diminished seventh", (0, 3, 6, 9), 3),
    ("major seventh", (0, 4, 7, 11), 4),
    ("augmented", (0, 4, 8), 6),
    ("minor-major seventh", (0, 3, 7, 11), 7),
)

UNEXPLAINED = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule: where, in which voices, and what is wrong in a sentence."""

    rule: str
    """One of RULES."""
    bar: int
    """The first is 1, be it incomplete."""
    beat: Fraction
    """Quarter note in the bar, from 1."""
    voices: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Sung:
    """One note of one voice, its times in whole ticks."""

    start: int
    end: int
    midi: int
    diatonic: int
    fermata: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A beat, or half of one, read as a chord. ``root`` is a pitch class, ``tones`` semitones above it."""

    start: int
    end: int
    root: int
    shape: str
    tones: tuple[int, ...]
    outside: tuple[tuple[int, int], ...]
    """Voice and note number of each note that is neither of the chord nor explained."""
    weight: int
    present: frozenset[int]
    """Pitch classes that sound."""

    @property
    def leading(self) -> int | None:
        """The pitch class that wants to rise a semitone, were the chord a dominant."""
        if self.shape in ("major", "dominant seventh"):
            return (self.root + 4) % 12
        return self.root if "diminished" in self.shape else None

    @property
    def seventh(self) -> int | None:
        """The pitch class of the chord's seventh."""
        return (self.root + self.tones[3]) % 12 if len(self.tones) == 4 else None


@dataclass(frozen=True, slots=True)
class Found:
    """A fault as the rules see it, its time in ticks."""

    rule: str
    time: int
    voices: tuple[int, ...]
    sentence: str


Line = Sequence[Sung]
TonicAt = Callable[[int], tuple[int, bool]]


def faults(score: Score) -> list[Fault]:
    """All faults of a score in four parts (soprano first), in order of time.

    Raises ``VesicaError`` where there are not four parts, or a part sings two notes at once.
    """
    lines, beats, ticks = _lines(score)
    bars = bar_lines(score)

    def tonic_at(tick: int) -> tuple[int, bool]:
        return tonic(key_at(score, Fraction(tick, ticks)))

    found = []
    for one in FourParts(lines, beats, tonic_at).found(0, beats[-1]):
        bar, beat = bar_and_beat(bars, Fraction(one.time, ticks))
        found.append(Fault(one.rule, bar, beat, tuple(VOICES[voice] for voice in one.voices), one.sentence))
    return found


def tonic(key: Key) -> tuple[int, bool]:
    """The pitch class of a key's tonic, and whether it is minor."""
    minor = key.mode == "minor"
    return (key.fifths * 7 + (9 if minor else 0)) % 12, minor


def pulse(metre: Metre) -> Fraction:
    """The beat that carries a chord, in quarter notes: a dotted one in compound metres, never under a quarter."""
    if metre.unit >= 8 and metre.beats % 3 == 0 and metre.beats >= 3:
        return Fraction(12, metre.unit)
    return max(Fraction(4, metre.unit), Fraction(1))


def beats_of(score: Score) -> list[Fraction]:
    """Where beats begin, and where the last one ends; a beat never crosses a bar line."""
    found = []
    for start, end in pairwise(bar_lines(score)):
        step = pulse(metre_at(score, start))
        # An incomplete first bar is counted from its end, as players count it.
        first = start + (end - start) % step if start == 0 and score.pickup else start
        if first > start:
            found.append(start)
        while first < end:
            found.append(first)
            first += step
    return [*found, bar_lines(score)[-1]]


def sung(note: Note, ticks: int) -> Sung:
    """A note of a score with its times in ticks, ``ticks`` of them to a quarter note."""
    start, end = int(note.onset * ticks), int(note.end * ticks)
    return Sung(start, end, note.pitch.midi, note.pitch.diatonic, note.fermata)


def _lines(score: Score) -> tuple[list[list[Sung]], list[int], int]:
    if len(score.parts) != 4:
        raise VesicaError(f"The rules are for four parts, this score has {len(score.parts)}; choose four.")
    beats = beats_of(score)
    times = [*beats, *(time for note in score.notes for time in (note.onset, note.duration))]
    ticks = math.lcm(*(time.denominator for time in times))
    lines = [[sung(note, ticks) for note in sorted(part.notes, key=lambda note: note.onset)] for part in score.parts]
    for part, line in zip(score.parts, lines, strict=True):
        if any(one.end > other.start for one, other in pairwise(line)):
            raise VesicaError(f"{part.name or 'A part'} sings two notes at once; give each voice its own part.")
    return lines, [int(beat * ticks) for beat in beats], ticks


class FourParts:
    """Four lines over a grid of beats, and the rules over any stretch of them.

    lines : soprano, alto, tenor, bass; each sorted, its notes one after another
    beats : ticks at which beats begin, and the end
    tonic_at : a tick to the tonic's pitch class and whether the key is minor
    """

    def __init__(self, lines: Sequence[Line], beats: Sequence[int], tonic_at: TonicAt) -> None:
        self.lines = lines
        self.beats = beats
        self.tonic_at = tonic_at
        self.starts = [[note.start for note in line] for line in lines]
        # Detached notes are one line: a rest of up to half a beat does not end it.
        self.breath = (beats[1] - beats[0]) // 2 if len(beats) < 3 else (beats[2] - beats[1]) // 2

    def found(self, start: int, end: int) -> list[Found]:
        """The faults at ``start <= time < end``, in order."""
        readings = self.readings(start, end)
        every = [
            *self._singers(start, end),
            *self._moments(start, end),
            *self._chords(readings, start, end),
            *self._cadences(start, end),
        ]
        return sorted(every, key=lambda one: (one.time, RULES.index(one.rule), one.voices))

    def at(self, voice: int, time: int) -> int | None:
        """The number of the note that a voice sings."""
        place = bisect_right(self.starts[voice], time) - 1
        return place if place >= 0 and self.lines[voice][place].end > time else None

    def beside(self, voice: int, number: int, by: int) -> Sung | None:
        """The note before (-1) or after (1), None at an end or a rest longer than a breath."""
        line, other = self.lines[voice], number + by
        if not 0 <= other < len(line):
            return None
        first, second = sorted((number, other))
        return line[other] if line[second].start - line[first].end <= self.breath else None

    def readings(self, start: int, end: int) -> list[Reading]:
        """The beats that touch a stretch and the two after it, each read as a chord; silent beats are left out."""
        first = max(0, bisect_right(self.beats, start) - 1)
        last = min(len(self.beats) - 1, bisect_left(self.beats, end) + 2)
        found: list[Reading] = []
        for low, high in pairwise(self.beats[first : last + 1]):
            whole = self.read(low, high)
            if whole is None:
                continue
            inside = {note.start for voice in range(4) for note in self._within(voice, low, high)}
            cuts = sorted(cut for cut in inside if low < cut < high)
            if whole.outside and cuts:
                # Harmony may change inside a beat.
                parts = [part for pair in pairwise([low, *cuts, high]) if (part := self.read(*pair))]
                if sum(len(part.outside) for part in parts) < len(whole.outside):
                    found += parts
                    continue
            found.append(whole)
        return found

    def read(self, low: int, high: int) -> Reading | None:
        """The chord from ``low`` to ``high`` that leaves least unexplained; None where nobody sings."""
        costs: dict[int, int] = {}
        outside: dict[int, list[tuple[int, int]]] = {}
        bass = None
        for voice in range(4):
            for note in self._within(voice, low, high):
                number = bisect_left(self.starts[voice], note.start)
                pitch_class = note.midi % 12
                share = 12 * (min(note.end, high) - max(note.start, low)) // (high - low)
                cost = share + (6 if note.start <= low else 0)
                if not self.explained(voice, number, low, high):
                    cost += UNEXPLAINED
                    outside.setdefault(pitch_class, []).append((voice, number))
                costs[pitch_class] = costs.get(pitch_class, 0) + cost
                if voice == 3 and bass is None:
                    bass = pitch_class
        if not costs:
            return None
        cost, number, root = _likeliest(tuple(sorted(costs.items())), bass)
        shape, tones, _ = SHAPES[number]
        chord = {(root + tone) % 12 for tone in tones}
        left = tuple(place for pc, places in outside.items() if pc not in chord for place in places)
        return Reading(low, high, root, shape, tones, left, cost, frozenset(costs))

    def explained(self, voice: int, number: int, low: int, high: int) -> bool:
        """Whether a note may be foreign to the chord: it passes, returns, is suspended, anticipates or is a pedal."""
        note = self.lines[voice][number]
        before, after = self.beside(voice, number, -1), self.beside(voice, number, 1)
        if voice == 3 and note.start < low and note.end >= high:
            return True
        if after is None:
            return False
        out = after.midi - note.midi
        if note.start < low or (before is not None and before.midi == note.midi and note.start <= low):
            return _is_step(note, after) and out < 3
        if before is None:
            return False
        into = note.midi - before.midi
        if out == 0:
            return note.end >= high and note.start > low and 2 * (note.end - note.start) <= high - low
        if not (_is_step(before, note) and _is_step(note, after)):
            return False
        return (into > 0) == (out > 0) or after.midi == before.midi

    def _within(self, voice: int, low: int, high: int) -> Line:
        starts, line = self.starts[voice], self.lines[voice]
        first = bisect_right(starts, low) - 1
        if first < 0 or line[first].end <= low:
            first += 1
        return line[first : bisect_left(starts, high)]

    def _singers(self, start: int, end: int) -> Iterator[Found]:
        for voice, (line, starts) in enumerate(zip(self.lines, self.starts, strict=True)):
            low, high = RANGES[voice]
            for number in range(bisect_left(starts, start), bisect_left(starts, end)):
                note = line[number]
                name = VOICES[voice]
                if not low <= note.midi <= high:
                    where = "below" if note.midi < low else "above"
                    yield Found("range", note.start, (voice,), f"The {name} sings {where} its range.")
                before = self.beside(voice, number, -1)
                if before is None or before.fermata:
                    continue
                steps, size = abs(note.diatonic - before.diatonic), abs(note.midi - before.midi)
                if steps and size > SIZES[steps % 7] + 12 * (steps // 7):
                    yield Found("leap", note.start, (voice,), f"The {name} moves by an augmented interval.")
                elif size in (10, 11) or size > 12:
                    yield Found("leap", note.start, (voice,), f"The {name} leaps by {size} semitones.")

    def _moments(self, start: int, end: int) -> Iterator[Found]:
        times = sorted(
            {
                time
                for line in self.starts
                for time in line[max(0, bisect_left(line, start) - 1) : bisect_left(line, end)]
            }
        )
        before: list[int | None] | None = None
        for time in times:
            now = [self.at(voice, time) for voice in range(4)]
            if time >= start:
                yield from self._sonority(time, before, now)
                if before is not None:
                    yield from self._motion(time, before, now)
            before = now

    def _sonority(self, time: int, before: list[int | None] | None, now: list[int | None]) -> Iterator[Found]:
        for upper, lower in pairwise(range(4)):
            gap, was = self._gap(upper, now), self._gap(upper, before)
            if gap is None:
                continue
            names = f"{VOICES[upper]} and {VOICES[lower]}"
            # Told once, where it begins.
            if gap < 0 and (was is None or was >= 0):
                yield Found("crossing", time, (upper, lower), f"The {VOICES[lower]} is above the {VOICES[upper]}.")
            elif gap > WIDEST[upper] and (was is None or was <= WIDEST[upper]):
                yield Found("spacing", time, (upper, lower), f"The {names} are too far apart.")

    def _gap(self, upper: int, numbers: list[int | None] | None) -> int | None:
        """Semitones from a voice down to the next one, None where one of them is silent."""
        above = self._note(upper, numbers) if numbers else None
        below = self._note(upper + 1, numbers) if numbers else None
        return None if above is None or below is None else above.midi - below.midi

    def _motion(self, time: int, before: list[int | None], now: list[int | None]) -> Iterator[Found]:
        for upper, lower in combinations(range(4), 2):
            old = self._note(upper, before), self._note(lower, before)
            new = self._note(upper, now), self._note(lower, now)
            (high, low), (top, base) = old, new
            if high is None or low is None or top is None or base is None:
                continue
            crossed = high.midi < low.midi or top.midi < base.midi
            if lower == upper + 1 and not crossed and not (high.fermata or low.fermata):
                over = base.midi > high.midi and now[lower] != before[lower]
                under = top.midi < low.midi and now[upper] != before[upper]
                if over or under:
                    mover, other = (lower, upper) if over else (upper, lower)
                    way = "over" if over else "under"
                    text = f"The {VOICES[mover]} moves {way} where the {VOICES[other]} just was."
                    yield Found("overlap", time, (upper, lower), text)
            up, down = top.midi - high.midi, base.midi - low.midi
            if not up or not down or (up > 0) != (down > 0):
                continue
            interval = (top.midi - base.midi) % 12
            if interval not in PERFECT or (interval == 7 and (top.diatonic - base.diatonic) % 7 != 4):
                continue
            names = f"{VOICES[upper]} and {VOICES[lower]}"
            if (high.midi - low.midi) % 12 == interval and (interval == 0 or (high.diatonic - low.diatonic) % 7 == 4):
                unison = interval == 0 and top.midi == base.midi and high.midi == low.midi
                kind = "unisons" if unison else PERFECT[interval]
                yield Found(f"parallel {kind}", time, (upper, lower), f"The {names} move in parallel {kind}.")
            elif (upper, lower) == (0, 3) and abs(up) > 2 and not high.fermata:
                kind = PERFECT[interval]
                text = f"The {names} leap the same way to {'an octave' if interval == 0 else 'a fifth'}."
                yield Found(f"hidden {kind}", time, (upper, lower), text)

    def _chords(self, readings: list[Reading], start: int, end: int) -> Iterator[Found]:
        for place, chord in enumerate(readings):
            if not start <= chord.start < end:
                continue
            for voice, number in chord.outside:
                note = self.lines[voice][number]
                if chord.start <= note.start or note.start < start:
                    text = f"The {VOICES[voice]} sings a dissonance that is not prepared or does not resolve by step."
                    yield Found("dissonance", max(note.start, chord.start), (voice,), text)
            if (chord.root + chord.tones[1]) % 12 not in chord.present:
                yield Found("missing third", chord.start, (0, 1, 2, 3), "The chord has no third.")
            after = readings[place + 1] if place + 1 < len(readings) else None
            yield from self._six_four(chord)
            yield from self._leading(chord, after)
            yield from self._seventh(chord, after)

    def _six_four(self, chord: Reading) -> Iterator[Found]:
        number = self.at(3, chord.start)
        if number is None or len(chord.tones) != 3 or chord.outside:
            return
        bass = self.lines[3][number]
        if bass.midi % 12 != (chord.root + chord.tones[2]) % 12 or bass.start < chord.start or bass.end < chord.end:
            return
        before, after = self.beside(3, number, -1), self.beside(3, number, 1)
        if after is None or before is None:
            return
        same = {before.midi % 12, after.midi % 12} & {(chord.root + tone) % 12 for tone in chord.tones}
        if not same and not (after.midi == bass.midi or _is_step(bass, after)):
            yield Found("six-four", chord.start, (3,), "The bass leaps away from a six-four chord.")

    def _leading(self, chord: Reading, after: Reading | None) -> Iterator[Found]:
        if after is None or chord.leading is None:
            return
        home, minor = self.tonic_at(chord.start)
        scale = {(home + tone) % 12 for tone in ((0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11))}
        leading, goal = chord.leading, (chord.leading + 1) % 12
        wants = leading == (home + 11) % 12 or leading not in scale or chord.shape != "major"
        to_tonic = after.root == goal and after.shape in ("major", "minor", "dominant seventh")
        holds_goal = goal in {(after.root + tone) % 12 for tone in after.tones}
        deceptive = (
            leading == (home + 11) % 12 and after.root in ((leading + 10) % 12, (leading + 9) % 12) and holds_goal
        )
        if not wants or not (to_tonic or deceptive):
            return
        singing = []
        for voice in range(4):
            number = self.at(voice, chord.end - 1)
            if number is None or self.lines[voice][number].midi % 12 != leading:
                continue
            singing.append(voice)
            note = self.lines[voice][number]
            goes = self.beside(voice, number, 1)
            if goes is None or note.fermata or note.end > chord.end:
                continue
            move = goes.midi - note.midi
            inner_third = voice in (1, 2) and move in (-3, -4)
            slide = move == -1 and goes.diatonic == note.diatonic
            if goes.midi % 12 != goal and not (inner_third or slide or self._comes(voice, number, goal)):
                yield Found(
                    "leading tone", goes.start, (voice,), f"The leading tone in the {VOICES[voice]} does not rise."
                )
        if len(singing) > 1 and to_tonic:
            yield Found("doubled leading tone", chord.start, tuple(singing), "The leading tone is doubled.")

    def _seventh(self, chord: Reading, after: Reading | None) -> Iterator[Found]:
        if chord.seventh is None or after is None:
            return
        for voice in range(4):
            number = self.at(voice, chord.end - 1)
            if number is None or self.lines[voice][number].midi % 12 != chord.seventh:
                continue
            note = self.lines[voice][number]
            goes = self.beside(voice, number, 1)
            # Where it stays, the next chord decides what it is.
            if goes is None or goes.midi == note.midi or note.fermata or note.end > chord.end:
                continue
            falls = _is_step(note, goes) and goes.midi < note.midi
            # It may rise with the bass in tenths (V4/3 to I6), or be handed to another voice of the same chord.
            bass = self.at(3, chord.start), self.at(3, goes.start)
            rises = (
                voice != 3
                and None not in bass
                and _is_step(note, goes)
                and _is_step(self.lines[3][bass[0] or 0], self.lines[3][bass[1] or 0])
            )
            handed = after.root == chord.root or (after.seventh == chord.seventh)
            goal = {(chord.seventh - 1) % 12, (chord.seventh - 2) % 12}
            if not (falls or rises or handed or any(self._comes(voice, number, one) for one in goal)):
                yield Found("seventh", goes.start, (voice,), f"The seventh in the {VOICES[voice]} does not step down.")

    def _comes(self, voice: int, number: int, goal: int) -> bool:
        """Whether the note after next is the goal: a resolution with one note in between."""
        if self.beside(voice, number, 1) is None:
            return False
        later = self.beside(voice, number + 1, 1)
        note = self.lines[voice][number]
        return later is not None and later.midi % 12 == goal and abs(later.midi - note.midi) <= 2

    def _cadences(self, start: int, end: int) -> Iterator[Found]:
        line = self.lines[0]
        for number in range(bisect_left(self.starts[0], start), bisect_left(self.starts[0], end)):
            note = line[number]
            last = number == len(line) - 1
            if not note.fermata and not last:
                continue
            holding = [self.at(voice, note.end - 1) for voice in range(4)]
            keys = [one.midi for voice in range(4) if (one := self._note(voice, holding)) is not None]
            bass = min(keys) % 12
            above = {(key - bass) % 12 for key in keys}
            if not (above <= {0, 3, 7} or above <= {0, 4, 7}):
                text = "The phrase does not end on a triad in root position."
                yield Found("cadence", note.start, (0, 1, 2, 3), text)
            elif last and bass != self.tonic_at(note.start)[0]:
                yield Found("cadence", note.start, (3,), "The last chord is not the tonic.")

    def _note(self, voice: int, numbers: list[int | None]) -> Sung | None:
        number = numbers[voice]
        return None if number is None else self.lines[voice][number]


@lru_cache(maxsize=50_000)
def _likeliest(costs: tuple[tuple[int, int], ...], bass: int | None) -> tuple[int, int, int]:
    """Cost, shape and root of the chord that leaves least out, given what each pitch class costs outside it."""
    present = {pitch_class for pitch_class, _ in costs}
    best: tuple[int, int, int] | None = None
    for root in present:
        for number, (shape, tones, unlikely) in enumerate(SHAPES):
            chord = [(root + tone) % 12 for tone in tones]
            cost = sum(price for pitch_class, price in costs if pitch_class not in chord)
            cost += 2 * unlikely + (root != bass)
            cost += 0 if chord[1] in present else 9
            if len(chord) == 4 and chord[3] not in present:
                cost += 12
            if ("diminished" in shape or shape == "augmented") and chord[2] not in present:
                cost += 12
            if best is None or (cost, number, root) < best:
                best = cost, number, root
    assert best is not None
    return best


def _is_step(one: Sung, other: Sung) -> bool:
    return abs(one.diatonic - other.diatonic) == 1 and abs(one.midi - other.midi) < 3
