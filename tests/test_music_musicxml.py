"""MusicXML in and out: nothing of a score is lost, real files are understood, hostile ones refused."""

import io
import zipfile
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from score_strategies import scores
from vesica.errors import VesicaError
from vesica.music import notation
from vesica.music.musicxml import in_key, short_name, write_musicxml
from vesica.music.musicxml_reader import read_musicxml
from vesica.music.notation import clefs
from vesica.music.score import Key, Metre, Note, Part, Pitch, Score, Tempo, bar_lines, spell, tidy

F = Fraction


def tune(*rows: tuple[Any, ...], fifths: int = 0, voice: int = 1) -> tuple[Note, ...]:
    """Notes one after another from (length, key), a key of None being a rest."""
    found, now = [], F(0)
    for number, (length, midi, *more) in enumerate(rows):
        if midi is not None:
            marks = tuple(sorted(mark for mark in more if mark != "fermata"))
            note = Note(f"v{voice}n{number}", now, F(length), spell(midi, fifths), voice, 80, "fermata" in more, marks)
            found.append(note)
        now += F(length)
    return tuple(found)


def written(score: Score) -> etree._Element:
    return etree.fromstring(write_musicxml(score))


def shape(score: Score) -> list[list[str]]:
    """The values of each measure as a person would say them: ``quarter.``, ``r:half``, ``eighth~`` (tied on)."""
    found = []
    for measure in written(score).iter("measure"):
        row = []
        for note in measure.iterfind("note"):
            said = "r:" if note.find("rest") is not None else ""
            said += (note.findtext("type") or "bar") + "." * len(note.findall("dot"))
            row.append(said + ("~" if note.find("tie[@type='start']") is not None else ""))
        found.append(row)
    return found


def flute(*rows: tuple[Any, ...], metre: tuple[int, int] = (4, 4), **more: Any) -> Score:
    return Score("", (Part("Flute", 73, tune(*rows)),), metres=(Metre(F(0), *metre),), **more)


# Out and in again


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scores())
def test_a_score_comes_back_from_musicxml_as_it_was(score: Score) -> None:
    assert read_musicxml(write_musicxml(score)) == score


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scores())
def test_measures_fill_their_metre_in_every_voice_and_ids_stand_once(score: Score) -> None:
    root = written(score)
    divisions = int(root.findtext(".//divisions") or 0)
    lines = bar_lines(score)
    names = [note.get("id") for note in root.iter("note") if note.get("id")]
    assert len(names) == len(set(names))
    for part in root.iterfind("part"):
        for number, measure in enumerate(part.iterfind("measure")):
            now = 0
            for item in measure:
                if item.tag == "backup":
                    assert now == int(item.findtext("duration") or 0) or item.getnext().tag in (
                        "attributes",
                        "direction",
                    )
                    now -= int(item.findtext("duration") or 0)
                elif item.tag == "forward" or (item.tag == "note" and item.find("chord") is None):
                    now += int(item.findtext("duration") or 0)
            length = (lines[number + 1] - lines[number]) * divisions
            assert now == length or (number == len(lines) - 2 and now == length - score.pickup * divisions)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scores())
def test_the_same_score_gives_the_same_bytes(score: Score) -> None:
    assert write_musicxml(score) == write_musicxml(score)


# On paper


def test_a_value_never_hides_the_middle_of_the_bar_and_syncopations_stay_whole() -> None:
    assert shape(flute((1, 60), (2, 62), (1, 64))) == [["quarter", "half", "quarter"]]
    assert shape(flute((F(1, 2), 60), (1, 62), (F(1, 2), 64), (2, 65))) == [["eighth", "quarter", "eighth", "half"]]
    assert shape(flute((F(3, 2), 60), (1, 62), (F(3, 2), 64))) == [["quarter.", "eighth~", "eighth", "quarter."]]
    assert shape(flute((3, 60), (3, 62), (2, 64))) == [["half.", "quarter~"], ["half", "half"]]
    assert shape(flute((F(5, 2), 60), (F(3, 2), 62))) == [["half~", "eighth", "quarter."]]


