"""Writing, as the studio handles it. See ``vesica.media.Craft``."""

import difflib

from vesica.authorship import text as authorship
from vesica.errors import VesicaError
from vesica.export.authors.annotations import read_annotations
from vesica.text.manuscript import read_text, write_text
from vesica.text.mark import without_mark

TYPE = "text/plain"


def read(data: bytes) -> str:
    """The text of UTF-8 bytes."""
    return read_text(data)


def write(value: str) -> tuple[bytes, str]:
    """UTF-8 bytes."""
    return write_text(value), TYPE


def settle(before: str, after: str) -> str:
    """The text, without what our own export adds: a mark, the line end behind the last line, Markdown Annotations.

    Whatever another program wrote into the annotations, what differs is recorded as the edit of who brought it back.
    """
    # What came in with the person's own file is part of it and stays.
    if (told := read_annotations(after)) and not read_annotations(before):
        after = told.text
    after = without_mark(after) if without_mark(before) == before else after
    return after[:-1] if after.endswith("\n") and not before.endswith("\n") else after


def fresh(value: str, turn: str) -> bytes:
    """One run of characters, all brought in by ``turn``."""
    return authorship.fresh(value, turn).to_bytes()


def edit(before: str, authorship_map: bytes, after: str, turn: str) -> bytes:
    """Runs carried through the difference of two texts, moved passages included."""
    return authorship.edit(before, authorship.Runs.from_bytes(authorship_map), after, turn).to_bytes()


def relabel(authorship_map: bytes, old: str, new: str) -> bytes:
    """The runs with one turn called otherwise."""
    return authorship.Runs.from_bytes(authorship_map).relabelled({old: new}).to_bytes()


def counts(authorship_map: bytes) -> dict[str, tuple[int, int]]:
    """Characters by turn: brought in, changed last."""
    return dict(authorship.counts(authorship.Runs.from_bytes(authorship_map)))


def authors(authorship_map: bytes) -> authorship.Runs:
    """The map as a value."""
    return authorship.Runs.from_bytes(authorship_map)


def difference(one: str, other: str) -> float:
    """Share of words that differ (1 - the ratio of Ratcliff and Obershelp)."""
    return 0.0 if one == other else 1.0 - difflib.SequenceMatcher(None, one.split(), other.split(), False).ratio()


def part(wish: str, value: str) -> str:
    """``all``, ``lines 2-4``, or a passage that stands in the text once."""
    if wish == "all":
        return wish
    kind, _, rest = wish.partition(" ")
    if kind in ("line", "lines"):
        lines = value.split("\n")
        first, _, last = rest.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal() and 1 <= int(first) <= int(last or first)):
            raise VesicaError(f"{wish!r} names no lines; say for example 'lines 2-4'.")
        if int(last or first) > len(lines):
            raise VesicaError(f"The text has {len(lines)} lines; {wish!r} is not among them.")
        return "passage " + "\n".join(lines[int(first) - 1 : int(last or first)])
    passage = wish.removeprefix("passage ")
    if value.count(passage) != 1:
        raise VesicaError(
            f"{passage[:60]!r} stands in the text {value.count(passage)} times; quote a passage that stands there once."
        )
    return "passage " + passage


def keep(part: str, before: str, after: str) -> str:
    """A locked passage must stand in the text afterwards, word for word."""
    passage = before if part == "all" else part.removeprefix("passage ")
    if passage in after and (part != "all" or after == before):
        return after
    raise VesicaError(f"This would change the locked passage {passage[:60]!r}; release it first, or take another take.")


def describe(value: str) -> str:
    """Its length, and how it begins."""
    words = value.split()
    beginning = " ".join(words[:9])[:60]
    return (
        f"a text of {len(words):,} words: {beginning}{'…' if len(words) > 9 else ''}" if words else "a text of no words"
    )
