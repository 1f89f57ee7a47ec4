"""Fuzz the reading of pictures, with their transparency as the studio reads them and without it."""

import atheris

with atheris.instrument_imports(include=["vesica", "PIL"]):
    from vesica.image.pictures import check_picture, read_picture

from harness import fuzz


def read(data: bytes) -> None:
    """Read twice: where the one finds a picture, so does the other."""
    picture = read_picture(data, alpha=True)
    check_picture(picture, alpha=True)
    plain = read_picture(data)
    check_picture(plain)
    assert plain.shape[:2] == picture.shape[:2]


if __name__ == "__main__":
    fuzz(read)