def test_rests_show_every_beat() -> None:
    assert shape(flute((1, 60), (2, None), (1, 62))) == [["quarter", "r:quarter", "r:quarter", "quarter"]]
    assert shape(flute((1, 60), (3, None))) == [["quarter", "r:quarter", "r:half"]]
    assert shape(flute((F(1, 2), 60), (F(7, 2), None), (1, 60))) == [
        ["eighth", "r:eighth", "r:quarter", "r:half"],
        ["quarter", "r:quarter", "r:half"],
    ]
    assert shape(flute((1, None), (1, 60), (1, None), metre=(3, 4))) == [["r:quarter", "quarter", "r:quarter"]]


def test_compound_metres_are_counted_in_dotted_beats() -> None:
    six = (6, 8)
    assert shape(flute((F(1, 2), 60), (1, 62), (1, 64), (F(1, 2), 65), metre=six)) == [
        ["eighth", "quarter", "quarter", "eighth"]
    ]
    assert shape(flute((1, 60), (1, 62), (1, 64), metre=six)) == [["quarter", "eighth~", "eighth", "quarter"]]
    assert shape(flute((3, 60), (F(3, 2), None), (F(3, 2), 62), metre=six)) == [["half."], ["r:quarter.", "quarter."]]
    assert shape(flute((F(9, 2), 60), metre=(9, 8))) == [["half.~", "quarter."]]
    assert shape(flute((6, 60), metre=(12, 8))) == [["whole."]]
    assert shape(flute((F(5, 2), 60), metre=(5, 8))) == [["quarter.~", "quarter"]]


def test_tuplets_are_found_at_the_beat_they_fill() -> None:
    third = F(1, 3)
    score = flute((third, 60), (third, 62), (third, 64), (F(2, 3), 65), (third, 67), (2, 60))
    assert shape(score) == [["eighth", "eighth", "eighth", "quarter", "eighth", "half"]]
    ratios = [
        (row.findtext("actual-notes"), row.findtext("normal-notes")) for row in written(score).iter("time-modification")
    ]
    assert ratios == [("3", "2")] * 5
    assert [row.get("type") for row in written(score).iter("tuplet")] == ["start", "stop"] * 2
    assert shape(flute((F(4, 3), 60), (F(4, 3), 62), (F(4, 3), 64))) == [["half"] * 3]
    assert shape(flute(*[(F(1, 5), 60)] * 5, (3, 60))) == [["16th"] * 5 + ["half."]]
    assert shape(flute((F(2, 3), 60), (F(2, 3), 62), (F(2, 3), 64), (2, 60))) == [["quarter"] * 3 + ["half"]]


def test_beams_join_a_beat_and_plain_eighths_of_half_a_bar() -> None:
    def beams(score: Score) -> str:
        return "".join(
            {"begin": "(", "continue": "-", "end": ")"}[note.findtext("beam") or ""]
            if note.find("beam") is not None
            else "."
            for note in written(score).iter("note")
        )

    eighth, sixteenth = (F(1, 2), 60), (F(1, 4), 60)
    assert beams(flute(*[eighth] * 8)) == "(--)(--)"
    assert beams(flute(eighth, sixteenth, sixteenth, eighth, eighth, (2, 60))) == "(-)()."
    assert beams(flute(*[eighth] * 6, metre=(6, 8))) == "(-)(-)"
    assert beams(flute(*[eighth] * 6, metre=(3, 4))) == "(----)"
    assert beams(flute(*[eighth] * 7, metre=(7, 8))) == "()()(-)"
    assert beams(flute(eighth, (F(1, 2), None), eighth, eighth, (2, 60))) == "..()."


def test_an_accidental_stands_once_a_bar_and_again_in_the_next() -> None:
    def signs(score: Score) -> list[str | None]:
        return [note.findtext("accidental") for note in written(score).iter("note") if note.find("rest") is None]

    assert signs(flute((1, 66), (1, 66), (1, 65), (1, 66), (4, 66))) == ["sharp", None, "natural", "sharp", "sharp"]
    # A tie carries it over the barline, for that note alone.
    assert signs(flute((3, 60), (2, 66), (1, 66), (2, 60))) == [None, "sharp", None, "sharp", None]
    in_g = replace(flute((2, 66), (2, 65)), keys=(Key(F(0), 1),))
    assert signs(in_g) == [None, "natural"]


