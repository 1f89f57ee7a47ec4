"""What the studio does alike with each medium: read, write, compare, guard locked parts, carry authorship.

Each medium is a module with the same functions, described by ``Craft``. Values are those that engines take and give: a
picture (uint8 array [height, width, 3]), a text (str), a ``Score`` or a ``Video``.
"""

import importlib
from pathlib import Path, PurePath
from typing import Any, Protocol, cast

from vesica.errors import VesicaError
from vesica.work import MEDIA, Medium

THIS = "this"
"""Stands in an authorship map for the turn that carries the map, whose id is not known before it is sealed."""

LARGEST_FILE = 512 << 20
"""Bytes; a larger file is refused before it is read."""


class Craft(Protocol):
    """The functions of a medium's module."""

    def read(self, data: bytes) -> Any:
        """The value in a file. Raises ``VesicaError`` when it is broken, hostile or of another kind."""

    def write(self, value: Any) -> tuple[bytes, str]:
        """The bytes an asset keeps for a value, the same bytes each time, and their media type."""

    def settle(self, before: Any, after: Any) -> Any:
        """``after``, with whatever ties it to ``before`` found again: the ids of notes that stayed."""

    def fresh(self, value: Any, turn: str) -> bytes:
        """The authorship map of a value that ``turn`` brought in whole."""

    def edit(self, before: Any, authorship: bytes, after: Any, turn: str) -> bytes:
        """The authorship map after ``turn`` changed ``before`` into ``after``."""

    def relabel(self, authorship: bytes, old: str, new: str) -> bytes:
        """The map with one turn called otherwise."""

    def counts(self, authorship: bytes) -> dict[str, tuple[int, int]]:
        """By turn: how many units it brought in, and how many it changed last."""

    def authors(self, authorship: bytes) -> Any:
        """The map as a value: ``Pixels``, ``Runs`` (of characters or frames) or ``Events``."""

    def difference(self, one: Any, other: Any) -> float:
        """How far two values are apart, 0 (the same) to 1."""

    def part(self, wish: str, value: Any) -> str:
        """A part to lock, in the form that ``keep`` reads. Raises ``VesicaError`` when there is no such part."""

    def keep(self, part: str, before: Any, after: Any) -> Any:
        """``after`` with the locked part as it is in ``before``, or ``VesicaError`` when both can't be had."""

    def describe(self, value: Any) -> str:
        """A line or two for the terminal."""


def craft(medium: Medium) -> Craft:
    """The functions of a medium."""
    return cast(Craft, importlib.import_module(f"vesica.media.{medium}"))


def medium_of(type_: str) -> Medium:
    """The medium of an asset by its media type."""
    kind = type_.partition("/")[0]
    if type_ == "application/vnd.vesica.score+json":
        return "music"
    if kind in MEDIA:
        return kind
    raise VesicaError(f"No medium of the studio is of type {type_}.")


def read_file(path: Path) -> bytes:
    """The bytes of a person's file. Raises ``VesicaError`` in words for everything that can be wrong with a path."""
    try:
        if path.is_dir():
            raise VesicaError(f"{path} is a folder; give a file.")
        with path.open("rb") as file:
            # Pipes and devices do not say how long they are.
            data = file.read(LARGEST_FILE + 1) if path.stat().st_size <= LARGEST_FILE else b""
        if len(data) > LARGEST_FILE or path.stat().st_size > LARGEST_FILE:
            raise VesicaError(f"{path.name} is larger than {LARGEST_FILE >> 20} MB; give a smaller file.")
        return data
    except FileNotFoundError:
        raise VesicaError(f"There is no file {path}; look at its name and folder.") from None
    except PermissionError:
        raise VesicaError(f"{path} may not be read; give yourself the right to.") from None
    except (OSError, ValueError) as fault:
        raise VesicaError(f"{str(path)[:200]!r} can't be read: {getattr(fault, 'strerror', None) or fault}.") from fault


_PICTURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"BM": "image/bmp",
}
_STILLS = frozenset({b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1"})
_SOUNDS = frozenset({b"M4A ", b"M4B ", b"M4P "})
"""Brands of MP4 files that hold no video."""

_MUSIC = {
    ".mid": "audio/midi",
    ".midi": "audio/midi",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".xml": "application/vnd.recordare.musicxml+xml",
    ".mxl": "application/vnd.recordare.musicxml",
}


MOVING = frozenset({"image/gif", "image/webp"})
"""Media types of pictures that may move."""


def sniff(data: bytes, name: str, wanted: Medium | None = None) -> tuple[Medium, str]:
    """What a file is, by its first bytes, and by its name only where those don't tell.

    wanted : what it is to be, where it can be either: a GIF or a WebP is a picture, or a video
    """
    medium, type_ = _sniffed(data, name)
    return ("video" if wanted == "video" and type_ in MOVING else medium), type_


def _sniffed(data: bytes, name: str) -> tuple[Medium, str]:
    if not data:
        raise VesicaError(f"{name} is empty; give a file with something in it.")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image", "image/webp"
    for magic, type_ in _PICTURES.items():
        if data.startswith(magic):
            return "image", type_
    ending = PurePath(name).suffix.lower()
    if type_ := _video(data, ending):
        return "video", type_
    if data.startswith(b"MThd"):
        return "music", "audio/midi"
    if data.startswith(b'{"') and b"vesica-score/" in data[:4000]:
        return "music", "application/vnd.vesica.score+json"
    if data.startswith(b"PK\x03\x04") and b"META-INF/container.xml" in data and b"application/epub" not in data[:200]:
        return "music", _MUSIC[".mxl"]
    if ending in _MUSIC or b"<score-partwise" in data[:4000] or b"<score-timewise" in data[:4000]:
        return "music", _MUSIC.get(ending, "application/vnd.recordare.musicxml+xml")
    if ending in {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"}:
        raise VesicaError(f"{name} is not the video its name promises; export it again as MP4.")
    if ending in {".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp"}:
        raise VesicaError(f"{name} is not the picture its name promises; export it again as PNG or JPEG.")
    if b"\0" in data[:4000] or data.startswith((b"%PDF", b"PK\x03\x04", b"RIFF", b"OggS", b"fLaC", b"ID3")):
        raise VesicaError(f"{name} is none of picture, text, MIDI, MusicXML or video; bring one of those.")
    return "text", "text/markdown" if ending == ".md" else "text/plain"


def _video(data: bytes, ending: str) -> str:
    """The media type of a video file, or nothing."""
    if data[4:8] == b"ftyp":
        if data[8:12] in _STILLS | _SOUNDS:
            return ""
        return "video/quicktime" if data[8:12] == b"qt  " else "video/mp4"
    if ending == ".mov" and data[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "video/quicktime"  # before 2001 they had no box that says so
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in data[:80] else "video/x-matroska"
    return "video/x-msvideo" if data[:4] == b"RIFF" and data[8:12] == b"AVI " else ""
