"""Files that nobody should have to open, made here byte by byte, and what importing each of them costs.

Each is small on the disk unless its name says otherwise; what it asks for is not. ``measured`` imports one with the
command line in a process of its own and tells how it ended, its processor time and its peak of memory.
"""

import io
import os
import random
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS = 2
MEMORY = 1 << 30
"""The most that one file may cost."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file to import.

    name : of the file; its ending says what it claims to be
    data : makes its bytes
    said : a part of the sentence that refuses it; empty where it is odd, but can be read
    """

    name: str
    data: Callable[[], bytes]
    said: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How an import ended: exit code, what it said, processor seconds, peak of resident memory in bytes."""

    code: int
    said: str
    seconds: float
    peak: int


# Pictures


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG of any header over any packed rows."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zeros(count: int) -> bytes:
    """``count`` zeros, packed a megabyte at a time."""
    packer, out = zlib.compressobj(9), []
    for _ in range(count >> 20):
        out.append(packer.compress(bytes(1 << 20)))
    return b"".join([*out, packer.compress(bytes(count & 0xFFFFF)), packer.flush()])


def drawn(kind: str, mode: str, size: tuple[int, int], **more: object) -> bytes:
    """A picture of one colour as Pillow writes it."""
    from PIL import Image

    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **more)
    return out.getvalue()


def detailed(kind: str, **more: object) -> bytes:
    """A small picture with something in it."""
    from PIL import Image

    out = io.BytesIO()
    Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3)).save(out, kind, **more)
    return out.getvalue()


def many_scans(scans: int) -> bytes:
    """A progressive JPEG of 16 megapixels that repeats an empty scan: each costs a walk over all its blocks."""
    whole = drawn("JPEG", "L", (4000, 4000), progressive=True, quality=1)
    last = whole.rindex(b"\xff\xda")
    # Huffman tables stand before a scan; the last one's serves its copies.
    return whole[:-2] + whole[last:-2] * scans + b"\xff\xd9"


def tiff(fields: dict[int, tuple[int, int, int]], data: bytes = b"") -> bytes:
    """A little-endian TIFF of one folder with the given fields (type, count, value), pixel data behind it."""
    rows = b"".join(struct.pack("<HHII", tag, *row) for tag, row in sorted(fields.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + rows + struct.pack("<I", 0) + data


def padded(kind: str, mode: str, size: tuple[int, int], weight: int, **more: object) -> bytes:
    """A picture of one colour with noise behind its end, so that it weighs what a photograph does."""
    whole = drawn(kind, mode, size, **more)
    return whole + random.Random(4).randbytes(weight - len(whole))


def animated(kind: str, frames: int) -> bytes:
    """Many frames, of which one is wanted."""
    from PIL import Image

    out = io.BytesIO()
    first, *rest = [Image.new("RGB", (64, 64), (count % 256, count // 256, 9)) for count in range(frames)]
    first.save(out, kind, save_all=True, append_images=rest)
    return out.getvalue()


def turned() -> bytes:
    """100 megapixels that the camera's orientation turns on their side."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return drawn("JPEG", "RGB", (12_500, 8_000), exif=exif)


TIFF_FLOAT = {
    256: (4, 1, 10_000),
    257: (4, 1, 10_000),
    258: (3, 1, 32),
    259: (3, 1, 8),
    262: (3, 1, 1),
    273: (4, 1, 134),
    277: (3, 1, 1),
    278: (4, 1, 10_000),
    339: (3, 1, 3),
}


def float_tiff() -> bytes:
    """100 megapixels of floats, 400 MB when unpacked."""
    packed = zeros(400_000_000)
    return tiff({**TIFF_FLOAT, 279: (4, 1, len(packed))}, packed)


