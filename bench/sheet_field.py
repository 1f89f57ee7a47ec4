"""The sheet of paintings in docs: each composition by its first seed, and a shore by its second; none chosen.

Run: python bench/sheet_field.py (writes docs/engines/image.field.webp)
"""

from pathlib import Path
from typing import get_args

import numpy as np

from vesica.image.field import field
from vesica.image.params import Composition, FieldParams
from vesica.image.pictures import write_webp

BRIEFS = (
    "a lighthouse keeper's last winter, when the sea went quiet",
    "a green valley where my father was born",
    "a black hole sings",
    "a letter to the one who left in June",
    "birches in October, and a path",
    "a market in Marrakesh at noon",
    "patience",
    "the ferry at dawn",
)


def main() -> None:
    """Paint two rows of four and write them."""
    names = [name for name in get_args(Composition) if name != "any"]
    pictures = [
        field(params=FieldParams(words=words, width=400, height=400, composition=name), seed=1 + (row == 7))
        for row, (words, name) in enumerate(zip(BRIEFS, [*names, "shore"], strict=True))
    ]
    sheet = np.vstack([np.hstack(pictures[:4]), np.hstack(pictures[4:])])
    data = write_webp(sheet, 80)
    Path(__file__).parent.parent.joinpath("docs/engines/image.field.webp").write_bytes(data)
    print(f"{len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
