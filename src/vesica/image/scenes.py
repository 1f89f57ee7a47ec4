"""What the strokes of a painted field stand for: seven compositions, each a plan of light, colour and direction.

A scene is computed on a grid of its own, the same for every size of picture. Lengths are in units of the square root of
the picture's area, so that a portrait and a landscape hold forms of one size. Each composition has a place of rest, a
place where the light falls, and things before and behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesica.image.colour import Lab
from vesica.image.noise import Plane, fbm, warped
from vesica.image.palette import Palette

CELLS = 560
"""Grid cells in one unit."""

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Scene:
    """Planes [rows, columns] over the grid.

    x, y : place in units
    width, height : of the picture in units; their product is 1
    colour : OKLab [rows, columns, 3]
    angle : direction of strokes in radians
    fine : 0 where only the largest brushes go, 1 where the smallest do
    depth : 0 far (painted first) to 1 near
    """

    x: Plane
    y: Plane
    width: float
    height: float
    colour: Lab
    angle: Plane
    fine: Plane
    depth: Plane

    def put(
        self,
        colour: Lab,
        cover: Plane,
        *,
        angle: Plane | float | None = None,
        fine: Plane | float | None = None,
        depth: float | None = None,
    ) -> None:
        """Lay colour (and, where it covers by half, direction, fineness and depth) over what is there."""
        self.colour += cover[..., None] * (colour - self.colour)
        inside = cover > 0.5
        for plane, value in ((self.angle, angle), (self.fine, fine), (self.depth, depth)):
            if value is not None:
                np.copyto(plane, value, where=inside)

    def around(self, at: tuple[float, float], reach: float) -> "Scene":
        """The part within ``reach`` of a place, sharing memory: what is put there is put here. It may be empty."""
        rows, columns = self.x.shape
        left, right = (int(np.clip((at[0] + k * reach) / self.width * columns, 0, columns)) for k in (-1, 1))
        top, bottom = (int(np.clip((at[1] + k * reach) / self.height * rows, 0, rows)) for k in (-1, 1))
        box = np.s_[top:bottom, left:right]
        planes = (plane[box] for plane in (self.colour, self.angle, self.fine, self.depth))
        return Scene(self.x[box], self.y[box], self.width, self.height, *planes)


def blank(width: float, height: float) -> Scene:
    """An empty scene for a picture of this shape (any units)."""
    unit = np.sqrt(width * height)
    wide, high = width / unit, height / unit
    rows, columns = max(2, round(high * CELLS)), max(2, round(wide * CELLS))
    y, x = np.mgrid[0:rows, 0:columns] + 0.5
    planes = (np.zeros((rows, columns)) for _ in range(3))
    return Scene(x * (wide / columns), y * (high / rows), wide, high, np.zeros((rows, columns, 3)), *planes)


def rise(low: float, high: float, x: Plane) -> Plane:
    """0 below ``low`` to 1 above ``high``, smoothly (falling where low > high)."""
    t = ((x - low) / (high - low)).clip(0, 1)
    smooth: Plane = t * t * (3 - 2 * t)
    return smooth


def bell(x: Plane) -> Plane:
    """exp(-x²): a soft spot of radius one."""
    spot: Plane = np.exp(-(x * x))
    return spot


def golden(rng: np.random.Generator) -> float:
    """A place along a side that the eye likes: about 0.38 or 0.62."""
    return float(rng.choice([0.382, 0.618]) + rng.normal(0, 0.025))


def draw(rng: np.random.Generator) -> int:
    """A seed for noise."""
    return int(rng.integers(2**30))


def toward(colours: Lab, target: Lab, share: Plane | float, light: float = 0.35) -> Lab:
    """Colours moved a share of the way to one colour; their light moves by ``light`` of that."""
    part = np.asarray(share)[..., None] * np.array([light, 1.0, 1.0])
    moved: Lab = colours + part * (target - colours)
    return moved


def sky(s: Scene, p: Palette, rng: np.random.Generator, horizon: float, sun: tuple[float, float]) -> None:
    """Light around ``sun``, and banks of cloud that lie flatter and closer towards the horizon."""
    p = p.aloft()
    up = ((horizon - s.y) / max(horizon, 0.2)).clip(-0.2, 1.2)
    far_x, far_y = s.x - sun[0], s.y - sun[1]
    glow = np.exp(-np.sqrt((far_x / 0.34) ** 2 + (far_y / 0.22) ** 2))
    core = bell(np.sqrt(far_x**2 + far_y**2) / 0.1)
    tone = 0.70 - 0.26 * rise(0.05, 1.0, up) + 0.26 * glow + 0.12 * core
    back = toward(p.at(tone), p.glow, 0.75 * glow + 0.22 * rise(0.4, 0.0, up))
    depth = 0.16 + up.clip(0, 1.2)
    cx, cy = far_x / depth * 0.62, -1.15 * np.log(depth) + 0.25 * far_x
    seed = draw(rng)
    bank = warped(cx * 1.5, cy * 2.6, seed, 0.55, 5)
    # The same clouds a step nearer the sun: where they thin, an edge is lit.
    ahead = warped(cx * 1.5 - 0.10 * np.sign(far_x), cy * 2.6 + 0.16, seed, 0.55, 5)
    cover = rise(-0.12, 0.55, bank) * 0.85
    lit = rise(-0.2, 0.35, bank - ahead)
    cloud_tone = 0.30 + 0.5 * lit + 0.22 * glow - 0.06 * up
    cloud = toward(p.at(cloud_tone), p.accents[0], 0.30 * lit * glow + 0.12 * rise(0.0, 0.6, bank))
    s.put(back + cover[..., None] * (cloud - back), np.ones_like(s.x))
    drift = fbm(s.x * 1.3, s.y * 2.6, draw(rng), 2)
    s.angle = 0.10 * far_x + 0.75 * drift + 0.25 * np.sign(far_x) * rise(0.3, 1.0, up)
    s.fine = 0.10 + 0.35 * glow + 0.35 * cover * lit


def shore(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """Sea under a low light; a headland behind, wet sand before, and something small that a person built."""
    horizon = s.height * rng.uniform(0.38, 0.52)
    sun = s.width * golden(rng), horizon - s.height * rng.uniform(0.05, 0.17)
    side = 1.0 if sun[0] < s.width / 2 else -1.0
    sky(s, p, rng, horizon, sun)
    disc = rise(0.034, 0.029, np.hypot(s.x - sun[0], s.y - sun[1]))
    s.put(toward(p.at(np.ones_like(s.x)), p.glow, 0.6), 0.85 * disc, fine=0.7)

    below = (s.y - horizon).clip(1e-4, None)
    near = (below / (s.height - horizon)).clip(0, 1)
    lean = 1 / (below + 0.05)
    swell = warped((s.x - sun[0]) * lean * 0.28, np.log(below + 0.04) * 4.2, draw(rng), 0.35, 4)
    chop = fbm((s.x - sun[0]) * lean * 0.55, np.log(below + 0.03) * 9, draw(rng), 3)
    path = bell((s.x - sun[0] + 0.05 * chop) / (0.045 + 0.30 * near)) * (1 - 0.35 * near)
    wave = rise(-0.15, 0.6, swell + 0.45 * chop)
    tone = 0.52 - 0.30 * near**0.7 + 0.20 * wave + 0.10 * rise(0.2, 0.0, near)
    water = toward(p.at(tone), p.accents[0], 0.10 * rise(0.1, 0.7, -swell))
    glint = rise(0.0, 0.45, path * (0.75 + 0.9 * chop + 0.5 * swell) - 0.16)
    water += glint[..., None] * (toward(p.at(0.84 + 0.14 * path), p.glow, 0.7) - water)
    s.put(
        water,
        rise(-0.002, 0.002, s.y - horizon),
        angle=0.16 * swell * near + 0.02 * chop,
        fine=0.25 + 0.6 * glint + 0.25 * rise(0.35, 0.0, near),
        depth=0.3,
    )

    # Headlands come in from the side away from the light, the nearer one darker.
    for number, (reach, tall, tone_of) in enumerate(((0.62, 0.045, 0.44), (0.40, 0.10, 0.22))):
        inland = side * (s.x - s.width / 2) + s.width / 2
        foot = s.width * (1 - reach * rng.uniform(0.75, 1.05))
        crown = tall * rng.uniform(0.8, 1.35) * rise(foot, foot + 0.34, inland)
        crown *= 1 + 0.5 * fbm(s.x * 5, np.full_like(s.x, number * 3.7), draw(rng), 4)
        base = horizon + 0.012 + 0.02 * number
        land = rise(0.003, -0.003, base - crown - s.y) * rise(0.003, -0.003, s.y - base)
        slope = fbm(s.x * 9, s.y * 16, draw(rng), 3)
        rock = toward(p.at(tone_of + 0.10 * slope + 0.8 * (base - s.y)), p.accents[0], 0.16 + 0.12 * slope)
        s.put(rock, land * (inland > foot), angle=-0.12 * side + 0.35 * slope, fine=0.75, depth=0.4)
        if number:
            _landmark(s, p, rng, side, foot, base, sun)

    # Sand in a diagonal, wet where the last wave ran out.
    run = 0.5 + 0.5 * side * (2 * s.x / s.width - 1)
    edge = s.height * rng.uniform(0.80, 0.88) + 0.16 * (0.45 - run) + 0.035 * fbm(s.x * 2.2, s.y * 0.4, draw(rng), 3)
    inshore = s.y - edge
    sand = toward(p.at(0.34 + 0.14 * fbm(s.x * 3, s.y * 7, draw(rng), 3)), p.ground, 0.5)
    gleam = bell((s.x - sun[0]) / 0.34) * rise(0.16, 0.0, inshore)
    sand += 0.6 * gleam[..., None] * (toward(p.at(0.8 + 0 * s.x), p.glow, 0.6) - sand)
    s.put(
        sand, rise(-0.004, 0.004, inshore), angle=-0.22 * side + 0.3 * fbm(s.x * 3, s.y * 5, 5, 2), fine=0.3, depth=0.7
    )
    lace = fbm(s.x * 7, s.y * 16, draw(rng), 4)
    foam = bell((inshore + 0.012 * lace) / 0.011) * rise(-0.5, 0.1, lace)
    for back, weak in ((0.065, 0.75), (0.15, 0.5)):
        line = inshore + back + 0.03 * fbm(s.x * 2.8, s.y * 0.5, draw(rng), 3) + 0.012 * lace
        foam = np.maximum(foam, weak * bell(line / 0.009) * rise(-0.3, 0.3, lace))
    s.put(p.at(0.97 + 0 * s.x), 0.92 * foam, angle=-0.2 * side + 0.3 * lace, fine=0.9, depth=0.8)

    for _ in range(int(rng.integers(2, 6))):
        at = s.width * (0.5 + side * rng.uniform(0.10, 0.46)), s.height * rng.uniform(0.80, 0.95)
        size = rng.uniform(0.025, 0.075) * (at[1] / s.height) ** 2
        part = s.around(at, 3 * size)
        dx, dy = (part.x - at[0]) / (1.7 * size), (part.y - at[1]) / size
        lump = 1 - np.hypot(dx, np.where(dy > 0, 2.2 * dy, dy))
        lump += 0.30 * fbm(part.x * 0.7 / size, part.y * 0.7 / size, draw(rng), 3)
        shine = rise(0.1, 1.0, -0.7 * dy - 0.6 * dx * np.sign(at[0] - sun[0]))
        part.put(p.at(0.05 + 0.42 * shine), rise(0.0, 0.08, lump), angle=0.5 * dx + 0.3, fine=0.8, depth=0.9)


def _landmark(
    s: Scene, p: Palette, rng: np.random.Generator, side: float, foot: float, base: float, sun: tuple[float, float]
) -> None:
    """A lighthouse on the headland's point, or a sail on the water."""
    inland = side * (s.x - s.width / 2) + s.width / 2
    if rng.random() < 0.6:
        at, tall, top = foot + rng.uniform(0.17, 0.23), rng.uniform(0.14, 0.18), 0.011
        up = (base - 0.02 - s.y) / tall
        thick = top * (1.5 - 0.6 * up)
        tower = rise(0.0015, -0.0015, abs(inland - at) - thick) * ((up > -0.08) & (up < 0.86))
        shade = (
            0.55
            + 0.42 * np.sign(sun[0] - s.x.mean()) * (s.x - s.x[:, :1] * 0 - (at if side > 0 else s.width - at)) / top
        )
        band = (np.floor(up * 4.2) % 2 == 1) & (up > 0)
        wall = p.at(shade.clip(0.2, 0.98))
        wall = np.where(band[..., None], toward(p.at(shade * 0.6), p.accents[0], 0.9), wall)
        s.put(wall, tower, angle=np.pi / 2, fine=1.0, depth=0.5)
        lamp = np.maximum(abs(inland - at) / 0.010, abs(up - 0.92) * tall / 0.010)
        s.put(toward(p.at(1 + 0 * s.x), p.accents[1], 0.8), rise(1.05, 0.9, lamp), fine=1.0, depth=0.5)
        cap = (up > 0.98) & (up < 1.06) & (abs(inland - at) < 0.013 * (1.9 - up) / 0.9)
        s.put(p.at(0.08 + 0 * s.x), cap.astype(float), fine=1.0, depth=0.5)
        halo = bell(np.hypot(inland - at, s.y - (base - 0.02 - 0.92 * tall)) / 0.05)
        s.put(toward(p.at(0.97 + 0 * s.x), p.accents[1], 0.7), 0.5 * halo)
    else:
        size, at = rng.uniform(0.07, 0.11), foot - rng.uniform(0.08, 0.2)
        up = (base + 0.02 - s.y) / size
        for lean, shade in ((1.0, 0.97), (-0.55, 0.78)):
            out = (inland - at) * lean / size
            sail = (up > 0.1) & (up < 1) & (out > 0.015) & (out < 0.42 * abs(lean) * (1 - up).clip(0, 1) ** 0.8)
            s.put(p.at(shade + 0 * s.x), sail.astype(float), angle=1.3, fine=1.0, depth=0.5)
        hull = (up <= 0.1) & (up > -0.06) & (abs(inland - at) < size * (0.36 + 0.9 * up))
        s.put(toward(p.at(0.12 + 0 * s.x), p.accents[0], 0.7), hull.astype(float), angle=0.0, fine=1.0, depth=0.5)


