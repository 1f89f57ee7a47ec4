"""The mark by format, written before signing, so that the credential covers it.

Only where machines took part: a person's own work is not marked. What a file says already is left as it is.
"""

from vesica.errors import VesicaError
from vesica.export.facts import IPTC
from vesica.export.marks import paper, pictures, sound, videos, writing
from vesica.export.marks.source import BY_MACHINES
from vesica.text.mark import WORDS

_WRITERS = {
    "image/png": pictures.png,
    "image/jpeg": pictures.jpeg,
    "image/webp": pictures.webp,
    "image/gif": videos.gif,
    "video/mp4": videos.mp4,
    "image/svg+xml": paper.svg,
    "application/pdf": paper.pdf,
    "audio/wav": sound.wav,
    "audio/mpeg": sound.mp3,
    "audio/flac": sound.flac,
    "audio/midi": writing.midi,
    "application/vnd.recordare.musicxml+xml": writing.musicxml,
    "text/html": writing.html,
    "text/markdown": writing.markdown,
}


def marked(data: bytes, media_type: str, source: str) -> bytes:
    """``data`` with ``source`` in it, if machines took part and the format has a place; all else comes back as is."""
    write = _WRITERS.get(media_type)
    return write(data, source) if write and source in BY_MACHINES else data


def holds(media_type: str) -> bool:
    """Whether files of ``media_type`` have a place for the mark. Plain text has none that a reader would not see."""
    return media_type in _WRITERS


def in_words(data: bytes, media_type: str, source: str) -> bytes:
    """``data`` that also says to a reader, in a line of words, that machines took part."""
    if media_type not in writing.VISIBLE:
        raise VesicaError(
            "Only texts and MusicXML can say it in words; leave out --visible, the file's credential and mark say it."
        )
    words = WORDS.get(source.removeprefix(IPTC))
    return writing.VISIBLE[media_type](data, words) if words else data
