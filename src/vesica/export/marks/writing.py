"""The mark in notation and text: a MIDI text event, a MusicXML field, an HTML meta element, Markdown front matter."""

import re
from collections.abc import Callable, Mapping

from vesica.music.midi import MARK, with_text
from vesica.text.mark import NAME, with_front_matter, with_last_line

_TITLE = re.compile(rb"<title\b", re.IGNORECASE)


def midi(data: bytes, source: str) -> bytes:
    """A text event at the beginning of the first track."""
    return with_text(data, MARK + source)


def musicxml(data: bytes, source: str) -> bytes:
    """A ``miscellaneous-field`` of the ``identification``."""
    field = f'<miscellaneous-field name="{NAME}">{source}</miscellaneous-field>'.encode()
    if field in data:
        return data
    if b"</miscellaneous>" in data:
        return data.replace(b"</miscellaneous>", b"  " + field + b"\n    </miscellaneous>", 1)
    more = b"  <miscellaneous>\n      " + field + b"\n    </miscellaneous>\n  </identification>"
    return data.replace(b"</identification>", more, 1)


def html(data: bytes, source: str) -> bytes:
    """A ``meta`` element before the title."""
    title = _TITLE.search(data)
    if not title:
        return data
    meta = f'<meta name="{NAME}" content="{source}">\n'.encode()
    return data[: title.start()] + meta + data[title.start() :]


def markdown(data: bytes, source: str) -> bytes:
    """A line of front matter."""
    return with_front_matter(data.decode(), source).encode()


def _last_line(data: bytes, words: str) -> bytes:
    return with_last_line(data.decode(), words).encode()


def _rights(data: bytes, words: str) -> bytes:
    """``rights``, which notation programs print at the foot of the first page."""
    return data.replace(b"<encoding>", f"<rights>{words}</rights>\n    <encoding>".encode(), 1)


VISIBLE: Mapping[str, Callable[[bytes, str], bytes]] = {
    "text/plain": _last_line,
    "text/markdown": _last_line,
    "application/vnd.recordare.musicxml+xml": _rights,
}
"""How a file says in words that machines took part, by media type."""
