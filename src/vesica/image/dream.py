"""DeepDream (Mordvintsev, Olah and Tyka, 2015): show a network more of what it already sees.

The picture is climbed towards larger mean squares of a network's inner maps, small scale first. Gradients are split
into bands of detail, each brought to one strength (the "Laplacian" of the original), and into light and colour, with
colour held back more the finer the band: photographs have little colour at one or two pixels, networks want a lot.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from torch import Tensor

from vesica.errors import VesicaError, did_you_mean
from vesica.image.mask import strength_of
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture, check_picture
from vesica.image.tensors import one_thread_each, reflected, scaled, to_picture
from vesica.weights.efficientnet_lite import LAYERS, EfficientNetLite, efficientnet_lite, stride_of
from vesica.work import Progress, Step

TILE = 320
"""Longest side in pixels that one thread works on. It is fixed, so that the result does not depend on the threads."""

MARGIN = 16
"""Pixels of its neighbours that a tile sees: a network's edges see zeros."""

BORDER = 8
"""Pixels of reflected picture, at least, beyond its border, for the same reason."""

SMALLEST = 32
"""Pixels of the shortest side below which there is nothing to see."""

AXES = torch.tensor([[1, 1, 1], [1, 0, -1], [-1, 2, -1]], dtype=torch.float32)
AXES = AXES / AXES.square().sum(1, keepdim=True).sqrt()
"""Opponent colours (rows): light, red against blue, green against magenta. Photographs vary along them nearly
independently."""

BANDS = (0.25, 0.7, 1.0, 0.4)
"""Strength of each band of detail, fine to coarse; the last is all that is coarser."""

COLOURS = (0.07, 0.17, 0.28, 0.28)
"""Strength of colour against light in each band."""


def dream(
    *, picture: Picture, params: DreamParams, seed: int, mask: Picture | None = None, progress: Progress | None = None
) -> Picture:
    """Dream into ``picture``; the result has its size.

    Parameters
    ----------
    picture : uint8 [height, width, 3], at least 32 pixels a side; left unchanged
    params : the knobs
    seed : draws how the view moves from step to step
    mask : where to dream: white is full strength, black is kept to the byte; same shape as the picture, at any size
    progress : called after every step with the dream so far; may raise ``Cancelled``

    Raises
    ------
    VesicaError : unknown layer, a picture too small, a mask of another shape; ``ModelMissing`` without the network
    """
    check_picture(picture)
    layers = parse_layers(params.layer)
    strength = strength_of(picture, mask, params.feather)
    with one_thread_each() as pool:
        base = _worked_at(picture, params.size)
        height, width = base.shape[-2:]
        weight = None if strength is None else scaled(torch.from_numpy(strength)[None, None], height, width)
        sizes = _sizes(height, width, params)
        generator = torch.Generator().manual_seed(seed)
        network, dreamt, done = efficientnet_lite(), torch.zeros(1, 3, 1, 1), 0
        for size in sizes:
            ground = scaled(base, *size).clamp(0, 1)
            view = ground + scaled(dreamt, *size)
            climb = partial(_slope, network=network, layers=_balanced(network, layers, view), pool=pool)
            held = None if weight is None else scaled(weight, *size).clamp(0, 1)
            for _ in range(params.steps):
                shift = torch.randint(0, params.jitter + 1, (2,), generator=generator).tolist()
                slope = _even(climb(view, jitter=params.jitter, shift=(shift[0], shift[1])), params.colour)
                view = (view + params.rate * (slope if held is None else slope * held)).clamp(0, 1)
                done += 1
                if progress:
                    seen = (base + scaled(view - ground, height, width)).clamp(0, 1)
                    progress(Step(done, len(sizes) * params.steps, to_picture(seen), f"at {size[1]} x {size[0]}"))
            dreamt = view - ground
        # The photograph keeps its own sharpness: only what was dreamt is scaled up and laid over it.
        change = scaled(dreamt, *picture.shape[:2])[0].permute(1, 2, 0).numpy() * 255
    if strength is not None:
        change = change * strength[..., None]
    result: Picture = np.rint(picture + change).clip(0, 255).astype(np.uint8)
    return result


def parse_layers(text: str) -> tuple[str, ...]:
    """Names of the network's maps out of ``"e9+e5"``. Raises ``VesicaError`` naming those there are."""
    names = tuple(part.strip() for part in text.lower().split("+"))
    for name in names:
        if name not in LAYERS:
            hint = did_you_mean(name, LAYERS, "")
            raise VesicaError(
                f"There is no layer {name[:60]!r}; {hint + ' Or ' if hint else ''}choose among b0 to b15 (outputs), "
                "e1 to e15 (animals and textures) and d0 to d15, several joined by a plus."
            )
    return tuple(dict.fromkeys(names))


def _worked_at(picture: Picture, longest: int) -> Tensor:
    """The picture as float32 [1, 3, height, width] of 0..1, scaled down to ``longest`` (0: as it is)."""
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        raise VesicaError(
            f"A picture to dream into needs {SMALLEST} pixels a side; this one has {width} x {height}, so scale it up."
        )
    scale = min(1.0, max(longest / max(height, width), SMALLEST / min(height, width))) if longest else 1.0
    size = max(SMALLEST, round(width * scale)), max(SMALLEST, round(height * scale))
    scaled = np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    return torch.from_numpy(scaled).permute(2, 0, 1)[None].float() / 255


