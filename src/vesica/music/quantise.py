"""From times as they were played to times that can be read: each beat gets the division its onsets speak for."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from math import inf

from vesica.music.score import Note, Part, Score, tidy

COSTS = {1: 0.0, 2: 0.6, 3: 2.4, 4: 1.35, 6: 4.8, 8: 3.6}
"""What a division of the beat costs, in the unit of squared deviations: rarer ones need more evidence. Set by hand."""

MERGING = 4.0
"""What it costs to write two onsets as one, though they were apart."""

DEVIATION = 0.022
"""Seconds that a player is off, as a standard deviation."""

APART = Fraction(1, 16)
"""Quarter notes; onsets nearer than this may well be one chord."""

WRITTEN = frozenset(range(1, 17)) | {20, 24, 28, 32, 48, 64, 128, 256}
"""Denominators of times that a person writes."""

PLAIN = 8
"""The largest denominator of those that most notes of a written piece have."""


def is_written(score: Score) -> bool:
    """Whether a score's onsets lie where notation puts them, most of them on plain divisions; a tenth may be odd."""
    odd = sum(note.onset.denominator not in WRITTEN for note in score.notes)
    plain = sum(note.onset.denominator <= PLAIN for note in score.notes)
    return odd * 10 <= len(score.notes) <= plain * 2


def readable(score: Score) -> Score:
    """The score for reading: as it is where it was written, on the divisions of the beat where it was played.

    Beats are quarter notes, taken as known (a click or a tap): tempo is not searched for. Ids stay.
    """
    if is_written(score):
        return score
    return tidy(replace(score, parts=tuple(_part(part, score) for part in score.parts)))


def _part(part: Part, score: Score) -> Part:
    beats: dict[int, list[Fraction]] = defaultdict(list)
    for note in part.notes:
        beats[int(note.onset)].append(note.onset)
    divisions = {beat: _division(onsets, score) for beat, onsets in beats.items()}

    def placed(time: Fraction) -> Fraction:
        count = divisions.get(int(time), 2)
        return Fraction(round(time * count), count)

    onsets: dict[int, list[Fraction]] = defaultdict(list)
    for note in part.notes:
        onsets[note.voice].append(placed(note.onset))
    for row in onsets.values():
        row.sort()
    return replace(
        part, notes=tuple(_placed(note, placed(note.onset), placed(note.end), onsets) for note in part.notes)
    )


def _placed(note: Note, start: Fraction, end: Fraction, onsets: dict[int, list[Fraction]]) -> Note:
    """A note lasts to the next of its voice where it nearly does; else it is as long as it was played."""
    later = onsets[note.voice]
    place = bisect_right(later, start)
    if place < len(later) and (end > later[place] or later[place] - end <= max((later[place] - start) / 2, APART)):
        end = later[place]
    if end <= start:
        end = start + Fraction(1, 4)
    return replace(note, onset=start, duration=end - start)


def _division(onsets: list[Fraction], score: Score) -> int:
    """Of one beat, by squared deviation from its places, the division's cost, and onsets that would fall together."""
    tempo = next(tempo.quarters for tempo in reversed(score.tempi) if tempo.onset <= onsets[0])
    sigma = DEVIATION * float(tempo) / 60
    best, least = 1, inf
    for count, cost in COSTS.items():
        places = [round(onset * count) for onset in onsets]
        off = sum(float(onset - Fraction(place, count)) ** 2 for onset, place in zip(onsets, places, strict=True))
        merged = sum(
            one == two and later - earlier > APART
            for one, two, earlier, later in zip(places, places[1:], onsets, onsets[1:], strict=False)
        )
        total = off / (2 * sigma**2) + cost + MERGING * merged
        if total < least:
            best, least = count, total
    return best