PICTURES = {
    "zero bytes": Hostile("a.png", lambda: b"", "empty"),
    "PNG cut in its rows": Hostile("a.png", lambda: detailed("PNG")[:6000], "damaged"),
    "JPEG cut": Hostile("a.jpg", lambda: detailed("JPEG")[:1500], "damaged"),
    "words called .png": Hostile("a.png", lambda: b"once upon a time", "not the picture"),
    "program called .png": Hostile("a.png", lambda: b"\x7fELF" + bytes(4000), "not the picture"),
    "JPEG called .png": Hostile("a.png", lambda: detailed("JPEG"), ""),
    "PNG, 3.6 gigapixels promised": Hostile("a.png", lambda: png(60_000, 60_000, zeros(1000)), "megapixels"),
    "PNG bomb, 100 megapixels in 0.3 MB": Hostile(
        "a.png", lambda: png(10_000, 10_000, zeros(300_010_000)), "megapixels"
    ),
    "PNG, 16 bit grey, 16 megapixels in 50 kB": Hostile(
        "a.png", lambda: png(4000, 4000, zeros(32_004_000), depth=16, colour=0), ""
    ),
    "PNG with alpha, 12 megapixels": Hostile("a.png", lambda: drawn("PNG", "RGBA", (4000, 3000)), ""),
    "PNG bomb, 4 GB of rows behind one pixel": Hostile("a.png", lambda: png(1, 1, zeros(1 << 32)), ""),
    "PNG, 16 bit grey, 100 megapixels": Hostile(
        "a.png", lambda: png(10_000, 10_000, zeros(200_010_000), depth=16, colour=0), "megapixels"
    ),
    "PNG with alpha, 100 megapixels": Hostile("a.png", lambda: drawn("PNG", "RGBA", (10_000, 10_000)), "megapixels"),
    "PNG with a text of 1 GB inside": Hostile(
        "a.png", lambda: png(1, 1, zeros(4), extra=chunk(b"zTXt", b"a\0\0" + zeros(1 << 30))), "damaged"
    ),
    "PNG with a colour profile of 1 GB inside": Hostile(
        "a.png", lambda: png(1, 1, zeros(4), extra=chunk(b"iCCP", b"a\0\0" + zeros(1 << 30))), "damaged"
    ),
    "PNG with a broken colour profile": Hostile(
        "a.png", lambda: detailed("PNG", icc_profile=random.Random(2).randbytes(600)), ""
    ),
    "PNG one pixel high, 100 million wide": Hostile(
        "a.png", lambda: png(100_000_000, 1, zeros(300_000_001)), "megapixels"
    ),
    "JPEG, 4.3 gigapixels promised": Hostile(
        "a.jpg",
        lambda: detailed("JPEG").replace(b"\xff\xc0\0\x11\x08\0\x40\0\x40", b"\xff\xc0\0\x11\x08\xff\xff\xff\xff"),
        "megapixels",
    ),
    "JPEG of 2,000 scans over 16 megapixels": Hostile("a.jpg", lambda: many_scans(2000), "scans"),
    "JPEG, CMYK, 100 megapixels": Hostile("a.jpg", lambda: drawn("JPEG", "CMYK", (10_000, 10_000)), "megapixels"),
    "JPEG turned by its camera, 100 megapixels": Hostile("a.jpg", turned, "megapixels"),
    "GIF, 4.3 gigapixels promised": Hostile(
        "a.gif",
        lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x02\0;",
        "megapixels",
    ),
    "PNG bomb, 64 megapixels in 0.2 MB": Hostile("a.png", lambda: drawn("PNG", "RGB", (9200, 6900)), "far more"),
    "PNG bomb of 16 megapixels": Hostile("a.png", lambda: drawn("PNG", "RGB", (4000, 4000)), ""),
    "GIF bomb of 16 megapixels": Hostile("a.gif", lambda: drawn("GIF", "P", (4000, 4000)), ""),
    "WebP bomb of 16 megapixels, with alpha": Hostile("a.webp", lambda: drawn("WEBP", "RGBA", (4000, 4000)), ""),
    "WebP bomb of 32 megapixels, padded": Hostile(
        "a.webp", lambda: padded("WEBP", "RGB", (6500, 4900), 3_300_000, method=0), ""
    ),
    "WebP of 40 megapixels": Hostile(
        "a.webp", lambda: padded("WEBP", "RGB", (7300, 5470), 5_000_000, method=0), "megapixels"
    ),
    "TIFF bomb of floats, 16 megapixels": Hostile(
        "a.tif", lambda: drawn("TIFF", "F", (4000, 4000), compression="tiff_lzw"), ""
    ),
    "TIFF bomb in LAB, 16 megapixels": Hostile(
        "a.tif", lambda: drawn("TIFF", "LAB", (4000, 4000), compression="tiff_lzw"), ""
    ),
    "PNG of 3 million empty chunks": Hostile(
        "a.png", lambda: png(1, 1, zeros(4), extra=chunk(b"prVt", b"") * 3_000_000), "pieces"
    ),
    "JPEG of 5 million empty comments": Hostile(
        "a.jpg", lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 5_000_000 + detailed("JPEG")[2:], "pieces"
    ),
    "GIF of 5 million empty comments": Hostile(
        "a.gif",
        lambda: drawn("GIF", "P", (4, 4)).replace(b",\0\0\0\0", b"!\xfe\0" * 5_000_000 + b",\0\0\0\0", 1),
        "pieces",
    ),
    "TIFF of 2 million strips": Hostile(
        "a.tif",
        lambda: tiff(
            {**TIFF_FLOAT, 256: (4, 1, 1), 257: (4, 1, 2_000_000), 273: (4, 2_000_000, 134)}, bytes(16_000_000)
        ),
        "pieces",
    ),
    "GIF of 2,000 frames": Hostile("a.gif", lambda: animated("GIF", 2000), ""),
    "PNG of 300 frames": Hostile("a.png", lambda: animated("PNG", 300), ""),
    "WebP, 100 megapixels": Hostile("a.webp", lambda: drawn("WEBP", "RGB", (10_000, 10_000), method=0), "megapixels"),
    "WebP of 100 frames": Hostile("a.webp", lambda: animated("WEBP", 100), ""),
    "TIFF, 16 exapixels promised": Hostile(
        "a.tif", lambda: tiff({**TIFF_FLOAT, 256: (4, 1, 2**32 - 1), 257: (4, 1, 2**32 - 1)}), "megapixels"
    ),
    "TIFF, floats, 100 megapixels": Hostile("a.tif", float_tiff, "megapixels"),
    "TIFF, a field of 4 billion numbers": Hostile(
        "a.tif", lambda: tiff({**TIFF_FLOAT, 258: (3, 2**32 - 1, 200)}), "picture"
    ),
    "TIFF whose folder follows itself": Hostile("a.tif", lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "picture"),
    "BMP, 4 gigapixels promised": Hostile(
        "a.bmp",
        lambda: drawn("BMP", "RGB", (4, 4))[:18] + struct.pack("<iiHH", 65_535, 65_535, 1, 24) + bytes(40),
        "megapixels",
    ),
    "500 MB of noise behind a PNG's first bytes": Hostile(
        "a.png", lambda: b"\x89PNG\r\n\x1a\n" + random.Random(3).randbytes(1 << 20) * 500, "picture"
    ),
}

