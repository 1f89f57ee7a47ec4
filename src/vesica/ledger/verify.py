"""Does everything still hold? Each fault found is one sentence that names what is wrong.

What can't be decided from the ledger alone (a clock that ran backwards, an end that may have been cut) is no fault; it
is said in a remark.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from vesica.errors import VesicaError
from vesica.ledger.canonical import canonical, is_digest, leaf, sha256
from vesica.ledger.chain import Head, first_link, message, next_link, rotation
from vesica.ledger.keys import fingerprint, signed
from vesica.ledger.store import Row, now
from vesica.ledger.turns import assets_of, leaf_hashes, unseal
from vesica.work import Redacted, Rotated, Step, Turn, Work, apply

Kind = Literal[
    "changed asset",
    "missing asset",
    "changed turn",
    "cut tail",
    "two histories",
    "foreign signature",
    "derived state",
    "damaged file",
]


class Record(Protocol):
    """What can be verified: a studio's ledger, or a ledger that left its studio as a file."""

    @property
    def owner(self) -> bytes:
        """The public key that the chain begins with."""

    def rows(self) -> Iterator[Row]:
        """All turns in order."""

    def leaf(self, hashed: str) -> tuple[bytes, bytes] | None:
        """Salt and value of a leaf; None when it is not there."""

    def stored_states(self) -> Mapping[str, bytes] | None:
        """The derived states; None where there are none to check."""

    def integrity(self) -> str:
        """``ok``, or what is wrong with the file."""


class Bytes(Protocol):
    """Where assets can be looked at."""

    def has(self, digest: str) -> bool:
        """Whether the asset is there."""

    def intact(self, digest: str) -> bool:
        """Whether its bytes give its name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold."""

    kind: Kind
    subject: str
    sentence: str


@dataclass(slots=True)
class Findings:
    """What was looked at, what does not hold, and what no one can know from here.

    signers : public keys in the order in which they signed; more than one where keys were rotated
    size : bytes of all assets that the turns name
    """

    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    turns: int = 0
    assets: int = 0
    size: int = 0
    signers: list[bytes] = field(default_factory=list)


def verify(
    record: Record, assets: Bytes, *, head: Head | None = None, progress: Callable[[Step], None] | None = None
) -> list[Fault]:
    """Check every turn, leaf, link, signature and asset, against an exported ``head`` too when there is one."""
    return examine(record, assets, head=head, progress=progress).faults


def examine(
    record: Record,
    assets: Bytes | None,
    *,
    head: Head | None = None,
    withheld: bool = False,
    progress: Callable[[Step], None] | None = None,
) -> Findings:
    """As ``verify``, with what was looked at and what can't be known.

    ``assets`` None: their bytes are not looked at. ``withheld``: leaves that are missing were left out on purpose.
    """
    reading = _Reading(record, withheld)
    found = reading.found
    if (said := record.integrity()) != "ok":
        found.faults.append(
            Fault("damaged file", "ledger.db", f"The file ledger.db is damaged ({said}); restore it from a copy.")
        )
        return found
    for row in record.rows():
        found.faults.extend(reading.take(row))
    found.faults.extend(reading.missing_leaves())
    found.faults.extend(_state_faults(record, reading.turns))
    found.turns, found.signers = len(reading.links) - 1, reading.signers
    if head:
        found.faults.extend(_head_faults(reading, head))
    named = _named(reading.turns)
    found.assets, found.size = len(named), sum(size for _, size in named.values())
    if assets is not None:
        found.faults.extend(_asset_faults(assets, named, progress))
    found.remarks.extend(_remarks(reading))
    return found


