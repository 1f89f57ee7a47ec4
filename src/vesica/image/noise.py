"""Gradient noise (Perlin, 1985) and its sums over octaves, from integer hashes: the same on every machine."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesica.compiled import kernel

Plane = NDArray[np.float64]
"""[height, width]."""


@kernel
def hashed(column: int, row: int, seed: int) -> int:
    """A whole number of 32 bits that looks random."""
    mask = 0xFFFFFFFF
    h = (column * 0x9E3779B1 + row * 0x85EBCA77 + seed * 0x27D4EB2F) & mask
    h ^= h >> 15
    h = (h * 0x2C1B3C6D) & mask
    h ^= h >> 12
    h = (h * 0x297A2D39) & mask
    return h ^ (h >> 15)


@kernel
def _corner(column: int, row: int, seed: int, x: float, y: float) -> float:
    h = hashed(column, row, seed)
    return ((h & 1023) / 511.5 - 1) * x + (((h >> 10) & 1023) / 511.5 - 1) * y


@kernel
def gradient_noise(x: float, y: float, seed: int) -> float:
    """Smooth noise of about -1..1 at a point; features are one unit wide."""
    column, row = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - column, y - row
    ease_x = fx * fx * fx * (fx * (fx * 6 - 15) + 10)
    ease_y = fy * fy * fy * (fy * (fy * 6 - 15) + 10)
    top = _corner(column, row, seed, fx, fy)
    top += ease_x * (_corner(column + 1, row, seed, fx - 1, fy) - top)
    low = _corner(column, row + 1, seed, fx, fy - 1)
    low += ease_x * (_corner(column + 1, row + 1, seed, fx - 1, fy - 1) - low)
    return 1.6 * (top + ease_y * (low - top))


@kernel
def _sum(x: Plane, y: Plane, seed: int, octaves: int, gain: float) -> Plane:
    out = np.empty_like(x)
    for place in range(x.size):
        px, py = x.flat[place], y.flat[place]
        total, weight, norm = 0.0, 1.0, 0.0
        for octave in range(octaves):
            total += weight * gradient_noise(px, py, seed + octave * 101)
            norm += weight * weight
            weight *= gain
            # Each octave is turned, so that the grids of two do not meet.
            px, py = 1.61 * px - 1.21 * py + 7.3, 1.21 * px + 1.61 * py - 3.1
        out.flat[place] = total / np.sqrt(norm)
    return out


def fbm(x: ArrayLike, y: ArrayLike, seed: int, octaves: int = 5, gain: float = 0.5) -> Plane:
    """Octaves of noise, each twice as fine and ``gain`` as strong; about -1..1, standard deviation about 0.4."""
    px, py = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    summed: Plane = _sum(np.ascontiguousarray(px), np.ascontiguousarray(py), seed & 0x7FFFFFFF, octaves, gain)
    return summed


def warped(x: Plane, y: Plane, seed: int, strength: float, octaves: int = 5) -> Plane:
    """Noise looked up where noise moves the point to (domain warping; Quilez, 2002)."""
    aside = fbm(x, y, seed + 1, 3)
    down = fbm(x, y, seed + 2, 3)
    return fbm(x + strength * aside, y + strength * down, seed, octaves)
