"""How music stands on paper: staves and clefs, note values with ties and tuplets, beams.

A ``Note`` is one sound. On paper it may take several noteheads: it is cut at barlines, and inside a bar wherever it
would hide a strong beat. Nothing here is kept in a score; it is found anew from onsets and lengths each time.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm

from vesica.music.score import Metre, Note, Part

KINDS = {
    Fraction(2) ** (4 - place): name
    for place, name in enumerate(
        (
            *("long", "breve", "whole", "half", "quarter", "eighth", "16th"),
            *("32nd", "64th", "128th", "256th", "512th", "1024th"),
        )
    )
}
"""Written values by length in quarter notes, longest first, named as MusicXML names them."""

SHORTEST = min(KINDS)
LARGEST_TUPLET = 15
MIDDLE_C = 60
KEYBOARDS = frozenset({*range(9), *range(16, 24), 46})
"""Programs written on two staves when one is too narrow: pianos, celesta, organs, harp."""


@dataclass(frozen=True, slots=True)
class Clef:
    """``middle`` is the diatonic number of the middle line; ``octave`` the small 8 above (1) or below (-1)."""

    sign: str
    line: int
    middle: int
    octave: int = 0


TREBLE = Clef("G", 2, 34)
TENOR = Clef("G", 2, 27, -1)
ALTO = Clef("C", 3, 28)
BASS = Clef("F", 4, 22)
LOW = Clef("F", 4, 15, -1)
HIGH = Clef("G", 2, 41, 1)


@dataclass(frozen=True, slots=True)
class Voice:
    """One line of chords on one staff; no two of its chords overlap."""

    number: int
    """The voice in the score, plus 100 for each further line it needs on paper."""
    staff: int
    chords: tuple[tuple[Note, ...], ...]
    """From the left; the notes of a chord begin and end together, lowest first."""


@dataclass(frozen=True, slots=True)
class Value:
    """One written value: a chord, or a rest where ``notes`` is empty."""

    start: Fraction
    """Quarter notes from the barline."""
    length: Fraction
    notes: tuple[Note, ...]
    kind: str
    """From KINDS."""
    dots: int = 0
    ratio: tuple[int, int] | None = None
    """Of a tuplet: so many in the time of so many."""
    tuplet: str = ""
    """start, stop, or both ("start stop") where a tuplet has one value."""
    tied: tuple[bool, bool] = (False, False)
    """From the value before, to the value after."""
    beams: tuple[str, ...] = ()
    """For each beam, the eighths' first: begin, continue, end, forward hook, backward hook."""
    whole_bar: bool = False


# Staves


def clefs(part: Part) -> tuple[Clef, ...]:
    """One clef, or two where a keyboard's notes do not fit one staff."""
    name, heights = part.name.lower(), [note.pitch.diatonic for note in part.notes]
    if part.program == 41 or "viola" in name:
        return (ALTO,)
    if 24 <= part.program <= 31 or ("tenor" in name and 52 <= part.program <= 54):
        return (TENOR,)
    if ("alto" in name or "soprano" in name) and 52 <= part.program <= 54:
        return (TREBLE,)
    choice = [TREBLE, BASS]
    if 52 <= part.program <= 54 and len({note.voice for note in part.notes}) == 1:
        choice.append(TENOR)
    elif 32 <= part.program <= 39 or part.program == 43:
        choice.append(LOW)
    elif part.program in (9, 72, 78):
        choice.append(HIGH)
    best = min(choice, key=lambda clef: (_ledger(heights, clef), choice.index(clef)))
    if part.program in KEYBOARDS and _ledger(heights, best) > 0.6:
        return TREBLE, BASS
    return (best,)


