"""What a run of the fuzzers did, from the logs that ``make fuzz`` leaves: target, executions, seconds, how it ended.

Run: python fuzz/table.py .fuzz
"""

import re
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Print a row for each log in ``folder``."""
    print("target         executions  seconds  ended")
    total = 0
    for log in sorted(folder.glob("*.log")):
        text = log.read_text("utf-8", "replace")
        executions = re.search(r"^stat::number_of_executed_units:\s*(\d+)", text, re.MULTILINE)
        quiet = re.search(r"^Done \d+ runs in (\d+) second", text, re.MULTILINE)
        count = int(executions[1]) if executions else 0
        total += count
        print(f"{log.stem:<12} {count:12,} {quiet[1] if quiet else '':>8}  {'quiet' if quiet else 'with a finding'}")
    print(f"{'together':<12} {total:12,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
