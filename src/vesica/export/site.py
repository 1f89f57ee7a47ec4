"""An exhibition as a static site: two pages that open from a disk without a network, from values alone.

Everything the pages need besides pictures and sound stands inside them, fonts too: a browser that opens a file from
disk may refuse to load its neighbours.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

Room = Literal["poem", "picture", "music"]

UNITS = {"poem": "characters", "picture": "pixels", "music": "notes and signs"}
ORIGINS = {"human": "by a person", "imported": "brought in by a person", "machine": "by machine"}
"""Who brought in a unit, as the pages call it."""

CHANGES = {"human": "changed last by a person", "imported": "as they came", "machine": "changed last by machine"}
"""Who changed a unit last."""


@dataclass(frozen=True, slots=True)
class File:
    """A file beside the pages. ``credential`` is ``inside``, or the name of the file that holds it."""

    name: str
    purpose: str
    size: int
    digest: str
    credential: str


@dataclass(frozen=True, slots=True)
class Wall:
    """A label as it hangs: see ``vesica.labels.Label``."""

    title: str
    what: str
    date: str
    sentences: tuple[str, ...]
    brought: Mapping[str, int]
    changed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """One work on the wall.

    shown : the file the page shows or plays
    alt : what a picture looks like, in words
    size : of a picture, width and height in pixels
    before : for a picture made from another, the file of that one
    lines : for a poem, each line as stretches (origin, words)
    pages : for music, SVG pages of the score for wide and for narrow screens
    times : for music, seconds from and to which each note sounds, by id
    """

    room: Room
    wall: Wall
    files: tuple[File, ...]
    shown: str = ""
    alt: str = ""
    size: tuple[int, int] = (0, 0)
    before: str = ""
    lines: tuple[tuple[tuple[str, str], ...], ...] = ()
    pages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    times: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """A line of the record: who did what."""

    work: str
    time: str
    kind: str
    who: str
    what: str
    id: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model that took part, from its card."""

    title: str
    licence: str
    digest: str
    purpose: str
    learned_from: tuple[tuple[str, str], ...]
    cannot: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exhibition:
    """All that the pages say.

    title_runs : the title as stretches (origin, words)
    statement : the draft of a disclosure, a paragraph each
    """

    title: str
    title_runs: tuple[tuple[str, str], ...]
    brief: str
    person: str
    date: str
    pieces: tuple[Piece, ...]
    turns: tuple[Turn, ...]
    models: tuple[Model, ...]
    statement: tuple[str, ...]
    head: Mapping[str, Any]
    signer: str
    version: str


def pages(exhibition: Exhibition) -> dict[str, bytes]:
    """The site's pages by file name."""
    cover = next((piece for piece in exhibition.pieces if piece.room == "picture"), None)
    told = {
        "show": exhibition,
        "cover": cover,
        "units": UNITS,
        "origins": ORIGINS,
        "changes": CHANGES,
        "total": _totals(exhibition),
    }
    return {
        name: templates().get_template(f"{name}.jinja").render(told, page=name).encode()
        for name in ("index.html", "making.html")
    }


def font_licence() -> bytes:
    """The licence of the typeface inside the pages (SIL Open Font License), which travels with them."""
    return files("vesica.export").joinpath("pages", "LICENSE-eb-garamond.txt").read_bytes()


def _totals(show: Exhibition) -> list[tuple[str, dict[str, int]]]:
    """Rows of the table of units by origin; the title and the brief are writing."""
    written = [("poem", {origin: len(words)}) for origin, words in (*show.title_runs, ("human", show.brief))]
    brought = [(piece.room, piece.wall.brought) for piece in show.pieces]
    changed = [(piece.room, piece.wall.changed) for piece in show.pieces]
    rows = []
    for room, name in (("poem", "Writing"), ("picture", "Pictures"), ("music", "Music")):
        first, last = (_sum(units for one, units in (*written, *walls) if one == room) for walls in (brought, changed))
        if first:
            rows.append((f"{name}: {UNITS[room]}", first))
        if last != first:
            rows.append((f"{name}: {UNITS[room]}, by who changed them last", last))
    return rows


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for units in counts:
        for origin, count in units.items():
            total[origin] = total.get(origin, 0) + count
    return total


@cache
def templates() -> Environment:
    """The pages' templates, with what they may call."""
    found = Environment(
        loader=PackageLoader("vesica.export", "pages"),
        autoescape=select_autoescape(("html", "html.jinja")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"share": _share, "size": _size, "number": _number}
    found.globals |= {"inside": _inside, "font": _font}
    return found


def _inside(name: str) -> Markup:
    """A file of the package as it is: our own style and script, which hold nothing of a person's."""
    return Markup(files("vesica.export").joinpath("pages", name).read_text("utf-8"))


def _font(name: str) -> Markup:
    """A font of the package as an address that holds it."""
    data = base64.b64encode(files("vesica.export").joinpath("pages", name).read_bytes()).decode()
    return Markup(f"data:font/woff2;base64,{data}")


def _share(count: int, shares: Mapping[str, int]) -> float:
    """Percent of all units, for the width of a bar."""
    return round(100 * count / sum(shares.values()), 2)


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")


def _size(count: int) -> str:
    return f"{count / 10**6:.1f} MB" if count >= 10**6 else f"{max(1, round(count / 1000))} kB"
