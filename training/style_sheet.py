"""Paint one of our pictures in every shipped style, and lay the results out as the contact sheet of 'vesica styles'.

    python training/style_sheet.py [FIRST [LAST]]

paints the styles number FIRST to LAST (all of them by default) into build/styles, then writes the sheet when none is
missing.
"""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vesica.image.params import StyleParams
from vesica.image.pictures import read_picture, resize
from vesica.image.style import style
from vesica.image.style_names import SHEET, SHIPPED, THUMB

PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"
DRAFTS = Path("build/styles")
LARGEST = 300_000


def main(first: int, last: int) -> None:
    """Paint what is asked for; write the sheet once every style is there."""
    torch.set_num_threads(2)
    width, height, columns = THUMB
    names = [path.stem for path in sorted(SHIPPED.glob("*.safetensors"))]
    photo = np.array(Image.fromarray(read_picture(PHOTO.read_bytes())).resize((width, height)))
    DRAFTS.mkdir(parents=True, exist_ok=True)
    for name in names[first:last]:
        made = style(picture=photo, params=StyleParams(style=name, steps=70), seed=1)
        Image.fromarray(resize(made, width)).save(DRAFTS / f"{name}.png")
        print(name, flush=True)
    if not all((DRAFTS / f"{name}.png").is_file() for name in names):
        return
    sheet = Image.new("RGB", (columns * width, -(-len(names) // columns) * height), "white")
    for place, name in enumerate(names):
        sheet.paste(Image.open(DRAFTS / f"{name}.png"), (place % columns * width, place // columns * height))
    for quality in range(90, 20, -4):
        out = BytesIO()
        sheet.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= LARGEST:
            break
    SHEET.write_bytes(out.getvalue())
    print(f"{SHEET.name}: {out.tell():,} bytes at quality {quality}")


if __name__ == "__main__":
    first, last = (int(told) for told in (*sys.argv[1:], *("0", "1000")[len(sys.argv) - 1 :]))
    main(first, last)
