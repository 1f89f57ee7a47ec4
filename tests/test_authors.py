"""Who made each unit, as it leaves: every mark says what the map says, and each file is tied to the credential."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from lxml import etree, html
from PIL import Image

from browser import chromium, open_page
from score_strategies import scores
from vesica.authorship.pixels import Pixels
from vesica.authorship.score import Event
from vesica.authorship.text import Runs
from vesica.cli.drawing import LINES, columns, draw
from vesica.errors import VesicaError
from vesica.export import verdict as credential
from vesica.export.authors import notes, pixels, words
from vesica.export.authors.annotations import Writer, graphemes, read_annotations, write_annotations
from vesica.export.authors.credits import COLOURS, KINDS, SIGNS, Author, Credits
from vesica.export.authors.files import FORMS, SHOW_IT, beside, changed
from vesica.export.authors.page import legend, page
from vesica.export.check import check
from vesica.export.disclosure import Terms
from vesica.export.facts import source_of_work
from vesica.export.marks.source import BY_MACHINES, said
from vesica.image.pictures import write_png
from vesica.music.align import events
from vesica.music.musicxml_reader import read_musicxml
from vesica.music.score import Note, Part, Score, bar_lines, spell
from vesica.music.score_json import write_score
from vesica.provenance import facts
from vesica.studio import Studio
from vesica.work import Offered, Partner

Run = Callable[..., tuple[int, str, str]]
F = bar_lines(Score())[0].__class__

TURNS = tuple(letter * 64 for letter in "abcd")
MAKERS = dict(zip(TURNS, ("imported", "machine", "human", "machine"), strict=True))
GLYPHS = st.sampled_from(["a", " ", "\n", "é", "e\u0301", "👩‍👩‍👧", "🇩🇪", "漢", "한", "<b>", "&", "“", "---\n", "…"])
prose = st.lists(GLYPHS, max_size=30).map("".join)


def credited(medium: Any, value: Any, map_: Any, counts: dict[str, tuple[int, int]]) -> Credits:
    """Credits of any value, whose turns are of the kinds in ``MAKERS``."""
    authors = tuple(
        Author(turn, MAKERS[turn], f"maker {turn[0]}", "did: it", "2026-03-01T10:00:00Z", *counts[turn])
        for turn in TURNS
        if turn in counts
    )
    return Credits("Still <Water>", medium, value, map_, authors)


@st.composite
def texts(draw: st.DrawFn) -> Credits:
    """A text, cut anywhere among three turns."""
    text = draw(prose)
    makers = draw(st.lists(st.sampled_from(TURNS), min_size=len(text), max_size=len(text)))
    # Longer runs than chance would give.
    makers = [makers[place // 3 * 3] for place in range(len(makers))]
    runs = Runs.of((1, turn, turn) for turn in makers)
    return credited("text", text, runs, {turn: (makers.count(turn),) * 2 for turn in makers})


@st.composite
def pictures(draw: st.DrawFn) -> Credits:
    """A small picture with rasters of three turns."""
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    value = draw(arrays.arrays(np.uint8, (*shape, 3)))
    origin, last = (draw(arrays.arrays(np.uint16, shape, elements=st.integers(0, 2))) for _ in range(2))
    rasters = Pixels(TURNS[:3], origin, last)
    counts = {turn: (int((origin == place).sum()), int((last == place).sum())) for place, turn in enumerate(TURNS[:3])}
    return credited("image", value, rasters, counts)


@st.composite
def sung(draw: st.DrawFn) -> Credits:
    """A score whose events are of any turns."""
    score = draw(scores(most=4).filter(lambda found: found.notes))
    turn = st.sampled_from(TURNS)
    found = {name: Event(content, draw(turn), draw(turn)) for name, content in events(score).items()}
    counts = {
        turn: (sum(one.origin == turn for one in found.values()), sum(one.changed == turn for one in found.values()))
        for turn in TURNS
    }
    return credited("music", score, found, counts)


def kinds_by_character(made: Credits) -> list[str]:
    return [MAKERS[turn] for length, _, turn in made.map.runs for _ in range(length)]


# Texts


@given(texts())
def test_marks_on_a_page_cover_every_character_once_and_name_its_turn(made: Credits) -> None:
    (text,) = html.fromstring(page(made)).xpath("//div[@class='text']")
    assert text.text_content() == made.value
    marked = [(mark.get("class"), mark.get("data-author")) for mark in text for _ in mark.text_content()]
    numbers = made.numbers
    told = [(MAKERS[turn], str(numbers[turn])) for length, _, turn in made.map.runs for _ in range(length)]
    assert marked == told


@given(texts())
def test_annotations_give_back_the_text_and_the_writer_of_every_character(made: Credits) -> None:
    found = read_annotations(words.annotated(made).decode())
    assert found and found.holds and found.text == made.value
    wanted, place = [], 0
    makers = [turn for length, _, turn in made.map.runs for _ in range(length)]
    for cluster in graphemes(made.value):
        wanted += [makers[place]] * len(cluster)
        place += len(cluster)
    assert [writer and writer.identifier for length, writer in found.runs for _ in range(length)] == wanted
    assert all(writer and writer.human == (MAKERS[writer.identifier] == "human") for _, writer in found.runs)


@given(prose, st.text(max_size=12), st.text(max_size=12))
def test_no_name_breaks_the_block(text: str, name: str, identifier: str) -> None:
    writer = Writer(True, name, " ".join(identifier.split()))
    found = read_annotations(write_annotations(text, [(len(text), writer)]))
    assert found and found.holds and found.text == text
    assert all(one and one.identifier == writer.identifier for _, one in found.runs)


def test_the_example_of_the_specification_reads_as_its_authors_mean_it() -> None:
    text = "Markdown Annotations embed authorship in text while preserving its readability and portability."
    block = "Annotations: 0,95 SHA-256 1132bf5e376a605f5beed4b204456114  \n@Human: 0,20 33,4 45,6 62,4  \n"
    found = read_annotations(f"{text}\n\n---\n{block}&AI: 20,13 37,8 51,11 66,29  \n...\n")
    assert found and found.holds and found.text == text
    human, machine = Writer(True, "Human"), Writer(False, "AI")
    assert found.runs[:3] == ((20, human), (13, machine), (4, human))


def test_a_changed_text_does_not_hold_and_a_longer_one_does_with_nobody_named_for_the_rest() -> None:
    whole = write_annotations("The lamp was dark.", [(18, Writer(True, "Ada"))])
    changed_ = read_annotations(whole.replace("dark", "lit."))
    assert changed_ and not changed_.holds
    longer = read_annotations(whole.replace("dark.", "dark. And cold."))
    assert longer and longer.holds
    assert longer.runs == ((18, Writer(True, "Ada")), (10, None))


@pytest.mark.parametrize(
    "text", ["", "words", "a\n---\nb: c\n...\n", "---\nTitle: 1\n...", "x\n---\nAnnotations: 0,1 MD5 0\n..."]
)
def test_what_has_no_annotations_is_not_taken_for_them(text: str) -> None:
    assert read_annotations(text) is None


def test_clusters_are_what_a_reader_calls_a_character() -> None:
    assert graphemes("e\u0301👨‍👩‍👧‍👦🇩🇪🇫🇷각👍🏽") == ["e\u0301", "👨‍👩‍👧‍👦", "🇩🇪", "🇫🇷", "각", "👍🏽"]


def test_an_annotated_text_comes_back_without_its_block(studio: Studio, tmp_path: Path) -> None:
    studio.new("sea")
    studio.write("sea", "The lamp was dark.")
    file = tmp_path / "sea.md"
    made = studio.credits(studio.work("sea"))
    file.write_bytes(words.annotated(made).replace(b"dark.", b"dark. And I."))
    studio.edit("sea", file)
    assert studio.content(studio.work("sea")) == "The lamp was dark. And I."


# Pictures


@settings(max_examples=40)
@given(pictures())
def test_every_pixel_of_an_overlay_has_the_colour_of_its_raster(made: Credits) -> None:
    order = {kind: np.argsort([int(COLOURS[kind][at : at + 2], 16) for at in (1, 3, 5)]) for kind in KINDS}
    for fact in ("origin", "changed"):
        kinds = pixels.kinds(made, pixels.raster(made, fact))
        laid = pixels.overlay(made.value, kinds).astype(int)
        raster = getattr(made.map, fact)
        for place, turn in enumerate(TURNS[:3]):
            there = laid[raster == place]
            low, middle, high = order[MAKERS[turn]]
            assert (there[:, low] < there[:, middle]).all() and (there[:, middle] < there[:, high]).all()


@settings(max_examples=40)
@given(pictures())
def test_label_files_and_legend_give_the_rasters_back(made: Credits) -> None:
    files, _ = beside(made, "p.png", "")
    told = json.loads(files["p.png.authors.json"])["authors"]
    for fact in ("origin", "changed"):
        image = Image.open(io.BytesIO(files[f"p.png.authors.{fact}.labels.png"]))
        assert image.mode.startswith("I;16")
        turns = np.array([told[str(number)]["turn"] for number in np.asarray(image).ravel()])
        assert (turns == np.array(made.map.turns)[getattr(made.map, fact).ravel()]).all()


def test_patterns_tell_the_makers_apart_without_colour() -> None:
    flat = np.full((96, 96, 3), 128, np.uint8)
    drawn = {kind: pixels.overlay(flat, np.full((96, 96), place, np.uint8)) for place, kind in enumerate(KINDS)}
    grey = {kind: np.asarray(Image.fromarray(picture).convert("L")) for kind, picture in drawn.items()}
    assert len(np.unique(grey["human"])) == 1
    assert len(np.unique(grey["machine"])) == len(np.unique(grey["imported"])) == 2
    # Slanting lines move by one a row, upright dashes stay where they are.
    assert (grey["machine"][1:, :-1] == grey["machine"][:-1, 1:]).mean() > 0.95
    assert (grey["imported"][1:9] == grey["imported"][:8]).all()


# Scores


def table(file: bytes) -> dict[str, tuple[str, str]]:
    """By event, who brought it in and who changed it last, as MusicXML's fields say."""
    fields = {field.get("name"): field.text or "" for field in etree.fromstring(file).iter("miscellaneous-field")}
    turns = {name.rpartition("-")[2]: text.rpartition("; ")[2] for name, text in fields.items() if "author" in name}
    rows = [row.split(" ") for row in fields["vesica-events"].split("\n")]
    return {name: (turns[one], turns[two]) for name, one, two in rows}


