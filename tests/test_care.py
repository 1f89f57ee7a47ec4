"""Looking after a studio: copies that can be trusted, clearing up that loses nothing, redaction to the last byte."""

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vesica.errors import VesicaError
from vesica.ledger import backup
from vesica.ledger.assets import Assets
from vesica.ledger.backup import back_up, read_archive, restore
from vesica.ledger.leftovers import DAY
from vesica.studio import Studio

Run = Callable[..., tuple[int, str, str]]


def manuscript(folder: Path, words: str, name: str = "story.txt") -> Path:
    path = folder / name
    path.write_text(words, "utf-8")
    return path


def story(studio: Studio, folder: Path) -> None:
    studio.new("story", title="A title")
    studio.import_file("story", manuscript(folder, "One.\nTwo.\n"))


def contents(folder: Path) -> dict[str, bytes]:
    """Assets and keys of a studio, by name."""
    paths = [*folder.glob("assets/*/*"), *folder.glob("keys/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# Backup and restore


def test_a_restored_backup_is_the_studio_and_goes_on(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    studio.rotate_key()
    head = studio.ledger.head()
    first = back_up(studio.path, tmp_path / "b.tar")
    assert first.anew and first.added == first.files
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    archive, found = restore(tmp_path / "b.tar", tmp_path / "again")
    assert found.faults == [] and not archive.torn and found.turns == head.size
    assert contents(tmp_path / "again") == contents(studio.path)
    with Studio(tmp_path / "again") as again:
        assert again.verify(head=head) == [] and again.content(again.work("story")) == "One.\nTwo.\n"
        again.branch("story", "later")
        assert (tmp_path / "again" / "keys" / "ledger.pem").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "again" / "ledger.db-wal").exists(), "a restored ledger writes as safely as the first"


def test_a_second_backup_adds_only_what_is_new_and_leaves_what_was_written(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    studio.assets.put(os.urandom(1 << 20), "image/png")
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (700, 700, 3), np.uint8)).save(tmp_path / "p.png")
    studio.new("sea")
    studio.import_file("sea", tmp_path / "p.png")
    out = tmp_path / "b.tar"
    back_up(studio.path, out)
    before = out.read_bytes()
    studio.edit("story", manuscript(tmp_path, "One.\nTwo.\nThree.\n"))
    second = back_up(studio.path, out)
    assert not second.anew and second.added == 3  # the ledger, a text, a map
    kept = read_archive(out)
    assert out.read_bytes().startswith(before[: before.rindex(b"manifest-")])
    assert kept.contents.turns == studio.ledger.size()
    third = back_up(studio.path, out)
    assert third.added == 0 and restore(out, tmp_path / "again")[1].faults == []


def test_any_tar_program_can_unpack_a_backup(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    back_up(studio.path, tmp_path / "b.tar")
    studio.edit("story", manuscript(tmp_path, "Three.\n"))
    back_up(studio.path, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as tar:
        tar.extractall(tmp_path / "out", filter="data")
    assert contents(tmp_path / "out") == contents(studio.path)
    with Studio(tmp_path / "out") as again:
        assert again.verify() == [] and again.ledger.size() == 3


def test_a_backup_that_was_cut_off_anywhere_leaves_the_one_before(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    out = tmp_path / "b.tar"
    back_up(studio.path, out)
    first = read_archive(out)
    studio.edit("story", manuscript(tmp_path, "Three.\n"))
    back_up(studio.path, out)
    data = out.read_bytes()
    last = data.rindex(b"}")
    for place in {*range(first.end, last, 3001), first.end, first.end + 1, last}:
        out.write_bytes(data[:place])
        archive = read_archive(out)
        assert archive.contents == first.contents and archive.torn == (place > first.end + 1024)
    assert back_up(studio.path, out).turns == 3
    assert restore(out, tmp_path / "again")[1].turns == 3


def test_a_full_disk_leaves_the_backup_of_before(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(studio, tmp_path)
    out = tmp_path / "b.tar"
    back_up(studio.path, out)
    first = read_archive(out)
    studio.edit("story", manuscript(tmp_path, "Three.\n"))
    with monkeypatch.context() as patch:
        patch.setattr(backup, "_check", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(OSError, match="No space"):
            back_up(studio.path, out)
    assert read_archive(out).contents == first.contents and out.stat().st_size == first.end
    assert restore(out, tmp_path / "again")[1].turns == 2


def test_no_changed_byte_of_what_a_backup_holds_is_restored(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    out = tmp_path / "b.tar"
    back_up(studio.path, out)
    data, archive = out.read_bytes(), read_archive(out)
    for name, offset in archive.offsets.items():
        place = offset + archive.contents.files[name][0] // 2
        out.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(VesicaError, match="damaged"):
            restore(out, tmp_path / "again")
        assert not (tmp_path / "again").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_a_changed_asset_never_takes_the_place_of_a_good_one(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    out = tmp_path / "b.tar"
    back_up(studio.path, out)
    after = studio.edit("story", manuscript(tmp_path, "Three.\n"))
    before = out.read_bytes()
    assert after.content
    path = studio.assets.path(after.content.digest)
    good = path.read_bytes()
    path.write_bytes(b"Thrae.\n")
    with pytest.raises(VesicaError, match="stays as it was"):
        back_up(studio.path, out)
    assert read_archive(out).contents.turns == 2 and before.startswith(out.read_bytes())
    path.unlink()
    with pytest.raises(VesicaError, match="missing"):
        back_up(studio.path, out)
    path.write_bytes(good)
    assert back_up(studio.path, out).turns == 3


def test_a_redaction_reaches_the_next_backup_into_the_same_file(studio: Studio, tmp_path: Path) -> None:
    studio.new("story")
    turn = studio.import_file("story", manuscript(tmp_path, "A private word.\n"), source="a private place").tip
    out = tmp_path / "b.tar"
    back_up(studio.path, out)
    assert b"A private word." in out.read_bytes() and b"a private place" in out.read_bytes()
    studio.redact("story", turn)
    assert back_up(studio.path, out).anew
    assert b"A private word." not in out.read_bytes() and b"a private place" not in out.read_bytes()
    assert restore(out, tmp_path / "again")[1].faults == []


def test_only_the_same_studio_grown_takes_the_place_of_a_backup(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    out = tmp_path / "b.tar"
    copy = shutil.copytree(studio.path, tmp_path / "copy")
    studio.branch("story", "here")
    back_up(studio.path, out)
    before = out.read_bytes()
    with pytest.raises(VesicaError, match="older copy"):
        back_up(copy, out)
    with Studio(copy) as other:
        other.branch("story", "there")
    with pytest.raises(VesicaError, match="another history"):
        back_up(copy, out)
    with Studio.create(tmp_path / "other") as other:
        other.new("sea")
    with pytest.raises(VesicaError, match="another studio"):
        back_up(tmp_path / "other", out)
    with pytest.raises(VesicaError, match="inside the studio"):
        back_up(studio.path, studio.path / "b.tar")
    manuscript(tmp_path, "a letter", "letter.txt")
    with pytest.raises(VesicaError, match="no whole backup"):
        back_up(studio.path, tmp_path / "letter.txt")
    assert out.read_bytes() == before and (tmp_path / "letter.txt").read_text() == "a letter"


def test_nothing_is_ever_restored_over_something(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    back_up(studio.path, tmp_path / "b.tar")
    with pytest.raises(VesicaError, match="nothing is ever overwritten"):
        restore(tmp_path / "b.tar", studio.path)
    with pytest.raises(VesicaError, match="nothing is ever overwritten"):
        restore(tmp_path / "b.tar", tmp_path / "story.txt")
    (tmp_path / "empty").mkdir()
    assert restore(tmp_path / "b.tar", tmp_path / "empty")[1].faults == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("/etc/evil", tarfile.REGTYPE),
        ("keys/../../evil.pem", tarfile.REGTYPE),
        ("assets/ab/" + "cd" * 32, tarfile.REGTYPE),
        ("ledger.db", tarfile.SYMTYPE),
        ("ledger.db", tarfile.LNKTYPE),
        ("ledger.db", tarfile.CHRTYPE),
        ("assets", tarfile.DIRTYPE),
    ],
)
def test_a_hostile_archive_writes_nothing_anywhere(tmp_path: Path, name: str, kind: bytes) -> None:
    told = tarfile.TarInfo(name)
    told.type, told.size, told.linkname = kind, 4 if kind == tarfile.REGTYPE else 0, "/etc/passwd"
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(told, io.BytesIO(b"evil"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(VesicaError, match="no whole backup"):
        restore(tmp_path / "b.tar", tmp_path / "again")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "more",
    [
        "CREATE TRIGGER undo AFTER INSERT ON turns BEGIN DELETE FROM leaves; END",
        "ALTER TABLE owner RENAME TO other; CREATE VIEW owner AS SELECT public FROM other",
        "ALTER TABLE turns ADD COLUMN words TEXT",
        "CREATE TABLE words (words TEXT)",
        "CREATE INDEX more ON turns (link)",
    ],
)
def test_a_ledger_with_anything_in_it_that_vesica_did_not_build_is_neither_restored_nor_opened(
    studio: Studio, tmp_path: Path, more: str
) -> None:
    story(studio, tmp_path)
    head = studio.ledger.head()
    hostile = tmp_path / "hostile.db"
    studio.ledger.copy_to(hostile)
    studio.close()
    with contextlib.closing(sqlite3.connect(hostile)) as db:
        db.executescript(more)
    files = {"ledger.db": (hostile.stat().st_size, backup._hash(hostile))}
    with (tmp_path / "b.tar").open("w+b") as file:
        backup._add(
            file, {"ledger.db": hostile}, backup.Contents(head.public.hex(), head.size, head.link, 0, files), {}, 0
        )
    with pytest.raises(VesicaError, match=r"^The ledger in b.tar was not built by vesica"):
        restore(tmp_path / "b.tar", tmp_path / "again")
    assert not [path for path in tmp_path.iterdir() if "again" in path.name]
    for path in studio.path.glob("ledger.db*"):
        path.unlink()
    shutil.copy(hostile, studio.path / "ledger.db")
    with pytest.raises(VesicaError, match="was not built by vesica"):
        Studio(studio.path)
    assert (studio.path / "ledger.db").read_bytes() == hostile.read_bytes()


@given(st.binary(max_size=3000))
def test_what_is_no_backup_is_refused_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("b")
    (folder / "b.tar").write_bytes(data)
    with pytest.raises(VesicaError, match="no whole backup"):
        restore(folder / "b.tar", folder / "again")


def test_backups_are_made_and_restored_by_command(run: Run, tmp_path: Path) -> None:
    run("--studio", "my", "new", "story")
    code, out, _ = run("--studio", "my", "backup", "b.tar")
    assert code == 0 and "1 turns" not in out.split("files")[1] and "passphrase" in out
    code, out, _ = run("restore", "b.tar", "again", "--json")
    assert code == 0 and json.loads(out)["turns"] == 1
    assert run("--studio", "again", "verify")[0] == 0
    assert run("restore", "nowhere.tar", "x")[0] == 2


# Clearing up


def old(assets: Assets, data: bytes) -> Path:
    """An asset that was kept two days ago."""
    path = assets.path(assets.put(data, "text/plain").digest)
    os.utime(path, (time.time() - 2 * DAY,) * 2)
    return path


def test_only_what_no_turn_names_and_is_old_is_cleared_after_it_was_listed(
    run: Run, studio: Studio, tmp_path: Path
) -> None:
    story(studio, tmp_path)
    for digest in studio.assets.names():
        os.utime(studio.assets.path(digest), (0, 0))
    left, young = old(studio.assets, b"left over"), studio.assets.put(b"just kept", "text/plain")
    code, out, _ = run("--studio", studio.path, "gc")
    assert code == 0 and left.name in out and young.digest not in out and left.exists()
    assert "1 asset (9 bytes)" in out
    code, out, _ = run("--studio", studio.path, "gc", "--yes", "--json")
    assert [one["digest"] for one in json.loads(out)["assets"]] == [left.name] and not left.exists()
    assert studio.assets.has(young.digest) and studio.verify() == []


def test_an_asset_that_is_wanted_again_is_young_again(studio: Studio) -> None:
    path = old(studio.assets, b"left over")
    studio.assets.put(b"left over", "text/plain")
    assert studio.clear() == [] and path.exists()


def test_what_is_kept_while_it_is_cleared_away_is_there_afterwards(studio: Studio) -> None:
    """Two threads, one that keeps and one that clears, as often as they can: no kept asset is ever missing."""
    assets, stop = studio.assets, threading.Event()
    digest = assets.put(b"again and again", "text/plain").digest

    def clear() -> None:
        while not stop.is_set():
            assets.clear_away(digest, older=30.0)

    clearing = threading.Thread(target=clear)
    clearing.start()
    try:
        for _ in range(300):
            with contextlib.suppress(FileNotFoundError):
                os.utime(assets.path(digest), (0, 0))  # it looks left over
            assets.put(b"again and again", "text/plain")
            time.sleep(0.0005)
            assert assets.has(digest)
    finally:
        stop.set()
        clearing.join()
    assert assets.intact(digest)


def test_a_studio_with_a_fault_is_not_cleared(studio: Studio, tmp_path: Path) -> None:
    story(studio, tmp_path)
    old(studio.assets, b"left over")
    studio.ledger._db.execute("DELETE FROM leaves")
    with pytest.raises(VesicaError, match="nothing was cleared away"):
        studio.clear()


# Redaction, to the last byte


def every_byte(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below ``folder`` as they are, and what is compressed in them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield path.name, data
            yield from ((f"{path.name}, unpacked", inner) for inner in unpacked(data))


def unpacked(data: bytes) -> Iterator[bytes]:
    """Zlib streams wherever they begin (PNG, PDF), the members of a ZIP file, and the pixels of a picture."""
    for first in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        place = data.find(first)
        while place >= 0:
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(data[place:])
            place = data.find(first, place + 1)
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            yield from (box.read(name) for name in box.namelist())
    with contextlib.suppress(OSError):
        yield np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).tobytes()


WORDS = "The keeper hid the letter under the seventh stair.\nNobody knew.\n"


def test_the_words_of_a_redacted_turn_are_nowhere_in_the_studio(studio: Studio, tmp_path: Path) -> None:
    studio.new("story", title="The seventh stair")
    turn = studio.import_file("story", manuscript(tmp_path, WORDS), source="under the seventh stair").tip
    studio.lock("story", "lines 1-1")
    studio.lock("story", "lines 1-1", off=True)
    studio.lock("story", "Nobody knew.")
    studio.undo("story")
    studio.undo("story", to=turn)
    studio.new("other", title="seventh stair.\nNobody knew")
    studio.write("other", "Quite other words, which stay.")
    # A studio's own folder is where a newcomer stands when they export.
    studio.export("story", studio.path / "story.txt")
    studio.export("story", studio.path / "story.md")
    studio.carry(studio.path / "ledger.jsonl", facts=True, with_assets=True)
    (studio.path / "cache").mkdir()
    (studio.path / "cache" / "preview.txt").write_text(WORDS)
    manuscript(studio.path, "my own notes, of other things", "notes.txt")
    needles = [b"hid the letter", b"seventh stair", b"Nobody knew"]
    assert all(any(needle in data for _, data in every_byte(studio.path)) for needle in needles)

    removal = studio.redact("story", turn, reason="private")
    studio.close()
    for name, data in every_byte(studio.path):
        for needle in needles:
            assert needle not in data and needle.decode().encode("utf-16-le") not in data, (name, needle)
    assert {"story.txt", "story.txt.c2pa", "ledger.jsonl"} <= {*removal.files}
    assert removal.beside == ("notes.txt",) and removal.built_on_it == ()
    with Studio(studio.path) as again:
        assert again.verify() == []
        assert again.content(again.work("other")) == "Quite other words, which stay."


def test_words_that_later_turns_repeat_are_named_and_go_when_those_are_redacted_too(
    studio: Studio, tmp_path: Path
) -> None:
    studio.new("story")
    first = studio.import_file("story", manuscript(tmp_path, WORDS)).tip
    second = studio.edit("story", manuscript(tmp_path, WORDS + "More.\n")).tip
    studio.new("other")
    third = studio.write("other", "A quotation: " + WORDS).tip
    removal = studio.redact("story", first)
    assert {*removal.built_on_it} == {second, third}
    for work, turn in (("story", second), ("other", third)):
        studio.redact(work, turn)
    studio.close()
    assert not any(b"hid the letter" in data for _, data in every_byte(studio.path))
    with Studio(studio.path) as again:
        assert again.verify() == []


def test_a_redaction_that_was_cut_off_is_completed_by_a_second_one(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.new("story")
    turn = studio.import_file("story", manuscript(tmp_path, WORDS)).tip
    studio.lock("story", "lines 1-1")
    with monkeypatch.context() as patch:
        patch.setattr(Assets, "sweep", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            studio.redact("story", turn)
    assert {fault.kind for fault in studio.verify()} == {"missing asset"}
    studio.redact("story", turn)
    studio.close()
    assert not any(b"hid the letter" in data for _, data in every_byte(studio.path))
    with Studio(studio.path) as again:
        assert again.verify() == []


def test_the_pixels_of_a_redacted_picture_are_nowhere_in_the_studio(
    studio: Studio, tmp_path: Path, photo: Path
) -> None:
    studio.new("sea")
    brought = studio.import_file("sea", photo, source="a private place")
    pixels = studio.content(brought)
    needle = pixels[30].tobytes()
    take = studio.offer("sea", "image.dream", {"steps": 1, "octaves": 1}, seed=5)[0]
    studio.pick("sea", take.turn)
    studio.undo("sea")
    studio.export("sea", studio.path / "sea.png")
    assert any(needle in data for name, data in every_byte(studio.path) if name.startswith("sea.png"))
    removal = studio.redact("sea", brought.tip)
    assert take.turn in removal.built_on_it
    studio.redact("sea", take.turn)
    studio.close()
    for name, data in every_byte(studio.path):
        assert needle not in data and b"a private place" not in data, name
    with Studio(studio.path) as again:
        assert again.verify() == []


# Two programs at once


def test_a_sweep_waits_for_a_writer_that_is_alive_and_takes_nothing_from_it(tmp_path: Path) -> None:
    assets, begun, goes_on, swept = Assets(tmp_path / "assets"), *(threading.Event() for _ in range(3))

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:  # all of it lies in a file with a name of the moment
                begun.set()
                assert goes_on.wait(60)
            return data

    def sweep() -> None:
        assets.sweep()
        swept.set()

    kept: list[str] = []
    writer = threading.Thread(target=lambda: kept.append(assets.put_stream(Slow(b"a wave"), "text/plain").digest))
    writer.start()
    assert begun.wait(60)
    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    assert not swept.wait(0.2)
    goes_on.set()
    writer.join(60)
    sweeper.join(60)
    assert swept.is_set() and assets.get(kept[0]) == b"a wave"


def test_a_turn_never_names_what_a_redaction_took_out_a_moment_before(
    studio: Studio, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.new("sea")
    turn = studio.import_file("sea", photo).tip
    with Studio(studio.path) as other:
        other.new("again")
        append = other.ledger.append

        def late(*words: Any, **more: Any) -> Any:
            """Another program redacts after the same picture was kept, and before its turn is taken."""
            monkeypatch.undo()
            studio.redact("sea", turn)
            return append(*words, **more)

        monkeypatch.setattr(other.ledger, "append", late)
        with pytest.raises(VesicaError, match="taken out by another program; try again"):
            other.import_file("again", photo)
        assert studio.verify() == []
        other.import_file("again", photo)
    assert studio.verify() == []


def test_a_second_program_on_the_same_studio_works_too(studio: Studio, tmp_path: Path) -> None:
    studio.new("sea")
    writer = (
        "import sys\nfrom pathlib import Path\nfrom vesica.studio import Studio\n"
        "with Studio(Path(sys.argv[1])) as studio:\n"
        "    for count in range(30):\n        studio.branch('sea', sys.argv[2])\n"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", writer, str(studio.path), name], stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    while any(other.poll() is None for other in others):
        studio.branch("sea", "mine")
        back_up(studio.path, tmp_path / "b.tar")
        studio.clear()
        time.sleep(0.05)
    assert [(other.returncode, other.communicate()[1]) for other in others] == [(0, "")] * 2
    assert studio.verify() == [] and studio.ledger.size() >= 61
    assert back_up(studio.path, tmp_path / "b.tar").turns == studio.ledger.size()
    assert restore(tmp_path / "b.tar", tmp_path / "again")[1].faults == []
