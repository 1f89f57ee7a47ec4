"""Loops that numba compiles: one thread, IEEE arithmetic as written, so the same numbers whatever the threads."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as machine code, compiled at its first call and kept on disk."""
    return cast(Callable[P, R], numba.njit(cache=True)(function))
