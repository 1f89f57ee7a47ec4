"""The rules find what is wrong in four parts, by name and place, and little in Bach."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesica.errors import VesicaError
from vesica.music.score import Key, Metre, Note, Part, Pitch, Score, pitch_on_line
from vesica.music.voice_leading import RULES, beats_of, faults

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

ZERO = Fraction(0)


def pitch(name: str) -> Pitch:
    """``F#4``, ``Bb3``, ``C5``."""
    return Pitch(name[0], name.count("#") - name[1:].count("b"), int(name[-1]))


def score(*lines: str) -> Score:
    """Four lines, soprano first: ``C5 D5/2 E5.`` are a quarter, a half and one with a fermata; ``-`` is a rest."""
    parts = []
    for name, line in zip(("S", "A", "T", "B"), lines, strict=True):
        notes: list[Note] = []
        now = ZERO
        for word in line.split():
            told, _, length = word.rstrip(".").partition("/")
            duration = Fraction(length.replace(":", "/")) if length else Fraction(1)
            if told != "-":
                notes.append(Note(f"{name}{now}", now, duration, pitch(told), fermata=word.endswith(".")))
            now += duration
        parts.append(Part(name, 52, tuple(notes)))
    return Score(parts=tuple(parts), keys=(Key(ZERO, 0),), metres=(Metre(ZERO, 4, 4),))


def named(one: Score) -> set[str]:
    return {fault.rule for fault in faults(one)}


GOOD = score("C5 C5 B4 C5", "G4 A4 G4 G4", "E4 F4 D4 E4", "C3 F3 G3 C3")

FAULTY = {
    "range": [score("C6 C6", "G5 G5", "C5 C5", "C4 C4")],
    "spacing": [score("C5 G5 C5", "G4 E4 G4", "E4 C4 E4", "C3 C3 C3"), score("C5", "G4", "E4", "C2")],
    "crossing": [score("E4 C5", "G4 G4", "C4 E4", "C3 C3"), score("C5 C5", "G4 E4", "E4 G4", "C3 C3")],
    "overlap": [score("E4 A4 G4", "C4 F4 E4", "G3 C4 C4", "C3 F3 C3")],
    "parallel fifths": [score("C5 D5 C5", "E4 F4 E4", "G3 A3 G3", "C3 D3 C3")],
    "parallel octaves": [score("C5 D5 C5", "E4 F4 E4", "G3 A3 G3", "C3 D3 C3")],
    "parallel unisons": [score("C5 D5 C5", "E4 F4 G4", "E4 F4 E4", "C3 D3 C3")],
    "hidden fifths": [score("E4 A4 G4", "C4 F4 E4", "G3 A3 C4", "C3 D3 C3")],
    "hidden octaves": [score("E4 A4 G4", "C4 E4 E4", "G3 C4 C4", "G2 A2 C3")],
    "leap": [
        score("C5 C5 C5", "F4 G#4 G4", "A3 E4 E4", "F3 C3 C3"),
        score("C5 B4 C5", "G4 G4 G4", "E4 D4 E4", "C3 B3 C3"),
        score("C4 F#4 G4", "C4 D4 D4", "G3 A3 B3", "E3 D3 G3"),
    ],
    "dissonance": [score("E5 F5 C5", "G4 G4 G4", "C4 C4 C4", "C3 C3 E3")],
    "six-four": [score("C5 C5 C5", "A4 G4 A4", "F4 E4 F4", "F3 G3 D3")],
    "missing third": [score("C5 C5 C5", "G4 G4 G4", "E4 C4 E4", "C3 C3 C3")],
    "leading tone": [score("D5 B4 G4", "G4 D4 E4", "D4 G3 C4", "G3 G2 C3"), score("D5 C5", "G4 G4", "D4 E4", "B2 G2")],
    "doubled leading tone": [score("B4 C5", "G4 G4", "D4 C4", "B2 E3"), score("B4 C5", "G4 G4", "D4 E4", "B2 C3")],
    "seventh": [score("F5 G5 G5", "D5 E5 E5", "B4 C5 C5", "G3 C4 C4"), score("B4 C5", "F4 G4", "D4 E4", "G3 C3")],
    "cadence": [
        score("E5 D5. D5 C5", "G4 G4 G4 G4", "C4 B3 B3 E4", "C3 B2 G2 C3"),
        score("C5 D5", "G4 G4", "E4 B3", "C3 G2"),
    ],
}


