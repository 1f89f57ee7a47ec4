"""Model cards: what a model is, what it learned from, where its file comes from, what it can't do."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from vesica.errors import ModelMissing, VesicaError, did_you_mean
from vesica.weights.cache import cache_dir
from vesica.weights.hashing import hash_file

Kind = Literal["pypi", "npm"]


@dataclass(frozen=True, slots=True)
class Source:
    """The package that carries a model's file.

    file : path inside the package, with forward slashes
    beside : files in the same folder that belong to the model (tokenizer, licence texts), with their SHA-256
    saved_as : name of the file in our cache, for packages whose files we unpack ourselves
    """

    kind: Kind
    package: str
    version: str
    file: str
    beside: Mapping[str, str] = field(default_factory=dict)
    saved_as: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """Something a model learned from. ``licence`` says "unknown" where nobody has said."""

    name: str
    licence: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured quality, and who measured it."""

    what: str
    value: float
    by: str


@dataclass(frozen=True, slots=True)
class Card:
    """One model: a folder beside this file with a ``card.toml``.

    licence : of the model's file, as SPDX
    size : bytes of the model's file
    parameters : learned numbers; 0 for recorded sound
    purpose : what we use it for
    cannot : what it can't do, one sentence each
    """

    name: str
    title: str
    version: str
    licence: str
    authors: tuple[str, ...]
    page: str
    purpose: str
    parameters: int
    size: int
    sha256: str
    source: Source
    learned_from: tuple[Data, ...]
    quality: tuple[Measure, ...]
    cannot: tuple[str, ...]
    notes: str = ""


def read_card(text: str) -> Card:
    """Read a ``card.toml``. Raises ``ValueError`` where something is missing or empty: that is our bug, not a fault."""
    told: dict[str, Any] = tomllib.loads(text)
    try:
        card = Card(
            **{
                **told,
                "authors": tuple(told["authors"]),
                "cannot": tuple(told["cannot"]),
                "source": Source(**told["source"]),
                "learned_from": tuple(Data(**data) for data in told["learned_from"]),
                "quality": tuple(Measure(**measure) for measure in told["quality"]),
            }
        )
    except (KeyError, TypeError) as fault:
        raise ValueError(f"The card of {told.get('name', 'a model')} is incomplete: {fault}") from fault
    parts: tuple[Card | Source | Data | Measure, ...] = (card, card.source, *card.learned_from, *card.quality)
    for part in parts:
        for item in fields(part):
            if item.name not in ("notes", "note", "beside", "saved_as", "parameters", "value") and not getattr(
                part, item.name
            ):
                raise ValueError(f"The card of {card.name} has nothing under {item.name!r}.")
    for digest in (card.sha256, *card.source.beside.values()):
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError(f"The card of {card.name} has {digest!r} for a SHA-256.")
    if card.source.kind not in get_args(Kind) or (card.source.kind == "npm" and not card.source.saved_as):
        raise ValueError(f"The card of {card.name} does not say where its file comes from.")
    return card


@cache
def cards() -> Mapping[str, Card]:
    """All cards by name."""
    pages = (folder.joinpath("card.toml") for folder in files("vesica.weights").iterdir())
    found = (read_card(page.read_text("utf-8")) for page in pages if page.is_file())
    return {card.name: card for card in sorted(found, key=lambda card: card.name)}


def card(name: str) -> Card:
    """The card called ``name``."""
    if name in cards():
        return cards()[name]
    hint = did_you_mean(name, cards(), "see 'vesica models'.")
    raise VesicaError(f"No model is called {name[:60]!r}; {hint}")


def place(name: str) -> Path:
    """Where the file of a model is, or would be. Raises ``ModelMissing`` where its Python package is not installed."""
    source = card(name).source
    if source.kind == "npm":
        return cache_dir() / "models" / name / source.saved_as
    package, *rest = PurePosixPath(source.file).parts
    # find_spec of a top-level name looks and does not import: these packages drag in much that we never call.
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        return Path(folder, *rest)
    raise missing(name)


def locate(name: str) -> Path:
    """The file of a model, on this computer. Raises ``ModelMissing`` with the command that brings it."""
    path = place(name)
    if path.is_file():
        return path
    raise missing(name)


def missing(name: str) -> ModelMissing:
    """The fault of a model that is not here."""
    return ModelMissing(f"The model {name} is not installed; bring it with 'vesica models install {name}'.")


def digest(name: str) -> str:
    """SHA-256 of the model's file on this computer (not the one its card promises)."""
    path = locate(name)
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@cache
def _digest(path: Path, _size: int, _changed: int) -> str:
    # Size and time are part of the key, so that a file that was replaced is read again.
    return hash_file(path)
