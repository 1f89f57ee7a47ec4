"""The colours of a picture in words, for people who hear it described."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vesica.image.pictures import Picture

Floats = NDArray[np.float64]

NAMES = {
    "black": (20, 20, 22),
    "charcoal": (58, 58, 62),
    "grey": (128, 128, 128),
    "pale grey": (196, 197, 198),
    "white": (246, 245, 242),
    "cream": (240, 226, 192),
    "sand": (206, 180, 138),
    "ochre": (196, 140, 52),
    "brown": (104, 70, 44),
    "dark brown": (52, 36, 26),
    "rust": (158, 76, 38),
    "orange": (232, 130, 44),
    "gold": (222, 176, 62),
    "yellow": (242, 214, 72),
    "olive": (110, 108, 52),
    "green": (74, 132, 74),
    "dark green": (34, 66, 46),
    "pale green": (170, 200, 160),
    "teal": (38, 116, 120),
    "turquoise": (90, 180, 184),
    "pale blue": (170, 200, 222),
    "blue": (62, 110, 174),
    "slate blue": (88, 108, 134),
    "dark blue": (28, 42, 84),
    "violet": (104, 76, 148),
    "lilac": (180, 164, 204),
    "magenta": (184, 58, 128),
    "pink": (228, 166, 176),
    "red": (190, 44, 42),
    "dark red": (104, 24, 30),
}
"""Plain names with a colour each stands for (sRGB)."""

HUE = 2.5


def colours_of(picture: Picture, *, most: int = 3, least: float = 0.06) -> list[str]:
    """Up to ``most`` names, largest share first, of those that cover at least ``least`` of the picture.

    Each pixel of a small copy counts for the name that is nearest in OKLab (B. Ottosson, 2020), where hue and chroma
    count ``HUE`` times as much as lightness: people name a dull blue in shadow blue.
    """
    small = np.asarray(Image.fromarray(picture).resize((64, 64), Image.Resampling.BOX))
    named = _oklab(np.array(list(NAMES.values()), np.uint8))
    pixels = _oklab(small.reshape(-1, 3))
    nearest = np.square(pixels[:, None] - named[None]).sum(-1).argmin(1)
    shares = np.bincount(nearest, minlength=len(NAMES)) / len(pixels)
    order = np.argsort(-shares, kind="stable")[:most]
    names = list(NAMES)
    return [names[place] for rank, place in enumerate(order) if rank == 0 or shares[place] >= least]


def _oklab(colours: Picture) -> Floats:
    """uint8 sRGB [n, 3] as OKLab [n, 3], hue and chroma times ``HUE``."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array([[0.4122, 0.2119, 0.0883], [0.5363, 0.6807, 0.2817], [0.0514, 0.1074, 0.6300]])
    lab: Floats = np.cbrt(cones) @ np.array(
        [[0.2105, 1.9780, 0.0259], [0.7936, -2.4286, 0.7828], [-0.0041, 0.4506, -0.8087]]
    )
    weighed: Floats = lab * np.array([1, HUE, HUE])
    return weighed
