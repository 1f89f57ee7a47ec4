"""Who made a work, as one HTML page that needs nothing beside it, no network and no script."""

import base64
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesica.export.authors import frames, notes, pixels, words
from vesica.export.authors.credits import KINDS, SIGNS, UNITS, WORDS, Author, Credits, Kind, shares
from vesica.export.authors.pixels import Fact
from vesica.export.site import templates

LONGEST = 1400
"""Pixels of a picture's longer side on the page; the files beside it hold every pixel."""

WIDE, NARROW = 1500, 900
"""Width of an engraved page for wide and for narrow screens, in tenths of a millimetre."""

MADE_BY = b'<meta name="generator" content="vesica '
"""By which a page of ours is known: another may replace it, as it holds nothing that the ledger does not."""

FACTS: Mapping[Fact, str] = {"origin": "Who brought it in", "changed": "Who changed it last"}


def page(roll: Credits) -> bytes:
    """The work drawn by who made each unit, with a legend, counts and every turn that is still in it."""
    counts = shares(roll)
    there = [kind for kind in KINDS if any(one.kind == kind for one in roll.authors)]
    told: dict[str, Any] = {
        "title": roll.title,
        "medium": roll.medium,
        "units": UNITS[roll.medium],
        "total": sum(counts["brought"].values()),
        "authors": roll.authors,
        "numbers": roll.numbers,
        "moved_on": roll.moved_on,
        "shares": counts,
        "kinds": there,
        "signs": SIGNS,
        "words": WORDS,
        "kind_of": {sign: kind for kind, sign in SIGNS.items()},
        "pictures": [],
        "version": version("vesica"),
    }
    match roll.medium:
        case "text":
            told["stretches"] = list(_stretches(roll))
        case "image":
            told |= _pictures(roll)
        case "video":
            told |= _strips(roll)
        case "music":
            told["sheets"] = [_sheet(roll, fact) for fact in _facts(roll)]
    return templates().get_template("authors.html.jinja").render(told).encode()


def _facts(roll: Credits) -> list[Fact]:
    """What there is to draw: both facts only where they differ."""
    return ["origin", "changed"] if roll.moved_on else ["origin"]


def _stretches(roll: Credits) -> Iterator[tuple[str, Author, bool]]:
    """Stretches of a text, each with whether it stood there from the first turn on; what came later is an insertion."""
    for passage, author in words.stretches(roll):
        yield passage, author, author == roll.authors[0]


def _pictures(roll: Credits) -> dict[str, Any]:
    from vesica.image.pictures import opaque, resize

    picture = opaque(roll.value)
    shown = resize(picture, LONGEST) if max(picture.shape[:2]) > LONGEST else picture
    height, width = shown.shape[:2]
    found = []
    for fact in reversed(_facts(roll)):
        kinds = pixels.kinds(roll, pixels.shrunk(pixels.raster(roll, fact), height, width))
        caption = FACTS[fact] if roll.moved_on else "Who made it"
        found.append(_picture(pixels.overlay(shown, kinds), caption, f"{caption}: {_where(roll, fact, kinds)}."))
    itself = f"The picture itself, {picture.shape[1]} × {picture.shape[0]} pixels."
    found.append(_picture(shown, "The picture", itself))
    changed = pixels.raster(roll, "changed")
    shapes = {
        author.turn: _address("image/png", pixels.silhouette(changed, number))
        for number, author in enumerate(roll.authors, 1)
        if author.changed
    }
    return {"pictures": found, "silhouettes": shapes}


