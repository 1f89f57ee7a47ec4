"""Markdown Annotations 0.1 (A. Sotkov, iA Writer, 2023): who wrote which characters, in a block at a text's end.

Places are counted in grapheme clusters (what a reader calls a character), and a hash of the text tells whether they
still fit it. See https://github.com/iainc/Markdown-Annotations.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RANGE = re.compile(r"(\d{1,9})(?:,(\d{1,9}))?(?=\s|$)")
HASHED = re.compile(r"\s*(\d{1,9}),(\d{1,9})\s+SHA-256\s+([0-9a-fA-F]{32,64})\s*")
ROW = re.compile(r"\s*((?:\\:|[^:])*):[ \t]*(.*)")
KEY = re.compile(r"([@&])\s*([^<,]*)(?:<((?:\\.|[^\\<>])*)>)?.*")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote: a person (``@``) or anything else (``&``), by name and by an identifier such as a turn's id."""

    human: bool
    name: str
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Annotated:
    """A text with what its annotations say.

    runs : how many code points, and who wrote them (None: not said); together they are the text
    holds : whether the hash is that of the text, so that the places can be trusted
    """

    text: str
    runs: tuple[tuple[int, Writer | None], ...]
    holds: bool


def graphemes(text: str) -> list[str]:
    """The text cut into extended grapheme clusters (Unicode Standard Annex 29), by the Oniguruma in ``tokenizers``."""
    if text.isascii() and "\r" not in text:
        return list(text)
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Split

    return [piece for piece, _ in Split(Regex(r"\X"), "isolated").pre_tokenize_str(text)]


def write_annotations(text: str, runs: Iterable[tuple[int, Writer]]) -> str:
    """``text`` and its block. ``runs`` are code points and their writers; a cluster is its first code point's."""
    clusters = graphemes(text)
    ranges: dict[Writer, list[list[int]]] = {}
    waiting = [(length, writer) for length, writer in runs if length][::-1]
    end, point, last = 0, 0, None
    for place, cluster in enumerate(clusters):
        while waiting and end <= point:
            length, writer = waiting.pop()
            end += length
        if writer == last:
            ranges[writer][-1][1] += 1
        else:
            ranges.setdefault(writer, []).append([place, 1])
            last = writer
        point += len(cluster)
    rows = [f"Annotations: 0,{len(clusters)} SHA-256 {hashlib.sha256(text.encode()).hexdigest()}"]
    for writer, places in ranges.items():
        rows.append(f"{_key(writer)}: {' '.join(str(at) if size == 1 else f'{at},{size}' for at, size in places)}")
    # Two spaces at a row's end, as iA writes it: Markdown then shows a row a line where the block is not understood.
    return f"{text}\n\n---\n{''.join(f'{row}  {chr(10)}' for row in rows)}...\n"


def _key(writer: Writer) -> str:
    """An author as an annotation's key; signs that the format uses are left out of names."""
    name = " ".join(
        "".join(char if char.isprintable() and char not in "<>,\\" else " " for char in writer.name).split()
    )
    identifier = re.sub(r"([\\<>])", r"\\\1", writer.identifier)
    key = f"{'@' if writer.human else '&'}{name}{f' <{identifier}>' if identifier else ''}"
    return key.replace(":", r"\:")


def read_annotations(whole: str) -> Annotated | None:
    """A text and its annotations apart; None where the file ends in no annotation block."""
    body, found, block = ("\n" + whole).rpartition("\n---\n")
    rows = _rows(block)
    told = HASHED.fullmatch(rows[0][1]) if found and rows else None
    if not told:
        return None
    # The line end before the dashes is the block's; the range may leave out one more.
    text = body[1:-1] if body.endswith("\n") and len(body) > 1 else body[1:]
    clusters = graphemes(text)
    start, size = int(told[1]), int(told[2])
    if start + size == len(clusters) + 1:
        text, clusters = text + "\n", [*clusters, "\n"]
    hashed = "".join(clusters[start : start + size]).encode()
    holds = start + size <= len(clusters) and hashlib.sha256(hashed).hexdigest().startswith(told[3].lower())
    writers: list[Writer | None] = [None] * len(clusters)
    for key, value in rows[1:]:
        if named := KEY.fullmatch(key.replace(r"\:", ":").strip()):
            writer = Writer(named[1] == "@", named[2].strip(), re.sub(r"\\(.)", r"\1", named[3] or ""))
            for at, length in RANGE.findall(value):
                first = min(int(at), len(clusters))
                last = min(first + int(length or 1), len(clusters))
                writers[first:last] = [writer] * (last - first)
    return Annotated(text, _runs(clusters, writers), holds)


def _rows(block: str) -> list[tuple[str, str]]:
    """Keys and values of a block that ends in three dots; an empty list where it is none."""
    lines = block.rstrip().split("\n")
    if lines.pop().strip() != "...":
        return []
    rows: list[tuple[str, str]] = []
    for line in lines:
        if rows and line.startswith("  "):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
        elif found := ROW.fullmatch(line):
            rows.append((found[1], found[2].strip()))
        else:
            return []
    return rows


def _runs(clusters: Sequence[str], writers: Sequence[Writer | None]) -> tuple[tuple[int, Writer | None], ...]:
    runs: list[tuple[int, Writer | None]] = []
    for cluster, writer in zip(clusters, writers, strict=True):
        if runs and runs[-1][1] == writer:
            runs[-1] = (runs[-1][0] + len(cluster), writer)
        else:
            runs.append((len(cluster), writer))
    return tuple(runs)
