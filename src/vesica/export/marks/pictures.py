"""XMP in PNG, JPEG and WebP. A picture that has XMP already, or that we can't parse, comes back as it is."""

import struct
import zlib

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{source}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_PNG_KEY = b"XML:com.adobe.xmp"
_JPEG_KEY = b"http://ns.adobe.com/xap/1.0/\0"


def packet(source: str) -> bytes:
    """An XMP packet that says ``source`` and nothing else."""
    return XMP.format(source=source).encode()


def png(data: bytes, source: str) -> bytes:
    """An iTXt chunk behind the header."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or _PNG_KEY in data:
        return data
    body = b"iTXt" + _PNG_KEY + b"\0\0\0\0\0" + packet(source)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]  # after the signature (8) and IHDR (25)


def jpeg(data: bytes, source: str) -> bytes:
    """An APP1 segment behind JFIF and Exif, where readers expect it."""
    if not data.startswith(b"\xff\xd8") or _JPEG_KEY in data:
        return data
    at = 2
    while data[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    body = _JPEG_KEY + packet(source)
    return data[:at] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[at:]


def webp(data: bytes, source: str) -> bytes:
    """A chunk at the end of the extended layout (VP8X), which alone has room for XMP."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or b"XMP " in data:
        return data
    body = data[12:]
    if body[:4] == b"VP8X":
        body = body[:8] + bytes([body[8] | 0x04]) + body[9:]
    else:
        size = _webp_size(body)
        if size is None:
            return data
        width, height, alpha = size
        flags = bytes([0x04 | (0x10 if alpha else 0), 0, 0, 0])
        header = flags + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = b"VP8X" + struct.pack("<I", 10) + header + body
    xmp = packet(source)
    body += b"XMP " + struct.pack("<I", len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _webp_size(body: bytes) -> tuple[int, int, bool] | None:
    """Width, height and whether there is transparency, from the first chunk of a simple file."""
    if body[:4] == b"VP8 " and len(body) >= 18:
        width, height = struct.unpack("<HH", body[14:18])
        return width & 0x3FFF, height & 0x3FFF, False
    if body[:4] == b"VP8L" and len(body) >= 13:
        bits = int.from_bytes(body[9:13], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    return None
