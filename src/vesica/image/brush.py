"""Brush strokes: traced along a field of directions, then laid on as bristles that run dry.

Strokes are planned in the scene's own units, so that a painting is the same at every size; only laying them on knows
pixels. Planning after Hertzmann (1998): large brushes first, a stroke ends where its colour no longer fits. Paint is
colour in OKLab and height; a brush takes up what it is dragged through.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesica.compiled import kernel

POINTS = 25
"""Points of a stroke's spine, at most."""

TABLE = 256
"""Side of the table that bristles are read from."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Brush:
    """How a layer of strokes is laid.

    width : of the widest stroke, in scene units
    length : of the longest stroke, in widths
    cover : how many times the strokes would cover the picture where all are kept
    tolerance : how far in OKLab the scene's colour may be from the stroke's before it ends
    opacity, dryness, wet, thickness : 0..1; wet: how much it takes up of what is below
    jitter : standard deviation of a stroke's light; hue and chroma follow
    """

    width: float
    length: float
    cover: float
    tolerance: float
    opacity: float
    dryness: float
    wet: float
    thickness: float
    jitter: float


@dataclass(frozen=True, slots=True)
class Strokes:
    """Strokes in the order they are laid: spines [n, 25, 2] (x, y), their points in use, widths, two colours each."""

    spines: Floats
    counts: NDArray[np.int32]
    widths: Floats
    colours: Floats
    seeds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)


@kernel
def _at(plane: Floats, x: float, y: float) -> float:
    """A plane's value at the nearest cell."""
    row = min(max(int(y), 0), plane.shape[0] - 1)
    column = min(max(int(x), 0), plane.shape[1] - 1)
    return float(plane[row, column])


@kernel
def _far(colour: Floats, x: float, y: float, light: float, a: float, b: float) -> float:
    """Distance in OKLab of the scene at a point from a colour."""
    row = min(max(int(y), 0), colour.shape[0] - 1)
    column = min(max(int(x), 0), colour.shape[1] - 1)
    dl = colour[row, column, 0] - light
    da = colour[row, column, 1] - a
    db = colour[row, column, 2] - b
    return float(np.sqrt(dl * dl + 2.5 * (da * da + db * db)))


@kernel
def _trace(
    colour: Floats,
    flow_x: Floats,
    flow_y: Floats,
    starts: Floats,
    widths: Floats,
    lengths: Floats,
    tolerances: Floats,
    spines: Floats,
    counts: NDArray[np.int32],
) -> None:
    """Fill spines and counts; narrow a stroke that would reach over an edge."""
    half = POINTS // 2
    back = np.empty((POINTS, 2), np.float32)
    for s in range(len(starts)):
        x0, y0 = starts[s, 0], starts[s, 1]
        row = min(max(int(y0), 0), colour.shape[0] - 1)
        column = min(max(int(x0), 0), colour.shape[1] - 1)
        light, a, b = colour[row, column, 0], colour[row, column, 1], colour[row, column, 2]
        fx, fy = flow_x[row, column], flow_y[row, column]
        for _ in range(4):
            reach = 0.42 * widths[s]
            one = _far(colour, x0 - fy * reach, y0 + fx * reach, light, a, b)
            two = _far(colour, x0 + fy * reach, y0 - fx * reach, light, a, b)
            if max(one, two) <= tolerances[s]:
                break
            widths[s] *= 0.7
        step = lengths[s] * widths[s] / (POINTS - 1)
        total = 0
        for way in (-1.0, 1.0):
            x, y = x0, y0
            dx, dy = way * fx, way * fy
            for _ in range(half):
                gx, gy = _at(flow_x, x, y), _at(flow_y, x, y)
                if gx * dx + gy * dy < 0:
                    gx, gy = -gx, -gy
                # Brushes turn slowly.
                dx, dy = 0.55 * dx + 0.45 * gx, 0.55 * dy + 0.45 * gy
                norm = max(np.sqrt(dx * dx + dy * dy), 1e-6)
                dx, dy = dx / norm, dy / norm
                x, y = x + dx * step, y + dy * step
                if _far(colour, x, y, light, a, b) > tolerances[s]:
                    break
                back[total, 0], back[total, 1] = x, y
                total += 1
            if way < 0:
                for point in range(total):
                    spines[s, point] = back[total - 1 - point]
                spines[s, total, 0], spines[s, total, 1] = x0, y0
                behind = total + 1
            else:
                for point in range(behind - 1, total):
                    spines[s, point + 1] = back[point]
                behind = total + 1
        if behind < 2:
            spines[s, 0, 0], spines[s, 0, 1] = x0 - fx * widths[s] * 0.3, y0 - fy * widths[s] * 0.3
            spines[s, 1, 0], spines[s, 1, 1] = x0 + fx * widths[s] * 0.3, y0 + fy * widths[s] * 0.3
            behind = 2
        counts[s] = behind


