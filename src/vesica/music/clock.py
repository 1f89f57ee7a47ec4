"""From quarter notes to seconds as a score's own tempi say, exactly; how it is performed is in ``performance``."""

from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from vesica.music.score import ZERO, Score


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