# Music


def midi(*tracks: bytes, ticks: int = 480, said: int | None = None) -> bytes:
    """A MIDI file of type 1."""
    head = struct.pack(">4sIHHH", b"MThd", 6, 1, min(len(tracks), 65_535) if said is None else said, ticks)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


END = b"\0\xff\x2f\0"
NOTE = b"\0\x90\x3c\x50\x60\x80\x3c\x00"


def signs(kind: int, body: bytes, count: int) -> bytes:
    """A track of ``count`` changes, each a tick after the last."""
    return (b"\x01\xff" + bytes([kind, len(body)]) + body) * count


def struck(count: int) -> bytes:
    """One key struck again and again before it is let go."""
    return midi(b"\0\x90\x3c\x50" + b"\0\x3c\x50" * (count - 1) + b"\x01\x3c\0" * count + END)


def row(count: int) -> bytes:
    """Notes one after the other, up and down."""
    keys = [30 + number * 7 % 61 for number in range(count)]
    return midi(b"\0\x90\x3c\0" + b"".join(b"\0%c\x50\x1e%c\0" % (key, key) for key in keys) + END)


MIDI = {
    "MIDI cut in its header": Hostile("a.mid", lambda: b"MThd\0\0", "header"),
    "MIDI cut in its track": Hostile("a.mid", lambda: midi(NOTE * 9 + END)[:60], "track 1"),
    "MIDI, track of 4 GB promised": Hostile("a.mid", lambda: midi() + b"MTrk\xff\xff\xff\xff" + NOTE, "track 1"),
    "MIDI of a million empty tracks": Hostile("a.mid", lambda: midi(*[END] * 1_000_000), "MB"),
    "MIDI, 65,000 tracks of one note": Hostile("a.mid", lambda: midi(*[NOTE + END] * 65_000), "tracks"),
    "MIDI, 10,000 notes struck before one is let go": Hostile("a.mid", lambda: struck(10_000), "strikes"),
    "MIDI, 100,000 notes struck before one is let go": Hostile("a.mid", lambda: struck(100_000), "strikes"),
    "MIDI, 200,000 notes struck before one is let go": Hostile("a.mid", lambda: struck(200_000), "strikes"),
    "MIDI, 60,000 notes in one track": Hostile("a.mid", lambda: row(60_000), ""),
    "MIDI, 200,000 notes in one track": Hostile("a.mid", lambda: row(200_000), "notes"),
    "MIDI, every key 250 times at once": Hostile(
        "a.mid",
        lambda: midi(
            b"".join(b"\0\x90%c\x50" % key + b"\0%c\x50" % key * 249 for key in range(128))
            + b"".join(b"\0\x80%c\0" % key + b"\0%c\0" % key * 249 for key in range(128))
            + END
        ),
        "at once",
    ),
    "MIDI, 4 million pressures over one note": Hostile(
        "a.mid", lambda: midi(NOTE + b"\0\xd0\0" + b"\0\0" * 4_000_000 + END), "events"
    ),
    "MIDI, 2 million empty texts": Hostile("a.mid", lambda: midi(NOTE + b"\0\xff\x01\0" * 2_000_000 + END), "events"),
    "MIDI of 60 million notes, never let go": Hostile(
        "a.mid", lambda: midi(b"\0\x90" + b"\x3c\x50\0" * 60_000_000), "MB"
    ),
    "MIDI, 400,000 changes of tempo": Hostile(
        "a.mid", lambda: midi(signs(0x51, b"\x07\xa1\x20", 400_000) + NOTE + END), "changes"
    ),
    "MIDI, 30,000 changes of key over 30,000 notes": Hostile(
        "a.mid",
        lambda: midi(signs(0x59, b"\x02\0", 30_000) + END, (b"\0\x90\x3c\x50\x01\x3c\0") * 30_000 + END),
        "changes",
    ),
    "MIDI, a note that lasts 600 years": Hostile(
        "a.mid", lambda: midi(b"\0\x90\x3c\x50" + b"\xff\xff\xff\x7f\xb0\0\0" * 9000 + END, ticks=1), "longer"
    ),
    "MIDI, one tick a quarter note": Hostile("a.mid", lambda: midi(NOTE * 9 + END, ticks=1), ""),
    "MIDI, tempo of 0 and of 16 seconds": Hostile(
        "a.mid", lambda: midi(signs(0x51, b"\0\0\0", 1) + signs(0x51, b"\xff\xff\xff", 1) + NOTE + END), ""
    ),
    "MIDI, bars of 1/64, 20,000 of them": Hostile(
        "a.mid", lambda: midi(b"\0\xff\x58\x04\x01\x06\x18\x08" + (b"\0\x90\x3c\x50\x1e\x3c\0") * 20_000 + END), ""
    ),
    "MIDI, a text of 100 MB": Hostile(
        "a.mid", lambda: midi(b"\0\xff\x01\xb2\xd0\x84\0" + b"a" * 104_900_000 + NOTE + END), "MB"
    ),
    "MIDI of film frames": Hostile("a.mid", lambda: midi(NOTE + END, ticks=0xE728), "film"),
}

