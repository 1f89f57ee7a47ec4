"""Scores as pages: SVG by Verovio, and PDF and PNG of those pages by Typst."""

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lxml import etree

from vesica.errors import VesicaError
from vesica.music.musicxml import CONTINUED, write_musicxml
from vesica.music.quantise import readable
from vesica.music.score import Part, Score, tidy

COLOURS = {"person": "#0072B2", "imported": "#4D5B22", "machine": "#B34A00"}
HEADS = {"imported": "square", "machine": "diamond"}
"""The second sign beside colour: a person's notes are round, a machine's diamonds, those from outside square."""

A4 = (2100, 2970)
"""Width and height in tenths of a millimetre, Verovio's unit at scale 100."""

MARGIN = 120
LONGEST = 60_000
"""The highest page that Verovio makes, in its unit."""

SERIF = "Libertinus Serif, Times, serif"
"""Libertinus is inside Typst; a browser without it takes its own Times."""

SVG = "http://www.w3.org/2000/svg"
STYLE = (
    ".engraved ellipse,.engraved path,.engraved polygon,.engraved polyline,.engraved rect{stroke:currentColor}"
    ".engraved .tempo,.engraved .ending{font-weight:bold}.engraved .dir,.engraved .mNum{font-style:italic}"
    + "".join(f".engraved .{who}{{color:{colour};fill:{colour}}}" for who, colour in COLOURS.items())
)
BEATS = {"\ueca3": "half", "\ueca5": "quarter", "\ueca7": "eighth"}
DOT = "\uecb7"
"""The signs with which Verovio writes a metronome's note, in the standard music font layout (SMuFL)."""


def engrave(
    score: Score,
    *,
    width: int = A4[0],
    height: int | None = A4[1],
    scale: int = 80,
    marks: Mapping[str, str] | None = None,
    closed: bool = False,
    header: bool = True,
) -> list[str]:
    """The score as SVG pages. Each note is a ``<g class="note" data-note="its id">``; no other ids are in a page.

    width, height : of a page in tenths of a millimetre; height None: one page as high as the music, or few
    scale : of the music in percent; 100 is a staff of 7 mm, 80 suits a choir's score
    marks : by note id, who made it: ``person``, ``imported`` and ``machine`` get colour and notehead, other words a
        class only
    closed : four voices on two staves, as in a hymnal
    header : whether the title stands above
    """
    told = dict(marks or {})
    shown = readable(closed_score(score) if closed else score)
    xml = write_musicxml(shown, heads={name: HEADS[who] for name, who in told.items() if who in HEADS})
    margin = round(MARGIN * 100 / scale) if height else 40
    toolkit = _toolkit()
    toolkit.resetOptions()
    toolkit.setOptions(
        {
            # Verovio measures in its own unit and draws it at ``scale``.
            "pageWidth": round(width * 100 / scale),
            "pageHeight": min(LONGEST, round(height * 100 / scale)) if height else LONGEST,
            "scale": scale,
            "adjustPageHeight": height is None,
            **{f"pageMargin{side}": margin for side in ("Left", "Right", "Top", "Bottom")},
            "header": "auto" if header and score.title else "none",
            "footer": "none",
            "breaks": "auto",
            "font": "Leipzig",
            "smuflTextFont": "none",
            "svgViewBox": True,
            "svgAdditionalAttribute": ["tie@startid"],
            "svgRemoveXlink": True,
            "xmlIdSeed": 1,
        }
    )
    if not toolkit.loadData(xml.decode()):
        raise VesicaError("This score could not be engraved; export it as MusicXML and look at it elsewhere.")
    # Several engravings of a score may stand in one web page: no two may share an id.
    look = f"{width} {height} {scale} {header} {sorted(told.items())}".encode()
    prefix = "e" + hashlib.sha256(look + xml).hexdigest()[:10]
    return [
        _page(toolkit.renderToSVG(number), f"{prefix}-{number}-", told)
        for number in range(1, toolkit.getPageCount() + 1)
    ]


@cache
def _toolkit() -> Any:
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    return verovio.toolkit()


def _page(svg: str, prefix: str, marks: Mapping[str, str]) -> str:
    """Verovio's page under our names.

    Ids that clash with no other page, ``data-note`` on notes, classes for who made what; colours follow the page the
    music stands in (``currentColor``), and the notes of a metronome are drawn, as few systems have a font for them.
    """
    root = etree.fromstring(svg.encode(), etree.XMLParser(remove_blank_text=True))
    root.set("class", "engraved")
    ids: dict[str, str] = {}
    for element in list(root.iter(f"{{{SVG}}}*")):
        name = element.attrib.pop("id", "")
        kinds = (element.get("class") or "").split()
        parent = element.getparent()
        if "note" in kinds:
            note = name.partition(CONTINUED)[0]
            element.set("data-note", note)
            if note in marks:
                element.set("class", f"note {marks[note]}")
                if HEADS.get(marks[note]) == "square":
                    _square_head(element)
        elif "tie" in kinds:
            note = element.attrib.pop("data-startid", "")[1:].partition(CONTINUED)[0]
            element.set("class", f"tie {marks.get(note, '')}".strip())
        elif "placeholder" in kinds and parent is not None:
            parent.remove(element)
        elif "tempo" in kinds:
            _draw_beat(element)
        elif parent is not None and parent.tag == f"{{{SVG}}}defs":
            ids[name] = f"{prefix}{len(ids)}"
            element.set("id", ids[name])
    for group in root.iterfind(f".//{{{SVG}}}g[@class]"):
        kind = group.get("class", "")
        if kind in ("beam", "chord", "tuplet"):
            who = {marks.get(note.get("data-note", "")) for note in group.iterfind(f".//{{{SVG}}}g[@data-note]")}
            if len(who) == 1 and (only := who.pop()):
                group.set("class", f"{kind} {only}")
    for use in root.iter(f"{{{SVG}}}use"):
        use.set("href", "#" + ids[use.get("href", "")[1:]])
    for style in root.iter(f"{{{SVG}}}style"):
        style.text = STYLE
    for inside in root.iterfind(f"{{{SVG}}}svg"):
        del inside.attrib["color"]
        inside.set("fill", "currentColor")
        inside.set("font-family", SERIF)
    for title in list(root.iter(f"{{{SVG}}}title")):
        # A browser would show the word "title" beside the pointer.
        title.getparent().remove(title)
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="unicode")


