"""Samples out of pictures: squares of one size, float32 [3, size, size] in -1..1."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vesica.gan.data import Mode
from vesica.image.pictures import Picture

WIDEST = 2.0
"""In brushwork, how many times a sample's size a crop is at most."""

SHIFT = 1 / 8
"""Share of a whole picture's side by which views of it are moved."""

CROPS = 24
"""Crops of one picture, in brushwork, by which what was made is compared with it."""

SHIFTS = ((0, 0, 0), (0, 0.5, 0.5), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))
"""Whether a view is smaller than its picture, and where it lies: three along its length, and four corners."""


def to_sample(picture: Picture, size: int) -> Tensor:
    """A square picture as a sample."""
    x = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
    if x.shape[-1] != size:
        x = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return x[0]


def to_pictures(samples: Tensor) -> list[Picture]:
    """uint8 [height, width, 3] of each sample [n, 3, height, width] in -1..1; grey ones [n, 1, ...] thrice."""
    clean = ((samples.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return [one.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy() for one in clean.cpu()]


class Crops:
    """Squares out of pictures: as whole as can be, or crops of one to ``WIDEST`` times the size ("brushwork")."""

    def __init__(self, pictures: Sequence[Picture], size: int, mode: Mode, *, mirror: bool) -> None:
        self._pictures, self._size, self._mode, self._mirror = pictures, size, mode, mirror

    def __len__(self) -> int:
        return len(self._pictures)

    def sample(self, place: int, rng: torch.Generator) -> Tensor:
        """A square of picture ``place``, where chance says; mirrored half of the time where that is allowed."""
        picture = self._pictures[place]
        wide, down, right, mirrored = torch.rand(4, generator=rng).tolist()
        wide = wide if self._mode == "brushwork" else 0
        square = to_sample(_square(picture, self._size, self._mode, wide, down, right), self._size)
        return square.flip(-1) if self._mirror and mirrored < 0.5 else square

    def views(self, place: int) -> Tensor:
        """Squares [n, 3, size, size] spread over picture ``place``, then the same mirrored."""
        picture = self._pictures[place]
        rows = np.random.default_rng(place).random((CROPS, 3)) if self._mode == "brushwork" else np.array(SHIFTS)
        squares = [to_sample(_square(picture, self._size, self._mode, *row), self._size) for row in rows.tolist()]
        seen = torch.stack(squares)
        return torch.cat([seen, seen.flip(-1)])


def _square(picture: Picture, size: int, mode: Mode, wide: float, down: float, right: float) -> Picture:
    """The square whose width and place three numbers of 0..1 tell."""
    height, width = picture.shape[:2]
    short = min(height, width)
    side = (
        min(short, round(size * (1 + wide * (WIDEST - 1))))
        if mode == "brushwork"
        else round(short * (1 - wide * SHIFT))
    )
    top, left = round(down * (height - side)), round(right * (width - side))
    return picture[top : top + side, left : left + side]
