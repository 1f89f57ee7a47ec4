"""The pages of an exhibition, from values alone."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from vesica.export.site import Exhibition, File, Model, Piece, Turn, Wall, font_licence, pages

WALL = Wall(
    "Still Water", "Poem, 2 lines", "1 March 2026", ("Made by machine.",), {"human": 4, "machine": 12}, {"machine": 16}
)
FILE = File("poem.txt", "to read", 1234, "ab" * 32, "poem.txt.c2pa")
POEM = Piece("poem", WALL, (FILE,), lines=((("machine", "still water, "), ("human", "here")), ()))
PAINTING = Piece(
    *(
        "picture",
        replace(WALL, brought={"machine": 64}, changed={"machine": 64}),
        (replace(FILE, name="p.png", credential="inside"),),
    ),
    shown="p.png",
    alt="A painting, mostly grey.",
    size=(8, 4),
)
SHEET = '<svg xmlns="http://www.w3.org/2000/svg"><g class="note" data-note="n1"/></svg>'
CHORALE = Piece(
    *("music", WALL, (FILE,)),
    shown="c.mp3",
    pages={"wide": (SHEET,), "narrow": (SHEET,)},
    times={"n1": (0.0, 1.5)},
)
SHOW = Exhibition(
    *("Still Water", (("machine", "Still Water"),), "when the sea went quiet", "Ada", "1 March 2026"),
    pieces=(POEM, PAINTING, CHORALE),
    turns=(Turn("sea", "2026-03-01T10:00:00Z", "engine", "Writing", "offered a take for", "cd" * 32),),
    models=(Model("SmolLM2", "Apache-2.0", "ef" * 32, "Writing.", (("pages", "ODC-By"),), ("It can't plot.",)),),
    statement=("Made by machine.",),
    head={"size": 3},
    signer="a studio",
    version="0.1.0",
)


@pytest.mark.parametrize("name", ["index.html", "making.html"])
def test_a_page_needs_nothing_from_any_network(name: str) -> None:
    page = pages(SHOW)[name].decode()
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "@import" not in page
    assert re.search(r"src: url\(data:font/woff2;base64,\w", page)


def test_every_picture_has_words_for_who_does_not_see_it() -> None:
    tree = html.fromstring(pages(SHOW)["index.html"])
    assert all(picture.get("alt") for picture in tree.iter("img"))


def test_each_file_is_named_with_its_credential() -> None:
    for page in pages(SHOW).values():
        text = html.fromstring(page).text_content()
        assert "poem.txt.c2pa" in text
        assert "inside" in text


def test_words_carry_the_mark_of_who_wrote_them() -> None:
    tree = html.fromstring(pages(SHOW)["index.html"])
    verse = tree.xpath("//div[@class='verse']//span")
    assert [(span.get("class"), span.text) for span in verse] == [("machine", "still water, "), ("human", "here")]


def test_a_label_says_who_changed_last_only_where_that_is_another() -> None:
    text = html.fromstring(pages(SHOW)["index.html"]).text_content()
    assert "16 characters changed last by machine" in text
    assert "64 pixels by machine" in text
    assert "pixels changed last" not in text


def test_the_table_counts_the_brief_as_the_persons() -> None:
    rows = html.fromstring(pages(SHOW)["making.html"]).xpath("//table[1]/tbody/tr[1]/td/text()")
    assert rows[0] == str(len(SHOW.brief) + 4)


@given(words=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_no_words_of_a_person_become_markup(words: str) -> None:
    hostile = f"<script>alert(1)</script>{words}\"'&"
    wall = replace(WALL, title=hostile, sentences=(hostile,))
    piece = replace(POEM, wall=wall, lines=((("human", hostile),),))
    picture = replace(PAINTING, alt=hostile, wall=wall)
    show = replace(SHOW, title=hostile, brief=hostile, person=hostile, pieces=(piece, picture))
    for page in pages(show).values():
        assert b"<script>alert" not in page
        for script in html.fromstring(page).iter("script"):
            assert "alert(1)" not in (script.text or "")


def test_the_licence_of_the_typeface_travels_along() -> None:
    assert b"SIL Open Font License" in font_licence()
