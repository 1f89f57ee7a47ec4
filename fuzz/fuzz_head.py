"""Fuzz the reading of a ledger's head."""

import atheris

with atheris.instrument_imports(include=["vesica", "json"]):
    from vesica.ledger.chain import Head

from harness import fuzz
from shapes import changed_json


def read(data: bytes) -> None:
    """Read a head and look at its signature."""
    _ = Head.from_bytes(data).genuine


if __name__ == "__main__":
    fuzz(read, changed_json)