def _strips(roll: Credits) -> dict[str, Any]:
    """Frames from left to right in time, under the colours of who made them, and as they are."""
    strip, found = frames.strip(roll.value), []
    for fact in reversed(_facts(roll)):
        kinds = pixels.kinds(roll, frames.raster(roll, fact, *strip.shape[:2]))
        caption = FACTS[fact] if roll.moved_on else "Who made it"
        counts = shares(roll)["brought" if fact == "origin" else "changed"]
        told = ", ".join(f"{count:,} frames {WORDS[kind]}" for kind, count in counts.items())
        found.append(_picture(pixels.overlay(strip, kinds), caption, f"{caption}: {told}."))
    found.append(_picture(strip, "The video", f"{frames.SHOWN} of {roll.value.count:,} frames of the video itself."))
    return {"pictures": found, "silhouettes": {}}


def _picture(picture: NDArray[np.uint8], caption: str, alt: str) -> dict[str, Any]:
    from vesica.image.pictures import write_webp

    height, width = picture.shape[:2]
    address = _address("image/webp", write_webp(picture))
    return {"address": address, "caption": caption, "alt": alt, "width": width, "height": height}


def _where(roll: Credits, fact: Fact, kinds: NDArray[np.uint8]) -> str:
    """How many pixels each kind of author has, and around where; ``kinds`` may be smaller than the picture."""
    counts = shares(roll)["brought" if fact == "origin" else "changed"]
    rows, columns = (np.arange(size) / size for size in kinds.shape)
    found = []
    for kind, count in counts.items():
        there = kinds == KINDS.index(kind)
        down, right = (
            float(there.sum(axis) @ places / max(1, there.sum())) for axis, places in ((1, rows), (0, columns))
        )
        spot = " ".join(name for name in (_third(down, "top", "bottom"), _third(right, "left", "right")) if name)
        around = f", around the {spot or 'middle'}" if len(counts) > 1 and there.any() else ""
        found.append(f"{count:,} pixels {WORDS[kind]}{around}")
    return "; ".join(found)


def _third(share: float, low: str, high: str) -> str:
    return low if share < 0.4 else high if share > 0.6 else ""


def _sheet(roll: Credits, fact: Fact) -> dict[str, Any]:
    caption = FACTS[fact] if roll.moved_on else "Who made it"
    grid = notes.grid(roll, fact)
    counts: dict[Kind, int] = {}
    for _, bars in grid:
        for bar in bars:
            for kind in KINDS:
                counts[kind] = counts.get(kind, 0) + (SIGNS[kind] in bar)
    told = ", ".join(f"{count} bars of parts with notes {WORDS[kind]}" for kind, count in counts.items() if count)
    return {
        "caption": caption,
        "grid": grid,
        "alt": f"{caption}: the score of {roll.title}; {told}.",
        "wide": notes.sheets(roll, fact, width=WIDE),
        "narrow": notes.sheets(roll, fact, width=NARROW, closed=True),
    }


def _address(type_: str, data: bytes) -> str:
    return f"data:{type_};base64,{base64.b64encode(data).decode()}"


def legend(roll: Credits) -> dict[str, Any]:
    """What a program needs to read the drawings: every author by number, and the units of text, score and video."""
    told: dict[str, Any] = {
        "schema": "vesica-authors/1",
        "units": UNITS[roll.medium],
        "authors": {
            str(number): {
                "turn": one.turn,
                "kind": one.kind,
                "who": one.who,
                "did": one.did,
                "time": one.time,
                "brought": one.brought,
                "changed": one.changed,
            }
            for number, one in enumerate(roll.authors, 1)
        },
    }
    numbers = roll.numbers
    if roll.medium == "text":
        told["runs"] = [[len(passage), numbers[author.turn]] for passage, author in words.stretches(roll)]
    elif roll.medium == "video":
        told["runs"] = [[length, numbers[one], numbers[two]] for length, one, two in roll.map.runs]
    elif roll.medium == "music":
        told["events"] = {name: list(found) for name, found in notes.facts(roll).items()}
    return told


def legend_json(roll: Credits) -> bytes:
    """The legend as bytes, the same each time."""
    return json.dumps(legend(roll), ensure_ascii=False, indent=1).encode() + b"\n"
