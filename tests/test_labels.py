"""Wall labels say what the ledger holds, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from vesica.image.pictures import write_png
from vesica.labels import day, label
from vesica.studio import Studio
from vesica.work import PROGRAM, Offered, Partner


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio.create(tmp_path / "studio", person="Ada")


def offered(studio: Studio, name: str, text: str, **params: str) -> str:
    """A take of a text engine, put into the ledger without running one."""
    content = studio.assets.put(text.encode(), "text/plain")
    partner = Partner("engine", "text.write", "1", {"models": {"minilm": "ab" * 32}})
    return studio.ledger.append(studio.key, name, partner, Offered(content, params, {}), seed=7).id


def told(studio: Studio, name: str) -> str:
    work = studio.work(name)
    return " ".join(label(studio.ledger, work, "Poem", studio.authors(work)).sentences)


def test_a_take_that_nobody_chose_is_not_said_to_be_chosen(studio: Studio) -> None:
    studio.new("sea")
    offered(studio, "sea", "still water", about="the sea")
    studio.pick("sea", by=PROGRAM)
    said = told(studio, "sea")
    assert "no person chose" in said
    assert "Ada" not in said


def test_a_picked_take_says_who_picked_it_and_among_how_many(studio: Studio) -> None:
    studio.new("sea")
    for words in ("one", "two", "three"):
        offered(studio, "sea", words)
    studio.pick("sea")
    assert "Ada picked it among 3 takes" in told(studio, "sea")


def test_takes_of_before_the_last_pick_are_not_counted_again(studio: Studio) -> None:
    studio.new("sea")
    offered(studio, "sea", "one")
    offered(studio, "sea", "two")
    studio.pick("sea")
    offered(studio, "sea", "three")
    studio.pick("sea")
    assert "among" not in told(studio, "sea")


def test_a_label_names_model_licence_seed_and_what_was_asked(studio: Studio) -> None:
    studio.new("sea")
    offered(studio, "sea", "still water", about="the sea in winter")
    studio.pick("sea")
    said = told(studio, "sea")
    assert "all-MiniLM-L6-v2, Apache-2.0" in said
    assert "seed 7" in said
    assert "“the sea in winter”" in said


def test_rights_that_were_not_said_are_not_invented(studio: Studio, tmp_path: Path) -> None:
    picture = tmp_path / "boat.png"
    picture.write_bytes(write_png(np.zeros((8, 8, 3), np.uint8)))
    studio.new("boat")
    studio.import_file("boat", picture)
    assert "Ada brought in boat.png" in told(studio, "boat")
    assert "its rights were not said" in told(studio, "boat")
    studio.import_file("boat", picture, rights="CC0-1.0")
    assert "rights: CC0-1.0" in told(studio, "boat")


def test_shares_count_units_by_who_brought_them_in(studio: Studio, tmp_path: Path) -> None:
    studio.new("sea")
    offered(studio, "sea", "The water is still.")
    studio.pick("sea")
    page = tmp_path / "sea.txt"
    page.write_text("The water is still. I wait.")
    studio.edit("sea", page)
    work = studio.work("sea")
    found = label(studio.ledger, work, "Poem", studio.authors(work))
    assert found.brought == found.changed == {"human": len(" I wait."), "machine": len("The water is still.")}
    assert any(sentence.startswith("Ada changed it by hand") for sentence in found.sentences)


def test_a_photograph_that_a_machine_changed_is_said_to_be_both(studio: Studio, tmp_path: Path) -> None:
    photo = np.zeros((8, 8, 3), np.uint8)
    (tmp_path / "boat.png").write_bytes(write_png(photo))
    studio.new("boat")
    studio.import_file("boat", tmp_path / "boat.png")
    photo[:4] = 9
    content = studio.assets.put(write_png(photo), "image/png")
    studio.ledger.append(studio.key, "boat", Partner("engine", "image.dream", "1"), Offered(content, {}, {}), seed=1)
    studio.pick("boat")
    work = studio.work("boat")
    found = label(studio.ledger, work, "Dream", studio.authors(work))
    assert (found.brought, found.changed) == ({"imported": 64}, {"imported": 32, "machine": 32})


def test_words_written_in_the_studio_are_the_persons(studio: Studio) -> None:
    studio.new("brief")
    studio.write("brief", "when the sea went quiet")
    work = studio.work("brief")
    assert label(studio.ledger, work, "Brief", studio.authors(work)).brought == {"human": 23}


def test_a_redacted_brief_leaves_a_label_that_can_be_read(studio: Studio) -> None:
    studio.new("sea")
    turn = offered(studio, "sea", "still water", about="a secret")
    studio.pick("sea")
    studio.redact("sea", turn)
    assert "secret" not in told(studio, "sea")


def test_dates_read_as_people_write_them() -> None:
    assert day("2026-03-01T23:59:59Z") == "1 March 2026"