class _Reading:
    """A walk along the chain."""

    def __init__(self, record: Record, withheld: bool) -> None:
        self.record, self.withheld = record, withheld
        self.found = Findings()
        self.links = [first_link(record.owner)]
        self.turns: list[Turn] = []
        self.rotated: list[Row] = []
        self.signers = [record.owner]
        self.signed_by: list[bytes] = [b""]  # by place
        self._stranger = b""
        self._names: dict[str, str] = {}
        self._gone: set[tuple[str, str]] = set()
        self._missing: list[tuple[Row, str]] = []

    def take(self, row: Row) -> Iterator[Fault]:
        place, link = len(self.links), self.links[-1]
        if not _sound(row):
            yield Fault("changed turn", str(row.id), f"The entry at place {row.position} is no turn any more.")
            self.links.append(link)
            self.signed_by.append(b"")
            return
        yield from self._link_faults(row, place, link)
        # Where the chain breaks it goes on from what is stored, so that one break is one fault.
        self.links.append(row.link)
        self.signed_by.append(row.public)
        values: dict[str, bytes] = {}
        yield from self._leaf_faults(row, values)
        try:
            turn = unseal(row.body, values)
        except VesicaError:
            turn = None
        if turn is None or (turn.work, turn.branch) != (row.work, row.branch):
            yield Fault("changed turn", row.id, f"{_short(row).capitalize()} can't be read as what it is filed under.")
            return
        for parent in turn.parents:
            if self._names.get(parent) != turn.work:
                yield Fault("changed turn", row.id, f"{_short(row).capitalize()} stands on a turn that is not there.")
        self._names[turn.id] = turn.work
        self.turns.append(turn)
        if isinstance(turn.act, Redacted):
            self._gone |= {(name, part) for name, parts in turn.act.turns.items() for part in parts}
        if isinstance(turn.act, Rotated):
            yield from self._rotate(row, turn.act, link)

    def _link_faults(self, row: Row, place: int, link: str) -> Iterator[Fault]:
        if row.position != place or row.link != next_link(link, row.id):
            yield Fault(
                "changed turn",
                row.id,
                f"The chain breaks at {_short(row)}: a turn before it was changed, moved or cut.",
            )
        if sha256(row.body) != row.id:
            yield Fault("changed turn", row.id, f"The words of {_short(row)} were changed after it was written.")
        if row.public not in (self.signers[-1], self._stranger):
            self._stranger = row.public  # named once, however long it goes on
            yield Fault(
                "foreign signature",
                row.id,
                f"{_short(row).capitalize()} is signed with another key ({fingerprint(row.public)[:12]}) than the "
                f"studio's ({fingerprint(self.signers[-1])[:12]}), which never handed over to it.",
            )
        if not signed(row.public, row.signature, message(row.position, row.link)):
            yield Fault("foreign signature", row.id, f"The signature of {_short(row)} is not by the key that it names.")

    def _leaf_faults(self, row: Row, values: dict[str, bytes]) -> Iterator[Fault]:
        """Check the leaves of a turn, and put what they say into ``values``."""
        try:
            hashes = leaf_hashes(row.body)
        except VesicaError:
            return  # named as a turn that can't be read
        for name, hashed in hashes.items():
            kept = self.record.leaf(hashed)
            if not kept:
                self._missing.append((row, name))
            elif not all(isinstance(data, bytes) for data in kept) or leaf(*kept) != hashed:
                yield Fault("changed turn", row.id, f"The {name} of {_short(row)} was changed after it was written.")
            if kept:
                values[hashed] = kept[1]

    def _rotate(self, row: Row, act: Rotated, link: str) -> Iterator[Fault]:
        """Go on with the new key, if the old one signed the hand-over and the new one agreed."""
        by = self.signers[-1]
        if row.public != by or sha256(row.body) != row.id:
            return  # named already
        try:
            new, proof = bytes.fromhex(act.public), bytes.fromhex(act.proof)
        except (ValueError, TypeError):
            new, proof = b"", b""
        if not signed(new, proof, rotation(link, by, new)):
            yield Fault(
                "foreign signature", row.id, f"{_short(row).capitalize()} hands over to a key that never agreed."
            )
            return
        self.signers.append(new)
        self.rotated.append(row)

    def missing_leaves(self) -> Iterator[Fault]:
        """Leaves that are not there though no redaction says so."""
        for row, name in self._missing:
            if not self.withheld and (row.id, name) not in self._gone:
                yield Fault(
                    "changed turn", row.id, f"The {name} of {_short(row)} was taken out, and no turn says by whom."
                )

    @property
    def taken_out(self) -> int:
        """How many turns lost facts to a redaction."""
        return len({name for name, _ in self._gone})


