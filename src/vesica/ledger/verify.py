"""Does everything still hold? Each fault found is one sentence that names what is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from vesica.errors import VesicaError
from vesica.ledger.assets import Assets
from vesica.ledger.canonical import canonical, is_digest, leaf, sha256
from vesica.ledger.chain import Head, first_link, message, next_link
from vesica.ledger.keys import fingerprint, signed
from vesica.ledger.store import Ledger, Row
from vesica.ledger.turns import assets_of, leaf_hashes, unseal
from vesica.work import Redacted, Step, Turn, Work, apply

Kind = Literal[
    "changed asset", "missing asset", "changed turn", "cut tail", "foreign signature", "derived state", "damaged file"
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold."""

    kind: Kind
    subject: str
    sentence: str


def verify(
    ledger: Ledger, assets: Assets, *, head: Head | None = None, progress: Callable[[Step], None] | None = None
) -> list[Fault]:
    """Check every turn, leaf, link, signature and asset, against an exported ``head`` too when there is one."""
    return list(_faults(ledger, assets, head, progress))


def _faults(
    ledger: Ledger, assets: Assets, head: Head | None, progress: Callable[[Step], None] | None
) -> Iterator[Fault]:
    if (said := ledger.integrity()) != "ok":
        yield Fault("damaged file", "ledger.db", f"The file ledger.db is damaged ({said}); restore it from a copy.")
        return
    rows: list[Row] = []
    links = [first_link(ledger.owner)]
    turns: list[Turn] = []
    gone: set[tuple[str, str]] = set()
    for place, row in enumerate(ledger.rows(), 1):
        if not _sound(row):
            yield Fault("changed turn", str(row.id), f"The entry at place {row.position} is no turn any more.")
            links.append(links[-1])
            continue
        yield from _row_faults(ledger, row, place, links[-1])
        # Where the chain breaks it goes on from what is stored, so that one break is one fault.
        links.append(row.link)
        rows.append(row)
        turn = _read(ledger, row)
        if turn is None or (turn.work, turn.branch) != (row.work, row.branch):
            yield Fault("changed turn", row.id, f"{_short(row).capitalize()} can't be read as what it is filed under.")
            continue
        turns.append(turn)
        if isinstance(turn.act, Redacted):
            gone |= {(name, part) for name, parts in turn.act.turns.items() for part in parts}
    yield from _leaf_faults(ledger, rows, gone)
    yield from _state_faults(ledger, turns)
    if head:
        yield from _head_faults(ledger, head, links)
    yield from _asset_faults(assets, turns, progress)


def _short(row: Row) -> str:
    return f"turn {row.position} ({row.id[:12]})"


def _sound(row: Row) -> bool:
    """Whether each column holds what it should, whatever was written into it."""
    return (
        is_digest(row.id)
        and is_digest(row.link)
        and all(isinstance(data, bytes) for data in (row.body, row.signature, row.public))
    )


def _row_faults(ledger: Ledger, row: Row, place: int, link: str) -> Iterator[Fault]:
    if row.position != place or row.link != next_link(link, row.id):
        yield Fault("changed turn", row.id, f"The chain breaks at {_short(row)}: a turn before it was changed or cut.")
    if sha256(row.body) != row.id:
        yield Fault("changed turn", row.id, f"The words of {_short(row)} were changed after it was written.")
    if row.public != ledger.owner:
        yield Fault(
            "foreign signature",
            row.id,
            f"{_short(row).capitalize()} is signed with another key ({fingerprint(row.public)[:12]}) than the studio's "
            f"({fingerprint(ledger.owner)[:12]}).",
        )
    if not signed(row.public, row.signature, message(row.position, row.link)):
        yield Fault("foreign signature", row.id, f"The signature of {_short(row)} is not by the key that it names.")


def _read(ledger: Ledger, row: Row) -> Turn | None:
    try:
        values = {hashed: kept[1] for hashed in leaf_hashes(row.body).values() if (kept := ledger.leaf(hashed))}
        return unseal(row.body, values)
    except VesicaError:
        return None


def _leaf_faults(ledger: Ledger, rows: list[Row], gone: set[tuple[str, str]]) -> Iterator[Fault]:
    for row in rows:
        try:
            hashes = leaf_hashes(row.body)
        except VesicaError:
            continue  # named already
        for name, hashed in hashes.items():
            kept = ledger.leaf(hashed)
            if kept and not (all(isinstance(data, bytes) for data in kept) and leaf(*kept) == hashed):
                yield Fault("changed turn", row.id, f"The {name} of {_short(row)} was changed after it was written.")
            if not kept and (row.id, name) not in gone:
                yield Fault(
                    "changed turn", row.id, f"The {name} of {_short(row)} was taken out, and no turn says by whom."
                )


def _state_faults(ledger: Ledger, turns: list[Turn]) -> Iterator[Fault]:
    stored = ledger.stored_states()
    states: dict[str, Work] = {}
    for turn in turns:
        if turn.parents and turn.parents[0] not in states:
            continue  # its parent's fault has been named
        states[turn.id] = apply(states[turn.parents[0]] if turn.parents else Work(), turn)
        if stored.get(turn.id) != canonical(states[turn.id]):
            yield Fault(
                "derived state", turn.id, f"What the ledger says of '{turn.work}' after {turn.id[:12]} is not its fold."
            )


def _head_faults(ledger: Ledger, head: Head, links: list[str]) -> Iterator[Fault]:
    size = len(links) - 1
    if not head.genuine or head.public != ledger.owner:
        yield Fault("foreign signature", "head", "The head you gave is not signed by this studio's key.")
    elif head.size > size:
        yield Fault(
            "cut tail",
            "head",
            f"The head you gave speaks for {head.size} turns, but the studio has {size}: "
            f"{head.size - size} were cut from the end, or an older copy was restored.",
        )
    elif links[head.size] != head.link:
        yield Fault(
            "changed turn",
            "head",
            f"The first {head.size} turns are not those that the head you gave speaks for: history was rewritten.",
        )


def _asset_faults(assets: Assets, turns: list[Turn], progress: Callable[[Step], None] | None) -> Iterator[Fault]:
    named: dict[str, Turn] = {}
    for turn in turns:
        for found in assets_of(turn).values():
            for asset in found:
                named.setdefault(asset.digest, turn)
    for done, (digest, turn) in enumerate(sorted(named.items()), 1):
        where = f"The asset {digest[:12]}, named by a turn of '{turn.work}' ({turn.id[:12]}),"
        try:
            if not assets.has(digest):
                yield Fault("missing asset", digest, f"{where} is missing.")
            elif not assets.intact(digest):
                yield Fault("changed asset", digest, f"{where} was changed on the disk.")
        except OSError as fault:
            yield Fault("missing asset", digest, f"{where} can't be read ({fault.strerror}).")
        if progress:
            progress(Step(done, len(named), note="assets"))