def plan(
    colour: Floats, flow: tuple[Floats, Floats], keep: Floats, brush: Brush, rng: np.random.Generator, order: Floats
) -> Strokes:
    """Strokes of one layer.

    Parameters
    ----------
    colour : OKLab [height, width, 3] that the strokes stand for
    flow : their direction (x, y), each [height, width], of length 1; a stroke may run either way
    keep : share 0..1 of strokes kept, [height, width]
    order : what is laid first, [height, width]: lower numbers, with a unit of chance added
    """
    rows, columns = keep.shape
    cell = max(1.0, brush.width * np.sqrt(0.5 * brush.length / brush.cover))
    down, aside = int(np.ceil(rows / cell)) + 2, int(np.ceil(columns / cell)) + 2
    grid = np.stack(np.meshgrid(np.arange(aside) - 0.5, np.arange(down) - 0.5), -1).reshape(-1, 2)
    starts = ((grid + rng.uniform(-0.5, 0.5, grid.shape)) * cell).astype(np.float32)
    chance = rng.random((6, len(starts)))
    bells = rng.standard_normal((6, len(starts)))
    y = starts[:, 1].astype(int).clip(0, rows - 1)
    x = starts[:, 0].astype(int).clip(0, columns - 1)
    kept = np.flatnonzero(chance[0] < keep[y, x])
    kept = kept[np.argsort(order[y, x][kept] + chance[1][kept], kind="stable")]
    y, x = y[kept], x[kept]
    widths = (brush.width * (0.55 + 0.45 * chance[2][kept])).astype(np.float32)
    lengths = (brush.length * (0.5 + 0.5 * chance[3][kept])).astype(np.float32)
    # Some strokes are sure of their edge, some lose it.
    tolerances = (brush.tolerance * (0.5 + chance[4][kept])).astype(np.float32)
    spines = np.zeros((len(kept), POINTS, 2), np.float32)
    counts = np.zeros(len(kept), np.int32)
    _trace(colour, *flow, starts[kept], widths, lengths, tolerances, spines, counts)
    colours = np.repeat(colour[y, x][:, None], 2, axis=1).astype(np.float64)
    drift = bells[:, kept]
    for side, (light, chroma, hue) in enumerate(((0, 1, 2), (3, 4, 5))):
        turn = brush.jitter * 5 * drift[hue]
        grow = 1 + brush.jitter * 4 * drift[chroma]
        a, b = colours[:, side, 1].copy(), colours[:, side, 2].copy()
        colours[:, side, 0] += brush.jitter * drift[light]
        colours[:, side, 1] = grow * (a * np.cos(turn) - b * np.sin(turn))
        colours[:, side, 2] = grow * (a * np.sin(turn) + b * np.cos(turn))
    seeds = rng.integers(0, 2**31, len(kept))
    return Strokes(spines, counts, widths, colours.astype(np.float32), seeds)


@kernel
def _read(table: Floats, x: float, y: float) -> float:
    """The table at a point, between its cells, again and again in both directions."""
    left, top = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - left, y - top
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    c0, c1 = left & (TABLE - 1), (left + 1) & (TABLE - 1)
    r0, r1 = top & (TABLE - 1), (top + 1) & (TABLE - 1)
    upper = table[r0, c0] + fx * (table[r0, c1] - table[r0, c0])
    lower = table[r1, c0] + fx * (table[r1, c1] - table[r1, c0])
    return float(upper + fy * (lower - upper))


