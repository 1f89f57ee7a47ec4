"""The sheet of docs/engines/image.paint.md: photographs painted in one pass; seed 1, nothing chosen.

python bench/sheet_paint.py PHOTOGRAPHS OUT.webp
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from vesica.image.paint import paint
from vesica.image.params import PaintParams
from vesica.image.pictures import Picture, read_picture, write_webp

SIDE = 256

STYLES = ("starry_night", "great_wave", "the_scream", "composition_viii", "large_blue_horses", "water_lilies")

MORE = (
    PaintParams(style="starry_night", content=0.5),
    PaintParams(style="starry_night", content=4),
    PaintParams(style="great_wave, the_scream"),
    PaintParams(style="composition_viii", colour="kept"),
    PaintParams(style="large_blue_horses", scale=2),
    PaintParams(style="water_lilies", strength=0.6),
)
"""A row of knobs on the first photograph."""


def square(path: Path) -> Picture:
    """The middle of a picture, SIDE pixels a side."""
    image = Image.fromarray(read_picture(path.read_bytes()))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.array(image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def main(photographs: Path, out: Path) -> None:
    """Paint and lay out the sheet."""
    paths = sorted(path for path in photographs.iterdir() if path.suffix in (".jpg", ".png"))
    contents = [square(path) for path in paths[:4]]
    plain = PaintParams(variety=0)
    rows = [
        [one, *(paint(picture=one, params=replace(plain, style=style), seed=1) for style in STYLES)] for one in contents
    ]
    rows.append([contents[1], *(paint(picture=contents[1], params=params, seed=1) for params in MORE)])
    sheet = np.vstack([np.hstack(row) for row in rows])
    for quality in range(88, 30, -4):
        data = write_webp(sheet, quality)
        if len(data) <= 300_000:
            break
    out.write_bytes(data)
    print(f"{out}: {sheet.shape[1]} x {sheet.shape[0]} pixels, {len(data):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
