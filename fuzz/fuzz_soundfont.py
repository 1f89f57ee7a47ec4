"""Fuzz the reading of SoundFonts, every preset and every sample that it points at."""

import atheris

with atheris.instrument_imports(include=["vesica"]):
    from vesica.music.soundfont import read_soundfont

from harness import fuzz


def read(data: bytes) -> None:
    """Open the first presets and decode their samples."""
    font = read_soundfont(data)
    for bank, program in font.programs[:4]:
        for region in font.regions(bank, program)[:8]:
            font.sample(region.sample)


if __name__ == "__main__":
    fuzz(read)
