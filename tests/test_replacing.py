"""An export never takes the place of what is nowhere else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from vesica.export.disclosure import Terms
from vesica.studio import Studio

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sea(run: Run, photo: Path, tmp_path: Path) -> Run:
    """A command line in a studio with a picture and a poem."""
    (tmp_path / "poem.txt").write_text("The sea is calm tonight.\n")

    def call(*words: object) -> tuple[int, str, str]:
        return run("--studio", "my", *words)

    for name, file in (("sea", photo), ("poem", "poem.txt")):
        call("new", name)
        assert call("import", name, file)[0] == 0
    return call


def paint(path: Path) -> bytes:
    picture = Image.open(path).convert("RGB")
    ImageDraw.Draw(picture).rectangle((4, 4, 30, 30), fill=(200, 20, 20))
    picture.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("level", ["all", "summary", "law"])
def test_what_left_and_is_as_it_left_is_replaced_in_silence(sea: Run, tmp_path: Path, level: str) -> None:
    for work, name in (("sea", "sea.png"), ("poem", "poem.md")):
        for _ in range(2):
            assert sea("export", work, "--out", name, "--disclose", level)[0] == 0
    before = (tmp_path / "sea.png").read_bytes()
    shutil.copy("sea.png", "painted.png")
    paint(tmp_path / "painted.png")
    assert sea("edit", "sea", "painted.png")[0] == 0
    assert sea("export", "sea", "--out", "sea.png", "--disclose", level)[0] == 0
    assert (tmp_path / "sea.png").read_bytes() != before


def test_what_was_painted_over_since_stays_until_it_is_forced(sea: Run, tmp_path: Path) -> None:
    assert sea("export", "sea", "--out", "sea.png")[0] == 0
    painted = paint(tmp_path / "sea.png")
    for words in (("export", "sea"), ("make", "image.dream", "photo.png", "--steps", "1")):
        code, _, err = sea(*words, "--out", "sea.png")
        assert (code, "sea.png is there already" in err, "--force" in err) == (2, True, True)
        assert (tmp_path / "sea.png").read_bytes() == painted
    assert "sea-2" not in sea("log")[1], "make refuses before it begins a work"
    assert sea("export", "sea", "--out", "sea.png", "--force")[0] == 0
    assert (tmp_path / "sea.png").read_bytes() != painted


def test_what_never_left_here_stays(sea: Run, tmp_path: Path, photo: Path) -> None:
    own = photo.read_bytes()
    (tmp_path / "poem.md").write_text("My own notes.\n")
    (tmp_path / "poem.txt.c2pa").write_bytes(b"mine")
    for work, name in (("sea", "photo.png"), ("poem", "poem.md"), ("poem", "poem.txt")):
        assert sea("export", work, "--out", name)[0] == 2
    assert photo.read_bytes() == own
    assert (tmp_path / "poem.md").read_text() == "My own notes.\n" and not (tmp_path / "poem.md.c2pa").exists()
    # Another studio's export is another's.
    assert sea("export", "sea", "--out", "sea.png")[0] == 0
    left = (tmp_path / "sea.png").read_bytes()
    with Studio.create(tmp_path / "other") as other:
        other.new("sea")
        other.import_file("sea", photo)
        with pytest.raises(Exception, match=r"sea.png is there already"):
            other.export("sea", tmp_path / "sea.png")
    assert (tmp_path / "sea.png").read_bytes() == left


def test_a_text_that_was_changed_since_stays_and_one_with_the_same_bytes_loses_nothing(
    sea: Run, tmp_path: Path
) -> None:
    assert sea("export", "poem", "--out", "p.md")[0] == 0
    (tmp_path / "p.md.c2pa").unlink()
    assert sea("export", "poem", "--out", "p.md")[0] == 0
    (tmp_path / "p.md").write_text("Mine.\n")
    assert sea("export", "poem", "--out", "p.md")[0] == 2
    (tmp_path / "p.md.c2pa").unlink()
    assert sea("export", "poem", "--out", "p.md")[0] == 2


def test_files_of_authors_stay_where_they_were_changed(sea: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert sea("export", "poem", "--out", "p.txt", "--authors")[0] == 0
    (tmp_path / "p.txt.authors.md").write_text("my own notes\n")
    code, _, err = sea("export", "poem", "--out", "p.txt", "--authors", "--disclose", "all")
    assert code == 2 and "p.txt.authors.md is there already" in err
    assert (tmp_path / "p.txt.authors.md").read_text() == "my own notes\n"


def test_what_left_under_an_older_certificate_is_still_ours(studio: Studio, photo: Path, tmp_path: Path) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.export("sea", tmp_path / "sea.png")
    studio.rotate_key()
    for path in (studio.path / "keys").glob("claim-*"):
        path.unlink()
    assert studio.export("sea", tmp_path / "sea.png", Terms("all"))


def test_heads_ledgers_and_pages_replace_only_their_own(sea: Run, tmp_path: Path) -> None:
    made = {
        "h.json": ("verify", "--save-head"),
        "l.jsonl": ("export", "--ledger"),
        "p.html": ("show", "sea", "--authors", "--page"),
    }
    for name, words in made.items():
        for _ in range(2):
            assert sea(*words, name)[0] == 0
            assert sea("branch", "sea", f"b{name[0]}")[0] == 0
        (tmp_path / name).write_text("my own notes\n")
        code, _, err = sea(*words, name)
        assert (code, f"{name} is there already" in err) == (2, True)
        assert (tmp_path / name).read_text() == "my own notes\n"
        assert sea(*words, name, "--force")[0] == 0
        assert (tmp_path / name).read_text() != "my own notes\n"
    with Studio.create(tmp_path / "other") as other:
        other.new("sea")
        (tmp_path / "h.json").write_bytes(other.ledger.head().to_bytes())
    assert sea("verify", "--save-head", "h.json")[0] == 2, "a head of another history is a witness"
