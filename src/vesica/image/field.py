"""A painting from words and a seed: layers of brush strokes along fields of direction, over a toned ground.

The words choose a palette and, unless a person says otherwise, a composition. Large brushes lay the masses in, smaller
ones go where the light falls and where edges are to be found; paint is thick or thin and is lit from the upper left.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from vesica.compiled import kernel
from vesica.image.brush import TABLE, Brush, Floats, Strokes, lay, plan
from vesica.image.colour import FROM_CONES, FROM_LAB
from vesica.image.noise import fbm
from vesica.image.palette import Palette, nearness, palette
from vesica.image.params import FieldParams
from vesica.image.pictures import Picture
from vesica.image.scenes import CELLS, COMPOSITIONS, Scene, blank
from vesica.work import Progress, Step

BRUSHES = (
    Brush(0.130, 5.0, 2.4, 0.17, 0.95, 0.60, 0.35, 0.55, 0.024),
    Brush(0.064, 5.5, 2.8, 0.11, 0.92, 0.60, 0.40, 0.80, 0.024),
    Brush(0.031, 6.0, 3.0, 0.075, 0.90, 0.55, 0.35, 0.90, 0.024),
    Brush(0.0155, 6.5, 2.6, 0.055, 0.90, 0.50, 0.25, 0.95, 0.022),
    Brush(0.0078, 6.5, 2.4, 0.045, 0.92, 0.35, 0.15, 1.00, 0.018),
    Brush(0.0045, 6.0, 2.2, 0.040, 0.95, 0.20, 0.10, 1.00, 0.014),
)
"""Large to small; widths and lengths in units of the square root of the picture's area."""

SMALLEST = 512
"""Square root of the area, in pixels, that is painted at least; smaller pictures are averaged from it."""

SMOOTH = 1100
"""Below this, each pixel is the mean of two by two at least, so that bristles are fine and not jagged."""

STINT = 2_000_000
"""Pixels that brushes go over between two looks at whether to stop: about a tenth of a second."""


def field(*, params: FieldParams, seed: int, progress: Progress | None = None) -> Picture:
    """Paint a picture of ``params.height`` by ``params.width`` pixels.

    The same seed and words give the same painting at every size of one shape. Without words, no model is needed.
    ``progress`` is given a picture after each layer of brushes, and is called some ten times a second in between; it
    may raise ``Cancelled``. Raises ``ModelMissing`` where there are words and no embedding model.
    """
    total = len(BRUSHES)
    tell = progress or (lambda step: None)
    for_colour, for_form, for_scene, for_strokes, for_bristles = np.random.default_rng(seed % 2**64).spawn(5)
    colours = palette(params.words, for_colour)
    name = composition(params.words, for_form) if params.composition == "any" else params.composition
    tell(Step(0, total))
    scene = blank(params.width, params.height)
    COMPOSITIONS[name][0](scene, colours, for_scene)
    tell(Step(0, total))
    layers = strokes(scene, params, for_strokes)

    side = np.sqrt(params.width * params.height)
    over = max(2 if side < SMOOTH else 1, int(np.ceil(SMALLEST / side)))
    rows, columns = params.height * over, params.width * over
    easel = Easel(rows, columns, columns / scene.x.shape[1], wash(scene, colours), for_bristles)
    for done, (brush, layer) in enumerate(zip(BRUSHES, layers, strict=True), 1):
        widest = brush.width * params.brush * np.sqrt(rows * columns)
        stint = max(1, int(STINT / (0.6 * brush.length * widest**2)))
        for first in range(0, len(layer), stint):
            tell(Step(done - 1, total))
            easel.lay(layer, first, min(first + stint, len(layer)), brush)
        if progress and done < total:
            progress(Step(done, total, easel.look(params.impasto, over)))
    picture = easel.look(params.impasto, over)
    tell(Step(total, total, picture))
    return picture


def composition(words: str, rng: np.random.Generator) -> str:
    """A composition by chance, or by chance among those that ``words`` are near to."""
    names = list(COMPOSITIONS)
    if not words.strip():
        return names[int(rng.integers(len(names)))]
    near = nearness(words, [speaks for _, speaks in COMPOSITIONS.values()])
    weights = np.exp(22 * (near - near.max()))
    return names[int(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random()))]


