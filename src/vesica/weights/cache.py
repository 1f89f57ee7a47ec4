"""The user's cache folder: model files and derived files that can be made or fetched again."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vesica.errors import VesicaError


def cache_dir() -> Path:
    """The folder, absolute and perhaps not there yet: ``$VESICA_CACHE``, else the system's place for caches."""
    if chosen := os.environ.get("VESICA_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("vesica", appauthor=False)).absolute()


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open ``path`` for bytes that appear there whole or not at all: written beside it, synced, renamed.

    Raises ``VesicaError`` where the disk is full or the folder can't be written; what stood at ``path`` stays then.
    """
    with mendable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(draft).chmod(0o644)
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
        _sync_folder(path.parent)


@contextmanager
def mendable(folder: Path) -> Iterator[None]:
    """Turn a full disk or a folder that can't be written into a sentence; other faults pass."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise VesicaError(f"The disk of {folder} is full; free some space and try again.") from fault
        if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT):
            raise VesicaError(f"{folder} can't be written; set VESICA_CACHE to a folder of yours.") from fault
        raise


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # A folder can't be opened there; the file system keeps names by itself.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
