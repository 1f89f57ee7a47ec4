"""A score: parts, notes with stable ids, and time as Fractions of a quarter note."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Literal, TypeVar

Mode = Literal["major", "minor"]
STEPS = "CDEFGAB"
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
FIFTHS = "FCGDAEB"
"""The steps in fifths; C stands at 0 of the line of fifths, so F at -1 and B at 5."""

MARKS = ("accent", "breath-mark", "staccato", "strong-accent", "tenuto")
"""The articulations a note can carry, named as MusicXML names them."""

MOST_NOTES = 60_000
"""A large movement of a symphony, 30 parts of 2,000 notes. An import may cost two seconds, and so many cost it."""
MOST_BARS = 20_000
MOST_PARTS = 200
MOST_AT_ONCE = 256
"""Notes of a part that begin together; a piano has 88 keys."""
MOST_CHANGES = 5_000
"""Changes of metre, of key or of tempo."""
LONGEST = Fraction(1_000_000)
"""Quarter notes; a week at 96 a minute."""
FINEST = 100_000
"""The largest denominator of a time; finer times are a broken file, not music."""


@dataclass(frozen=True, slots=True)
class Pitch:
    """A spelled pitch: step C..B, alter in semitones (-2..2), octave (4 begins at middle C)."""

    step: str
    alter: int = 0
    octave: int = 4

    @property
    def midi(self) -> int:
        """The key, 60 is middle C."""
        return 12 * (self.octave + 1) + SEMITONES[self.step] + self.alter

    @property
    def line(self) -> int:
        """Place on the line of fifths: C 0, G 1, F -1, F sharp 6."""
        return FIFTHS.index(self.step) - 1 + 7 * self.alter

    @property
    def diatonic(self) -> int:
        """Steps above C0, alterations left out; a third is 2 whatever its quality."""
        return 7 * self.octave + STEPS.index(self.step)

    def __str__(self) -> str:
        return f"{self.step}{'#' * self.alter if self.alter > 0 else 'b' * -self.alter}{self.octave}"


def pitch_on_line(line: int, midi: int) -> Pitch:
    """The pitch at a place of the line of fifths that sounds as ``midi``; both must agree modulo 12."""
    alter, place = divmod(line + 1, 7)
    step = FIFTHS[place]
    return Pitch(step, alter, (midi - alter - SEMITONES[step]) // 12 - 1)


@cache
def spell(midi: int, fifths: int) -> Pitch:
    """Spell a key as the signature suggests: in C major from E flat to G sharp along the line of fifths.

    The lowest key is C all the same where B sharp, an octave down, would be beyond what a score names.
    """
    low = fifths - 3
    pitch = pitch_on_line(low + (midi * 7 - low) % 12, midi)
    return pitch if pitch.octave >= -1 else Pitch("C", 0, -1)


@dataclass(frozen=True, slots=True)
class Note:
    """One note, however many noteheads it takes on paper."""

    id: str
    onset: Fraction
    """Quarter notes from the beginning."""
    duration: Fraction
    pitch: Pitch
    voice: int = 1
    """1..99, inside its part."""
    velocity: int = 80
    """1..127."""
    fermata: bool = False
    marks: tuple[str, ...] = ()
    """Sorted, from MARKS."""

    @property
    def end(self) -> Fraction:
        """When it stops, in quarter notes."""
        return self.onset + self.duration


@dataclass(frozen=True, slots=True)
class Part:
    """What one player or voice has."""

    name: str
    program: int
    """General MIDI program, 0..127."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Metre:
    """From ``onset`` on, bars of ``beats`` notes of value 1/``unit``; a change also begins a bar."""

    onset: Fraction
    beats: int
    unit: int

    @property
    def length(self) -> Fraction:
        """Of one bar, in quarter notes."""
        return Fraction(4 * self.beats, self.unit)


@dataclass(frozen=True, slots=True)
class Key:
    """From ``onset`` on, a signature of sharps (above 0) or flats (below 0), -7..7."""

    onset: Fraction
    fifths: int
    mode: Mode = "major"


@dataclass(frozen=True, slots=True)
class Tempo:
    """From ``onset`` on, so many quarter notes a minute."""

    onset: Fraction
    quarters: Fraction


Sign = TypeVar("Sign", Metre, Key, Tempo)

ZERO = Fraction(0)
COMMON = (Metre(ZERO, 4, 4),)
PLAIN = (Key(ZERO, 0),)
MODERATE = (Tempo(ZERO, Fraction(96)),)


