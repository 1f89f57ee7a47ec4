"""What a painting costs: processor seconds and peak memory of each composition.

Run: python bench/bench_field.py [SIDE] (pixels, 1024 unless said)
"""

import resource
import sys
import time

from vesica.image.field import field
from vesica.image.params import FieldParams
from vesica.image.scenes import COMPOSITIONS


def main(side: int) -> None:
    """Paint each composition once at ``side`` pixels and print what it took; compiling comes first and apart."""
    began = time.process_time()
    field(params=FieldParams(words="sea", width=64, height=64, composition="shore"), seed=0)
    print(f"first painting (64 pixels; loads, embeds, compiles where needed): {time.process_time() - began:.1f} s")
    for name in COMPOSITIONS:
        began = time.process_time()
        field(params=FieldParams(words="sea", width=side, height=side, composition=name), seed=1)  # type: ignore[arg-type]
        print(f"{name}, {side} x {side}: {time.process_time() - began:.1f} processor seconds")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
