"""Inner loops that numba compiles: arithmetic as written, on one thread, so the same numbers whatever the threads."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from vesica.weights.cache import cache_dir

# Read when numba is imported: what it compiles is kept with the other derived files, not beside the source.
os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_dir() / "numba"))

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function: strict arithmetic, kept on disk, free of the interpreter's lock while it runs."""
    return cast(Callable[P, R], njit(cache=True, nogil=True)(function))
