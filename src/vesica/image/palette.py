"""A palette from words: sentence embeddings find the nearest of some seventy palettes that were mixed by hand.

Words and palettes meet in meaning (Reimers and Gurevych, 2019), so any language of feeling will do; there is no list of
keywords. The nearest few palettes are mixed by a softmax of their cosines, sharp enough that one leads; the seed then
tempers light, hue and chroma by little.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from vesica.image.colour import Lab, from_hex, turned

ROLES = 8
SHARPNESS = 28.0
"""Of the softmax over cosines: a palette 0.05 nearer than another counts four times as much."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours in OKLab.

    ground : [3], the toned canvas
    ramp : [5, 3], from the deepest dark to the brightest light
    accents : [2, 3], against the ramp's hue and beside it
    """

    ground: Lab
    ramp: Lab
    accents: Lab

    def at(self, tone: NDArray[np.float64]) -> Lab:
        """Colours [..., 3] of tones 0 (deepest) to 1 (lightest), smooth through the ramp."""
        place = tone.clip(0, 1) * (len(self.ramp) - 1)
        low = np.minimum(place.astype(int), len(self.ramp) - 2)
        part = (place - low)[..., None]
        mixed: Lab = self.ramp[low] + part * (self.ramp[low + 1] - self.ramp[low])
        return mixed


@cache
def anchors() -> tuple[Lab, tuple[str, ...]]:
    """The palettes mixed by hand, OKLab [n, 8, 3] (ground, five of the ramp, two accents), and what each speaks of."""
    lines = files("vesica.image").joinpath("palettes.txt").read_text("utf-8").splitlines()
    rows = [line.split("|") for line in lines if line and not line.startswith("#")]
    return np.stack([from_hex(colours) for colours, _ in rows]), tuple(speaks.strip() for _, speaks in rows)


@cache
def _anchor_rows() -> NDArray[np.float64]:
    from vesica.weights.minilm import embed

    return embed(anchors()[1]).astype(np.float64)


def cosines(words: str, others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of ``words`` with each embedded row; summed in a fixed order, whatever the threads."""
    from vesica.weights.minilm import embed

    likeness: NDArray[np.float64] = (others * embed([words])[0].astype(np.float64)).sum(axis=1)
    return likeness


def palette(words: str, rng: np.random.Generator) -> Palette:
    """The palette that ``words`` speak of, tempered by ``rng``; without words, one by chance (and no model needed).

    Raises ``ModelMissing`` where there are words and no embedding model.
    """
    colours, _ = anchors()
    if words.strip():
        near = cosines(words, _anchor_rows())
        # A touch of chance, so that two seeds may lead with different neighbours.
        near = near + 0.012 * rng.standard_normal(len(near))
        weights = np.exp(SHARPNESS * (near - near.max()))
    else:
        weights = np.zeros(len(colours))
        weights[rng.integers(len(colours))] = 1.0
        rng.standard_normal(len(colours))
    return tempered(mix(colours, weights), rng)


def mix(colours: Lab, weights: Sequence[float] | NDArray[np.float64]) -> Palette:
    """Palettes [n, 8, 3] mixed by weight. Mixing across hues greys, so chroma is brought back to its own mean."""
    share = np.asarray(weights, np.float64)
    share = share / share.sum()
    # The leader keeps its character: followers count half.
    share = np.where(share == share.max(), share, share * 0.5)
    share = share / share.sum()
    blend = (share[:, None, None] * colours).sum(axis=0)
    chroma = (share[:, None] * np.hypot(colours[..., 1], colours[..., 2])).sum(axis=0)
    have = np.hypot(blend[:, 1], blend[:, 2])
    blend[:, 1:] *= np.minimum(chroma / np.maximum(have, 1e-6), 1.6)[:, None]
    return Palette(blend[0], blend[1:6], blend[6:8])


def tempered(palette: Palette, rng: np.random.Generator) -> Palette:
    """The palette in another light: all hues turned together by some 6 degrees, chroma and contrast by a tenth."""
    hue, chroma, key = rng.normal(0, 0.1), 1 + rng.normal(0.03, 0.08), rng.normal(0, 0.012)
    if rng.random() < 0.5:
        palette = replace(palette, accents=palette.accents[::-1])
    return Palette(
        turned(palette.ground, hue, chroma, key),
        turned(palette.ramp, hue, chroma, key),
        turned(palette.accents, 0.6 * hue, chroma, key),
    )
