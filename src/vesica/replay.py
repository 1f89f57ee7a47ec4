"""Run a machine turn again from what the ledger kept of it, and say how near the result comes."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vesica import engines
from vesica.errors import VesicaError
from vesica.ledger.assets import Assets
from vesica.media import craft
from vesica.weights.cards import digest
from vesica.work import Offered, Progress, Turn
from vesica.worker import Made, Worker

Verdict = Literal["equal", "close", "different", "recorded", "gone"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one machine turn. ``difference`` runs from 0 to 1; None when it was not run.

    A turn whose model is not the recorded one is never called equal or close, whatever it brings.
    """

    turn: str
    engine: str
    verdict: Verdict
    difference: float | None
    sentence: str


def replay(
    turns: list[Turn], assets: Assets, worker: Worker, *, progress: Progress | None = None
) -> Iterator[Replayed]:
    """Re-run every machine turn among ``turns``, in order, with the thread count that each recorded."""
    for turn in turns:
        if turn.partner.kind == "engine" and isinstance(turn.act, Offered):
            yield _again(turn, turn.act, assets, worker, progress)


def _again(turn: Turn, act: Offered, assets: Assets, worker: Worker, progress: Progress | None) -> Replayed:
    def said(verdict: Verdict, difference: float | None, sentence: str) -> Replayed:
        return Replayed(turn.id, turn.partner.name, verdict, difference, sentence)

    try:
        engine = engines.find(turn.partner.name)
    except VesicaError:
        return said("gone", None, "Its engine is not installed here; what it made is kept.")
    if engine.replay == "recorded":
        return said("recorded", None, "Its engine can't be repeated; what it made is kept.")
    if act.params is None or act.inputs is None or act.content is None:
        return said("gone", None, "It was redacted, so it can't be run again.")
    try:
        kept = assets.get(act.content)
        inputs = {name: assets.get(asset) for name, asset in act.inputs.items()}
        recorded = int(turn.partner.runtime.get("threads", 1))
        made = worker.run(engine.name, act.params, inputs, seed=turn.seed or 0, threads=recorded, progress=progress)
    except (VesicaError, RuntimeError) as fault:
        # A model with a changed byte may stop its engine in any way.
        if others := "; ".join(_changed_names(turn.partner.runtime.get("models", {}), _models_here(turn))):
            return said("different", None, f"It does not run on what is here: {others}.")
        if isinstance(fault, RuntimeError):
            raise
        return said("gone", None, f"It could not be run again: {fault}")
    hand = craft(engine.makes)
    changes = "; ".join(_changes(turn, engine.version, made))  # without any, a close engine gives the same bytes too
    others = "; ".join(_changed_names(turn.partner.runtime.get("models", {}), made.runtime["models"]))
    if made.data == kept:
        if others:
            return said("different", 0.0, f"The same bytes, but not from the same model: {others}.")
        return said("equal", 0.0, "The same bytes.")
    difference = hand.difference(hand.read(kept), hand.read(made.data))
    if engine.replay == "close" and difference <= engine.tolerance and changes and not others:
        return said("close", difference, f"It differs by {difference:.2g}, within {engine.tolerance:g}; {changes}.")
    changes = changes or (
        "nothing that it ran on has changed, so its knobs, seed or inputs are not those it was made with; see "
        "'vesica verify'"
    )
    return said("different", difference, f"It differs by {difference:.2g}; {changes}.")


def _models_here(turn: Turn) -> Mapping[str, str]:
    """The digests of the models that a turn ran on, as they are on this computer."""
    here = {}
    for name in turn.partner.runtime.get("models", {}):
        with contextlib.suppress(VesicaError):
            here[name] = digest(name)
    return here


def _changes(turn: Turn, version: str, made: Made) -> Iterator[str]:
    """What is not as it was when the turn was taken."""
    if turn.partner.version != version:
        yield f"the engine was version {turn.partner.version} and is {version}"
    then, now = turn.partner.runtime, made.runtime
    for group in ("models", "tools"):
        yield from _changed_names(then.get(group, {}), now.get(group, {}))
    yield from _changed_names(
        {name: told for name, told in then.items() if name not in ("models", "tools")},
        {name: told for name, told in now.items() if name not in ("models", "tools")},
    )
    if "processor" not in then:
        yield "its processor was not recorded"


def _changed_names(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            yield f"{name} was {str(then[name])[:12]} and is {str(now[name])[:12]}"
