"""What the record costs and withstands.

Prints: the cost of a turn, and of the last against the 100th; the speed of verifying, in the studio and from a ledger
file; of a backup and a second one; bit flips tried in turns, and missed.

Run: python bench/bench_ledger.py [--turns 10000] [--gb 0] [--flips 200]
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vesica.ledger import keys
from vesica.ledger.assets import Assets
from vesica.ledger.backup import back_up
from vesica.ledger.carried import LedgerFile, carry
from vesica.ledger.store import Ledger
from vesica.ledger.verify import examine
from vesica.work import Created, Imported, Offered, Partner

PIECE = 8 << 20
"""Bytes of each of the large assets."""

Value = TypeVar("Value")


def timed(call: Callable[[], Value]) -> tuple[Value, float, float]:
    """What ``call`` gives, with seconds on the wall and of the processor."""
    began, worked = time.perf_counter(), time.process_time()
    value = call()
    return value, time.perf_counter() - began, time.process_time() - worked


def fill(ledger: Ledger, assets: Assets, key: keys.Key, turns: int, gb: float) -> list[tuple[float, float]]:
    """Append ``turns`` turns, each with an asset; seconds of each, on the wall and of the processor.

    Assets have 20 kB, and from the 100th turn on as many as needed have 8 MB, until all have ``gb`` GB.
    """
    person, large = Partner("person"), int(gb * 1e9 / PIECE)
    ledger.append(key, "sea", person, Created("Sea"))
    times = []
    for count in range(turns):
        heavy = 200 <= count < 200 + large
        asset = assets.put(count.to_bytes(4, "big") * (PIECE // 4 if heavy else 5000), "image/png")
        act = Offered(asset, {"steps": count}, {}) if count else Imported(asset, asset, None)
        _, wall, work = timed(lambda act=act, count=count: ledger.append(key, "sea", person, act, seed=count))  # type: ignore[misc]
        times.append((wall, work))
    return times


def missed(ledger: Ledger, tries: int) -> int:
    """How many of ``tries`` bits flipped at random in what turns say verifying does not find."""
    chance, unseen = random.Random(1), 0
    for _ in range(tries):
        table, column, name = chance.choice(
            [
                ("turns", "body", "id"),
                ("turns", "signature", "id"),
                ("turns", "public", "id"),
                ("leaves", "value", "hash"),
            ]
        )
        rows = ledger._db.execute(f"SELECT {name}, {column} FROM {table}").fetchall()
        key, data = rows[chance.randrange(len(rows))]
        place = chance.randrange(len(data))
        flipped = data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
        ledger._db.execute(f"UPDATE {table} SET {column} = ? WHERE {name} = ?", (flipped, key))
        unseen += not examine(ledger, None).faults
        ledger._db.execute(f"UPDATE {table} SET {column} = ? WHERE {name} = ?", (data, key))
    return unseen


def flips(tries: int) -> int:
    """``missed`` on a ledger of 30 turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        key = keys.make(path / "keys" / "ledger.pem", b"bench")
        ledger, assets = Ledger(path / "ledger.db", create=lambda: key.public), Assets(path / "assets")
        fill(ledger, assets, key, 29, 0)
        unseen = missed(ledger, tries)
        ledger.close()
    return unseen


def main(turns: int, gb: float, tries: int) -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "studio"
        key = keys.make(path / "keys" / "ledger.pem", b"bench")
        ledger, assets = Ledger(path / "ledger.db", create=lambda: key.public), Assets(path / "assets")
        times = fill(ledger, assets, key, turns, gb)
        (wall, work), (first, first_work), (last, last_work) = (
            tuple(statistics.median(column) for column in zip(*part, strict=True))
            for part in (times, times[50:150], times[-100:])
        )
        print(f"appending a turn: {wall * 1000:.1f} ms ({work * 1000:.2f} ms of the processor)")
        print(
            f"turns {turns - 99} to {turns} against 51 to 150: {last / first:.2f} times the time, "
            f"{last_work / first_work:.2f} times the processor's"
        )
        found, chain, chain_work = timed(lambda: examine(ledger, None))
        print(f"verify, turns alone: {turns / chain:.0f} turns/s ({turns / chain_work:.0f} a processor's second)")
        found, took, _ = timed(lambda: examine(ledger, assets))
        speed = found.size / max(took - chain, 1e-9) / 1e6
        print(f"verify: {took:.1f} s for {found.turns} turns and {found.size / 1e9:.2f} GB, {len(found.faults)} faults")
        print(f"verify, assets alone: {speed:.0f} MB/s")
        _, took, _ = timed(lambda: carry(ledger, assets, path.parent / "l.jsonl", facts=True, with_assets=False))
        file, read, _ = timed(lambda: LedgerFile(path.parent / "l.jsonl"))
        found, checked, _ = timed(lambda: examine(file, None))
        size = (path.parent / "l.jsonl").stat().st_size
        print(
            f"a ledger file: {size / 1e6:.1f} MB, written in {took:.1f} s, read and verified at "
            f"{turns / (read + checked):.0f} turns/s, {len(found.faults)} faults"
        )
        ledger.close()
        kept, took, _ = timed(lambda: back_up(path, path.parent / "b.tar"))
        again, second, _ = timed(lambda: back_up(path, path.parent / "b.tar"))
        print(
            f"backup: {kept.size / 1e9:.2f} GB in {took:.1f} s; a second one adds {again.added} files in {second:.1f} s"
        )
    print(f"bits flipped in turns: {tries}, missed: {flips(tries)}")


if __name__ == "__main__":
    told = argparse.ArgumentParser()
    told.add_argument("--turns", type=int, default=10_000)
    told.add_argument("--gb", type=float, default=0.0)
    told.add_argument("--flips", type=int, default=200)
    wish = told.parse_args()
    main(wish.turns, wish.gb, wish.flips)
