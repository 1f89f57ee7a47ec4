"""Read a score as a performer does: time in seconds, fermatas held, phrases shaped, seats taken. Nothing is random."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import pi, sin, sqrt

from vesica.music.score import ZERO, Note, Part, Score, bar_lines
from vesica.music.sounded import Sounded

LEAD_IN = 0.12
"""Seconds before the first beat, so that sounds which speak slowly can begin early."""

HOLD = 0.75
"""Quarter notes at the tempo in force by which a fermata makes its note longer; twice that on the last one."""

BREATH = 0.35
"""Seconds of silence after a fermata inside the piece, in which all voices breathe."""

EASE = 0.9
"""Speed, against the tempo, that is reached at a fermata inside the piece."""

CLOSE = 0.72
"""Speed, against the tempo, that is reached where the last note begins (Friberg and Sundberg, 1999)."""

ARCH = 0.16
"""How far velocity swells and falls in a phrase, as a share of what is written."""

PEAK = 0.62
"""Where in a phrase it is loudest."""

ACCENTS = {"accent": 14, "strong-accent": 24}
WIDTH = 0.5
"""Pan of the outermost seats."""

GAP = 0.06
"""Seconds, at most, that a note is let go before the same key is struck again in its part."""

GRAIN = Fraction(1, 4)
"""Quarter notes from one knot of a slowing to the next."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Score time to seconds: straight lines between knots; a breath is two knots at one score time."""

    times: tuple[Fraction, ...]
    """Quarter notes, going up."""
    seconds: tuple[float, ...]

    def starts(self, time: Fraction) -> float:
        """When a note that begins at ``time`` begins: after a breath."""
        return self._at(time, min(len(self.times), bisect_right(self.times, time)))

    def stops(self, time: Fraction) -> float:
        """When a note that ends at ``time`` ends: before a breath."""
        return self._at(time, bisect_left(self.times, time))

    def _at(self, time: Fraction, right: int) -> float:
        right = min(max(right, 1), len(self.times) - 1)
        one, two = self.times[right - 1], self.times[right]
        share = float((time - one) / (two - one)) if two > one else 0.0
        return self.seconds[right - 1] + share * (self.seconds[right] - self.seconds[right - 1])


def timeline(score: Score) -> Timeline:
    """The tempo map, with fermatas held, breaths after them, and a slowing towards each and towards the end."""
    end = score.end
    holds = _holds(score)
    slowings = _slowings(score, holds, end)
    knots = {
        ZERO,
        max(end, Fraction(1)),
        *(tempo.onset for tempo in score.tempi),
        *(time for hold in holds for time in hold),
    }
    for start, stop, _ in slowings:
        knots |= {start + step * GRAIN for step in range(int((stop - start) / GRAIN) + 1)} | {stop}
    changes = [tempo.onset for tempo in score.tempi]
    held_until, slow_until = [stop for _, stop in holds], [stop for _, stop, _ in slowings]
    breaths = {stop for stop in held_until if stop < end}
    times, seconds = [ZERO], [LEAD_IN]
    for one, two in pairwise(sorted(knots)):
        quarters = float(two - one)
        place = bisect_left(slow_until, two)
        if place < len(slowings) and slowings[place][0] <= one:
            quarters *= _slowed(one, two, slowings[place])
        place = bisect_left(held_until, two)
        if place < len(holds) and holds[place][0] <= one:
            start, stop = holds[place]
            quarters += HOLD * (1 if stop in breaths else 2) * float((two - one) / (stop - start))
        tempo = score.tempi[bisect_right(changes, one) - 1]
        times.append(two)
        seconds.append(seconds[-1] + quarters * 60 / float(tempo.quarters))
        if two in breaths:
            times.append(two)
            seconds.append(seconds[-1] + BREATH)
    return Timeline(tuple(times), tuple(seconds))


def perform(score: Score) -> list[Sounded]:
    """The notes of a score as they sound, in order of beginning; the first beat is at ``LEAD_IN``."""
    clock = timeline(score)
    phrases = _phrases(score)
    strong = set(bar_lines(score))
    found = []
    for stem, part in enumerate(score.parts):
        again = _next_of_key(part)
        for note in part.notes:
            start, stop = clock.starts(note.onset), clock.stops(note.end)
            length = _length(note, start, stop, clock, again.get(id(note)))
            found.append(
                Sounded(
                    start=start,
                    length=length,
                    pitch=note.pitch.midi,
                    velocity=_velocity(note, stem, phrases, strong),
                    program=part.program,
                    pan=_seat(stem, len(score.parts)),
                    stem=stem,
                )
            )
    return sorted(found, key=lambda one: (one.start, one.stem, -one.pitch, one.length))


