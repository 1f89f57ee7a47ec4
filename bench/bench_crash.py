"""What kill -9 at random moments leaves: rounds, acknowledged turns and assets, and how many of them were lost.

Run: python bench/bench_crash.py [ROUNDS]
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main(rounds: int) -> None:
    """Kill a writer ``rounds`` times, and count."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        key = keys.make(path / "ledger.pem", b"crash")
        ledger = Ledger(path / "ledger.db", create=lambda: key.public)
        ledger.append(key, "sea", Partner("person"), Created("Sea"))
        ledger.close()
        chance, acknowledged = random.Random(9), {"asset": set[str](), "turn": set[str]()}
        for round_ in range(rounds):
            child = subprocess.Popen(
                [sys.executable, "-c", WRITER, folder, str(round_)], stdout=subprocess.PIPE, text=True
            )
            assert child.stdout
            lines = [child.stdout.readline()]  # it writes now
            time.sleep(chance.uniform(0, 0.1))
            child.send_signal(signal.SIGKILL)
            for line in lines + child.communicate()[0].splitlines():
                kind, _, name = line.strip().partition(" ")
                if len(name) == 64:
                    acknowledged[kind].add(name)
        ledger, assets = Ledger(path / "ledger.db"), Assets(path / "assets")
        lost = acknowledged["turn"] - {turn.id for _, turn in ledger.entries()}
        gone = [digest for digest in acknowledged["asset"] if not (assets.has(digest) and assets.intact(digest))]
        faults = verify(ledger, assets)
        ledger.close()
    print(f"rounds of kill -9: {rounds}; acknowledged turns: {len(acknowledged['turn'])}, lost: {len(lost)}")
    print(f"acknowledged assets: {len(acknowledged['asset'])}, lost or torn: {len(gone)}; faults: {len(faults)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