@settings(max_examples=25)
@given(sung())
def test_a_musicxml_s_table_is_the_map_and_its_music_the_score(made: Credits) -> None:
    file = notes.musicxml(made)
    assert table(file) == {name: (event.origin, event.changed) for name, event in made.map.items()}
    assert read_musicxml(file) == made.value
    for note in etree.fromstring(file).iter("note"):
        if event := made.map.get((note.get("id") or "").partition("·")[0]):
            assert note.get("color") == COLOURS[MAKERS[event.origin]]


@settings(max_examples=10)
@given(sung())
def test_mei_names_for_each_note_who_brought_it_in_and_who_changed_it_last(made: Credits) -> None:
    root = etree.fromstring(notes.mei(made))
    names = {"mei": "http://www.music-encoding.org/ns/mei"}
    ident = "{http://www.w3.org/XML/1998/namespace}id"
    turns = {
        f"#{one.get(ident)}": one.findtext("mei:identifier", namespaces=names)
        for one in root.iterfind(".//mei:respStmt/*", names)
        if one.get(ident)
    }
    seen = set()
    for note in root.iterfind(".//mei:note", names):
        name = note.get(ident).partition("·")[0]
        seen.add(name)
        event = made.map[name]
        assert [turns[ref] for ref in note.get("resp").split()] == list(dict.fromkeys((event.origin, event.changed)))
    assert seen == {note.id for note in made.value.notes}