def _short(row: Row) -> str:
    return f"turn {row.position} ({row.id[:12]})"


def _sound(row: Row) -> bool:
    """Whether each column holds what it should, whatever was written into it."""
    return (
        is_digest(row.id)
        and is_digest(row.link)
        and isinstance(row.position, int)
        and abs(row.position) < 1 << 53
        and all(isinstance(data, bytes) for data in (row.body, row.signature, row.public))
    )


def _state_faults(record: Record, turns: list[Turn]) -> Iterator[Fault]:
    stored = record.stored_states()
    if stored is None:
        return
    states: dict[str, Work] = {}
    for turn in turns:
        if turn.parents and turn.parents[0] not in states:
            continue  # its parent's fault has been named
        states[turn.id] = apply(states[turn.parents[0]] if turn.parents else Work(), turn)
        if stored.get(turn.id) != canonical(states[turn.id]):
            yield Fault(
                "derived state", turn.id, f"What the ledger says of '{turn.work}' after {turn.id[:12]} is not its fold."
            )


def _head_faults(reading: _Reading, head: Head) -> Iterator[Fault]:
    size = len(reading.links) - 1
    if not head.genuine:
        yield Fault("foreign signature", "head", "The head you gave is not signed by the key that it names.")
    elif head.public not in reading.signers:
        more = " or by a key that it handed over to after this copy was made" if head.size > size else ""
        yield Fault(
            "foreign signature",
            "head",
            f"The head you gave is signed by a key that is not this studio's: by another studio{more}.",
        )
    elif head.size > size:
        yield Fault(
            "cut tail",
            "head",
            f"The head you gave speaks for {head.size} turns, but here are {size}: the end was cut "
            "off, or this is an older copy, or a copy that went its own way; the head can't tell which.",
        )
    elif reading.links[head.size] != head.link:
        yield Fault(
            "two histories",
            "head",
            f"The studio's key signed two histories: the first {head.size} turns here are not those that the head you "
            "gave speaks for. A copy was worked on elsewhere, or turns were written anew.",
        )
    elif reading.signed_by[head.size] != head.public:
        yield Fault("foreign signature", "head", "The head you gave is signed by a key that did not sign at its place.")


def _named(turns: list[Turn]) -> dict[str, tuple[Turn, int]]:
    """The assets that turns name, each with the first turn that does, and its size."""
    named: dict[str, tuple[Turn, int]] = {}
    for turn in turns:
        for found in assets_of(turn).values():
            for asset in found:
                named.setdefault(asset.digest, (turn, asset.size))
    return named


def _asset_faults(
    assets: Bytes, named: Mapping[str, tuple[Turn, int]], progress: Callable[[Step], None] | None
) -> Iterator[Fault]:
    for done, (digest, (turn, _)) in enumerate(sorted(named.items()), 1):
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


def _remarks(reading: _Reading) -> Iterator[str]:
    """What is no fault, yet somebody who trusts the ledger should know."""
    for row in reading.rotated:
        yield (
            f"The signing key was exchanged at {_short(row)}, signed by the old key and the new one "
            f"({fingerprint(row.public)[:12]} is the old)."
        )
    if reading.taken_out:
        yield f"Facts of {reading.taken_out} turns were redacted; the ledger shows that they were there, not what."
    latest, back = "", []
    for place, turn in enumerate(reading.turns, 1):
        if turn.time < latest:
            back.append(f"{place} ({turn.time}, after {latest})")
        latest = max(latest, turn.time)
    if back:
        more = f" and {len(back) - 3} more" if len(back) > 3 else ""
        yield (
            f"The clock ran backwards before turn {', '.join(back[:3])}{more}: the order of turns is sure, "
            "their times are only what the computer's clock said."
        )
    if latest > now():
        yield f"A turn says {latest}, which this computer's clock has not reached: one of the two clocks was wrong."
