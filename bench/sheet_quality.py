"""Make every picture of docs/quality/pictures.md, seed 1, and the page itself: what it shows is what its commands make.

    python bench/sheet_quality.py                 all of them, and the page
    python bench/sheet_quality.py NAME ...        those alone, and the page

Photographs are sample data of scikit-image (pip install --no-deps scikit-image). Paintings are looked for in the folder
that VESICA_PAINTINGS names, as NAME.jpg, 1024 pixels on the longest side; Wikimedia Commons has them by their titles.
A result whose picture is missing is left as it is.
"""

import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vesica.engines import find
from vesica.image.field import field as painted_field
from vesica.image.params import FieldParams
from vesica.image.pictures import Picture, read_picture, write_png
from vesica.knobs import build

OUT = Path(__file__).parents[1] / "docs" / "quality"
SEED = 1
LARGEST = 300_000
"""Bytes of a picture on the page."""

SOURCES = {
    "coffee.png": "Rachel Michetti, CC0; scikit-image",
    "chelsea.png": "Stefan van der Walt, CC0; scikit-image",
    "rocket.jpg": "SpaceX, CC0; scikit-image",
    "astronaut.png": "NASA, public domain; scikit-image",
    "ihc.png": "Center for Microscopy and Molecular Imaging, a stained tissue, no known restrictions; scikit-image",
    "wanderer_above_the_sea_of_fog.jpg": "Caspar David Friedrich, about 1818, public domain; Wikimedia Commons",
    "girl_with_a_pearl_earring.jpg": "Johannes Vermeer, about 1665, public domain; Wikimedia Commons",
    "hunters_in_the_snow.jpg": "Pieter Bruegel the Elder, 1565, public domain; Wikimedia Commons",
    "the_hay_wain.jpg": "John Constable, 1821, public domain; Wikimedia Commons",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One picture of the page.

    said : what is to be seen, its faults among it
    beside : inputs besides the first, by name
    """

    name: str
    engine: str
    picture: str
    said: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What makes it."""
        knobs = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in self.knobs.items()]
        beside = [f"--{name} {file}" for name, file in self.beside.items()]
        words = [f"vesica make {self.engine}", self.picture, *knobs, *beside, f"--seed {SEED} --out {self.name}.png"]
        return " ".join(word for word in words if word)


WANDERER, PEARL = "wanderer_above_the_sea_of_fog.jpg", "girl_with_a_pearl_earring.jpg"
HUNTERS, HAY = "hunters_in_the_snow.jpg", "the_hay_wain.jpg"

