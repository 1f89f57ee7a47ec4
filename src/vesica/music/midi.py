"""Standard MIDI files, type 0 and 1, read and written without a library: each fault can name its byte."""

from bisect import bisect_right
from collections import defaultdict, deque
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import lcm

from vesica.errors import VesicaError
from vesica.music.align import with_ids
from vesica.music.score import (
    COMMON,
    MOST_AT_ONCE,
    MOST_CHANGES,
    MOST_NOTES,
    PLAIN,
    ZERO,
    Key,
    Metre,
    Note,
    Part,
    Score,
    Tempo,
    spell,
    tidy,
)
from vesica.music.score_json import check, plain

FINE = 10_080
"""Ticks a quarter note where no smaller count holds every time exactly; all of 1..10 divide it."""

MARK = "DigitalSourceType: "
"""A text event that begins so says how a file came about; it is no remark of the score's."""

LARGEST = 8 << 20
"""Bytes of a file, at most; ``MOST_NOTES`` notes take 0.5 MB, and the rest may bend and swell them."""

MOST_TRACKS = 1000
MOST_EVENTS = 500_000
"""Of a file; ``MOST_NOTES`` notes take 130,000."""

DRUMS = 9
SHORTEST = Fraction(1, 24)


def write_midi(score: Score) -> bytes:
    """A type 1 file: signs in the first track, then a track a part. The same score gives the same bytes."""
    ticks = _resolution(score)
    tracks = [_signs_track(score, ticks)]
    for index, part in enumerate(score.parts):
        channel = index % 15
        tracks.append(_part_track(part, channel + (channel >= DRUMS), ticks))
    head = b"MThd" + (6).to_bytes(4, "big") + b"\0\1" + len(tracks).to_bytes(2, "big") + ticks.to_bytes(2, "big")
    return head + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def with_text(data: bytes, text: str) -> bytes:
    """A MIDI file with a text event more, at the beginning of its first track; what is no MIDI file stays as it is."""
    if data[:4] != b"MThd" or data[14:18] != b"MTrk":
        return data
    event = b"\0" + _meta(1, _encoded(text))
    size = int.from_bytes(data[18:22], "big") + len(event)
    return data[:18] + size.to_bytes(4, "big") + event + data[22:]


def _resolution(score: Score) -> int:
    times = {time.denominator for note in score.notes for time in (note.onset, note.duration)}
    times |= {metre.onset.denominator for metre in score.metres} | {score.pickup.denominator}
    need = 480
    for denominator in sorted(times):
        need = lcm(need, denominator)
        if need > 0x7FFF:
            return FINE
    return need


def _signs_track(score: Score, ticks: int) -> bytes:
    rows = [(0, 0, _meta(3, _encoded(score.title)))] if score.title else []
    rows += [(0, 1, _meta(1, _encoded(remark))) for remark in score.remarks]
    metres = list(score.metres)
    # MIDI has no pick-up: a short first bar under a metre of its own says the same.
    if score.pickup and (short := _metre_of(score.pickup)):
        metres = [short, Metre(score.pickup, metres[0].beats, metres[0].unit), *metres[1:]]
    for metre in metres:
        rows.append(
            (_tick(metre.onset, ticks), 2, _meta(0x58, bytes([metre.beats, metre.unit.bit_length() - 1, 24, 8])))
        )
    for key in score.keys:
        rows.append((_tick(key.onset, ticks), 3, _meta(0x59, bytes([key.fifths % 256, int(key.mode == "minor")]))))
    for tempo in score.tempi:
        rows.append((_tick(tempo.onset, ticks), 4, _meta(0x51, _microseconds(tempo.quarters).to_bytes(3, "big"))))
    return _track(rows)


def _part_track(part: Part, channel: int, ticks: int) -> bytes:
    rows = [(0, 0, _meta(3, _encoded(part.name)))] if part.name else []
    rows.append((0, 1, bytes([0xC0 | channel, part.program])))
    for note in part.notes:
        start, end = _tick(note.onset, ticks), _tick(note.end, ticks)
        key = note.pitch.midi
        # Offs before ons at one tick, so that repeated notes are struck again.
        rows.append((start, 3, bytes([0x90 | channel, key, note.velocity])))
        rows.append((max(end, start + 1), 2, bytes([0x80 | channel, key, 64])))
    return _track(rows)


def _track(rows: list[tuple[int, int, bytes]]) -> bytes:
    rows.sort()
    found, now = bytearray(), 0
    for tick, _, message in rows:
        found += _variable(tick - now) + message
        now = tick
    return bytes(found + b"\0\xff\x2f\0")


def _tick(time: Fraction, ticks: int) -> int:
    return round(time * ticks)


def _microseconds(quarters: Fraction) -> int:
    return min(0xFFFFFF, max(1, round(Fraction(60_000_000) / quarters)))