@given(st.integers(-7, 7))
def test_a_signature_alters_as_many_steps_as_it_has_signs(fifths: int) -> None:
    assert sum(in_key(step, fifths) for step in "CDEFGAB") == fifths


def test_voices_and_instruments_stand_on_their_clefs() -> None:
    def clef(name: str, program: int, *midi: int) -> tuple[Any, ...]:
        return clefs(Part(name, program, tune(*((1, key) for key in midi))))

    assert clef("Soprano", 52, 60, 72, 79) == (notation.TREBLE,)
    assert clef("Alto", 52, 57, 65, 72) == (notation.TREBLE,)
    assert clef("Tenor", 52, 50, 58, 67) == (notation.TENOR,)
    assert clef("Bass", 52, 41, 50, 60) == (notation.BASS,)
    assert clef("Viola", 41, 50, 60, 70) == (notation.ALTO,)
    assert clef("Violoncello", 42, 40, 50) == (notation.BASS,)
    assert clef("Piano", 0, 36, 48, 72, 84) == (notation.TREBLE, notation.BASS)
    assert clef("Piano", 0, 60, 72) == (notation.TREBLE,)
    assert clef("", 0) == (notation.TREBLE,)


def test_a_pick_up_is_counted_from_the_bar_s_end_and_given_back_at_the_piece_s() -> None:
    score = flute((1, 60), (4, 62), (3, 64), pickup=F(1))
    root = written(score)
    assert [(measure.get("number"), measure.get("implicit")) for measure in root.iter("measure")] == [
        ("0", "yes"),
        ("1", None),
        ("2", None),
    ]
    assert shape(score) == [["quarter"], ["whole"], ["half."]]
    assert read_musicxml(write_musicxml(score)) == score


def test_a_pick_up_in_which_a_part_is_silent_is_as_long_as_it_was() -> None:
    silent = Score("", (Part("", 0),), (Metre(Fraction(0), 3, 8),), pickup=Fraction(1))
    assert read_musicxml(write_musicxml(silent)) == silent


def test_notes_that_overlap_in_a_voice_keep_it_and_are_written_side_by_side() -> None:
    notes = (Note("a", F(0), F(4), Pitch("C")), Note("b", F(1), F(1), Pitch("E")), Note("c", F(0), F(4), Pitch("G")))
    score = tidy(Score("", (Part("Flute", 73, notes),)))
    assert {note.findtext("voice") for note in written(score).iter("note")} == {"1", "101"}
    assert read_musicxml(write_musicxml(score)) == score


def test_short_names_are_those_of_scores() -> None:
    assert [short_name(name) for name in ("Violin II", "Soprano", "Glass harmonica", "Oud", "")] == [
        "Vln. II",
        "S.",
        "Glas.",
        "Oud",
        "",
    ]


# From other programs


def xml(measures: str, *, attributes: str = "", name: str = "Flute") -> bytes:
    return (
        f'<score-partwise><part-list><score-part id="P1"><part-name>{name}</part-name></score-part></part-list>'
        f'<part id="P1">{measures}</part></score-partwise>'
    ).encode()


def note(pitch: str, duration: int, more: str = "", before: str = "") -> str:
    step, octave = pitch[0], pitch[-1]
    alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(pitch[1:2], "")
    return (
        f"<note>{before}<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>"
        f"<duration>{duration}</duration>{more}</note>"
    )


START = "<attributes><divisions>2</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"


def test_what_is_left_out_is_said_in_one_line() -> None:
    score = read_musicxml(
        xml(
            f"<measure>{START}{note('C4', 8, '<lyric><text>la</text></lyric><notations><slur/></notations>')}</measure>"
        )
    )
    assert score.remarks == ("Left out on reading: 1 words under notes, 1 slurs.",)


