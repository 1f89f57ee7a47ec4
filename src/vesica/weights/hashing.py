"""SHA-256 of large files, and a memory of them: a file of the same size and time is not read twice."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from vesica.errors import VesicaError
from vesica.weights.cache import cache_dir, writing


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_hash(path: Path) -> str:
    """SHA-256 of a file as it was when it last changed by its size and time: quick, and good enough to look after it.

    Not for the ledger: somebody who keeps size and time can change a file behind this memory.
    """
    state = path.stat()
    key = [state.st_size, state.st_mtime_ns]
    memory = _memory()
    match memory.get(str(path)):
        case [int() as size, int() as changed, str() as digest] if [size, changed] == key:
            return digest
    digest = hash_file(path)
    # Where nothing can be written the file is simply read again next time.
    with suppress(VesicaError, OSError), writing(cache_dir() / "digests.json") as file:
        file.write(json.dumps({**memory, str(path): [*key, digest]}, indent=1).encode())
    return digest


def _memory() -> dict[str, object]:
    try:
        told = json.loads((cache_dir() / "digests.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
