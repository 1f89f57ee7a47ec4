"""What makes chords into voices: suspensions, passing and neighbouring notes, each kept only where the rules allow it.

Every ornament is tried on the music as it stands and judged by ``voice_leading`` itself; one that brings a fault is
taken back. So figuration never breaks a rule.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from vesica.music.harmony import home
from vesica.music.score import FIFTHS, STEPS, Key, Note, Pitch
from vesica.music.voice_leading import RANGES, FourParts, Sung, TonicAt, sung

Line = list[Note]


@dataclass(frozen=True, slots=True)
class Ornament:
    """Notes ``first`` to ``first + len(old)`` of a voice give way to ``new``."""

    kind: str
    voice: int
    old: tuple[Note, ...]
    new: tuple[Note, ...]
    weight: int
    """How much it is wanted, of 100."""

    @property
    def start(self) -> Fraction:
        """When the change begins."""
        return self.old[0].onset


@dataclass(frozen=True, slots=True)
class Grid:
    """Beats as they are counted: where each begins (and the end), how strong it is, in ticks and quarters."""

    beats: Sequence[Fraction]
    strengths: Sequence[int]
    ticks: int

    def strength(self, time: Fraction) -> int:
        """3 on the first beat of a bar down to 0 between beats."""
        place = bisect_left(self.beats, time)
        return self.strengths[place] if place < len(self.strengths) and self.beats[place] == time else 0


def adorn(
    lines: Sequence[Line],
    grid: Grid,
    key_at: Callable[[Fraction], Key],
    tonic_at: TonicAt,
    rng: random.Random,
    *,
    amount: float,
    first_voice: int,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> list[Line]:
    """The lines with ornaments; those of ``first_voice`` and below may change. ``amount`` 0 none .. 1 all that fit."""
    found = [list(line) for line in lines]
    if amount <= 0:
        return found
    wanted = [one for voice in range(first_voice, 4) for one in _ornaments(found, voice, grid, key_at)]
    chance = int(amount * 100)
    ranked = sorted(wanted, key=lambda one: (-one.weight - rng.randrange(40), one.start, one.voice))
    chosen = [one for one in ranked if rng.randrange(100) < min(100, chance * (50 + one.weight) // 75)]
    ticks = grid.ticks
    beats = [int(beat * ticks) for beat in grid.beats]
    sung_lines: list[list[Sung]] = [[sung(note, ticks) for note in line] for line in found]
    busy: dict[Fraction, int] = {}
    for number, one in enumerate(chosen):
        place = _find(found[one.voice], one.old)
        if place is None or busy.get(one.start, 0) >= 2:
            continue
        low, high = int(one.start * ticks), int(one.new[-1].end * ticks)
        wide = beats[-1] // max(len(beats) - 1, 1)
        # A note's reading hangs on its neighbours', two beats away at most.
        window = low - 2 * wide, high + 2 * wide
        before = _judge(sung_lines, beats, tonic_at, window)
        was, many = sung_lines[one.voice], len(one.old)
        change = [sung(note, ticks) for note in one.new]
        kept = was[place : place + many]
        was[place : place + many] = change
        after = _judge(sung_lines, beats, tonic_at, window)
        if not after <= before or _clashes(sung_lines, one, ticks):
            was[place : place + len(change)] = kept
            continue
        found[one.voice][place : place + many] = one.new
        busy[one.start] = busy.get(one.start, 0) + 1
        told(number + 1, len(chosen))
    return found


def _judge(
    lines: Sequence[Sequence[Sung]], beats: list[int], tonic_at: TonicAt, window: tuple[int, int]
) -> set[object]:
    """The faults inside a window of ticks, read from a cut six beats wider."""
    first = max(0, bisect_left(beats, window[0]) - 6)
    last = min(len(beats), bisect_left(beats, window[1]) + 7)
    cut = []
    for line in lines:
        low = bisect_left(line, beats[first], key=lambda note: note.end)
        cut.append(line[low : bisect_left(line, beats[last - 1], key=lambda note: note.start)])
    found = FourParts(cut, beats[first:last], tonic_at).found(max(0, window[0]), window[1])
    return {(one.rule, one.time, one.voices) for one in found}


def _find(line: Line, old: tuple[Note, ...]) -> int | None:
    place = bisect_left(line, old[0].onset, key=lambda note: note.onset)
    return place if tuple(line[place : place + len(old)]) == old else None


def _clashes(lines: Sequence[Sequence[Sung]], one: Ornament, ticks: int) -> bool:
    """Whether a new note that is struck between beats grates: a second or a unison against one struck with it."""
    for note in one.new:
        time, key = int(note.onset * ticks), note.pitch.midi
        for voice, line in enumerate(lines):
            if voice == one.voice:
                continue
            place = bisect_left(line, time, key=lambda other: other.start)
            struck = place < len(line) and line[place].start == time
            held = line[place] if struck else line[place - 1] if place else None
            if held is None or held.end <= time:
                continue
            gap = abs(held.midi - key)
            if one.kind != "suspension" and (gap == 0 or (struck and gap % 12 in (1, 2, 10, 11, 6))):
                return True
            if one.kind == "suspension" and time == int(one.new[-1].onset * ticks) and gap == 0:
                return True
    return False


def _ornaments(lines: Sequence[Line], voice: int, grid: Grid, key_at: Callable[[Fraction], Key]) -> Iterator[Ornament]:
    line = lines[voice]
    for place in range(len(line) - 1):
        one, two = line[place], line[place + 1]
        if one.fermata or one.end != two.onset or one.duration < 1:
            continue
        move = two.pitch.diatonic - one.pitch.diatonic
        if abs(move) == 2:
            yield _passing(voice, one, two, key_at(one.onset))
        if abs(move) == 3 and one.duration >= 2:
            yield from _double_passing(voice, one, two, key_at(one.onset))
        turns = place and line[place - 1].pitch == one.pitch
        if move == 0 and one.pitch == two.pitch and voice > 0 and turns:
            # The middle one of three alike.
            yield from _neighbour(voice, one, two, key_at(one.onset))
        if move == -1 and two.duration >= 1 and voice > 0:
            later = line[place + 2] if place + 2 < len(line) else None
            yield from _suspension(lines, voice, one, two, later, grid)


def _split(note: Note, at: Fraction, second: Pitch) -> tuple[Note, Note]:
    """A note that moves on to another pitch so long before its end."""
    return (
        replace(note, duration=note.duration - at),
        replace(note, id="", onset=note.end - at, duration=at, pitch=second, fermata=False),
    )


def _passing(voice: int, one: Note, two: Note, key: Key) -> Ornament:
    up = two.pitch.diatonic > one.pitch.diatonic
    between = _between(one.pitch, two.pitch, 1 if up else -1, key)
    return Ornament("passing", voice, (one,), _split(one, _half(one), between), 60 if voice == 3 else 50)


def _double_passing(voice: int, one: Note, two: Note, key: Key) -> Iterator[Ornament]:
    way = 1 if two.pitch.diatonic > one.pitch.diatonic else -1
    first = _between(one.pitch, two.pitch, way, key)
    second = _between(first, two.pitch, way, key)
    half = Fraction(1, 2)
    head, tail = _split(one, 2 * half, first)
    new = (head, replace(tail, duration=half), replace(tail, onset=tail.onset + half, duration=half, pitch=second))
    yield Ornament("passing", voice, (one,), new, 60)


def _neighbour(voice: int, one: Note, two: Note, key: Key) -> Iterator[Ornament]:
    lower = _between(one.pitch, two.pitch, -1, key)
    yield Ornament("neighbour", voice, (one,), _split(one, _half(one), lower), 12)
    upper = _between(one.pitch, two.pitch, 1, key)
    yield Ornament("neighbour", voice, (one,), _split(one, _half(one), upper), 8)


def _half(note: Note) -> Fraction:
    """How long a passing note lasts that a note makes room for: half a quarter, or half a dotted one's last third."""
    return Fraction(1, 2) if note.duration < 4 else Fraction(1)


