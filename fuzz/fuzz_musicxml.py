"""Fuzz the reading of MusicXML, plain: what is read can be kept and read again."""

import atheris

with atheris.instrument_imports(include=["vesica"]):
    from vesica.music.musicxml_reader import read_musicxml
    from vesica.music.score_json import read_score, write_score

from harness import fuzz
from shapes import changed_xml


def read(data: bytes) -> None:
    """Read, keep, read again."""
    score = read_musicxml(data)
    kept = write_score(score)
    try:
        again = read_score(kept)
    except Exception as fault:
        raise AssertionError(f"kept and unreadable: {fault}") from fault
    assert again == score


if __name__ == "__main__":
    fuzz(read, changed_xml)
