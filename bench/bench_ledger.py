"""What the record costs: a turn, the 10,000th turn against the 100th, and verifying.

Run: python bench/bench_ledger.py [TURNS]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from vesica.ledger import keys
from vesica.ledger.assets import Assets
from vesica.ledger.store import Ledger
from vesica.ledger.verify import verify
from vesica.work import Created, Imported, Offered, Partner


def main(turns: int) -> None:
    """Append ``turns`` turns with an asset each, and print times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        key = keys.make(path / "ledger.pem", b"bench")
        ledger, assets = Ledger(path / "ledger.db", create=lambda: key.public), Assets(path / "assets")
        person = Partner("person")
        ledger.append(key, "sea", person, Created("Sea"))
        times = []
        size = 0
        for count in range(turns):
            data = count.to_bytes(4, "big") * 5000
            size += len(data)
            began = time.perf_counter()
            asset = assets.put(data, "image/png")
            act = Offered(asset, {"steps": count}, {}) if count else Imported(asset, asset, None)
            ledger.append(key, "sea", person, act, seed=count)
            times.append(time.perf_counter() - began)
        early, late = statistics.median(times[50:150]), statistics.median(times[-100:])
        print(f"a turn with a new 20 kB asset: {statistics.median(times) * 1000:.1f} ms")
        print(f"turns {turns - 99} to {turns} against 51 to 150: {late / early:.2f} times")
        began = time.perf_counter()
        faults = verify(ledger, assets)
        took = time.perf_counter() - began
        print(f"verify: {turns / took:.0f} turns/s with {size / took / 1e6:.0f} MB/s of assets, {len(faults)} faults")
        ledger.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