def test_timewise_reads_as_partwise() -> None:
    one = xml(f'<measure number="1">{START}{note("C4", 8)}</measure><measure number="2">{note("D4", 8)}</measure>')
    head, body = one.split(b"</part-list>")
    other = (
        head.replace(b"score-partwise", b"score-timewise")
        + b'</part-list><measure number="1"><part id="P1">'
        + (START + note("C4", 8)).encode()
        + b'</part></measure><measure number="2"><part id="P1">'
        + note("D4", 8).encode()
        + b"</part></measure></score-timewise>"
    )
    assert body and read_musicxml(other) == read_musicxml(one)


def test_a_transposing_instrument_sounds_as_it_is_heard() -> None:
    clarinet = START.replace(
        "</attributes>", "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>"
    ).replace("<time>", "<key><fifths>2</fifths></key><time>")
    score = read_musicxml(xml(f"<measure>{clarinet}{note('D5', 4)}{note('F#5', 4)}</measure>"))
    assert [str(one.pitch) for one in score.notes] == ["C5", "E5"]
    assert score.keys[0].fifths == 0


def test_a_chord_shares_its_marks_and_dynamics_become_loudness() -> None:
    forte = "<direction><direction-type><dynamics><f/></dynamics></direction-type></direction>"
    chord = note("C4", 8, "<notations><articulations><staccato/></articulations><fermata/></notations>") + note(
        "E4", 8, before="<chord/>"
    )
    score = read_musicxml(xml(f"<measure>{START}{forte}{chord}</measure>"))
    assert [(one.onset, one.velocity, one.fermata, one.marks) for one in score.notes] == [
        (F(0), 96, True, ("staccato",))
    ] * 2


def test_a_bar_cut_in_two_by_a_repeat_is_one_and_an_odd_bar_has_its_own_metre() -> None:
    halves = (
        f"<measure>{START}{note('C4', 8)}</measure><measure>{note('C4', 6)}</measure><measure>{note('C4', 2)}</measure>"
    )
    score = read_musicxml(xml(halves + f"<measure>{note('C4', 8)}</measure>"))
    assert bar_lines(score) == [0, 4, 8, 12] and len(score.metres) == 1
    odd = f"<measure>{START}{note('C4', 8)}</measure>" + "".join(
        f"<measure>{note('C4', length)}</measure>" for length in (10, 8)
    )
    score = read_musicxml(xml(odd))
    assert bar_lines(score) == [0, 4, 9, 13]
    assert [(metre.beats, metre.unit) for metre in score.metres] == [(4, 4), (5, 4), (4, 4)]


def test_rounded_triplets_are_put_right() -> None:
    triplet = (
        "<type>eighth</type><time-modification><actual-notes>3</actual-notes>"
        "<normal-notes>2</normal-notes></time-modification>"
    )
    start = START.replace("<divisions>2", "<divisions>256")
    notes = "".join(note("C4", 85, triplet) for _ in range(3))
    score = read_musicxml(xml(f"<measure>{start}{notes}{note('C4', 768)}</measure>"))
    assert [one.onset for one in score.notes] == [F(0), F(1, 3), F(2, 3), F(1)]


def test_an_instrument_s_name_tells_its_program_and_a_tempo_its_beat() -> None:
    mark = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>c. 60</per-minute></metronome></direction-type></direction>"
    )
    score = read_musicxml(xml(f"<measure>{START}{mark}{note('C4', 8)}</measure>", name="Oboe I"))
    assert score.parts[0].program == 68
    assert score.tempi == (Tempo(F(0), F(90)),)


# Hostile and broken


