"""Chorales: no fault in ours, the person's notes as they were, the same bytes every time."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesica.errors import Cancelled, VesicaError
from vesica.knobs import build
from vesica.music.chorale import chorale, estimate_key, key_named
from vesica.music.harmony import FOLLOWS, cadence, figures, foreign_figures, home, is_picardy, progression
from vesica.music.melody import compose
from vesica.music.params import ChoraleParams, KeyName
from vesica.music.score import Key, Metre, Note, Part, Score, Tempo, bar_lines, spell
from vesica.music.score_json import write_score
from vesica.music.voice_leading import RANGES, faults
from vesica.music.voicing import voicings
from vesica.work import Step

ZERO = Fraction(0)
KEYS = get_args(KeyName)[1:]


def melody(
    keys: list[int], lengths: tuple[str, ...] = ("1",), *, fifths: int = 0, metre: tuple[int, int] = (4, 4)
) -> Score:
    """Keys one after another, 0 for a rest, lengths in turn."""
    notes = []
    now = ZERO
    for place, key in enumerate(keys):
        length = Fraction(lengths[place % len(lengths)])
        if key:
            notes.append(Note(f"m{place}", now, length, spell(key, fifths)))
        now += length
    return Score(parts=(Part("Flute", 73, tuple(notes)),), keys=(Key(ZERO, fifths),), metres=(Metre(ZERO, *metre),))


ODE = melody(
    [66, 66, 67, 69, 69, 67, 66, 64, 62, 62, 64, 66, 64, 62, 62],
    ("1",) * 12 + ("3/2", "1/2", "2"),
    fifths=2,
)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    key=st.sampled_from(KEYS),
    metre=st.sampled_from(["3/4", "4/4"]),
    phrases=st.integers(2, 4),
    ornament=st.floats(0, 1),
)
def test_ours_breaks_no_rule(seed: int, key: KeyName, metre: str, phrases: int, ornament: float) -> None:
    params = build(ChoraleParams, {"key": key, "metre": metre, "phrases": phrases, "ornament": ornament})
    made = chorale(params=params, seed=seed)
    assert [fault.sentence for fault in faults(made)] == []
    assert made.remarks == ()


@settings(max_examples=8)
@given(seed=st.integers(0, 2**31), phrases=st.integers(2, 8))
def test_a_tune_has_its_phrases_and_closes_on_the_tonic(seed: int, phrases: int) -> None:
    made = chorale(params=ChoraleParams(phrases=phrases, ornament=0), seed=seed)
    soprano, _, _, bass = made.parts
    assert [part.name for part in made.parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert {part.program for part in made.parts} == {52}
    assert sum(note.fermata for note in soprano.notes) == phrases
    tonic = home(made.keys[0]) * 7 % 12
    assert soprano.notes[-1].pitch.midi % 12 == bass.notes[-1].pitch.midi % 12 == tonic
    assert soprano.notes[-1].duration >= 2
    assert made.end in bar_lines(made) or made.pickup
    assert (
        max(abs(one.pitch.midi - two.pitch.midi) for one, two in zip(soprano.notes, soprano.notes[1:], strict=False))
        <= 12
    )
    for part, (low, high) in zip(made.parts, RANGES, strict=True):
        assert all(low <= note.pitch.midi <= high for note in part.notes)


def test_nearly_every_tune_reaches_its_climax_once() -> None:
    once = 0
    for seed in range(30):
        tune = compose(random.Random(seed), Key(ZERO, seed % 7 - 3), Metre(ZERO, 3 + seed % 2, 4), 2 + seed % 7)
        keys = [note.pitch.midi for note in tune.notes]
        once += keys.count(max(keys)) == 1
    assert once >= 26


def test_more_ornament_gives_more_notes() -> None:
    counts = [
        sum(len(chorale(params=ChoraleParams(ornament=amount), seed=seed).notes) for seed in range(3))
        for amount in (0, 0.5, 1)
    ]
    assert counts[0] < counts[1] < counts[2]


def test_voices_move_by_eighths_and_cadences_are_suspended() -> None:
    tied = eighths = 0
    for seed in range(6):
        made = chorale(params=ChoraleParams(metre="4/4"), seed=seed)
        for part in made.parts[1:]:
            eighths += sum(note.duration == Fraction(1, 2) for note in part.notes)
            tied += sum((note.onset - made.pickup) % 1 == 0 and note.duration == Fraction(3, 2) for note in part.notes)
    assert eighths > 60
    assert tied > 6


@pytest.mark.parametrize("seed", [1, 2])
def test_the_persons_notes_stay_with_their_ids(seed: int) -> None:
    made = chorale(params=ChoraleParams(), seed=seed, melody=ODE)
    assert made.parts[0].notes == ODE.parts[0].notes
    assert made.metres == ODE.metres and made.keys == ODE.keys and made.tempi == ODE.tempi
    assert faults(made) == []
    assert len({note.id for note in made.notes}) == len(made.notes)
    assert made.end == ODE.end


@given(
    keys=st.lists(st.integers(60, 79), min_size=1, max_size=14),
    lengths=st.lists(st.sampled_from(["1/4", "1/3", "1/2", "1", "3/2", "2", "5"]), min_size=1, max_size=4),
    metre=st.sampled_from([(4, 4), (3, 4), (2, 2), (6, 8), (5, 8), (12, 16)]),
    fifths=st.integers(-7, 7),
)
@settings(max_examples=25)
def test_any_melody_in_range_is_sung_as_it_is(
    keys: list[int], lengths: list[str], metre: tuple[int, int], fifths: int
) -> None:
    tune = melody(keys, tuple(lengths), fifths=fifths, metre=metre)
    made = chorale(params=ChoraleParams(), seed=3, melody=tune)
    assert made.parts[0].notes == tune.parts[0].notes
    left = {fault.rule for fault in faults(made)}
    # Whatever could not be kept is told.
    told = " ".join(made.remarks)
    assert all(rule in told or rule == "cadence" for rule in left)
    assert ("stays open" in told) == ("cadence" in left)


@given(keys=st.lists(st.integers(1, 126), min_size=1, max_size=8))
@settings(max_examples=20)
def test_notes_from_all_over_the_keyboard_are_harmonised(keys: list[int]) -> None:
    made = chorale(params=ChoraleParams(ornament=0), seed=1, melody=melody(keys))
    assert [note.id for note in made.parts[0].notes] == [note.id for note in melody(keys).parts[0].notes]
    assert all(part.notes for part in made.parts)


def test_a_melody_far_too_low_is_moved_by_octaves_and_it_is_said() -> None:
    low = melody([36, 38, 40, 41, 43, 41, 40, 38, 36])
    made = chorale(params=ChoraleParams(), seed=1, melody=low)
    moved = [one.pitch.midi - two.pitch.midi for one, two in zip(made.parts[0].notes, low.parts[0].notes, strict=True)]
    assert set(moved) == {24}
    assert "The melody is moved up by 2 octaves to lie in the soprano's range." in made.remarks


def test_a_long_rest_silences_the_choir() -> None:
    made = chorale(params=ChoraleParams(), seed=1, melody=melody([67, 65, 64, 0, 0, 0, 67, 65, 64]))
    assert not [note for note in made.notes if note.onset < 6 and note.end > 3]


def test_the_top_line_of_chords_is_taken_and_it_is_said() -> None:
    tune = ODE.parts[0].notes
    below = tuple(replace(note, id=f"b{note.id}", pitch=spell(note.pitch.midi - 4, 2)) for note in tune)
    both = replace(ODE, parts=(Part("Piano", 0, tuple(sorted((*tune, *below), key=lambda note: note.onset))),))
    made = chorale(params=ChoraleParams(), seed=1, melody=both)
    assert made.parts[0].notes == tune
    assert "The top line of Piano is taken for the melody." in made.remarks


def test_times_off_the_grid_are_snapped_and_it_is_said() -> None:
    late = replace(
        ODE,
        parts=(
            replace(
                ODE.parts[0],
                notes=tuple(
                    replace(note, onset=note.onset + Fraction(1, 480), duration=note.duration - Fraction(1, 240))
                    for note in ODE.parts[0].notes
                ),
            ),
        ),
    )
    made = chorale(params=ChoraleParams(), seed=1, melody=late)
    assert [note.onset for note in made.parts[0].notes] == [note.onset for note in ODE.parts[0].notes]
    assert any("moved to the nearest sixteenth" in remark for remark in made.remarks)


@pytest.mark.parametrize("fifths", range(-5, 7))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_the_key_of_a_plain_tune_is_found(fifths: int, mode: str) -> None:
    root = 60 + (fifths * 7 + (9 if mode == "minor" else 0)) % 12
    steps = (0, 2, 4, 5, 7, 9, 7, 5, 4, 7, 4, 2, 0) if mode == "major" else (0, 2, 3, 5, 7, 8, 7, 5, 3, 2, -1, 0)
    found = estimate_key(melody([root + step for step in steps]).parts[0].notes)
    assert (found.fifths, found.mode) in ((fifths, mode), (fifths - 12, mode), (fifths + 12, mode))


def test_a_melody_without_a_key_is_read_in_the_likeliest_and_it_is_said() -> None:
    tune = melody([69, 71, 72, 74, 76, 74, 72, 71, 69, 68, 69])
    made = chorale(params=ChoraleParams(), seed=1, melody=tune)
    assert made.keys == (Key(ZERO, 0, "minor"),)
    assert "The melody tells no key; it is read in a minor." in made.remarks


def test_words_lead_to_mode_and_pace() -> None:
    def made(words: str) -> list[Score]:
        return [chorale(params=ChoraleParams(words=words, phrases=2, ornament=0), seed=seed) for seed in range(4)]

    grief, joy = made("a mother weeping at a grave in winter rain"), made("the children dance and sing for joy in May")
    assert sum(score.keys[0].mode == "minor" for score in grief) >= 3
    assert sum(score.keys[0].mode == "major" for score in joy) >= 3
    assert sum(score.tempi[0].quarters for score in grief) < sum(score.tempi[0].quarters for score in joy)


def test_key_metre_and_tempo_are_as_wished() -> None:
    made = chorale(params=ChoraleParams(key="f-sharp minor", metre="3/4", tempo=66), seed=4)
    assert made.keys == (Key(ZERO, 3, "minor"),)
    assert made.metres == (Metre(ZERO, 3, 4),)
    assert made.tempi == (Tempo(ZERO, Fraction(66)),)


def test_the_thirty_keys_are_named_right() -> None:
    assert [key_named(name).fifths for name in KEYS] == [*range(-7, 8)] * 2
    assert {(name[0].isupper(), key_named(name).mode) for name in KEYS} == {(True, "major"), (False, "minor")}
    for name in KEYS:
        letter = name[0].upper()
        alter = {"flat": -1, "sharp": 1}.get(name[2:].split()[0], 0)
        assert home(key_named(name)) == "FCGDAEB".index(letter) - 1 + 7 * alter


def test_a_score_without_notes_is_refused() -> None:
    with pytest.raises(VesicaError, match="bring one with a melody"):
        chorale(params=ChoraleParams(), seed=1, melody=Score())


def test_a_tempo_no_choir_could_sing_is_refused() -> None:
    with pytest.raises(VesicaError, match="40 to 120"):
        chorale(params=ChoraleParams(tempo=20), seed=1)


def test_the_input_is_untouched_and_a_chorale_stops_when_it_is_cancelled() -> None:
    before = write_score(ODE)
    told: list[Step] = []

    def stop(step: Step) -> None:
        told.append(step)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        chorale(params=ChoraleParams(), seed=1, melody=ODE, progress=stop)
    assert len(told) == 3
    assert write_score(ODE) == before


def test_progress_ends_at_the_whole() -> None:
    told: list[Step] = []
    chorale(params=ChoraleParams(), seed=1, progress=told.append)
    assert told[-1].done == told[-1].total
    assert all(step.done <= step.total for step in told)


def test_the_same_seed_gives_the_same_bytes_on_one_thread_and_two() -> None:
    script = (
        "import sys; from vesica.music.chorale import chorale; from vesica.music.params import ChoraleParams;"
        "from vesica.music.score_json import write_score;"
        "sys.stdout.buffer.write(write_score(chorale(params=ChoraleParams(words='evening on the water'), seed=11)))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={
                **os.environ,
                "PYTHONHASHSEED": threads,
                **{f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")},
            },
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert told[0] == told[1] and len(told[0]) > 1000
    assert write_score(chorale(params=ChoraleParams(words="evening on the water"), seed=12)) != told[0]


@pytest.mark.parametrize("name", ["C major", "a minor", "G-flat major", "d-sharp minor"])
def test_every_tone_of_a_scale_has_chords_and_each_chord_can_be_laid_out(name: KeyName) -> None:
    key = key_named(name)
    for midi in range(60, 80):
        held = [
            figure
            for figure in (*figures(key), *foreign_figures(key))
            if midi % 12 in {line * 7 % 12 for line in figure.chord.lines}
        ]
        assert any(voicings(figure, midi) for figure in held)
        for figure in held:
            for _, alto, tenor, bass in voicings(figure, midi):
                assert midi >= alto >= tenor >= bass
                assert midi - alto <= 12 and alto - tenor <= 12 and tenor - bass <= 19


def test_dominants_go_home_more_cheaply_than_anywhere() -> None:
    assert all(FOLLOWS[5][0] <= price for price in FOLLOWS[5])
    table = {(one.chord.numeral, one.inversion): one for one in figures(Key(ZERO, 0)) if not is_picardy(one)}
    five, one, four, six = (table[numeral, 0] for numeral in ("V", "I", "IV", "vi"))
    assert progression(five, one) < progression(five, six) < progression(five, four)
    assert cadence(five, one) == "authentic" and cadence(five, six) == "deceptive" and cadence(four, one) == "plagal"
    assert cadence(four, five) == "half" and cadence(table["V/V", 0], five) == "tonicised"
    assert cadence(one, four) is None


@pytest.mark.slow
def test_a_melody_of_500_bars_is_harmonised() -> None:
    keys = [62, 64, 66, 67, 69, 67, 66, 64] * 250
    made = chorale(params=ChoraleParams(), seed=1, melody=melody(keys, fifths=2))
    assert len(made.parts[0].notes) == 2000
    assert len(bar_lines(made)) == 501
