"""Who brought in and who last changed each event of a score, by the event's stable id."""

from collections.abc import Mapping
from dataclasses import dataclass

from vesica.authorship import maps

SCHEMA = "vesica-authorship-score/1"


@dataclass(frozen=True, slots=True)
class Event:
    """What is known of one event: its content (any canonical string), and the two turns."""

    content: str
    origin: str
    changed: str


Events = Mapping[str, Event]


def fresh(contents: Mapping[str, str], turn: str) -> dict[str, Event]:
    """The map of events that ``turn`` brought in."""
    return {name: Event(content, turn, turn) for name, content in contents.items()}


def edit(before: Events, contents: Mapping[str, str], turn: str) -> dict[str, Event]:
    """The map after ``turn``: new ids are its own, changed ones were changed by it, the rest stays as it was."""
    after = {}
    for name, content in contents.items():
        known = before.get(name)
        if known is None:
            after[name] = Event(content, turn, turn)
        elif known.content != content:
            after[name] = Event(content, known.origin, turn)
        else:
            after[name] = known
    return after


def merge(base: Events, ours: Events, theirs: Events) -> tuple[dict[str, Event], list[str]]:
    """Join two maps that grew from ``base``, and the ids that both sides changed differently (ours stands)."""
    merged: dict[str, Event] = {}
    conflicts = []
    for name in {**ours, **theirs, **base}:
        one, two, three = ours.get(name), theirs.get(name), base.get(name)
        if one != three and two != three and one != two:
            conflicts.append(name)
        chosen = two if one == three else one
        if chosen:
            merged[name] = chosen
    return merged, conflicts


def relabelled(events: Events, names: Mapping[str, str]) -> dict[str, Event]:
    """The same map with some turns called otherwise."""
    return {
        name: Event(event.content, names.get(event.origin, event.origin), names.get(event.changed, event.changed))
        for name, event in events.items()
    }


def to_bytes(events: Events) -> bytes:
    """Canonical JSON: a table of turns, and events that point into it."""
    table = maps.number(turn for event in events.values() for turn in (event.origin, event.changed))
    rows = {name: [event.content, table[event.origin], table[event.changed]] for name, event in events.items()}
    return maps.dump({"schema": SCHEMA, "turns": list(table), "events": rows})


def from_bytes(data: bytes) -> dict[str, Event]:
    """Read a map. Raises ``VesicaError`` when it is damaged."""
    told = maps.load(data, SCHEMA)
    turns = maps.turn_table(told.get("turns"))
    rows = told.get("events")
    if not isinstance(rows, dict):
        raise maps.broken("it has no events")
    events = {}
    for name, row in rows.items():
        if not (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str)):
            raise maps.broken("an event can't be read")
        if not all(type(place) is int and 0 <= place < len(turns) for place in row[1:]):
            raise maps.broken("an event points nowhere")
        events[name] = Event(row[0], turns[row[1]], turns[row[2]])
    return events


def counts(events: Events) -> dict[str, tuple[int, int]]:
    """Events by turn: brought in, changed last."""
    return maps.tally((event.origin, event.changed, 1) for event in events.values())
