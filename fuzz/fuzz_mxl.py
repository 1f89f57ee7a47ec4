"""Fuzz the unpacking of .mxl files."""

import atheris

with atheris.instrument_imports(include=["vesica", "zipfile"]):
    from vesica.music.musicxml_reader import unpacked

from harness import fuzz

if __name__ == "__main__":
    fuzz(unpacked)
