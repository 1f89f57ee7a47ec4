"""Scores, as the studio handles them. See ``vesica.media.Craft``.

The units that have authors are events: each note under its id, and each change of metre, key and tempo.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from vesica.authorship import score as authorship
from vesica.errors import VesicaError
from vesica.music.align import align, events
from vesica.music.score import ZERO, Part, Score, Sign, bar_lines, bars, tidy
from vesica.music.score_json import read_score, write_score

TYPE = "application/vnd.vesica.score+json"

KEYS = {
    "major": ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"),
    "minor": ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#"),
}
"""Tonics by signature, from seven flats to seven sharps."""


def read(data: bytes) -> Score:
    """The score in our JSON, MIDI, MusicXML or .mxl, told apart by their first bytes."""
    if data.startswith(b"MThd"):
        from vesica.music.midi import read_midi

        return read_midi(data)
    if data.lstrip()[:1] == b"{":
        return read_score(data)
    from vesica.music.musicxml_reader import read_musicxml

    return read_musicxml(data)


def write(value: Score) -> tuple[bytes, str]:
    """Canonical JSON, which holds everything that a score is."""
    return write_score(value), TYPE


def settle(before: Score, after: Score) -> Score:
    """Notes that stayed get their ids back, whatever the other program made of them."""
    return tidy(align(before, after))


def fresh(value: Score, turn: str) -> bytes:
    """All events, brought in by ``turn``."""
    return authorship.to_bytes(authorship.fresh(events(value), turn))


def edit(before: Score, authorship_map: bytes, after: Score, turn: str) -> bytes:
    """Events carried through by id: new ones are of ``turn``, changed ones were changed by it."""
    return authorship.to_bytes(authorship.edit(authorship.from_bytes(authorship_map), events(after), turn))


def relabel(authorship_map: bytes, old: str, new: str) -> bytes:
    """The events with one turn called otherwise."""
    return authorship.to_bytes(authorship.relabelled(authorship.from_bytes(authorship_map), {old: new}))


def counts(authorship_map: bytes) -> dict[str, tuple[int, int]]:
    """Events by turn: brought in, changed last."""
    return authorship.counts(authorship.from_bytes(authorship_map))


def authors(authorship_map: bytes) -> authorship.Events:
    """The map as a value."""
    return authorship.from_bytes(authorship_map)


def difference(one: Score, other: Score) -> float:
    """Share of all events of both that only one has, or that differ."""
    first, second = events(one), events(other)
    names = {*first, *second}
    return sum(first.get(name) != second.get(name) for name in names) / len(names)


# Parts


def part(wish: str, value: Score) -> str:
    """``all``, ``bars 3-4`` (counted from 1, a pick-up too), or ``part Soprano`` (by name, or by number)."""
    if wish == "all":
        return wish
    kind, _, rest = wish.partition(" ")
    if kind in ("bar", "bars") and (found := re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", rest.strip())):
        first, last = int(found[1]), int(found[2] or found[1])
        count = len(bar_lines(value)) - 1
        if not 1 <= first <= last <= count:
            raise VesicaError(f"The score has {count} bars; {wish!r} is not among them.")
        return f"bars {first}-{last}"
    if kind == "part" and rest.strip():
        return f"part {_name(value.parts, _place(rest.strip(), value.parts))}"
    raise VesicaError(f"{wish!r} names no part of a score; say 'all', 'bars 3-4' or 'part Soprano'.")


def _place(name: str, parts: Sequence[Part]) -> int:
    """Where the part of a name or number stands."""
    found = [place for place, one in enumerate(parts) if one.name.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    if name.isdecimal() and 1 <= int(name) <= len(parts):
        return int(name) - 1
    known = ", ".join(_name(parts, place) for place in range(len(parts)))
    raise VesicaError(f"No single part of the score is called {name[:60]!r}; its parts: {known}.")


def _name(parts: Sequence[Part], place: int) -> str:
    """A part's name where no other has it, else its number."""
    name = parts[place].name
    alone = sum(one.name.lower() == name.lower() for one in parts) == 1
    return name if name and alone else str(place + 1)


