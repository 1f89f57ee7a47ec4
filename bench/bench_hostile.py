"""What importing each hostile file costs, by class: how many are refused, the longest, the largest; then honest ones.

Run: python bench/bench_hostile.py [CLASS]
"""

import os
import sys
import tempfile
from pathlib import Path

from hostile_files import CLASSES, HONEST, MEMORY, SECONDS, Ended, Hostile, measured, studio_in

TRIES = 3
"""Of a file that took too long: on a shared computer others slow a processor's second too, and the least is its own."""


def ended(hostile: Hostile) -> Ended:
    """How importing a file into a studio of its own ends."""
    tries = [imported(hostile)]
    while tries[-1].seconds > SECONDS and len(tries) < TRIES:
        tries.append(imported(hostile))
    return min(tries, key=lambda end: end.seconds)


def imported(hostile: Hostile) -> Ended:
    """How one import ends."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VESICA_CONFIG"] = f"{folder}/config"
        studio_in(Path(folder))
        return measured(hostile, Path(folder))


def main(only: str) -> None:
    """Print a table, what is over its bounds, and the cost of what is large and well meant."""
    os.environ["VESICA_PASSPHRASE"] = "bench"
    print("class              files  refused  longest  most memory  the longest")
    over = []
    for kind, files in CLASSES.items():
        if only not in kind:
            continue
        ends = {name: ended(hostile) for name, hostile in files.items()}
        over += [
            name for name, end in ends.items() if end.seconds > SECONDS or end.peak > MEMORY or end.code not in (0, 2)
        ]
        refused = sum(end.code == 2 for end in ends.values())
        slowest, largest = max(ends, key=lambda name: ends[name].seconds), max(end.peak for end in ends.values())
        print(
            f"{kind:<17} {len(ends):6} {refused:8} {ends[slowest].seconds:6.2f} s {largest >> 20:9} MB  {slowest}",
            flush=True,
        )
    print(f"over {SECONDS} s of processor time or {MEMORY >> 20} MB: {', '.join(over) or 'none'}")
    for name, honest in HONEST.items() if not only else ():
        end = ended(honest)
        print(f"{name}: {end.seconds:.2f} s, {end.peak >> 20} MB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
