"""Values that every layer shares: how far an engine is, and what a work's pieces are called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Medium = Literal["image", "text", "music"]
"""What a work is made of. ``live`` joins when there is an engine for it."""

Replay = Literal["exact", "close", "recorded"]
"""How a machine turn can be repeated.

exact : the same bytes on any machine
close : the same bytes on this machine class and these versions; elsewhere within a stated tolerance
recorded : kept, never repeated (models outside the studio)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an engine: ``done`` of ``total``, with what it looks or reads like so far.

    ``preview`` is a picture (uint8 [height, width, 3]), a text so far, or None.
    """

    done: int
    total: int
    preview: Any = None
    note: str = ""


Progress = Callable[[Step], None]
"""Called by an engine after each step; it may raise ``Cancelled`` to stop."""