def _ledger(heights: Sequence[int], clef: Clef) -> float:
    """Ledger lines a note on average, plus a little for leaning to one side."""
    if not heights:
        return 0.0
    outside = sum(max(0, abs(height - clef.middle) - 4) // 2 for height in heights)
    lean = abs(sum(heights) / len(heights) - clef.middle)
    return outside / len(heights) + 0.02 * lean


def voices(part: Part, staves: tuple[Clef, ...]) -> list[Voice]:
    """The part's notes as lines for paper: by voice and hand, and more lines where notes of a voice overlap."""
    lines: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for number in sorted({note.voice for note in part.notes}):
        own = [note for note in part.notes if note.voice == number]
        for note, staff in zip(own, _hands(own, staves), strict=True):
            lines[staff, number].append(note)
    found, used = [], defaultdict[int, int](int)
    for (staff, number), notes in sorted(lines.items(), key=lambda line: line[0]):
        for chords in _layers(notes):
            found.append(Voice(number + 100 * used[number], staff, tuple(chords)))
            used[number] += 1
    return found


def _hands(notes: list[Note], staves: tuple[Clef, ...]) -> list[int]:
    if len(staves) == 1:
        return [1] * len(notes)
    mean = sum(note.pitch.midi for note in notes) / len(notes)
    staff = 1 if mean >= MIDDLE_C else 2
    if _ledger([note.pitch.diatonic for note in notes], staves[staff - 1]) < 0.8:
        return [staff] * len(notes)
    together = defaultdict(list)
    for note in notes:
        together[note.onset].append(note.pitch.midi)
    found = []
    for note in notes:
        chord = together[note.onset]
        if max(chord) - min(chord) > 12:
            staff = 1 if note.pitch.midi >= MIDDLE_C else 2
        elif abs(distance := sum(chord) / len(chord) - MIDDLE_C) > 5:
            # Near middle C a line stays in the hand that has it.
            staff = 1 if distance > 0 else 2
        found.append(staff)
    return found


def _layers(notes: list[Note]) -> list[list[tuple[Note, ...]]]:
    """Notes of one voice as lines whose chords follow each other."""
    chords = defaultdict(list)
    for note in notes:
        chords[note.onset, -note.end, note.fermata, note.marks].append(note)
    layers: list[list[tuple[Note, ...]]] = []
    for _, chord in sorted(chords.items(), key=lambda row: row[0]):
        chord.sort(key=lambda note: (note.pitch.midi, note.id))
        free = next((layer for layer in layers if layer[-1][0].end <= chord[0].onset), None)
        if free is None:
            layers.append(free := [])
        free.append(tuple(chord))
    return layers


# Metre


class Grid:
    """Where the beats of a bar are, and how strong: a beat's strength is twice the length of what it divides into.

    ``units`` of length ``unit`` divide by two, by three, or unevenly (5 = 3 + 2, 7 = 4 + 3); a unit divides by two.
    """

    def __init__(self, units: int, unit: Fraction) -> None:
        self.units, self.unit, self.length = units, unit, units * unit
        self._strength: dict[Fraction, Fraction] = {}
        self._values: dict[tuple[Fraction, Fraction, bool], tuple[tuple[Fraction, Fraction], ...]] = {}
        self._divide(Fraction(0), units)

    def _divide(self, start: Fraction, units: int) -> None:
        shares = _shares(units)
        for share, (place, count) in zip(shares, _spans(start, shares, self.unit), strict=True):
            if place > start:
                self._strength[place] = 2 * max(shares) * self.unit
            if share > 1:
                self._divide(place, count)

    def strength(self, place: Fraction) -> Fraction:
        """Of a place in the bar; its ends are the strongest."""
        if not 0 < place < self.length:
            return 4 * max(self.length, self.unit)
        if place in self._strength:
            return self._strength[place]
        step = self.unit / 2
        while place % step and step > Fraction(1, 4096):
            step /= 2
        return 2 * step

    def strongest(self, start: Fraction, end: Fraction) -> list[Fraction]:
        """The strongest places between two times, from the left."""
        inside = [place for place in self._strength if start < place < end]
        if not inside:
            step = self.unit
            while (place := (start // step + 1) * step) >= end:
                step /= 2
            return [place]
        top = max(self._strength[place] for place in inside)
        return sorted(place for place in inside if self._strength[place] == top)

    def fits(self, start: Fraction, end: Fraction, *, rest: bool) -> tuple[Fraction, int] | None:
        """The base and dots of the one value from ``start`` to ``end``, or None where it would hide the beat."""
        value = _dotted(end - start)
        if value is None:
            return None
        base, dots = value
        across = self.strength(self.strongest(start, end)[0])
        even = _is_power(across)
        if not even and min(self.strength(start), self.strength(end)) < across:
            return None
        if rest and dots == 0:
            return value if start % base == 0 and across <= base else None
        if rest:
            small = base < 1 and start % (2 * base) == 0
            three = self.units % 3 == 0 and self.unit < 1 and start % (end - start) == 0
            return value if dots == 1 and across <= 2 * base and (small or three) else None
        if even and across > 2 * base:
            return None
        if dots == 0:
            return value if start % (base / 2) == 0 else None
        if dots == 1:
            return value if start % (base / 2) == 0 and not (start % base and end % base) else None
        return value if start % (2 * base) == 0 else None

    def values(self, start: Fraction, end: Fraction, *, rest: bool) -> tuple[tuple[Fraction, Fraction], ...]:
        """Cut a time into values that show the beat."""
        if (start, end, rest) not in self._values:
            self._values[start, end, rest] = self._cut(start, end, rest=rest)
        return self._values[start, end, rest]

    def _cut(self, start: Fraction, end: Fraction, *, rest: bool) -> tuple[tuple[Fraction, Fraction], ...]:
        if end - start <= SHORTEST or self.fits(start, end, rest=rest):
            return ((start, end),)
        inside = self.strongest(start, end)
        on_beat = self.strength(start) >= self.strength(inside[0])
        cut = inside[-1] if on_beat and not rest else inside[0]
        return self.values(start, cut, rest=rest) + self.values(cut, end, rest=rest)

    def beats(self) -> list[tuple[Fraction, Fraction]]:
        """The spans inside which short notes share a beam."""
        found: list[tuple[Fraction, Fraction]] = []

        def descend(start: Fraction, units: int) -> None:
            if units == 1 or (units <= 3 and self.unit < 1):
                found.append((start, start + units * self.unit))
            else:
                for place, count in _spans(start, _shares(units), self.unit):
                    descend(place, count)

        descend(Fraction(0), self.units)
        return found


@lru_cache(maxsize=256)
def grid_of(units: int, unit: Fraction) -> Grid:
    """The grid of a metre; bars of one metre share it."""
    return Grid(units, unit)


def _shares(units: int) -> list[int]:
    if units == 1:
        return [1]
    if units % 2 == 0:
        return [units // 2] * 2
    if units % 3 == 0:
        return [units // 3] * 3
    return [units // 2 + 1, units // 2]


def _spans(start: Fraction, shares: list[int], unit: Fraction) -> Iterator[tuple[Fraction, int]]:
    for share in shares:
        yield start, share
        start += share * unit


def _is_power(number: Fraction) -> bool:
    """Whether a number is a power of two, below one or above."""
    top, bottom = number.numerator, number.denominator
    return top > 0 and top & (top - 1) == 0 and bottom & (bottom - 1) == 0


def _dotted(length: Fraction) -> tuple[Fraction, int] | None:
    """Base and dots (up to 2) of a length that one value can have."""
    for dots, factor in enumerate((Fraction(1), Fraction(3, 2), Fraction(7, 4))):
        if (base := length / factor) in KINDS:
            return base, dots
    return None


def _binary(time: Fraction) -> bool:
    """Whether halving reaches a time."""
    return time.denominator & (time.denominator - 1) == 0


# Values

Segment = tuple[Fraction, Fraction, tuple[Note, ...]]
"""Start and end in the bar, and the chord, or () for a rest."""

Tuplet = tuple[Fraction, Fraction, int, int]
"""Start, end, so many, in the time of so many."""


def written(voice: Voice, lines: Sequence[Fraction], metres: Sequence[Metre], pickup: Fraction) -> list[list[Value]]:
    """The values of a voice, bar by bar; a bar in which it says nothing is empty.

    lines : where bars begin, and where the last one ends
    metres : that of each bar
    pickup : length of an incomplete first bar, whose beats are those at the end of a whole one
    """
    found, chords, first = [], voice.chords, 0
    for number, (start, end) in enumerate(pairwise(lines)):
        while first < len(chords) and chords[first][0].end <= start:
            first += 1
        held, place = [], first
        while place < len(chords) and chords[place][0].onset < end:
            held.append(chords[place])
            place += 1
        metre = metres[number]
        shift = metre.length - pickup if number == 0 and pickup else Fraction(0)
        found.append(_bar(held, start, end, metre, shift) if held else [])
    return found


def rest_bar(length: Fraction, metre: Metre, pickup: Fraction) -> list[Value]:
    """A bar's rest: one sign in its middle, or values where the bar is a pick-up."""
    if not pickup:
        return [Value(Fraction(0), length, (), "whole", whole_bar=True)]
    shift = metre.length - pickup
    grid = grid_of(metre.beats, Fraction(4, metre.unit))
    return [replace(value, start=value.start - shift) for value in _values(shift, metre.length, (), grid, None)]


def shown_rests(bar: Sequence[tuple[Voice, Sequence[Value]]], *, keyboard: bool) -> set[tuple[int, Fraction]]:
    """The rests to print in a bar, by voice and start.

    Each singer's are; on a keyboard's staff only those in which nothing else is played there. Lines that a voice needs
    on paper alone rest unseen, unless they have their staff to themselves.
    """
    found = set()
    for staff in {lane.staff for lane, _ in bar}:
        taken = [
            (value.start, value.start + value.length)
            for lane, values in bar
            for value in values
            if lane.staff == staff and value.notes
        ]
        first = min(lane.number for lane, _ in bar if lane.staff == staff)
        for lane, values in bar:
            if lane.staff != staff or not (keyboard or lane.number < 100 or lane.number == first):
                continue
            for value in values:
                end = value.start + value.length
                if value.notes or (keyboard and any(low < end and value.start < high for low, high in taken)):
                    continue
                found.add((lane.number, value.start))
                if keyboard:
                    taken.append((value.start, end))
    return found


def _bar(chords: list[tuple[Note, ...]], start: Fraction, end: Fraction, metre: Metre, shift: Fraction) -> list[Value]:
    grid = grid_of(metre.beats, Fraction(4, metre.unit))
    segments: list[Segment] = []
    now = start
    for chord in chords:
        if chord[0].onset > now:
            segments.append((now - start + shift, chord[0].onset - start + shift, ()))
        low, high = max(chord[0].onset, start), min(chord[0].end, end)
        segments.append((low - start + shift, high - start + shift, chord))
        now = high
    if now < end:
        segments.append((now - start + shift, end - start + shift, ()))
    segments = [piece for segment in segments for piece in _rests_at_beats(segment, grid)]
    groups = _tuplets(segments, Fraction(0), grid.units, grid.unit)
    edges = {edge for low, high, _, _ in groups for edge in (low, high)}
    values: list[Value] = []
    for low, high, chord in segments:
        for one, two in pairwise([low, *sorted(edge for edge in edges if low < edge < high), high]):
            group = next((group for group in groups if group[0] <= one < group[1]), None)
            values += _values(one, two, chord, grid, group)
    values = _bracketed(values, groups)
    values = _beamed(values, grid, groups)
    return [
        replace(value, start=value.start - shift, tied=_ties(value, start - shift) if value.notes else (False, False))
        for value in values
    ]


def _rests_at_beats(segment: Segment, grid: Grid) -> Iterator[Segment]:
    """A rest that ends or begins inside a tuplet, cut at the beats; everything else as it is."""
    start, end, chord = segment
    if chord or (_binary(start) and _binary(end)):
        yield segment
        return
    for low, high in pairwise([start, *(place for place, _ in grid.beats() if start < place < end), end]):
        yield low, high, ()


def _ties(value: Value, bar: Fraction) -> tuple[bool, bool]:
    note = value.notes[0]
    return note.onset < bar + value.start, note.end > bar + value.start + value.length


def _values(
    start: Fraction, end: Fraction, chord: tuple[Note, ...], grid: Grid, group: Tuplet | None
) -> Iterator[Value]:
    origin, factor, ratio = Fraction(0), Fraction(1), None
    if group:
        origin, _, many, time = group
        factor, ratio = Fraction(many, time), (many, time)
        grid = grid_of(many, (group[1] - origin) / time)
    low, high = (start - origin) * factor, (end - origin) * factor
    pieces: tuple[tuple[Fraction, Fraction], ...] = ((low, high),)
    if _binary(low) and _binary(high):
        pieces = grid.values(low, high, rest=not chord)
    for one, two in pieces:
        base, dots = _dotted(two - one) or _nearest(two - one)
        yield Value(origin + one / factor, (two - one) / factor, chord, KINDS[base], dots, ratio)


def _nearest(length: Fraction) -> tuple[Fraction, int]:
    """The longest plain value not above a length that no value has exactly."""
    return next((base for base in KINDS if base <= length), SHORTEST), 0


def _tuplets(segments: list[Segment], start: Fraction, units: int, unit: Fraction) -> list[Tuplet]:
    """The smallest metrical spans that hold what halving does not reach."""
    end = start + units * unit
    inside = {time for low, high, _ in segments for time in (low, high) if start < time < end}
    if all(_binary(time) for time in inside) or end - start < Fraction(1, 8):
        return []
    shares = _shares(units) if units > 1 else [1, 1]
    size = unit if units > 1 else unit / 2
    parts = list(_spans(start, shares, size))
    cut = any(
        low < place < high and not (_binary(low) and _binary(high)) for place, _ in parts for low, high, _ in segments
    )
    covered = segments[0][0] <= start and segments[-1][1] >= end
    if cut and covered and (group := _group(inside, start, end)):
        return [group]
    return [group for place, count in parts for group in _tuplets(segments, place, count, size)]


def _group(inside: set[Fraction], start: Fraction, end: Fraction) -> Tuplet | None:
    """One tuplet from ``start`` to ``end`` in which all times are written plainly, if it is a usual one."""
    length = end - start
    steps = lcm(*(((time - start) / length).denominator for time in inside))
    many = steps
    while many % 2 == 0:
        many //= 2
    if many > LARGEST_TUPLET or (length > 1 and steps > 2 * many) or steps > 8 * many:
        return None
    odd = length.numerator
    while odd % 2 == 0:
        odd //= 2
    while many <= odd:
        many *= 2
    time = odd
    while 2 * time < many:
        time *= 2
    return start, end, many, time


def _bracketed(values: list[Value], groups: list[Tuplet]) -> list[Value]:
    """Say where tuplets begin and end."""
    for low, high, _, _ in groups:
        inside = [place for place, value in enumerate(values) if low <= value.start < high]
        first, last = inside[0], inside[-1]
        values[first] = replace(values[first], tuplet="start stop" if first == last else "start")
        if first != last:
            values[last] = replace(values[last], tuplet="stop")
    return values


# Beams


def _beamed(values: list[Value], grid: Grid, groups: list[Tuplet]) -> list[Value]:
    """Join short notes of a beat; where two or three whole beats hold nothing but eighths, join those."""
    spans = grid.beats()
    if grid.unit == 1 and grid.units in (2, 3, 4):
        size = Fraction(3 if grid.units == 3 else 2)
        for wide in (Fraction(0), Fraction(2)):
            inside = [value for value in values if wide <= value.start < wide + size]
            plain = all(value.kind == "eighth" and not value.dots and value.notes for value in inside)
            if inside and plain and not any(value.ratio for value in inside):
                spans = [span for span in spans if not wide <= span[0] < wide + size] + [(wide, wide + size)]
    spans += [(low, high) for low, high, _, _ in groups if high - low <= 1]
    done = list(values)
    run: list[int] = []

    def close() -> None:
        if len(run) > 1:
            for place, beams in zip(run, _joined([_flags(values[one]) for one in run]), strict=True):
                done[place] = replace(values[place], beams=beams)
        run.clear()

    last = None
    for place, value in enumerate(values):
        span = min((span for span in spans if span[0] <= value.start < span[1]), default=None, key=_width)
        if span != last or not value.notes or not _flags(value):
            close()
        last = span
        if value.notes and _flags(value):
            run.append(place)
    close()
    return done


def _width(span: tuple[Fraction, Fraction]) -> Fraction:
    return span[1] - span[0]


def _flags(value: Value) -> int:
    names = list(KINDS.values())
    return max(0, names.index(value.kind) - names.index("quarter"))


def _joined(flags: list[int]) -> list[tuple[str, ...]]:
    """For each note of a beam, what each of its beams does."""
    found = []
    for place, count in enumerate(flags):
        before = flags[place - 1] if place else 0
        after = flags[place + 1] if place + 1 < len(flags) else 0
        beams = []
        for level in range(1, count + 1):
            left, right = before >= level, after >= level
            if left or right:
                beams.append("continue" if left and right else "end" if left else "begin")
            else:
                beams.append("backward hook" if place else "forward hook")
        found.append(tuple(beams))
    return found
