"""Scores for property tests: every field of the value, at sizes that a person could have written."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st

from vesica.music.score import MARKS, ZERO, Key, Metre, Note, Part, Pitch, Score, Tempo, bar_lines, spell, tidy

words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)
titles = st.lists(words, max_size=3).map(lambda found: " ".join(" ".join(found).split()))
ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,6}", fullmatch=True)
pitches = st.one_of(
    st.integers(0, 127).flatmap(lambda midi: st.integers(-7, 7).map(lambda fifths: spell(midi, fifths))),
    st.builds(Pitch, st.sampled_from("CDEFGAB"), st.integers(-2, 2), st.integers(1, 7)),
).filter(lambda pitch: abs(pitch.alter) <= 2 and -1 <= pitch.octave <= 9)
STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 480)


@st.composite
def times(draw: st.DrawFn, most: int) -> Fraction:
    """0 up to ``most`` quarter notes, in halves, tuplets and ticks."""
    step = draw(st.sampled_from(STEPS))
    return Fraction(draw(st.integers(0, most * step)), step)


@st.composite
def notes(draw: st.DrawFn, bars: int = 12) -> Note:
    onset, length = draw(times(bars)), draw(times(6))
    return Note(
        draw(ids),
        onset,
        length or Fraction(1, 2),
        draw(pitches),
        draw(st.integers(1, 4) | st.integers(1, 99)),
        draw(st.just(80) | st.integers(1, 127)),
        draw(st.booleans()),
        tuple(sorted(draw(st.sets(st.sampled_from(MARKS), max_size=2)))),
    )


def _signs(draw: st.DrawFn, first: object, later: st.SearchStrategy, low: Fraction) -> tuple:
    found = {sign.onset: sign for sign in draw(st.lists(later, max_size=2)) if sign.onset > low}
    return (first, *(found[onset] for onset in sorted(found)))


@st.composite
def scores(draw: st.DrawFn, *, most: int = 8) -> Score:
    """Scores as ``read_score`` would accept them, notes in order."""
    metre = st.builds(Metre, times(10), st.sampled_from((1, 2, 3, 4, 5, 6, 7, 9, 12)), st.sampled_from((2, 4, 8, 16)))
    key = st.builds(Key, times(12), st.integers(-7, 7), st.sampled_from(("major", "minor")))
    speed = st.fractions(1, 2000, max_denominator=1000)
    first = replace(draw(metre), onset=ZERO)
    pickup = draw(st.sampled_from((ZERO, ZERO, first.length / 2, first.length / 4, first.length * Fraction(2, 3))))
    parts, taken = [], set()
    for _ in range(draw(st.integers(1, 3))):
        drawn = draw(st.lists(notes(), max_size=most, unique_by=lambda note: note.id))
        own = [note for note in drawn if note.id not in taken]
        taken |= {note.id for note in own}
        parts.append(Part(draw(titles), draw(st.integers(0, 127)), tuple(own)))
    score = Score(
        draw(titles),
        tuple(parts),
        _signs(draw, first, metre, pickup),
        _signs(draw, replace(draw(key), onset=ZERO), key, ZERO),
        _signs(draw, Tempo(ZERO, draw(speed)), st.builds(Tempo, times(12), speed), ZERO),
        pickup,
        tuple(remark for remark in draw(st.lists(titles, max_size=2)) if remark),
    )
    # A sign behind the last bar says nothing, and no file but our own can hold it.
    end = bar_lines(score)[-1]
    inside = {
        name: tuple(sign for sign in getattr(score, name) if sign.onset < end) for name in ("metres", "keys", "tempi")
    }
    return tidy(replace(score, **inside))
