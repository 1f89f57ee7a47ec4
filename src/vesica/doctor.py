"""What is here, what is missing and how to mend it: the findings behind ``vesica doctor``."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vesica.errors import ModelMissing, VesicaError
from vesica.weights.cache import cache_dir, mendable
from vesica.weights.cards import card, cards, locate
from vesica.weights.hashing import remembered_hash
from vesica.weights.install import installed, verify

State = Literal["fine", "missing", "broken", "optional"]

LEAST_PYTHON = (3, 11)
LEAST_SPACE = 10**9
"""Bytes below which a model, a film or a score of stems may not fit."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    state : fine; missing or broken, which ``mend`` mends; or optional: not here, and nobody needs it
    mend : a command to type, or None
    """

    name: str
    state: State
    sentence: str
    mend: str | None = None


def examine(*, deep: bool = False) -> list[Finding]:
    """Look at everything the studio stands on. Takes about a second; never fails.

    Parameters
    ----------
    deep : also ask torch for a graphics card (seconds), and read every model file instead of trusting the memory
        of files that have not changed
    """
    return [
        _python(),
        *_packages(),
        *(_model(name, deep) for name in cards()),
        _keyring(),
        _device(deep),
        _program("chromium", BROWSERS, "the tests of pages that need a browser"),
        _program("fluidsynth", ("fluidsynth",), "comparing our sound with another player's"),
        _cache(),
        _space(),
    ]


def _python() -> Finding:
    here = platform.python_version()
    if sys.version_info[:2] >= LEAST_PYTHON:
        return Finding("python", "fine", f"Python {here}.")
    least = ".".join(map(str, LEAST_PYTHON))
    return Finding("python", "broken", f"Python {here} is too old; vesica needs {least} or newer.")


def _packages() -> Iterator[Finding]:
    try:
        wanted = importlib.metadata.requires("vesica") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("packages", "missing", "vesica runs from a folder and is not installed.", "pip install -e .")
        return
    count = 0
    for line in wanted:
        need, _, marker = line.partition(";")
        if "extra" in marker:
            continue
        match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*\(?(?:==\s*([^\s,)]+))?", need)
        name, pinned = match.groups() if match else (need, None)
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "missing", f"The package {name} is not installed.", f"pip install '{need.strip()}'")
            continue
        if pinned and here != pinned:
            said = f"The package {name} is {here}; vesica works with exactly {pinned}."
            yield Finding(name, "broken", said, f"pip install '{need.strip()}'")
            continue
        count += 1
    yield Finding("packages", "fine", f"{count} packages are installed.")


def _model(name: str, deep: bool) -> Finding:
    here = card(name)
    mend = f"vesica models install {name}"
    try:
        path = locate(name)
    except ModelMissing:
        return Finding(name, "missing", f"The model {here.title} is not installed.", mend)
    try:
        whole = verify(name) if deep else installed(name) and remembered_hash(path) == here.sha256
    except OSError as fault:
        return Finding(name, "broken", f"The model {here.title} can't be read ({fault.strerror}).", mend)
    if whole:
        return Finding(
            name, "fine", f"The model {here.title} is here, {here.size / 10**6:.0f} MB, as its card promises."
        )
    return Finding(name, "broken", f"The file of {here.title} is not the one its card promises.", mend)


def _keyring() -> Finding:
    without = "the passphrase of your keys lies in a file that only you can read."
    try:
        import keyring
        from keyring.backends import fail
        from keyring.errors import KeyringError
    except ImportError:
        return Finding("keyring", "optional", f"The package keyring is missing; {without}", "pip install keyring")
    try:
        backend = keyring.get_keyring()
    except (KeyringError, RuntimeError):
        return Finding("keyring", "optional", f"The keyring of this system does not answer; {without}")
    if isinstance(backend, fail.Keyring) or backend.priority <= 0:
        return Finding("keyring", "optional", f"This system has no keyring; {without}")
    return Finding("keyring", "fine", f"The keyring of this system ({backend.name}) can keep your passphrase.")


def _device(deep: bool) -> Finding:
    cores = os.cpu_count() or 1
    said = [f"{cores} processor core{'s' if cores > 1 else ''}"]
    if memory := _memory():
        said.append(f"{memory / 10**9:.0f} GB of memory")
    said.append(_graphics() if deep else "graphics card not asked for (--deep asks)")
    return Finding("device", "fine", f"{', '.join(said)}.")


def _memory() -> int:
    """Bytes of memory, or 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0


def _graphics() -> str:
    try:
        import torch
    except ImportError:
        return "graphics card unknown without torch"
    if torch.cuda.is_available():
        return f"graphics card {torch.cuda.get_device_name(0)}"
    if torch.backends.mps.is_available():
        return "graphics of an Apple chip"
    return "no graphics card that torch can use"


def _program(name: str, commands: tuple[str, ...], purpose: str) -> Finding:
    for command in commands:
        if path := shutil.which(command):
            return Finding(name, "fine", f"The program {path} is here.")
    return Finding(name, "optional", f"The program {name} is not here; only {purpose} would use it.")


def _cache() -> Finding:
    folder = cache_dir()
    try:
        with mendable(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"can be written")
    except (VesicaError, OSError):
        said = f"The cache folder {folder} can't be written; models can't be fetched into it."
        return Finding("cache", "broken", said, "export VESICA_CACHE=~/vesica-cache")
    return Finding("cache", "fine", f"The cache folder {folder} can be written.")


def _space() -> Finding:
    folder = next(parent for parent in (cache_dir(), *cache_dir().parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    if free >= LEAST_SPACE:
        return Finding("space", "fine", f"{free / 10**9:.0f} GB are free on the disk of {folder}.")
    return Finding("space", "broken", f"Only {free / 10**6:.0f} MB are free on the disk of {folder}; make some room.")
