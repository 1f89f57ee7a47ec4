"""The record: what was acknowledged stays, and whatever is changed afterwards is found and named."""

import io
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesica.errors import VesicaError
from vesica.ledger import assets as assets_module
from vesica.ledger import keys
from vesica.ledger.assets import Assets
from vesica.ledger.canonical import canonical, parse
from vesica.ledger.chain import Head
from vesica.ledger.keys import Key
from vesica.ledger.store import VERSION, Ledger
from vesica.ledger.turns import seal, unseal
from vesica.ledger.verify import verify
from vesica.work import (
    PROGRAM,
    Asset,
    Branched,
    Created,
    Edited,
    Imported,
    Locked,
    Offered,
    Partner,
    Picked,
    Redacted,
    Undone,
    Work,
)

PERSON = Partner("person")
ENGINE = Partner("engine", "image.field", "1", {"threads": 2})


class Desk:
    """A ledger with assets and a key, on a real disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = keys.make(path / "keys" / "ledger.pem", b"secret")
        self.ledger = Ledger(path / "ledger.db", create=lambda: self.key.public)
        self.assets = Assets(path / "assets")

    def story(self) -> list[str]:
        """Begin, bring in, offer, pick; the ids of the four turns."""
        first, second = self.assets.put(b"a photograph", "image/png"), self.assets.put(b"a dream", "image/png")
        map_ = self.assets.put(b"a map", "application/octet-stream")
        turns = [self.ledger.append(self.key, "sea", PERSON, Created("Sea"))]
        turns.append(self.ledger.append(self.key, "sea", PERSON, Imported(first, first, map_, "p.png", "mine")))
        offer = Offered(second, {"steps": 3}, {"picture": first})
        turns.append(self.ledger.append(self.key, "sea", ENGINE, offer, seed=7))
        turns.append(self.ledger.append(self.key, "sea", PROGRAM, Picked(turns[-1].id, second, map_)))
        return [turn.id for turn in turns]

    def faults(self, head: Head | None = None) -> list[str]:
        """The kinds of faults found."""
        return [fault.kind for fault in verify(self.ledger, self.assets, head=head)]

    def tamper(self, statement: str, *values: object) -> None:
        """Change the file behind the ledger's back."""
        with sqlite3.connect(self.path / "ledger.db") as db:
            db.execute(statement, values)
        db.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)


@given(json_values)
def test_canonical_json_reads_back_and_is_its_own_canonical_form(value: object) -> None:
    assert canonical(parse(canonical(value))) == canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, "\ud800"])
def test_what_has_no_one_form_in_json_is_refused_in_a_sentence(value: object) -> None:
    with pytest.raises(VesicaError, match="can't keep"):
        canonical({"value": value})


digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
some_assets = st.builds(Asset, digests, st.sampled_from(["image/png", "text/plain"]), st.integers(0, 2**40))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
acts = st.one_of(
    st.builds(Created, texts),
    st.builds(Imported, some_assets, some_assets, some_assets, texts, texts),
    st.builds(Offered, some_assets, st.dictionaries(texts, st.integers(0, 9)), st.dictionaries(texts, some_assets)),
    st.builds(Picked, digests, some_assets, some_assets),
    st.builds(Edited, some_assets, some_assets, texts),
    st.builds(Locked, texts),
    st.builds(Undone, digests, st.none() | some_assets, st.none() | some_assets, st.tuples(texts)),
    st.just(Branched()),
    st.builds(Redacted, st.dictionaries(digests, st.tuples(texts)), texts),
)


@given(acts, st.none() | st.integers(0, 2**32 - 1), st.lists(digests, max_size=2).map(tuple))
def test_a_turn_reads_back_as_it_was_written(act: object, seed: int | None, parents: tuple[str, ...]) -> None:
    sealed = seal("sea", "main", parents, ENGINE, act, seed=seed, time="2026-01-01T00:00:00Z")  # type: ignore[arg-type]
    assert unseal(sealed.body, {leaf.hash: leaf.value for leaf in sealed.leaves}) == sealed.turn


def test_the_same_act_sealed_twice_has_two_ids_as_its_leaves_are_salted() -> None:
    one, two = (seal("sea", "main", (), PERSON, Created("Sea"), seed=None, time="t") for _ in range(2))
    assert one.turn.id != two.turn.id


def test_an_untouched_story_has_no_faults_and_folds_to_the_picked_take(desk: Desk) -> None:
    ids = desk.story()
    work = desk.ledger.work("sea")
    assert desk.faults(desk.ledger.head()) == []
    assert (work.tip, work.title, work.changed) == (ids[3], "Sea", ids[3])
    assert work.content and desk.assets.get(work.content) == b"a dream"
    assert [row.id for row, _ in desk.ledger.entries("sea")] == ids