@kernel
def _step(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@kernel
def lay(
    paint: Floats,
    height: Floats,
    owner: NDArray[np.int32],
    across: Floats,
    along: Floats,
    table: Floats,
    scale: float,
    strokes: tuple[Floats, NDArray[np.int32], Floats, Floats, NDArray[np.int64]],
    first: int,
    last: int,
    hand: tuple[float, float, float, float],
) -> None:
    """Lay strokes ``first`` to ``last`` on ``paint`` [height, width, 3] and ``height``, in place.

    ``owner``, ``across`` and ``along`` are scratch of the same size, owner all -1. ``scale`` is pixels in a scene unit;
    ``hand`` is opacity, dryness, wet, thickness.
    """
    spines, counts, widths, colours, seeds = strokes
    opacity, dryness, wet, thickness = hand
    rows, columns = height.shape
    taken = np.empty((POINTS, 3), np.float32)
    ends = np.empty(POINTS, np.float32)
    boxes = np.empty((POINTS, 4), np.int64)
    for s in range(first, last):
        half = max(0.5 * widths[s] * scale, 0.7)
        segments = counts[s] - 1
        total = 0.0
        mix_l, mix_a, mix_b = colours[s, 0, 0], colours[s, 0, 1], colours[s, 0, 2]
        for i in range(segments):
            x0, y0 = spines[s, i, 0] * scale, spines[s, i, 1] * scale
            x1, y1 = spines[s, i + 1, 0] * scale, spines[s, i + 1, 1] * scale
            dx, dy = x1 - x0, y1 - y0
            size = max(np.sqrt(dx * dx + dy * dy), 1e-3)
            dx, dy = dx / size, dy / size
            ends[i] = total
            # What the brush takes up of the paint it is dragged through.
            row, column = int(y0), int(x0)
            if 0 <= row < rows and 0 <= column < columns:
                rate = min(1.0, 0.35 * size / half)
                mix_l += rate * (paint[row, column, 0] - mix_l)
                mix_a += rate * (paint[row, column, 1] - mix_a)
                mix_b += rate * (paint[row, column, 2] - mix_b)
            taken[i, 0], taken[i, 1], taken[i, 2] = mix_l, mix_a, mix_b
            low = -half if i == 0 else 0.0
            high = size + half if i == segments - 1 else size
            reach = half + 1.5
            ax, ay, bx, by = x0 + dx * low, y0 + dy * low, x0 + dx * high, y0 + dy * high
            left = max(int(min(ax, bx) - reach), 0)
            right = min(int(max(ax, bx) + reach) + 1, columns)
            top = max(int(min(ay, by) - reach), 0)
            bottom = min(int(max(ay, by) + reach) + 1, rows)
            boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = left, right, top, bottom
            for r in range(top, bottom):
                ry = r + 0.5 - y0
                for c in range(left, right):
                    rx = c + 0.5 - x0
                    u = rx * dx + ry * dy
                    v = ry * dx - rx * dy
                    away = 0.0
                    if u < low:
                        away = low - u
                        u = low
                    elif u > high:
                        away = u - high
                        u = high
                    far = np.sqrt(v * v + away * away) if away > 0 else abs(v)
                    if far > reach:
                        continue
                    far = far if v >= 0 else -far
                    if owner[r, c] != s or abs(far) < abs(across[r, c]):
                        owner[r, c] = s
                        across[r, c] = far
                        along[r, c] = total + u
            total += size
        seed = seeds[s]
        off_x, off_y = float(seed & 255), float((seed >> 8) & 255)
        hairs = min(2.5 + 0.55 * np.sqrt(widths[s]) * 2.2, 14.0)
        grain = 0.30 / half
        dry = dryness * (0.6 + 0.8 * ((seed >> 16) & 255) / 255)
        for i in range(segments):
            for r in range(boxes[i, 2], boxes[i, 3]):
                for c in range(boxes[i, 0], boxes[i, 1]):
                    if owner[r, c] != s:
                        continue
                    owner[r, c] = -1
                    u = along[r, c]
                    v = across[r, c] / half
                    t = min(max(u / total, 0.0), 1.0)
                    wobble = _read(table, u * grain * 2.2 + off_y, off_x + (7.5 if v > 0 else 0.5))
                    limit = (0.80 + 0.2 * min(1.0, 4 * t)) * (1 - 0.22 * t * t * t) * (0.84 + 0.16 * wobble)
                    inside = (limit - abs(v)) * half
                    edge = _step(-0.6, 0.9 + 0.06 * half, inside)
                    if edge <= 0:
                        continue
                    rough = _read(table, v * hairs + off_x, u * grain + off_y)
                    fine = _read(table, v * hairs * 2.6 + off_y, u * grain * 1.7 + off_x)
                    bristle = 0.6 * rough + 0.4 * fine
                    # Each bristle touches down and lifts at its own place.
                    comb = _read(table, v * hairs * 1.3 + off_y, off_x + 0.37)
                    head = _step(-0.35, 0.1, u / half + 0.75 * np.sqrt(max(1 - v * v, 0.0)) - 0.35 * comb)
                    tail = _step(-0.1, 0.5, (total - u) / half + 0.8 - 1.5 * comb - 0.5 * v * v)
                    thin = dry * (0.15 + 0.85 * t * t)
                    cover = _step(thin - 0.28, thin + 0.14, bristle + 0.06)
                    alpha = opacity * edge * head * tail * cover
                    if alpha <= 0.004:
                        continue
                    two = _step(
                        0.25, 0.75, 0.65 * _read(table, v * 1.7 + off_x, u * grain * 0.35 + off_y) + 0.35 * fine
                    )
                    load = wet * (0.25 + 0.75 * t)
                    for k in range(3):
                        own = colours[s, 0, k] + two * (colours[s, 1, k] - colours[s, 0, k])
                        own += load * (taken[i, k] - own)
                        if k == 0:
                            own += 0.035 * (bristle - 0.5)
                        paint[r, c, k] += alpha * (own - paint[r, c, k])
                    ridge = _step(0.55, 0.95, abs(v) / limit)
                    heap = thickness * (0.25 + 0.75 * bristle) * (1 + 0.7 * ridge) * (1.1 - 0.5 * t)
                    height[r, c] += alpha * (heap - 0.65 * height[r, c])
