"""Engraved pages: every note is on them under its id, who made it is seen twice, and paper is the same each time."""

import io
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from score_strategies import scores
from vesica.errors import VesicaError
from vesica.music.engraving import COLOURS, closed_score, engrave, pdf, png, stacked
from vesica.music.quantise import readable
from vesica.music.score import Key, Note, Part, Score, spell, tidy

F = Fraction
SVG = "{http://www.w3.org/2000/svg}"


def choir(bars: int = 8) -> Score:
    """Four voices; the tenor holds a note over a barline, the bass has triplets."""
    parts = []
    for name, lowest in (("Soprano", 72), ("Alto", 65), ("Tenor", 57), ("Bass", 45)):
        notes = [
            Note(f"{name[0]}{beat}", F(beat), F(1), spell(lowest + (0, 2, 4, 5)[beat % 4], 1))
            for beat in range(4 * bars)
        ]
        if name == "Tenor":
            notes[3:5] = [replace(notes[3], duration=F(2))]
        if name == "Bass":
            third = F(1, 3)
            notes[0:1] = [replace(notes[0], id=f"B0{n}", onset=third * n, duration=third) for n in range(3)]
        notes[-1] = replace(notes[-1], fermata=True)
        parts.append(Part(name, 52, tuple(notes)))
    return tidy(Score("Morgenglanz", tuple(parts), keys=(Key(F(0), 1),)))


def names(pages: list[str]) -> set[str]:
    return {name for page in pages for name in re.findall(r'data-note="([^"]+)"', page)}


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scores(most=4))
def test_any_score_is_engraved_with_all_its_notes(score: Score) -> None:
    assert names(engrave(score, height=None)) == {note.id for note in score.notes}


def test_every_note_is_on_the_pages_under_its_id_and_pages_share_no_other_ids() -> None:
    score = choir(40)
    wide, narrow = engrave(score), engrave(score, width=900, height=None, header=False)
    assert len(wide) > 1 and len(narrow) == 1
    assert names(wide) == names(narrow) == {note.id for note in score.notes}
    coloured = engrave(score, marks={"S0": "machine"})
    ids = [name for page in wide + narrow + coloured for name in re.findall(r'\bid="([^"]+)"', page)]
    assert len(ids) == len(set(ids))
    for page in wide:
        root = etree.fromstring(page)
        known = {element.get("id") for element in root.iter(f"{SVG}g")}
        assert all(use.get("href", "")[1:] in known for use in root.iter(f"{SVG}use"))


def test_a_tied_note_has_one_id_on_two_heads_and_a_tuplet_its_number() -> None:
    (page,) = engrave(choir(), height=None)
    assert page.count('data-note="T3"') == 2
    assert len(etree.fromstring(page).findall(f".//{SVG}g[@class='tuplet']")) == 1


def test_who_made_a_note_shows_as_colour_and_as_its_head() -> None:
    score = choir()
    makers = {"S": "person", "A": "imported"}
    marks = {note.id: makers.get(note.id[0], "machine") for note in score.notes}
    plain, (page,) = engrave(score, height=None)[0], engrave(score, height=None, marks=marks)
    root = etree.fromstring(page)
    heads = {
        who: {
            head.get("href") or head.get("d")
            for head in root.iterfind(f".//{SVG}g[@class='note {who}']/{SVG}g[@class='notehead']/*")
        }
        for who in COLOURS
    }
    assert all(heads.values()) and sum(map(len, heads.values())) == len(set().union(*heads.values()))
    assert all(colour in page for colour in COLOURS.values())
    assert "note machine" not in plain and names([page]) == names([plain])
    picture = np.asarray(Image.open(io.BytesIO(png(page))).convert("RGB"))
    for colour in COLOURS.values():
        wanted = tuple(bytes.fromhex(colour[1:]))
        assert (picture == wanted).all(-1).any(), colour


def test_a_closed_score_has_two_staves_and_all_notes() -> None:
    score = choir()
    assert [len(part.notes) for part in closed_score(score).parts] == [64, 65]
    (page,) = engrave(score, height=None, closed=True)
    assert names([page]) == {note.id for note in score.notes}
    first = etree.fromstring(page).find(f".//{SVG}g[@class='measure']")
    assert first is not None and len(first.findall(f"{SVG}g[@class='staff']")) == 2
    solo = Score("", score.parts[:1])
    assert closed_score(solo) == solo


def test_pages_and_paper_are_the_same_each_time() -> None:
    score = choir()
    pages = engrave(score)
    engrave(choir(3), marks={"S0": "machine"})
    assert engrave(score) == pages
    paper = pdf(pages, title='"A" #quoted \\ title')
    assert paper.startswith(b"%PDF") and pdf(pages, title='"A" #quoted \\ title') == paper


def test_a_pdf_has_a_page_of_a4_for_each() -> None:
    pages = engrave(choir(60))
    paper = pdf(pages)
    assert len(pages) > 1 and b"/Type/Pages/Count %d" % len(pages) in paper
    boxes = re.findall(rb"/MediaBox\[0 0 ([0-9.]+) ([0-9.]+)\]", paper)
    assert {(round(float(width) / 72 * 25.4), round(float(height) / 72 * 25.4)) for width, height in boxes} == {
        (210, 297)
    }


def test_a_picture_of_a_page_has_ink_and_its_size() -> None:
    (page,) = engrave(choir(), width=900, height=None)
    picture = Image.open(io.BytesIO(png(page, dpi=100))).convert("L")
    assert picture.width == pytest.approx(90 / 25.4 * 100, abs=2)
    assert 0.01 < float((np.asarray(picture) < 128).mean()) < 0.3
    assert "Times" in page and "@font-face" not in page


def test_stacked_pages_are_one_svg_as_high_as_all() -> None:
    pages = engrave(choir(60))
    whole = stacked(pages)
    assert etree.fromstring(whole).get("viewBox") == f"0 0 2100 {2970 * len(pages)}"
    assert names([whole]) == names(pages)
    assert stacked(pages[:1]) == pages[0]


def test_a_score_without_parts_is_refused_in_a_sentence() -> None:
    with pytest.raises(VesicaError, match="no parts"):
        engrave(Score())


# Played by hand


@given(st.data())
def test_a_played_score_is_read_on_the_beat_s_divisions_and_a_written_one_as_it_is(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.sampled_from([F(1), F(1, 2), F(2)]), min_size=4, max_size=16))
    notes, now = [], F(0)
    for number, length in enumerate(lengths):
        if length > F(1, 2) and now.denominator > 1:
            length = F(1, 2)
        notes.append(Note(f"n{number}", now, length, spell(60 + number % 12, 0)))
        now += length
    score = Score("", (Part("", 0, tuple(notes)),))
    assert readable(score) == score
    played = replace(
        score,
        parts=(
            Part(
                "",
                0,
                tuple(
                    replace(
                        note,
                        onset=note.onset + F(data.draw(st.integers(1, 14)), 480),
                        duration=note.duration * F(17, 20),
                    )
                    for note in notes
                ),
            ),
        ),
    )
    assert readable(played).notes[:-1] == score.notes[:-1]
