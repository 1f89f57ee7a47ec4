"""Canonical JSON (RFC 8785) and the salted leaves that let a fact be taken out without breaking a hash over it."""

import hashlib
import json
import re
from dataclasses import fields, is_dataclass
from typing import Any

import rfc8785

from vesica.errors import VesicaError


def canonical(value: Any) -> bytes:
    """``value`` as canonical JSON bytes; dataclasses become objects, tuples arrays.

    Raises ``VesicaError`` where JSON has no one form: integers beyond 2**53, NaN, lone surrogates.
    """
    try:
        return rfc8785.dumps(_plain(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as fault:
        raise VesicaError(f"The ledger can't keep this value: {fault}.") from fault


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def parse(data: bytes) -> Any:
    """The value of canonical JSON ``data``."""
    return json.loads(data)


def sha256(*parts: bytes) -> str:
    """SHA-256 of the parts, one after another, as 64 hex digits."""
    running = hashlib.sha256()
    for part in parts:
        running.update(part)
    return running.hexdigest()


def is_digest(value: Any) -> bool:
    """Whether ``value`` is 64 hex digits, as ``sha256`` gives them."""
    return isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value))


def leaf(salt: bytes, value: bytes) -> str:
    """The hash that stands for a value in a turn; 32 random bytes of ``salt`` keep short values from being guessed."""
    return sha256(b"vesica-leaf/1\0", salt, value)