def _metre_of(length: Fraction) -> Metre | None:
    for unit in (4, 8, 16, 32, 64):
        count = length * unit / 4
        if count.denominator == 1 and count <= 64:
            return Metre(ZERO, int(count), unit)
    return None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8")


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable(len(data)) + data


def _variable(number: int) -> bytes:
    found = [number & 0x7F]
    while number := number >> 7:
        found.append(0x80 | (number & 0x7F))
    return bytes(reversed(found))


@dataclass
class _Read:
    """What the tracks said so far. Times in ticks."""

    ticks: int
    title: str = ""
    texts: list[str] = field(default_factory=list)
    metres: dict[int, tuple[int, int]] = field(default_factory=dict)
    keys: dict[int, tuple[int, bool]] = field(default_factory=dict)
    tempi: dict[int, int] = field(default_factory=dict)
    parts: dict[tuple[int, int], list[tuple[int, int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    names: dict[int, str] = field(default_factory=dict)
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    events: int = 0
    notes: int = 0
    drums: bool = False


def read_midi(data: bytes) -> Score:
    """Read a MIDI file of type 0 or 1: a part for each track and channel that plays, pitches spelled by the key.

    Raises ``VesicaError`` with the track and byte where the file breaks off or makes no sense.
    """
    if len(data) < 14 or data[:4] != b"MThd":
        raise VesicaError("This MIDI file has no whole header; export it again.")
    if len(data) > LARGEST:
        raise VesicaError(f"This MIDI file is larger than {LARGEST >> 20} MB; bring a part of it.")
    size = int.from_bytes(data[4:8], "big")
    kind, _, division = (int.from_bytes(data[place : place + 2], "big") for place in (8, 10, 12))
    if kind > 1:
        raise VesicaError(f"This is a MIDI file of type {kind}; save it as type 0 or 1.")
    if division & 0x8000 or not division:
        raise VesicaError("This MIDI file counts film frames, not beats; export it with beats (ticks a quarter note).")
    read = _Read(division)
    place, number = 8 + max(6, size), 0
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "big")
        if data[place : place + 4] == b"MTrk":
            number += 1
            if number > MOST_TRACKS:
                raise VesicaError(f"This MIDI file has more than {MOST_TRACKS:,} tracks; bring a part of it.")
            _read_track(data, place + 8, place + 8 + length, number, read)
        place += 8 + length
    if not any(read.parts.values()):
        extra = " but drums, which a score does not hold" if read.drums else ""
        raise VesicaError(f"This MIDI file has no notes{extra}; bring one with a melody.")
    return _assemble(read)


def _broken(number: int, place: int, what: str) -> VesicaError:
    return VesicaError(f"This MIDI file {what} inside track {number} (byte {place}); export it again.")


def _read_track(data: bytes, place: int, end: int, number: int, read: _Read) -> None:
    if end > len(data):
        raise _broken(number, len(data), "ends")
    track, now, status, at = data[place:end], 0, 0, 0
    sounding = defaultdict[tuple[int, int], deque[tuple[int, int]]](deque)

    def variable(at: int) -> tuple[int, int]:
        """A number of one to four bytes, and where it ends."""
        value = 0
        for here in range(at, at + 4):
            byte = track[here]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, here + 1
        raise _broken(number, place + at, "has a number too long")

    def text(at: int) -> tuple[bytes, int]:
        """Bytes behind their count, and where they end."""
        count, at = variable(at)
        if at + count > len(track):
            raise IndexError
        return track[at : at + count], at + count

    try:
        while at < len(track):
            passed, at = (track[at], at + 1) if track[at] < 0x80 else variable(at)
            now += passed
            read.events += 1
            if read.events > MOST_EVENTS:
                raise VesicaError(f"This MIDI file has more than {MOST_EVENTS:,} events; thin out its controllers.")
            first = track[at]
            at += 1
            if first == 0xFF:
                what = track[at]
                said, at = text(at + 1)
                if what == 0x2F:
                    break
                _read_meta(what, said, now, number, read)
            elif first in (0xF0, 0xF7):
                _, at = text(at)
            elif first >= 0xF1:
                raise _broken(number, place + at - 1, "has an unknown message")
            else:
                if first >= 0x80:
                    status, first = first, track[at]
                    at += 1
                if not status or first >= 0x80:
                    raise _broken(number, place + at - 1, "has an unknown message")
                kind, channel, second = status & 0xF0, status & 0x0F, 0
                if kind not in (0xC0, 0xD0):
                    second = track[at] & 0x7F
                    at += 1
                if channel == DRUMS:
                    read.drums |= kind == 0x90
                elif kind == 0xC0:
                    read.programs.setdefault((number, channel), first)
                elif kind == 0x90 and second:
                    read.notes += 1
                    if read.notes > MOST_NOTES:
                        raise VesicaError(f"This MIDI file has more than {MOST_NOTES:,} notes; bring a part of it.")
                    struck = sounding[channel, first]
                    struck.append((now, second))
                    if len(struck) > MOST_AT_ONCE:
                        raise _broken(number, place + at, f"strikes a key {MOST_AT_ONCE} times before it lets go")
                elif kind in (0x80, 0x90) and (struck := sounding[channel, first]):
                    start, velocity = struck.popleft()
                    read.parts[number, channel].append((start, now, first, velocity))
    except IndexError:
        raise _broken(number, end, "ends") from None
    for (channel, key), left in sounding.items():
        for start, velocity in left:
            read.parts[number, channel].append((start, max(now, start + read.ticks), key, velocity))


def _read_meta(what: int, data: bytes, now: int, number: int, read: _Read) -> None:
    if what in (1, 3):
        text = data[:500].decode("utf-8", "replace").strip("\0 \r\n").replace("\r", " ").replace("\n", " ")
        if not text or not plain(text) or text.startswith(MARK):
            return
        if what == 1:
            if number == 1 and len(read.texts) < 20:
                read.texts.append(text)
        else:
            read.names.setdefault(number, text)
    elif what == 0x51 and len(data) == 3:
        read.tempi[now] = max(1, int.from_bytes(data, "big"))
    elif what == 0x58 and len(data) >= 2 and 1 <= data[0] <= 64 and data[1] <= 6:
        read.metres[now] = (data[0], 1 << data[1])
    elif what == 0x59 and len(data) == 2 and -7 <= (fifths := (data[0] + 128) % 256 - 128) <= 7:
        read.keys[now] = (fifths, data[1] == 1)
    if max(len(read.tempi), len(read.metres), len(read.keys)) > MOST_CHANGES:
        raise VesicaError(
            f"This MIDI file has more than {MOST_CHANGES:,} changes of metre, key or tempo; thin them out."
        )


def _assemble(read: _Read) -> Score:
    @cache
    def time(tick: int) -> Fraction:
        return Fraction(tick, read.ticks)

    metres, pickup = _metres([Metre(time(tick), *found) for tick, found in sorted(read.metres.items())])
    keys = [
        Key(time(tick), fifths, "minor" if minor else "major") for tick, (fifths, minor) in sorted(read.keys.items())
    ]
    tempi = [Tempo(time(tick), _quarters(found)) for tick, found in sorted(read.tempi.items())]
    keys = keys if keys and keys[0].onset == 0 else [*PLAIN, *keys]
    tempi = tempi if tempi and tempi[0].onset == 0 else [Tempo(ZERO, Fraction(120)), *tempi]
    remarks, changes = list(read.texts), [sign.onset for sign in keys]
    parts = []
    only_signs = not any(number == 1 for number, _ in read.parts)
    for number, channel in sorted(found for found, notes in read.parts.items() if notes):
        notes = []
        for start, end, key, velocity in read.parts[number, channel]:
            onset = time(start)
            fifths = keys[bisect_right(changes, onset) - 1 if len(keys) > 1 else 0].fifths
            length = time(end - start) or SHORTEST
            notes.append(Note("", onset, length, spell(key, fifths), velocity=velocity))
        name = read.names.get(number, "") if number > 1 or not only_signs else ""
        parts.append(Part(name, read.programs.get((number, channel), 0), tuple(notes)))
    if read.drums:
        remarks.append("The drum channel was left out; a score holds pitched notes.")
    title = read.names.get(1, "") if only_signs else ""
    score = Score(title, tuple(parts), metres, tuple(keys), tuple(tempi), pickup, tuple(remarks))
    score = tidy(with_ids(score))  # in this order: of notes that differ in loudness alone, the id tells the order
    check(score)
    return score


def _quarters(microseconds: int) -> Fraction:
    """Quarter notes a minute; the whole or hundredth number that this MIDI tempo is the nearest to, if any."""
    exact = Fraction(60_000_000, microseconds)
    for scale in (1, 100):
        near = Fraction(round(exact * scale), scale)
        if near and _microseconds(near) == microseconds:
            return min(max(near, Fraction(1)), Fraction(2000))
    return min(max(exact.limit_denominator(10_000), Fraction(1)), Fraction(2000))


def _metres(found: list[Metre]) -> tuple[tuple[Metre, ...], Fraction]:
    """The metres and the pick-up: one short bar under a metre of its own at the beginning is a pick-up."""
    if not found:
        return COMMON, ZERO
    if found[0].onset:
        found = [*COMMON, *found]
    if len(found) > 1 and found[1].onset == found[0].length < found[1].length:
        return (Metre(ZERO, found[1].beats, found[1].unit), *found[2:]), found[0].length
    return tuple(found), ZERO
