"""Fuzz the reading of text: what is read comes back from what is written."""

import atheris

with atheris.instrument_imports(include=["vesica"]):
    from vesica.media import sniff
    from vesica.text.manuscript import read_text, write_text

from harness import fuzz


def read(data: bytes) -> None:
    """Tell what the file is, read, keep, read again."""
    sniff(data, "words.txt")
    text = read_text(data)
    # A mark in front is a mark of the file, and a second one is a character.
    assert text.startswith("\ufeff") or read_text(write_text(text)) == text


if __name__ == "__main__":
    fuzz(read)