def test_a_clean_close_has_no_fault() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(("rule", "wrong"), [(rule, one) for rule, every in FAULTY.items() for one in every])
def test_each_rule_finds_and_names_what_breaks_it(rule: str, wrong: Score) -> None:
    assert rule in named(wrong)


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert set(FAULTY) == set(RULES)


CLEAN = {
    "a passing note": score("C5 C5 B4 C5", "G4 A4 G4 G4", "E4 F4/1:2 E4/1:2 D4 E4", "C3 F3 G3 C3"),
    "a suspension": score("C5 D5 C5", "G4 G4/1:2 F4/1:2 E4", "E4 B3 C4", "C3 G2 C3"),
    "a suspended leading tone": score("C5 C5/3:2 B4/1:2 C5", "G4 A4 G4 G4", "E4 F4 D4 E4", "C3 F3 G3 C3"),
    "a leading tone that falls to the fifth in the middle": score("D5 C5", "B4 G4", "G4 E4", "G3 C4"),
    "a cadential six-four": score("C5 C5 B4 C5", "A4 G4 G4 G4", "F4 E4 D4 E4", "F3 G3 G2 C3"),
    "a seventh that falls": score("B4 C5", "F4 E4", "D4 C4", "G3 C3"),
    "a neighbour": score("C5 C5 C5", "G4/1:2 A4/1:2 G4 G4", "E4 E4 E4", "C3 C3 C3"),
}


@pytest.mark.parametrize("what", CLEAN)
def test_what_the_rules_allow_is_no_fault(what: str) -> None:
    assert [fault.sentence for fault in faults(CLEAN[what])] == []


def test_a_fault_says_where_it_is_and_who_sings_it() -> None:
    wrong = score("C5 C5 C5 C5 C5 D5", "E4 E4 E4 E4 E4 F4", "G3 G3 G3 G3 G3 A3", "C3 C3 C3 C3 C3 D3")
    (fault,) = [fault for fault in faults(wrong) if fault.rule == "parallel fifths"]
    assert (fault.bar, fault.beat, fault.voices) == (2, 2, ("tenor", "bass"))
    assert fault.sentence == "The tenor and bass move in parallel fifths."


@given(sharps=st.integers(0, 6), which=st.sampled_from(sorted(CLEAN)))
def test_faults_do_not_depend_on_the_key(sharps: int, which: str) -> None:
    def moved(note: Note) -> Note:
        return replace(note, pitch=pitch_on_line(note.pitch.line + sharps, note.pitch.midi + (7 * sharps + 6) % 12 - 6))

    for one in (CLEAN[which], FAULTY["parallel fifths"][0], FAULTY["seventh"][1], FAULTY["leading tone"][0]):
        parts = tuple(replace(part, notes=tuple(moved(note) for note in part.notes)) for part in one.parts)
        other = replace(one, parts=parts, keys=(Key(ZERO, sharps),))
        assert named(other) - {"range"} == named(one) - {"range"}


def test_two_notes_at_once_in_a_part_are_refused() -> None:
    one = GOOD.parts[0]
    twice = replace(one, notes=(*one.notes, replace(one.notes[0], id="again", pitch=pitch("G5"))))
    with pytest.raises(VesicaError, match="two notes at once"):
        faults(replace(GOOD, parts=(twice, *GOOD.parts[1:])))


def test_three_parts_are_refused() -> None:
    with pytest.raises(VesicaError, match="this score has 3"):
        faults(replace(GOOD, parts=GOOD.parts[:3]))


def test_beats_are_counted_from_the_end_of_a_pickup_and_dotted_in_six_eight() -> None:
    assert beats_of(replace(GOOD, pickup=Fraction(1)))[:3] == [0, 1, 2]
    six = replace(GOOD, metres=(Metre(ZERO, 6, 8),), pickup=Fraction(1, 2))
    assert beats_of(six)[:4] == [0, Fraction(1, 2), 2, Fraction(7, 2)]


def test_twenty_chorales_of_bach_have_few_faults() -> None:
    from bench_chorale import bach, table

    scores = [one for _, one in bach(20)]
    rules, chords = table(scores)
    assert len(scores) == 20 and chords > 1000
    strict = {rule: count for rule, count in rules.items() if rule not in ("crossing", "overlap", "spacing")}
    # Voices cross and spread for the sake of their lines; what is forbidden to everyone is rare in Bach.
    assert 100 * sum(strict.values()) / chords < 8
    assert 100 * sum(count for rule, count in rules.items() if rule.startswith("parallel")) / chords < 0.5
    assert 100 * rules["dissonance"] / chords < 0.5
