"""Fuzz the reading of pictures."""

import atheris

with atheris.instrument_imports(include=["vesica", "PIL"]):
    from vesica.image.pictures import check_picture, read_picture

from harness import fuzz

if __name__ == "__main__":
    fuzz(lambda data: check_picture(read_picture(data)))
