"""Wall labels: what a work is and how it came about, in sentences made of nothing but what the ledger holds."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vesica import engines
from vesica.errors import VesicaError
from vesica.ledger.store import Ledger
from vesica.provenance import Passage, lineage, models_of, origin
from vesica.weights.cards import cards
from vesica.work import Imported, Offered, Partner, Picked, Turn, Work

ASKED = ("about", "words")
"""Knobs that hold what a person asked for in words."""


@dataclass(frozen=True, slots=True)
class Label:
    """What hangs beside a work.

    what : its kind and size, such as ``Poem, 8 lines``
    date : when its present content came about
    sentences : how, oldest first
    brought, changed : units (pixels, characters, notes and signs) by who brought them in and who changed them last:
        human, imported, machine
    """

    title: str
    what: str
    date: str
    sentences: tuple[str, ...]
    brought: Mapping[str, int]
    changed: Mapping[str, int]


def label(ledger: Ledger, work: Work, what: str, authors: Mapping[str, tuple[int, int]], *, title: str = "") -> Label:
    """The wall label of a work. ``authors`` counts units by turn, as ``Studio.authors`` gives them."""
    way = lineage(ledger, work)
    sentences = [sentence for passage in way for sentence in _told(ledger, passage)]
    brought: dict[str, int] = {}
    changed: dict[str, int] = {}
    for turn, counts in authors.items():
        kind = origin(ledger.turn(turn))
        for units, count in zip((brought, changed), counts, strict=True):
            if count:
                units[kind] = units.get(kind, 0) + count
    date = day(way[-1].turn.time) if way else ""
    return Label(title or work.title or work.name, what, date, tuple(sentences), _sorted(brought), _sorted(changed))


def _sorted(units: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(units.items()))


def day(time: str) -> str:
    """A date for people, ``24 November 2026``, of a turn's time."""
    when = dt.datetime.fromisoformat(time)
    return f"{when.day} {when:%B %Y}"


def named(partner: Partner) -> str:
    """A partner as a label calls it."""
    if partner.kind == "engine":
        return engine_title(partner.name)
    return "the program" if partner.kind == "program" else partner.name or "a person"


def engine_title(name: str) -> str:
    """What an engine is called on a label: the beginning of its description, or its name where it is not here."""
    try:
        return engines.find(name).help.partition(":")[0]
    except VesicaError:
        return name


def _told(ledger: Ledger, passage: Passage) -> Iterator[str]:
    turn, take = passage.turn, passage.take
    who = _capital(named(turn.partner))
    if isinstance(turn.act, Imported):
        rights = f"rights: {turn.act.rights}" if turn.act.rights else "its rights were not said"
        yield f"{who} brought in {turn.act.source or 'a file'} on {day(turn.time)} ({rights})."
    elif take and isinstance(take.act, Offered):
        yield _made(take, take.act)
        count = sum(isinstance(one.act, Offered) for one in _before(ledger, turn))
        if turn.partner.kind == "program":
            yield (
                "The program took it; no person chose." if count == 1 else "The program took the last; no person chose."
            )
        else:
            yield f"{who} picked it{f' among {count} takes' if count > 1 else ''} on {day(turn.time)}."
    else:
        remark = getattr(turn.act, "remark", "")
        yield f"{who} changed it by hand on {day(turn.time)}{f': {remark}' if remark else ''}."


def _made(take: Turn, act: Offered) -> str:
    engine = take.partner
    said = f"Made by machine on {day(take.time)}: {engine_title(engine.name)} ({engine.name} {engine.version}"
    models = [f"{_title(use.name)}, {use.licence}" for use in models_of(take)]
    said += f", with {' and '.join(models)})" if models else ")"
    if given := list(act.inputs or {}):
        said += f", from the {' and the '.join(given)} it was given"
    asked = [str(act.params[knob]) for knob in ASKED if act.params and act.params.get(knob)]
    if asked:
        said += f", asked for “{_short(asked[0])}”"
    return f"{said}; seed {take.seed}."


def _before(ledger: Ledger, pick: Turn) -> Iterator[Turn]:
    """The turns of a work from its last pick to this one."""
    turns: list[Turn] = []
    for _, turn in ledger.entries(pick.work):
        if turn.id == pick.id:
            break
        turns = [] if isinstance(turn.act, Picked) else [*turns, turn]
    yield from turns


def _title(model: str) -> str:
    return cards()[model].title if model in cards() else model


def _short(words: str) -> str:
    return words if len(words) <= 160 else words[:157].rsplit(" ", 1)[0] + "…"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
