"""Fuzz the reading of a credential that lies beside a text."""

import atheris

with atheris.instrument_imports(include=["vesica"]):
    from vesica.export.credential import read

from harness import fuzz

WORDS = b"The lamp was lit.\n"


def check(data: bytes) -> None:
    """Whatever lies beside the words, there is a verdict in a sentence."""
    assert read(WORDS, "text/plain", data).sentence


if __name__ == "__main__":
    fuzz(check)
