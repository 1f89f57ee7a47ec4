"""The score value: as JSON, as MIDI, and two versions of it laid side by side."""

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from score_strategies import scores
from vesica.errors import VesicaError
from vesica.music.align import align, events, fresh_id, with_ids
from vesica.music.clock import clock
from vesica.music.midi import read_midi, write_midi
from vesica.music.score import Metre, Note, Part, Pitch, Score, Tempo, bar_lines, bars, pitch_on_line, spell, tidy
from vesica.music.score_json import check, read_score, write_score

F = Fraction
pytestmark = pytest.mark.filterwarnings("error")
light = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

SCALE = tuple(Note(f"n{step}", F(step), F(1), spell(60 + 2 * step, 0)) for step in range(4))
SMALL = Score("Scale", (Part("Flute", 73, SCALE),))


# Pitches and bars


@given(st.integers(0, 127), st.integers(-7, 7))
def test_a_spelled_key_sounds_as_it_did_and_lies_near_its_signature(midi: int, fifths: int) -> None:
    pitch = spell(midi, fifths)
    assert pitch.midi == midi and -1 <= pitch.octave <= 9
    # The lowest key has one name alone.
    assert -3 <= pitch.line - fifths <= 8 or (midi == 0 and str(pitch) == "C-1")
    assert pitch_on_line(pitch.line, midi) == pitch


@light
@given(scores())
def test_bars_cover_the_score_without_gaps(score: Score) -> None:
    lines, found = bar_lines(score), bars(score)
    assert [bar.start for bar in found] == lines[:-1]
    assert all(bar.length > 0 for bar in found) and lines[-1] >= score.end
    assert {name for bar in found for name in bar.notes} == {
        (index, replace(note, id="")) for index, part in enumerate(score.parts) for note in part.notes
    }


def test_a_change_of_metre_begins_a_bar() -> None:
    score = replace(SMALL, metres=(Metre(F(0), 4, 4), Metre(F(3), 2, 4)))
    assert bar_lines(score) == [0, 3, 5]


# JSON


@light
@given(scores())
def test_a_score_comes_back_from_json_and_its_bytes_are_always_the_same(score: Score) -> None:
    data = write_score(score)
    assert read_score(data) == score
    assert write_score(read_score(data)) == data


@light
@given(scores(most=3), st.data())
def test_damaged_json_is_refused_or_read_never_a_crash(score: Score, data: st.DataObject) -> None:
    whole = bytearray(write_score(score))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 5))] = data.draw(
            st.sampled_from([b"", b"9", b"null", b"[", b'"', b"-"])
        )
    try:
        check(read_score(bytes(whole)))
    except VesicaError as fault:
        assert str(fault).endswith(".")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metres", []),
        ("metres", [["1", 4, 4]]),
        ("metres", [["0", 4, 3]]),
        ("keys", [["0", 8, "major"]]),
        ("keys", [["0", 0, "dorian"]]),
        ("tempi", [["0", "0"]]),
        ("pickup", "4"),
        ("pickup", "-1"),
        ("title", "\x00"),
        ("parts", [{"name": "", "program": 128, "notes": []}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a", "0", "0", "C4", 1, 80, False, []]]}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a", "0", "1", "H4", 1, 80, False, []]]}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a", "0", "1", "C4", 0, 80, False, []]]}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a b", "0", "1", "C4", 1, 80, False, []]]}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a", "0", "1", "C4", 1, 80, False, ["loud"]]]}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a", "0", "1", "C4", 1, 80, False, []]] * 2}]),
        ("parts", [{"name": "", "program": 0, "notes": [["a", "900000", "1", "C4", 1, 80, False, []]]}]),
    ],
)
def test_a_field_out_of_bounds_is_refused_in_a_sentence(field: str, value: object) -> None:
    told = json.loads(write_score(SMALL))
    told[field] = value
    with pytest.raises(VesicaError):
        read_score(json.dumps(told).encode())


# MIDI


@light
@given(scores())
def test_what_midi_holds_comes_back_from_it(score: Score) -> None:
    # A key that is struck while it sounds can't be told apart in MIDI; nor can times off its finest grid.
    kept = []
    for part in score.parts:
        sounding: dict[int, Fraction] = {}
        notes = []
        for note in part.notes:
            if note.onset >= sounding.get(note.pitch.midi, F(0)):
                sounding[note.pitch.midi] = note.end
                notes.append(note)
        if notes:
            kept.append(replace(part, notes=tuple(notes)))
    score = replace(score, parts=tuple(kept))
    if not kept:
        with pytest.raises(VesicaError, match="no notes"):
            read_midi(write_midi(score))
        return
    back = read_midi(write_midi(score))
    assert [part.program for part in back.parts] == [part.program for part in score.parts]
    for ours, theirs in zip(score.parts, back.parts, strict=True):
        assert Counter((note.pitch.midi, note.velocity) for note in ours.notes) == Counter(
            (note.pitch.midi, note.velocity) for note in theirs.notes
        )
        grid = F(1, 480)
        for one, other in zip(
            sorted(ours.notes, key=lambda note: (note.pitch.midi, note.onset)),
            sorted(theirs.notes, key=lambda note: (note.pitch.midi, note.onset)),
            strict=True,
        ):
            assert abs(one.onset - other.onset) <= grid and abs(one.duration - other.duration) <= grid