def mxl(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()


CONTAINER = b'<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'
GOOD = xml(f"<measure>{START}{note('C4', 8)}</measure>")


def test_a_packed_file_reads_as_a_plain_one() -> None:
    assert read_musicxml(mxl({"META-INF/container.xml": CONTAINER, "score.xml": GOOD})) == read_musicxml(GOOD)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (mxl({"META-INF/container.xml": CONTAINER, "score.xml": GOOD, "../evil": b"x"}), "outside itself"),
        (mxl({"META-INF/container.xml": CONTAINER, "score.xml": GOOD, "/etc/evil": b"x"}), "outside itself"),
        (mxl({"META-INF/container.xml": CONTAINER, "score.xml": GOOD, "C:\\evil": b"x"}), "outside itself"),
        (mxl({f"{number}": b"" for number in range(101)}), "more than 100"),
        (mxl({"META-INF/container.xml": CONTAINER, "score.xml": b" " * (3 << 20)}), "unpacks to far more"),
        (mxl({"META-INF/container.xml": CONTAINER}), "lacks 'score.xml'"),
        (mxl({"score.xml": GOOD}), "lacks 'META-INF"),
        (mxl({"META-INF/container.xml": b"<container/>"}), "does not say which"),
        (b"PK\x03\x04 and no more", "broken"),
        (b"<score-partwise><part-list/>", "broken at line"),
        (b"", "broken"),
        (b"\xff\xfe\x00", "broken"),
        (b"<opus/>", "holds a <opus>"),
        (b"<score-partwise/>", "no parts"),
        (b"<a>" * 5000, "broken"),
        (xml(f"<measure>{START}{note('H4', 8)}</measure>"), "step 'H'"),
        (
            xml(f"<measure>{START}{note('C4', 8)}</measure>").replace(b"<duration>8", b"<duration>eight"),
            "number belongs",
        ),
        (xml(f"<measure>{START}{note('C4', 8)}</measure>").replace(b"<divisions>2", b"<divisions>0"), "can't be"),
    ],
)
def test_a_broken_or_hostile_file_is_refused_in_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(VesicaError, match=says):
        read_musicxml(data)


def test_an_entity_bomb_and_a_file_entity_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(9)
    )
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    for data in (
        (bomb + "]>").encode() + GOOD.replace(b"Flute", b"&j;"),
        f'<!DOCTYPE b [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'.encode() + GOOD.replace(b"Flute", b"&x;"),
    ):
        with pytest.raises(VesicaError, match=r"entities|broken"):
            read_musicxml(data)


@given(st.data())
def test_a_truncated_file_is_refused_or_read_never_a_crash(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([GOOD, mxl({"META-INF/container.xml": CONTAINER, "score.xml": GOOD})]))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(VesicaError):
        read_musicxml(cut)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_never_a_crash(data: st.DataObject) -> None:
    whole = bytearray(GOOD if data.draw(st.booleans()) else write_musicxml(data.draw(scores(most=2))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"9", b"-", b"0"])
        )
    try:
        read_musicxml(bytes(whole))
    except VesicaError as fault:
        assert str(fault).endswith((".", "refused."))


# Real files


@pytest.mark.slow
def test_forty_files_of_a_corpus_hold_the_notes_that_music21_finds() -> None:
    from music21 import converter, corpus

    paths = sorted(str(path) for path in corpus.getCorePaths() if str(path).endswith((".mxl", ".xml", ".musicxml")))
    chosen = [path for path in paths if 2_000 < Path(path).stat().st_size < 40_000][::12][:40]
    assert len(chosen) == 40
    differing = {}
    for path in chosen:
        ours = read_musicxml(Path(path).read_bytes())
        assert read_musicxml(write_musicxml(ours)) == ours
        theirs = converter.parse(path, forceSource=True).toSoundingPitch().stripTies()
        counted = Counter(
            pitch.midi
            for one in theirs.flatten().notes
            if not one.duration.isGrace and "ChordSymbol" not in one.classes
            for pitch in getattr(one, "pitches", ())
        )
        found = Counter(one.pitch.midi for one in ours.notes)
        if apart := ((found - counted) + (counted - found)).total():
            differing[Path(path).name] = apart
    # music21 joins two ties of one quartet otherwise, and cuts another's overfull bar; in the madrigal the parts
    # disagree on how long bars are (4 quarter notes against 8), and 11 ties end in such a gap.
    assert set(differing) <= {"movement2.mxl", "movement4.mxl", "madrigal.4.17.mxl"}, differing
    assert sum(differing.values()) <= 16, differing
