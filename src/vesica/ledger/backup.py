"""A studio in one file: a tar archive to which each backup adds only what is new.

Any tar program can unpack it; of members with the same name the last is the valid one. Each backup ends with a member
``manifest-<SHA-256 of itself>.json``, which names every file of the studio with size and digest. What stands behind the
last whole manifest was cut off and does not count, so that a crash leaves the backup before it. Reading trusts nothing:
names must be those of a studio, no path is taken from the file, links and devices do not exist.
"""

import hashlib
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vesica.errors import VesicaError
from vesica.ledger.assets import CHUNK, Assets, sync_folder
from vesica.ledger.canonical import canonical, is_digest, parse
from vesica.ledger.keys import private_umask
from vesica.ledger.store import Ledger
from vesica.ledger.turns import assets_of
from vesica.ledger.verify import Findings, examine
from vesica.work import Redacted, Step

SCHEMA = "backup/1"
BLOCK = tarfile.BLOCKSIZE
MANIFEST = 64 << 20
"""Bytes; no manifest may be longer."""

_NAME = re.compile(r"ledger\.db|keys/[a-z][a-z.-]{0,40}\.pem|assets/([0-9a-f]{2})/\1[0-9a-f]{62}")
_MANIFEST = re.compile(r"manifest-([0-9a-f]{64})\.json")

