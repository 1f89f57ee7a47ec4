"""Carry the ids of notes from one version of a score to the next, so that who wrote a note survives an edit."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

from vesica.music.score import Key, Metre, Note, Part, Score, Tempo

TOGETHER = 256
"""Of notes that could each be the one that is looked for, how many are compared; more sound together nowhere."""


def note_content(part: int, note: Note) -> str:
    """Everything about a note but its id, as canonical JSON."""
    # Nothing in it needs escaping; 'json.dumps' of each note would be a third of an import's time.
    marks = ",".join(f'"{mark}"' for mark in note.marks) if note.marks else ""
    fermata = "true" if note.fermata else "false"
    return f'[{part},"{note.onset}","{note.duration}","{note.pitch}",{note.voice},{note.velocity},{fermata},[{marks}]]'


def fresh_id(part: int, note: Note, taken: Iterable[str], tried: dict[str, int] | None = None) -> str:
    """An id from what the note is, not among ``taken``; the same every time. Letters, digits: valid in XML.

    ``tried`` remembers how often each content was asked for, so that many equal notes don't each begin from the first.
    """
    used = taken if isinstance(taken, set | frozenset | dict) else set(taken)
    content = note_content(part, note)
    count = tried.get(content, 0) if tried is not None else 0
    while True:
        name = "n" + hashlib.sha256(f"{count} {content}".encode()).hexdigest()[:10]
        count += 1
        if name not in used:
            if tried is not None:
                tried[content] = count
            return name


def with_ids(score: Score) -> Score:
    """The score, every note without an id, or with one that stands twice, given a fresh one."""
    taken: set[str] = {note.id for note in score.notes if note.id}
    seen: set[str] = set()
    tried: dict[str, int] = {}
    parts = []
    for index, part in enumerate(score.parts):
        notes = []
        for note in part.notes:
            if not note.id or note.id in seen:
                name = fresh_id(index, note, taken, tried)
                note = Note(
                    *(name, note.onset, note.duration, note.pitch, note.voice, note.velocity, note.fermata, note.marks)
                )
                taken.add(name)
            seen.add(note.id)
            notes.append(note)
        parts.append(replace(part, notes=tuple(notes)))
    return replace(score, parts=tuple(parts))


def events(score: Score) -> dict[str, str]:
    """Canonical content by id: every note, and every metre, key and tempo (``metre@0``, ``tempo@3/2``).

    Ids of signs hold an ``@``, which no note's id can.
    """
    found = {note.id: note_content(index, note) for index, part in enumerate(score.parts) for note in part.notes}
    signs: list[Metre | Key | Tempo] = [*score.metres, *score.keys, *score.tempi]
    for sign in signs:
        found[f"{type(sign).__name__.lower()}@{sign.onset}"] = _sign_content(sign)
    return found


def _sign_content(sign: Metre | Key | Tempo) -> str:
    match sign:
        case Metre(_, beats, unit):
            return f"{beats}/{unit}"
        case Key(_, fifths, mode):
            return f"{fifths} {mode}"
        case Tempo(_, quarters):
            return str(quarters)


def align(old: Score, new: Score) -> Score:
    """``new``, its notes called as those of ``old`` that they are.

    Notes are the same where part, time and pitch agree; then, nearest in pitch, where part and time agree; then where
    both files use one id. A note that was not there keeps its own id, or gets a fresh one where that is ``old``'s.
    ``align(s, s) == s``, and editing one note changes that note alone.
    """
    before = _places(old)
    after = _places(new)
    names: dict[int, str] = {}
    left = dict(enumerate(before))
    for key in (_all, _time_and_pitch, _time_and_place, _time, _id):
        _match(key, left, after, names)
    taken = {note.id for _, _, note in before} | set(names.values())
    tried: dict[str, int] = {}
    parts: list[list[Note]] = [[] for _ in new.parts]
    for number, (index, _, note) in enumerate(after):
        name = names.get(number)
        if name is None:
            name = note.id if note.id and note.id not in taken else fresh_id(index, note, taken, tried)
            taken.add(name)
        parts[index].append(note if name == note.id else replace(note, id=name))
    done: list[Part] = [replace(part, notes=tuple(notes)) for part, notes in zip(new.parts, parts, strict=True)]
    return replace(new, parts=tuple(done))


Place = tuple[int, int, Note]
"""Part, place among the notes of the part that begin together (from the top), note."""


def _places(score: Score) -> list[Place]:
    found = []
    for index, part in enumerate(score.parts):
        together = defaultdict(list)
        for note in part.notes:
            together[note.onset].append(note)
        rank = {
            id(note): place
            for notes in together.values()
            for place, note in enumerate(sorted(notes, key=lambda one: -one.pitch.midi))
        }
        found += [(index, rank[id(note)], note) for note in part.notes]
    return found


def _all(place: Place) -> Hashable:
    return place[0], place[2]


def _time_and_pitch(place: Place) -> Hashable:
    return place[0], place[2].onset, place[2].pitch.midi


def _time_and_place(place: Place) -> Hashable:
    return place[0], place[2].onset, place[2].voice, place[1]


def _time(place: Place) -> Hashable:
    return place[0], place[2].onset


def _id(place: Place) -> Hashable:
    return place[2].id or place


def _match(key: Callable[[Place], Hashable], left: dict[int, Place], after: list[Place], names: dict[int, str]) -> None:
    """Pair what is left of both sides where ``key`` agrees, nearest in pitch first; ``left`` and ``names`` change."""
    known = defaultdict(list)
    for number, place in left.items():
        known[key(place)].append(number)
    for number, place in enumerate(after):
        if number in names or not (found := known.get(key(place))):
            continue
        pitch, own = place[2].pitch.midi, place[2]
        best = min(
            found[:TOGETHER],
            key=lambda one: (
                abs(left[one][2].pitch.midi - pitch),
                left[one][2].id != own.id,
                left[one][2].duration != own.duration,
                one,
            ),
        )
        found.remove(best)
        names[number] = left.pop(best)[2].id
