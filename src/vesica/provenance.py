"""How a work came to be what it is, read from the ledger: for credentials, wall labels and statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vesica.engines import engines
from vesica.export.facts import Action, Facts, Ingredient, Kind, ModelUse
from vesica.export.marks.source import said
from vesica.knobs import knobs
from vesica.ledger.assets import Assets
from vesica.ledger.canonical import parse
from vesica.ledger.store import Ledger
from vesica.weights.cards import cards
from vesica.work import Edited, Imported, Offered, Picked, Turn, Work

Origin = Literal["human", "imported", "machine"]
"""What was observed of who brought a unit in."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One step on a work's way: the turn that gave it content and, for a pick, the take that was picked."""

    turn: Turn
    take: Turn | None = None


def lineage(ledger: Ledger, work: Work) -> list[Passage]:
    """The turns that gave a work its present content, oldest first; what was undone or replaced is not among them."""
    steps: list[Passage] = []
    changed = work.changed
    while changed:
        turn = ledger.turn(changed)
        steps.append(Passage(turn, ledger.turn(turn.act.take) if isinstance(turn.act, Picked) else None))
        before = ledger.state(turn.parents[0]) if turn.parents else Work()
        # An import replaces all there was; a take does, unless the content went into it.
        taken_on = isinstance(turn.act, Edited) or (isinstance(turn.act, Picked) and _went_into(before, steps[-1].take))
        changed = before.changed if taken_on else ""
    return steps[::-1]


def _went_into(before: Work, take: Turn | None) -> bool:
    if not take or not isinstance(take.act, Offered) or not before.content:
        return False
    # A redacted take no longer says what went into it; then the whole way back is told.
    return take.act.inputs is None or before.content in take.act.inputs.values()


def facts(
    ledger: Ledger, assets: Assets, work: Work, authors: Mapping[str, tuple[int, int]], *, title: str = ""
) -> Facts:
    """What a credential says of a work. ``authors`` counts units by turn, as ``Studio.authors`` gives them."""
    actions: list[Action] = []
    ingredients: list[Ingredient] = []
    for passage in lineage(ledger, work):
        action, parts = _told(passage, assets, first=not actions)
        actions.append(action)
        ingredients += parts
    origins: dict[str, int] = {}
    for turn, (brought, _) in authors.items():
        kind = origin(ledger.turn(turn))
        origins[kind] = origins.get(kind, 0) + brought
    return Facts(
        title or work.title or work.name,
        tuple(actions),
        tuple(ingredients),
        head=parse(ledger.head().to_bytes()),
        authorship={kind: count for kind, count in origins.items() if count},
    )


def origin(turn: Turn) -> Origin:
    """What was observed of the units a turn brought in: ``machine``, ``imported`` (from outside) or ``human``."""
    if turn.partner.kind == "engine":
        return "machine"
    return "imported" if isinstance(turn.act, Imported) else "human"


def _told(passage: Passage, assets: Assets, *, first: bool) -> tuple[Action, list[Ingredient]]:
    turn, take = passage.turn, passage.take
    if isinstance(turn.act, Imported):
        act = turn.act
        opened = Action("opened", "human", when=turn.time, turn=turn.id, name=turn.partner.name)
        original = act.original or act.content
        if not original:
            return opened, [Ingredient("a file that was redacted", "application/octet-stream", "", None, "parentOf")]
        data = assets.get(original)
        part = Ingredient(
            act.source or "a file",
            original.type,
            original.digest,
            # Its own credentials travel along; other files are named by their digest alone.
            data=data if original.type in ("image/png", "image/jpeg", "image/webp") else None,
            relationship="parentOf",
            rights=act.rights or "",
            sources=said(data),
        )
        return opened, [part]
    if take and isinstance(take.act, Offered):
        who = "A person" if turn.partner.kind == "person" else "The program"
        action = Action(
            "created" if first else "edited",
            "machine",
            engine=take.partner.name,
            version=take.partner.version,
            models=models_of(take),
            params=take.act.params or {},
            words=_words(take.partner.name, take.act.params or {}),
            seed=take.seed,
            when=take.time,
            turn=take.id,
            description=f"{who} picked this take.",
        )
        return action, _inputs(take, take.act, first=first)
    remark = (turn.act.remark if isinstance(turn.act, Edited) else "") or ""
    kind: Kind = "created" if first else "edited"
    name = turn.partner.name
    return Action(kind, "human", when=turn.time, turn=turn.id, description=remark, name=name), []


def _inputs(take: Turn, act: Offered, *, first: bool) -> list[Ingredient]:
    """What went into a take besides the work itself, which is its parent already."""
    given = list((act.inputs or {}).items())
    beside = given if first else given[1:]
    brought = [
        Ingredient(name, asset.type, asset.digest, relationship="inputTo", turn=take.id) for name, asset in beside
    ]
    row = engines().get(take.partner.name)
    named = row.named(act.params) if row and act.params else ()
    return brought + [
        Ingredient(
            *(one.title, one.type, one.digest),
            relationship="inputTo",
            rights=one.rights,
            turn=take.id,
            shipped=one.shipped,
        )
        for one in named
    ]


def _words(engine: str, params: Mapping[str, Any]) -> frozenset[str]:
    """The knobs in which a person said in words what they wanted; every text, where the engine is not known here."""
    if engine not in engines():
        return frozenset(name for name, value in params.items() if isinstance(value, str))
    told = {name: knob.words for knob in knobs(engines()[engine].load_params()) for name in (knob.name, knob.formerly)}
    # A knob that is gone may have held anything.
    return frozenset(name for name, value in params.items() if told.get(name, isinstance(value, str)))


def models_of(take: Turn) -> tuple[ModelUse, ...]:
    """The models a take ran on, with the digests that it recorded."""
    digests: Mapping[str, Any] = take.partner.runtime.get("models", {})
    return tuple(
        ModelUse(name, digest, cards()[name].licence if name in cards() else "unknown")
        for name, digest in digests.items()
    )
