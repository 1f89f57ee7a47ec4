"""Fuzz the reading of an MP4 file's boxes."""

import atheris

with atheris.instrument_imports(include=["vesica"]):
    from vesica.video.mp4 import plain

from harness import fuzz

if __name__ == "__main__":
    fuzz(plain)
