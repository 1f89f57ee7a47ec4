"""What importing each hostile file costs, by class: how many are refused, the longest, the largest.

Run: python bench/bench_hostile.py [CLASS]
"""

import os
import sys
import tempfile
from pathlib import Path

from hostile_files import CLASSES, MEMORY, SECONDS, measured, studio_in


def main(only: str) -> None:
    """Import every file into a studio of its own, and print a table."""
    os.environ["VESICA_PASSPHRASE"] = "bench"
    print("class              files  refused  longest       most memory")
    over = []
    for kind, files in CLASSES.items():
        if only not in kind:
            continue
        ended = {}
        for name, hostile in files.items():
            with tempfile.TemporaryDirectory() as folder:
                os.environ["VESICA_CONFIG"] = f"{folder}/config"
                studio_in(Path(folder))
                ended[name] = measured(hostile, Path(folder))
        over += [
            name for name, end in ended.items() if end.seconds > SECONDS or end.peak > MEMORY or end.code not in (0, 2)
        ]
        refused = sum(end.code == 2 for end in ended.values())
        longest, largest = max(end.seconds for end in ended.values()), max(end.peak for end in ended.values())
        print(f"{kind:<17} {len(ended):6} {refused:8} {longest:8.2f} s {largest / (1 << 20):14.0f} MB")
    print(f"over {SECONDS} s of processor time or {MEMORY >> 20} MB: {', '.join(over) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