@settings(max_examples=10)
@given(sung())
def test_engraved_notes_carry_class_and_number_of_their_author(made: Credits) -> None:
    numbers = made.numbers
    for fact in ("origin", "changed"):
        found = {}
        for sheet in notes.sheets(made, fact, width=1500):
            for note in etree.fromstring(sheet).iterfind(".//{*}g[@data-note]"):
                found[note.get("data-note")] = (note.get("class"), note.get("data-author"))
        wanted = {note.id: getattr(made.map[note.id], fact) for note in made.value.notes}
        assert found == {
            name: (f"note {notes.MARKS[MAKERS[turn]]}", str(numbers[turn])) for name, turn in wanted.items()
        }


@given(sung())
def test_a_grid_shows_in_each_bar_who_has_notes_that_begin_there(made: Credits) -> None:
    lines = bar_lines(made.value)
    for part, (_, bars) in zip(made.value.parts, notes.grid(made, "changed"), strict=True):
        assert len(bars) == len(lines) - 1
        for start, end, bar in zip(lines, lines[1:], bars, strict=False):
            there = {MAKERS[made.map[note.id].changed] for note in part.notes if start <= note.onset < end}
            assert set(bar) == {SIGNS[kind] for kind in there}


# The terminal


def plain(words_: str) -> str:
    return re.sub(r"\x1b\[[0-9;:]*m", "", words_)


