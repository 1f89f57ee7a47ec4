"""The studio: a person leads, partners offer, and everyone's part is kept apart."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vesica.cli import main as cli
from vesica.errors import Cancelled, VesicaError
from vesica.export import credential
from vesica.ledger.chain import Head
from vesica.studio import Studio
from vesica.work import Imported, Picked, Step

Run = Callable[..., tuple[int, str, str]]


def png(seed: int = 1, size: int = 64) -> bytes:
    """A small picture with something to see in it."""
    chance = np.random.default_rng(seed)
    picture = Image.fromarray(chance.integers(0, 255, (8, 8, 3)).astype(np.uint8)).resize((size, size))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(png())
    return path


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio.create(tmp_path / "studio") as opened:
        yield opened


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Call the command line as ``vesica …`` in an empty folder: exit code, output, error output."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vesica", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def manuscript(tmp_path: Path, words: str, name: str = "story.txt") -> Path:
    path = tmp_path / name
    path.write_text(words, "utf-8")
    return path


# Writing: the whole round without a model


def test_only_the_difference_of_an_edit_becomes_the_person_s(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "The lamp was dark.\nNobody came.\n"), rights="mine")
    second = studio.edit("story", manuscript(tmp_path, "The lamp was dark.\nNobody ever came.\n"))
    assert studio.authors(second) == {first.tip: (32, 32), second.tip: (5, 5)}
    assert studio.content(second) == "The lamp was dark.\nNobody ever came.\n"


def test_undo_returns_text_and_authors_and_can_be_undone(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "One."))
    second = studio.edit("story", manuscript(tmp_path, "One. Two."))
    back = studio.undo("story")
    assert (back.content, studio.authors(back)) == (first.content, studio.authors(first))
    forth = studio.undo("story", to=second.tip)
    assert (forth.content, studio.authors(forth)) == (second.content, studio.authors(second))
    studio.undo("story")
    empty = studio.undo("story")
    assert empty.content is None
    with pytest.raises(VesicaError, match="nothing to undo"):
        studio.undo("story")


def test_branches_go_their_own_ways(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, "One."))
    studio.edit("story", manuscript(tmp_path, "One. Two."))
    night = studio.branch("story", "night", at=first.tip)
    assert studio.content(night) == "One."
    studio.edit("story", manuscript(tmp_path, "One. Night."))
    main = studio.branch("story", "main")
    assert studio.content(main) == "One. Two."
    assert studio.content(studio.branch("story", "night")) == "One. Night."
    assert studio.verify() == []


def test_a_locked_passage_can_t_be_edited_until_it_is_released(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    studio.import_file("story", manuscript(tmp_path, "One.\nTwo.\nThree."))
    studio.lock("story", "lines 2-3")
    with pytest.raises(VesicaError, match="locked"):
        studio.edit("story", manuscript(tmp_path, "One.\nTwo!\nThree."))
    studio.edit("story", manuscript(tmp_path, "Zero.\nTwo.\nThree."))
    studio.lock("story", "Two.\nThree.", off=True)
    assert studio.content(studio.edit("story", manuscript(tmp_path, "Nothing."))) == "Nothing."


def test_a_turn_worked_out_from_an_older_state_is_refused(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    old = studio.import_file("story", manuscript(tmp_path, "One."))
    with Studio(studio.path) as second:
        second.edit("story", manuscript(tmp_path, "One. Two."))
    with pytest.raises(VesicaError, match="changed meanwhile"):
        studio._turn("story", studio.person, Picked("0" * 64, None, None), expect=studio._unchanged(old))


# Pictures: a real engine in its process


def test_a_machine_s_take_is_offered_picked_replayed_and_known_for_what_it_is(studio: Studio, photo: Path) -> None:
    studio.new("sea", title="Sea")
    brought = studio.import_file("sea", photo, rights="CC0-1.0")
    seen: list[Step] = []
    takes = studio.offer("sea", "image.dream", {"steps": "1", "octaves": 1}, seed=5, takes=2, progress=seen.append)
    assert [take.seed for take in takes] == [5, 6]
    assert seen[-1].done == seen[-1].total
    assert studio.work("sea").content == brought.content
    picked = studio.pick("sea", takes[0].turn[:8])
    assert picked.content == takes[0].content
    authors = studio.authors(picked)
    assert set(authors) == {brought.tip, takes[0].turn}
    assert authors[brought.tip][0] == 64 * 64 and authors[takes[0].turn][0] == 0
    assert [one.verdict for one in studio.replay("sea")] == ["equal", "equal"]
    assert studio.verify(head=Head.from_bytes(studio.ledger.head().to_bytes())) == []
    runtime = studio.ledger.turn(takes[0].turn).partner.runtime
    assert len(runtime["models"]["efficientnet-lite0"]) == 64 and runtime["threads"] >= 1


def test_a_locked_box_is_kept_when_a_take_is_picked(studio: Studio, photo: Path) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.lock("sea", "box 8,8,16,16")
    before = studio.content(studio.work("sea"))
    take = studio.offer("sea", "image.dream", {"steps": 1, "octaves": 1}, seed=5)[0]
    after = studio.content(studio.pick("sea"))
    assert np.array_equal(after[8:24, 8:24], before[8:24, 8:24])
    assert not np.array_equal(after, before)
    assert take.content != studio.work("sea").content


def test_a_changed_seed_in_the_record_is_a_different_replay(studio: Studio, photo: Path) -> None:
    from dataclasses import replace

    from vesica.replay import replay

    studio.new("sea")
    studio.import_file("sea", photo)
    take = studio.offer("sea", "image.dream", {"steps": 2, "octaves": 1}, seed=5)[0]
    turn = replace(studio.ledger.turn(take.turn), seed=6)
    (again,) = replay([turn], studio.assets, studio.worker)
    assert again.verdict in ("different", "close") and (again.difference or 0) > 0


def test_cancelling_ends_the_process_and_leaves_no_turn(studio: Studio, photo: Path) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    size = studio.ledger.head().size

    def stop(step: Step) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        studio.offer("sea", "image.dream", {}, progress=stop)
    assert studio.worker._process is None
    assert studio.ledger.head().size == size
    assert studio.verify() == []


def test_redaction_takes_a_picture_out_of_every_file_and_all_else_holds(studio: Studio, photo: Path) -> None:
    studio.new("sea")
    brought = studio.import_file("sea", photo, source="a private place")
    studio.redact("sea", brought.tip[:8], reason="private")
    assert studio.verify() == []
    assert studio.work("sea").content is None
    needle = photo.read_bytes()[100:160]
    for path in studio.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert needle not in data and b"a private place" not in data, path
    act = studio.ledger.turn(brought.tip).act
    assert isinstance(act, Imported) and act.content is None
    with pytest.raises(VesicaError, match="already"):
        studio.redact("sea", brought.tip)


def test_a_copied_studio_is_whole_and_can_be_read_without_its_passphrase(
    studio: Studio, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.new("sea")
    studio.import_file("sea", photo)
    studio.close()
    shutil.copytree(studio.path, tmp_path / "copy")
    monkeypatch.setenv("VESICA_PASSPHRASE", "another")
    with Studio(tmp_path / "copy") as copy:
        assert copy.verify() == []
        assert copy.content(copy.work("sea")).shape == (64, 64, 3)
        with pytest.raises(VesicaError, match="passphrase"):
            copy.lock("sea", "all")


# The command line


def test_a_first_round_as_a_newcomer_types_it(run: Run, photo: Path, tmp_path: Path) -> None:
    assert run("--studio", "my", "new", "sea", "--title", "Sea")[0] == 0
    studio = ("--studio", "my")
    assert run(*studio, "import", "sea", photo, "--rights", "mine")[0] == 0
    code, out, _ = run(*studio, "offer", "sea", "image.dream", "--steps", "1", "--octaves", "1", "--n", "2", "--json")
    takes = json.loads(out)
    assert code == 0 and len(takes) == 2
    assert "offered" in run(*studio, "takes", "sea")[1]
    assert run(*studio, "pick", "sea", takes[1]["turn"][:8])[0] == 0
    assert "changed last" in run(*studio, "show", "sea", "--authors")[1]
    log = run(*studio, "log", "sea")[1]
    assert "◆" in log and "●" in log
    assert run(*studio, "export", "sea", "--out", "sea.png")[0] == 0
    edited = np.array(Image.open(tmp_path / "sea.png"))
    edited[:10, :10] = 255
    Image.fromarray(edited).save(tmp_path / "sea.png")
    assert run(*studio, "edit", "sea", "sea.png", "--remark", "a moon")[0] == 0
    assert run(*studio, "undo", "sea")[0] == 0
    assert run(*studio, "branch", "sea", "night")[0] == 0
    assert run(*studio, "verify", "--save-head", "head.json")[0] == 0
    assert run(*studio, "verify", "--head", "head.json", "--json")[0] == 0
    assert "equal" in run(*studio, "replay", "sea")[1]
    assert run(*studio, "redact", "sea", takes[0]["turn"][:8], "--yes")[0] == 0
    assert run(*studio, "verify")[0] == 0


def test_make_does_the_whole_round_and_records_the_program_as_picking(run: Run, photo: Path, tmp_path: Path) -> None:
    code, out, err = run(
        "--studio", "my", "make", "image.dream", photo, "--out", "dream.jpg", "--seed", 3, "--steps", 1, "--octaves", 1
    )
    assert (code, err) == (0, "")
    assert "dream.jpg" in out and Image.open(tmp_path / "dream.jpg").format == "JPEG"
    verdict = credential.read((tmp_path / "dream.jpg").read_bytes(), "image/jpeg")
    assert (verdict.state, verdict.head["size"]) == ("valid", 4)
    assert [action["action"] for action in verdict.actions] == ["c2pa.opened", "c2pa.edited"]
    assert verdict.models and verdict.authorship == {"imported": 64 * 64}
    entries = json.loads(run("--studio", "my", "log", "dream", "--json")[1])
    assert [(entry["act"]["kind"], entry["partner"]["kind"]) for entry in entries] == [
        ("created", "person"),
        ("imported", "person"),
        ("offered", "engine"),
        ("picked", "program"),
    ]


def test_make_help_shows_each_knob_with_range_and_default(run: Run) -> None:
    code, out, _ = run("make", "image.dream", "--help")
    words = " ".join(out.split())
    assert code == 0 and "--steps 1 to 200" in words and "[12]" in words and "--mask" in words


def test_help_starts_without_the_heavy_libraries() -> None:
    look = "import sys; from vesica.cli.main import main\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    heavy = {"torch", "numpy", "scipy", "PIL", "cryptography", "pydantic", "lxml", "c2pa", "verovio", "jinja2"}
    for words in (["--help"], ["engines"], ["make", "image.dream", "--help"]):
        command = [sys.executable, "-c", look, *words]
        loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split()
        assert not heavy & set(loaded), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shwo", "sea"], "did you mean show?"),
        (["show", "lake"], "not a work"),
        (["new", "sea"], "there already"),
        (["new", "../sea"], "can't be the name"),
        (["import", "sea", "nowhere.png"], "no file"),
        (["import", "sea", "."], "folder"),
        (["import", "sea", "empty.png"], "empty"),
        (["import", "sea", "broken.png"], "."),
        (["import", "sea", "not-utf8.txt"], "UTF-8"),
        (["import", "sea", "program.bin"], "none of picture"),
        (["import", "sea", "lying.jpg"], "not the picture"),
        (["offer", "sea", "image.draem"], "did you mean image.dream?"),
        (["offer", "sea", "image.dream"], "needs"),
        (["offer", "sea", "image.dream", "--steps", "9000"], "1 to 200"),
        (["offer", "sea", "image.dream", "--stepz", "9"], "--steps"),
        (["offer", "sea", "image.dream", "--seed", "-1"], "seed"),
        (["offer", "sea", "image.dream", "--mask", "nowhere.png"], "no file"),
        (["pick", "sea"], "no take"),
        (["pick", "sea", "zzzz"], "begins"),
        (["edit", "sea", "words.txt"], "no content"),
        (["lock", "sea", "all"], "empty"),
        (["undo", "sea"], "nothing to undo"),
        (["branch", "sea", "a b"], "branch"),
        (["redact", "sea", "zzzz", "--yes"], "begins"),
        (["export", "sea", "--out", "x.png"], "empty"),
        (["verify", "--head", "words.txt"], "not a ledger head"),
        (["make", "image.dream", "words.txt", "--out", "x.png"], "no use for"),
        (["make", "image.dream", "--out", "x.wav"], "end its name"),
        (["make", "image.dream"], "--out"),
        (["models", "show", "nobody"], "model"),
        (["engines", "nobody"], "engine"),
        (["completion", "csh"], "csh"),
    ],
)
def test_bad_input_gets_one_sentence_exit_code_two_and_no_turn(
    run: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "broken.png").write_bytes(png()[:60])
    (tmp_path / "not-utf8.txt").write_bytes(b"caf\xe9")
    (tmp_path / "program.bin").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "lying.jpg").write_bytes(b"words")
    (tmp_path / "words.txt").write_text("words")
    run("--studio", "my", "new", "sea")
    before = json.loads(run("--studio", "my", "log", "sea", "--json")[1])
    code, out, err = run("--studio", "my", *words)
    assert code == 2
    assert out == ""
    assert said in err
    assert err.startswith("vesica: ") and err.count("\n") == 1 and "Traceback" not in err
    assert json.loads(run("--studio", "my", "log", "sea", "--json")[1]) == before


def test_a_folder_without_a_studio_is_named(run: Run) -> None:
    code, _, err = run("--studio", "nothing", "show")
    assert code == 2 and "not a studio" in err


def test_a_full_disk_is_one_sentence_and_loses_nothing(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    run("--studio", "my", "new", "sea")

    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, _, err = run("--studio", "my", "import", "sea", photo)
    assert code == 2 and "full" in err and err.count("\n") == 1
    assert run("--studio", "my", "verify")[0] == 0


def test_ctrl_c_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Studio, "new", interrupted)
    code, _, err = run("--studio", "my", "new", "sea")
    assert code == 2 and err.strip() == "vesica: Stopped; every turn up to here is kept."


def test_a_read_only_folder_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = run("--studio", "file/studio", "new", "sea")
    assert code == 2 and err.count("\n") == 1


def test_a_text_leaves_with_its_credential_beside_it(run: Run, tmp_path: Path) -> None:
    manuscript(tmp_path, "The lamp was dark.")
    run("--studio", "my", "new", "story")
    run("--studio", "my", "import", "story", "story.txt", "--rights", "mine")
    manuscript(tmp_path, "The lamp was lit.")
    run("--studio", "my", "edit", "story", "story.txt")
    code, out, _ = run("--studio", "my", "export", "story", "--out", "out.txt", "--json")
    assert code == 0 and json.loads(out) == ["out.txt", "out.txt.c2pa"]
    words, beside = (tmp_path / "out.txt").read_bytes(), (tmp_path / "out.txt.c2pa").read_bytes()
    assert credential.read(words, "text/plain", beside).state == "valid"
    assert credential.read(words.replace(b"lit", b"out"), "text/plain", beside).state == "invalid"
