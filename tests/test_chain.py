"""The head chain, hand-overs of the signing key, and a ledger that leaves its studio: all found, or said."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesica.errors import VesicaError
from vesica.ledger import keys
from vesica.ledger.carried import LedgerFile, carry
from vesica.ledger.chain import Head, rotation
from vesica.ledger.store import Ledger
from vesica.ledger.verify import examine
from vesica.studio import Studio
from vesica.work import Locked, Partner, Rotated

Run = Callable[..., tuple[int, str, str]]
PERSON = Partner("person")


def manuscript(folder: Path, words: str, name: str = "story.txt") -> Path:
    path = folder / name
    path.write_text(words, "utf-8")
    return path


@dataclass
class Told:
    """A studio with a few turns, closed, and the head after them."""

    path: Path
    head: Path
    size: int


@pytest.fixture
def told(tmp_path: Path) -> Told:
    with Studio.create(tmp_path / "my") as studio:
        studio.new("story", title="A secret title")
        studio.import_file("story", manuscript(tmp_path, "One.\nTwo.\n"), source="a private source")
        studio.edit("story", manuscript(tmp_path, "One.\nTwo.\nThree.\n"))
        studio.lock("story", "lines 1-2")
        head = studio.ledger.head()
    path = tmp_path / "head.json"
    path.write_bytes(head.to_bytes() + b"\n")
    return Told(studio.path, path, head.size)


def go_on(path: Path, branch: str) -> None:
    with Studio(path) as studio:
        studio.branch("story", branch)


def verified(run: Run, *words: object) -> tuple[int, list[str], list[str], str]:
    """Exit code, kinds of faults, remarks, and what is said to a person."""
    code, out, err = run(*words, "--json")
    assert err == ""
    data = json.loads(out)
    return code, [fault["kind"] for fault in data["faults"]], data["remarks"], run(*words)[1]


# Heads


def test_a_cut_tail_is_found_by_the_head_and_without_one_it_is_said_that_it_can_t_be(run: Run, told: Told) -> None:
    with sqlite3.connect(told.path / "ledger.db") as db:
        db.execute("DELETE FROM turns WHERE position = ?", (told.size,))
    db.close()
    code, kinds, _, words = verified(run, "--studio", told.path, "verify")
    assert (code, kinds) == (0, []) and "give --head to see whether its end was cut" in words
    code, kinds, _, words = verified(run, "--studio", told.path, "verify", "--head", told.head)
    assert (code, kinds) == (1, ["cut tail"]) and f"{told.size} turns, but here are {told.size - 1}" in words


@pytest.mark.parametrize("places", [(1, 2), (2, 3), (1, 4)])
def test_swapped_turns_are_found_without_a_head(run: Run, told: Told, places: tuple[int, int]) -> None:
    one, other = places
    with sqlite3.connect(told.path / "ledger.db") as db:
        for old, new in ((one, -1), (other, one), (-1, other)):
            db.execute("UPDATE turns SET position = ? WHERE position = ?", (new, old))
    db.close()
    code, kinds, _, words = verified(run, "--studio", told.path, "verify")
    assert code == 1 and "changed turn" in kinds and "chain breaks" in words


def test_two_histories_of_one_studio_are_found_by_heads_of_equal_size_that_differ(
    run: Run, told: Told, tmp_path: Path
) -> None:
    shutil.copytree(told.path, tmp_path / "copy")
    go_on(told.path, "here")
    go_on(tmp_path / "copy", "there")
    for studio in (told.path, tmp_path / "copy"):
        assert verified(run, "--studio", studio, "verify", "--head", told.head)[:2] == (0, [])
    assert run("--studio", tmp_path / "copy", "verify", "--save-head", tmp_path / "other.json")[0] == 0
    code, kinds, _, words = verified(run, "--studio", told.path, "verify", "--head", tmp_path / "other.json")
    assert (code, kinds) == (1, ["two histories"]) and "worked on elsewhere" in words


def test_a_restored_old_backup_is_found_by_a_newer_head(run: Run, told: Told, tmp_path: Path) -> None:
    assert run("--studio", told.path, "backup", tmp_path / "old.tar")[0] == 0
    go_on(told.path, "later")
    run("--studio", told.path, "verify", "--save-head", tmp_path / "newer.json")
    code, out, _ = run("restore", tmp_path / "old.tar", tmp_path / "again")
    assert code == 0 and "their histories would part" in out
    code, kinds, _, words = verified(run, "--studio", tmp_path / "again", "verify", "--head", tmp_path / "newer.json")
    assert (code, kinds) == (1, ["cut tail"]) and "older copy" in words


def test_a_clock_that_ran_backwards_is_said_and_is_no_fault(
    run: Run, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vesica.ledger import store

    with monkeypatch.context() as patch:
        patch.setattr(store, "now", lambda: "2001-01-01T00:00:00Z")
        go_on(told.path, "before")
    code, kinds, remarks, words = verified(run, "--studio", told.path, "verify")
    assert (code, kinds) == (0, [])
    assert any(f"backwards before turn {told.size + 1}" in one for one in remarks) and "backwards" in words


def test_a_time_that_is_yet_to_come_is_said(run: Run, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesica.ledger import store

    with monkeypatch.context() as patch:
        patch.setattr(store, "now", lambda: "2999-01-01T00:00:00Z")
        go_on(told.path, "after")
    assert any("has not reached" in one for one in verified(run, "--studio", told.path, "verify")[2])


def test_the_head_of_another_studio_is_found(run: Run, told: Told, tmp_path: Path) -> None:
    with Studio.create(tmp_path / "other") as other:
        other.new("sea")
        (tmp_path / "other.json").write_bytes(other.ledger.head().to_bytes())
    assert verified(run, "--studio", told.path, "verify", "--head", tmp_path / "other.json")[:2] == (
        1,
        ["foreign signature"],
    )


@given(size=st.one_of(st.integers(-3, 9), st.just(2**64), st.just(True), st.just("1")))
def test_a_head_with_another_size_is_refused_or_found(tmp_path_factory: pytest.TempPathFactory, size: object) -> None:
    folder = tmp_path_factory.mktemp("studio")
    key = keys.make(folder / "key.pem", b"x")
    ledger = Ledger(folder / "ledger.db", create=lambda: key.public)
    for _ in range(3):
        ledger.append(key, "sea", PERSON, Locked("all"))
    told = json.loads(ledger.head().to_bytes())
    try:
        head = Head.from_bytes(json.dumps({**told, "size": size}).encode())
    except VesicaError:
        return
    assert (examine(ledger, None, head=head).faults == []) == (size == 3 and size is not True)


# Keys


def test_after_a_rotation_old_signatures_hold_and_new_turns_are_signed_with_the_new_key(run: Run, told: Told) -> None:
    code, out, _ = run("--studio", told.path, "key", "rotate", "--json")
    rotated = json.loads(out)
    assert code == 0 and rotated["old"] != rotated["new"]
    go_on(told.path, "later")
    code, kinds, remarks, _ = verified(run, "--studio", told.path, "verify", "--head", told.head)
    assert (code, kinds) == (0, []) and any("key was exchanged" in one for one in remarks)
    with Studio(told.path) as studio:
        rows = list(studio.ledger.rows())
        assert [keys.fingerprint(row.public) for row in rows] == [rotated["old"]] * (told.size + 1) + [rotated["new"]]
        assert studio.works()[0].name == "story" and len(studio.works()) == 1
        head = Head.from_bytes(studio.ledger.head().to_bytes())
        assert studio.verify(head=head) == []
    assert json.loads(run("--studio", told.path, "key", "--json")[1])["key"] == rotated["new"]
    pems = sorted((told.path / "keys").iterdir())
    assert [path.name for path in pems] == ["ledger.pem"] and pems[0].stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in pems[0].read_bytes()


def test_verify_accepts_no_other_hand_over(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hand-over needs both keys: signed by the old one, agreed to by the new one, at that place of the chain."""
    thief, new = keys.make(tmp_path / "thief.pem", b"x"), keys.make(tmp_path / "new.pem", b"x")
    before = shutil.copytree(told.path, tmp_path / "before")

    def kinds(forge: Callable[[Ledger, keys.Key], None], signer: keys.Key | None = None) -> set[str]:
        shutil.rmtree(told.path)
        shutil.copytree(before, told.path)
        with Studio(told.path) as studio, monkeypatch.context() as patch:
            key = keys.open_key(told.path / "keys" / "ledger.pem", b"only for tests")
            patch.setattr(Ledger, "signer", lambda self: (signer or key).public)
            forge(studio.ledger, key)
            return {fault.kind for fault in studio.verify()}

    def by_the_thief(ledger: Ledger, key: keys.Key) -> None:
        ledger.rotate(thief, lambda: thief, PERSON)
        ledger.append(thief, "story", PERSON, Locked("all"))

    def without_the_new_key(ledger: Ledger, key: keys.Key) -> None:
        ledger.append(key, "", PERSON, Rotated(new.public.hex(), "00" * 64))

    def at_another_place(ledger: Ledger, key: keys.Key) -> None:
        proof = new.sign(rotation("00" * 32, key.public, new.public))
        ledger.append(key, "", PERSON, Rotated(new.public.hex(), proof.hex()))

    def nonsense(ledger: Ledger, key: keys.Key) -> None:
        ledger.append(key, "", PERSON, Rotated("zz", "zz"))

    assert kinds(by_the_thief, signer=thief) == {"foreign signature"}
    for forge in (without_the_new_key, at_another_place, nonsense):
        assert kinds(forge) == {"foreign signature"}, forge.__name__