RESULTS = (
    Result(
        "coffee-starry-night",
        "image.style",
        "coffee.png",
        "Strokes follow rim and saucer. The white of the cup is gone: it takes the painting's blue.",
        {"style": "starry_night", "size": 640},
    ),
    Result(
        "cat-great-wave",
        "image.style",
        "chelsea.png",
        "Stripes become foam and the fur paper. Fault: foam settles wherever the fur is rough, in the eyes too.",
        {"style": "great_wave", "size": 640},
    ),
    Result(
        "rocket-rain-steam",
        "image.style",
        "rocket.jpg",
        "Turner dissolves what he paints: towers and lights are nearly lost. A higher --content holds them.",
        {"style": "rain_steam_and_speed", "size": 512},
    ),
    Result("astronaut-senecio", "image.style", "astronaut.png", "", {"style": "senecio", "size": 512}),
    Result(
        "hay-wain-great-wave",
        "image.style",
        HAY,
        "A painting painted anew. Fault: the wagon is lost in the waves, and the cottage with it.",
        {"style": "great_wave", "size": 512},
    ),
    Result("hunters-large", "image.style", HUNTERS, "", {"style": "composition_viii", "size": 1280}),
    Result(
        "cat-two-styles",
        "image.style",
        "chelsea.png",
        "Two parts Klimt, one part van Gogh. Fault: gold and blue mix to olive, as colours of two styles do.",
        {"style": "the_kiss_klimt:2, starry_night", "size": 512},
    ),
    Result(
        "coffee-regions",
        "image.style",
        "coffee.png",
        "Two styles in two painted regions; the spoon breaks into Klimt's eyes.",
        {"style": "starry_night | adele_bloch_bauer", "size": 512},
        {"regions": "cup.png"},
    ),
    Result(
        "wanderer-segments",
        "image.style",
        WANDERER,
        "Regions that the network sees; the dark one is kept to the byte. Fault: rocks in the fog count as dark.",
        {"style": "keep | starry_night", "size": 512},
    ),
    Result(
        "rocket-kept",
        "image.style",
        "rocket.jpg",
        "The photograph's own colours, broken by strokes.",
        {"style": "starry_night", "colour": "kept", "size": 512},
    ),
    Result(
        "astronaut-light",
        "image.style",
        "astronaut.png",
        "Light alone: every hue is the photograph's. Fault: lines of the style age a face; spare it by --mask.",
        {"style": "four_trees", "colour": "light", "size": 512},
    ),
    Result("hay-wain-fine", "image.style", HAY, "", {"style": "irises", "scale": 0.5, "size": 512}),
    Result("hay-wain-broad", "image.style", HAY, "", {"style": "irises", "scale": 2, "size": 512}),
    Result(
        "coffee-little-content",
        "image.style",
        "coffee.png",
        "Little of the picture's own forms (0.2): the cup is given up for waves.",
        {"style": "great_wave", "content": 0.2, "size": 512},
    ),
    Result(
        "coffee-much-content",
        "image.style",
        "coffee.png",
        "Much of them (4): the cup stands, and waves are left to its shadow.",
        {"style": "great_wave", "content": 4, "size": 512},
    ),
    Result(
        "rocket-from-noise", "image.style", "rocket.jpg", "", {"style": "sunflowers", "start": "noise", "size": 512}
    ),
    Result(
        "rocket-from-style",
        "image.style",
        "rocket.jpg",
        "Begun from the style: clouds and sea of its own. Fault: the photograph is lost but for a hint of the towers.",
        {"style": "the_ninth_wave", "start": "style", "size": 512},
    ),
    Result(
        "coffee-table",
        "image.style",
        "coffee.png",
        "Painted inside a mask alone; every byte of the cup is the photograph's. The paint sets in over 24 pixels.",
        {"style": "irises", "size": 512},
        {"mask": "table.png"},
    ),
    Result(
        "pearl-storm",
        "image.style",
        PEARL,
        "The style is a painting of one's own, `storm.webp`, which `image.field` made from the words “a storm at sea”.",
        {"size": 512},
        {"painting": "storm.webp"},
    ),
    Result("cat-tissue", "image.style", "chelsea.png", "", {"size": 512}, {"painting": "ihc.png"}),
    Result("astronaut-water-lilies", "image.style", "astronaut.png", "", {"style": "water_lilies", "size": 512}),
    Result("cat-segments", "image.style", "chelsea.png", "", {"style": "great_wave | sunflowers", "size": 512}),
    Result(
        "coffee-scales",
        "image.dream",
        "coffee.png",
        "The layer b8: scales, beads, eyes. It is everywhere alike; the mask holds it off where that is too much.",
        {"look_for": "b8"},
    ),
    Result(
        "wanderer-fur",
        "image.dream",
        WANDERER,
        "The layer e9: fur and eyes. Fault: the fog turns to trunks and muzzles, which are nobody's wish.",
        {"look_for": "e9"},
    ),
    Result(
        "hunters-cells",
        "image.dream",
        HUNTERS,
        "The layer e5 at the painting's own size: cells like stained glass. Fault: shadows go black, snow goes white.",
        {"look_for": "e5", "size": 0},
    ),
    Result(
        "rocket-lighthouse",
        "image.dream",
        "rocket.jpg",
        "A thing by its name. The rocket becomes the lighthouse; fault: the sky fills with grain in blue and green.",
        {"look_for": "lighthouse"},
    ),
    Result(
        "cat-channel",
        "image.dream",
        "chelsea.png",
        "One channel alone, e9:123. Fault: it wants studs all over, and the cat is all but gone.",
        {"look_for": "e9:123"},
    ),
    Result(
        "hay-wain-sum",
        "image.dream",
        HAY,
        "More of e9, less of b4. Fault: what is taken away leaves a weave of fine lines over the meadow.",
        {"look_for": "e9 - 0.5*b4", "size": 512},
    ),
    Result(
        "coffee-guided",
        "image.dream",
        "coffee.png",
        "Led by a guide, a stained tissue: its fibres run through wood and saucer.",
        {"look_for": "b4"},
        {"guide": "ihc.png"},
    ),
    Result(
        "astronaut-masked",
        "image.dream",
        "astronaut.png",
        "A mask that spares the face to the byte, two layers around it.",
        {"look_for": "e9 + b8"},
        {"mask": "not-face.png"},
    ),
    Result(
        "pearl-light",
        "image.dream",
        PEARL,
        "Light alone is changed, and each pixel keeps its hue: skin and turban stay Vermeer's.",
        {"look_for": "b8", "colour": 0, "size": 512},
    ),
    Result(
        "wanderer-large-creatures",
        "image.dream",
        WANDERER,
        "Worked at 320 pixels, creatures come out large. Fault: heads without bodies; e11 knows dogs best.",
        {"look_for": "e11", "size": 320},
    ),
    Result(
        "noise",
        "image.dream",
        "",
        "Out of noise, nothing given: beads and eyes. Fault: no composition, as nothing tells it where to stop.",
        {"look_for": "b8", "start": "noise", "width": 768, "height": 512, "steps": 24},
    ),
    Result(
        "noise-volcano",
        "image.dream",
        "",
        "A thing by its name out of noise: crater, ash and lava come. Fault: grain in green and red over all of it.",
        {"look_for": "volcano", "start": "noise", "width": 512, "height": 512},
    ),
)