@given(texts(), st.integers(10, 80))
def test_a_line_under_each_character_tells_its_kind_where_there_is_no_colour(made: Credits, width: int) -> None:
    drawn = draw(made, width=width, colour=False, underlines=False)
    assert "\x1b" not in drawn
    kinds = iter(zip(made.value, kinds_by_character(made), strict=True))
    lines = iter(drawn.split("\n"))
    left = sum(char != "\n" for char in made.value)
    while left:
        if not (row := next(lines)):
            continue
        under = next(lines)
        assert sum(map(columns, row)) == len(under) <= width
        place = 0
        for char in row:
            real, kind = next(kinds)
            while real == "\n":
                real, kind = next(kinds)
            assert under[place : place + columns(char)] == LINES[kind] * columns(char)
            assert char == real or not real.isprintable()
            place += columns(char)
        left -= len(row)


def test_underlines_differ_where_the_terminal_knows_them_and_say_the_same_words() -> None:
    made = credited(
        "text",
        "sea wind",
        Runs.of([(4, TURNS[2], TURNS[2]), (4, TURNS[1], TURNS[1])]),
        {TURNS[1]: (4, 4), TURNS[2]: (4, 4)},
    )
    drawn = draw(made, width=40, colour=True, underlines=True)
    assert "\x1b[4;38" in drawn and "\x1b[4:4;38" in drawn
    assert plain(drawn).startswith("sea wind\n\n")


@given(pictures())
def test_blocks_of_a_picture_stand_where_its_makers_do(made: Credits) -> None:
    drawn = draw(made, width=80, colour=False, underlines=False)
    counted = [int(number.replace(",", "")) for number in re.findall(r"^ +([\d,]+) +[\d,]+  [●■◆]", drawn, re.M)]
    assert counted == [author.brought for author in made.authors]
    assert plain(draw(made, width=80, colour=True, underlines=False)) == drawn


# What leaves together


def offered(studio: Studio, name: str, data: bytes, type_: str, engine: str) -> None:
    """A take that an engine is said to have made, picked."""
    content = studio.assets.put(data, type_)
    studio.ledger.append(studio.key, name, Partner("engine", engine, "1"), Offered(content, {}, {}), seed=7)
    studio.pick(name)


