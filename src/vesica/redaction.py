"""Take words or pictures out of a studio while the chain over its turns still verifies."""

import mmap
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vesica.errors import VesicaError
from vesica.ledger.assets import Assets, wipe
from vesica.ledger.keys import Key
from vesica.ledger.store import Ledger
from vesica.ledger.turns import assets_of
from vesica.work import PUBLIC, Asset, Created, Partner, Redacted, Rotated, Turn

FEWEST = 12
"""Characters. Shorter words that stand in a redacted text may stand elsewhere for reasons of their own."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What a redaction took out, and what still stands.

    built_on_it : turns that were made from it, or hold its words among theirs
    files : exports inside the studio's folder that named it, and went
    beside : other files there that are not the studio's own; only their owner knows what is in them
    """

    turns: tuple[str, ...]
    assets: tuple[str, ...]
    built_on_it: tuple[str, ...]
    files: tuple[str, ...]
    beside: tuple[str, ...]


def redact(
    ledger: Ledger, assets: Assets, key: Key, person: Partner, target: Turn, *, studio: Path, reason: str = ""
) -> Removal:
    """Take out every private fact of ``target``, every other mention of the assets it brought, and their bytes.

    Its words go wherever the ledger repeats them beside contents: in locked passages, knobs, remarks and titles. So do
    the studio's cache and the exports inside its folder that name it. What later turns made *from* it stays; those
    turns are named, to be redacted too where they repeat it.
    """
    if isinstance(target.act, Redacted | Created | Rotated):
        raise VesicaError("This turn holds nothing that could be redacted; name one that brought words or pictures.")
    private = tuple(
        part.name
        for part in fields(target.act)
        if part.name not in PUBLIC and getattr(target.act, part.name) is not None
    )
    if not private:
        ledger.scrub()  # a full disk may have stopped it before
        raise VesicaError(f"The turn {target.id[:12]} was redacted already.")
    words = _words(assets, target)
    repeats: dict[str, tuple[str, ...]] = {}
    for _, turn in ledger.entries():
        if turn.id != target.id and (names := tuple(_repeating(turn, words))):
            repeats[turn.id] = names
    if repeats:
        # While the words are still there: after a crash a second call must find what repeats them.
        ledger.redact(key, target.work, person, Redacted(repeats, reason))
    # Another program may be about to add a turn that names what goes: it waits, and then finds that it is gone.
    with ledger.held():
        turns = [turn for _, turn in ledger.entries()]
        removed, brought = _named_with(target, private, turns)
        # Bytes first: after a crash between the two, 'verify' names what is missing and a second call completes it.
        for digest in sorted(brought):
            assets.remove(digest)
        assets.sweep()
        files, beside = _clear_exports(studio, [target.id, *sorted(brought)])
        ledger.redact(key, target.work, person, Redacted(removed, reason))
    ledger.scrub()
    gone = {turn.id for turn in turns if "content" in removed.get(turn.id, ())} | {target.id}
    later = tuple(
        turn.id
        for turn in turns
        if turn.id not in gone and (_stands_on(turn, gone, turns) or any(_holds(assets, turn, text) for text in words))
    )
    return Removal(tuple(removed | repeats), tuple(sorted(brought)), later, files, beside)


def _named_with(
    target: Turn, private: tuple[str, ...], turns: Sequence[Turn]
) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """By turn the facts that go with ``target``, and the digests of the assets."""
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
    return removed, brought


def _words(assets: Assets, target: Turn) -> tuple[str, ...]:
    """The words that a turn brought, if any."""
    texts = [_text(assets, asset) for asset in assets_of(target).get("content", ())]
    return tuple(text for text in texts if text)


def _text(assets: Assets, asset: Asset) -> str:
    """What a text asset says; empty for another medium, and where the bytes are gone already."""
    if not asset.type.startswith("text/") or not assets.has(asset.digest):
        return ""
    return _plain(assets.get(asset).decode("utf-8", "replace"))


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()


def _repeating(turn: Turn, words: Sequence[str]) -> Iterator[str]:
    """The facts of a turn, beside its assets, that repeat ``words``."""
    for part in fields(turn.act):
        if part.name in PUBLIC:
            continue
        said = [_plain(one.removeprefix("passage ")) for one in _strings(getattr(turn.act, part.name))]
        if any(_repeats(one, text) for one in said for text in words):
            yield part.name


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _repeats(said: str, text: str) -> bool:
    return said == text or (min(len(said), len(text)) >= FEWEST and (said in text or text in said))


def _holds(assets: Assets, turn: Turn, text: str) -> bool:
    """Whether the content of a turn that still stands holds ``text``."""
    return any(text in _text(assets, asset) for asset in assets_of(turn).get("content", ()))


def _clear_exports(studio: Path, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take out the cache, and files in the studio's folder that name a turn or asset; the others that are not ours."""
    shutil.rmtree(studio / "cache", ignore_errors=True)
    own = {studio / name for name in ("assets", "keys")}
    strange = [
        path
        for path in studio.rglob("*")
        if path.is_file() and not path.is_symlink() and not own & {*path.parents} and not _is_ledger(path, studio)
    ]
    needles = [name.encode() for name in names]
    found = {path for path in strange if _mentions(path, needles)}
    # A credential that lies beside a file speaks for it.
    found |= {path for path in strange if path.with_name(path.name + ".c2pa") in found}
    for path in found:
        wipe(path)
    inside = [sorted(str(path.relative_to(studio)) for path in paths) for paths in (found, {*strange} - found)]
    return tuple(inside[0]), tuple(inside[1])


def _is_ledger(path: Path, studio: Path) -> bool:
    return path.parent == studio and path.name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal")


def _mentions(path: Path, needles: Sequence[bytes]) -> bool:
    if not path.stat().st_size:
        return False  # an empty file can't be mapped
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(needle) >= 0 for needle in needles)


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
