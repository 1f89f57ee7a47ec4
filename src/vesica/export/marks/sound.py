"""The mark in sound: RIFF INFO and XMP in WAV, an ID3 text frame in MP3, a Vorbis comment in FLAC."""

import struct

from vesica.export.marks.pictures import packet
from vesica.text.mark import NAME


def wav(data: bytes, source: str) -> bytes:
    """Two chunks behind the samples: a comment for players, XMP (``_PMX``) for archives."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE" or b"_PMX" in data:
        return data
    comment = f"{NAME}: {source}".encode() + b"\0"
    body = data[8:] + b"\0" * (len(data) % 2)
    body += _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", comment)) + _chunk(b"_PMX", packet(source))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def mp3(data: bytes, source: str) -> bytes:
    """A frame TXXX in an ID3v2.4 tag before the sound; a file that has a tag already keeps its own."""
    if data[:1] != b"\xff":
        return data
    body = b"\0" + NAME.encode() + b"\0" + source.encode()
    frame = b"TXXX" + _safe(len(body)) + b"\0\0" + body
    return b"ID3\4\0\0" + _safe(len(frame)) + frame + data


def _safe(size: int) -> bytes:
    """A size in four bytes of seven bits, none of which looks like the beginning of a frame of sound."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def flac(data: bytes, source: str) -> bytes:
    """A comment more in the block of comments, or a block of its own behind STREAMINFO."""
    if data[:4] != b"fLaC" or len(data) < 42:  # STREAMINFO always has 34 bytes
        return data
    comment = f"{NAME}={source}".encode()
    comment = struct.pack("<I", len(comment)) + comment
    at = 4
    while at + 4 <= len(data):
        kind, size = data[at] & 0x7F, int.from_bytes(data[at + 1 : at + 4], "big")
        body = data[at + 4 : at + 4 + size]
        if kind == 4 and len(body) >= 8:
            listed = 4 + int.from_bytes(body[:4], "little")
            count = int.from_bytes(body[listed : listed + 4], "little")
            body = body[:listed] + struct.pack("<I", count + 1) + body[listed + 4 :] + comment
            return data[: at + 1] + len(body).to_bytes(3, "big") + body + data[at + 4 + size :]
        if data[at] & 0x80:
            break
        at += 4 + size
    block = struct.pack("<I", 6) + b"vesica" + struct.pack("<I", 1) + comment
    end = 8 + int.from_bytes(data[5:8], "big")
    last = data[4] & 0x80
    return b"fLaC\0" + data[5:end] + bytes([4 | last]) + len(block).to_bytes(3, "big") + block + data[end:]
