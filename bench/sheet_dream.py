"""The sheet in docs/engines/image.dream.md: one photograph, three layers, and a mask; seed 1, none chosen.

Run: python bench/sheet_dream.py (writes docs/engines/image.dream.webp)
"""

from pathlib import Path

import numpy as np
from PIL import Image

from vesica.image.dream import dream
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture, read_picture

ROOT = Path(__file__).parents[1]


def around_the_cup(photo: Picture) -> Picture:
    """A mask: white where the table is, black on the cup and its saucer."""
    height, width = photo.shape[:2]
    down, right = np.mgrid[:height, :width]
    table = np.hypot((right - width * 0.46) / (width * 0.36), (down - height * 0.5) / (height * 0.5)) > 1
    return np.repeat((table * 255).astype(np.uint8)[..., None], 3, 2)


def main() -> None:
    """Dream four times and put the pictures on one sheet."""
    photo = read_picture((ROOT / "examples" / "photo.jpg").read_bytes())
    dreams = [dream(picture=photo, params=DreamParams(layer=layer), seed=1) for layer in ("b8", "e5", "e9")]
    dreams.append(dream(picture=photo, params=DreamParams(layer="e9+b8"), seed=1, mask=around_the_cup(photo)))
    sheet = np.vstack([np.hstack(dreams[:2]), np.hstack(dreams[2:])])
    Image.fromarray(sheet).save(ROOT / "docs" / "engines" / "image.dream.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
