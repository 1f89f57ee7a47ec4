"""What a credential may say: values only, given by whoever knows the ledger. Nothing here is guessed or inferred."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from vesica.errors import VesicaError

Kind = Literal[
    "created",
    "opened",
    "edited",
    "placed",
    "removed",
    "adjusted",
    "cropped",
    "resized",
    "filtered",
    "converted",
    "transcoded",
    "translated",
    "published",
]
"""Acts that the standard names; each becomes ``c2pa.<kind>``."""

By = Literal["human", "machine", "program"]
Relationship = Literal["parentOf", "componentOf", "inputTo"]

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPES = frozenset(
    {
        *(
            IPTC + name
            for name in (
                "trainedAlgorithmicMedia",
                "compositeWithTrainedAlgorithmicMedia",
                "humanEdits",
                "digitalCreation",
                "algorithmicMedia",
                "algorithmicallyEnhanced",
                "dataDrivenMedia",
                "digitalCapture",
                "computationalCapture",
                "screenCapture",
                "virtualRecording",
                "negativeFilm",
                "positiveFilm",
                "print",
                "composite",
                "compositeCapture",
                "compositeSynthetic",
            )
        ),
        "http://c2pa.org/digitalsourcetype/empty",
        "http://c2pa.org/digitalsourcetype/trainedAlgorithmicData",
    }
)
"""IPTC's digital source types and C2PA's two. The signing library takes any string, so we check against this list."""

TRAINED = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"})
RULES = frozenset({"algorithmicMedia"})


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A trained model that took part. ``digest`` is the SHA-256 of its file, ``licence`` an SPDX name."""

    name: str
    digest: str
    licence: str


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done to the work.

    by : human (a person), machine (an engine) or program (vesica itself)
    engine, version : what did it; empty for a person
    models : trained models it used; an engine of rules has none
    params : knobs, as plain JSON values
    words : those of them in which a person said in words what they wanted
    when : UTC, ISO 8601; empty where it is not known
    turn : id of the turn in the ledger
    name : what the person who did it is called, if that may leave
    source : its IPTC digital source type, where that does not follow from the rest (see ``source_of``)
    """

    kind: Kind
    by: By
    engine: str = ""
    version: str = ""
    models: tuple[ModelUse, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    when: str = ""
    turn: str = ""
    description: str = ""
    name: str = ""
    source: str = ""
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ingredient:
    """Something the work was made from.

    data : its bytes, so that its own credentials travel along; None where only the digest may leave the studio
    relationship : parentOf (opened and worked on; at most one), componentOf (placed inside), inputTo (asked with)
    digest : SHA-256; empty where it must not leave or is no longer known
    rights : what is known about who may use it, in words; empty where nothing is known
    sources : the IPTC digital source types that it says of itself
    turn : that of the action it went into; empty for the first action that takes such an ingredient
    shipped : whether it comes with the program, so that its title tells nothing of a person
    """

    title: str
    media_type: str
    digest: str
    data: bytes | None = field(default=None, repr=False)
    relationship: Relationship = "componentOf"
    rights: str = ""
    sources: tuple[str, ...] = ()
    turn: str = ""
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that leaves beside the one that is signed, and says who made what in it.

    kind : what it is, such as ``text/marked`` or ``score/table``; digest : its SHA-256
    """

    name: str
    kind: str
    media_type: str
    digest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a credential says about one file.

    actions : in order; the first is ``created`` or ``opened``
    head : the ledger's signed head, as JSON
    authorship : units (characters, notes or pixels) by who brought them in: ``human``, ``machine``, ``program``
    complete : whether ``actions`` tells the whole story
    beside : files that tell the authorship of each unit
    """

    title: str
    actions: tuple[Action, ...]
    ingredients: tuple[Ingredient, ...] = ()
    head: Mapping[str, Any] = field(default_factory=dict)
    authorship: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    beside: tuple[Beside, ...] = ()


def check(facts: Facts) -> None:
    """Raise ``VesicaError`` where the standard would refuse what ``facts`` says."""
    if not facts.actions or facts.actions[0].kind not in ("created", "opened"):
        raise VesicaError("A credential begins with how the work came about; start with 'created' or 'opened'.")
    for action in facts.actions:
        if action.kind not in get_args(Kind):
            raise VesicaError(f"A credential knows no act {action.kind!r}; use one of {', '.join(get_args(Kind))}.")
        if action.by not in get_args(By):
            raise VesicaError(f"{action.by!r} is nobody; an act is by {', '.join(get_args(By))}.")
    for later in facts.actions[1:]:
        if later.kind in ("created", "opened"):
            raise VesicaError("A work comes about once; 'created' and 'opened' can only stand first.")
    parents = [part for part in facts.ingredients if part.relationship == "parentOf"]
    if len(parents) > 1:
        raise VesicaError("A work has one parent at most; call the other ingredients componentOf.")
    if (facts.actions[0].kind == "opened") != bool(parents):
        raise VesicaError("'opened' needs an ingredient that is parentOf, and only 'opened' can have one.")
    if facts.actions[0].kind == "opened" and len(taken_in(facts)[0]) > 1:
        raise VesicaError("Only a parent can be opened; say into which later act the other ingredients went.")


def taken_in(facts: Facts) -> list[list[int]]:
    """For each action, which ingredients went into it, by their places. Only a parent can be opened."""
    turns = [action.turn for action in facts.actions]
    found: list[list[int]] = [[] for _ in turns]
    # What is no parent goes into the first act that makes something.
    first = 1 if facts.actions[0].kind == "opened" and len(turns) > 1 else 0
    for place, part in enumerate(facts.ingredients):
        usual = 0 if part.relationship == "parentOf" else first
        found[turns.index(part.turn) if part.turn and part.turn in turns else usual].append(place)
    return found


def source_of(action: Action) -> str:
    """The IPTC digital source type of what one action brought in."""
    if action.source:
        return action.source
    if action.by == "human":
        return IPTC + ("digitalCreation" if action.kind == "created" else "humanEdits")
    if not action.models:
        return IPTC + "algorithmicMedia"
    return IPTC + ("trainedAlgorithmicMedia" if action.kind == "created" else "compositeWithTrainedAlgorithmicMedia")


def source_of_work(facts: Facts) -> str:
    """The IPTC digital source type of the whole; empty for a file that was only opened, as nobody told us its origin.

    All from models: trained; models and anything else: composite with trained; rules alone: algorithmic; a person
    alone: digital creation; a person with rules, or with other people's pictures: composite. What a file that was
    brought in says of itself counts: a model's picture does not become a person's by being edited.
    """
    if facts.actions[0].source:
        return facts.actions[0].source
    made = [action for action in facts.actions if action.kind not in ("opened", "published", "converted")]
    told = {source.removeprefix(IPTC) for part in facts.ingredients for source in part.sources}
    trained = any(action.models for action in made) or bool(told & TRAINED)
    rules = any(action.by != "human" and not action.models for action in made) or bool(told & RULES)
    brought = any(part.relationship != "inputTo" for part in facts.ingredients)
    person = facts.authorship["human"] > 0 if "human" in facts.authorship else any(a.by == "human" for a in made)
    if trained:
        mixed = person or brought
        return IPTC + ("compositeWithTrainedAlgorithmicMedia" if mixed else "trainedAlgorithmicMedia")
    if rules:
        return IPTC + ("composite" if person or brought else "algorithmicMedia")
    if person:
        return IPTC + ("humanEdits" if facts.actions[0].kind == "opened" else "digitalCreation")
    return ""