Told = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: the studio's first public key, how far its chain goes, its redactions, its files.

    files : size and SHA-256 by name
    """

    owner: str
    turns: int
    link: str
    redactions: int
    files: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup's last whole manifest, and where things lie.

    offsets : where the bytes of each file begin
    end : where the next backup goes on
    torn : whether something stands behind ``end`` that was cut off
    """

    contents: Contents
    offsets: Mapping[str, int]
    end: int
    torn: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup did: turns and files in it, how many of them came in now and with how many bytes.

    anew : whether the file was written anew, not added to
    """

    turns: int
    files: int
    added: int
    size: int
    anew: bool


def back_up(studio: Path, out: Path, *, progress: Told | None = None) -> Kept:
    """Keep the studio at ``studio`` in the file ``out``: all of it, or what is new since the last time.

    The file is written anew where the studio lost something since (a redaction, a clearing), so that it is lost there
    too, and where more than half of it is outdated. Every byte in it is read and hashed again before it counts.
    """
    _refuse_places(studio, out)
    with tempfile.TemporaryDirectory(prefix="vesica-") as folder:
        snapshot = Path(folder) / "ledger.db"
        now = _contents(studio, snapshot)
        before = read_archive(out) if out.exists() and out.stat().st_size else None
        if before:
            _refuse_history(before.contents, now, snapshot, out)
        sources = {name: snapshot if name == "ledger.db" else studio / name for name in now.files}
        if before and not _outdated(before, now):
            with out.open("r+b") as file:
                try:
                    added = _add(file, sources, now, before.contents.files, before.end)
                    _check(file, out.name, progress)
                except BaseException:
                    file.truncate(before.end)
                    raise
            return _kept(now, added, anew=False)
        part = out.with_name(f".{out.name}.{secrets.token_hex(6)}.part")
        try:
            with private_umask(), part.open("x+b") as file:
                added = _add(file, sources, now, {}, 0)
                _check(file, out.name, progress)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(out.absolute().parent)
        return _kept(now, added, anew=True)


def _kept(now: Contents, added: list[str], *, anew: bool) -> Kept:
    return Kept(now.turns, len(now.files), len(added), sum(now.files[name][0] for name in added), anew)


def _refuse_places(studio: Path, out: Path) -> None:
    if out.is_dir():
        raise VesicaError(f"{out} is a folder; give the name of a file.")
    if not out.absolute().parent.is_dir():
        raise VesicaError(f"There is no folder {out.parent}; make it first.")
    if out.resolve().is_relative_to(studio.resolve()):
        raise VesicaError(f"{out.name} would lie inside the studio that it keeps; give a file elsewhere.")


def _contents(studio: Path, snapshot: Path) -> Contents:
    """Write the ledger as it is now to ``snapshot``, and name every file that belongs to it."""
    ledger = Ledger(studio / "ledger.db")
    ledger.copy_to(snapshot)
    copy = Ledger(snapshot)
    turns = [turn for _, turn in copy.entries()]
    files = {"ledger.db": (snapshot.stat().st_size, _hash(snapshot))}
    for path in sorted((studio / "keys").glob("*.pem")):
        files[f"keys/{path.name}"] = path.stat().st_size, _hash(path)
    assets = Assets(studio / "assets")
    for digest in sorted({asset.digest for turn in turns for found in assets_of(turn).values() for asset in found}):
        if not assets.has(digest):
            raise VesicaError(f"The asset {digest[:12]} is missing from the studio; see 'vesica verify'.")
        files[f"assets/{digest[:2]}/{digest}"] = assets.path(digest).stat().st_size, digest
    head, redactions = copy.head(), sum(isinstance(turn.act, Redacted) for turn in turns)
    exchanged = ledger.signer() != copy.signer()
    copy.close()
    ledger.close()
    if exchanged:
        raise VesicaError("The studio's signing key was exchanged meanwhile by another program; try again.")
    return Contents(copy.owner.hex(), head.size, head.link, redactions, files)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_history(before: Contents, now: Contents, snapshot: Path, out: Path) -> None:
    """A backup may only grow: an older or another copy of the studio must not take its place."""
    if before.owner != now.owner:
        raise VesicaError(f"{out.name} is the backup of another studio; give another file.")
    if before.turns > now.turns:
        raise VesicaError(
            f"{out.name} holds {before.turns} turns, this studio only {now.turns}: it is an older copy; restore the "
            "backup, or give another file."
        )
    ledger = Ledger(snapshot)
    links = [row.link for row in ledger.rows()]
    ledger.close()
    if links[before.turns - 1] != before.link:
        raise VesicaError(
            f"{out.name} holds another history than this studio: a copy was worked on elsewhere; give another file."
        )


def _outdated(before: Archive, now: Contents) -> bool:
    """Whether the file holds what the studio has lost, or more that is outdated than is not."""
    lost = {name for name in before.contents.files if name.startswith("assets/")} - now.files.keys()
    live = sum(size for size, _ in now.files.values())
    return bool(lost) or before.contents.redactions != now.redactions or before.end > 2 * live + (1 << 20)


def _add(
    file: BinaryIO, sources: Mapping[str, Path], now: Contents, there: Mapping[str, tuple[int, str]], end: int
) -> list[str]:
    """Write what is not ``there`` behind ``end``, and the manifest; the names that were written."""
    file.truncate(end)
    file.seek(end)
    added = [name for name in now.files if there.get(name) != now.files[name]]
    for name in added:
        size, digest = now.files[name]
        running = hashlib.sha256()
        file.write(_header(name, size))
        with sources[name].open("rb") as source:
            left = size
            while chunk := source.read(min(CHUNK, left)):
                running.update(chunk)
                file.write(chunk)
                left -= len(chunk)
        file.write(bytes(-size % BLOCK))
        if left or running.hexdigest() != digest:
            raise VesicaError(f"{name} was changed on the disk; see 'vesica verify'. The backup stays as it was.")
    manifest = canonical({"schema": SCHEMA, **{part: getattr(now, part) for part in Contents.__slots__}})
    if len(manifest) > MANIFEST:
        raise VesicaError("This studio has too many files for one backup; copy its folder instead.")
    file.write(_header(f"manifest-{hashlib.sha256(manifest).hexdigest()}.json", len(manifest)))
    file.write(manifest + bytes(-len(manifest) % BLOCK + 2 * BLOCK))
    file.flush()
    os.fsync(file.fileno())
    return added


def _header(name: str, size: int) -> bytes:
    told = tarfile.TarInfo(name)
    told.size, told.mode = size, 0o600
    return told.tobuf(tarfile.GNU_FORMAT)


def read_archive(path: Path) -> Archive:
    """What the last whole backup in ``path`` holds. Raises ``VesicaError`` where there is none."""
    try:
        with path.open("rb") as file:
            return _read(file, path.name)
    except FileNotFoundError:
        raise VesicaError(f"There is no file {path}; look at its name and folder.") from None


def _read(file: BinaryIO, name: str) -> Archive:
    seen: dict[str, int] = {}
    last: tuple[Contents, dict[str, int], int] | None = None
    whole = file.seek(0, os.SEEK_END)
    at = 0
    while told := _member(file, at, whole):
        place, at = at + BLOCK, at + BLOCK + told.size + -told.size % BLOCK
        if found := _MANIFEST.fullmatch(told.name):
            file.seek(place)
            if (contents := _manifest(file.read(told.size), found[1])) and contents.files.keys() <= seen.keys():
                last = contents, {one: seen[one] for one in contents.files}, at
        else:
            seen[told.name] = place
    if not last:
        raise VesicaError(f"{name} holds no whole backup of a studio; 'vesica backup FILE' writes one.")
    contents, offsets, end = last
    return Archive(contents, offsets, end, whole > end + 2 * BLOCK)


def _member(file: BinaryIO, at: int, whole: int) -> tarfile.TarInfo | None:
    """The header at ``at``; None where the archive ends, is cut off, or holds what no studio has."""
    file.seek(at)
    try:
        told = tarfile.TarInfo.frombuf(file.read(BLOCK), "utf-8", "strict")
    except (tarfile.HeaderError, ValueError):
        return None
    most = MANIFEST if _MANIFEST.fullmatch(told.name) else whole
    if told.type != tarfile.REGTYPE or not (_NAME.fullmatch(told.name) or _MANIFEST.fullmatch(told.name)):
        return None
    return told if 0 <= told.size <= most and at + BLOCK + told.size <= whole else None


def _manifest(data: bytes, digest: str) -> Contents | None:
    """A manifest's words; None where they were changed or make no sense."""
    if hashlib.sha256(data).hexdigest() != digest:
        return None
    try:
        told = parse(data)
        files = {name: (size, digest) for name, (size, digest) in told["files"].items()}
        sound = all(_NAME.fullmatch(name) and type(size) is int and is_digest(d) for name, (size, d) in files.items())
        numbers = all(type(told[name]) is int and told[name] >= 0 for name in ("turns", "redactions"))
        if not (sound and numbers and "ledger.db" in files and told["schema"] == SCHEMA and told["turns"]):
            return None
        return Contents(str(told["owner"]), told["turns"], str(told["link"]), told["redactions"], files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _check(file: BinaryIO, name: str, progress: Told | None) -> Archive:
    """Read the backup again, and hash every file in it."""
    archive = _read(file, name)
    for done, (one, (_, digest)) in enumerate(archive.contents.files.items(), 1):
        running = hashlib.sha256()
        for chunk in _bytes(file, archive, one):
            running.update(chunk)
        if running.hexdigest() != digest:
            raise VesicaError(f"{name} is damaged ({one} is not what was written); take another backup.")
        if progress:
            progress(Step(done, len(archive.contents.files), note="checking the backup"))
    return archive


def _bytes(file: BinaryIO, archive: Archive, name: str) -> Iterator[bytes]:
    file.seek(archive.offsets[name])
    left = archive.contents.files[name][0]
    while left and (chunk := file.read(min(CHUNK, left))):
        left -= len(chunk)
        yield chunk


def restore(path: Path, folder: Path, *, progress: Told | None = None) -> tuple[Archive, Findings]:
    """Make a studio at ``folder`` from the backup ``path``, and verify it.

    Nothing is written before every file in the backup was hashed. ``folder`` must not be there yet, or be empty; it
    appears whole, or not at all.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise VesicaError(f"{folder} is there already; give a folder that is not, nothing is ever overwritten.")
    if not folder.parent.is_dir():
        raise VesicaError(f"There is no folder {folder.parent}; make it first.")
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.part")
    try:
        with path.open("rb") as file:
            archive = _check(file, path.name, progress)
            with private_umask(0o077):
                for name in archive.contents.files:
                    _write(part / name, _bytes(file, archive, name))
        (part / "assets").mkdir(exist_ok=True)
        db = sqlite3.connect(part / "ledger.db")
        db.execute("PRAGMA journal_mode=WAL")
        db.close()
        ledger = Ledger(part / "ledger.db")
        findings = examine(ledger, Assets(part / "assets"))
        ledger.close()
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
        sync_folder(folder.parent)
    except FileNotFoundError as fault:
        if fault.filename != str(path):
            raise
        raise VesicaError(f"There is no file {path}; look at its name and folder.") from None
    except VesicaError as fault:
        raise VesicaError(str(fault).replace(str(part / "ledger.db"), f"in {path.name}")) from fault
    except sqlite3.DatabaseError as fault:
        raise VesicaError(f"The ledger in {path.name} is damaged ({fault}); take another backup.") from fault
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return archive, findings


def _write(path: Path, chunks: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