def tune(*keys: int) -> Score:
    melody = tuple(Note(f"n{place}", F(place), F(1), spell(key, 0)) for place, key in enumerate(keys))
    return Score("", (Part("Flute", 73, melody),))


@pytest.fixture
def shared(studio: Studio, tmp_path: Path) -> Studio:
    """A studio with a text, a picture and a score, each made by a machine and changed by a person."""
    studio.new("sea", title="Sea & <Sky>")
    offered(studio, "sea", b"The water is still.", "text/plain", "text.write")
    studio.edit("sea", write(tmp_path / "sea.txt", b"The water is still. <i>I</i> wait."), remark="an ending")
    studio.new("boat")
    picture = np.random.default_rng(1).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    offered(studio, "boat", write_png(picture), "image/png", "image.field")
    picture[5:20, 5:30] = 200
    studio.edit("boat", write(tmp_path / "boat.png", write_png(picture)))
    studio.new("song")
    offered(studio, "song", write_score(tune(60, 62, 64, 65, 67)), "application/vnd.vesica.score+json", "music.chorale")
    studio.edit("song", write(tmp_path / "song.json", write_score(tune(60, 62, 63, 65, 67))))
    return studio


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "file", "type_"),
    [("sea", "out.md", "text/markdown"), ("boat", "out.webp", "image/webp"), ("song", "out.mid", "audio/midi")],
)
def test_each_file_beside_an_export_is_named_in_its_credential_by_digest(
    shared: Studio, tmp_path: Path, name: str, file: str, type_: str
) -> None:
    written = shared.export(name, tmp_path / file, authors=True)
    medium = shared.credits(shared.work(name)).medium
    assert {path.name for path in written} - {file, f"{file}.c2pa"} == {
        f"{file}.authors.{ending}" for ending in FORMS[medium]
    }
    sidecar = tmp_path / f"{file}.c2pa"
    verdict = credential.read((tmp_path / file).read_bytes(), type_, sidecar.read_bytes() if sidecar.exists() else None)
    assert verdict.state == "valid"
    assert [one["name"].removeprefix(f"{file}.authors.") for one in verdict.beside] == list(FORMS[medium])
    for told in verdict.beside:
        data = (tmp_path / told["name"]).read_bytes()
        assert told["sha256"] == hashlib.sha256(data).hexdigest()
        assert changed(told, tmp_path) == ""
        assert str(tmp_path).encode() not in data
        (tmp_path / told["name"]).write_bytes(data[:-1])
        assert "was changed" in changed(told, tmp_path)
        (tmp_path / told["name"]).unlink()
        assert "is missing" in changed(told, tmp_path)


def test_files_that_show_the_work_carry_its_mark(shared: Studio, tmp_path: Path) -> None:
    for name, file in (("sea", "m.md"), ("boat", "m.png"), ("song", "m.mid")):
        written = {path.name: path.read_bytes() for path in shared.export(name, tmp_path / file, authors=True)}
        work = shared.work(name)
        source = source_of_work(facts(shared.ledger, shared.assets, work, shared.authors(work)))
        assert source in BY_MACHINES and source in said(written[file])
        for ending, form in FORMS[shared.credits(shared.work(name)).medium].items():
            marked = source in said(written[f"{file}.authors.{ending}"])
            assert marked == (form.kind in SHOW_IT and ending != "mei"), ending


def test_a_check_of_the_file_looks_at_the_files_beside_it_too(shared: Studio, tmp_path: Path) -> None:
    shared.export("sea", tmp_path / "out.md", authors=True)
    data, sidecar = (tmp_path / "out.md").read_bytes(), (tmp_path / "out.md.c2pa").read_bytes()
    assert check(data, "out.md", sidecar, folder=tmp_path).holds
    (tmp_path / "out.md.authors.json").write_bytes(b"{}")
    report = check(data, "out.md", sidecar, folder=tmp_path)
    assert not report.holds
    assert any("out.md.authors.json" in sentence for sentence in report.changed)