def test_midi_keeps_title_names_metres_keys_tempi_and_the_pick_up() -> None:
    score = Score(
        "Morgen",
        (Part("Flute", 73, SCALE), Part("Cello", 42, tuple(replace(note, id=f"c{note.id}") for note in SCALE))),
        (Metre(F(0), 3, 4), Metre(F(4), 6, 8)),
        tempi=(Tempo(F(0), F(72)), Tempo(F(2), F(6001, 100))),
        pickup=F(1),
    )
    back = read_midi(write_midi(score))
    for field in ("title", "metres", "keys", "tempi", "pickup"):
        assert getattr(back, field) == getattr(score, field), field
    assert [part.name for part in back.parts] == ["Flute", "Cello"]
    assert [[note.pitch for note in part.notes] for part in back.parts] == [[note.pitch for note in SCALE]] * 2


WHOLE = write_midi(replace(SMALL, remarks=("One.",)))


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_midi_file_cut_at_any_byte_is_refused_in_a_sentence_that_names_the_place(length: int) -> None:
    with pytest.raises(VesicaError, match=r"byte|header|no notes"):
        read_midi(WHOLE[:length])


@given(st.data())
def test_a_damaged_midi_file_is_refused_or_read_never_a_crash(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        check(read_midi(bytes(whole)))
    except VesicaError as fault:
        assert str(fault).endswith(".")


def test_midi_of_type_2_and_of_film_frames_is_refused() -> None:
    with pytest.raises(VesicaError, match="type 2"):
        read_midi(WHOLE[:9] + b"\2" + WHOLE[10:])
    with pytest.raises(VesicaError, match="film frames"):
        read_midi(WHOLE[:12] + b"\xe7\x28" + WHOLE[14:])


def test_drums_alone_are_no_score_and_say_so() -> None:
    track = b"\0\x99\x24\x40\x60\x89\x24\x40\0\xff\x2f\0"
    data = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + len(track).to_bytes(4, "big") + track
    with pytest.raises(VesicaError, match="drums"):
        read_midi(data)


# Alignment


@light
@given(scores())
def test_a_score_aligned_with_itself_is_itself_whatever_its_ids_became(score: Score) -> None:
    assert align(score, score) == score
    renamed = replace(
        score,
        parts=tuple(replace(part, notes=tuple(replace(note, id="") for note in part.notes)) for part in score.parts),
    )
    # Notes that are the same in all but their id may take each other's.
    assert Counter(align(score, renamed).notes) == Counter(score.notes) or _twins(score)
    assert events(align(score, renamed)).keys() == events(score).keys()


def _twins(score: Score) -> bool:
    bare = [(index, replace(note, id="")) for index, part in enumerate(score.parts) for note in part.notes]
    return len(set(bare)) < len(bare)


@light
@given(scores(), st.data())
def test_changing_one_note_changes_one_event(score: Score, data: st.DataObject) -> None:
    places = [(index, note) for index, part in enumerate(score.parts) for note in part.notes]
    if not places or _twins(score):
        return
    index, note = data.draw(st.sampled_from(places))
    changed = replace(note, velocity=note.velocity % 127 + 1)
    parts = list(score.parts)
    parts[index] = replace(parts[index], notes=tuple(changed if one == note else one for one in parts[index].notes))
    before, after = events(score), events(align(score, tidy(replace(score, parts=tuple(parts)))))
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} <= {note.id} | {
        # One that begins with it at the same pitch is as good a match.
        one.id
        for one in score.parts[index].notes
        if one.onset == note.onset and one.pitch.midi == note.pitch.midi
    }


def test_a_moved_pitch_keeps_its_id_and_an_added_note_gets_a_fresh_one() -> None:
    notes = list(SCALE)
    notes[2] = replace(notes[2], id="x", pitch=Pitch("F"))
    added = Note("n0", F(4), F(1), Pitch("G"))
    after = align(SMALL, replace(SMALL, parts=(replace(SMALL.parts[0], notes=(*notes, added)),)))
    assert [note.id for note in after.notes[:4]] == ["n0", "n1", "n2", "n3"]
    assert after.notes[4].id not in {"n0", "n1", "n2", "n3", ""}


@light
@given(scores())
def test_every_note_gets_an_id_of_its_own_and_the_same_one_each_time(score: Score) -> None:
    bare = replace(
        score,
        parts=tuple(replace(part, notes=tuple(replace(note, id="") for note in part.notes)) for part in score.parts),
    )
    named = with_ids(bare)
    assert named == with_ids(bare) == with_ids(named)
    assert len({note.id for note in named.notes}) == len(named.notes)
    for note in named.notes[:1]:
        assert fresh_id(0, note, {note.id}) != note.id


# Seconds


def test_seconds_follow_every_tempo_exactly() -> None:
    score = replace(SMALL, tempi=(Tempo(F(0), F(60)), Tempo(F(1), F(120)), Tempo(F(3), F(90))))
    seconds = clock(score)
    assert [seconds(F(time)) for time in (0, 1, 2, 3, 6)] == [0, 1, F(3, 2), 2, 4]
