"""How long a first exhibition takes from one sentence and a photograph, and how much memory."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BRIEF = "The café by the harbour, the winter the sea went quiet"
PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"


def memory_of(process: int) -> int:
    """Bytes held by a process and all below it; pages they share are counted once for each."""
    total, waiting = 0, [process]
    while waiting:
        one = Path("/proc") / str(waiting.pop())
        try:
            total += int((one / "statm").read_text().split()[1]) * resource.getpagesize()
            waiting += [
                int(child) for task in (one / "task").iterdir() for child in (task / "children").read_text().split()
            ]
        except (OSError, IndexError):
            continue
    return total


def main() -> None:
    """Run the command as a person would, in a studio of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "exhibition"
        command = [sys.executable, "-m", "vesica", "--studio", f"{folder}/studio", "exhibit", BRIEF]
        began, peak = time.perf_counter(), 0
        process = subprocess.Popen(
            [*command, "--photo", str(PHOTO), "--out", str(out), "--seed", "7"],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "VESICA_CONFIG": f"{folder}/config"},
        )
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.1)
        wall = time.perf_counter() - began
        if process.returncode:
            sys.exit(f"the exhibition failed (exit code {process.returncode})")
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        print(
            f"exhibition with defaults and a photograph: {wall:.0f} s, {peak / 1e9:.2f} GB at most, {size / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
