"""A turn as it is stored: a public body, whose SHA-256 is the turn's id, and a salted leaf for each of its facts."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from vesica.errors import VesicaError
from vesica.ledger.canonical import canonical, leaf, parse, sha256
from vesica.work import ACTS, PUBLIC, Act, Asset, Partner, Turn

SCHEMA = "turn/1"
_NAMES = {act: name for name, act in ACTS.items()}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A fact behind a hash: SHA-256 over ``salt`` and the canonical JSON ``value``."""

    hash: str
    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """A turn ready to be stored."""

    turn: Turn
    body: bytes
    leaves: tuple[Leaf, ...]


def seal(
    work: str, branch: str, parents: tuple[str, ...], partner: Partner, act: Act, *, seed: int | None, time: str
) -> Sealed:
    """Write a turn down. Every fact of the act that may be private goes behind a leaf with 32 random bytes of salt."""
    public: dict[str, Any] = {}
    leaves: dict[str, Leaf] = {}
    for part in fields(act):
        value = getattr(act, part.name)
        if part.name in PUBLIC:
            public[part.name] = value
        else:
            salt, data = secrets.token_bytes(32), canonical(value)
            leaves[part.name] = Leaf(leaf(salt, data), salt, data)
    body = canonical(
        {
            "schema": SCHEMA,
            "work": work,
            "branch": branch,
            "parents": parents,
            "partner": partner,
            "act": _NAMES[type(act)],
            "facts": public,
            "leaves": {name: kept.hash for name, kept in leaves.items()},
            "seed": seed,
            "time": time,
        }
    )
    turn = Turn(sha256(body), work, branch, parents, partner, act, seed, time)
    return Sealed(turn, body, tuple(leaves.values()))


def leaf_hashes(body: bytes) -> Mapping[str, str]:
    """The fields of a stored turn that stand behind leaves, and their hashes."""
    hashes: Mapping[str, str] = parse(body)["leaves"]
    return hashes


def unseal(body: bytes, values: Mapping[str, bytes]) -> Turn:
    """Read a turn. ``values`` has the canonical JSON of each leaf by hash; a leaf that is not there reads as None."""
    told = parse(body)
    if told["schema"] != SCHEMA or told["act"] not in ACTS:
        raise VesicaError(
            f"This studio has a turn of a kind this vesica does not know ({told['act']}); a newer vesica can read it."
        )
    kind = ACTS[told["act"]]
    facts: dict[str, Any] = {name: _fact(name, value) for name, value in told["facts"].items()}
    for name, hashed in told["leaves"].items():
        facts[name] = _fact(name, parse(values[hashed])) if hashed in values else None
    partner = Partner(**told["partner"])
    return Turn(
        sha256(body),
        told["work"],
        told["branch"],
        tuple(told["parents"]),
        partner,
        kind(**facts),
        told["seed"],
        told["time"],
    )


def _fact(name: str, value: Any) -> Any:
    """A field's value from its JSON: assets, maps of assets, and tuples are not JSON's own."""
    if value is None:
        return None
    match name:
        case "original" | "content" | "authorship":
            return Asset(**value)
        case "inputs":
            return {key: Asset(**asset) for key, asset in value.items()}
        case "locked":
            return tuple(value)
        case "turns":
            return {key: tuple(names) for key, names in value.items()}
    return value


def assets_of(turn: Turn) -> Mapping[str, tuple[Asset, ...]]:
    """The assets that a turn names, by field."""
    named: dict[str, tuple[Asset, ...]] = {}
    for part in fields(turn.act):
        value = getattr(turn.act, part.name)
        if isinstance(value, Asset):
            named[part.name] = (value,)
        elif part.name == "inputs" and value:
            named[part.name] = tuple(value.values())
    return named
