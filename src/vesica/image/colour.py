"""Colours in OKLab (Ottosson, 2020): light 0..1, green to red, blue to yellow; equal steps look equally far."""

import numpy as np
from numpy.typing import NDArray

from vesica.image.pictures import Picture

Lab = NDArray[np.float64]
"""[..., 3]: OKLab."""

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
"""Linear sRGB to the cones' answers."""

TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Cube roots of the cones' answers to OKLab."""

FROM_LAB = np.linalg.inv(TO_LAB)
FROM_CONES = np.linalg.inv(TO_CONES)


def from_hex(colours: str) -> Lab:
    """OKLab [n, 3] of colours such as ``"f2e8d5 1b2a41"``."""
    rgb = np.array([[int(colour[at : at + 2], 16) for at in (0, 2, 4)] for colour in colours.split()], np.uint8)
    return from_srgb(rgb)


def from_srgb(colours: Picture) -> Lab:
    """OKLab of sRGB bytes [..., 3]."""
    bent = colours.astype(np.float64) / 255
    linear = np.where(bent <= 0.04045, bent / 12.92, ((bent + 0.055) / 1.055) ** 2.4)
    cones = np.einsum("ij,...j->...i", TO_CONES, linear)
    lab: Lab = np.einsum("ij,...j->...i", TO_LAB, np.cbrt(cones))
    return lab


def to_srgb(lab: Lab) -> Picture:
    """Nearest sRGB bytes, each channel clipped."""
    cones = np.einsum("ij,...j->...i", FROM_LAB, lab) ** 3
    linear = np.einsum("ij,...j->...i", FROM_CONES, cones).clip(0, 1)
    bent = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    bytes_: Picture = np.rint(bent * 255).astype(np.uint8)
    return bytes_


def turned(lab: Lab, hue: float, chroma: float = 1.0, light: float = 0.0) -> Lab:
    """Colours with their hue turned by ``hue`` radians, chroma times ``chroma``, light plus ``light``."""
    cos, sin = np.cos(hue) * chroma, np.sin(hue) * chroma
    out = np.empty_like(lab)
    out[..., 0] = lab[..., 0] + light
    out[..., 1] = lab[..., 1] * cos - lab[..., 2] * sin
    out[..., 2] = lab[..., 1] * sin + lab[..., 2] * cos
    return out
