"""Every field that leaves with a file, read back from the very bytes that would be written."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import c2pa

from vesica.export.manifest import settings
from vesica.export.marks.source import BY_MACHINES, said

BINDING = frozenset({"alg", "hash", "pad", "pad2", "exclusions", "url", "signature", "claim_version"})
"""Fields of the standard that bind the rest together: digests, places of bytes and references inside the file."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value that leaves. ``where``: credential, certificate or file."""

    where: str
    name: str
    value: str


def fields(signed: bytes, media_type: str, beside: bytes | None, described: str) -> list[Field]:
    """All fields of a file with its credential (inside, or ``beside`` it).

    described : what the content itself says of the work: title, parts, size
    """
    found = [Field("file", "content", line) for line in described.splitlines()]
    found += [Field("file", "mark", source) for source in said(signed) if source in BY_MACHINES]
    with (
        c2pa.Context.from_dict(settings()) as context,
        c2pa.Reader(media_type, io.BytesIO(signed), manifest_data=beside, context=context) as reader,
    ):
        store, certificates = json.loads(reader.detailed_json()), json.loads(reader.crjson())
    for number, (name, manifest) in enumerate(store["manifests"].items()):
        # An ingredient's own credential leaves whole; it was signed by others and can't be shortened.
        place = "" if name == store["active_manifest"] else f"ingredient's own credential {number + 1}: "
        leaves = [*_leaves("", manifest["claim"]), *_leaves("", manifest["assertion_store"])]
        found += [Field("credential", place + path, value) for path, value in leaves]
    for certificate in certificates["manifests"]:
        found += [Field("certificate", path, value) for path, value in _leaves("", certificate["signature"])]
    return list(dict.fromkeys(found))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Path and value of every leaf, without those that only bind."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not (key in BINDING and _binds(path, key)):
                yield from _leaves(f"{path} > {key}" if path else str(key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _leaves(f"{path} {number}", inner)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _binds(path: str, key: str) -> bool:
    """A name in ``BINDING`` binds in the standard's own places; in ours (a knob called alg) it is a field."""
    return not path.startswith("org.") and "org.vesica" not in path
