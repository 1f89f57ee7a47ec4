"""Assets that no turn names: what a stopped offer, a crash or a refused turn left behind."""

from collections.abc import Iterator
from dataclasses import dataclass

from vesica.errors import VesicaError
from vesica.ledger.assets import Assets
from vesica.ledger.store import Ledger
from vesica.ledger.turns import assets_of
from vesica.ledger.verify import examine

DAY = 24 * 60 * 60.0
"""Seconds. What was kept within the last day may belong to a turn that is being taken right now."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An asset that no turn names, and how many bytes it has."""

    digest: str
    size: int


def leftovers(ledger: Ledger, assets: Assets, *, older: float = DAY) -> list[Leftover]:
    """Assets that no turn names and that nobody kept for ``older`` seconds. Nothing is changed."""
    with ledger.unchanging():
        return [one for one in _unnamed(ledger, assets) if assets.age(one.digest) >= older]


def clear(ledger: Ledger, assets: Assets, *, older: float = DAY) -> list[Leftover]:
    """Take the leftovers out; what was taken out. No turn can be added meanwhile, and what is kept meanwhile stays."""
    with ledger.held():
        return [one for one in _unnamed(ledger, assets) if assets.clear_away(one.digest, older=older)]


def _unnamed(ledger: Ledger, assets: Assets) -> Iterator[Leftover]:
    # A turn that lost its facts by accident names nothing any more, and must not lose its assets too.
    if faults := examine(ledger, None).faults:
        raise VesicaError(f"{faults[0].sentence} Mend that first (see 'vesica verify'); nothing was cleared away.")
    named = {asset.digest for _, turn in ledger.entries() for found in assets_of(turn).values() for asset in found}
    for digest in list(assets.names()):
        if digest not in named:
            yield Leftover(digest, assets.path(digest).stat().st_size)
