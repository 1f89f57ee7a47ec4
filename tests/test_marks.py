"""The mark of machines in every format: where its usual readers find it, and gone when a person brings it back."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import typst
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from score_strategies import scores
from vesica.errors import VesicaError
from vesica.export.facts import IPTC
from vesica.export.marks.formats import in_words, marked
from vesica.export.marks.source import BY_MACHINES, said
from vesica.media.text import settle
from vesica.music.engraving import engrave, pdf, stacked
from vesica.music.midi import read_midi, write_midi
from vesica.music.musicxml import write_musicxml
from vesica.music.musicxml_reader import read_musicxml
from vesica.music.score import Note, Part, Pitch, Score
from vesica.text.mark import WORDS, with_front_matter, with_last_line, without_mark

SOURCE = IPTC + "trainedAlgorithmicMedia"
XML = "application/vnd.recordare.musicxml+xml"
SCORE = Score(
    title="Sea & <Sky>",
    parts=(Part("Flute", 73, (Note("n1", Fraction(0), Fraction(4), Pitch("C", 0, 5)),)),),
    remarks=("a remark",),
)


def sound(kind: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.sin(np.arange(8820) / 20).astype("f4") / 2, 44100, format=kind)
    return out.getvalue()


def svg() -> bytes:
    return stacked(engrave(SCORE, height=None)).encode()


@pytest.mark.parametrize(("kind", "type_"), [("WAV", "audio/wav"), ("MP3", "audio/mpeg"), ("FLAC", "audio/flac")])
def test_sound_says_it_and_plays_the_same_samples(kind: str, type_: str) -> None:
    data = sound(kind)
    with_mark = marked(data, type_, SOURCE)
    assert said(with_mark) == (SOURCE,) and said(data) == ()
    before, after = (soundfile.read(io.BytesIO(one))[0] for one in (data, with_mark))
    assert np.array_equal(before, after)
    if kind != "MP3":
        with soundfile.SoundFile(io.BytesIO(with_mark)) as opened:
            assert opened.frames == len(before)
    if kind == "WAV":
        with soundfile.SoundFile(io.BytesIO(with_mark)) as opened:
            assert SOURCE in opened.comment
        assert len(with_mark) == struct.unpack("<I", with_mark[4:8])[0] + 8


def test_paper_says_it_and_still_opens() -> None:
    drawn = marked(svg(), "image/svg+xml", SOURCE)
    told = etree.fromstring(drawn).find(".//{*}Description")
    assert told is not None and SOURCE in told.attrib.values()
    paper = pdf(engrave(SCORE), title=SCORE.title)
    printed = marked(paper, "application/pdf", SOURCE)
    assert printed.startswith(paper.rstrip()) and said(printed) == (SOURCE,)
    # The last table names the metadata's new place, and points to the table before it.
    table = int(printed.rsplit(b"startxref\n", 1)[1].split()[0])
    assert printed[table:].startswith(b"xref\n")
    number, place = printed[table:].split(b"\n", 3)[1:3]
    assert printed[int(place.split()[0]) :].startswith(number.split()[0] + b" 0 obj")
    xmp = printed[printed.rindex(b"<?xpacket begin") : printed.rindex(b"<?xpacket end")]
    assert etree.fromstring(xmp.split(b"?>", 1)[1]) is not None


def test_a_pdf_that_was_marked_is_still_drawn_by_another_program(tmp_path: Path) -> None:
    """typst reads PDF as pictures with a reader of its own."""
    (tmp_path / "a.pdf").write_bytes(marked(pdf(engrave(SCORE)), "application/pdf", SOURCE))
    (tmp_path / "b.pdf").write_bytes(pdf(engrave(SCORE)))
    for name in "ab":
        (tmp_path / f"{name}.typ").write_text(f'#set page(margin: 0pt)\n#image("{name}.pdf", width: 100%)')
    drawn = [typst.compile(tmp_path / f"{name}.typ", format="png", ppi=40) for name in "ab"]
    assert drawn[0] == drawn[1]


@settings(max_examples=30)
@given(score=scores(most=3).filter(lambda score: bool(score.notes)))
def test_notation_says_it_and_is_read_as_it_was(score: Score) -> None:
    midi = marked(write_midi(score), "audio/midi", SOURCE)
    assert said(midi) == (SOURCE,)
    assert read_midi(midi) == read_midi(write_midi(score))
    xml = marked(write_musicxml(score), XML, SOURCE)
    assert said(xml) == (SOURCE,)
    assert read_musicxml(xml) == read_musicxml(write_musicxml(score))


def test_other_readers_find_it_in_notation() -> None:
    midi = mido.MidiFile(file=io.BytesIO(marked(write_midi(SCORE), "audio/midi", SOURCE)))
    assert f"DigitalSourceType: {SOURCE}" in [one.text for one in midi.tracks[0] if one.type == "text"]
    told = etree.fromstring(in_words(marked(write_musicxml(SCORE), XML, SOURCE), XML, SOURCE))
    assert told.findtext("identification/rights") == WORDS["trainedAlgorithmicMedia"]
    assert told.findtext("identification/miscellaneous/miscellaneous-field[@name='DigitalSourceType']") == SOURCE
    order = [one.tag for one in told.find("identification")]
    assert order == sorted(order, key=["creator", "rights", "encoding", "source", "relation", "miscellaneous"].index)


def test_a_page_says_it_in_its_head() -> None:
    page = b"<!doctype html><html><head><meta charset='utf-8'><title>Sea</title></head><body>Sea</body></html>"
    told = etree.HTML(marked(page, "text/html", SOURCE))
    assert told.xpath("//head/meta[@name='DigitalSourceType']/@content") == [SOURCE]


@given(st.text(alphabet=st.characters(exclude_characters="\r"), max_size=60), st.sampled_from(sorted(BY_MACHINES)))
def test_a_text_comes_back_without_its_mark(text: str, source: str) -> None:
    if without_mark(text) != text:
        return
    exported = text if text.endswith("\n") else text + "\n"
    matter = with_front_matter(exported, source)
    assert without_mark(matter) == exported
    assert with_front_matter(matter, source) == matter
    line = with_last_line(text, WORDS[source.removeprefix(IPTC)])
    assert without_mark(line) == text.rstrip("\n") + "\n"
    assert settle("The sea.", with_front_matter("The sea.\n", source)) == "The sea."


def test_a_persons_own_front_matter_stays() -> None:
    mine = "---\ntitle: Sea\n---\n\nThe sea.\n"
    told = with_front_matter(mine, SOURCE)
    assert told == f"---\nDigitalSourceType: {SOURCE}\ntitle: Sea\n---\n\nThe sea.\n"
    assert without_mark(told) == mine


@pytest.mark.parametrize("source", ["digitalCreation", "humanEdits", "digitalCapture"])
def test_what_a_person_made_is_not_marked(source: str) -> None:
    for data, type_ in ((sound("WAV"), "audio/wav"), (svg(), "image/svg+xml"), (b"The sea.\n", "text/markdown")):
        assert marked(data, type_, IPTC + source) == data
    assert in_words(b"The sea.\n", "text/plain", IPTC + source) == b"The sea.\n"


def test_a_picture_says_nothing_in_words() -> None:
    with pytest.raises(VesicaError, match="--visible"):
        in_words(b"", "image/png", SOURCE)


@pytest.mark.parametrize("type_", ["application/pdf", "image/svg+xml", "audio/wav", "audio/flac", "audio/mpeg", XML])
@given(data=st.binary(max_size=80))
def test_what_can_not_be_parsed_is_left_as_it_is_or_marked_but_never_fails(type_: str, data: bytes) -> None:
    starts: dict[str, bytes] = {
        "application/pdf": b"%PDF-1.7\n",
        "audio/wav": b"RIFF\0\0\0\0WAVE",
        "audio/flac": b"fLaC",
    }
    assert isinstance(marked(starts.get(type_, b"") + data, type_, SOURCE), bytes)


Run = Callable[..., tuple[int, str, str]]


def test_an_exported_text_brought_back_unchanged_is_no_edit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "drawn.md").write_text(with_front_matter("The sea.\n", SOURCE))
    for words in (["new", "sea"], ["import", "sea", "drawn.md"]):
        assert run("--studio", "my", *words)[0] == 0
    assert run("--studio", "my", "export", "sea", "--out", "sea.md", "--visible")[0] == 0
    assert (tmp_path / "sea.md").read_text().count("DigitalSourceType") == 1
