"""A work's content as files that other programs read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from vesica.errors import VesicaError
from vesica.work import Medium


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: its media type, and how a value becomes its bytes."""

    type: str
    write: Callable[[Any], bytes]


def _png(value: Any) -> bytes:
    from vesica.image.pictures import write_png

    return write_png(value)


def _jpeg(value: Any) -> bytes:
    from vesica.image.pictures import write_jpeg

    return write_jpeg(value)


def _webp(value: Any) -> bytes:
    from vesica.image.pictures import write_webp

    return write_webp(value)


def _text(value: Any) -> bytes:
    from vesica.text.manuscript import write_text

    return write_text(value if value.endswith("\n") else value + "\n")


def _score(value: Any) -> bytes:
    from vesica.music.score_json import write_score

    return write_score(value)


def _midi(value: Any) -> bytes:
    from vesica.music.midi import write_midi

    return write_midi(value)


def _musicxml(value: Any) -> bytes:
    from vesica.music.musicxml import write_musicxml

    return write_musicxml(value)


def _svg(value: Any) -> bytes:
    from vesica.music.engraving import engrave, stacked

    # One page, as long as the music: an SVG has no second.
    return stacked(engrave(value, height=None)).encode()


def _pdf(value: Any) -> bytes:
    from vesica.music.engraving import engrave, pdf

    return pdf(engrave(value), title=value.title)


def _mp4(value: Any) -> bytes:
    data: bytes = value.data
    return data


def _gif(value: Any) -> bytes:
    from vesica.video.writing import write_gif

    return write_gif(value)


def _wav(value: Any) -> bytes:
    from vesica.music.sound import render, wav

    return wav(render(value))


def _mp3(value: Any) -> bytes:
    from vesica.music.sound import mp3, render

    return mp3(render(value))


def _flac(value: Any) -> bytes:
    from vesica.music.sound import flac, render

    return flac(render(value))


FORMATS: Mapping[Medium, Mapping[str, Format]] = {
    "image": {
        ".png": Format("image/png", _png),
        ".jpg": Format("image/jpeg", _jpeg),
        ".jpeg": Format("image/jpeg", _jpeg),
        ".webp": Format("image/webp", _webp),
    },
    "text": {
        ".txt": Format("text/plain", _text),
        ".md": Format("text/markdown", _text),
    },
    "music": {
        ".json": Format("application/vnd.vesica.score+json", _score),
        ".mid": Format("audio/midi", _midi),
        ".midi": Format("audio/midi", _midi),
        ".musicxml": Format("application/vnd.recordare.musicxml+xml", _musicxml),
        ".svg": Format("image/svg+xml", _svg),
        ".pdf": Format("application/pdf", _pdf),
        ".wav": Format("audio/wav", _wav),
        ".mp3": Format("audio/mpeg", _mp3),
        ".flac": Format("audio/flac", _flac),
    },
    "video": {
        ".mp4": Format("video/mp4", _mp4),
        ".gif": Format("image/gif", _gif),
    },
}


def format_of(medium: Medium, name: str) -> Format:
    """The format that a file's ending asks for. Raises ``VesicaError`` with those there are."""
    formats = FORMATS[medium]
    ending = PurePath(name).suffix.lower()
    if ending not in formats:
        raise VesicaError(f"{name} can't hold this work; end its name with {', '.join(formats)}.")
    return formats[ending]