def test_a_story_survives_closing_and_opening(desk: Desk) -> None:
    ids = desk.story()
    desk.ledger.close()
    again = Ledger(desk.path / "ledger.db")
    assert [turn.id for _, turn in again.entries()] == ids
    assert again.head().genuine


def test_a_changed_asset_is_found(desk: Desk) -> None:
    desk.story()
    digest = next(name for name in desk.assets.names() if desk.assets.get(name) == b"a dream")
    desk.assets.path(digest).write_bytes(b"a drean")
    assert desk.faults() == ["changed asset"]
    with pytest.raises(VesicaError, match="was changed on the disk"):
        desk.assets.get(digest)


def test_a_missing_asset_is_found(desk: Desk) -> None:
    desk.story()
    desk.assets.path(next(desk.assets.names())).unlink()
    assert desk.faults() == ["missing asset"]


def test_a_changed_body_is_found_wherever_a_bit_flips(desk: Desk) -> None:
    ids = desk.story()
    body = desk.ledger._row(ids[2]).body
    for place in range(0, len(body), 37):
        flipped = bytes([*body[:place], body[place] ^ 4, *body[place + 1 :]])
        desk.tamper("UPDATE turns SET body = ? WHERE id = ?", flipped, ids[2])
        assert "changed turn" in desk.faults(), place
    desk.tamper("UPDATE turns SET body = ? WHERE id = ?", body, ids[2])
    assert desk.faults() == []


def test_a_changed_leaf_is_found(desk: Desk) -> None:
    desk.story()
    desk.tamper("UPDATE leaves SET value = ? WHERE value = ?", b'{"steps":4}', b'{"steps":3}')
    assert "changed turn" in desk.faults()


def test_a_leaf_taken_out_without_a_turn_that_says_so_is_found(desk: Desk) -> None:
    desk.story()
    desk.tamper("DELETE FROM leaves WHERE value = ?", b'{"steps":3}')
    assert "changed turn" in desk.faults()


def test_a_turn_cut_from_the_middle_is_found(desk: Desk) -> None:
    ids = desk.story()
    desk.tamper("DELETE FROM turns WHERE id = ?", ids[1])
    assert "changed turn" in desk.faults()


def test_a_cut_tail_shows_against_an_exported_head_only(desk: Desk) -> None:
    ids = desk.story()
    head = Head.from_bytes(desk.ledger.head().to_bytes())
    desk.tamper("DELETE FROM turns WHERE id = ?", ids[3])
    assert desk.faults() == []
    assert desk.faults(head) == ["cut tail"]


def test_a_rewritten_history_shows_against_an_exported_head(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.story()
    head = desk.ledger.head()
    desk.ledger.close()
    (tmp_path / "ledger.db").unlink()
    desk.ledger = Ledger(tmp_path / "ledger.db", create=lambda: desk.key.public)
    desk.story()
    assert desk.faults(head) == ["two histories"]


def test_a_foreign_signature_is_found(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.story()
    foreign: Key = keys.make(tmp_path / "other.pem", b"secret")
    with pytest.raises(VesicaError, match="exchanged meanwhile"):
        desk.ledger.append(foreign, "sea", PERSON, Locked("all"))
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "signer", lambda self: foreign.public)
        for _ in range(3):
            desk.ledger.append(foreign, "sea", PERSON, Locked("all"))
    assert desk.faults() == ["foreign signature"], "named once, however long it goes on"


def test_a_signature_of_other_bytes_is_found(desk: Desk) -> None:
    ids = desk.story()
    desk.tamper("UPDATE turns SET signature = ? WHERE id = ?", bytes(64), ids[1])
    assert desk.faults() == ["foreign signature"]


def test_a_changed_derived_state_is_found(desk: Desk) -> None:
    ids = desk.story()
    desk.tamper("UPDATE states SET value = ? WHERE turn = ?", canonical(Work("sea")), ids[3])
    assert desk.faults() == ["derived state"]


@given(
    column=st.sampled_from(["id", "body", "link", "signature", "public", "work", "branch"]),
    place=st.integers(0, 3),
    value=st.one_of(
        st.binary(max_size=80), st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.integers(-9, 9)
    ),
)
def test_whatever_is_written_over_a_column_is_found_and_never_breaks_verify(
    tmp_path_factory: pytest.TempPathFactory, column: str, place: int, value: object
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    ids = desk.story()
    head = desk.ledger.head()
    desk.tamper(f"UPDATE turns SET {column} = ? WHERE id = ?", value, ids[place])
    assert {"changed turn", "foreign signature"} & {*desk.faults(head)}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "turn",
        {"schema": "turn/1", "act": "offered/1"},
        {"schema": "turn/1", "act": "created/1", "facts": {}, "leaves": {"title": "x"}},
        {"schema": "turn/1", "act": "flown/9", "facts": {}, "leaves": {}},
        {"schema": "turn/1", "act": ["created/1"], "facts": {}, "leaves": {}},
    ],
    ids=str,
)
def test_bytes_that_are_no_turn_are_a_sentence_and_not_a_traceback(desk: Desk, body: object) -> None:
    ids = desk.story()
    desk.tamper("UPDATE turns SET body = ? WHERE id = ?", canonical(body), ids[1])
    with pytest.raises(VesicaError, match=r"can't be read|does not know"):
        list(desk.ledger.entries("sea"))
    assert "changed turn" in desk.faults()