def _sizes(height: int, width: int, params: DreamParams) -> list[tuple[int, int]]:
    """Height and width of every octave, small to large; octaves too small to see anything in are left out."""
    scales = [params.ratio**-octave for octave in reversed(range(params.octaves))]
    sizes = [(round(height * scale), round(width * scale)) for scale in scales]
    return [size for size in sizes if min(size) >= SMALLEST] or [(height, width)]


def _balanced(network: EfficientNetLite, layers: tuple[str, ...], view: Tensor) -> dict[str, float]:
    """Weight of each layer so that all begin with the same say, whatever the size of their numbers."""
    if len(layers) == 1:
        return {layers[0]: 1.0}
    with torch.no_grad():
        maps = network.maps(view, layers)
    return {name: 1 / (stride_of(name) ** 2 * maps[name].double().square().sum().item() + 1e-9) for name in layers}


def _slope(
    view: Tensor,
    *,
    network: EfficientNetLite,
    layers: dict[str, float],
    pool: Executor,
    jitter: int,
    shift: tuple[int, int],
) -> Tensor:
    """Gradient of the layers' squares by the pixels of ``view`` [1, 3, height, width].

    The network's grid lies ``shift`` pixels (down, right; 0..jitter) off the picture's, so that it leaves no trace.
    """
    height, width = view.shape[-2:]
    pad = BORDER + jitter
    rows, columns = reflected(height, pad)[shift[0] :], reflected(width, pad)[shift[1] :]
    rows, columns = rows[: height + 2 * BORDER + jitter], columns[: width + 2 * BORDER + jitter]
    # Reflection instead of a roll: a roll joins opposite borders, and the joint shows as a dark frame.
    seen = view[:, :, rows][:, :, :, columns]

    def climb(tile: tuple[slice, slice, slice, slice]) -> Tensor:
        down, right, inner_down, inner_right = tile
        part = seen[:, :, down, right].contiguous(memory_format=torch.channels_last).requires_grad_()
        maps = network.maps(part, tuple(layers))
        # A plain sum, so that every tile pulls as it would inside the whole.
        gain = torch.stack([weight * maps[name].square().sum() for name, weight in layers.items()]).sum()
        (slope,) = torch.autograd.grad(gain, part)
        return slope[:, :, inner_down, inner_right]

    across = list(_cut(seen.shape[3]))
    tiles = [(down, right, inner, side) for down, inner in _cut(seen.shape[2]) for right, side in across]
    slopes = list(pool.map(climb, tiles))
    bands = [torch.cat(slopes[start : start + len(across)], 3) for start in range(0, len(slopes), len(across))]
    top, left = pad - shift[0], pad - shift[1]
    return torch.cat(bands, 2)[:, :, top : top + height, left : left + width]


def _cut(size: int) -> Iterator[tuple[slice, slice]]:
    """Cut a side into tiles: what is seen (with its margins), and which part of that counts."""
    count = -(-size // TILE)
    # Cuts lie on steps of the network's coarsest grid, so that a tile sees the grid that the whole would.
    edges = [round(size * place / count / 32) * 32 for place in range(count)] + [size]
    for start, end in pairwise(edges):
        first, last = max(0, start - MARGIN), min(size, end + MARGIN)
        yield slice(first, last), slice(start - first, end - first)


KERNEL = torch.tensor([1, 4, 6, 4, 1], dtype=torch.float32) / 16


def _blurred(x: Tensor) -> Tensor:
    count = x.shape[1]
    x = F.pad(x, (2, 2, 2, 2), mode="replicate")
    x = F.conv2d(x, KERNEL.view(1, 1, 1, 5).expand(count, 1, 1, 5), groups=count)
    return F.conv2d(x, KERNEL.view(1, 1, 5, 1).expand(count, 1, 5, 1), groups=count)


def _even(slope: Tensor, colour: float) -> Tensor:
    """The gradient with every band of detail at its own strength, light and colour apart; mean absolute value 1."""
    rest, bands = torch.einsum("ij,bjhw->bihw", AXES, slope), []
    for _ in BANDS[1:]:
        coarse = _blurred(rest)[:, :, ::2, ::2]
        bands.append(rest - F.interpolate(coarse, rest.shape[-2:], mode="bilinear", align_corners=False))
        rest = coarse
    bands.append(rest)
    whole = torch.zeros_like(rest)
    for band, light, tint in reversed(list(zip(bands, BANDS, COLOURS, strict=True))):
        # float64: a float32 sum of this many numbers loses digits, and with them the same bytes elsewhere.
        spread = band.double().square().mean((-2, -1), keepdim=True).sqrt().float().clamp_min(1e-12)
        gains = torch.tensor([1, tint * colour, tint * colour]).view(1, 3, 1, 1) * light
        whole = F.interpolate(whole, band.shape[-2:], mode="bilinear", align_corners=False) + band / spread * gains
    whole = torch.einsum("ij,bihw->bjhw", AXES, whole)
    return whole / whole.abs().double().mean().float().clamp_min(1e-12)
