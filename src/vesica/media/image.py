"""Pictures, as the studio handles them. See ``vesica.media.Craft``."""

import re

import numpy as np

from vesica.authorship import pixels as authorship
from vesica.errors import VesicaError
from vesica.image.pictures import Picture, read_picture, write_png

TYPE = "image/png"


def read(data: bytes) -> Picture:
    """uint8 [height, width, 3] of a picture file; 4 channels, the last of them alpha, where it shows through."""
    return read_picture(data, alpha=True)


def write(value: Picture) -> tuple[bytes, str]:
    """PNG bytes."""
    return write_png(value), TYPE


def settle(before: Picture, after: Picture) -> Picture:
    """Pixels have no names to find again."""
    return after


def fresh(value: Picture, turn: str) -> bytes:
    """Two rasters, all ``turn``."""
    return authorship.to_bytes(authorship.fresh((value.shape[0], value.shape[1]), turn))


def edit(before: Picture, authorship_map: bytes, after: Picture, turn: str) -> bytes:
    """Rasters carried through: pixels that differ were changed last by ``turn``."""
    before, after = _alike(before, after)
    return authorship.to_bytes(authorship.edit(authorship.from_bytes(authorship_map), before, after, turn))


def relabel(authorship_map: bytes, old: str, new: str) -> bytes:
    """The rasters with one turn called otherwise."""
    return authorship.to_bytes(authorship.relabelled(authorship.from_bytes(authorship_map), {old: new}))


def counts(authorship_map: bytes) -> dict[str, tuple[int, int]]:
    """Pixels by turn: brought in, changed last."""
    return dict(authorship.counts(authorship.from_bytes(authorship_map)))


def authors(authorship_map: bytes) -> authorship.Pixels:
    """The map as a value."""
    return authorship.from_bytes(authorship_map)


def difference(one: Picture, other: Picture) -> float:
    """Mean absolute difference of all channels, 0..1; 1 when the sizes differ."""
    one, other = _alike(one, other)
    if one.shape != other.shape:
        return 1.0
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean() / 255)


def part(wish: str, value: Picture) -> str:
    """``all``, or ``box LEFT,TOP,WIDTH,HEIGHT`` in pixels."""
    if wish == "all":
        return wish
    found = re.fullmatch(r"box (\d{1,6}),(\d{1,6}),(\d{1,6}),(\d{1,6})", wish)
    if not found:
        raise VesicaError(f"{wish!r} names no part of a picture; say 'all' or 'box LEFT,TOP,WIDTH,HEIGHT' in pixels.")
    left, top, width, height = map(int, found.groups())
    if not (width and height and left + width <= value.shape[1] and top + height <= value.shape[0]):
        raise VesicaError(f"The picture is {value.shape[1]} by {value.shape[0]} pixels; {wish!r} is not inside it.")
    return wish


def keep(part: str, before: Picture, after: Picture) -> Picture:
    """The locked box of ``before``, laid over ``after``."""
    before, after = _alike(before, after)
    if before.shape != after.shape:
        raise VesicaError("A part of this picture is locked, so its size must stay; release the part first.")
    if part == "all":
        if not np.array_equal(before, after):
            raise VesicaError("The whole picture is locked; release it first.")
        return after
    left, top, width, height = map(int, part.removeprefix("box ").split(","))
    kept = after.copy()
    kept[top : top + height, left : left + width] = before[top : top + height, left : left + width]
    return kept


def describe(value: Picture) -> str:
    """Its size."""
    clear = ", with transparency" if value.shape[2] == 4 else ""
    return f"a picture, {value.shape[1]} by {value.shape[0]} pixels{clear}"


def _alike(one: Picture, other: Picture) -> tuple[Picture, Picture]:
    """Both with alpha where one of them has it."""
    if one.shape[2] == other.shape[2]:
        return one, other
    solid = [
        np.dstack([value, np.full(value.shape[:2], 255, np.uint8)]) if value.shape[2] == 3 else value
        for value in (one, other)
    ]
    return solid[0], solid[1]
