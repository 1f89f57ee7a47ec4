"""Scores, as the studio handles them. See ``vesica.media.Craft``."""

import re

from vesica.authorship import score as authorship
from vesica.errors import VesicaError
from vesica.music.align import align, events
from vesica.music.files import read_music
from vesica.music.score import Score, bars
from vesica.music.score_json import write_score

TYPE = "application/vnd.vesica.score+json"


def read(data: bytes) -> Score:
    """The score in our own JSON, MIDI, MusicXML or .mxl."""
    return read_music(data)


def write(value: Score) -> tuple[bytes, str]:
    """Canonical JSON bytes."""
    return write_score(value), TYPE


def settle(before: Score, after: Score) -> Score:
    """``after``, its notes named as those of ``before`` that they are."""
    return align(before, after)


def fresh(value: Score, turn: str) -> bytes:
    """Every event brought in by ``turn``."""
    return authorship.to_bytes(authorship.fresh(events(value), turn))


def edit(before: Score, authorship_map: bytes, after: Score, turn: str) -> bytes:
    """Events carried through by their ids."""
    return authorship.to_bytes(authorship.edit(authorship.from_bytes(authorship_map), events(after), turn))


def relabel(authorship_map: bytes, old: str, new: str) -> bytes:
    """The map with one turn called otherwise."""
    return authorship.to_bytes(authorship.relabelled(authorship.from_bytes(authorship_map), {old: new}))


def counts(authorship_map: bytes) -> dict[str, tuple[int, int]]:
    """Events by turn: brought in, changed last."""
    return dict(authorship.counts(authorship.from_bytes(authorship_map)))


def difference(one: Score, other: Score) -> float:
    """Share of events, of both, that the other does not have."""
    first, second = events(one).items(), events(other).items()
    return len(first ^ second) / max(1, len(first) + len(second))


def _bars(part: str) -> tuple[int, int]:
    found = re.fullmatch(r"bars? (\d{1,5})(?:-(\d{1,5}))?", part)
    if not found:
        raise VesicaError(f"{part!r} names no part of a score; say 'all' or for example 'bars 3-4'.")
    first = int(found[1])
    return first, int(found[2] or first)


def part(wish: str, value: Score) -> str:
    """``all``, or ``bars 3-4`` (the first bar is 1)."""
    if wish == "all":
        return wish
    first, last = _bars(wish)
    count = len(bars(value))
    if not 1 <= first <= last <= count:
        raise VesicaError(f"The score has {count} bars; {wish!r} is not among them.")
    return f"bars {first}-{last}"


def keep(part: str, before: Score, after: Score) -> Score:
    """Locked bars must sound the same afterwards, note for note."""
    if part == "all":
        same = events(before) == events(after)
    else:
        first, last = _bars(part)
        same = bars(before)[first - 1 : last] == bars(after)[first - 1 : last]
    if same:
        return after
    raise VesicaError(f"This would change the locked {part}; release them first, or take another take.")


def describe(value: Score) -> str:
    """Its title, parts and length."""
    return f"a score, {len(value.parts)} parts, {len(bars(value))} bars, {len(events(value))} notes"
