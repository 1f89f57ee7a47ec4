"""When a score sounds, in seconds: from its own tempi, exactly."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from vesica.music.score import ZERO, Score


@dataclass(frozen=True, slots=True)
class Moment:
    """What changes at one time: the ids of notes that begin and that stop."""

    seconds: float
    on: tuple[str, ...]
    off: tuple[str, ...]


def clock(score: Score) -> Callable[[Fraction], Fraction]:
    """A function from a time in quarter notes to seconds from the beginning, both exact."""
    onsets = [tempo.onset for tempo in score.tempi]
    passed = [ZERO]
    for one, two in pairwise(score.tempi):
        passed.append(passed[-1] + (two.onset - one.onset) * 60 / one.quarters)

    def seconds(time: Fraction) -> Fraction:
        place = max(0, bisect_right(onsets, time) - 1)
        return passed[place] + (time - onsets[place]) * 60 / score.tempi[place].quarters

    return seconds


def timemap(score: Score) -> list[Moment]:
    """Every moment at which a note begins or stops, in order, for showing the notes that sound."""
    on: dict[Fraction, list[str]] = defaultdict(list)
    off: dict[Fraction, list[str]] = defaultdict(list)
    for note in score.notes:
        on[note.onset].append(note.id)
        off[note.end].append(note.id)
    seconds = clock(score)
    return [
        Moment(float(seconds(time)), tuple(on.get(time, ())), tuple(off.get(time, ()))) for time in sorted({*on, *off})
    ]
