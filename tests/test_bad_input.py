"""Whatever is given, broken or in the way: one clear sentence, exit code 2, and nothing of the studio is lost."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vesica.ledger.store import VERSION
from vesica.studio import Studio

Run = Callable[..., tuple[int, str, str]]


def one_sentence(told: tuple[int, str, str], *, part: str) -> None:
    code, _, err = told
    assert code == 2
    assert part in err
    assert err.startswith("vesica: ") and err.count("\n") == 1 and "Traceback" not in err


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
        (["offer", "sea", "image.dream", "--steps", "9000"], "0 to 200"),
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
        (["show", "seaa"], "did you mean sea?"),
        (["models", "show", "minlm"], "did you mean minilm?"),
        (["models", "install", "minlm"], "did you mean minilm?"),
        (["models", "shwo"], "'show'"),
        (["offer", "sea"], "Say which engine"),
        (["make"], "Say which engine"),
        (["make", "image.dream", "words.txt", "--out", "nowhere/x.png"], "no folder"),
        (["make", "image.dream", "--out", "x.png"], "needs"),
        (["make", "image.dream", "photo.png", "--out", "."], "folder"),
        (["offer", "sea", "image.dream", "--picture", "photo.png", "--look-for", ""], "no layer ''"),
        (["offer", "sea", "image.dream", "--picture", "photo.png", "--look-for", "b18"], "did you mean b8?"),
        (["offer", "sea", "image.dream", "--picture", "photo.png", "--look-for", "x" * 100_000], "100,000"),
        (["offer", "sea", "image.dream", "--rate", "nan"], "above 0"),
        (["offer", "sea", "image.dream", "--n", "65"], "1 to 64"),
        (["offer", "sea", "image.dream", "--threads", "0"], "threads"),
        (["import", "sea", "/dev/zero"], "larger than"),
        (["import", "sea", "long.txt"], "MB"),
        (["new", "x" * 101], "can't be the name"),
        (["new", ""], "can't be the name"),
        (["new", "lake", "--title", "\udcff"], "can't keep"),
        (["undo", "sea", "--to", "0"], "4 digits"),
        (["verify", "--head", "nowhere"], "no file"),
        (["verify", "--save-head", "nowhere/head"], "no folder"),
        (["export", "sea"], "--out"),
        (["redact", "sea"], "TURN"),
    ],
)
def test_bad_input_gets_one_sentence_exit_code_two_and_no_turn(
    run: Run, photo: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "broken.png").write_bytes(photo.read_bytes()[:60])
    (tmp_path / "not-utf8.txt").write_bytes(b"caf\xe9")
    (tmp_path / "program.bin").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "lying.jpg").write_bytes(b"words")
    (tmp_path / "words.txt").write_text("words")
    (tmp_path / "long.txt").write_text("word " * 2_000_000)
    run("--studio", "my", "new", "sea")
    before = json.loads(run("--studio", "my", "log", "sea", "--json")[1])
    told = run("--studio", "my", *words)
    one_sentence(told, part=said)
    assert told[1] == ""
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 1 MB, which only root can have."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can't be mounted here; root could")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def noise(path: Path, seed: int, size: int = 300_000) -> Path:
    """A text that no packing makes smaller."""
    path.write_text(random.Random(seed).randbytes(size // 2).hex())
    return path


def test_a_really_full_disk_is_one_sentence_and_what_was_kept_holds(run: Run, small_disk: Path, tmp_path: Path) -> None:
    studio = ("--studio", small_disk / "studio")
    assert run(*studio, "new", "first")[0] == 0
    kept = 0
    for count in range(8):
        run(*studio, "new", f"work {count}")
        told = run(*studio, "import", f"work {count}", noise(tmp_path / "noise.txt", count))
        if told[0]:
            break
        kept += 1
    one_sentence(told, part="full")
    assert kept >= 1
    noise(small_disk / "rest.txt", 99, size=1000)
    for size in (60_000, 6_000, 2_000):  # fill up to the last byte
        for count in range(40):
            try:
                noise(small_disk / f"rest {size} {count}.txt", count, size)
            except OSError:
                break
    assert run(*studio, "verify")[0] == 0
    for words in (["lock", "work 0", "all"], ["export", "work 0", "--out", small_disk / "out.txt"]):
        told = run(*studio, *words)
        if told[0]:
            one_sentence(told, part="disk")
    brought = json.loads(run(*studio, "log", "work 0", "--json")[1])[1]["id"]
    run(*studio, "redact", "work 0", brought, "--yes")
    for rest in small_disk.glob("rest*"):
        rest.unlink()
    run(*studio, "redact", "work 0", brought, "--yes")
    assert run(*studio, "verify")[0] == 0
    assert run(*studio, "new", "room again")[0] == 0


def test_a_studio_on_a_read_only_disk_can_be_read_verified_and_exported(
    run: Run, small_disk: Path, tmp_path: Path
) -> None:
    studio = ("--studio", small_disk / "studio")
    noise(tmp_path / "noise.txt", 1, size=2_000)
    for words in (["new", "a"], ["import", "a", "noise.txt"], ["export", "a", "--out", "before.txt"]):
        assert run(*studio, *words)[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for words in (["show"], ["show", "a"], ["log", "a"], ["verify"], ["export", "a", "--out", "after.txt"]):
        assert run(*studio, *words)[0] == 0, words
    one_sentence(run(*studio, "new", "b"), part="may not be written to")
    one_sentence(run(*studio, "import", "a", "noise.txt"), part="written to")
    one_sentence(run("--studio", small_disk / "other", "new", "b"), part="can't be written to")
    one_sentence(run(*studio, "export", "a", "--out", small_disk / "x.txt"), part="can't be written to")
    assert (tmp_path / "before.txt").read_bytes() == (tmp_path / "after.txt").read_bytes()


COMMAND = """
import signal, sys
from vesica.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have it ignored
print("ready", file=sys.stderr, flush=True)
main()
"""


def test_ctrl_c_at_any_moment_is_one_sentence_and_the_studio_verifies(run: Run, photo: Path) -> None:
    studio = ("--studio", "my")
    assert run(*studio, "new", "sea")[0] == 0
    assert run(*studio, "import", "sea", photo)[0] == 0
    chance = random.Random(5)
    stopped = 0
    for words, longest in [
        (["new", "a"], 0.2),
        (["import", "sea", "photo.png"], 0.4),
        (["import", "sea", "photo.png"], 0.4),
        (["export", "sea", "--out", "x.png"], 0.8),
        (["offer", "sea", "image.dream", "--size", "2048", "--n", "9"], 3.0),
        (["offer", "sea", "image.dream", "--size", "2048", "--n", "9"], 0.5),
        (["make", "image.dream", "photo.png", "--out", "y.png", "--steps", "200"], 1.0),
        (["verify"], 0.2),
    ]:
        child = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *studio, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert child.stderr and child.stderr.readline() == "ready\n"
        time.sleep(chance.uniform(0, longest))
        child.send_signal(signal.SIGINT)
        _, err = child.communicate()
        assert "Traceback" not in err, err
        assert child.returncode in (0, 2), words  # 0 where it was done before the signal came
        if child.returncode == 2:
            assert err.strip() == "vesica: Stopped; every turn up to here is kept.", words
        stopped += child.returncode == 2
    assert stopped >= 3
    assert run(*studio, "verify")[0] == 0
    assert not list(Path("my").rglob("*.part"))


def test_many_programs_may_begin_and_fill_one_studio_at_the_same_time(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VESICA_PASSPHRASE")  # so that each also wants to make the passphrase
    names = [f"work {count}" for count in range(4)]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "vesica", "--studio", folder, "new", name], stderr=subprocess.PIPE, text=True
        )
        for name in names
        for folder in ("one", "other")
    ]
    assert [(child.communicate()[1], child.returncode) for child in children] == [("", 0)] * 8
    for folder in ("one", "other"):
        assert sorted(work["name"] for work in json.loads(run("--studio", folder, "show", "--json")[1])) == names
        assert run("--studio", folder, "verify")[0] == 0
        assert run("--studio", folder, "new", "later")[0] == 0


@pytest.mark.parametrize("damage", ["cut", "emptied", "overwritten", "removed", "newer", "foreign", "no owner"])
def test_a_damaged_ledger_is_named_and_left_alone(run: Run, photo: Path, tmp_path: Path, damage: str) -> None:
    run("--studio", "my", "new", "sea")
    run("--studio", "my", "import", "sea", photo)
    path = tmp_path / "my" / "ledger.db"
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:9000])
        case "emptied":
            path.write_bytes(b"")
        case "overwritten":
            path.write_bytes(random.Random(1).randbytes(9000))
        case "removed":
            path.unlink()
        case "newer":
            with sqlite3.connect(path) as db:
                db.execute(f"PRAGMA user_version={VERSION + 1}")
        case "foreign":
            path.unlink()
            with sqlite3.connect(path) as db:
                db.execute("CREATE TABLE theirs (words TEXT)")
        case "no owner":
            with sqlite3.connect(path) as db:
                db.execute("DELETE FROM owner")
    if damage in ("newer", "foreign", "no owner"):
        db.close()
    before = path.read_bytes() if path.exists() else None
    for words in (["show"], ["show", "sea"], ["log", "sea"], ["verify"], ["new", "b"], ["import", "sea", photo]):
        one_sentence(
            run("--studio", "my", *words), part="a studio" if words[0] != "new" and damage == "removed" else "ledger"
        )
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list((tmp_path / "my" / "assets").rglob("*"))) > 2


def test_without_its_key_a_studio_is_read_but_not_changed(run: Run, photo: Path, tmp_path: Path) -> None:
    run("--studio", "my", "new", "sea")
    run("--studio", "other", "new", "sea")
    pem, theirs = (tmp_path / folder / "keys" / "ledger.pem" for folder in ("my", "other"))
    kept = pem.read_bytes()
    pem.write_bytes(theirs.read_bytes())
    one_sentence(run("--studio", "my", "import", "sea", photo), part="another studio's")
    pem.write_bytes(kept[:40])
    one_sentence(run("--studio", "my", "import", "sea", photo), part="key")
    pem.unlink()
    one_sentence(run("--studio", "my", "import", "sea", photo), part="missing")
    one_sentence(run("--studio", "my", "new", "b"), part="missing")
    assert run("--studio", "my", "verify")[0] == 0 and not pem.exists()


def test_a_lost_passphrase_is_named_and_none_is_made_in_its_place(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VESICA_PASSPHRASE")
    kept = Path(os.environ["VESICA_CONFIG"]) / "passphrase"
    assert run("--studio", "my", "new", "sea")[0] == 0
    right = kept.read_bytes()
    kept.unlink()
    one_sentence(run("--studio", "my", "import", "sea", photo), part="does not know the passphrase")
    assert not kept.exists()
    kept.write_bytes(b"another\n")
    one_sentence(run("--studio", "my", "import", "sea", photo), part="does not open")
    kept.write_bytes(b"")
    one_sentence(run("--studio", "my", "import", "sea", photo), part="does not know the passphrase")
    assert run("--studio", "other", "new", "sea")[0] == 0 and kept.read_bytes().strip()
    kept.write_bytes(right)
    assert run("--studio", "my", "import", "sea", photo)[0] == 0


def test_a_missing_or_changed_picture_leaves_the_rest_usable(run: Run, photo: Path, tmp_path: Path) -> None:
    run("--studio", "my", "new", "sea")
    run("--studio", "my", "import", "sea", photo)
    content = json.loads(run("--studio", "my", "show", "sea", "--json")[1])["content"]["digest"]
    path = tmp_path / "my" / "assets" / content[:2] / content
    path.write_bytes(b"changed")
    one_sentence(run("--studio", "my", "show", "sea"), part="changed on the disk")
    one_sentence(run("--studio", "my", "export", "sea", "--out", "x.png"), part="changed on the disk")
    assert run("--studio", "my", "show")[0] == 0 and run("--studio", "my", "log", "sea")[0] == 0
    code, out, _ = run("--studio", "my", "verify")
    assert code == 1 and "was changed on the disk" in out
    run("--studio", "my", "import", "sea", photo)  # the same bytes again mend it
    assert run("--studio", "my", "verify")[0] == 0


def test_nothing_can_be_printed_and_nothing_is_lost(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("new", "sea")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert run("branch", "sea", "night")[0] == 0
    assert json.loads(run("show", "sea", "--json")[1])["branch"] == "night"
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        one_sentence(run("show", "sea"), part="full")
        full.close = lambda: None  # type: ignore[method-assign]
