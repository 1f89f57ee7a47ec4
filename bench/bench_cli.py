"""What the command line costs: help, a first work, bringing a photograph in.

Run: python bench/bench_cli.py [ROUNDS]
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PHOTO = Path(__file__).parent.parent / "examples" / "photo.jpg"


def timed(words: Sequence[str]) -> tuple[float, float]:
    """Seconds of wall and of processor that ``vesica WORDS`` takes, the start of Python included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "vesica", *words], check=True, stdout=subprocess.DEVNULL)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int) -> None:
    """Print the median of ``rounds`` runs of each command, each in a studio of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VESICA_CONFIG"] = f"{folder}/config"
        commands: dict[str, list[tuple[float, float]]] = {}
        for count in range(rounds):
            os.environ["VESICA_STUDIO"] = f"{folder}/studio {count}"
            for words in (
                ["--help"],
                ["make", "--help"],
                ["new", "sea"],
                ["import", "sea", str(PHOTO)],
                ["log", "sea"],
            ):
                commands.setdefault(" ".join([*words[:2], "FILE"] if words[2:] else words), []).append(timed(words))
        for name, times in commands.items():
            wall, processor = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
            print(f"vesica {name}: {wall:.0f} ms, {processor:.0f} ms of processor")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
