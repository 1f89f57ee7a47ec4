"""Values that every layer shares: what a work is, what can happen to it, and how far an engine is.

A work is the fold of its turns: the state after a turn is ``apply(state after its first parent, turn)``. Each field of
an act is stored apart, behind a salted hash, so that words and pictures can be taken out of a turn later without
breaking the chain over it; a field that was taken out reads as ``None``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

Medium = Literal["image", "text", "music", "video"]
"""What a work is made of. ``live`` joins when there is an engine for it."""

MEDIA: tuple[Medium, ...] = get_args(Medium)

Replay = Literal["exact", "close", "recorded"]
"""How a machine turn can be repeated.

exact : the same bytes on any machine
close : the same bytes on this machine class and these versions; elsewhere within a stated tolerance
recorded : kept, never repeated (models outside the studio)
"""


@dataclass(frozen=True, slots=True)
class Formerly:
    """A mark on a knob: what it was called in turns of before, which can be read and replayed still."""

    name: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """A mark on a text knob: it names things that the engine knows, such as layers, and holds no words of a person."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a picture looks like so far, as a small file of the media type ``type``."""

    data: bytes
    type: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an engine: ``done`` of ``total``, with what it looks or reads like so far.

    ``preview`` is a picture (uint8 [height, width, 3]), a text so far, or None. Outside the engine's process a picture
    is a ``Preview``: small, and ready to be shown.
    """

    done: int
    total: int
    preview: Any = None
    note: str = ""


Progress = Callable[[Step], None]
"""Called by an engine after each step; it may raise ``Cancelled`` to stop."""


@dataclass(frozen=True, slots=True)
class Asset:
    """Immutable bytes, named by their SHA-256 (64 hex digits)."""

    digest: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class Source:
    """Something that knobs name and that went into a take, though it is no input: a style card.

    title : what it is, whose and of when
    type : its media type
    digest : SHA-256 of its bytes (64 hex digits); empty where they are no longer here
    rights : what is known about who may use it
    shipped : whether it comes with the program, so that its title tells nothing of a person
    """

    title: str
    type: str
    digest: str = ""
    rights: str = ""
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Partner:
    """Who takes a turn.

    ``name`` is what a person wishes to be called (empty: not said) or the engine's name. ``runtime`` says what an
    engine ran on: versions, thread count, and the digest of each model.
    """

    kind: Literal["person", "engine", "program"]
    name: str = ""
    version: str = ""
    runtime: Mapping[str, Any] = field(default_factory=dict)


PROGRAM = Partner("program", "vesica")


@dataclass(frozen=True, slots=True)
class Created:
    """A work begins, empty."""

    title: str | None


@dataclass(frozen=True, slots=True)
class Imported:
    """A file comes in from outside. ``original`` keeps its bytes; ``content`` is what the studio works on."""

    original: Asset | None
    content: Asset | None
    authorship: Asset | None
    source: str | None = ""
    rights: str | None = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """A partner offers a take; the work stays as it is."""

    content: Asset | None
    params: Mapping[str, Any] | None
    inputs: Mapping[str, Asset] | None


@dataclass(frozen=True, slots=True)
class Picked:
    """A take becomes the work. ``content`` differs from the take's own where locked parts were kept."""

    take: str
    content: Asset | None
    authorship: Asset | None


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed the work in a program of their own."""

    content: Asset | None
    authorship: Asset | None
    remark: str | None = ""


@dataclass(frozen=True, slots=True)
class Locked:
    """A part may not change until it is released. How parts are written depends on the medium."""

    part: str | None


@dataclass(frozen=True, slots=True)
class Released:
    """A locked part may change again."""

    part: str | None


@dataclass(frozen=True, slots=True)
class Undone:
    """The work returns to the content that the turn ``to`` gave it; what came since stays in the ledger."""

    to: str
    content: Asset | None
    authorship: Asset | None
    locked: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Branched:
    """Work goes on under the turn's branch name, from the turn's parent."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Fields of earlier turns, and the assets only they named, were taken out of the studio."""

    turns: Mapping[str, tuple[str, ...]]
    reason: str | None = ""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The studio's signing key hands over to another: the last turn that the old key signs.

    It belongs to no work (its name is empty). ``public`` is the new key, 64 hex digits; ``proof`` the new key's own
    signature over the hand-over, 128 hex digits.
    """

    public: str
    proof: str


Act = Created | Imported | Offered | Picked | Edited | Locked | Released | Undone | Branched | Redacted | Rotated

ACTS: Mapping[str, type[Any]] = {
    "created/1": Created,
    "imported/1": Imported,
    "offered/1": Offered,
    "picked/1": Picked,
    "edited/1": Edited,
    "locked/1": Locked,
    "released/1": Released,
    "undone/1": Undone,
    "branched/1": Branched,
    "redacted/1": Redacted,
    "rotated/1": Rotated,
}
"""Stored names carry a version of our own, never a class path, so that code can move."""

PUBLIC = frozenset({"take", "to", "turns", "public", "proof"})
"""Fields that name turns and keys only; they stand in the open, as the shape of the story must outlive a redaction."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One immutable entry of the ledger. ``id`` is the SHA-256 of its canonical JSON."""

    id: str
    work: str
    branch: str
    parents: tuple[str, ...]
    partner: Partner
    act: Act
    seed: int | None
    time: str
    """UTC, ISO 8601, whole seconds."""


@dataclass(frozen=True, slots=True)
class Work:
    """A work as it stands after the turn ``tip``."""

    name: str = ""
    branch: str = "main"
    tip: str = ""
    title: str = ""
    content: Asset | None = None
    authorship: Asset | None = None
    locked: tuple[str, ...] = ()
    changed: str = ""
    """The turn that gave the work its present content."""


def apply(work: Work, turn: Turn) -> Work:
    """The work after ``turn``, given the work after the turn's first parent (or an empty one)."""
    after = replace(work, name=turn.work, branch=turn.branch, tip=turn.id)
    match turn.act:
        case Created(title):
            return replace(after, title=title or "")
        case Imported() | Picked() | Edited():
            return replace(after, content=turn.act.content, authorship=turn.act.authorship, changed=turn.id)
        case Undone(to, content, authorship, locked):
            return replace(after, content=content, authorship=authorship, locked=tuple(locked or ()), changed=to)
        case Locked(part):
            return replace(after, locked=(*work.locked, part)) if part and part not in work.locked else after
        case Released(part):
            return replace(after, locked=tuple(kept for kept in work.locked if kept != part))
        case Offered() | Branched() | Redacted() | Rotated():
            return after