def note_times(score: Score) -> dict[str, tuple[float, float]]:
    """When each note begins and ends as written, in seconds of ``perform``'s time, by its id: to show what sounds."""
    clock = timeline(score)
    return {note.id: (clock.starts(note.onset), clock.stops(note.end)) for note in score.notes}


def _holds(score: Score) -> list[tuple[Fraction, Fraction]]:
    """From where to where time is held: of the fermatas that end together, from the last one's beginning."""
    found: dict[Fraction, Fraction] = {}
    for note in score.notes:
        if note.fermata:
            found[note.end] = max(found.get(note.end, ZERO), note.onset)
    holds: list[tuple[Fraction, Fraction]] = []
    for stop in sorted(found):
        start = found[stop]
        # Where one voice's fermata ends inside another's, they are one.
        if holds and start < holds[-1][1]:
            start = max(start, holds[-1][0])
            holds.pop()
        holds.append((start, stop))
    return holds


Slowing = tuple[Fraction, Fraction, float]
"""From, to, and the speed reached there."""


def _slowings(score: Score, holds: list[tuple[Fraction, Fraction]], end: Fraction) -> list[Slowing]:
    """Two quarters towards each fermata, one bar towards the last note; none reaches back into the fermata before."""
    found, free = [], ZERO
    for start, stop in holds:
        if stop < end:
            found.append((max(free, start - 2), start, EASE))
            free = stop
    last = max((note.onset for note in score.notes), default=ZERO)
    if holds and holds[-1][1] >= end:
        last = min(last, holds[-1][0])
    found.append((max(free, last - min(score.metres[-1].length, Fraction(4))), last, CLOSE))
    return [slowing for slowing in found if slowing[0] < slowing[1]]


def _slowed(one: Fraction, two: Fraction, slowing: Slowing) -> float:
    """How much longer the stretch takes: the square of the speed falls evenly, as a runner's who stops."""
    start, stop, speed = slowing
    bend = speed * speed - 1
    first, last = (float((time - start) / (stop - start)) for time in (one, two))
    return 2 / bend * (sqrt(1 + bend * last) - sqrt(1 + bend * first)) / (last - first)


def _phrases(score: Score) -> list[Fraction]:
    """Where phrases begin, and where the last ends: at fermatas and breaths; without any, every four bars."""
    ends = {note.end for note in score.notes if note.fermata or "breath-mark" in note.marks}
    last = score.end
    if not ends - {last}:
        ends = set(bar_lines(score)[4:-1:4])
    return sorted({ZERO, *(time for time in ends if time < last), last})


def _velocity(note: Note, stem: int, phrases: list[Fraction], strong: Iterable[Fraction]) -> int:
    place = min(max(bisect_right(phrases, note.onset), 1), len(phrases) - 1)
    start, stop = phrases[place - 1], phrases[place]
    share = float((note.onset - start) / (stop - start)) if stop > start else 0.0
    # A sine arch, bent so that its top lies at PEAK.
    bent = 0.5 * share / PEAK if share < PEAK else 0.5 + 0.5 * (share - PEAK) / (1 - PEAK)
    loud = note.velocity * (1 + ARCH * (sin(pi * bent) - 0.6))
    loud += 3 * (note.onset in strong) + 4 * (stem == 0) + sum(ACCENTS.get(mark, 0) for mark in note.marks)
    return min(127, max(1, round(loud)))


def _length(note: Note, start: float, stop: float, clock: Timeline, again: Fraction | None) -> float:
    length = stop - start
    if "staccato" in note.marks:
        return 0.5 * length
    if "breath-mark" in note.marks:
        return max(0.6 * length, length - BREATH)
    if again is not None:
        room = clock.starts(again) - start
        length = min(length, max(room - GAP, 0.8 * room))
    return length


def _next_of_key(part: Part) -> dict[int, Fraction]:
    """For each note (by ``id``), when its key is next struck in its part."""
    found, waiting = {}, dict[int, Note]()
    for note in sorted(part.notes, key=lambda one: one.onset):
        key = note.pitch.midi
        if key in waiting and waiting[key].onset < note.onset:
            found[id(waiting[key])] = note.onset
        waiting[key] = note
    return found


def _seat(stem: int, parts: int) -> float:
    """First part on the left, last on the right."""
    return WIDTH * (2 * stem / (parts - 1) - 1) if parts > 1 else 0.0
