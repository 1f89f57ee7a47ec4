"""Paint real photographs with every option of image.style, seed 1, and lay the results out as the documents show them.

    python bench/sheet_style.py OUT PHOTOS [NAME ...]

PHOTOS is a folder with chelsea.png (Stefan van der Walt, CC0), rocket.jpg (SpaceX, CC0) and
french-alpine-landscape.jpg and allium-oreophilum.jpg (Getty Open Content, no restrictions), as sample data of others
carry them. Each result is written to OUT at full size, and ``sheet.webp`` shows all of them, or those named.
"""

import sys
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vesica.image.params import StyleParams
from vesica.image.pictures import Picture, read_picture, resize, write_png
from vesica.image.style import style

CUP = Path(__file__).parents[1] / "examples" / "photo.jpg"
COLUMNS, WIDTH, HEIGHT = 4, 360, 270
LARGEST = 300_000


@dataclass(frozen=True, slots=True)
class Result:
    """One picture of the page."""

    name: str
    photo: str
    knobs: dict[str, Any] = field(default_factory=dict)
    mask: bool = False


RESULTS = (
    Result("cup-starry-night", "cup", {"style": "starry_night"}),
    Result("cat-great-wave", "chelsea.png", {"style": "great_wave"}),
    Result("alps-scream", "french-alpine-landscape.jpg", {"style": "the_scream"}),
    Result("rocket-senecio", "rocket.jpg", {"style": "senecio"}),
    Result("allium-sunflowers", "allium-oreophilum.jpg", {"style": "sunflowers"}),
    Result("cat-two-styles", "chelsea.png", {"style": "the_kiss_klimt:2, starry_night"}),
    Result("cup-kept", "cup", {"style": "large_blue_horses", "colour": "kept"}),
    Result("cat-light", "chelsea.png", {"style": "starry_night", "colour": "light"}),
    Result("alps-regions", "french-alpine-landscape.jpg", {"style": "great_wave | starry_night"}),
    Result("allium-keep", "allium-oreophilum.jpg", {"style": "keep | adele_bloch_bauer"}),
    Result("cup-mask", "cup", {"style": "composition_viii"}, mask=True),
    Result("rocket-from-style", "rocket.jpg", {"style": "the_ninth_wave", "start": "style"}),
    Result("cat-large-strokes", "chelsea.png", {"style": "irises", "scale": 2}),
    Result("cat-fine-strokes", "chelsea.png", {"style": "irises", "scale": 0.5}),
    Result("cup-little-content", "cup", {"style": "great_wave", "content": 0.2}),
    Result("cup-much-content", "cup", {"style": "great_wave", "content": 4}),
)


def main(out: Path, photos: Path, names: list[str]) -> None:
    """Paint what is missing in ``out``, then the sheet."""
    torch.set_num_threads(2)
    out.mkdir(parents=True, exist_ok=True)
    results = [one for one in RESULTS if not names or one.name in names]
    for one in results:
        if not (out / f"{one.name}.png").is_file():
            photo = resize(read_picture((CUP if one.photo == "cup" else photos / one.photo).read_bytes()), 512)
            mask = left_half(photo) if one.mask else None
            made = style(picture=photo, params=StyleParams(**one.knobs), seed=1, mask=mask)
            (out / f"{one.name}.png").write_bytes(write_png(made))
            print(one.name, flush=True)
    sheet = Image.new("RGB", (COLUMNS * WIDTH, -(-len(results) // COLUMNS) * HEIGHT), "white")
    for place, one in enumerate(results):
        shown = Image.open(out / f"{one.name}.png")
        shown.thumbnail((WIDTH - 6, HEIGHT - 6), Image.Resampling.LANCZOS)
        left, top = place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT
        sheet.paste(shown, (left + (WIDTH - shown.width) // 2, top + (HEIGHT - shown.height) // 2))
    for quality in range(90, 20, -4):
        file = BytesIO()
        sheet.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= LARGEST:
            break
    (out / "sheet.webp").write_bytes(file.getvalue())


def left_half(photo: Picture) -> Picture:
    """A mask: white on the left, black on the right."""
    mask = np.zeros_like(photo)
    mask[:, : photo.shape[1] // 2] = 255
    return mask


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
