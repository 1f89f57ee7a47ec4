"""Who made a work, drawn in the terminal: by colour where there is one, and by sign or line everywhere."""

import os
import sys
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vesica.cli.telling import plain

if TYPE_CHECKING:
    from vesica.export.authors.credits import Author, Credits, Kind
    from vesica.export.authors.pixels import Fact

LINES = {"human": "─", "imported": "╌", "machine": "·"}
"""Drawn under a text where the terminal has no underlines of different kinds."""

UNDERLINES = {"human": "4", "imported": "4:5", "machine": "4:4"}
"""Solid, dashed and dotted, as kitty, VTE, WezTerm and others understand them."""

BLOCKS = {"human": "█", "imported": "░", "machine": "▒"}
TALLEST = 30
"""Rows of a picture."""

FACTS = {"origin": "brought in", "changed": "changed last"}


def draw(roll: "Credits", *, width: int, colour: bool, underlines: bool) -> str:
    """The work, a legend, and what each turn was seen to bring in and to change last.

    width : columns of the terminal
    colour : whether it shows 24-bit colours; without, signs and lines alone tell
    underlines : whether it knows dotted and dashed underlines
    """
    match roll.medium:
        case "text":
            drawn = _text(roll, width, colour, underlines)
        case "image":
            drawn = "\n\n".join(_picture(roll, fact, width, colour) for fact in _facts(roll))
        case "video":
            drawn = "\n\n".join(_timeline(roll, fact, width, colour) for fact in _facts(roll))
        case "music":
            drawn = "\n\n".join(_score(roll, fact, width, colour) for fact in _facts(roll))
    return f"{drawn}\n\n{_legend(roll, colour)}\n\n{_turns(roll, colour)}"


def shows_colour() -> bool:
    """Whether standard output is a terminal whose user wants colours (see no-color.org)."""
    return bool(sys.stdout.isatty()) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def shows_underlines() -> bool:
    """Whether the terminal says that it is one of those that know dotted and dashed underlines."""
    told = os.environ
    vte = told.get("VTE_VERSION", "")
    return shows_colour() and (
        "KITTY_WINDOW_ID" in told
        or (vte.isdecimal() and int(vte) >= 7600)
        or told.get("TERM_PROGRAM") in ("WezTerm", "ghostty", "iTerm.app")
        or told.get("TERM", "").startswith("foot")
    )


def _facts(roll: "Credits") -> "tuple[Fact, ...]":
    return ("origin", "changed") if roll.moved_on else ("origin",)


