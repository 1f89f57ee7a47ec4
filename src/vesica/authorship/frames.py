"""Who brought in and who last changed each frame of a video, as runs over frames in order.

Frames are told apart by digests of what is seen. Where a turn leaves their number as it was, it changed those that
differ, each in its place; where it cut, added or moved some, they are carried as the characters of a text are.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from vesica.authorship import maps, text
from vesica.authorship.text import Run, Runs

SCHEMA = "vesica-authorship-frames/1"

FIRST = 0xF0000
"""A code point of private use; each digest becomes one of the 130,000 that follow."""


def fresh(count: int, turn: str) -> Runs:
    """The map of ``count`` frames that ``turn`` brought in."""
    return Runs.of([(count, turn, turn)])


def edit(old: Sequence[str], runs: Runs, new: Sequence[str], turn: str) -> Runs:
    """The map after ``turn`` made frames of digests ``new`` out of those of ``old``."""
    if len(runs) != len(old):
        raise maps.broken("it is not of this video's length")
    if len(old) == len(new):
        return Runs.of(_in_place(old, runs, new, turn))
    numbers = maps.number([*old, *new])
    first, second = ("".join(chr(FIRST + numbers[one]) for one in frames) for frames in (old, new))
    return text.edit(first, runs, second, turn)


def _in_place(old: Sequence[str], runs: Runs, new: Sequence[str], turn: str) -> Iterator[Run]:
    place = 0
    for length, origin, changed in runs.runs:
        for same, group in groupby(old[at] == new[at] for at in range(place, place + length)):
            yield len(list(group)), origin, changed if same else turn
        place += length


def turns_at(runs: Runs, parts: int, *, changed: bool) -> list[str]:
    """Of the frame in the middle of each of ``parts`` equal parts: who ``changed`` it last, or else brought it in."""
    found: list[str] = []
    end = 0
    for length, one, two in runs.runs:
        end += length
        while len(found) < parts and (2 * len(found) + 1) * len(runs) < 2 * parts * end:
            found.append(two if changed else one)
    return found


def counts(runs: Runs) -> dict[str, tuple[int, int]]:
    """Frames by turn: brought in, changed last."""
    return text.counts(runs)
