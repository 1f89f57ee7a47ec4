"""A score as canonical JSON: the same score is the same bytes, everywhere."""

import json
import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar

from vesica.errors import VesicaError
from vesica.music.score import (
    FINEST,
    LONGEST,
    MARKS,
    MOST_AT_ONCE,
    MOST_CHANGES,
    MOST_NOTES,
    MOST_PARTS,
    ZERO,
    Key,
    Metre,
    Note,
    Part,
    Pitch,
    Score,
    Tempo,
    bar_lines,
    tidy,
)

FORMAT = "vesica-score/1"
MOST_BYTES = 16 << 20
MOST_LISTS = 200_000
MOST_VALUES = 1_000_000
"""Of a score with as many notes as one may have; a short file of nothing but brackets would fill the memory."""

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}")
TIME = re.compile(r"([0-9]{1,12})(?:/([1-9][0-9]{0,5}))?")
PITCH = re.compile(r"([A-G])(#{0,2}|b{0,2})(-1|[0-9])")

T = TypeVar("T")


def write_score(score: Score) -> bytes:
    """Canonical JSON in UTF-8: keys sorted, no white space, times as text ("3/2")."""
    score = tidy(score)
    told = {
        "format": FORMAT,
        "keys": [[str(key.onset), key.fifths, key.mode] for key in score.keys],
        "metres": [[str(metre.onset), metre.beats, metre.unit] for metre in score.metres],
        "parts": [
            {"name": part.name, "notes": [_note(note) for note in part.notes], "program": part.program}
            for part in score.parts
        ],
        "pickup": str(score.pickup),
        "remarks": list(score.remarks),
        "tempi": [[str(tempo.onset), str(tempo.quarters)] for tempo in score.tempi],
        "title": score.title,
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _note(note: Note) -> list[Any]:
    """id, onset, duration, pitch, voice, velocity, fermata, marks."""
    return [
        *(note.id, str(note.onset), str(note.duration), str(note.pitch), note.voice, note.velocity),
        *(note.fermata, list(note.marks)),
    ]


def read_score(data: bytes) -> Score:
    """The score that ``write_score`` wrote. Raises ``VesicaError`` where a field is missing or out of bounds."""
    if len(data) > MOST_BYTES:
        raise VesicaError(f"This score's JSON is larger than {MOST_BYTES >> 20} MB; bring a part of it.")
    if data.count(b"[") + data.count(b"{") > MOST_LISTS or data.count(b",") > MOST_VALUES:
        raise _broken("it holds more than a score can")
    try:
        told = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as fault:
        raise VesicaError("This score's JSON is damaged; take the file from a copy.") from fault
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise VesicaError(f"This is JSON, but no score of format {FORMAT}; bring MIDI, MusicXML or a vesica score.")
    score = Score(
        title=_text(told, "title"),
        parts=tuple(_read_part(part) for part in _list(told, "parts", MOST_PARTS)),
        metres=_signs(told, "metres", 3, _read_metre),
        keys=_signs(told, "keys", 3, _read_key),
        tempi=_signs(
            told, "tempi", 2, lambda row: Tempo(_time(row[0]), _in(_time(row[1]), Fraction(1), Fraction(2000)))
        ),
        pickup=_time(told.get("pickup")),
        remarks=tuple(_line(remark) for remark in _list(told, "remarks", 1000)),
    )
    check(score)
    return tidy(score)


def check(score: Score) -> None:
    """Raise ``VesicaError`` where a score is too large to work on, an id stands twice, or a pick-up fills its bar.

    What passes here, ``read_score`` reads again: a reader of other files calls it before it gives a score away.
    """
    notes = score.notes
    if len(notes) > MOST_NOTES:
        raise VesicaError(f"This score has {len(notes):,} notes; up to {MOST_NOTES:,} can be worked on.")
    if len(score.parts) > MOST_PARTS:
        raise VesicaError(f"This score has {len(score.parts):,} parts; up to {MOST_PARTS} can be worked on.")
    signs = (score.metres, score.keys, score.tempi)
    if max(map(len, signs)) > MOST_CHANGES:
        raise VesicaError(
            f"This score has more than {MOST_CHANGES:,} changes of metre, key or tempo; bring a part of it."
        )
    end = score.end
    if max([end, *(changes[-1].onset for changes in signs)]) > LONGEST:
        raise VesicaError(f"This score is longer than {int(LONGEST):,} quarter notes; bring a part of it.")
    if len({note.id for note in notes}) < len(notes):
        raise _broken("two notes share an id")
    if score.pickup >= score.metres[0].length:
        raise _broken("its pick-up is no shorter than a bar")
    for part in score.parts:
        onsets = [note.onset.as_integer_ratio() for note in part.notes]
        if len(onsets) > MOST_AT_ONCE and max(Counter(onsets).values()) > MOST_AT_ONCE:
            raise VesicaError(f"A part of this score begins more than {MOST_AT_ONCE} notes at once; thin them out.")
    lines = bar_lines(score, end)
    if lines[-1] < end:
        raise VesicaError(f"This score has more than {len(lines) - 2:,} bars; bring a part of it.")


def _read_part(told: Any) -> Part:
    if not isinstance(told, dict):
        raise _broken("a part is none")
    notes = tuple(_read_note(row) for row in _list(told, "notes", MOST_NOTES))
    return Part(_text(told, "name"), _whole(told.get("program"), 0, 127), notes)


def _read_note(row: Any) -> Note:
    if not isinstance(row, list) or len(row) != 8:
        raise _broken("a note has not its eight fields")
    name, onset, duration, pitch, voice, velocity, fermata, marks = row
    height = _pitch(pitch) if isinstance(pitch, str) else None
    if not isinstance(name, str) or not ID.fullmatch(name) or not height or not isinstance(fermata, bool):
        raise _broken(f"a note is {str(row)[:60]!r}")
    if not isinstance(marks, list) or any(not isinstance(mark, str) for mark in marks):
        raise _broken("a note's marks are none")
    if marks and sorted(set(marks) & set(MARKS)) != marks:
        raise _broken(f"a note's marks are {str(marks)[:60]!r}")
    length = _time(duration)
    if length <= 0:
        raise _broken("a note has no length")
    return Note(
        *(name, _time(onset), length, height, _whole(voice, 1, 99), _whole(velocity, 1, 127), fermata),
        marks=tuple(marks),
    )


@lru_cache(4096)
def _pitch(text: str) -> Pitch | None:
    found = PITCH.fullmatch(text)
    if not found:
        return None
    height = Pitch(found[1], len(found[2]) if found[2].startswith("#") else -len(found[2]), int(found[3]))
    if not 0 <= height.midi <= 127:
        raise _broken(f"the pitch {text} is out of reach")
    return height


def _read_metre(row: list[Any]) -> Metre:
    unit = _whole(row[2], 1, 64)
    if unit & (unit - 1):
        raise _broken(f"a metre counts notes of value 1/{unit}")
    return Metre(_time(row[0]), _whole(row[1], 1, 64), unit)


def _read_key(row: list[Any]) -> Key:
    if row[2] not in ("major", "minor"):
        raise _broken("a key is neither major nor minor")
    return Key(_time(row[0]), _whole(row[1], -7, 7), row[2])


def _signs(told: dict[str, Any], name: str, width: int, read: Callable[[list[Any]], T]) -> tuple[T, ...]:
    rows = _list(told, name, MOST_CHANGES + 1)
    if any(not isinstance(row, list) or len(row) != width for row in rows):
        raise _broken(f"its {name} are none")
    found = tuple(read(row) for row in rows)
    onsets: list[Fraction] = [sign.onset for sign in found]  # type: ignore[attr-defined]
    if not onsets or onsets[0] != ZERO or any(one >= two for one, two in pairwise(onsets)):
        raise _broken(f"its {name} do not go up from 0")
    return found


def _list(told: dict[str, Any], name: str, most: int) -> list[Any]:
    found = told.get(name)
    if not isinstance(found, list) or len(found) > most:
        raise _broken(f"its {name} are missing or too many")
    return found


def _text(told: dict[str, Any], name: str) -> str:
    return _line(told.get(name))


def _line(found: Any) -> str:
    if not isinstance(found, str) or len(found) > 2000 or not plain(found):
        raise _broken("a text in it is none")
    return found


def plain(text: str) -> bool:
    """Whether a text can stand in XML and in UTF-8: no control characters and no half pairs."""
    return not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]", text)


def _time(found: Any) -> Fraction:
    if not isinstance(found, str):
        raise _broken(f"{str(found)[:40]!r} is no time")
    return _time_of(found)


@lru_cache(1 << 16)
def _time_of(text: str) -> Fraction:
    match = TIME.fullmatch(text)
    if not match:
        raise _broken(f"{text[:40]!r} is no time")
    time = Fraction(int(match[1]), int(match[2] or 1))
    if time > LONGEST or time.denominator > FINEST:
        raise _broken(f"the time {text} is out of reach")
    return time


def _whole(found: Any, low: int, high: int) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
        raise _broken(f"{str(found)[:40]!r} is no whole number from {low} to {high}")
    return found


def _in(found: Fraction, low: Fraction, high: Fraction) -> Fraction:
    if not low <= found <= high:
        raise _broken(f"{found} is not between {low} and {high}")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _broken(what: str) -> VesicaError:
    return VesicaError(f"This score's JSON is damaged: {what}; take the file from a copy.")