def keep(part: str, before: Score, after: Score) -> Score:
    """``after``, with the locked bars or part as they are in ``before``."""
    if part == "all":
        if write_score(before) != write_score(after):
            raise VesicaError("The whole score is locked; release it first.")
        return after
    kind, _, rest = part.partition(" ")
    if kind == "part":
        return _keep_part(rest, before, after)
    first, last = map(int, rest.split("-"))
    return _keep_bars(first, last, before, after)


def _keep_part(name: str, before: Score, after: Score) -> Score:
    kept = before.parts[_place(name, before.parts)]
    try:
        place = _place(name, after.parts)
    except VesicaError as fault:
        raise VesicaError(f"This would take away the locked part {name}; release it first.") from fault
    known = {note.id for note in kept.notes}
    parts = tuple(
        kept if number == place else replace(one, notes=tuple(note for note in one.notes if note.id not in known))
        for number, one in enumerate(after.parts)
    )
    return replace(after, parts=parts)


def _keep_bars(first: int, last: int, before: Score, after: Score) -> Score:
    """Lay the bars of ``before`` over ``after``: their notes, and their metre, key and tempo."""
    wanted = bars(before)[first - 1 : last]
    start, end = wanted[0].start, wanted[-1].start + wanted[-1].length
    if bars(after)[first - 1 : last] == wanted and _ids(before, start, end) == _ids(after, start, end):
        return after
    fault = VesicaError(f"This would change the locked bars {first}-{last}; release them first, or take another take.")
    if len(before.parts) > len(after.parts):
        raise fault
    kept = _ids(before, start, end)
    parts = []
    for place, one in enumerate(after.parts):
        inside = [
            note
            for note in (before.parts[place].notes if place < len(before.parts) else ())
            if note.onset < end and note.end > start
        ]
        # What is held into the locked bars from before them stops at their door.
        around = [
            note if note.end <= start or note.onset >= end else replace(note, duration=start - note.onset)
            for note in one.notes
            if note.id not in kept and not start <= note.onset < end
        ]
        parts.append(replace(one, notes=(*inside, *around)))
    laid = replace(
        after,
        parts=tuple(parts),
        metres=_laid(before.metres, after.metres, start, end),
        keys=_laid(before.keys, after.keys, start, end),
        tempi=_laid(before.tempi, after.tempi, start, end),
        pickup=before.pickup if first == 1 else after.pickup,
    )
    laid = tidy(laid)
    if bars(laid)[first - 1 : last] != wanted:
        raise fault
    return laid


def _ids(score: Score, start: Fraction, end: Fraction) -> set[str]:
    return {note.id for note in score.notes if note.onset < end and note.end > start}


def _laid(before: tuple[Sign, ...], after: tuple[Sign, ...], start: Fraction, end: Fraction) -> tuple[Sign, ...]:
    """The signs of ``after``, with those of ``before`` in force from ``start`` to ``end``."""
    found: list[Sign] = [sign for sign in after if sign.onset < start]
    inside: list[Sign] = [sign for sign in before if start < sign.onset < end]
    inside.insert(0, _at(before, start))
    inside.append(_at(after, end))
    for sign in inside:
        if not found or replace(found[-1], onset=ZERO) != replace(sign, onset=ZERO):
            found.append(sign)
    found += [sign for sign in after if sign.onset > end]
    return tuple(found)


def _at(signs: tuple[Sign, ...], time: Fraction) -> Sign:
    """The sign in force at a time, as if it were written there."""
    found = next((sign for sign in reversed(signs) if sign.onset <= time), signs[0])
    return replace(found, onset=time)


# Words


def describe(value: Score) -> str:
    """Title, parts, bars, key and length."""
    from vesica.music.clock import clock

    key = value.keys[0]
    tonic = KEYS[key.mode][key.fifths + 7]
    end = value.end
    seconds = round(clock(value)(end))
    names = ", ".join(one.name or "unnamed" for one in value.parts[:8]) + (", ..." if len(value.parts) > 8 else "")
    count = len(bar_lines(value, end)) - 1
    lines = [
        f"a score for {names or 'nobody'}: {count} bar{'s' * (count != 1)}, {len(value.notes):,} notes, "
        f"{tonic} {key.mode}, {value.metres[0].beats}/{value.metres[0].unit}, {seconds // 60}:{seconds % 60:02d}"
    ]
    return "\n".join([*([value.title] if value.title else []), *lines, *value.remarks])
