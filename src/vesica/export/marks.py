"""The IPTC digital source type as XMP, in pictures, for the many readers that know XMP and not C2PA.

Written before signing, so that the credential covers it. A picture that already has XMP is left as it is.
"""

import struct
import zlib

_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{source}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_PNG_KEY = b"XML:com.adobe.xmp"
_JPEG_KEY = b"http://ns.adobe.com/xap/1.0/\0"


def with_source(data: bytes, media_type: str, source: str) -> bytes:
    """``data`` with ``source`` in XMP, for PNG, JPEG and WebP; all else, and what we can't parse, comes back as is."""
    packet = _PACKET.format(source=source).encode()
    match media_type:
        case "image/png" if data.startswith(b"\x89PNG\r\n\x1a\n") and _PNG_KEY not in data:
            body = b"iTXt" + _PNG_KEY + b"\0\0\0\0\0" + packet
            chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
            return data[:33] + chunk + data[33:]  # after the signature (8) and IHDR (25)
        case "image/jpeg" if data.startswith(b"\xff\xd8") and _JPEG_KEY not in data:
            at = 2
            while data[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):  # behind JFIF and Exif, where readers expect it
                at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            body = _JPEG_KEY + packet
            return data[:at] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[at:]
        case "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and b"XMP " not in data:
            return _webp(data, packet)
    return data


def _webp(data: bytes, packet: bytes) -> bytes:
    """The file in WebP's extended layout (VP8X), which alone has room for XMP."""
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
    body += b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
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
