"""The pieces that a picture file is cut into, told before a decoder walks over them: each costs it microseconds."""

import re
import struct
from collections.abc import Iterator
from itertools import repeat

MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Of a JPEG; what may stand inside a scan's own data is left out."""

SCAN = b"\xda"


def pieces(data: bytes) -> Iterator[bytes]:
    """The kind of each chunk of a PNG, marker of a JPEG (``SCAN`` among them), strip of a TIFF, block before a GIF's
    first frame.

    As far as the picture's own end: what an application put behind it is none of it. Of other formats, nothing.
    """
    if data.startswith(b"\x89PNG"):
        yield from _chunks(data)
    elif data.startswith(b"\xff\xd8"):
        yield from _markers(data)
    elif data.startswith(b"GIF8") and len(data) > 13:
        yield from _blocks(data)
    elif data[:2] in (b"II", b"MM"):
        yield from _strips(data)


def _chunks(data: bytes) -> Iterator[bytes]:
    at = 8
    while len(kind := data[at + 4 : at + 8]) == 4 and kind != b"IEND":
        yield kind
        at += 12 + int.from_bytes(data[at : at + 4], "big")


def _markers(data: bytes) -> Iterator[bytes]:
    at = 2
    while (found := MARKER.search(data, at)) and (kind := data[found.end() - 1 : found.end()]) != b"\xd9":
        yield kind
        at = found.end()
        if kind not in (b"\x01", b"\xd8"):  # these have no length
            at += int.from_bytes(data[at : at + 2], "big")


def _blocks(data: bytes) -> Iterator[bytes]:
    flags, at = data[10], 13
    if flags & 0x80:
        at += 3 << (flags & 7) + 1
    while data[at : at + 1] == b"!":
        at += 2
        while at < len(data) and (size := data[at]):
            yield b"!"
            at += 1 + size
        yield b"!"
        at += 1


def _strips(data: bytes) -> Iterator[bytes]:
    end = "<" if data.startswith(b"II") else ">"
    # A BigTIFF (version 43) has wider fields.
    head, many, entry = ("8xQ", "Q", "HHQ8x") if b"+" in data[2:4] else ("4xI", "H", "HHI4x")
    try:
        (at,) = struct.unpack_from(end + head, data)
        (count,) = struct.unpack_from(end + many, data, at)
        for number in range(min(count, 1 << 16)):
            place = at + struct.calcsize(end + many) + number * struct.calcsize(end + entry)
            tag, _, strips = struct.unpack_from(end + entry, data, place)
            if tag in (273, 324):  # where strips, or tiles, lie
                yield from repeat(b"strip", min(strips, len(data)))
    except (struct.error, OverflowError):  # a place beyond the file, or beyond any file
        return