def hills(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """Ridge behind ridge into the light; fields, a way that leads in, trees that tell the scale."""
    horizon = s.height * rng.uniform(0.34, 0.46)
    sun = s.width * golden(rng), horizon - s.height * rng.uniform(0.02, 0.16)
    sky(s, p, rng, horizon, sun)
    disc = rise(0.042, 0.036, np.hypot(s.x - sun[0], s.y - sun[1]))
    s.put(toward(p.at(1.0 + 0 * s.x), p.glow, 0.6), 0.8 * disc, fine=0.6)
    ridges = int(rng.integers(6, 9))
    bend, swing = rng.uniform(0, 6.28), rng.choice([-1.0, 1.0])
    for number in range(ridges):
        near = number / (ridges - 1)
        base = horizon + (s.height - horizon) * (0.02 + 0.80 * near**1.35)
        tall = 0.055 + 0.10 * near
        wave = fbm(s.x * (3.4 - 2.1 * near), 9.1 * number + 0 * s.x, draw(rng), 5 if near < 0.4 else 3, 0.45)
        tilt = 0.09 * swing * (-1) ** number * (s.x / s.width - 0.5) * (0.4 + near)
        crest = base - tall * wave + tilt
        down = s.y - crest
        roll = fbm(s.x * 3.5, down * 7 + number * 5.3, draw(rng), 3)
        lit = rise(-0.5, 0.6, roll + 0.9 * np.sign(sun[0] - s.x) * np.gradient(crest, axis=1) * CELLS * 0.5)
        haze = (1 - near) ** 1.6
        tone = (
            0.13
            + 0.06 * (number % 2)
            + 0.48 * haze
            + 0.34 * lit * (1 - 0.3 * near)
            + 0.10 * rise(0.0, 0.22, down)
            - 0.10 * near
        )
        land = p.at(tone)
        plots = warped(s.x * (3.5 - 1.4 * near), down * (11 - 4 * near) + 3.3 * number, draw(rng), 0.25, 2)
        land = toward(land, p.accents[0], 0.34 * rise(0.12, 0.3, plots) * (0.35 + 0.65 * near))
        land = toward(
            land, p.accents[1], 0.45 * rise(0.18, 0.36, -plots) * lit + 0.40 * haze * bell((s.x - sun[0]) / 0.4)
        )
        rim = bell(down / (0.006 + 0.01 * near)) * bell((s.x - sun[0]) / 0.45)
        land += 0.35 * rim[..., None] * (p.ramp[4] - land)
        slope = np.arctan(np.gradient(crest, axis=1) * CELLS)
        s.put(
            land,
            rise(-0.0015, 0.0015, down),
            angle=slope * rise(0.3, 0.0, down) + 0.35 * roll + 0.25 * (near - 0.5),
            fine=0.15 + 0.45 * haze + 0.3 * rise(0.03, 0.0, down) + 0.25 * bell((s.x - sun[0]) / 0.3),
            depth=0.15 + 0.8 * near,
        )
        if 0 < number < ridges - 1:
            _trees(s, p, rng, crest[0], near, sun)
    # The way winds in from below and narrows as it goes.
    t = ((s.y - horizon) / (s.height - horizon)).clip(0, 1)
    middle = sun[0] + (0.06 + 0.40 * t) * s.width * np.sin(bend + 8.5 * np.sqrt(t)) * np.sqrt(t)
    wide = 0.004 + 0.085 * t**1.6
    way = rise(1.0, 0.75, abs(s.x - middle) / wide) * rise(0.10, 0.16, t)
    broken = rise(-0.45, 0.0, fbm(s.x * 3, s.y * 7, draw(rng), 3) + 0.25)
    water = toward(p.at(0.80 - 0.22 * t + 0.15 * fbm(s.x * 8, s.y * 30, draw(rng), 2)), p.accents[1], 0.35)
    s.put(water, 0.9 * way * broken, angle=0.15 * np.cos(bend + 8.5 * np.sqrt(t)), fine=0.6)


def _trees(
    s: Scene, p: Palette, rng: np.random.Generator, crest: NDArray[np.float64], near: float, sun: tuple[float, float]
) -> None:
    """Clumps on a ridge, slim or round, dark against what lies behind; sometimes a house among them."""
    for clump in range(int(rng.integers(1, 4))):
        centre, slim = rng.uniform(0, s.width), rng.uniform(0.26, 0.34) if rng.random() < 0.5 else rng.uniform(0.6, 0.8)
        if clump == 0 and 0.2 < near < 0.7 and rng.random() < 0.5:
            _house(s, p, centre + 0.02, crest, 0.012 + 0.03 * near, np.sign(sun[0] - centre))
        for _ in range(int(rng.integers(3, 9))):
            at = centre + rng.normal(0, 0.025 + 0.05 * near)
            tall = (0.016 + 0.075 * near) * rng.uniform(0.6, 1.3) * (1.25 if slim < 0.5 else 0.8)
            column = int(np.clip(at / s.width * len(crest), 0, len(crest) - 1))
            part = s.around((at, crest[column] - 0.4 * tall), 0.9 * tall)
            up = (crest[column] + 0.12 * tall - part.y) / tall
            dx = (part.x - at) / (tall * slim)
            crown = 1 - np.hypot(dx * 1.7, np.where(up < 0.4, 2.4, 1.65) * (up - 0.4))
            crown += 0.22 * fbm(part.x * 1.1 / tall, part.y * 1.1 / tall, draw(rng), 3)
            lit = rise(-0.5, 1.0, dx * np.sign(sun[0] - at) + 0.9 * (up - 0.4))
            tree = toward(p.at(0.05 + 0.24 * (1 - near) + 0.32 * lit), p.glow, 0.3 * lit)
            cover = rise(0.0, 0.06, crown)
            part.put(tree, cover, angle=np.pi / 2 + 0.5 * dx.clip(-1, 1), fine=0.95, depth=0.22 + 0.8 * near)


def _house(s: Scene, p: Palette, at: float, crest: NDArray[np.float64], size: float, sunward: float) -> None:
    """A gable and a long roof."""
    foot = crest[int(np.clip(at / s.width * len(crest), 0, len(crest) - 1))] + 0.35 * size
    s = s.around((at, foot), 3 * size)
    dx, up = (s.x - at) / size, (foot - s.y) / size
    wall = (abs(dx) < 1.25) & (up > 0) & (up < 0.9)
    s.put(p.at(np.where(dx * sunward > 0.3, 0.94, 0.74)), wall.astype(float), angle=np.pi / 2, fine=1.0, depth=0.5)
    roof = (up >= 0.85) & (up < 1.6) & (abs(dx) < 1.5 - 0.75 * (up - 0.85))
    s.put(toward(p.at(0.36 + 0 * s.x), p.accents[0], 0.9), roof.astype(float), angle=0.0, fine=1.0, depth=0.52)
    door = (abs(dx + 0.4) < 0.16) & (up > 0) & (up < 0.5)
    s.put(p.at(0.1 + 0 * s.x), door.astype(float), fine=1.0, depth=0.53)


def vortex(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """Everything turns about a bright eye: arms of a logarithmic spiral, torn by noise."""
    eye = s.width * golden(rng), s.height * (golden(rng) * 0.7 + 0.12)
    spin, squash, turn = float(rng.choice([-1, 1])), rng.uniform(0.72, 0.95), rng.uniform(-0.5, 0.5)
    dx, dy = s.x - eye[0], s.y - eye[1]
    rx, ry = dx * np.cos(turn) + dy * np.sin(turn), (dy * np.cos(turn) - dx * np.sin(turn)) / squash
    bent = 0.10 * fbm(s.x * 2.4, s.y * 2.4, draw(rng), 3), 0.10 * fbm(s.x * 2.4, s.y * 2.4, draw(rng), 3)
    rx, ry = rx + bent[0] * np.hypot(rx, ry) * 2, ry + bent[1] * np.hypot(rx, ry) * 2
    radius, around = np.hypot(rx, ry) + 1e-4, np.arctan2(ry, rx)
    pitch = rng.uniform(1.6, 2.4)
    phase = around * spin - pitch * np.log(radius + 0.02)
    arms = int(rng.integers(2, 4))
    # Noise on a circle, so that no seam shows.
    cx, cy = np.cos(phase) * 1.3, np.sin(phase) * 1.3
    cloud = fbm(cx + 0.6 * np.log(radius), cy + 2.1 * radius, draw(rng), 5)
    thread = fbm(cx * 3.2 + radius * 1.1, cy * 3.2 - radius * 0.7, draw(rng), 4)
    arm = 0.5 + 0.5 * np.cos(arms * phase + 1.6 * cloud)
    glow = np.exp(-radius / 0.20)
    heart = bell(radius / 0.075)
    tone = 0.16 + 0.40 * arm * np.exp(-radius / 0.75) + 0.20 * cloud + 0.16 * thread + 0.55 * glow + 0.25 * heart
    tone -= 0.12 * rise(0.55, 0.95, radius)
    paint = p.at(tone)
    paint = toward(
        paint,
        p.accents[0],
        0.75 * rise(0.25, 0.9, arm + 0.5 * cloud) * rise(0.05, 0.22, radius) * rise(0.75, 0.3, radius),
    )
    paint = toward(paint, p.glow, 0.9 * glow)
    paint = toward(paint, p.accents[1], 0.45 * rise(0.3, 0.7, thread))
    tangent = around + spin * np.arctan(pitch)
    # Back from the squashed circle to the picture.
    tx, ty = np.cos(tangent), np.sin(tangent) * squash
    angle = np.arctan2(ty, tx) + turn
    s.put(
        paint,
        np.ones_like(s.x),
        angle=angle + 0.35 * thread,
        fine=0.12 + 0.75 * np.exp(-radius / 0.22) + 0.3 * rise(0.2, 0.6, abs(thread)),
    )
    for _ in range(int(rng.integers(40, 80))):
        away, where = rng.uniform(0.06, 0.7) ** 1.1, rng.uniform(0, 2 * np.pi)
        px, py = away * np.cos(where), away * np.sin(where) * squash
        px, py = px * np.cos(turn) - py * np.sin(turn) + eye[0], px * np.sin(turn) + py * np.cos(turn) + eye[1]
        size = rng.uniform(0.004, 0.011)
        part = s.around((px, py), 2 * size)
        spark = rise(1.1, 0.7, np.hypot(part.x - px, part.y - py) / size)
        part.put(toward(p.ramp[4], p.accents[int(rng.integers(2))], 0.5), spark, fine=1.0, depth=0.9)
    s.depth = 0.6 * rise(0.0, 0.8, radius)


def bloom(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """Flowers out of a dark ground, one of them near and open, others turned away or still shut."""
    light = rng.uniform(-2.4, -0.8)
    far = warped(s.x * 1.4, s.y * 1.4, draw(rng), 0.7, 4)
    focus = s.width * (golden(rng)), s.height * (golden(rng) * 0.75 + 0.08)
    aura = bell(np.hypot(s.x - focus[0], s.y - focus[1]) / 0.62)
    back = p.at(0.13 + 0.17 * far + 0.26 * aura + 0.12 * (1 - s.y / s.height))
    back = toward(back, p.ground, 0.25 + 0.2 * far)
    s.put(back, np.ones_like(s.x), angle=1.3 + 1.6 * far, fine=0.12 + 0 * s.x)
    leaf_hue = p.ramp[2]
    flowers = [(focus[0], focus[1], rng.uniform(0.22, 0.27), 0)]
    for _ in range(200):
        if len(flowers) >= 10:
            break
        # The further from the open one, the smaller and the rarer.
        where, away = rng.uniform(0, 2 * np.pi), abs(rng.normal(0.0, 0.30)) + 0.2
        size = rng.uniform(0.10, 0.17) * float(np.clip(1.25 - away, 0.45, 1))
        at = focus[0] + away * np.cos(where), focus[1] + away * np.sin(where) * s.height / s.width
        inside = 0 < at[0] < s.width and 0.04 * s.height < at[1] < 0.86 * s.height
        if inside and all(np.hypot(at[0] - f[0], at[1] - f[1]) > 0.70 * (size + f[2]) for f in flowers):
            flowers.append((at[0], at[1], size, len(flowers)))
    stem_foot = focus[0] + rng.normal(0, 0.1), s.height * 1.15
    for fx, fy, size, _ in flowers:
        bow = rng.normal(0, 0.08)
        t = ((s.y - fy) / (stem_foot[1] - fy)).clip(0, 1)
        middle = fx + (stem_foot[0] - fx) * t + bow * np.sin(np.pi * t)
        stem = rise(1.2, 0.7, abs(s.x - middle) / (0.004 + 0.012 * size * 4)) * (s.y > fy)
        s.put(p.at(0.26 + 0.12 * rise(-1, 1, (middle - s.x) * 80)), 0.9 * stem, angle=np.pi / 2, fine=0.6, depth=0.3)
    for _ in range(int(rng.integers(20, 30))):
        flower = flowers[int(rng.integers(len(flowers)))]
        where = rng.uniform(0.2, 2.9)
        length = rng.uniform(0.10, 0.24)
        root = flower[0] + 0.55 * flower[2] * np.cos(where), flower[1] + 0.55 * flower[2] * np.sin(where)
        dark, pale = ((0.06, 0.30), (0.16, 0.62))[int(rng.random() < 0.4)]
        _petal(s, p, rng, root, where + rng.normal(0, 0.5), length, 0.3, leaf_hue, light, (dark, pale), 0.4)
    for fx, fy, size, kind in reversed(flowers):
        hue = p.accents[0] if kind % 3 != 1 else (p.accents[1] if kind % 2 else p.ramp[3])
        _flower(s, p, rng, (fx, fy), size, hue, light, kind == 0)


def _flower(
    s: Scene,
    p: Palette,
    rng: np.random.Generator,
    at: tuple[float, float],
    size: float,
    hue: Lab,
    light: float,
    open_: bool,
) -> None:
    """Rings of petals, the outer first."""
    squash = rng.uniform(0.82, 0.98) if open_ else rng.uniform(0.5, 0.9)
    rings = 5 if size > 0.2 else 4 if size > 0.11 else 3
    for ring in range(rings):
        out = 1 - ring / rings
        petals = int(rng.integers(7, 10)) if ring < rings - 1 else 5
        start = rng.uniform(0, 2 * np.pi)
        for petal in rng.permutation(petals):
            where = start + 2 * np.pi * petal / petals + rng.normal(0, 0.12)
            ox, oy = np.cos(where), np.sin(where) * squash
            direction = np.arctan2(oy, ox)
            length = size * (0.45 + 0.55 * out) * np.hypot(ox, oy) * rng.uniform(0.9, 1.12)
            root = at[0] + 0.05 * size * ox, at[1] + 0.05 * size * oy
            # The whole flower is a bowl too: petals that face the light are paler, the heart lies in shadow.
            turned_to = 0.20 * np.cos(where - light) * out
            tones = 0.16 + 0.10 * out + turned_to, 0.82 + 0.10 * out + turned_to
            _petal(s, p, rng, root, direction, length, 0.46 + 0.1 * (1 - out), hue, light, tones, 0.75 + 0.25 * open_)
    s = s.around(at, 0.3 * size)
    core = np.hypot(s.x - at[0], (s.y - at[1]) / squash) / (0.15 * size)
    grain = fbm(s.x * 40, s.y * 40, draw(rng), 2)
    s.put(
        toward(p.at(0.30 + 0.40 * rise(-0.3, 0.5, grain)), p.accents[1], 0.7),
        rise(1.1, 0.8, core + 0.3 * grain),
        angle=np.arctan2(s.y - at[1], s.x - at[0]),
        fine=1.0,
        depth=0.95,
    )


def _petal(
    s: Scene,
    p: Palette,
    rng: np.random.Generator,
    root: tuple[float, float],
    direction: float,
    length: float,
    wide: float,
    hue: Lab,
    light: float,
    tones: tuple[float, float],
    fine: float,
) -> None:
    """A petal or leaf from its root outwards, hollow along the middle, with tones from root to tip."""
    s = s.around(root, 1.25 * length)
    dx, dy = s.x - root[0], s.y - root[1]
    u = (dx * np.cos(direction) + dy * np.sin(direction)) / length
    v = (dy * np.cos(direction) - dx * np.sin(direction)) / length
    v = v + rng.normal(0, 0.16) * u * u
    ruffle = fbm(s.x * 2.2 / length, s.y * 2.2 / length, draw(rng), 3)
    profile = wide * np.sqrt((u * (1.03 - u)).clip(0, None)) * (0.75 + 0.7 * u) * (1 + 0.22 * ruffle)
    inside = rise(0.0, 0.05, profile - abs(v)) * ((u > 0) & (u < 1.03))
    # Lit as a shallow bowl would be.
    normal = direction + np.where(v > 0, 1.0, -1.0) * np.pi / 2
    facing = np.cos(normal - light) * rise(0.0, 1.0, abs(v) / np.maximum(profile, 1e-3))
    veins = fbm(u * 1.2, v * 16 / max(wide, 0.1), draw(rng), 2)
    tone = tones[0] + (tones[1] - tones[0]) * (u.clip(0, 1) ** 0.8 * 0.75 + 0.22 * facing + 0.10 * veins + 0.08)
    rim = rise(0.05, 0.0, profile - abs(v)) * (u > 0.35)
    paint = toward(p.at(tone + 0.10 * rim), hue, 0.85 - 0.5 * rise(0.70, 1.0, tone), light=0.12)
    shadow = rise(0.12, 0.0, abs(v) - profile) * ((u > 0.1) & (u < 1.12))
    s.put(0.5 * (p.ramp[0] + p.ramp[1]), 0.5 * shadow * (1 - inside))
    s.put(paint, inside, angle=direction + 0.9 * v / wide * (1 - u), fine=fine, depth=0.6 + 0.3 * fine)


def grove(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """Trunks before light: pale and many behind, few and dark before; leaves above, long shadows below."""
    floor = s.height * rng.uniform(0.66, 0.76)
    sun = s.width * golden(rng), floor - s.height * rng.uniform(0.18, 0.32)
    far = np.hypot((s.x - sun[0]) / 0.42, (s.y - sun[1]) / 0.36)
    glow = np.exp(-far * far * 0.8)
    mist = warped(s.x * 1.6, s.y * 1.2, draw(rng), 0.6, 4)
    back = toward(p.at(0.34 + 0.58 * glow + 0.14 * mist), p.accents[1], 0.6 * glow)
    s.put(back, np.ones_like(s.x), angle=1.35 + 0.8 * mist, fine=0.15 + 0.3 * glow)
    leaves = warped(s.x * 3.0, s.y * 3.6, draw(rng), 0.6, 5)

    t = ((s.y - floor) / (s.height - floor)).clip(0, 1)
    fan = (s.x - sun[0]) / (0.22 + 0.9 * t)
    dapple = warped(fan * 3.5, np.log(0.15 + t) * 3.0, draw(rng), 0.4, 4)
    bars = fbm(fan * 9, 0 * fan, draw(rng), 3)
    lit = rise(-0.1, 0.5, dapple + 0.5 * bars + 0.45 * bell(fan / 0.6) - 0.25 * t)
    ground = toward(p.at(0.20 + 0.52 * lit - 0.12 * t), p.accents[0], 0.35 * rise(-0.1, 0.5, -dapple) + 0.1)
    ground = toward(ground, p.accents[1], 0.4 * lit * (1 - t))
    s.put(
        ground,
        rise(-0.012, 0.012, s.y - floor - 0.02 * dapple),
        angle=0.35 * fan.clip(-2, 2) * t + 0.3 * dapple,
        fine=0.2 + 0.4 * lit * (1 - t),
        depth=0.25,
    )
    for layer, (count, thick, tone, reach) in enumerate(
        ((13, 0.0075, 0.52, 0.01), (9, 0.017, 0.31, 0.07), (4, 0.040, 0.10, 0.22))
    ):
        for number in range(count):
            at = (number + rng.uniform(0.1, 0.9)) / count * s.width
            if layer == 2 and abs(at - sun[0]) < 0.16:
                at += 0.26 * np.sign(at - sun[0] + 1e-6)
            elif layer == 1 and abs(at - sun[0]) < 0.05:
                continue
            wide = thick * rng.uniform(0.7, 1.35)
            foot = floor + reach * rng.uniform(0.5, 1.1)
            lean = rng.normal(0, 0.05)
            sway = at + lean * (foot - s.y) + wide * 1.1 * fbm(s.y * 2.2, 0 * s.y + number, draw(rng), 3)
            flare = wide * (1 + 0.10 * rise(0.10, 0.0, foot - s.y) * 6 - 0.35 * rise(0.0, 0.9, foot - s.y))
            v = (s.x - sway) / flare
            bark = fbm(s.x * 0.16 / wide, s.y * 0.30 / wide, draw(rng), 3)
            toward_sun = np.sign(sun[0] - at) * v
            edge = rise(0.15, 1.0, toward_sun)
            colour = p.at(tone + 0.09 * bark + (0.34 - 0.05 * layer) * edge + 0.22 * glow * (layer < 2))
            colour = toward(colour, p.accents[1], 0.5 * edge * glow + 0.25 * glow)
            colour = toward(colour, p.accents[0], 0.22 * rise(0.1, 0.5, bark) * (layer > 0))
            cover = rise(1.06, 0.94, abs(v)) * rise(0.008, -0.004, s.y - foot - 0.01 * bark)
            s.put(
                colour, cover, angle=np.pi / 2 - lean + 0.25 * bark, fine=0.55 + 0.1 * layer, depth=0.35 + 0.25 * layer
            )
            if layer < 2:
                continue
            fall = np.arctan2(s.height - foot, (at - sun[0]) * 1.1)
            along = (s.y - foot).clip(0, None)
            path = at + along / np.tan(fall) if abs(np.tan(fall)) > 1e-3 else at + 0 * along
            cast = rise(1.0, 0.5, abs(s.x - path) / (wide * (1 + 2.2 * along))) * (s.y > foot)
            s.put(p.at(0.07 + 0.10 * dapple), 0.8 * cast, depth=0.4)
    top = rise(0.52, 0.08, s.y / s.height + 0.22 * fbm(s.x * 1.7, s.y * 1.1, draw(rng), 3) - 0.10)
    for level, shift, where in ((0.0, 0.0, -0.02), (0.14, 7.7, 0.14)):
        mass = warped(s.x * 3.4 + shift, s.y * 4.0, draw(rng), 0.5, 5) if shift else leaves
        cover = rise(where, where + 0.10, mass - 0.95 + 1.25 * top)
        shine = rise(-0.3, 0.5, fbm(s.x * 7, s.y * 7, draw(rng), 3) + 0.9 * glow - 0.2)
        leaf = toward(p.at(0.12 + level + 0.40 * shine + 0.30 * glow), p.accents[0], 0.35 + 0.35 * shine)
        leaf = toward(leaf, p.accents[1], 0.5 * glow)
        s.put(leaf, cover, angle=0.7 + 2.2 * fbm(s.x * 3, s.y * 3, draw(rng), 2), fine=0.55, depth=0.75)


def drapery(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """Cloth that falls from a hand above the picture, another drawn across it; one light over both."""
    side = float(rng.choice([-1, 1]))
    focus = s.width * (0.5 - 0.12 * side), s.height * rng.uniform(0.35, 0.6)
    spot = np.exp(-(((s.x - focus[0]) / 0.52) ** 2) - ((s.y - focus[1]) / 0.62) ** 2)
    behind = s.width * (0.5 + 0.30 * side), -s.height * rng.uniform(0.15, 0.35)
    _cloth(s, p, rng, behind, spot, None, np.ones_like(s.x))

    before = s.width * (0.5 - side * rng.uniform(0.30, 0.55)), -s.height * rng.uniform(0.05, 0.20)
    down = s.y / s.height
    sway = 0.05 * np.sin(2 * np.pi * (0.9 * down + rng.random())) + 0.02 * fbm(s.y * 4, 0 * s.y, draw(rng), 3)
    hem = side * (s.x - s.width * (0.5 - 0.24 * side + side * 0.62 * (1 - down) ** 1.7 * rng.uniform(0.8, 1.1))) + sway
    cast = rise(0.14, 0.0, hem) * rise(-0.02, 0.0, hem)
    s.colour += (0.85 * cast)[..., None] * (p.ramp[0] - s.colour)
    _cloth(s, p, rng, before, spot, p.accents[0], rise(0.003, -0.003, hem))
    fold = bell((hem + 0.018) / 0.014)
    lean_y, lean_x = np.gradient(hem)
    s.put(
        toward(p.at(0.50 + 0.42 * spot), p.accents[1], 0.7),
        0.8 * fold,
        angle=np.arctan2(lean_x, -lean_y),
        fine=0.7,
    )


def _cloth(
    s: Scene,
    p: Palette,
    rng: np.random.Generator,
    pin: tuple[float, float],
    spot: Plane,
    hue: Lab | None,
    cover: Plane,
) -> None:
    """Folds that spread from ``pin``: a few deep, some between, each lit on one flank."""
    dx, dy = s.x - pin[0], s.y - pin[1]
    dx = dx + 0.07 * fbm(s.x * 1.4, s.y * 1.2, draw(rng), 3) * rise(0.0, 0.8, dy)
    radius, around = np.hypot(dx, dy), np.arctan2(dx, dy)
    slip = 0.9 * fbm(around * 2.2, radius * 0.9, draw(rng), 2)
    flank, hollow = np.zeros_like(dx), np.zeros_like(dx)
    for folds, strength, part in ((2.3, 0.62, 1.0), (5.2, 0.34, 0.8), (11.0, 0.12, 0.6)):
        depth = strength * (0.55 + 0.9 * rise(-0.4, 0.5, fbm(around * folds, radius * 1.6, draw(rng), 2)))
        phase = 2 * np.pi * (folds * around + part * slip + rng.random())
        # A fold is steeper on its shadow side.
        phase = phase + 0.55 * np.sin(phase)
        flank += depth * np.sin(phase + 0.5)
        hollow += depth * np.cos(phase)
    shade = 0.5 * rise(-0.75, 0.95, flank) + 0.25 * flank.clip(-0.8, 1) + 0.22
    deep = rise(-0.25, -0.85, hollow)
    tone = (0.07 + 0.84 * shade) * (0.48 + 0.52 * spot) * (1 - 0.55 * deep) + 0.07 * rise(-0.5, -0.9, flank)
    sheen = rise(0.80, 1.0, shade) * (0.25 + 0.75 * spot)
    cloth = p.at(tone + 0.10 * sheen)
    cloth = toward(cloth, p.glow, 0.2 * sheen) if hue is None else toward(cloth, hue, 0.80 - 0.35 * sheen)
    cloth = toward(cloth, p.ramp[1], 0.35 * deep)
    angle = np.arctan2(dy, dx) - 0.25 * np.cos(2 * np.pi * slip)
    s.put(cloth, cover, angle=angle, fine=0.16 + 0.42 * sheen + 0.25 * spot * rise(0.3, 0.7, abs(flank)), depth=0.3)


def stones(s: Scene, p: Palette, rng: np.random.Generator) -> None:
    """A few stones set on one another by still water, on a bed of others."""
    horizon = s.height * rng.uniform(0.30, 0.40)
    sun = s.width * golden(rng), horizon - 0.10
    sky(s, p, rng, horizon, sun)
    s.colour += 0.35 * (p.ramp[3] - s.colour)
    shore_line = s.height * rng.uniform(0.56, 0.64)
    t = ((s.y - horizon) / (s.height - horizon)).clip(0, 1)
    calm = fbm(s.x * 1.5, np.log(t + 0.06) * 5, draw(rng), 4)
    mirror = bell((s.x - sun[0] + 0.06 * calm) / 0.22)
    water = toward(p.at(0.62 - 0.28 * t + 0.22 * mirror + 0.13 * calm), p.accents[1], 0.35 * mirror)
    s.put(water, rise(-0.006, 0.006, s.y - horizon), angle=0.06 * calm, fine=0.12 + 0.2 * mirror, depth=0.2)
    light = (np.sign(sun[0] - s.width / 2) or 1.0) * 0.62, -0.72
    y = shore_line
    while y < s.height * 1.12:
        near = (y - horizon) / (s.height - horizon)
        size = 0.024 + 0.115 * near**2.0
        x = rng.uniform(-1, 0) * size
        while x < s.width + size:
            wide = size * rng.uniform(0.7, 1.45)
            tone = rng.normal(0.40, 0.04 + 0.08 * near)
            _stone(s, p, rng, (x + wide * 0.5, y + rng.normal(0, 0.25) * size), wide * 0.62, tone, light, near)
            x += wide * rng.uniform(0.75, 1.1)
        y += size * rng.uniform(0.42, 0.58)
    at, base = s.width - sun[0] + rng.normal(0, 0.02), s.height * rng.uniform(0.80, 0.86)
    wide = rng.uniform(0.17, 0.21)
    for number in range(int(rng.integers(4, 6))):
        flat = rng.uniform(0.48, 0.66)
        base -= wide * flat * (0.9 if number else 0.55)
        _stone(
            s,
            p,
            rng,
            (at, base),
            wide,
            rng.normal(0.46, 0.08),
            light,
            1.0,
            flat=flat,
            accent=0.75 if number == 2 else 0.15,
        )
        base -= wide * flat * 0.86
        at += rng.normal(0, 0.12) * wide
        wide *= rng.uniform(0.66, 0.84)


def _stone(
    s: Scene,
    p: Palette,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius: float,
    tone: float,
    light: tuple[float, float],
    near: float,
    flat: float | None = None,
    accent: float | None = None,
) -> None:
    """One rounded stone, its shadow first. Stones of the bed choose their own flatness and accent."""
    fine = 0.3 + 0.25 * near if flat is None else 0.6
    flat = rng.uniform(0.55, 0.85) if flat is None else flat
    turn = rng.normal(0, 0.12)
    hue, share = p.accents[int(rng.integers(2))], (0.55 if rng.random() < 0.16 else 0.12) if accent is None else accent
    s = s.around(at, 1.5 * radius)
    dx, dy = (s.x - at[0]) / radius, (s.y - at[1]) / radius
    u, v = dx * np.cos(turn) + dy * np.sin(turn), (dy * np.cos(turn) - dx * np.sin(turn)) / flat
    lump = 0.10 * fbm(dx * 0.9, dy * 0.9, draw(rng), 2)
    far = (abs(u) ** 2.4 + abs(v) ** 2.2) ** (1 / 2.3) + lump
    if accent is None:
        cast = rise(1.35, 0.75, np.hypot(dx + 0.22 * np.sign(light[0]), (dy - 0.30 * flat) / flat))
    else:
        cast = rise(1.0, 0.4, np.hypot(1.15 * dx, (dy - 0.95 * flat) / (0.4 * flat)))
    s.put(p.ramp[0], (0.25 + 0.5 * near) * cast)
    up = np.sqrt((1 - far * far).clip(0, 1))
    facing = light[0] * u + light[1] * v + 0.52 * up
    vein = fbm(u * 2.2, v * 3.4, draw(rng), 3)
    value = (
        tone - 0.20 + 0.50 * rise(-0.35, 1.05, facing) + 0.07 * vein + 0.06 * rise(0.4, 1.0, v) * rise(0.7, 1.0, far)
    )
    value += 0.28 * rise(0.80, 1.05, facing)
    value += 0.25 * (1 - near) * (0.5 - value)
    paint = toward(toward(p.at(value), p.ground, 0.25), hue, share + 0.12 * rise(0.1, 0.5, vein))
    s.put(
        paint,
        rise(1.03, 0.95, far),
        angle=turn - np.arctan(1.1 * u * flat) + 0.5 * vein,
        fine=fine,
        depth=0.3 + 0.6 * near,
    )


COMPOSITIONS: Mapping[str, tuple[Callable[[Scene, Palette, np.random.Generator], None], str]] = {
    "shore": (shore, "the sea, a coast, waves, a lighthouse, a harbour, ships, an island, water to the horizon"),
    "hills": (hills, "hills, fields, mountains, a valley, a river, a road, countryside, journey, desert dunes"),
    "vortex": (vortex, "a storm, a whirl, music, stars and galaxies, energy, dance, fire, chaos, dream, machine"),
    "bloom": (bloom, "flowers, a garden, spring, love, a wedding, petals, a bouquet, birth, tenderness, market"),
    "grove": (grove, "a forest, trees, woods, leaves, birds, autumn, light through branches, a path, childhood"),
    "drapery": (drapery, "cloth, silk, a dress, a curtain, theatre, opera, a bed, skin, ceremony, flags, a bazaar"),
    "stones": (stones, "stones, silence, patience, balance, age, memory, grief, meditation, a river bed, ruins"),
}
"""Each composition, and what it speaks of."""
