"""Pictures that are nearly the same: a perceptual hash, and which pictures it finds too close."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from vesica.image.pictures import Picture, grey

NEAR = 8
"""Bits of 63 by which two near duplicates differ at most; pictures that have nothing in common differ by some 31."""

FLAT = 2.0
"""Below this strength of its waves (of 0..255) a picture is taken as one colour."""


def perceptual_hash(picture: Picture) -> int:
    """63 bits that tell how light is laid out: kept by scaling, other formats and small changes.

    pHash (Zauner, 2010): signs of the lowest 8 by 8 waves, without the mean, of the light at 32 by 32 pixels, against
    their median.
    """
    small = np.asarray(Image.fromarray(grey(picture)).resize((32, 32), Image.Resampling.BOX), np.float64)
    waves = dctn(small, norm="ortho").astype(np.float64)[:8, :8].ravel()[1:]
    if np.abs(waves).max() < FLAT:
        return 0
    return int("".join("1" if wave > middle else "0" for middle in [np.median(waves)] for wave in waves), 2)


def near_pairs(hashes: list[int], *, near: int = NEAR) -> list[tuple[int, int]]:
    """All pairs (first, second) of pictures whose hashes differ in ``near`` bits or fewer."""
    bits: NDArray[np.uint64] = np.array(hashes, np.uint64)
    pairs = []
    for first in range(len(bits) - 1):
        differ = np.bitwise_count(bits[first + 1 :] ^ bits[first])
        pairs += [(first, first + 1 + int(other)) for other in np.flatnonzero(differ <= near)]
    return pairs


def groups(count: int, pairs: list[tuple[int, int]]) -> list[list[int]]:
    """Pictures 0 to ``count`` - 1 in groups of those that pairs connect; each group in order, alone ones too."""
    head = list(range(count))

    def root(one: int) -> int:
        while head[one] != one:
            head[one] = head[head[one]]
            one = head[one]
        return one

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        head[high] = low
    found: dict[int, list[int]] = {}
    for one in range(count):
        found.setdefault(root(one), []).append(one)
    return list(found.values())
