"""Videos, as the studio handles them. See ``vesica.media.Craft``. The units that have authors are frames."""

import re
from collections.abc import Mapping

import numpy as np

from vesica.authorship import frames as authorship
from vesica.authorship.text import Runs
from vesica.errors import VesicaError
from vesica.video import reading
from vesica.video.clip import TYPE, Video, in_words


def read(data: bytes) -> Video:
    """The video in an MP4, MOV, WebM, Matroska, AVI, GIF or animated WebP file."""
    return reading.read_video(data)


def write(value: Video) -> tuple[bytes, str]:
    """Its MP4 file."""
    return value.data, TYPE


def settle(before: Video, after: Video) -> Video:
    """``before`` itself where nothing that is seen or heard has changed, however the other program packed it."""
    same = (
        (before.width, before.height, before.fps, before.count) == (after.width, after.height, after.fps, after.count)
        and reading.digests(before) == reading.digests(after)
        and reading.sound_digest(before) == reading.sound_digest(after)
    )
    return before if same else after


def fresh(value: Video, turn: str) -> bytes:
    """All frames, brought in by ``turn``. Each is decoded, so that a damaged one is found now."""
    return authorship.fresh(len(reading.digests(value)), turn).to_bytes(authorship.SCHEMA)


def edit(before: Video, authorship_map: bytes, after: Video, turn: str) -> bytes:
    """Frames carried through: those that look otherwise were changed last by ``turn``."""
    old, new = reading.digests(before), reading.digests(after)
    return authorship.edit(old, authors(authorship_map), new, turn).to_bytes(authorship.SCHEMA)


def relabel(authorship_map: bytes, old: str, new: str) -> bytes:
    """The map with one turn called otherwise."""
    names: Mapping[str, str] = {old: new}
    return authors(authorship_map).relabelled(names).to_bytes(authorship.SCHEMA)


def counts(authorship_map: bytes) -> dict[str, tuple[int, int]]:
    """Frames by turn: brought in, changed last."""
    return authorship.counts(authors(authorship_map))


def authors(authorship_map: bytes) -> Runs:
    """The map as a value."""
    return Runs.from_bytes(authorship_map, authorship.SCHEMA)


def difference(one: Video, other: Video) -> float:
    """Mean absolute difference of all channels of all frames, 0..1; 1 where sizes or numbers of frames differ."""
    if one.data == other.data:
        return 0.0
    if (one.width, one.height, one.count) != (other.width, other.height, other.count):
        return 1.0
    pairs = zip(reading.frames(one), reading.frames(other), strict=True)
    apart = sum(float(np.abs(first.astype(np.int16) - second).mean()) for first, second in pairs)
    return apart / (255 * one.count)


def part(wish: str, value: Video) -> str:
    """``all``, or ``frames 1-48``, counted from 1."""
    if wish == "all":
        return wish
    found = re.fullmatch(r"frames? (\d{1,6})(?:-(\d{1,6}))?", wish)
    if not found:
        raise VesicaError(f"{wish!r} names no part of a video; say 'all' or 'frames 1-48'.")
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= value.count:
        raise VesicaError(f"The video has {value.count} frames; {wish!r} is not among them.")
    return f"frames {first}-{last}"


def keep(part: str, before: Video, after: Video) -> Video:
    """``after``, if the locked frames look in it as they do in ``before``.

    They can't be laid over it: coded anew, no frame would stay as it is.
    """
    old, new = reading.digests(before), reading.digests(after)
    first, last = (1, len(old)) if part == "all" else map(int, part.removeprefix("frames ").split("-"))
    same = old[first - 1 : last] == new[first - 1 : last] and (part != "all" or len(old) == len(new))
    if not same:
        what = "video" if part == "all" else part
        raise VesicaError(f"This would change the locked {what}; release it first, or take another take.")
    return after


def describe(value: Video) -> str:
    """Size, frame rate and length, and what was changed when it was brought in."""
    seconds = float(value.seconds)
    minutes, rest = divmod(round(seconds, 1 if seconds < 60 else 0), 60)
    length = f"{rest:g} seconds" if not minutes else f"{int(minutes)}:{int(rest):02d} minutes"
    told = (
        f"a video, {value.width} by {value.height} pixels, {in_words(value.fps)} frames a second, {length}, "
        f"{'with' if value.sound else 'without'} sound"
    )
    return "\n".join((told, *value.remarks))