def _painted(words: str, kind: "Kind", colour: bool, more: str = "") -> str:
    """Words in the colour of a kind, a little lighter than on paper: most terminals are dark."""
    if not colour or not words:
        return words
    from vesica.export.authors.credits import COLOURS

    red, green, blue = (int(COLOURS[kind][at : at + 2], 16) for at in (1, 3, 5))
    red, green, blue = (value + (255 - value) * 2 // 5 for value in (red, green, blue))
    return f"\x1b[{f'{more};' if more else ''}38;2;{red};{green};{blue}m{words}\x1b[0m"


# A text


def _text(roll: "Credits", width: int, colour: bool, underlines: bool) -> str:
    rows: list[str] = []
    for row in _wrapped(roll, width):
        if underlines:
            rows.append("".join(_painted(char, kind, colour, UNDERLINES[kind]) for char, kind in row))
            continue
        rows.append("".join(_painted(char, kind, colour) for char, kind in row))
        if row:
            rows.append("".join(_painted(LINES[kind] * columns(char), kind, colour) for char, kind in row))
    return "\n".join(rows)


def _wrapped(roll: "Credits", width: int) -> "Iterator[list[tuple[str, Kind]]]":
    """The text's characters with their kinds, in rows that fit; a row breaks behind a space where it has one."""
    from vesica.export.authors.words import stretches

    row: list[tuple[str, Kind]] = []
    taken = 0
    for words, author in stretches(roll):
        for char in plain(words, keep="\n"):
            if char == "\n":
                yield row
                row, taken = [], 0
                continue
            if taken + columns(char) > width:
                cut = next((at + 1 for at in reversed(range(len(row))) if row[at][0] == " "), len(row))
                yield row[:cut]
                row = row[cut:]
                taken = sum(columns(one) for one, _ in row)
            row.append((char, author.kind))
            taken += columns(char)
    if row:
        yield row


def columns(char: str) -> int:
    """How many columns a character takes in a terminal: 0, 1 or 2."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


# A picture


def _picture(roll: "Credits", fact: "Fact", width: int, colour: bool) -> str:
    import numpy as np

    from vesica.export.authors.credits import KINDS, WORDS
    from vesica.export.authors.pixels import kinds, raster, shrunk

    high, wide = roll.value.shape[:2]
    # A character is about twice as high as it is wide.
    across = max(1, min(width - 1, 64, round(2 * TALLEST * wide / high)))
    down = max(1, round(across * high / wide / 2))
    whole = kinds(roll, raster(roll, fact)).astype(np.uint16)
    if whole.min() == whole.max() and roll.moved_on:
        only = KINDS[int(whole[0, 0])]
        return f"{FACTS[fact].capitalize()}: all of it {_painted(BLOCKS[only] * 3, only, colour)} {WORDS[only]}"
    labels = shrunk(whole, down, across)
    rows = []
    for row in labels:
        rows.append(
            "".join(_painted(BLOCKS[kind] * count, kind, colour) for kind, count in _runs([KINDS[at] for at in row]))
        )
    title = f"{FACTS[fact].capitalize()}:\n" if roll.moved_on else ""
    return title + "\n".join(rows)


def _runs(row: "list[Kind]") -> "Iterator[tuple[Kind, int]]":
    start = 0
    for at in range(1, len(row) + 1):
        if at == len(row) or row[at] != row[start]:
            yield row[start], at - start
            start = at


# A video


def _timeline(roll: "Credits", fact: "Fact", width: int, colour: bool) -> str:
    """Its frames from left to right; a column is the frame in the middle of what it stands for."""
    from vesica.authorship.frames import turns_at

    across = max(1, min(width - 1, 64, len(roll.map)))
    kinds = [roll.by_turn[turn].kind for turn in turns_at(roll.map, across, changed=fact == "changed")]
    row = "".join(_painted(BLOCKS[kind] * count, kind, colour) for kind, count in _runs(kinds))
    return (f"{FACTS[fact].capitalize()}:\n" if roll.moved_on else "") + row


# A score


def _score(roll: "Credits", fact: "Fact", width: int, colour: bool) -> str:
    from vesica.export.authors.credits import KINDS, SIGNS
    from vesica.export.authors.notes import grid

    rows = [(plain(name)[:14], bars) for name, bars in grid(roll, fact)]
    names = max(len(name) for name, _ in rows)
    count = len(rows[0][1])
    cell = max(len(str(count)), *(len(bar) for _, bars in rows for bar in bars)) + 1
    fits = max(1, (width - names - 1) // cell)
    blocks = []
    for first in range(0, count, fits):
        numbers = "".join(f"{bar + 1:<{cell}}" for bar in range(first, min(first + fits, count)))
        lines = [" " * (names + 1) + numbers.rstrip()]
        for name, bars in rows:
            told = "".join(f"{bar or '-':<{cell}}" for bar in bars[first : first + fits]).rstrip()
            for kind in KINDS:
                told = told.replace(SIGNS[kind], _painted(SIGNS[kind], kind, colour))
            lines.append(f"{name:<{names}} {told}")
        blocks.append("\n".join(lines))
    title = f"{FACTS[fact].capitalize()}, by bar and part:\n" if roll.moved_on else ""
    return title + "\n\n".join(blocks)


# Below each


def _legend(roll: "Credits", colour: bool) -> str:
    from vesica.export.authors.credits import KINDS, SIGNS, WORDS

    shapes = {"text": LINES, "image": BLOCKS, "video": BLOCKS, "music": {}}[roll.medium]
    told = []
    for kind in KINDS:
        if any(author.kind == kind for author in roll.authors):
            sign = f"{SIGNS[kind]} {shapes.get(kind, '') * 3}".rstrip()
            told.append(f"{_painted(sign, kind, colour)} {WORDS[kind]}")
    return "   ".join(told)


def _turns(roll: "Credits", colour: bool) -> str:
    from vesica.export.authors.credits import SIGNS, UNITS

    rows = [f"{UNITS[roll.medium].capitalize()}, as observed turn by turn:", "  brought in  changed last"]

    def row(author: "Author") -> str:
        sign = _painted(SIGNS[author.kind], author.kind, colour)
        return (
            f"{author.brought:>12,}{author.changed:>14,}  {sign} {author.turn[:8]}  "
            f"{plain(author.who)} {plain(author.did)}, {author.time[:10]}"
        )

    return "\n".join([*rows, *map(row, roll.authors)])
