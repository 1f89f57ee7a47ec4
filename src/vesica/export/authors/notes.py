"""Who made each note of a score: MusicXML, MEI, coloured pages, and a grid of bars and parts."""

import re
from bisect import bisect_right
from collections.abc import Mapping

from lxml import etree

from vesica.export.authors.credits import COLOURS, KINDS, SIGNS, WORDS, Credits, Kind
from vesica.export.authors.pixels import Fact
from vesica.music.engraving import A4, HEADS, SERIF, SVG, engrave, pdf, stacked
from vesica.music.mei import MEI, XML_ID, write_mei
from vesica.music.musicxml import CONTINUED, HEAD, write_musicxml
from vesica.music.score import bar_lines

MARKS: Mapping[Kind, str] = {"human": "person", "imported": "imported", "machine": "machine"}
"""What ``engrave`` calls each kind."""

STRIP = 110
"""Height of the legend under a score, in tenths of a millimetre."""


def facts(roll: Credits) -> dict[str, tuple[int, int]]:
    """By event id, the numbers of the authors who brought it in and who changed it last."""
    numbers = roll.numbers
    return {name: (numbers[event.origin], numbers[event.changed]) for name, event in roll.map.items()}


def _marks(roll: Credits, fact: Fact) -> dict[str, str]:
    """What each note is marked as."""
    authors = roll.by_turn
    return {name: MARKS[authors[getattr(event, fact)].kind] for name, event in roll.map.items() if "@" not in name}


# Files for notation programs


def musicxml(roll: Credits) -> bytes:
    """MusicXML whose notes have the colour and head of who brought them in, with tables of all authors and events.

    ``vesica-author-N`` says who the author N is; each line of ``vesica-events`` is an event's id (a note's ``id``
    attribute, or a sign such as ``tempo@0``), who brought it in and who changed it last.
    """
    marks = _marks(roll, "origin")
    heads = {name: HEADS[mark] for name, mark in marks.items() if mark in HEADS}
    root = etree.fromstring(write_musicxml(roll.value, heads=heads))
    colours = {MARKS[kind]: colour for kind, colour in COLOURS.items()}
    for note in root.iter("note"):
        name = (note.get("id") or "").partition(CONTINUED)[0]
        if name in marks:
            note.set("color", colours[marks[name]])
    told = root.find("identification")
    assert told is not None
    table = told.find("miscellaneous")
    table = etree.SubElement(told, "miscellaneous") if table is None else table
    for number, author in enumerate(roll.authors, 1):
        words = "; ".join(filter(None, (author.kind, author.who, author.did, author.time, author.turn)))
        etree.SubElement(table, "miscellaneous-field", name=f"vesica-author-{number}").text = _legal(words)
    rows = "\n".join(f"{name} {one} {two}" for name, (one, two) in facts(roll).items())
    etree.SubElement(table, "miscellaneous-field", name="vesica-events").text = rows
    etree.indent(root)
    return HEAD + etree.tostring(root, encoding="UTF-8") + b"\n"


def mei(roll: Credits) -> bytes:
    """MEI whose notes name in ``@resp`` who brought them in and, where that is another, who changed them last."""
    root = write_mei(roll.value)
    titles = root.find(f".//{{{MEI}}}titleStmt")
    assert titles is not None
    title, told = titles.find(f"{{{MEI}}}title"), titles.find(f"{{{MEI}}}respStmt")
    assert title is not None and told is not None
    title.text = title.text or _legal(roll.title)
    for number, author in enumerate(roll.authors, 1):
        etree.SubElement(told, f"{{{MEI}}}resp").text = _legal(author.did)
        tag = "name" if author.kind == "machine" else "persName"
        name = etree.SubElement(told, f"{{{MEI}}}{tag}", {XML_ID: f"author-{number}", "type": author.kind})
        name.text = _legal(author.who)
        etree.SubElement(name, f"{{{MEI}}}identifier", type="turn").text = author.turn
    known = facts(roll)
    for note in root.iter(f"{{{MEI}}}note"):
        if found := known.get((note.get(XML_ID) or "").partition(CONTINUED)[0]):
            note.set("resp", " ".join(f"#author-{number}" for number in dict.fromkeys(found)))
            origin = roll.authors[found[0] - 1].kind
            note.set("color", COLOURS[origin])
            if head := HEADS.get(MARKS[origin]):
                note.set("head.shape", head)
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _legal(words: str) -> str:
    """Words without what XML can't hold."""
    return "".join(char if char.isprintable() else " " for char in words)


# Drawings


def sheets(roll: Credits, fact: Fact, *, width: int, closed: bool = False) -> list[str]:
    """Engraved pages, as high as the music; each note also carries ``data-author``, its author's number."""
    number = {name: facts_[fact == "changed"] for name, facts_ in facts(roll).items()}
    pages = engrave(roll.value, width=width, height=None, marks=_marks(roll, fact), closed=closed, header=False)
    return [
        re.sub(
            r'data-note="([^"]+)"',
            lambda found: f'{found[0]} data-author="{number.get(found[1], 0)}"',
            page,
        )
        for page in pages
    ]


def svg(roll: Credits) -> bytes:
    """The score by who brought each note in, with a legend under it, as one SVG."""
    pages = engrave(roll.value, height=None, marks=_marks(roll, "origin"))
    strip = f'<svg xmlns="{SVG}" viewBox="0 0 {A4[0]} {STRIP}" version="1.1">{_legend(roll)}</svg>'
    return stacked([*pages, strip]).encode()


def paper(roll: Credits) -> bytes:
    """The score by who brought each note in, with a legend at the foot of each page, as PDF."""
    foot = f'<g transform="translate(0 {A4[1] - STRIP})">{_legend(roll)}</g></svg>'
    pages = engrave(roll.value, marks=_marks(roll, "origin"))
    return pdf([page.removesuffix("</svg>") + foot for page in pages], title=roll.value.title)


def _legend(roll: Credits) -> str:
    """A line of signs and words for those kinds that brought notes in."""
    there = [kind for kind in KINDS if any(one.kind == kind and one.brought for one in roll.authors)]
    x, parts = 120, []
    shapes = {
        "human": '<ellipse cx="16" cy="-10" rx="17" ry="12" transform="rotate(-20 16 -10)"/>',
        "imported": '<path d="M2 -22h27v23h-27z"/>',
        "machine": '<path d="M16 -28l17 18-17 18-17-18z"/>',
    }
    for kind in there:
        words = f"notes brought in {WORDS[kind]}" if kind != "imported" else f"notes {WORDS[kind]}"
        parts.append(
            f'<g transform="translate({x} 60)" style="color:{COLOURS[kind]};fill:{COLOURS[kind]}">{shapes[kind]}'
            f'<text x="50" y="0" font-family="{SERIF}" font-size="34">{words}</text></g>'
        )
        x += 110 + 16 * len(words)
    return "".join(parts)


def grid(roll: Credits, fact: Fact) -> list[tuple[str, list[str]]]:
    """Per part, its name and per bar the signs of the kinds whose notes begin in it; a bar without notes is empty."""
    lines, authors = bar_lines(roll.value), roll.by_turn
    rows = []
    for number, part in enumerate(roll.value.parts, 1):
        bars: list[set[Kind]] = [set() for _ in lines[1:]]
        for note in part.notes:
            if event := roll.map.get(note.id):
                bars[bisect_right(lines, note.onset) - 1].add(authors[getattr(event, fact)].kind)
        rows.append(
            (part.name or f"part {number}", ["".join(SIGNS[kind] for kind in KINDS if kind in bar) for bar in bars])
        )
    return rows