def drawn(height: int, width: int, inside: Callable[[Any, Any], Any]) -> Picture:
    """White where ``inside`` (down, right; 0..1 each) says so, black elsewhere."""
    down, right = np.mgrid[:height, :width]
    white = inside(down / height, right / width)
    return np.repeat((white * 255).astype(np.uint8)[..., None], 3, 2)


def cup(down: Any, right: Any) -> Any:
    """The cup of coffee.png, with its saucer."""
    return np.hypot((right - 0.46) / 0.34, (down - 0.48) / 0.49) < 1


def face(down: Any, right: Any) -> Any:
    """The face and hair of astronaut.png, softly."""
    return (1.35 - np.hypot((right - 0.44) / 0.13, (down - 0.21) / 0.2)).clip(0, 0.35) / 0.35


DRAWN: dict[str, Callable[[], Picture]] = {
    "table.png": lambda: 255 - drawn(400, 600, cup),
    "cup.png": lambda: drawn(400, 600, cup),
    "not-face.png": lambda: 255 - drawn(512, 512, face),
    "storm.webp": lambda: painted_field(params=FieldParams(words="a storm at sea", width=768, height=768), seed=SEED),
}
"""Inputs that the script draws and lays beside the page; storm.webp is a painting by image.field."""


def file_of(name: str) -> bytes | None:
    """The bytes of a picture that the page uses, or None where it is not on this computer."""
    if name in DRAWN:
        path = OUT / name
        if not path.is_file():
            path.write_bytes(write_png(DRAWN[name]()) if path.suffix == ".png" else packed(DRAWN[name]()))
        return path.read_bytes()
    spec = find_spec("skimage")
    folders = [Path(os.environ.get("VESICA_PAINTINGS", "."))]
    if spec and spec.submodule_search_locations:
        folders.append(Path(spec.submodule_search_locations[0]) / "data")
    found = [folder / name for folder in folders if (folder / name).is_file()]
    return found[0].read_bytes() if found else None


def packed(picture: Picture) -> bytes:
    """The best WebP of it within ``LARGEST``."""
    for quality in range(92, 20, -4):
        file = BytesIO()
        Image.fromarray(picture).save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= LARGEST:
            break
    return file.getvalue()


def make(one: Result) -> None:
    """Make one picture and write it beside the page."""
    row, inputs = find(one.engine), {}
    given = {"picture": one.picture} if one.picture else {}
    for name, file in {**given, **one.beside}.items():
        data = file_of(file)
        if data is None:
            print(f"{one.name}: {file} is not here ({SOURCES[file]})", flush=True)
            return
        inputs[name] = read_picture(data)
    began = time.perf_counter()
    made = row.load()(**inputs, params=build(row.load_params(), one.knobs), seed=SEED)
    (OUT / f"{one.name}.webp").write_bytes(packed(made))
    print(f"{one.name}: {made.shape[1]} x {made.shape[0]}, {time.perf_counter() - began:.0f} s", flush=True)


HEAD = """# Pictures, looked at

Results of `image.style` and `image.dream` with their options, at full size. Nothing was chosen: the seed is 1, and what
came first is shown, with its faults. `bench/sheet_quality.py` makes every picture by the command under it, and this
page. On another machine they come out a little different: both engines replay *close*.
"""

TITLES = {"image.style": "Style by optimisation", "image.dream": "DeepDream"}


def page() -> str:
    """The page, as Markdown."""
    parts = [HEAD]
    for engine, title in TITLES.items():
        parts.append(f"## {title}\n")
        for one in RESULTS:
            if one.engine == engine and (OUT / f"{one.name}.webp").is_file():
                parts.append(f"![{one.said}]({one.name}.webp)\n\n```sh\n{one.command}\n```\n\n{one.said}\n")
    drawn_ = ", ".join(f"[{name}]({name})" for name in DRAWN)
    parts.append(f"## What they were made of\n\nDrawn by the script, `storm.webp` by `image.field`: {drawn_}.\n")
    parts.append("| | |\n|---|---|\n" + "\n".join(f"| `{name}` | {told} |" for name, told in SOURCES.items()) + "\n")
    return "\n".join(parts)


def main(names: list[str]) -> None:
    """Make those named, or all, and the page."""
    torch.set_num_threads(2)
    OUT.mkdir(exist_ok=True)
    for one in RESULTS:
        if not names or one.name in names:
            make(one)
    (OUT / "pictures.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
