"""Who made each pixel of a picture: hatched overlays, the rasters of labels, and small silhouettes."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vesica.authorship.pixels import Labels
from vesica.authorship.pixels import Picture as Bytes
from vesica.export.authors.credits import COLOURS, KINDS, Credits

Fact = Literal["origin", "changed"]
"""Who brought a pixel in, or who changed it last."""

PAPER = 0.7
"""How much of a picture's contrast stays under the colours."""

FLAT, LIGHT, STRONG = 0.6, 0.2, 0.8
"""Share of the colour: all over for a person, between and on the lines for the others."""

BAND = 256
"""Rows painted at a time."""


def raster(roll: Credits, fact: Fact) -> Labels:
    """Each pixel's author by number, from 1, as a 16-bit raster [height, width]."""
    table = np.array([roll.numbers[turn] for turn in roll.map.turns], np.uint16)
    labels: Labels = table[getattr(roll.map, fact)]
    return labels


def kinds(roll: Credits, labels: Labels) -> NDArray[np.uint8]:
    """The kind of each author in ``labels``, as its place in ``KINDS``."""
    table = np.array([0, *(KINDS.index(author.kind) for author in roll.authors)], np.uint8)
    found: NDArray[np.uint8] = table[labels]
    return found


def overlay(picture: Bytes, kinds_: NDArray[np.uint8]) -> Bytes:
    """The picture in grey under the colour and the hatching of who made each pixel.

    A person's pixels are blue all over, those from outside olive with upright dashes, a machine's orange with slanting
    lines, as everywhere in vesica. Each pixel's channels stand in the order of its colour's, so it can be read back.

    picture : uint8 [height, width, 3]
    kinds_ : uint8 [height, width], places in ``KINDS``
    """
    height, width = kinds_.shape
    period = max(6, round(max(height, width) / 72))
    colours = np.array([[int(COLOURS[kind][at : at + 2], 16) for at in (1, 3, 5)] for kind in KINDS], float)
    laid: Bytes = np.empty_like(picture)
    for top in range(0, height, BAND):  # a large picture in floating point would fill the memory
        made, there = picture[top : top + BAND], kinds_[top : top + BAND]
        rows, columns = np.arange(top, top + len(made))[:, None], np.arange(width)
        slanting = (rows + columns) % period < period * 0.42
        dashes = (columns % (2 * period) < period * 0.36) & (rows % (3 * period) < 2 * period)
        lines = np.where(there == KINDS.index("machine"), slanting, dashes)
        share = np.where(there == KINDS.index("human"), FLAT, np.where(lines, STRONG, LIGHT))[..., None]
        grey = 255 - PAPER * (255 - made @ np.array([0.299, 0.587, 0.114]))
        laid[top : top + BAND] = np.rint(grey[..., None] * (1 - share) + colours[there] * share)
    return laid


def labels_png(labels: Labels) -> bytes:
    """A raster as a 16-bit grey PNG, lossless; its numbers are the authors' in the legend beside it."""
    out = io.BytesIO()
    Image.fromarray(labels).save(out, "PNG", optimize=True)
    return out.getvalue()


def shrunk(labels: Labels, height: int, width: int) -> Labels:
    """The raster at another size: for each of its pixels the nearest label, for labels can't be mixed."""
    rows = (2 * np.arange(height) + 1) * labels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * labels.shape[1] // (2 * width)
    small: Labels = labels[rows[:, None], columns]
    return small


def silhouette(labels: Labels, number: int) -> bytes:
    """Where an author stands in a raster, small and black on transparent, as PNG."""
    scale = min(1, 240 / max(labels.shape))
    there = shrunk(labels, *(max(1, round(side * scale)) for side in labels.shape)) == number
    rgba = np.zeros((*there.shape, 4), np.uint8)
    rgba[..., 3] = there * 255
    out = io.BytesIO()
    Image.fromarray(rgba).quantize(2).save(out, "PNG", optimize=True)
    return out.getvalue()