def test_a_break_in_the_chain_is_named_once(desk: Desk) -> None:
    ids = desk.story()
    for _ in range(20):
        desk.ledger.append(desk.key, "sea", PERSON, Branched())
    desk.tamper("DELETE FROM turns WHERE id = ?", ids[2])
    assert len([kind for kind in desk.faults() if kind == "changed turn"]) < 30
    chain = [fault for fault in verify(desk.ledger, desk.assets) if "chain breaks" in fault.sentence]
    assert chain and ids[3][:12] in chain[0].sentence


def test_branches_part_and_both_go_on(desk: Desk) -> None:
    ids = desk.story()
    desk.ledger.append(desk.key, "sea", PERSON, Branched(), branch="night", parent=ids[1])
    assert desk.ledger.work("sea").branch == "night"
    content = desk.ledger.work("sea").content
    assert content and desk.assets.get(content) == b"a photograph"
    assert list(desk.ledger.branches("sea")) == ["main", "night"]
    assert desk.ledger.work("sea", "main").tip == ids[3]
    assert desk.faults() == []


def test_redaction_takes_every_byte_out_and_the_chain_still_verifies(desk: Desk) -> None:
    ids = desk.story()
    secret = b'{"steps":3}'
    leaves = {ids[2]: ("params", "content"), ids[3]: ("content",)}
    desk.ledger.redact(desk.key, "sea", PERSON, Redacted(leaves, "private"))
    desk.ledger.scrub()
    assert desk.faults() == []
    turn = desk.ledger.turn(ids[2])
    assert isinstance(turn.act, Offered) and turn.act.params is None and turn.act.content is None
    for path in desk.path.glob("ledger.db*"):
        assert secret not in path.read_bytes(), path


def test_a_newer_ledger_is_left_alone(desk: Desk) -> None:
    desk.story()
    desk.ledger.close()
    desk.tamper(f"PRAGMA user_version={VERSION + 1}")
    before = (desk.path / "ledger.db").read_bytes()
    with pytest.raises(VesicaError, match="newer vesica"):
        Ledger(desk.path / "ledger.db")
    assert (desk.path / "ledger.db").read_bytes() == before


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(os.urandom(5000))
    with pytest.raises(VesicaError, match="damaged"):
        Ledger(tmp_path / "ledger.db")


def test_a_refused_expectation_leaves_no_turn(desk: Desk) -> None:
    desk.story()
    size = desk.ledger.head().size

    def never(work: Work) -> None:
        raise VesicaError("changed meanwhile")

    with pytest.raises(VesicaError):
        desk.ledger.append(desk.key, "sea", PERSON, Locked("all"), expect=never)
    assert desk.ledger.head().size == size


def test_turns_are_found_by_their_first_digits(desk: Desk) -> None:
    ids = desk.story()
    assert desk.ledger.find(ids[2][:8], "sea").id == ids[2]
    for wrong in ("", "zz", "0" * 64, "%", "_" * 8, ids[2][:3]):
        with pytest.raises(VesicaError, match="begins"):
            desk.ledger.find(wrong)


@given(st.binary(max_size=5000))
def test_a_stream_gets_the_same_name_as_its_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    assets = Assets(tmp_path_factory.mktemp("assets"))
    assert assets.put_stream(io.BytesIO(data), "image/png") == assets.put(data, "image/png")
    assert [path.name for path in assets.root.rglob("*") if path.is_file()] == list(assets.names())


def test_keeping_the_same_bytes_again_mends_a_damaged_asset(tmp_path: Path) -> None:
    assets = Assets(tmp_path)
    asset = assets.put(b"words", "text/plain")
    assets.path(asset.digest).write_bytes(b"wor")
    assert assets.put(b"words", "text/plain") == asset
    assert assets.get(asset) == b"words"


