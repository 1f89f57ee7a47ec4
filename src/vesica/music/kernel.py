"""Inner loops, compiled."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with numba: strict arithmetic, kept on disk, free of the interpreter's lock while it runs."""
    return cast(Callable[P, R], njit(cache=True, nogil=True)(function))
