"""The sheet in docs/engines/image.dream.md: one photograph, every way to dream; seed 1, none chosen.

Run: python bench/sheet_dream.py (writes docs/engines/image.dream.webp and image.dream.atlas.webp)
"""

from pathlib import Path

import numpy as np
from PIL import Image

from vesica.image.atlas import contact_sheet, picture_channels
from vesica.image.dream import dream
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture, read_picture, resize

ROOT = Path(__file__).parents[1]
SIDE = 384


def around_the_cup(photo: Picture) -> Picture:
    """A mask: white where the table is, black on the cup and its saucer."""
    height, width = photo.shape[:2]
    down, right = np.mgrid[:height, :width]
    table = np.hypot((right - width * 0.46) / (width * 0.36), (down - height * 0.5) / (height * 0.5)) > 1
    return np.repeat((table * 255).astype(np.uint8)[..., None], 3, 2)


def main() -> None:
    """Dream in every way and put the pictures on one sheet, three in a row."""
    photo = resize(read_picture((ROOT / "examples" / "photo.jpg").read_bytes()), SIDE)
    height, width = photo.shape[:2]
    dreams = [dream(picture=photo, params=DreamParams(look_for=wish), seed=1) for wish in ("b8", "e5", "e9")]
    dreams += [
        dream(picture=photo, params=DreamParams(look_for=wish), seed=1)
        for wish in ("e9:123", "e9 - 0.5*b4", "e11:7@0.72,0.3", "lighthouse")
    ]
    dreams.append(dream(picture=photo, params=DreamParams(look_for="e9+b8"), seed=1, mask=around_the_cup(photo)))
    noise = DreamParams(start="noise", width=width, height=height, steps=24)
    dreams.append(dream(params=noise, seed=1))
    sheet = np.vstack([np.hstack(dreams[row : row + 3]) for row in (0, 3, 6)])
    Image.fromarray(sheet).save(ROOT / "docs" / "engines" / "image.dream.webp", quality=72, method=6)
    atlas = resize(contact_sheet("b8", picture_channels("b8")), 1200)
    Image.fromarray(atlas).save(ROOT / "docs" / "engines" / "image.dream.atlas.webp", quality=60, method=6)


if __name__ == "__main__":
    main()