def _between(one: Pitch, two: Pitch, way: int, key: Key) -> Pitch:
    """The next step from ``one`` in a direction, as the key has it; in minor raised on the way up to the tonic."""
    octave, place = divmod(one.diatonic + way, 7)
    step = STEPS[place]
    fifth = FIFTHS.index(step) - 1
    # The seven places of the key on the line of fifths begin one below its signature's.
    alter = (key.fifths - 1 - fifth + 6) // 7
    line = fifth + 7 * alter - home(key)
    if key.mode == "minor" and line in (-4, -2):
        sharp = {pitch.alter for pitch in (one, two) if pitch.step != step}
        seventh = STEPS[(place + 1) % 7] if line == -4 else step
        raised_beside = any(
            pitch.step == seventh and FIFTHS.index(pitch.step) - 1 + 7 * pitch.alter - home(key) == 5
            for pitch in (one, two)
        )
        to_tonic = line == -2 and two.line == home(key) and sharp is not None
        if raised_beside or (to_tonic and way > 0) or (to_tonic and one == two):
            alter += 1
    return Pitch(step, alter, octave)


def _suspension(
    lines: Sequence[Line], voice: int, one: Note, two: Note, later: Note | None, grid: Grid
) -> Iterator[Ornament]:
    """Hold ``one`` over the beat on which ``two`` begins, where the beat is no weaker than what follows."""
    strength = grid.strength(two.onset)
    if strength == 0 or one.pitch.midi - two.pitch.midi > 2:
        return
    if not RANGES[voice][0] <= one.pitch.midi <= RANGES[voice][1]:
        return
    wait = Fraction(1, 2) if two.duration < 2 else Fraction(1)
    held = replace(one, duration=one.duration + wait)
    resolved = replace(two, onset=two.onset + wait, duration=two.duration - wait)
    closes = any(note.fermata and note.onset == two.end for note in lines[0])
    ends = two.fermata
    weight = 95 if closes else 75 if ends else 45 + 15 * (strength >= 2)
    if voice == 3:
        # The bass of a cadence comes in time; elsewhere it may tarry, seldom.
        if closes or ends:
            return
        weight = 10
    dissonant = any(
        abs(other.pitch.midi - one.pitch.midi) % 12 in (1, 2, 5, 10, 11)
        for number, line in enumerate(lines)
        if number != voice
        for other in _sounding(line, two.onset)
    )
    doubled = any(
        other.pitch.midi % 12 == two.pitch.midi % 12 and (number != 3 or two.pitch.midi - other.pitch.midi < 12)
        for number, line in enumerate(lines)
        if number != voice
        for other in _sounding(line, two.onset)
    )
    if dissonant and not doubled:
        yield Ornament("suspension", voice, (one, two), (held, resolved), weight)


def _sounding(line: Line, time: Fraction) -> Iterator[Note]:
    place = bisect_left(line, time, key=lambda note: note.onset)
    if place < len(line) and line[place].onset == time:
        yield line[place]
    elif place and line[place - 1].end > time:
        yield line[place - 1]