@dataclass(frozen=True, slots=True)
class Score:
    """A whole score. Changes are sorted by onset, and each list begins at 0."""

    title: str = ""
    parts: tuple[Part, ...] = ()
    metres: tuple[Metre, ...] = COMMON
    keys: tuple[Key, ...] = PLAIN
    tempi: tuple[Tempo, ...] = MODERATE
    pickup: Fraction = ZERO
    """Length of the incomplete first bar; 0 where the piece begins on a full one."""
    remarks: tuple[str, ...] = ()
    """What an engine or a reader had to change, in sentences for a person."""

    @property
    def end(self) -> Fraction:
        """When the last note stops."""
        # In whole numbers: a Fraction's own sum and comparison cost ten times as much, for each of many notes.
        top, under = 0, 1
        for part in self.parts:
            for note in part.notes:
                (start, one), (length, two) = note.onset.as_integer_ratio(), note.duration.as_integer_ratio()
                stop, unit = start * two + length * one, one * two
                if stop * under > top * unit:
                    top, under = stop, unit
        return Fraction(top, under)

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes, part after part."""
        return tuple(note for part in self.parts for note in part.notes)


@dataclass(frozen=True, slots=True)
class Bar:
    """What a bar is to a listener: equal bars sound and read the same, whatever their ids."""

    start: Fraction
    length: Fraction
    notes: tuple[tuple[int, Note], ...]
    """Part index and note, id left out, for every note that sounds in the bar."""
    signs: tuple[Metre | Key | Tempo, ...] = ()
    """Metre, key and tempo in force."""


def nearest(time: Fraction) -> float:
    """The float nearest to a time. In front of the time itself it sorts as the time does, at a tenth of the cost."""
    numerator, denominator = time.as_integer_ratio()
    return numerator / denominator


def order(note: Note) -> tuple[float, Fraction, int, int, Fraction, str]:
    """The order of notes inside a part: onset, voice, from the top, duration, id."""
    return nearest(note.onset), note.onset, note.voice, -note.pitch.midi, note.duration, note.id


def tidy(score: Score) -> Score:
    """The score with the notes of each part in order."""
    parts = tuple(replace(part, notes=tuple(sorted(part.notes, key=order))) for part in score.parts)
    return replace(score, parts=parts)


def bar_lines(score: Score, end: Fraction | None = None) -> list[Fraction]:
    """Where bars begin, and where the last one ends: one more than there are bars. An empty score has one bar.

    ``end`` is the score's, if it is known already.
    """
    end = max(score.end if end is None else end, Fraction(1, FINEST))
    lines = [ZERO]
    if score.pickup:
        lines.append(score.pickup)
    changes = [metre.onset for metre in score.metres]
    index = 0
    while lines[-1] < end and len(lines) <= MOST_BARS:
        while index + 1 < len(changes) and changes[index + 1] <= lines[-1]:
            index += 1
        after = lines[-1] + score.metres[index].length
        if index + 1 < len(changes):
            after = min(after, changes[index + 1])
        lines.append(after)
    return lines


def bars(score: Score) -> list[Bar]:
    """One comparable value per bar: its start, length, and the notes that sound in it."""
    lines = bar_lines(score)
    held: list[list[tuple[int, Note]]] = [[] for _ in lines[1:]]
    for number, part in enumerate(score.parts):
        for note in part.notes:
            bare = replace(note, id="")
            place = bisect_right(lines, note.onset) - 1
            while place < len(held) and lines[place] < note.end:
                held[place].append((number, bare))
                place += 1
    found = []
    for (start, end), notes in zip(pairwise(lines), held, strict=True):
        notes.sort(key=lambda pair: (pair[0], order(pair[1])))
        signs: list[Metre | Key | Tempo] = [
            *(_last(score.metres, start), _last(score.keys, start), _last(score.tempi, start)),
            *(sign for sign in _signs(score) if start < sign.onset < end),
        ]
        found.append(Bar(start, end - start, tuple(notes), tuple(replace(sign, onset=ZERO) for sign in signs)))
    return found


def metre_at(score: Score, time: Fraction) -> Metre:
    """The metre in force."""
    return _last(score.metres, time)


def key_at(score: Score, time: Fraction) -> Key:
    """The key in force."""
    return _last(score.keys, time)


def bar_and_beat(lines: list[Fraction], time: Fraction) -> tuple[int, Fraction]:
    """The bar (the first is 1) and the quarter note in it (from 1) of a time, given ``bar_lines``."""
    place = max(0, min(bisect_right(lines, time) - 1, len(lines) - 2))
    return place + 1, time - lines[place] + 1


def _last(signs: tuple[Sign, ...], time: Fraction) -> Sign:
    found = signs[0]
    for sign in signs:
        if sign.onset <= time:
            found = sign
    return found


def _signs(score: Score) -> Iterator[Metre | Key | Tempo]:
    yield from score.metres
    yield from score.keys
    yield from score.tempi
