"""The boxes of an MP4 file (ISO/IEC 14496-12): what a plain one holds, read without decoding anything."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from vesica.errors import VesicaError

REMARKS = bytes.fromhex("76657369636152008000616272656d61")
"""Name of the box, at the end of a file, that keeps what was changed when it was brought in."""

LONGEST_REMARK = 2000
"""Bytes of all remarks."""

MOST_BOXES = 200
DEEPEST = 4
"""Boxes inside each other, of a track."""

INSIDE = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"})
"""Boxes that hold boxes and nothing else."""

NO_TAGS = bytes.fromhex(
    "0000003d75647461000000356d657461000000000000002168646c7200000000000000006d6469726170706c0000000000000000000000000"
    "8696c7374"
)
"""The box that ffmpeg writes where it has no tags to write."""

UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""The matrix of a track that is not turned."""

USUAL_PROFILES = frozenset({66, 77, 100})
"""Of H.264: Baseline, Main and High, all of 8 bits and 4:2:0."""

USUAL_LIGHT = frozenset({1, 2, 6, 13, 14, 15})
"""Transfer characteristics (ISO/IEC 23091-2) of usual screens; the others are of high dynamic range."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What a file holds that players and this program take as it is: one H.264 track of even pace, at most one of AAC.

    bare : whether nothing else is in the file (no tags, no credential, no place where a phone was), and its table of
        contents comes first
    """

    width: int
    height: int
    fps: Fraction
    count: int
    sound: bool
    bare: bool
    remarks: tuple[str, ...]


Box = tuple[bytes, int, int]
"""Name, and where its content begins and ends."""


class _Odd(Exception):
    """Something that a plain file does not have."""


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes from ``start`` to ``end``. Raises ``VesicaError`` where the last one is cut short."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= end:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise VesicaError("The video file is cut short; export it again.")
        yield name, start + head, start + size
        start += size
    if start != end:
        raise VesicaError("The video file is cut short; export it again.")


def plain(data: bytes) -> Plain | None:
    """What a plain file holds, or None for one that has to be converted. Raises ``VesicaError`` for one cut short."""
    if data[4:8] != b"ftyp":
        return None
    top = list(_few(boxes(data)))
    try:
        return _plain(data, top)
    except (_Odd, struct.error, ArithmeticError, IndexError, KeyError, ValueError):
        return None


def _plain(data: bytes, top: list[Box]) -> Plain:
    names = [name for name, _, _ in top]
    if names.count(b"moov") != 1 or names.count(b"mdat") != 1:
        raise _Odd
    _, start, end = top[names.index(b"moov")]
    inside = list(_few(boxes(data, start, end)))
    tracks = [_Track.of(data, first, last) for name, first, last in inside if name == b"trak"]
    seen = [track for track in tracks if track.kind == b"vide"]
    heard = [track for track in tracks if track.kind == b"soun"]
    if len(seen) != 1 or len(heard) > 1 or len(tracks) != len(seen) + len(heard):
        raise _Odd
    width, height = _check_h264(data, seen[0].coded)
    if heard and heard[0].coded[0][0] != b"mp4a":
        raise _Odd
    fps, count = seen[0].pace
    # Its own colours, where high definition does not say them, are a guess that ffmpeg's decoder makes otherwise.
    if height >= 720 and b"colr" not in data[start:end]:
        raise _Odd
    remarks: tuple[str, ...] = ()
    extra = names.index(b"moov") > names.index(b"mdat")
    for name, first, last in top:
        if name == b"uuid" and data[first : first + 16] == REMARKS:
            remarks = tuple(data[first + 16 : min(last, first + 16 + LONGEST_REMARK)].decode().split("\n"))
        else:
            extra |= name not in (b"ftyp", b"moov", b"mdat", b"free")
    tags = [data[first - 8 : last] for name, first, last in inside if name not in (b"mvhd", b"trak")]
    return Plain(width, height, fps, count, bool(heard), not extra and tags in ([], [NO_TAGS]), remarks)


def _few(found: Iterator[Box]) -> Iterator[Box]:
    for number, box in enumerate(found):
        if number >= MOST_BOXES:
            raise VesicaError("The video file is cut into far more boxes than a video needs; export it again.")
        yield box


