"""What the three maps share: their byte form, and counting units by turn."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from vesica.errors import VesicaError

LIMIT = 64 << 20
"""Longest map that is read, in bytes."""


def dump(value: Mapping[str, Any]) -> bytes:
    """JSON with one spelling: sorted keys, no white space."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def load(data: bytes, schema: str) -> dict[str, Any]:
    """The JSON object in ``data``, which must say that it is of ``schema``."""
    try:
        value = json.loads(data) if len(data) <= LIMIT else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or value.get("schema") != schema:
        raise broken(f"it is not of the form {schema}")
    return value


def broken(why: str) -> VesicaError:
    """The fault of a map that can't be read."""
    return VesicaError(f"The authorship map is damaged: {why}; restore it from a copy of the studio.")


def turn_table(value: Any) -> list[str]:
    """A list of turn names, each once."""
    if not isinstance(value, list) or not all(isinstance(turn, str) for turn in value) or len({*value}) != len(value):
        raise broken("its table of turns can't be read")
    return value


def number(turns: Iterable[str]) -> dict[str, int]:
    """Each turn's place in a table, in the order in which they first come."""
    table: dict[str, int] = {}
    for turn in turns:
        table.setdefault(turn, len(table))
    return table


def tally(units: Iterable[tuple[str, str, int]]) -> dict[str, tuple[int, int]]:
    """By turn, how many units it brought in and how many it changed last, from (origin, changed, count)."""
    origin: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    order: dict[str, None] = {}
    for one, two, count in units:
        origin[one] += count
        changed[two] += count
        order.update({one: None, two: None})
    return {turn: (origin[turn], changed[turn]) for turn in order}
