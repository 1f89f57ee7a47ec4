"""Fuzz the reading of our own scores: what is read is written as it was read."""

import atheris

with atheris.instrument_imports(include=["vesica", "json"]):
    from vesica.music.score_json import read_score, write_score

from harness import fuzz
from shapes import changed_json


def read(data: bytes) -> None:
    """Read, keep, read again."""
    score = read_score(data)
    assert read_score(write_score(score)) == score


if __name__ == "__main__":
    fuzz(read, changed_json)
