"""A ledger that leaves its studio as one file, to be verified on a computer that has nothing else.

A line of JSON each, in UTF-8: first who owns the ledger and what was left out; then every turn with its body as it was
hashed, its link and signature; then, if wished, the assets in parts of a megabyte; last how many turns there are, so
that a file that was cut off shows. There are no paths in it, and it is read a line at a time, each of bounded length.

The names of works and branches, partners, seeds and times stand in the turns' bodies and always travel. Private facts
(titles, knobs, remarks, sources, the names of assets) stand behind salted leaves, which can be withheld.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from vesica.errors import VesicaError
from vesica.ledger.assets import CHUNK, Assets, write_durably
from vesica.ledger.canonical import canonical, is_digest, parse, sha256
from vesica.ledger.store import Ledger, Row
from vesica.ledger.turns import assets_of, leaf_hashes, unseal

SCHEMA = "ledger-file/1"

LINE = 16 << 20
"""Bytes; no line may be longer."""

TURNS = 256 << 20
"""Bytes of all lines but those of assets: what a reader has to hold in memory."""


def carry(ledger: Ledger, assets: Assets, out: Path, *, facts: bool, with_assets: bool) -> int:
    """Write the ledger to ``out``; how many turns it has.

    facts : take along what stands behind the leaves
    with_assets : take along the bytes of every asset that the facts name
    """
    if with_assets and not facts:
        raise VesicaError("Assets are named by the facts of turns; take the facts along too.")
    with ledger.unchanging():
        size = ledger.size()
        write_durably(out.absolute(), _lines(ledger, assets, size, facts, with_assets))
    return size


def owner_of(path: Path) -> bytes:
    """The first public key of the studio whose ledger a file holds, as it says itself; empty for any other file."""
    try:
        with path.open("rb") as file:
            told = parse(file.readline(LINE))
        return bytes.fromhex(told["owner"]) if told["schema"] == SCHEMA else b""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return b""


def _lines(ledger: Ledger, assets: Assets, size: int, facts: bool, with_assets: bool) -> Iterator[bytes]:
    yield _line({"schema": SCHEMA, "owner": ledger.owner.hex(), "facts": facts, "assets": with_assets})
    named: set[str] = set()
    for row in ledger.rows():
        leaves = {hashed: kept for hashed in leaf_hashes(row.body).values() if facts and (kept := ledger.leaf(hashed))}
        if with_assets:
            turn = unseal(row.body, {hashed: value for hashed, (_, value) in leaves.items()})
            named.update(asset.digest for found in assets_of(turn).values() for asset in found)
        yield _line(
            {
                "body": row.body.decode(),
                "link": row.link,
                "signature": row.signature.hex(),
                "public": row.public.hex(),
                "leaves": {hashed: [salt.hex(), value.decode()] for hashed, (salt, value) in leaves.items()},
            }
        )
    for digest in sorted(named):
        data = assets.get(digest)
        yield _line({"asset": digest, "parts": -(-len(data) // CHUNK)})
        for start in range(0, len(data), CHUNK):
            yield _line({"part": base64.b64encode(data[start : start + CHUNK]).decode()})
    yield _line({"turns": size})


def _line(value: Any) -> bytes:
    line = canonical(value) + b"\n"
    if len(line) > LINE:
        raise VesicaError(f"A turn of {len(line) >> 20} MB is too long for a ledger file; leave out the facts.")
    return line


class LedgerFile:
    """A ledger file that was read whole: a ``Record`` and the ``Bytes`` for ``vesica.ledger.verify``.

    facts, carries : whether private facts, and assets, were taken along
    """

    def __init__(self, path: Path) -> None:
        """Read ``path``. Raises ``VesicaError`` when it is no ledger file, was cut off, or is too large."""
        self.owner = b""
        self.facts = self.carries = False
        self._rows: list[Row] = []
        self._leaves: dict[str, tuple[bytes, bytes]] = {}
        self._intact: dict[str, bool] = {}
        self._space = TURNS
        try:
            with path.open("rb") as file:
                self._read(file, path.name)
        except FileNotFoundError:
            raise VesicaError(f"There is no file {path}; look at its name and folder.") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as fault:
            place = f"after turn {len(self._rows)}" if self.owner else "from its first line on"
            raise VesicaError(
                f"{path.name} is not a ledger file {place}; 'vesica export --ledger FILE' writes one."
            ) from fault

    def _read(self, file: BinaryIO, name: str) -> None:
        first = self._next(file, name)
        if first["schema"] != SCHEMA:
            raise ValueError
        self.facts, self.carries = bool(first["facts"]), bool(first["assets"])
        self.owner = bytes.fromhex(first["owner"])
        while "turns" not in (told := self._next(file, name)):
            if "body" in told:
                self._take(told)
            else:
                self._hash(told["asset"], told["parts"], file, name)
        if told["turns"] != len(self._rows) or file.read(1):
            raise ValueError

    def _next(self, file: BinaryIO, name: str, *, asset: bool = False) -> dict[str, Any]:
        line = file.readline(LINE + 1)
        if not line.endswith(b"\n"):
            if len(line) > LINE:
                raise VesicaError(f"{name} has a line of more than {LINE >> 20} MB; it is not a ledger file.")
            raise VesicaError(f"{name} was cut off after turn {len(self._rows)}; get it again.")
        self._space -= 0 if asset else len(line)
        if self._space < 0:
            raise VesicaError(f"{name} has more than {TURNS >> 20} MB of turns; verify it in its studio.")
        told = parse(line)
        if not isinstance(told, dict):
            raise TypeError
        return told

    def _take(self, told: dict[str, Any]) -> None:
        body = told["body"].encode()
        if not is_digest(told["link"]):
            raise ValueError
        try:
            about = parse(body)
            work, branch = str(about["work"]), str(about["branch"])
        except (ValueError, KeyError, TypeError, RecursionError):
            work = branch = ""  # no turn; verifying will say so
        self._rows.append(
            Row(
                len(self._rows) + 1,
                sha256(body),
                body,
                told["link"],
                bytes.fromhex(told["signature"]),
                bytes.fromhex(told["public"]),
                work,
                branch,
            )
        )
        for hashed, (salt, value) in told["leaves"].items():
            self._leaves[hashed] = bytes.fromhex(salt), value.encode()

    def _hash(self, digest: str, parts: int, file: BinaryIO, name: str) -> None:
        if not is_digest(digest) or type(parts) is not int:
            raise ValueError
        running = hashlib.sha256()
        for _ in range(parts):
            running.update(base64.b64decode(self._next(file, name, asset=True)["part"], validate=True))
        self._intact[digest] = running.hexdigest() == digest

    def rows(self) -> Iterator[Row]:
        """All turns in order."""
        return iter(self._rows)

    def leaf(self, hashed: str) -> tuple[bytes, bytes] | None:
        """Salt and value of a leaf; None when it is not in the file."""
        return self._leaves.get(hashed)

    def stored_states(self) -> None:
        """Derived states do not travel."""
        return

    def integrity(self) -> str:
        """Looked after when the file was read."""
        return "ok"

    def has(self, digest: str) -> bool:
        """Whether the file has an asset's bytes."""
        return digest in self._intact

    def intact(self, digest: str) -> bool:
        """Whether they give its name."""
        return self._intact[digest]
