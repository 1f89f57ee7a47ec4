"""Who made the units of one work: its value, its authorship map, and the turns in that map as authors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vesica.work import Medium

Kind = Literal["human", "imported", "machine"]
"""What was observed of a turn: a person wrote, a person brought something in from outside, a machine made it."""

KINDS: tuple[Kind, ...] = ("human", "imported", "machine")
COLOURS: Mapping[Kind, str] = {"human": "#0072B2", "imported": "#4D5B22", "machine": "#B34A00"}
SIGNS: Mapping[Kind, str] = {"human": "●", "imported": "■", "machine": "◆"}
"""For those who see no colour; a score's noteheads have the same shapes."""

WORDS: Mapping[Kind, str] = {
    "human": "by a person",
    "imported": "brought in from outside by a person",
    "machine": "by machine",
}
UNITS: Mapping[Medium, str] = {"image": "pixels", "text": "characters", "music": "notes and signs", "video": "frames"}


@dataclass(frozen=True, slots=True)
class Author:
    """A turn that stands in a work's map.

    who, did, time : the partner and the act in words, and when (UTC, ISO 8601)
    brought, changed : how many units the turn brought in, and how many it changed last
    """

    turn: str
    kind: Kind
    who: str
    did: str
    time: str
    brought: int
    changed: int


@dataclass(frozen=True, slots=True, eq=False)
class Credits:
    """All that is drawn of a work's authorship.

    value : a picture (uint8 [height, width, 3]), a text, a ``Score`` or a ``Video``
    map : the value's ``Pixels``, ``Runs`` or ``Events``, every turn in it called by its id
    authors : in the order of the ledger
    """

    title: str
    medium: Medium
    value: Any
    map: Any
    authors: tuple[Author, ...]

    @property
    def by_turn(self) -> dict[str, Author]:
        """The authors by the ids of their turns."""
        return {author.turn: author for author in self.authors}

    @property
    def numbers(self) -> dict[str, int]:
        """Each turn's number, from 1, as all drawings call it."""
        return {author.turn: number for number, author in enumerate(self.authors, 1)}

    @property
    def moved_on(self) -> bool:
        """Whether a unit was changed last by another turn than the one that brought it in."""
        return any(author.brought != author.changed for author in self.authors)


def shares(roll: Credits) -> dict[str, dict[Kind, int]]:
    """Units by kind, for ``brought`` in and for ``changed`` last."""
    found: dict[str, dict[Kind, int]] = {"brought": {}, "changed": {}}
    for kind in KINDS:
        for fact, counts in found.items():
            if count := sum(getattr(one, fact) for one in roll.authors if one.kind == kind):
                counts[kind] = count
    return found