def strokes(scene: Scene, params: FieldParams, rng: np.random.Generator) -> list[Strokes]:
    """Strokes for each of ``BRUSHES``."""
    swirl = fbm(scene.x * 2.1, scene.y * 2.1, int(rng.integers(2**30)), 3)
    angle = scene.angle + 0.55 * params.turbulence * swirl
    flow = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    colour = scene.colour.astype(np.float32)
    fine = gaussian_filter(scene.fine, 0.006 * CELLS)
    order = (2.2 * scene.depth).astype(np.float32)
    layers = []
    for number, brush in enumerate(BRUSHES):
        width = brush.width * params.brush * CELLS
        if number == 0:
            keep = np.ones_like(scene.x)
        else:
            # What the brush before could not show, and where the scene asks for it.
            blurred = np.stack([gaussian_filter(scene.colour[..., k], 0.55 * width) for k in range(3)], -1)
            missed = np.sqrt((np.square(scene.colour - blurred) * (1, 2.5, 2.5)).sum(-1))
            missed = gaussian_filter(missed, 0.35 * width)
            asked = fine + 0.9 * (params.detail - 0.6) - (0.0, 0.0, 0.12, 0.32, 0.50, 0.72)[number]
            keep = (1.5 * asked + 16 * (missed - 0.022)).clip(0, 1) * min(1.0, 0.4 + params.detail)
            keep = np.maximum(keep, (0, 0.65, 0.22, 0.05, 0.0, 0.0)[number])
        sized = Brush(width, *(getattr(brush, name) for name in Brush.__slots__[1:]))
        layers.append(plan(colour, flow, keep.astype(np.float32), sized, rng, order))
    return layers


def wash(scene: Scene, colours: Palette) -> Floats:
    """What lies under the strokes and shows between them: the toned ground, with the scene's masses rubbed in."""
    masses = np.stack([gaussian_filter(scene.colour[..., k], 0.03 * CELLS) for k in range(3)], -1)
    rubbed: Floats = (0.55 * masses + 0.45 * colours.ground).astype(np.float32)
    return rubbed


class Easel:
    """A canvas while it is painted: OKLab and height of the paint, float32."""

    def __init__(self, rows: int, columns: int, scale: float, wash: Floats, rng: np.random.Generator):
        self.scale = scale
        y, x = (
            np.minimum((np.arange(n) / scale).astype(int), m - 1)
            for n, m in zip((rows, columns), wash.shape, strict=False)
        )
        self.paint = wash[y[:, None], x[None, :]]
        self.height = np.zeros((rows, columns), np.float32)
        self.owner = np.full((rows, columns), -1, np.int32)
        self.across = np.zeros((rows, columns), np.float32)
        self.along = np.zeros((rows, columns), np.float32)
        self.table = rng.random((TABLE, TABLE)).astype(np.float32)

    def lay(self, strokes: Strokes, first: int, last: int, brush: Brush) -> None:
        """Lay some of a layer's strokes."""
        planned = strokes.spines, strokes.counts, strokes.widths, strokes.colours, strokes.seeds
        hand = brush.opacity, brush.dryness, brush.wet, brush.thickness
        scratch = self.owner, self.across, self.along, self.table
        lay(self.paint, self.height, *scratch, self.scale, planned, first, last, hand)

    def look(self, impasto: float, over: int) -> Picture:
        """The canvas under a lamp at the upper left, each pixel the mean of ``over`` x ``over``."""
        relief = gaussian_filter(self.height, 0.38 * self.scale)
        rows, columns = relief.shape
        out = np.empty((rows // over, columns // over, 3), np.uint8)
        _light(self.paint, relief, self.table, FROM_LAB, FROM_CONES, self.scale, impasto, over, out)
        return out


@kernel
def _light(
    paint: Floats,
    relief: Floats,
    table: Floats,
    from_lab: NDArray[np.float64],
    from_cones: NDArray[np.float64],
    scale: float,
    impasto: float,
    over: int,
    out: Picture,
) -> None:
    rows, columns = relief.shape
    cones = np.empty(3)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            red, green, blue = 0.0, 0.0, 0.0
            for dr in range(over):
                for dc in range(over):
                    y, x = r * over + dr, c * over + dc
                    gx = relief[y, min(x + 1, columns - 1)] - relief[y, max(x - 1, 0)]
                    gy = relief[min(y + 1, rows - 1), x] - relief[max(y - 1, 0), x]
                    slope = scale * 0.5 * (gx + 1.2 * gy)
                    slope = slope / (1 + 1.6 * abs(slope))
                    light = paint[y, x, 0] + impasto * (0.22 * slope + 0.45 * max(slope - 0.1, 0.0) ** 2)
                    for k in range(3):
                        answer = (
                            from_lab[k, 0] * light + from_lab[k, 1] * paint[y, x, 1] + from_lab[k, 2] * paint[y, x, 2]
                        )
                        cones[k] = answer * answer * answer
                    red += from_cones[0, 0] * cones[0] + from_cones[0, 1] * cones[1] + from_cones[0, 2] * cones[2]
                    green += from_cones[1, 0] * cones[0] + from_cones[1, 1] * cones[1] + from_cones[1, 2] * cones[2]
                    blue += from_cones[2, 0] * cones[0] + from_cones[2, 1] * cones[1] + from_cones[2, 2] * cones[2]
            share = 1.0 / (over * over)
            out[r, c, 0] = _byte(red * share)
            out[r, c, 1] = _byte(green * share)
            out[r, c, 2] = _byte(blue * share)


@kernel
def _byte(linear: float) -> int:
    """Linear light 0..1 as an sRGB byte."""
    linear = min(max(linear, 0.0), 1.0)
    bent = linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return int(bent * 255 + 0.5)