def _square_head(note: etree._Element) -> None:
    """Draw a notehead as a square, which Verovio can't: filled or hollow as it was, where it was."""
    for use in note.iterfind(f"{{{SVG}}}g[@class='notehead']/{{{SVG}}}use"):
        filled = use.get("href", "").startswith("#E0A4")
        use.tag = f"{{{SVG}}}path"
        del use.attrib["href"]
        # In units of the music font: 250 are a space of the staff.
        use.set("d", "M10 -115h275v230h-275z" + ("" if filled else "M60 -65v130h175v-130z"))
        use.set("fill-rule", "evenodd")


def _draw_beat(tempo: etree._Element) -> None:
    """Draw the note of a metronome mark in place of a music font's sign."""
    text = tempo.find(f"{{{SVG}}}text")
    sign = next((part for part in tempo.iter(f"{{{SVG}}}tspan") if part.get("font-family")), None)
    if text is None or sign is None or not sign.text:
        return
    kind = next((letter for letter in sign.text if letter in BEATS), "")
    dots = sign.text.count(DOT)
    # A little higher than Verovio puts it, clear of the numbers of tuplets.
    x, y = float(text.get("x", "0")), float(text.get("y", "0")) - 160
    text.set("y", f"{y:.0f}")
    head = (
        f'cx="0" cy="0" rx="{100 if kind else 0}" ry="70" transform="translate({x + 105:.0f},{y - 65:.0f}) rotate(-24)"'
    )
    fill = 'fill="none" stroke="currentColor" stroke-width="34"' if BEATS.get(kind) == "half" else ""
    parts = [f"<ellipse {head} {fill}/>", f'<path d="M{x + 193:.0f} {y - 95:.0f} v-470" stroke-width="24"/>']
    parts += [f'<ellipse cx="{x + 270 + 70 * dot:.0f}" cy="{y - 65:.0f}" rx="30" ry="30"/>' for dot in range(dots)]
    for part in reversed(parts):
        text.addprevious(etree.fromstring(part.replace(" ", f' xmlns="{SVG}" ', 1)))
    text.set("x", f"{x + 280 + 70 * dots:.0f}")
    sign.text = None


def closed_score(score: Score) -> Score:
    """Four one-voice parts as two staves, two voices on each; a score of another shape as it is."""
    if len(score.parts) != 4 or any(len({note.voice for note in part.notes}) > 1 for part in score.parts):
        return score
    staves = []
    for upper, lower in (score.parts[:2], score.parts[2:]):
        held = {note.end for note in upper.notes if note.fermata}
        notes = [replace(note, voice=1) for note in upper.notes]
        # One fermata above a staff speaks for both of its voices.
        notes += [replace(note, voice=2, fermata=note.fermata and note.end not in held) for note in lower.notes]
        staves.append(Part("", upper.program, tuple(notes)))
    return tidy(replace(score, parts=tuple(staves)))


# Paper


def pdf(pages: Sequence[str], *, title: str = "") -> bytes:
    """The pages of ``engrave`` as a PDF of A4 pages; the same pages give the same bytes."""
    return _typeset(pages, "pdf", title, "width: 210mm, height: 297mm")[0]


def png(page: str, *, dpi: int = 144) -> bytes:
    """A page as a picture, as wide and high as it is at ``dpi``, on white."""
    width, height = _size(page)
    return _typeset([page], "png", "", f"width: {width / 10}mm, height: {height / 10}mm", dpi)[0]


def stacked(pages: Sequence[str]) -> str:
    """Pages one under another as a single SVG."""
    if len(pages) == 1:
        return pages[0]
    sizes = [_size(page) for page in pages]
    tops = [sum(size[1] for size in sizes[:place]) for place in range(len(pages))]
    rows = [
        page.replace("<svg ", f'<svg y="{top}" width="{size[0]}" height="{size[1]}" ', 1)
        for page, top, size in zip(pages, tops, sizes, strict=True)
    ]
    width, height = max(size[0] for size in sizes), sum(size[1] for size in sizes)
    return f'<svg xmlns="{SVG}" viewBox="0 0 {width} {height}" version="1.1">{"".join(rows)}</svg>'


def _size(page: str) -> tuple[int, int]:
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', page)
    assert box
    return int(box[1]), int(box[2])


def _typeset(pages: Sequence[str], kind: Literal["pdf", "png"], title: str, size: str, dpi: int = 144) -> list[bytes]:
    import typst

    images = "\n#pagebreak()\n".join(f'#image("{number}.svg", width: 100%)' for number in range(len(pages)))
    source = f"#set document(title: sys.inputs.title, date: none)\n#set page({size}, margin: 0mm)\n{images}"
    with tempfile.TemporaryDirectory() as folder:
        for number, page in enumerate(pages):
            (Path(folder) / f"{number}.svg").write_text(page, "utf-8")
        main = Path(folder) / "main.typ"
        main.write_text(source, "utf-8")
        made: Any = typst.compile(
            main, root=Path(folder), format=kind, ppi=dpi, sys_inputs={"title": title}, ignore_system_fonts=True
        )
    return made if isinstance(made, list) else [made]
