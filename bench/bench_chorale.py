"""Faults in 100 chords of Bach's chorales beside ours, by rule; and what a chorale costs.

Run: python bench/bench_chorale.py [CHORALES]
"""

import statistics
import sys
import time
from collections import Counter
from fractions import Fraction
from typing import Any

from vesica.music.chorale import chorale
from vesica.music.params import ChoraleParams
from vesica.music.score import Key, Metre, Mode, Note, Part, Pitch, Score
from vesica.music.voice_leading import RULES, beats_of, faults


def from_music21(stream: Any) -> Score:
    """A four-part chorale of music21's corpus as a score. The mode follows from the last bass note."""
    from music21 import expressions, key, meter

    parts, pickup = [], Fraction(0)
    for index, part in enumerate(stream.parts):
        bars = list(part.getElementsByClass("Measure"))
        if index == 0:
            metre = bars[0].getElementsByClass(meter.TimeSignature)[0]
            signature = part.recurse().getElementsByClass(key.KeySignature)[0].sharps
            first = Fraction(bars[0].duration.quarterLength)
            pickup = first if first < Fraction(metre.barDuration.quarterLength) else pickup
        notes: list[Note] = []
        for one in part.stripTies().flatten().notes:
            top = one.notes[-1] if one.isChord else one
            pitch = Pitch(top.pitch.step, int(top.pitch.alter), top.pitch.octave)
            held = any(isinstance(mark, expressions.Fermata) for mark in one.expressions)
            onset, duration = Fraction(one.offset), Fraction(one.duration.quarterLength)
            notes.append(Note(f"p{index}n{len(notes)}", onset, duration, pitch, fermata=held))
        parts.append(Part(part.partName or str(index), 52, tuple(notes)))
    home = parts[3].notes[-1].pitch.line
    mode: Mode = "major" if home == signature else "minor"
    zero = Fraction(0)
    return Score(
        "",
        tuple(parts),
        (Metre(zero, metre.numerator, metre.denominator),),
        (Key(zero, signature, mode),),
        pickup=pickup,
    )


def bach(count: int) -> list[tuple[str, Score]]:
    """The first chorales of the corpus for four voices in one metre."""
    from music21 import corpus

    found: list[tuple[str, Score]] = []
    for path in corpus.getComposer("bach"):
        if len(found) == count:
            break
        stream = corpus.parse(path)
        if len(stream.parts) == 4 and len(stream.parts[0].recurse().getElementsByClass("TimeSignature")) == 1:
            found.append((path.stem, from_music21(stream)))
    return found


def table(scores: list[Score]) -> tuple[Counter[str], int]:
    """Faults by rule, and the number of beats."""
    rules: Counter[str] = Counter()
    for score in scores:
        rules.update(fault.rule for fault in faults(score))
    return rules, sum(len(beats_of(score)) - 1 for score in scores)


def main(count: int) -> None:
    """Print faults by rule, theirs beside ours, and times."""
    theirs, chords = table([score for _, score in bach(count)])
    made, times = [], []
    for seed in range(count):
        began = time.process_time()
        params = ChoraleParams(phrases=2 + seed % 7, ornament=seed % 3 / 2)
        made.append(chorale(params=params, seed=seed))
        times.append(time.process_time() - began)
    ours, own = table(made)
    print(f"faults in 100 beats: Bach, {count} chorales, {chords} beats; ours, {count} chorales, {own} beats")
    for rule in RULES:
        print(f"{rule:22} {100 * theirs[rule] / chords:6.2f} {100 * ours[rule] / own:6.2f}")
    print(f"{'all':22} {100 * sum(theirs.values()) / chords:6.2f} {100 * sum(ours.values()) / own:6.2f}")
    print(f"a chorale of 2 to 8 phrases: median {statistics.median(times):.2f}, most {max(times):.2f} CPU seconds")
    began = time.process_time()
    chorale(params=ChoraleParams(words="evening on the water"), seed=1)
    print(f"one by words, with the loading of the encoder: {time.process_time() - began:.2f} CPU seconds")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