def test_an_asset_whose_writer_was_killed_before_its_name_was_durable_is_made_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = Assets(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(assets_module, "sync_folder", lambda folder: None)
        asset = assets.put(b"words", "text/plain")
    synced: list[Path] = []
    monkeypatch.setattr(assets_module, "sync_folder", synced.append)
    assets.put(b"words", "text/plain")
    assert {assets.path(asset.digest).parent, assets.root} <= {*synced}


def test_a_removed_asset_s_bytes_are_overwritten_and_not_one_more_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = Assets(tmp_path)
    asset = assets.put(b"secret" * 300_000, "text/plain")
    path = assets.path(asset.digest)
    (tmp_path / "other name").hardlink_to(path)
    assets.remove(asset.digest)
    assert not path.exists()
    assert (tmp_path / "other name").read_bytes() == bytes(asset.size)


def test_what_killed_writers_left_can_be_swept(tmp_path: Path) -> None:
    assets = Assets(tmp_path)
    asset = assets.put(b"words", "text/plain")
    for name in (f".{asset.digest}.abc.part", ".arriving.abc"):
        (assets.path(asset.digest).parent / name if "part" in name else tmp_path / name).write_bytes(b"secret")
    assets.sweep()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [assets.path(asset.digest)]


def test_a_ledger_that_a_crash_left_in_its_first_moment_is_built(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"")
    key = keys.make(tmp_path / "key.pem", b"secret")
    ledger = Ledger(tmp_path / "ledger.db", create=lambda: key.public)
    assert ledger.owner == key.public
    ledger.close()

    def never() -> bytes:
        raise AssertionError("a ledger that is there gets no other owner")

    assert Ledger(tmp_path / "ledger.db", create=never).owner == key.public


def test_a_passphrase_is_made_once_though_two_want_it_and_a_keyring_that_came_later_is_tried_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VESICA_PASSPHRASE")
    kept: dict[str, bytes] = {}
    monkeypatch.setattr(keys, "_keyring_passphrase", lambda make: kept.get("phrase"))
    first = keys.passphrase(tmp_path)
    made = keys.make(tmp_path / "ledger.pem", first)
    with pytest.raises(FileExistsError):
        keys.write_secret(tmp_path / "passphrase", b"a second one", first=True)
    (tmp_path / "passphrase").write_bytes(b"one that was made while the keyring was locked")
    with pytest.raises(VesicaError, match="does not open"):
        keys.unlock(tmp_path / "ledger.pem", tmp_path)
    kept["phrase"] = first
    assert keys.unlock(tmp_path / "ledger.pem", tmp_path)[0].public == made.public


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = Assets(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        assets.put(b"words", "text/plain")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_key_is_private_encrypted_and_opens_only_with_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.pem"
    made = keys.make(path, b"right")
    assert b"ENCRYPTED" in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.open_key(path, b"right").fingerprint == made.fingerprint
    with pytest.raises(VesicaError, match="passphrase"):
        keys.open_key(path, b"wrong")
    path.write_bytes(b"not a key")
    with pytest.raises(VesicaError):
        keys.open_key(path, b"right")


def test_without_a_keyring_the_passphrase_lies_outside_the_studio_and_stays_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VESICA_PASSPHRASE")
    monkeypatch.setattr(keys, "_keyring_passphrase", lambda make: None)
    first = keys.passphrase(tmp_path / "config")
    assert len(first) >= 32
    assert keys.passphrase(tmp_path / "config") == first
    assert (tmp_path / "config" / "passphrase").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"schema":"head/1"}', b"[" * 100_000])
def test_what_is_no_head_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(VesicaError, match="not a ledger head"):
        Head.from_bytes(data)


def test_where_a_work_stands_is_asked_of_the_index_and_never_of_all_its_turns(desk: Desk) -> None:
    """Appending the 10,000th turn must cost what the 100th does: the steps of SQLite's machine are counted."""
    costs = []
    desk.story()
    for _ in range(2):
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        desk.ledger._db.set_progress_handler(step, 1)
        desk.ledger.append(desk.key, "sea", PERSON, Branched())
        desk.ledger._db.set_progress_handler(None, 0)
        costs.append(steps)
        for count in range(300):
            desk.ledger.append(desk.key, "sea", PERSON, Branched(), branch=("main", "night")[count % 2])
    assert costs[1] < 1.5 * costs[0]
    assert desk.ledger.work("sea").branch == "night" and desk.faults() == []
