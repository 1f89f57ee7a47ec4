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
SHARPNESS = 40.0
"""Of the softmax over cosines: a palette 0.05 nearer than another counts seven times as much."""


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

    @property
    def glow(self) -> Lab:
        """The colour of light itself: bright, and tinged with the second accent."""
        mixed: Lab = 0.5 * self.ramp[4] + 0.5 * self.accents[1]
        return mixed

    def aloft(self) -> "Palette":
        """The palette for a sky: where the land is green, air is not; it is turned towards blue and thinned."""
        hue = float(np.arctan2(self.ramp[2, 2], self.ramp[2, 1]))
        green = float(np.exp(-(((hue - 2.2) / 0.5) ** 2)))
        return replace(self, ramp=turned(self.ramp, 1.75 * green, 1 - 0.45 * green))

    def at(self, tone: NDArray[np.float64]) -> Lab:
        """Colours [..., 3] of tones 0 (deepest) to 1 (lightest), smooth through the ramp, in steps of 1/1023."""
        colours: Lab = self._steps()[np.rint(tone.clip(0, 1) * 1023).astype(np.intp)]
        return colours

    def _steps(self) -> Lab:
        place = np.linspace(0, len(self.ramp) - 1, 1024)
        return np.stack([np.interp(place, range(len(self.ramp)), self.ramp[:, k]) for k in range(3)], -1)


@cache
def anchors() -> tuple[Lab, tuple[str, ...]]:
    """The palettes mixed by hand, OKLab [n, 8, 3] (ground, five of the ramp, two accents), and what each speaks of."""
    lines = files("vesica.image").joinpath("palettes.txt").read_text("utf-8").splitlines()
    rows = [line.split("|") for line in lines if line and not line.startswith("#")]
    return np.stack([from_hex(colours) for colours, _ in rows]), tuple(speaks.strip() for _, speaks in rows)


def nearness(words: str, spoken: Sequence[str]) -> NDArray[np.float64]:
    """How near ``words`` are to each of ``spoken`` (phrases with commas between): -1..1.

    Half is the cosine with the whole, half that with the nearest of its phrases, so that a brief of one word and one of
    a page are both heard. Sums run in a fixed order, whatever the threads.
    """
    from vesica.weights.minilm import embed

    rows, groups = _phrases(tuple(spoken))
    likeness = (rows * embed([words])[0].astype(np.float64)).sum(axis=1)
    return np.array([0.5 * likeness[first] + 0.5 * likeness[first + 1 : last].max() for first, last in groups])


@cache
def _phrases(spoken: tuple[str, ...]) -> tuple[NDArray[np.float64], tuple[tuple[int, int], ...]]:
    """Embedded rows, and the range of rows of each text: the whole, then its phrases."""
    from vesica.weights.minilm import embed

    texts: list[str] = []
    groups = []
    for text in spoken:
        first = len(texts)
        texts += [text, *text.split(", ")]
        groups.append((first, len(texts)))
    return embed(texts).astype(np.float64), tuple(groups)


def palette(words: str, rng: np.random.Generator) -> Palette:
    """The palette that ``words`` speak of, tempered by ``rng``; without words, one by chance (and no model needed).

    Raises ``ModelMissing`` where there are words and no embedding model.
    """
    colours, spoken = anchors()
    if words.strip():
        near = nearness(words, spoken)
        # A touch of chance, so that two seeds may lead with different neighbours.
        near = near + 0.008 * rng.standard_normal(len(near))
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
    return Palette(
        turned(palette.ground, hue, chroma, key),
        turned(palette.ramp, hue, chroma, key),
        turned(palette.accents, 0.6 * hue, chroma, key),
    )
