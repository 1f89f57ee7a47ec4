"""Music in the studio: what comes in, who made which note, what is locked, and what leaves."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from score_strategies import scores
from vesica.errors import VesicaError
from vesica.export import credential
from vesica.export.files import FORMATS, format_of
from vesica.media import craft, medium_of, music, sniff
from vesica.music.midi import write_midi
from vesica.music.musicxml import write_musicxml
from vesica.music.score import Key, Metre, Note, Part, Pitch, Score, Tempo, bars, spell, tidy
from vesica.music.score_json import write_score
from vesica.studio import Studio

F = Fraction
light = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def duet() -> Score:
    """Two parts of four bars."""
    top = tuple(Note(f"a{beat}", F(beat), F(1), spell(72 - beat % 5, 0)) for beat in range(16))
    low = tuple(Note(f"b{half}", F(2 * half), F(2), spell(48 + half % 4, 0)) for half in range(8))
    return Score("Duet", (Part("Soprano", 52, top), Part("Bass", 52, low)), tempi=(Tempo(F(0), F(80)),))


def changed(score: Score, name: str, **fields: object) -> Score:
    """With one note changed."""
    return tidy(
        replace(
            score,
            parts=tuple(
                replace(part, notes=tuple(replace(note, **fields) if note.id == name else note for note in part.notes))
                for part in score.parts
            ),
        )
    )


def renamed(score: Score) -> Score:
    """As a notation program brings it back: no note is called as it was."""
    return replace(
        score,
        parts=tuple(replace(part, notes=tuple(replace(note, id="") for note in part.notes)) for part in score.parts),
    )


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio.create(tmp_path / "studio") as opened:
        yield opened


def brought(folder: Path, score: Score, name: str = "duet.musicxml") -> Path:
    path = folder / name
    path.write_bytes(write_musicxml(score) if name.endswith("xml") else write_midi(score))
    return path


# The craft


@pytest.mark.parametrize(
    ("data", "name", "type_"),
    [
        (write_score(duet()), "duet.json", music.TYPE),
        (write_midi(duet()), "duet", "audio/midi"),
        (write_musicxml(duet()), "duet", "application/vnd.recordare.musicxml+xml"),
    ],
)
def test_a_file_is_known_by_its_first_bytes(data: bytes, name: str, type_: str) -> None:
    assert sniff(data, name) == ("music", type_)
    assert music.read(data).title == "Duet"
    assert medium_of(music.TYPE) == "music" and craft("music") is not None


def test_a_packed_score_is_known_without_its_ending() -> None:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="a"/></rootfiles></container>'
        )
        packed.writestr("a", write_musicxml(duet()))
    assert sniff(out.getvalue(), "duet")[0] == "music"
    assert music.read(out.getvalue()) == duet()


@light
@given(scores(most=4), st.data())
def test_the_difference_of_scores_is_the_share_of_their_events(score: Score, data: st.DataObject) -> None:
    other = data.draw(scores(most=3))
    assert music.difference(score, score) == 0
    assert 0 <= music.difference(score, other) == music.difference(other, score) <= 1


def test_one_changed_note_of_24_is_its_share() -> None:
    assert music.difference(duet(), changed(duet(), "a3", velocity=1)) == pytest.approx(1 / 27)


@light
@given(scores(most=6), scores(most=6), st.data())
def test_a_locked_part_is_as_it_was_or_the_take_is_refused(before: Score, after: Score, data: st.DataObject) -> None:
    after = music.settle(before, after)
    count = len(bars(before))
    first = data.draw(st.integers(1, count))
    last = data.draw(st.integers(first, min(count, first + 3)))
    part = music.part(f"bars {first}-{last}", before)
    assert music.keep(part, before, before) == before
    try:
        kept = music.keep(part, before, after)
    except VesicaError:
        return
    assert bars(kept)[first - 1 : last] == bars(before)[first - 1 : last]
    assert music.keep(part, before, kept) == kept
    ids = [note.id for note in kept.notes]
    assert len(ids) == len(set(ids))


def test_locked_bars_are_laid_over_a_take_and_the_rest_is_the_take_s() -> None:
    take = tidy(
        replace(
            duet(),
            parts=tuple(
                replace(part, notes=tuple(replace(note, pitch=Pitch("G")) for note in part.notes))
                for part in duet().parts
            ),
            keys=(Key(F(0), 1),),
            tempi=(Tempo(F(0), F(80)), Tempo(F(12), F(60))),
        )
    )
    kept = music.keep("bars 2-3", duet(), take)
    assert [bar.notes for bar in bars(kept)] == [
        bars(take)[0].notes,
        bars(duet())[1].notes,
        bars(duet())[2].notes,
        bars(take)[3].notes,
    ]
    assert kept.keys == (Key(F(0), 1), Key(F(4), 0), Key(F(12), 1))
    assert kept.tempi == take.tempi


def test_a_take_in_another_metre_can_t_keep_locked_bars_that_do_not_fit_it() -> None:
    with pytest.raises(VesicaError, match="locked bars 2-3"):
        music.keep("bars 2-3", duet(), replace(duet(), metres=(Metre(F(0), 3, 4),)))


def test_a_locked_part_of_a_score_stays_whatever_the_others_do() -> None:
    take = replace(duet(), parts=(Part("Bass", 52, ()), Part("Soprano", 73, ()), Part("Flute", 73, ())))
    kept = music.keep(music.part("part soprano", duet()), duet(), take)
    assert kept.parts == (take.parts[0], duet().parts[0], take.parts[2])
    with pytest.raises(VesicaError, match="take away the locked part"):
        music.keep("part Soprano", duet(), replace(duet(), parts=duet().parts[1:]))


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ("bars 3-9", "has 4 bars"),
        ("bars 0-1", "has 4 bars"),
        ("bars 3-2", "has 4 bars"),
        ("part Alto", "its parts: Soprano, Bass"),
        ("part 3", "its parts"),
        ("the end", "say 'all', 'bars 3-4'"),
        ("bars", "say 'all'"),
    ],
)
def test_a_part_that_is_not_there_is_refused_with_those_that_are(wish: str, says: str) -> None:
    with pytest.raises(VesicaError, match=says):
        music.part(wish, duet())


def test_parts_have_one_name_each() -> None:
    assert [music.part(wish, duet()) for wish in ("all", "bar 2", "bars 2-3", "part bass", "part 1")] == [
        "all",
        "bars 2-2",
        "bars 2-3",
        "part Bass",
        "part Soprano",
    ]
    alike = replace(duet(), parts=(replace(duet().parts[0], name="Voice"), replace(duet().parts[1], name="Voice")))
    assert music.part("part 2", alike) == "part 2"


def test_a_score_describes_itself() -> None:
    assert music.describe(duet()) == "Duet\na score for Soprano, Bass: 4 bars, 24 notes, C major, 4/4, 0:12"


# In the studio


@pytest.mark.parametrize("back", [lambda score: score, renamed], ids=["ids kept", "ids lost"])
def test_only_the_changed_note_of_an_edited_musicxml_file_becomes_the_person_s(
    studio: Studio, tmp_path: Path, back: object
) -> None:
    studio.new("duet")
    first = studio.import_file("duet", brought(tmp_path, duet()), rights="mine")
    assert studio.content(first) == duet()
    edited = changed(duet(), "a5", pitch=Pitch("A", 0, 4))
    second = studio.edit("duet", brought(tmp_path, back(edited)))  # type: ignore[operator]
    assert studio.content(second) == edited
    assert studio.authors(second) == {first.tip: (27, 26), second.tip: (0, 1)}
    with pytest.raises(VesicaError, match="nothing to bring back"):
        studio.edit("duet", brought(tmp_path, edited))
    undone = studio.undo("duet")
    assert studio.content(undone) == duet() and studio.authors(undone) == {first.tip: (27, 27)}
    assert studio.verify() == []


def test_locked_bars_refuse_an_edit_until_they_are_released(studio: Studio, tmp_path: Path) -> None:
    studio.new("duet")
    studio.import_file("duet", brought(tmp_path, duet()))
    studio.lock("duet", "bar 2")
    with pytest.raises(VesicaError, match="changes the locked bars 2-2"):
        studio.edit("duet", brought(tmp_path, changed(duet(), "a5", pitch=Pitch("A"))))
    studio.edit("duet", brought(tmp_path, changed(duet(), "a9", pitch=Pitch("A"))))
    studio.lock("duet", "bars 2-2", off=True)
    studio.edit("duet", brought(tmp_path, changed(duet(), "a5", pitch=Pitch("A"))))
    assert studio.verify() == []


def test_each_format_leaves_with_a_credential_and_comes_back_where_it_holds_the_notes(
    studio: Studio, tmp_path: Path
) -> None:
    studio.new("duet", title="Duet")
    studio.import_file("duet", brought(tmp_path, duet()))
    for ending in FORMATS["music"]:
        files = studio.export("duet", tmp_path / f"out{ending}")
        data, type_ = files[0].read_bytes(), format_of("music", f"out{ending}").type
        if type_.startswith("audio/") and type_ != "audio/midi":
            continue
        beside = files[1].read_bytes() if len(files) > 1 else None
        assert credential.read(data, type_, beside).state == "valid", ending
        assert (beside is None) == credential.can_embed(type_)
        broken = credential.read(data[:-9] + b"tampered!", type_, beside)
        assert broken.state in ("invalid", "none"), ending
        if ending in (".json", ".musicxml"):
            assert music.read(data) == duet()
        elif ending in (".mid", ".midi"):
            assert [note.pitch for note in music.read(data).notes] == [note.pitch for note in duet().notes]
    assert studio.verify() == []


def test_a_broken_score_is_refused_and_leaves_no_turn(studio: Studio, tmp_path: Path) -> None:
    studio.new("duet")
    path = tmp_path / "duet.musicxml"
    path.write_bytes(write_musicxml(duet())[:-30])
    size = studio.ledger.head().size
    with pytest.raises(VesicaError, match="broken at line"):
        studio.import_file("duet", path)
    assert studio.ledger.head().size == size
