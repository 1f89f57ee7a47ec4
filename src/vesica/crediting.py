"""Who made each unit of a work, read from the ledger for drawings in the terminal, on a page and in files."""

from typing import TYPE_CHECKING

from vesica.export.authors.credits import Author, Credits
from vesica.labels import engine_title
from vesica.media import craft, medium_of
from vesica.provenance import origin
from vesica.work import Edited, Imported, Offered, Turn, Work

if TYPE_CHECKING:
    from vesica.studio import Studio


def credits_of(studio: "Studio", work: Work) -> Credits:
    """The credits of a work as it stands. Raises ``VesicaError`` where it is empty."""
    value = studio.content(work)
    assert work.content
    medium = medium_of(work.content.type)
    counts = studio.authors(work)
    authors = tuple(
        _author(turn, *counts[turn.id]) for _, turn in studio.ledger.entries(work.name) if turn.id in counts
    )
    return Credits(work.title or work.name, medium, value, craft(medium).authors(studio.authorship(work)), authors)


def _author(turn: Turn, brought: int, changed: int) -> Author:
    partner = turn.partner
    who = {
        "engine": f"{engine_title(partner.name)} ({partner.name} {partner.version})",
        "person": partner.name or "a person",
        "program": "the program",
    }[partner.kind]
    return Author(turn.id, origin(turn), who, _did(turn), turn.time, brought, changed)


def _did(turn: Turn) -> str:
    """What a turn did to the work, in a few words; what was redacted is not said."""
    match turn.act:
        case Offered():
            return f"offered it, seed {turn.seed}"
        case Imported(source=source):
            return f"brought in {_short(source or 'a file')}"
        case Edited(remark=remark):
            return f"edited{_remark(remark)}"
        case _:
            return "changed it"


def _remark(remark: str | None) -> str:
    return f": {_short(remark)}" if remark else ""


def _short(words: str) -> str:
    words = "".join(char if char.isprintable() else " " for char in words)
    return words if len(words) <= 80 else words[:79] + "…"
