"""Take words or pictures out of a studio while the chain over its turns still verifies."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from vesica.errors import VesicaError
from vesica.ledger.assets import Assets
from vesica.ledger.keys import Key
from vesica.ledger.store import Ledger
from vesica.ledger.turns import assets_of
from vesica.work import PUBLIC, Created, Partner, Redacted, Turn


@dataclass(frozen=True, slots=True)
class Removal:
    """What a redaction took out, and the later turns that were made from it and still stand."""

    turns: tuple[str, ...]
    assets: tuple[str, ...]
    built_on_it: tuple[str, ...]


def redact(ledger: Ledger, assets: Assets, key: Key, person: Partner, target: Turn, *, reason: str = "") -> Removal:
    """Take out every private fact of ``target``, every other mention of the assets it brought, and their bytes.

    What later turns made *from* it stays; those turns are named, to be redacted too where they repeat it.
    """
    if isinstance(target.act, Redacted | Created):
        raise VesicaError("This turn holds nothing that could be redacted; name one that brought words or pictures.")
    turns = [turn for _, turn in ledger.entries()]
    private = tuple(
        part.name
        for part in fields(target.act)
        if part.name not in PUBLIC and getattr(target.act, part.name) is not None
    )
    if not private:
        ledger.scrub()  # a full disk may have stopped it before
        raise VesicaError(f"The turn {target.id[:12]} was redacted already.")
    brought = {
        asset.digest for name, found in assets_of(target).items() if name in ("content", "original") for asset in found
    }
    removed: dict[str, tuple[str, ...]] = {}
    for turn in turns:
        named = tuple(
            name for name, found in assets_of(turn).items() if any(asset.digest in brought for asset in found)
        )
        if "content" in named and "authorship" in assets_of(turn):
            named = (*named, "authorship")  # the map of a score holds its notes
        if turn.id == target.id:
            named = private
        if named:
            removed[turn.id] = named
    # The same map may stand beside other content, as that of any two pictures of one size that came in whole.
    maps = {digest for turn in turns for digest in _map(turn) if "authorship" in removed.get(turn.id, ())}
    brought |= maps - {
        digest for turn in turns for digest in _map(turn) if "authorship" not in removed.get(turn.id, ())
    }
    # Bytes first: after a crash between the two steps, 'verify' names what is missing and a second call completes it.
    for digest in sorted(brought):
        assets.remove(digest)
    assets.sweep()
    ledger.redact(key, target.work, person, Redacted(removed, reason))
    ledger.scrub()
    later = tuple(turn.id for turn in turns if turn.id not in removed and _stands_on(turn, set(removed), turns))
    return Removal(tuple(removed), tuple(sorted(brought)), later)


def _map(turn: Turn) -> Iterator[str]:
    for asset in assets_of(turn).get("authorship", ()):
        yield asset.digest


def _stands_on(turn: Turn, removed: set[str], turns: list[Turn]) -> bool:
    """Whether a turn that brings content has a redacted one among its forebears."""
    if "content" not in assets_of(turn):
        return False
    parents = {one.id: one.parents for one in turns}
    waiting, seen = list(turn.parents), set[str]()
    while waiting:
        one = waiting.pop()
        if one in removed:
            return True
        if one not in seen:
            seen.add(one)
            waiting.extend(parents.get(one, ()))
    return False
