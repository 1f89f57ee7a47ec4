"""A turn as it is stored: a public body, whose SHA-256 is the turn's id, and a salted leaf for each of its facts."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from vesica.errors import VesicaError
from vesica.ledger.canonical import canonical, is_digest, leaf, parse, sha256
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
    try:
        hashes = parse(body)["leaves"]
        if all(is_digest(hashed) for hashed in hashes.values()):
            return dict(hashes)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise unreadable()


def unreadable() -> VesicaError:
    """The fault of bytes that are no turn."""
    return VesicaError("A turn of this studio was changed on the disk and can't be read; see 'vesica verify'.")


def unseal(body: bytes, values: Mapping[str, bytes]) -> Turn:
    """Read a turn. ``values`` has the canonical JSON of each leaf by hash; a leaf that is not there reads as None.

    Raises ``VesicaError`` for a kind of turn that is not known, and for bytes that are no turn.
    """
    try:
        told = parse(body)
        if told["schema"] != SCHEMA or told["act"] not in ACTS:
            raise VesicaError(
                f"This studio has a turn of a kind this vesica does not know ({str(told['act'])[:40]!r}); "
                "a newer vesica can read it."
            )
        return _read(told, sha256(body), values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise unreadable() from fault


def _read(told: Mapping[str, Any], id_: str, values: Mapping[str, bytes]) -> Turn:
    facts: dict[str, Any] = {name: _fact(name, value) for name, value in told["facts"].items()}
    for name, hashed in told["leaves"].items():
        facts[name] = _fact(name, parse(values[hashed])) if hashed in values else None
    parents = tuple(told["parents"])
    if not all(isinstance(name, str) for name in (told["work"], told["branch"], told["time"], *parents)):
        raise ValueError
    return Turn(
        id_,
        told["work"],
        told["branch"],
        parents,
        Partner(**told["partner"]),
        ACTS[told["act"]](**facts),
        told["seed"],
        told["time"],
    )


def _fact(name: str, value: Any) -> Any:
    """A field's value from its JSON: assets, maps of assets, and tuples are not JSON's own."""
    if value is None:
        return None
    match name:
        case "original" | "content" | "authorship":
            return _asset(value)
        case "inputs":
            return {key: _asset(asset) for key, asset in value.items()}
        case "locked":
            return tuple(value)
        case "turns":
            return {key: tuple(names) for key, names in value.items()}
    return value


def _asset(told: Mapping[str, Any]) -> Asset:
    asset = Asset(**told)
    if not (is_digest(asset.digest) and isinstance(asset.type, str) and isinstance(asset.size, int)):
        raise ValueError
    return asset


def assets_of(turn: Turn) -> Mapping[str, tuple[Asset, ...]]:
    """The assets that a turn names, by field."""
    return named_by(turn.act)


def named_by(act: Act) -> Mapping[str, tuple[Asset, ...]]:
    """The assets that an act names, by field."""
    named: dict[str, tuple[Asset, ...]] = {}
    for part in fields(act):
        value = getattr(act, part.name)
        if isinstance(value, Asset):
            named[part.name] = (value,)
        elif part.name == "inputs" and value:
            named[part.name] = tuple(value.values())
    return named