SCORE = (
    '<score-partwise><part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>'
    '<part id="P1">{}</part></score-partwise>'
)
METRE = "<measure><attributes><time><beats>{}</beats><beat-type>{}</beat-type></time></attributes>{}</measure>"
SOUND = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>"
BAR = f"<measure><attributes><divisions>1</divisions></attributes>{SOUND}</measure>"


def xml(inside: str, before: str = "") -> bytes:
    """A MusicXML file of one part."""
    return (before + SCORE.format(inside)).encode()


def tied(count: int) -> bytes:
    """A chord of one pitch, tied over the barline."""
    bars = []
    for kind in ("start", "stop"):
        note = SOUND.replace("</note>", f'<tie type="{kind}"/></note>')
        bars.append(note + note.replace("<note>", "<note><chord/>") * (count - 1))
    return xml(
        f"<measure><attributes><divisions>1</divisions></attributes>{bars[0]}</measure><measure>{bars[1]}</measure>"
    )


def mxl(files: dict[str, bytes], *, score: str = "score.xml") -> bytes:
    """A packed score; the container names ``score``."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        container = f'<container><rootfiles><rootfile full-path="{score}"/></rootfiles></container>'
        for name, data in {"META-INF/container.xml": container.encode(), **files}.items():
            packed.writestr(name, data)
    return out.getvalue()


def overlapping(entries: int) -> bytes:
    """A zip whose every entry points at one stream of 100 MB (after Fifield's bomb of 2019)."""
    whole = mxl({"score.xml": bytes(100 << 20)})
    start = whole.rindex(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    rows = b"".join(whole[start:end].replace(b"score.xml", b"s%07d" % number + b"x") for number in range(entries))
    first = whole[whole.index(b"PK\x01\x02") : start]
    total = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, entries + 1, entries + 1, len(first + rows), 0, 0)
    at = whole.index(b"PK\x01\x02")
    return whole[:at] + first + rows + total[:16] + struct.pack("<I", at) + total[20:]


BOMB = "<!DOCTYPE b [<!ENTITY a 'aaaaaaaaaa'>{}]>".format(
    "".join(f"<!ENTITY {chr(98 + level)} '{f'&{chr(97 + level)};' * 10}'>" for level in range(9))
)
BIG = "<!DOCTYPE b [<!ENTITY a '" + "a" * 1_000_000 + "'>]>"
DEFAULTS = "<!DOCTYPE b [<!ATTLIST note " + " ".join(f"a{n} CDATA '{'a' * 5000}'" for n in range(200)) + ">]>"

XML = {
    "MusicXML cut": Hostile("a.musicxml", lambda: xml(BAR)[:-20], "broken"),
    "MusicXML of nothing but spaces": Hostile("a.musicxml", lambda: b" " * 1_000_000, "broken"),
    "entities that double ten times over": Hostile("a.xml", lambda: xml(BAR + "&j;", BOMB), "declares"),
    "one entity of 1 MB named 1,000 times": Hostile("a.xml", lambda: xml(BAR + "&a;" * 1000, BIG), "declares"),
    "attributes by default, 1 MB for each of 60,000 notes": Hostile(
        "a.xml", lambda: xml(f"<measure>{'<note/>' * 60_000}</measure>", DEFAULTS), "declares"
    ),
    "entity that reads a file": Hostile(
        "a.xml", lambda: xml(BAR + "&a;", "<!DOCTYPE b [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"), "declares"
    ),
    "entity that reads the network": Hostile(
        "a.xml", lambda: xml(BAR + "&a;", "<!DOCTYPE b [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/'> %a;]>"), "declares"
    ),
    "document type from the network": Hostile(
        "a.xml", lambda: xml(BAR, "<!DOCTYPE score-partwise PUBLIC '-//x' 'http://127.0.0.1:9/partwise.dtd'>"), ""
    ),
    "included file": Hostile(
        "a.xml",
        lambda: xml(BAR + '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'),
        "",
    ),
    "100,000 elements deep": Hostile("a.xml", lambda: b"<score-partwise>" + b"<a>" * 100_000, "broken"),
    "250 elements deep": Hostile("a.xml", lambda: xml(BAR + "<a>" * 250 + "</a>" * 250), ""),
    "a million empty parts": Hostile("a.xml", lambda: xml(f"{BAR}</part>{'<part/>' * 1_000_000}<part>"), "parts"),
    "a million empty measures": Hostile("a.xml", lambda: xml(BAR + "<measure/>" * 1_000_000), "bars"),
    "16 million empty elements": Hostile("a.xml", lambda: xml(BAR + "<a/>" * 16_000_000), "larger"),
    "8 million attributes": Hostile(
        "a.xml", lambda: xml(BAR + ("<a " + " ".join(f"a{n}=''" for n in range(1000)) + "/>") * 8000), "larger"
    ),
    "100,000 attributes on one element": Hostile(
        "a.xml", lambda: xml(BAR + "<a " + " ".join(f"a{n}='x'" for n in range(100_000)) + "/>"), ""
    ),
    "300 MB of MusicXML": Hostile("a.xml", lambda: xml(BAR * 2_400_000), "larger"),
    "300,000 notes": Hostile("a.xml", lambda: xml(f"<measure>{SOUND * 300_000}</measure>"), "larger"),
    "divisions of 10^9, durations of 1": Hostile(
        "a.xml",
        lambda: xml(BAR.replace(">1<", ">999999999<").replace(">4</duration", ">1</duration")),
        "",
    ),
    "a duration of 10^9 quarter notes": Hostile(
        "a.xml", lambda: xml(BAR.replace(">4</dur", ">1000000000</dur")), "longer"
    ),
    "a duration of 10^400": Hostile("a.xml", lambda: xml(BAR.replace(">4</dur", f">1{'0' * 400}</dur")), "number"),
    "a duration of 1e999999999": Hostile("a.xml", lambda: xml(BAR.replace(">4</dur", ">1e999999999</dur")), "number"),
    "divisions of 1e-999999999": Hostile("a.xml", lambda: xml(BAR.replace(">1</div", ">1e-999999999</div")), "number"),
    "tempo of 1e999999999": Hostile(
        "a.xml", lambda: xml(f'<measure><sound tempo="1e999999999"/>{SOUND}</measure>'), "number"
    ),
    "metronome of a million digits": Hostile(
        "a.xml",
        lambda: xml(
            "<measure><direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>"
            f"{'9' * 1_000_000}</per-minute></metronome></direction-type></direction>{SOUND}</measure>"
        ),
        "",
    ),
    "octave 10^9": Hostile("a.xml", lambda: xml(BAR.replace("<octave>4", "<octave>1000000000")), "heard"),
    "metre of 1/10^9": Hostile("a.xml", lambda: xml(METRE.format(1, 1_000_000_000, SOUND)), ""),
    "a metre added up of a million numbers": Hostile(
        "a.xml", lambda: xml(METRE.format("1+" * 1_000_000 + "1", 4, SOUND)), ""
    ),
    "20,000 changes of key, metre and tempo in one bar": Hostile(
        "a.xml",
        lambda: xml(
            "<measure><attributes><divisions>9</divisions></attributes>"
            + "".join(
                f'<attributes><key><fifths>{n % 7}</fifths></key></attributes><sound tempo="{60 + n % 90}"/>{SOUND}'
                for n in range(20_000)
            )
            + "</measure>"
        ),
        "marks",
    ),
    "10,000 notes tied in one chord": Hostile("a.xml", lambda: tied(10_000), "chord"),
    "30,000 notes tied in one chord": Hostile("a.xml", lambda: tied(30_000), "chord"),
    "2.4 million lyrics": Hostile("a.xml", lambda: xml(BAR.replace("</note>", "<lyric/>" * 2_400_000 + "</note>")), ""),
    "30,000 notes at once, each after a step back": Hostile(
        "a.xml",
        lambda: xml(f"<measure>{(SOUND + '<backup><duration>4</duration></backup>') * 30_000}</measure>"),
        "back",
    ),
    "100,000 notes": Hostile("a.xml", lambda: xml(f"<measure>{SOUND * 100_000}</measure>"), "notes"),
    "600,000 steps forward": Hostile(
        "a.xml",
        lambda: xml(f"<measure>{SOUND}{'<forward><duration>1</duration></forward>' * 600_000}</measure>"),
        "marks",
    ),
    "2.4 million directions that say nothing": Hostile(
        "a.xml", lambda: xml(f"<measure>{SOUND}{'<direction/>' * 2_400_000}</measure>"), "marks"
    ),
    "35,000 directions of five loudnesses": Hostile(
        "a.xml",
        lambda: xml(
            f"<measure>{SOUND}"
            + f"<direction><direction-type><dynamics>{'<f/>' * 5}</dynamics></direction-type></direction>" * 35_000
            + "</measure>"
        ),
        "",
    ),
    "35,000 empty attributes": Hostile(
        "a.xml", lambda: xml(f"<measure>{SOUND}{'<attributes/>' * 35_000}</measure>"), ""
    ),
    "a note of a million ties": Hostile(
        "a.xml", lambda: xml(f"<measure>{SOUND.replace('</note>', '<tie/>' * 1_000_000 + '</note>')}</measure>"), ""
    ),
    "2.4 million lines of nothing": Hostile("a.xml", lambda: xml(BAR + "<a/>\n" * 2_400_000), ""),
    "a bar of the web page that was saved instead": Hostile(
        "a.musicxml", lambda: b"<html><body>404</body></html>", "html"
    ),
}
MXL = {
    ".mxl cut": Hostile("a.mxl", lambda: mxl({"score.xml": xml(BAR)})[:-30], "broken"),
    ".mxl bomb of 1 GB": Hostile("a.mxl", lambda: mxl({"score.xml": bytes(1 << 30)}), "far more"),
    ".mxl, its container a bomb of 1 GB": Hostile(
        "a.mxl", lambda: mxl({"META-INF/container.xml": bytes(1 << 30)}), "far more"
    ),
    ".mxl of overlapping bombs": Hostile("a.mxl", lambda: overlapping(90), "lacks"),
    ".mxl of 65,000 files": Hostile("a.mxl", lambda: mxl({f"{n}": b"" for n in range(65_000)}), "100"),
    ".mxl that writes outside its folder": Hostile("a.mxl", lambda: mxl({"../../evil.xml": xml(BAR)}), "outside"),
    ".mxl with an absolute name": Hostile("a.mxl", lambda: mxl({"/tmp/evil.xml": xml(BAR)}), "outside"),
    ".mxl whose score is ../secret": Hostile("a.mxl", lambda: mxl({"s.xml": xml(BAR)}, score="../secret"), "lacks"),
    ".mxl whose score is /etc/passwd": Hostile("a.mxl", lambda: mxl({"s.xml": xml(BAR)}, score="/etc/passwd"), "lacks"),
    ".mxl inside an .mxl": Hostile("a.mxl", lambda: mxl({"score.xml": mxl({"score.xml": xml(BAR)})}), "broken"),
    ".mxl with entities in its container": Hostile(
        "a.mxl", lambda: mxl({"META-INF/container.xml": (BOMB + "<b>&j;</b>").encode()}), "declares"
    ),
}

# Words


JSON = {
    "score JSON, 100,000 lists deep": Hostile(
        "a.json", lambda: b'{"format":"vesica-score/1","keys":' + b"[" * 100_000, "JSON"
    ),
    "score JSON, a number of a million digits": Hostile(
        "a.json", lambda: b'{"format":"vesica-score/1","keys":' + b"9" * 1_000_000 + b"}", "JSON"
    ),
    "score JSON, 900,000 names": Hostile(
        "a.json",
        lambda: b'{"format":"vesica-score/1","keys":{' + b",".join(b'"%07d":0' % n for n in range(900_000)) + b"}}",
        "JSON",
    ),
    "score JSON, 50 million empty lists": Hostile(
        "a.json", lambda: b'{"format":"vesica-score/1","keys":[' + b"[]," * 50_000_000 + b"[]]}", "MB"
    ),
}
TEXTS = {
    "text in Latin-1": Hostile("a.txt", lambda: "Café\n".encode("latin-1") * 1000, "UTF-8"),
    "text in UTF-16": Hostile("a.txt", lambda: ("word " * 9000).encode("utf-16"), "none of"),
    "text with a NUL": Hostile("a.txt", lambda: b"word " * 1000 + b"\0", "NUL"),
    "text of 5 MB": Hostile("a.txt", lambda: b"word " * (1 << 20), ""),
    "text of 5 MB in one word": Hostile("a.txt", lambda: b"w" * (5 << 20), ""),
    "text of 5 MB of line ends": Hostile("a.txt", lambda: b"\n" * (5 << 20), ""),
    "text of 100 MB": Hostile("a.txt", lambda: b"word " * (20 << 20), "MB"),
    "text of 600 MB": Hostile("a.txt", lambda: b"word " * (120 << 20), "MB"),
    "text that steers a terminal": Hostile("a.txt", lambda: b"\x1b[2J\x1b]0;x\x07" * 1000, ""),
}

# Honest ones, as large as they may be


def photographed(kind: str, megapixels: int, **more: object) -> bytes:
    """Slopes under a camera's noise."""
    import numpy as np
    from PIL import Image

    width = 1000 * megapixels // 7
    down, across = np.ogrid[0:7000, 0:width]
    noise = np.random.default_rng(5).normal(0, 4, (7000, width, 1)).astype(np.float32)
    slopes = [(100 * np.sin(across / (300 + 50 * n) + down / (200 + 30 * n))).astype(np.float32) for n in range(3)]
    out = io.BytesIO()
    Image.fromarray((128 + np.dstack(slopes) + noise).clip(0, 255).astype(np.uint8)).save(out, kind, **more)
    return out.getvalue()


def symphony() -> bytes:
    """30 parts of 2,000 notes as MusicXML."""
    bar = "".join(
        f"<note><pitch><step>{'CDEFG'[n % 5]}</step><octave>4</octave></pitch><duration>1</duration><voice>1</voice>"
        "<type>16th</type><stem>up</stem></note>"
        for n in range(16)
    )
    part = "<measure><attributes><divisions>4</divisions></attributes>" + f"{bar}</measure><measure>" * 125
    return xml("</part><part id='P1'>".join([part + "</measure>"] * 30))


HONEST = {
    "JPEG like a photograph, 61 megapixels": Hostile("a.jpg", lambda: photographed("JPEG", 61, quality=90), ""),
    "progressive JPEG like a photograph, 61 megapixels": Hostile(
        "a.jpg", lambda: photographed("JPEG", 61, quality=90, progressive=True), ""
    ),
    "PNG like a photograph, 61 megapixels": Hostile("a.png", lambda: photographed("PNG", 61, compress_level=1), ""),
    "MIDI, a symphony's movement: 30 tracks of 2,000 notes": Hostile(
        "a.mid", lambda: midi(*[row(2000)[22:-4] + END for _ in range(30)]), ""
    ),
    "MusicXML, a symphony's movement: 30 parts of 2,000 notes": Hostile("a.musicxml", symphony, ""),
}

CLASSES = {
    "Pictures": PICTURES,
    "MIDI": MIDI,
    "MusicXML": XML,
    "Packed MusicXML": MXL,
    "Score JSON": JSON,
    "Text": TEXTS,
}


# Measuring


def measured(hostile: Hostile, folder: Path) -> Ended:
    """Import a file into the work of ``studio_in(folder)`` with ``vesica import``, and watch it from its start.

    The file lies in ``folder`` and is removed again.
    """
    path = folder / hostile.name
    maker = os.fork()  # so that the file's own making does not count
    if maker == 0:
        path.write_bytes(hostile.data())
        os._exit(0)
    os.waitpid(maker, 0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # A runaway should end here, not take the computer along.
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(write, 2)
        words = ["--studio", str(folder / "studio"), "import", path.stem, str(path)]
        os.execv(sys.executable, [sys.executable, "-m", "vesica", *words])
    os.close(write)
    with os.fdopen(read, "rb") as told:
        said = told.read().decode("utf-8", "replace")
    _, status, used = os.wait4(child, 0)
    path.unlink()
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, said.strip(), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def studio_in(folder: Path) -> None:
    """A studio with the work that hostile files are imported into; their name is its name."""
    from vesica.studio import Studio

    with Studio.create(folder / "studio") as studio:
        studio.new("a")