def test_a_program_that_still_holds_the_old_key_goes_on_with_the_new_one(told: Told) -> None:
    with Studio(told.path) as first, Studio(told.path) as second:
        first.branch("story", "a")
        second.rotate_key()
        first.branch("story", "b")
        first.rotate_key()
        second.branch("story", "c")
        assert first.verify() == [] and len(second.examine().signers) == 3


@pytest.mark.parametrize("cut_off", ["before the turn", "after the turn"])
def test_a_rotation_that_was_cut_off_leaves_a_studio_that_goes_on(
    told: Told, cut_off: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Studio(told.path) as studio, monkeypatch.context() as patch:
        if cut_off == "before the turn":
            patch.setattr(Ledger, "_add", lambda *_, **__: 1 // 0)
        else:
            patch.setattr(Path, "replace", lambda *_: 1 // 0)
            real = keys.write_secret
            patch.setattr(keys, "write_secret", lambda path, data, **_: path.write_bytes(data) or real)
        with pytest.raises(ZeroDivisionError):
            studio.rotate_key()
    assert (told.path / "keys" / "ledger.next.pem").exists()
    with Studio(told.path) as studio:
        studio.branch("story", "later")
        studio.rotate_key()
        studio.branch("story", "later-still")
        assert studio.verify() == []
        assert len(studio.examine().signers) == (2 if cut_off == "before the turn" else 3)
    assert [path.name for path in (told.path / "keys").iterdir()] == ["ledger.pem"]


def test_no_secret_is_told_in_output_errors_exports_or_backups(
    run: Run, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = b"only for tests"
    private = keys.open_key(told.path / "keys" / "ledger.pem", phrase)._private.private_bytes_raw()
    run("--studio", told.path, "export", "story", "--out", tmp_path / "out.txt")
    said = [
        run("--studio", told.path, *words)
        for words in (
            ["key"],
            ["key", "--json"],
            ["key", "rotate"],
            ["verify"],
            ["log", "story", "--json"],
            ["backup", tmp_path / "b.tar"],
            ["export", "--ledger", tmp_path / "l.jsonl", "--assets"],
        )
    ]
    monkeypatch.setenv("VESICA_PASSPHRASE", "a wrong passphrase")
    said.append(run("--studio", told.path, "branch", "story", "x"))
    assert said[-1][0] == 2 and "passphrase" in said[-1][2]
    words = "".join(out + err for _, out, err in said).encode()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (phrase, private, private.hex().encode(), b"a wrong passphrase", b"BEGIN PRIVATE"):
        assert not any(secret in data for data in (words, *files)), secret
    assert b"BEGIN ENCRYPTED" not in words + (tmp_path / "l.jsonl").read_bytes()


# A ledger as one file


@pytest.mark.parametrize("wish", [[], ["--facts"], ["--assets"]], ids=str)
def test_a_ledger_file_is_verified_without_its_studio(
    run: Run, told: Told, tmp_path: Path, wish: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledger.jsonl"
    assert run("--studio", told.path, "export", "--ledger", file, *wish)[0] == 0
    for private in (b"A secret title", b"a private source", b"One."):
        assert (private in file.read_bytes()) == bool(wish), private
    monkeypatch.setenv("VESICA_PASSPHRASE", "of another computer")
    shutil.rmtree(told.path)
    code, kinds, remarks, words = verified(run, "verify", "--ledger", file)
    assert (code, kinds) == (0, []) and f"All {told.size} turns" in words and "whose it is" in words
    assert bool(remarks) == (wish != ["--assets"])
    assert verified(run, "verify", "--ledger", file, "--head", told.head)[:2] == (0, [])


def test_a_ledger_file_holds_after_redaction_and_rotation(run: Run, told: Told, tmp_path: Path) -> None:
    with Studio(told.path) as studio:
        studio.rotate_key()
        studio.redact("story", studio.log("story")[1][1].id)
        studio.carry(tmp_path / "l.jsonl", facts=True, with_assets=True)
    code, kinds, remarks, _ = verified(run, "verify", "--ledger", tmp_path / "l.jsonl")
    assert (code, kinds) == (0, []) and len(remarks) == 2
    assert b"a private source" not in (tmp_path / "l.jsonl").read_bytes()


@pytest.mark.slow
def test_no_bit_of_a_ledger_file_changes_unseen(told: Told, tmp_path: Path) -> None:
    """Every seventh byte; what is only another way to write the same does not count."""
    with Studio(told.path) as studio:
        carry(studio.ledger, studio.assets, tmp_path / "l.jsonl", facts=True, with_assets=True)
    assert bits_unseen(tmp_path / "l.jsonl", every=7) == []


def test_hardly_a_bit_of_a_ledger_file_is_tried_and_none_changes_unseen(told: Told, tmp_path: Path) -> None:
    with Studio(told.path) as studio:
        carry(studio.ledger, studio.assets, tmp_path / "l.jsonl", facts=True, with_assets=True)
    assert bits_unseen(tmp_path / "l.jsonl", every=151) == []


def bits_unseen(path: Path, *, every: int) -> list[tuple[int, bytes]]:
    """Places where a flipped bit leaves other bytes that verify all the same."""
    data, unseen = path.read_bytes(), []
    whole = meaning(path)
    for place in range(0, len(data), every):
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
        try:
            file = LedgerFile(path)
        except VesicaError:
            continue
        if not examine(file, file if file.carries else None, withheld=not file.facts).faults and meaning(path) == whole:
            continue  # another way to write the same
        if not examine(file, file if file.carries else None, withheld=not file.facts).faults:
            unseen.append((place, data[place - 40 : place + 40]))
    path.write_bytes(data)
    return unseen


def meaning(path: Path) -> list[object]:
    file = LedgerFile(path)
    return [file.owner, *((row, sorted(file._leaves.items())) for row in file.rows()), sorted(file._intact.items())]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b"[]\n",
        b'"turn"\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"schema":"ledger-file/1","owner":"","facts":true,"assets":true}\n',
        b'{"schema":"ledger-file/1","owner":"00","facts":true,"assets":true}\n{"turns":1}\n',
        b'{"schema":"ledger-file/1","owner":"zz","facts":true,"assets":true}\n{"turns":0}\n',
        b'{"schema":"ledger-file/1","owner":"00","facts":1,"assets":1}\n{"asset":"../../x","parts":1}\n',
        b'{"schema":"ledger-file/1","owner":"00","facts":1,"assets":1}\n{"body":{},"link":"","leaves":[]}\n',
        b'{"schema":"ledger-file/1","owner":"00","facts":1,"assets":1}\n{"turns":0}\n{"more":1}\n',
        b'{"schema":"ledger-file/1","owner":"00","facts":1,"assets":1}\n{"turns":' + b"9" * 5000 + b"}\n",
    ],
)
def test_what_is_no_ledger_file_is_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "l.jsonl").write_bytes(data)
    with pytest.raises(VesicaError, match=r"not a ledger file|cut off"):
        LedgerFile(tmp_path / "l.jsonl")


@given(data=st.data())
def test_a_ledger_file_with_anything_in_it_is_verified_or_refused_and_never_breaks(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("file") / "l.jsonl"
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.just("00" * 32),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )
    turns = st.fixed_dictionaries(
        {
            "body": st.text() | values.map(json.dumps),
            "link": st.just("00" * 32),
            "signature": st.just("00" * 64),
            "public": st.just("00" * 32),
            "leaves": st.just({}) | st.dictionaries(st.text(max_size=3), st.tuples(st.just("00"), st.text())),
        }
    )
    lines = data.draw(st.lists(turns | values, max_size=3))
    first = {"schema": "ledger-file/1", "owner": "00" * 32, "facts": True, "assets": False}
    end = {"turns": len(lines)}
    path.write_text("".join(json.dumps(line) + "\n" for line in (first, *lines, end)))
    try:
        file = LedgerFile(path)
    except VesicaError:
        return
    assert bool(examine(file, None).faults) == bool(lines)


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # 16 GB of zeros that take no room
    with pytest.raises(VesicaError, match="not a ledger file"):
        LedgerFile(path)


def test_a_ledger_file_that_was_cut_off_says_so(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with Studio(told.path) as studio:
        studio.carry(path, facts=True, with_assets=True)
    data = path.read_bytes()
    for place in range(0, len(data) - 1, max(1, len(data) // 60)):
        path.write_bytes(data[:place])
        with pytest.raises(VesicaError, match=r"cut off|not a ledger file"):
            LedgerFile(path)


def test_a_full_disk_leaves_no_half_a_ledger_file(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Studio(told.path) as studio, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(OSError, match="No space"):
            studio.carry(tmp_path / "l.jsonl", facts=True, with_assets=True)
    assert not [path for path in tmp_path.iterdir() if "jsonl" in path.name]