@dataclass(frozen=True, slots=True)
class _Track:
    """One track: what it is, how it is coded (the boxes of its sample description), frame rate and number of frames."""

    kind: bytes
    coded: tuple[Box, ...]
    pace: tuple[Fraction, int]

    @classmethod
    def of(cls, data: bytes, start: int, end: int) -> "_Track":
        found = dict(_leaves(data, start, end))
        first, _ = found[b"tkhd"]
        at = first + (52 if data[first] == 1 else 40)
        first, _ = found[b"hdlr"]
        kind = data[first + 8 : first + 12]
        if kind == b"vide" and data[at : at + 36] != UPRIGHT:
            raise _Odd
        if b"elst" in found and struct.unpack_from(">I", data, found[b"elst"][0] + 4)[0] != 1:
            raise _Odd
        first, last = found[b"stsd"]
        if struct.unpack_from(">I", data, first + 4)[0] != 1:
            raise _Odd
        coded = tuple(_few(boxes(data, first + 8, last)))
        return cls(kind, coded, cls._pace(data, found) if kind == b"vide" else (Fraction(1), 0))

    @staticmethod
    def _pace(data: bytes, found: Mapping[bytes, tuple[int, int]]) -> tuple[Fraction, int]:
        first, _ = found[b"mdhd"]
        scale = struct.unpack_from(">I", data, first + (20 if data[first] == 1 else 12))[0]
        first, _ = found[b"stts"]
        rows, count, delta = struct.unpack_from(">III", data, first + 4)
        sizes = struct.unpack_from(">I", data, found[b"stsz"][0] + 8)[0]
        if rows != 1 or not count or count != sizes or not delta or not scale:
            raise _Odd
        return Fraction(scale, delta), count


def _leaves(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, tuple[int, int]]]:
    if depth > DEEPEST:
        raise _Odd
    for name, first, last in _few(boxes(data, start, end)):
        if name in INSIDE:
            yield from _leaves(data, first, last, depth + 1)
        else:
            yield name, (first, last)


def _check_h264(data: bytes, coded: tuple[Box, ...]) -> tuple[int, int]:
    """Width and height of a usual H.264 track: square pixels, light and colours of usual screens."""
    name, start, end = coded[0]
    if name != b"avc1":
        raise _Odd
    width, height = struct.unpack_from(">HH", data, start + 24)
    for name, first, last in _few(boxes(data, start + 78, end)):
        if name == b"avcC" and data[first + 1] not in USUAL_PROFILES:
            raise _Odd
        if name == b"pasp" and len({*struct.unpack_from(">II", data, first)}) != 1:
            raise _Odd
        if name == b"colr" and (
            data[first : first + 4] not in (b"nclx", b"nclc")
            or struct.unpack_from(">H", data, first + 6)[0] not in USUAL_LIGHT
            or (last - first > 10 and data[first + 10] & 0x80)
        ):
            raise _Odd
    if width % 2 or height % 2 or not width or not height:
        raise _Odd
    return width, height


def finished(data: bytes, remarks: tuple[str, ...] = ()) -> bytes:
    """A file as ffmpeg writes it, with its table of contents brought to the front, so that it plays while it loads."""
    top = list(boxes(data))
    whole = {name: data[first - 8 : last] for name, first, last in top if name in (b"ftyp", b"moov")}
    body = next(
        (first - (16 if data[first - 16 : first - 12] == b"\0\0\0\1" else 8), last)
        for name, first, last in top
        if name == b"mdat"
    )
    moved = len(whole[b"ftyp"]) + len(whole[b"moov"]) - body[0]
    moov = bytearray(whole[b"moov"])
    _move(moov, 8, len(moov), moved)
    told = "\n".join(remarks).encode()[:LONGEST_REMARK]
    tail = struct.pack(">I4s", 24 + len(told), b"uuid") + REMARKS + told if told else b""
    return b"".join((whole[b"ftyp"], moov, data[body[0] : body[1]], tail))


def _move(moov: bytearray, start: int, end: int, by: int) -> None:
    """Tell every track that its samples lie ``by`` bytes further on."""
    for name, first, last in list(boxes(moov, start, end)):
        if name in INSIDE:
            _move(moov, first, last, by)
        elif name in (b"stco", b"co64"):
            form = ">I" if name == b"stco" else ">Q"
            count = struct.unpack_from(">I", moov, first + 4)[0]
            for at in range(first + 8, first + 8 + count * struct.calcsize(form), struct.calcsize(form)):
                struct.pack_into(form, moov, at, struct.unpack_from(form, moov, at)[0] + by)
