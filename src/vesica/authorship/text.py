"""Who brought in and who last changed each character of a manuscript, as runs over code points.

A character is never altered, only replaced: one that a turn writes over another is new, brought in and changed last by
that turn. Characters that a turn moves or copies keep what is known of them. Undo needs no rule: the map of before
stands again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vesica.authorship import maps
from vesica.authorship.difference import Block, found_elsewhere, kept

SCHEMA = "vesica-authorship-text/1"

Run = tuple[int, str, str]
"""How many characters; the turn that brought them in; the turn that changed them last."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Characters ``start`` to ``end`` of one of the sources, with all that is known of them."""

    source: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """New characters."""

    length: int


@dataclass(frozen=True, slots=True)
class Runs:
    """The map of one text. Runs are never empty, and neighbours differ."""

    runs: tuple[Run, ...] = ()

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Runs":
        """A map of any runs, empty ones dropped and equal neighbours joined."""
        joined: list[Run] = []
        for length, origin, changed in runs:
            if joined and joined[-1][1:] == (origin, changed):
                joined[-1] = (joined[-1][0] + length, origin, changed)
            elif length:
                joined.append((length, origin, changed))
        return cls(tuple(joined))

    def __len__(self) -> int:
        return sum(length for length, _, _ in self.runs)

    def relabelled(self, names: Mapping[str, str]) -> "Runs":
        """The same map with some turns called otherwise."""
        return Runs.of((length, names.get(one, one), names.get(two, two)) for length, one, two in self.runs)

    def to_bytes(self, schema: str = SCHEMA) -> bytes:
        """Canonical JSON: a table of turns, and runs that point into it."""
        table = maps.number(turn for _, one, two in self.runs for turn in (one, two))
        runs = [[length, table[one], table[two]] for length, one, two in self.runs]
        return maps.dump({"schema": schema, "turns": list(table), "runs": runs})

    @classmethod
    def from_bytes(cls, data: bytes, schema: str = SCHEMA) -> "Runs":
        """Read a map. Raises ``VesicaError`` when it is damaged."""
        told = maps.load(data, schema)
        turns = maps.turn_table(told.get("turns"))
        runs: list[Run] = []
        for row in told.get("runs", ()):
            if not (isinstance(row, list) and len(row) == 3 and all(type(part) is int for part in row)):
                raise maps.broken("a run can't be read")
            length, one, two = row
            if not (0 < length < 1 << 40 and 0 <= one < len(turns) and 0 <= two < len(turns)):
                raise maps.broken("a run points nowhere")
            runs.append((length, turns[one], turns[two]))
        return cls.of(runs)


def fresh(text: str, turn: str) -> Runs:
    """The map of a text that ``turn`` brought in whole."""
    return Runs.of([(len(text), turn, turn)])


def weave(sources: Sequence[Runs], pieces: Sequence[Slice | Fresh], turn: str) -> Runs:
    """The map of a text put together from pieces of others and new characters: edits, moves, copies, merges alike."""
    runs: list[Run] = []
    for piece in pieces:
        if isinstance(piece, Fresh):
            runs.append((piece.length, turn, turn))
        else:
            runs.extend(_cut(sources[piece.source], piece.start, piece.end))
    return Runs.of(runs)


def _cut(source: Runs, start: int, end: int) -> Iterable[Run]:
    place = 0
    for length, origin, changed in source.runs:
        low, high = max(start, place), min(end, place + length)
        if low < high:
            yield high - low, origin, changed
        place += length
        if place >= end:
            return


def edit(old: str, runs: Runs, new: str, turn: str) -> Runs:
    """The map after ``turn`` made ``new`` of ``old``: passages that stayed, moved or were copied keep their authors."""
    blocks = kept(old, new)
    blocks = sorted([*blocks, *found_elsewhere(old, new, blocks)], key=lambda block: block[1])
    return weave([runs], _pieces(blocks, len(new)), turn)


def _pieces(blocks: Sequence[Block], length: int) -> list[Slice | Fresh]:
    pieces: list[Slice | Fresh] = []
    place = 0
    for i, j, n in blocks:
        pieces += [Fresh(j - place), Slice(0, i, i + n)]
        place = j + n
    return [*pieces, Fresh(length - place)]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place that both sides changed: ``ours`` stands in the merged text from ``start`` on, ``theirs`` does not."""

    start: int
    ours: str
    theirs: str


def merge(base: str, ours: str, our_runs: Runs, theirs: str, their_runs: Runs) -> tuple[str, Runs, list[Conflict]]:
    """Join two texts that both grew from ``base``; where both changed the same place, ours stands and is named.

    Method: three-way merge over common stretches (S. Khanna, K. Kunal and B. Pierce, "A formal investigation of
    diff3", 2007). Every character keeps the facts of the side that it comes from; nobody authors a merge.
    """
    pieces: list[Slice | Fresh] = []
    texts: list[str] = []
    conflicts: list[Conflict] = []
    at = [0, 0, 0]
    for b, o, t, n in [*_stable(kept(base, ours), kept(base, theirs)), (len(base), len(ours), len(theirs), 0)]:
        changed = (base[at[0] : b], ours[at[1] : o], theirs[at[2] : t])
        theirs_wins = changed[0] == changed[1] and changed[2] != changed[0]
        if len({*changed}) == 3:
            conflicts.append(Conflict(sum(map(len, texts)), changed[1], changed[2]))
        texts.append(changed[2] if theirs_wins else changed[1])
        pieces.append(Slice(1, at[2], t) if theirs_wins else Slice(0, at[1], o))
        texts.append(ours[o : o + n])
        pieces.append(Slice(0, o, o + n))
        at = [b + n, o + n, t + n]
    return "".join(texts), weave([our_runs, their_runs], pieces, ""), conflicts


def _stable(ours: Sequence[Block], theirs: Sequence[Block]) -> Iterable[tuple[int, int, int, int]]:
    """Stretches of the base that both sides kept: start in base, ours, theirs, and length."""
    waiting = list(theirs)[::-1]
    for i, j, n in ours:
        while waiting and waiting[-1][0] + waiting[-1][2] <= i:
            waiting.pop()
        for k, m, length in reversed(waiting):
            low, high = max(i, k), min(i + n, k + length)
            if low >= i + n:
                break
            if low < high:
                yield low, j + low - i, m + low - k, high - low


def counts(runs: Runs) -> dict[str, tuple[int, int]]:
    """Characters by turn: brought in, changed last."""
    return maps.tally((one, two, length) for length, one, two in runs.runs)
