"""The files that leave beside a work and tell the authorship of each unit: which there are, and whether they hold."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesica.export.authors import frames, notes, pixels, words
from vesica.export.authors.credits import Credits
from vesica.export.authors.page import legend_json, page
from vesica.export.facts import Beside
from vesica.export.marks.formats import marked
from vesica.image.pictures import opaque, write_png
from vesica.work import Medium


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file: what a credential calls it, its media type, and how credits become its bytes."""

    kind: str
    type: str
    write: Callable[[Credits], bytes]


def _overlay(fact: pixels.Fact) -> Callable[[Credits], bytes]:
    return lambda roll: write_png(pixels.overlay(opaque(roll.value), pixels.kinds(roll, pixels.raster(roll, fact))))


def _labels(fact: pixels.Fact) -> Callable[[Credits], bytes]:
    return lambda roll: pixels.labels_png(pixels.raster(roll, fact))


def _strip(fact: pixels.Fact) -> Callable[[Credits], bytes]:
    def write(roll: Credits) -> bytes:
        strip = frames.strip(roll.value)
        labels = frames.raster(roll, fact, *strip.shape[:2])
        return write_png(pixels.overlay(strip, pixels.kinds(roll, labels)))

    return write


COMMON = {
    "html": Form("page", "text/html", page),
    "json": Form("legend", "application/json", legend_json),
}
FORMS: Mapping[Medium, Mapping[str, Form]] = {
    "text": {**COMMON, "md": Form("annotations", "text/markdown", words.annotated)},
    "music": {
        **COMMON,
        "musicxml": Form("notes", "application/vnd.recordare.musicxml+xml", notes.musicxml),
        "mei": Form("notes", "application/mei+xml", notes.mei),
        "svg": Form("score", "image/svg+xml", notes.svg),
        "pdf": Form("score", "application/pdf", notes.paper),
    },
    "image": {
        **COMMON,
        "origin.png": Form("overlay", "image/png", _overlay("origin")),
        "changed.png": Form("overlay", "image/png", _overlay("changed")),
        "origin.labels.png": Form("labels", "image/png", _labels("origin")),
        "changed.labels.png": Form("labels", "image/png", _labels("changed")),
    },
    "video": {
        **COMMON,
        "origin.png": Form("overlay", "image/png", _strip("origin")),
        "changed.png": Form("overlay", "image/png", _strip("changed")),
    },
}
"""By what stands behind ``FILE.authors.``"""


SHOW_IT = frozenset({"page", "notes", "score", "overlay"})
"""Kinds that hold the work itself, and so its mark too. Annotations can't: they count the characters before them."""


def beside(roll: Credits, name: str, source: str) -> tuple[dict[str, bytes], tuple[Beside, ...]]:
    """The files for an export called ``name``, and what its credential says of them.

    source : the work's IPTC digital source type, with which those that show it are marked where machines took part
    """
    files, told = {}, []
    for ending, form in FORMS[roll.medium].items():
        file = f"{name}.authors.{ending}"
        data = form.write(roll)
        files[file] = data = marked(data, form.type, source) if form.kind in SHOW_IT else data
        told.append(Beside(file, form.kind, form.type, hashlib.sha256(data).hexdigest()))
    return files, tuple(told)


def changed(told: Mapping[str, Any], folder: Path) -> str:
    """What is wrong with one file that a credential names (see ``Verdict.beside``), in a sentence; empty: it holds."""
    name = str(told.get("name", ""))
    # A credential may come from anywhere: its names lead nowhere but into the folder of its file.
    if not name or Path(name).name != name or name in (".", ".."):
        return "The credential names a file outside its folder; it was not looked at."
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return f"{name[:100]}, which tells who made what, is missing."
    if hashlib.sha256(data).hexdigest() != told.get("sha256"):
        return f"{name[:100]}, which tells who made what, was changed since the credential was signed."
    return ""
