"""Model cards: what a model is, what it learned from, where its file comes from, what it can't do."""

import hashlib
import sysconfig
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from vesica.errors import ModelMissing, VesicaError


@dataclass(frozen=True, slots=True)
class Card:
    """One model: a folder beside this file with a ``card.toml``."""

    name: str
    title: str
    licence: str
    sha256: str
    source: Mapping[str, Any]
    about: Mapping[str, Any]


@cache
def cards() -> Mapping[str, Card]:
    """All cards by name."""
    found = {}
    for folder in files("vesica.weights").iterdir():
        page = folder.joinpath("card.toml")
        if page.is_file():
            text = tomllib.loads(page.read_text("utf-8"))
            found[text["name"]] = Card(
                text["name"], text["title"], text["licence"], text["sha256"], text["source"], text["about"]
            )
    return dict(sorted(found.items()))


def card(name: str) -> Card:
    """The card called ``name``."""
    if name in cards():
        return cards()[name]
    raise VesicaError(f"No model is called {name!r}; see 'vesica models'.")


def locate(name: str) -> Path:
    """The file of a model, as its package installed it. Raises ``ModelMissing`` with the command that brings it."""
    source = card(name).source
    if source["kind"] == "pypi":
        path = Path(sysconfig.get_paths()["purelib"], source["file"])
        if path.is_file():
            return path
    raise ModelMissing(f"The model {name} is not installed; bring it with 'vesica models install {name}'.")


@cache
def digest(name: str) -> str:
    """SHA-256 of the model's file on this computer (not the one its card promises)."""
    with locate(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
