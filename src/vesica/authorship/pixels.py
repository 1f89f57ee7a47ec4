"""Who brought in and who last changed each pixel of a picture, as two rasters of labels."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesica.authorship import maps
from vesica.errors import VesicaError

MAGIC = b"vesica-authorship-pixels/1\n"
LARGEST = 100_000_000
"""Pixels of the largest picture."""

Labels = NDArray[np.uint16]
Flags = NDArray[np.bool_]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Two rasters [height, width] of places in ``turns``. They are never written to."""

    turns: tuple[str, ...]
    origin: Labels
    changed: Labels

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.origin.shape[0], self.origin.shape[1]


def fresh(shape: tuple[int, int], turn: str) -> Pixels:
    """The map of a picture that ``turn`` brought in whole."""
    labels: Labels = np.zeros(shape, np.uint16)
    return Pixels((turn,), labels, labels)


def edit(before_map: Pixels, before: Picture, after: Picture, turn: str) -> Pixels:
    """The map after ``turn`` made ``after`` of ``before`` (uint8 [height, width, 3]).

    Pixels that differ in any channel were changed last by ``turn`` and keep their origin. When the size differs, every
    pixel was changed; its origin is that of the nearest pixel of before, by relative position.
    """
    if before_map.shape != before.shape[:2]:
        raise VesicaError("The authorship map is not of this picture's size; restore it from a copy of the studio.")
    height, width = after.shape[:2]
    turns, label = _with(before_map.turns, turn)
    if before.shape == after.shape:
        differs: Flags = (before != after).any(axis=2)
        return _compact(Pixels(turns, before_map.origin, np.where(differs, label, before_map.changed)))
    rows = (np.arange(height) * before.shape[0] // height)[:, None]
    columns = np.arange(width) * before.shape[1] // width
    labels: Labels = np.full((height, width), label, np.uint16)
    return _compact(Pixels(turns, before_map.origin[rows, columns], labels))


def where(mask: Flags, one: Pixels, other: Pixels) -> Pixels:
    """Pixels of ``one`` where ``mask`` is true, else of ``other``: pasting, undoing in part and merging."""
    if not mask.shape == one.shape == other.shape:
        raise VesicaError("Pictures that are merged must have the same size.")
    table = maps.number((*one.turns, *other.turns))
    mine, theirs = (np.array([table[turn] for turn in side.turns], np.uint16) for side in (one, other))
    origin = np.where(mask, mine[one.origin], theirs[other.origin])
    changed = np.where(mask, mine[one.changed], theirs[other.changed])
    return _compact(Pixels(tuple(table), origin, changed))


def moved(before: Pixels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Pixels:
    """Each pixel's facts taken from where it was (``rows``, ``columns`` [height, width]): crops, flips, moves."""
    return _compact(Pixels(before.turns, before.origin[rows, columns], before.changed[rows, columns]))


def relabelled(pixels: Pixels, names: Mapping[str, str]) -> Pixels:
    """The same map with some turns called otherwise."""
    table = maps.number(names.get(turn, turn) for turn in pixels.turns)
    if len(table) == len(pixels.turns):
        return Pixels(tuple(table), pixels.origin, pixels.changed)
    new = np.array([table[names.get(turn, turn)] for turn in pixels.turns], np.uint16)
    return _compact(Pixels(tuple(table), new[pixels.origin], new[pixels.changed]))


def _with(turns: tuple[str, ...], turn: str) -> tuple[tuple[str, ...], int]:
    turns = turns if turn in turns else (*turns, turn)
    if len(turns) > 1 << 16:
        raise VesicaError("A picture can remember 65,536 turns and this one has more; begin a new work from a copy.")
    return turns, turns.index(turn)


def _compact(pixels: Pixels) -> Pixels:
    """The same map with a table of only those turns that are in use, in their order."""
    if len(pixels.turns) == 1:
        return pixels
    used = np.zeros(len(pixels.turns), bool)
    used[pixels.origin] = True
    used[pixels.changed] = True
    new = (np.cumsum(used) - 1).astype(np.uint16)
    turns = tuple(turn for turn, there in zip(pixels.turns, used, strict=True) if there)
    return Pixels(turns, new[pixels.origin], new[pixels.changed])


def to_bytes(pixels: Pixels) -> bytes:
    """A line that says what it is, the length of a JSON head, the head, and the two rasters packed by zlib.

    Where there is one turn alone, all labels are 0 and the rasters are left out.
    """
    pixels = _compact(pixels)
    height, width = pixels.shape
    head = maps.dump({"height": height, "width": width, "turns": list(pixels.turns)})
    if len(pixels.turns) == 1:
        return MAGIC + struct.pack("<I", len(head)) + head
    packer = zlib.compressobj(6)
    rasters = [packer.compress(raster.astype("<u2").tobytes()) for raster in (pixels.origin, pixels.changed)]
    return MAGIC + struct.pack("<I", len(head)) + head + b"".join([*rasters, packer.flush()])


def from_bytes(data: bytes) -> Pixels:
    """Read a map. Raises ``VesicaError`` when it is damaged; no more is unpacked than its size calls for."""
    start = len(MAGIC) + 4
    if not data.startswith(MAGIC) or len(data) < start:
        raise maps.broken("it is not of a picture")
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    told = maps.load(b'{"schema":"head",' + data[start + 1 : start + length], "head")
    turns = maps.turn_table(told.get("turns"))
    height, width = _side(told.get("height")), _side(told.get("width"))
    if height * width > LARGEST or len(turns) > 1 << 16:
        raise maps.broken("it is too large")
    if len(turns) == 1 and len(data) == start + length:
        return fresh((height, width), turns[0])
    size = height * width * 4
    unpacker = zlib.decompressobj()
    try:
        rasters = unpacker.decompress(data[start + length :], size + 1)
    except zlib.error:
        raise maps.broken("its rasters can't be unpacked") from None
    if len(rasters) != size:
        raise maps.broken("its rasters are not of its size")
    origin, changed = np.frombuffer(rasters, "<u2").astype(np.uint16).reshape(2, height, width)
    if max(origin.max(), changed.max()) >= len(turns):
        raise maps.broken("a pixel points nowhere")
    return Pixels(tuple(turns), origin, changed)


def _side(value: Any) -> int:
    if type(value) is not int or not 0 < value <= LARGEST:
        raise maps.broken("its size can't be read")
    return value


def counts(pixels: Pixels) -> dict[str, tuple[int, int]]:
    """Pixels by turn: brought in, changed last."""
    many = len(pixels.turns)
    origin = np.bincount(pixels.origin.ravel(), minlength=many)
    changed = np.bincount(pixels.changed.ravel(), minlength=many)
    return {turn: (int(origin[place]), int(changed[place])) for place, turn in enumerate(pixels.turns)}
