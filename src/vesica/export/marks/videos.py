"""XMP in MP4 and GIF. What has XMP already, or can't be parsed, comes back as it is."""

import struct

from vesica.export.marks.pictures import packet

_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Name of the box that holds XMP (XMP specification, part 3)."""

_BLOCK = b"\x21\xff\x0bXMP DataXMP"
_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
"""Behind XMP in GIF: whichever byte of it a reader takes for a block's length, this leads to the end."""


def mp4(data: bytes, source: str) -> bytes:
    """A box at the end of the file, where it moves no sample."""
    if data[4:8] != b"ftyp" or _BOX in data:
        return data
    body = _BOX + packet(source)
    return data + struct.pack(">I4s", 8 + len(body), b"uuid") + body


def gif(data: bytes, source: str) -> bytes:
    """An application extension behind the header and its colours."""
    if not data.startswith(b"GIF89a") or len(data) < 13 or _BLOCK in data:
        return data
    colours = 3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0
    return data[: 13 + colours] + _BLOCK + packet(source) + _TRAILER + data[13 + colours :]
