"""What was acknowledged survives kill -9 at random moments, and every way in which a power cut drops unsynced work."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from vesica.ledger import assets as assets_module
from vesica.ledger import keys
from vesica.ledger.assets import Assets
from vesica.ledger.store import Ledger
from vesica.ledger.verify import verify
from vesica.work import Created, Partner

WRITER = """
import sys
from pathlib import Path
from vesica.ledger import keys
from vesica.ledger.assets import Assets
from vesica.ledger.store import Ledger
from vesica.work import Offered, Partner
path, round_ = Path(sys.argv[1]), int(sys.argv[2])
key = keys.open_key(path / "ledger.pem", b"crash")
ledger, assets = Ledger(path / "ledger.db"), Assets(path / "assets")
for count in range(100000):
    asset = assets.put(f"{round_} {count} ".encode() * 5000, "image/png")
    print("asset", asset.digest, flush=True)
    turn = ledger.append(key, "sea", Partner("program"), Offered(asset, {"round": round_, "count": count}, {}))
    print("turn", turn.id, flush=True)
"""

ROUNDS = 200


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_two_hundred_rounds_of_kill_nine(tmp_path: Path) -> None:
    key = keys.make(tmp_path / "ledger.pem", b"crash")
    ledger = Ledger(tmp_path / "ledger.db", create=lambda: key.public)
    ledger.append(key, "sea", Partner("person"), Created("Sea"))
    ledger.close()
    chance = random.Random(9)
    acknowledged: dict[str, set[str]] = {"asset": set(), "turn": set()}
    for round_ in range(ROUNDS):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(round_)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout
        lines = [child.stdout.readline()]  # it writes now
        time.sleep(chance.uniform(0, 0.1))
        child.send_signal(signal.SIGKILL)
        lines += child.communicate()[0].splitlines()
        for line in lines:
            if line.endswith("\n") or len(line.split()) == 2:
                kind, name = line.split()
                if len(name) == 64:
                    acknowledged[kind].add(name)
    ledger, assets = Ledger(tmp_path / "ledger.db"), Assets(tmp_path / "assets")
    kept = {turn.id for _, turn in ledger.entries()}
    assert len(acknowledged["turn"]) > ROUNDS
    assert acknowledged["turn"] <= kept
    assert all(assets.intact(digest) for digest in acknowledged["asset"])
    assert verify(ledger, assets) == []


class Disk:
    """The calls of one asset's write, as a disk sees them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def after_power_cut(self, lost: set[int]) -> dict[str, bytes]:
        """The files that are there when the effects in ``lost`` never reached the disk."""
        data: dict[int, bytes] = {}
        names: dict[str, int] = {}
        for place, (kind, about) in enumerate(self.calls):
            if place in lost:
                continue
            if kind == "write":
                inode, name, content = about
                data[inode] = content
                names[name] = inode
            elif kind == "rename":
                old, new, inode = about
                names.pop(old, None)
                names[new] = inode
        return {name: data.get(inode, b"") for name, inode in names.items()}

    def losable(self, upto: int) -> list[int]:
        """Effects before call ``upto`` that no sync has made durable."""
        unsynced = []
        for place, (kind, about) in enumerate(self.calls[:upto]):
            if kind == "write":
                synced = any(k == "fsync" and a == about[0] for k, a in self.calls[place:upto])
            elif kind == "rename":
                synced = any(k == "fsync folder" for k, a in self.calls[place:upto])
            else:
                continue
            if not synced:
                unsynced.append(place)
        return unsynced


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Record the write, fsync, rename and folder-sync calls that the asset store really makes."""
    seen = Disk()
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        target = Path(f"/proc/self/fd/{handle}").readlink()
        if target.is_dir():
            seen.calls.append(("fsync folder", str(target)))
        else:
            seen.calls.append(("write", (os.fstat(handle).st_ino, target.name, target.read_bytes())))
            seen.calls.append(("fsync", os.fstat(handle).st_ino))
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        seen.calls.append(("rename", (self.name, target.name, self.stat().st_ino)))
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    yield seen


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the calls are read from /proc, which is not here")
def test_no_power_cut_tears_an_asset_or_loses_one_that_was_acknowledged(tmp_path: Path, disk: Disk) -> None:
    assets = Assets(tmp_path)
    asset = assets.put(b"every word", "text/plain")
    kinds = [kind for kind, _ in disk.calls if kind != "fsync folder"]
    assert kinds == ["write", "fsync", "rename"]
    for upto in range(len(disk.calls) + 1):
        losable = disk.losable(upto)
        for size in range(len(losable) + 1):
            for lost in combinations(losable, size):
                gone = {*lost, *range(upto, len(disk.calls))}
                files = disk.after_power_cut(gone)
                assert files.get(asset.digest, b"every word") == b"every word", "a torn asset under its final name"
                if upto == len(disk.calls):
                    assert asset.digest in files, "an acknowledged asset was lost"


def test_the_store_that_forgets_to_sync_its_folder_is_caught(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model of a power cut is itself held to account: it must see the loss that a missing sync allows."""
    monkeypatch.setattr(assets_module, "sync_folder", lambda folder: None)
    asset = Assets(tmp_path).put(b"every word", "text/plain")
    files = disk.after_power_cut(set(disk.losable(len(disk.calls))))
    assert asset.digest not in files
