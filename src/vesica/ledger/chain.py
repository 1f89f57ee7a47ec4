"""The hash chain over all turns of a studio, and the signed head that speaks for all of it.

Each link is SHA-256 over the link before it and the turn's id; the first stands on the studio's public key. A head that
has left the studio (in an export, or told to a friend) shows later whether the turns up to it are the same. It does not
prove *when* they were made.
"""

import base64
import binascii
from dataclasses import dataclass

from vesica.errors import VesicaError
from vesica.ledger.canonical import canonical, is_digest, parse, sha256
from vesica.ledger.keys import signed

SCHEMA = "head/1"


def first_link(public: bytes) -> str:
    """The link before the first turn."""
    return sha256(b"vesica-chain/1\0", public)


def next_link(link: str, turn: str) -> str:
    """The link after ``turn``."""
    return sha256(b"vesica-link/1\0", bytes.fromhex(link), bytes.fromhex(turn))


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes: ``size`` turns, the last ``link``, and the key's signature over both."""

    size: int
    link: str
    public: bytes
    signature: bytes

    def message(self) -> bytes:
        """What is signed."""
        return message(self.size, self.link)

    @property
    def genuine(self) -> bool:
        """Whether the signature is by the key that the head names."""
        return signed(self.public, self.signature, self.message())

    def to_bytes(self) -> bytes:
        """One line of JSON to take away."""
        return canonical(
            {
                "schema": SCHEMA,
                "size": self.size,
                "link": self.link,
                "public": base64.b64encode(self.public).decode(),
                "signature": base64.b64encode(self.signature).decode(),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Head":
        """Read a head. Raises ``VesicaError`` when ``data`` is not one."""
        try:
            told = parse(data)
            if told["schema"] != SCHEMA or type(told["size"]) is not int or not is_digest(told["link"]):
                raise ValueError
            if not 1 <= told["size"] < 1 << 53:
                raise ValueError
            public = base64.b64decode(told["public"], validate=True)
            return cls(told["size"], told["link"], public, base64.b64decode(told["signature"], validate=True))
        except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as fault:
            raise VesicaError("This is not a ledger head; 'vesica verify --save-head FILE' writes one.") from fault


def rotation(link: str, old: bytes, new: bytes) -> bytes:
    """What a new key signs to take over from ``old`` at the place of the chain that ``link`` stands for."""
    return canonical({"schema": "rotation/1", "link": link, "old": old.hex(), "new": new.hex()})


def message(size: int, link: str) -> bytes:
    """The bytes a head's signature covers."""
    return canonical({"schema": SCHEMA, "size": size, "link": link})
