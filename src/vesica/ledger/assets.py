"""Immutable bytes named by their SHA-256, written so that a crash leaves either the whole asset or none.

Order of a write: temporary file, fsync, rename, fsync of the folder; only then may a turn name the asset. Leaving out
the last step loses acknowledged files on power loss (Pillai et al., "All file systems are not created equal", 2014).
"""

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vesica.errors import VesicaError
from vesica.ledger.canonical import is_digest
from vesica.work import Asset

CHUNK = 1 << 20


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, chunks: Iterator[bytes], *, first: bool = False) -> None:
    """Write ``chunks`` to ``path`` so that after a crash the whole file is there, or none of it.

    With ``first`` only where nothing is there yet: ``FileExistsError`` where another process came before.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if first:
            _name_first(part, path)
        else:
            part.replace(path)
    except BaseException as fault:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(fault, OSError):
            fault.filename = str(path)  # the file that was wished for, not the one of the moment
        raise
    sync_folder(path.parent)


def _name_first(part: Path, path: Path) -> None:
    try:
        os.link(part, path)  # the one call that refuses a name that is taken
    except OSError as fault:
        if fault.errno not in (errno.EPERM, errno.ENOTSUP) or path.exists():
            raise
        part.replace(path)  # a file system without links
    part.unlink(missing_ok=True)


def wipe(path: Path) -> None:
    """Take a file out for ever: its bytes are overwritten first, as far as the disk allows."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            size = path.stat().st_size
            for done in range(0, size, CHUNK):
                file.write(bytes(min(CHUNK, size - done)))  # not a byte more, as the disk may be full
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)


class Assets:
    """The folder ``assets/`` of a studio: ``ab/abcdef…``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """Where an asset lies, whether it is there or not."""
        if not is_digest(digest):
            raise VesicaError(f"{digest[:80]!r} is not the name of an asset; a name is 64 hex digits.")
        return self.root / digest[:2] / digest

    def put(self, data: bytes, type_: str) -> Asset:
        """Keep ``data`` and return its name. Keeping the same bytes again mends an asset that was damaged."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if self._wanted_again(digest):
            # Whoever wrote it may have been killed before the names were durable.
            sync_folder(path.parent)
            sync_folder(self.root)
        else:
            with self._at_work():
                self._make(path.parent)
                write_durably(path, iter((data,)))
        return Asset(digest, type_, len(data))

    def put_stream(self, stream: BinaryIO, type_: str) -> Asset:
        """Keep what ``stream`` gives, a megabyte at a time, whatever its size."""
        with self._at_work():
            return self._put_stream(stream, type_)

    def _put_stream(self, stream: BinaryIO, type_: str) -> Asset:
        running, size = hashlib.sha256(), 0
        arriving = self.root / f".arriving.{secrets.token_hex(6)}"

        def chunks() -> Iterator[bytes]:
            nonlocal size
            while chunk := stream.read(CHUNK):
                running.update(chunk)
                size += len(chunk)
                yield chunk

        try:
            write_durably(arriving, chunks())
            path = self.path(running.hexdigest())
            self._make(path.parent)
            arriving.replace(path)
            sync_folder(path.parent)
        finally:
            arriving.unlink(missing_ok=True)
        return Asset(running.hexdigest(), type_, size)

    def get(self, asset: Asset | str) -> bytes:
        """The bytes of an asset. Raises ``VesicaError`` when it is missing or was changed on the disk."""
        digest = asset if isinstance(asset, str) else asset.digest
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise VesicaError(
                f"The asset {digest[:12]} is missing from this studio; restore it from a copy, or see 'vesica verify'."
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise VesicaError(
                f"The asset {digest[:12]} was changed on the disk; restore it from a copy, or see 'vesica verify'."
            )
        return data

    def has(self, digest: str) -> bool:
        """Whether the asset is there (its bytes are not looked at)."""
        return self.path(digest).is_file()

    def intact(self, digest: str) -> bool:
        """Hash the asset's bytes again; False when they do not give its name."""
        with self.path(digest).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest

    def remove(self, digest: str) -> None:
        """Take an asset out, for a redaction. Its bytes are overwritten first, as far as the disk allows."""
        wipe(self.path(digest))

    def _wanted_again(self, digest: str) -> bool:
        """Whether an asset is here and whole. It is young again from now on, so that nobody clears it away."""
        try:
            os.utime(self.path(digest))
            return self.intact(digest)
        except FileNotFoundError:
            return False

    def age(self, digest: str) -> float:
        """Seconds since the asset was last kept; 0 where it is not there."""
        try:
            return max(0.0, time.time() - self.path(digest).stat().st_mtime)
        except FileNotFoundError:
            return 0.0

    def clear_away(self, digest: str, *, older: float) -> bool:
        """Take out an asset that nobody kept for ``older`` seconds, and say whether that was so.

        It is moved aside before it is looked at a last time: whoever keeps it meanwhile finds it gone and writes it
        anew, or has made it young, and then it is moved back.
        """
        if self.age(digest) < older:
            return False
        with self._at_work():
            return self._clear_away(digest, older)

    def _clear_away(self, digest: str, older: float) -> bool:
        path = self.path(digest)
        aside = path.with_name(f".{digest}.{secrets.token_hex(6)}.part")
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        young = time.time() - aside.stat().st_mtime < older
        if young:
            aside.replace(path)
        else:
            aside.unlink()
        sync_folder(path.parent)
        return not young

    def names(self) -> Iterator[str]:
        """The digests of all assets, in order."""
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if folder.is_dir():
                yield from sorted(path.name for path in folder.iterdir() if len(path.name) == 64)

    def sweep(self) -> None:
        """Take out what writers left that were killed on the way: it may hold what a redaction takes out.

        It waits for writers that are alive, and they for it, so that it never takes a file from one.
        """
        with self._at_work(alone=True):
            for pattern in (".arriving.*", ".*.part", "*/.*.part"):
                for path in self.root.glob(pattern):
                    with contextlib.suppress(PermissionError):  # Windows: somebody has it open
                        path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _at_work(self, *, alone: bool = False) -> Iterator[None]:
        """Hold the folder while files in it have names of the moment: with other writers, or ``alone`` to sweep.

        The hold ends with the process, however it ends. File systems without such locks go without.
        """
        if not self.root.is_dir():
            self._make(self.root)
        if os.name == "nt":
            yield
            return
        import fcntl

        handle = os.open(self.root, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