def test_remarks_leave_only_when_all_does(shared: Studio, tmp_path: Path) -> None:
    for level, there in (("summary", False), ("all", True)):
        beside_it = shared.export("sea", tmp_path / f"{level}.txt", Terms(level), authors=True)[2:]
        assert any(b"an ending" in path.read_bytes() for path in beside_it) == there
    with pytest.raises(VesicaError, match="leave out --authors"):
        shared.export("sea", tmp_path / "law.txt", Terms("law"), authors=True)


@pytest.mark.parametrize("name", ["../keys", "/etc/hostname", "a/b", "..", ""])
def test_a_credential_s_names_lead_nowhere_else(tmp_path: Path, name: str) -> None:
    assert "outside" in changed({"name": name, "sha256": ""}, tmp_path)


def test_the_same_work_leaves_with_the_same_bytes(shared: Studio) -> None:
    for name in ("sea", "boat", "song"):
        assert beside(shared.credits(shared.work(name)), "x", "") == beside(shared.credits(shared.work(name)), "x", "")


def test_a_legend_counts_as_the_map_does(shared: Studio) -> None:
    for name in ("sea", "boat", "song"):
        work = shared.work(name)
        told = legend(shared.credits(work))["authors"].values()
        assert {one["turn"]: (one["brought"], one["changed"]) for one in told} == shared.authors(work)


def test_show_draws_and_writes_the_page_and_json_names_every_turn(
    shared: Studio, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESICA_STUDIO", str(shared.path))
    code, out, _ = run("show", "sea", "--authors", "--page", "sea.html")
    assert code == 0 and "·" * 19 + "─" * 15 in out and "Drawn in sea.html" in out
    assert b"&lt;i&gt;I&lt;/i&gt;" in (tmp_path / "sea.html").read_bytes()
    assert "Flute ◆ ◆" in run("show", "song", "--authors")[1]
    told = json.loads(run("show", "boat", "--authors", "--json")[1])["authors"]
    assert {one["kind"]: one["changed"] for one in told.values()} == {"machine": 2400 - 375, "human": 375}
    code, _, err = run("show", "sea", "--page", "sea.txt")
    assert code == 2 and ".html" in err
    run("new", "empty")
    code, out, err = run("show", "empty", "--authors")
    assert (code, err) == (0, "")
    code, _, err = run("show", "empty", "--page", "empty.html")
    assert code == 2 and "is empty" in err


def test_pages_need_no_network_and_no_script_and_describe_their_pictures(shared: Studio) -> None:
    for name in ("sea", "boat", "song"):
        file = page(shared.credits(shared.work(name)))
        tree = html.fromstring(file)
        assert not tree.xpath("//script") and b"<script" not in file
        assert all(not re.match(r"(https?:)?//", found) for found in tree.xpath("//@src|//@href"))
        assert all(len(picture.get("alt")) > 20 for picture in tree.iter("img"))
        assert all(len(sheet.get("aria-label")) > 20 for sheet in tree.xpath("//*[@role='img']"))
        assert len(tree.xpath("//ol[@class='who']/li")) == 2
        assert "%" not in "".join(tree.xpath("//body//text()"))


@pytest.mark.browser
def test_pages_fit_the_screen_follow_the_dark_and_show_one_turn_when_asked(shared: Studio, tmp_path: Path) -> None:
    pages = [shared.draw(shared.work(name), tmp_path / f"{name}.html") for name in ("sea", "boat", "song")]
    with chromium(390, 844, dark=True) as driver:
        for one in pages:
            open_page(driver, one)
            assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
            assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 19, 17)"
            assert driver.get_log("browser") == []
        open_page(driver, pages[0])
        driver.execute_script("document.querySelector('#only-2').click()")
        faint = "return [...document.querySelectorAll('.text [data-author]')].map((x) => getComputedStyle(x).opacity)"
        driver.execute_async_script("setTimeout(arguments[0], 400)")
        assert [float(value) < 0.5 for value in driver.execute_script(faint)] == [True, False]
