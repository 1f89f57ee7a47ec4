"""Pictures of what excites a network, out of nothing (Olah, Mordvintsev and Schubert, "Feature Visualization", 2017).

A picture is optimised as the waves that it is the sum of, slow waves first in strength, in colours that vary
independently in photographs, and is turned, scaled and moved a little at every step, so that what shows is no trick of
single pixels.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vesica.image.bands import AXES

SPREADS = torch.tensor([1.0, 0.45, 0.3])
"""How much light, red against blue, and green against magenta may vary."""

TURN, ZOOM, MOVE = 0.12, 0.1, 0.06
"""The most that a picture is turned (radians), scaled (share) and moved (share of half a side) at a step."""

FALL = 1.1
"""Strength of a wave falls with its frequency to this power; photographs have about 1."""

RATE = 0.05
"""Step of each wave by Adam (Kingma and Ba, 2015)."""


def optimised(
    gain: Callable[[Tensor], Tensor], *, count: int, height: int, width: int, steps: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Climb ``gain`` from faint noise; yields pictures, float32 [count, 3, height, width] of 0..1, after every step.

    Parameters
    ----------
    gain : the sum over pictures [count, 3, height, width], each turned a little, of how much each shows; differentiable
    """
    down, right = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    slowest = 1 / max(height, width)
    fall = (down.square() + right.square()).sqrt().clamp_min(slowest) ** -FALL * (height * width) ** 0.5 / 5
    waves = 0.01 * torch.randn(count, 3, height, width // 2 + 1, 2, generator=generator)
    mean, square = torch.zeros_like(waves), torch.zeros_like(waves)
    for step in range(1, steps + 1):
        waves.requires_grad_()
        seen = turned(_picture(waves, fall, (height, width)), drawn(count, generator))
        (slope,) = torch.autograd.grad(gain(seen.contiguous(memory_format=torch.channels_last)), waves)
        waves = waves.detach()
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope.square()
        waves = waves + RATE * (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-10)
        yield _picture(waves, fall, (height, width))


def _picture(waves: Tensor, fall: Tensor, size: tuple[int, int]) -> Tensor:
    colours = torch.fft.irfft2(torch.view_as_complex(waves) * fall, size)
    return torch.sigmoid(torch.einsum("ij,bihw->bjhw", AXES * SPREADS[:, None], colours))


def drawn(count: int, generator: torch.Generator) -> Tensor:
    """How ``count`` pictures are turned, scaled, and moved right and down: float32 [4, count], -1..1 of the most."""
    return 2 * torch.rand(4, count, generator=generator) - 1


def turned(pictures: Tensor, draws: Tensor) -> Tensor:
    """Pictures [count, 3, height, width], each turned, scaled and moved as drawn, reflected at their borders."""
    angle, scale = TURN * draws[0], 1 / (1 + ZOOM * draws[1])
    rows = [scale * angle.cos(), -scale * angle.sin(), MOVE * draws[2]], [scale * angle.sin(), scale * angle.cos()]
    turns = torch.stack([torch.stack(rows[0], 1), torch.stack([*rows[1], MOVE * draws[3]], 1)], 1)
    grid = F.affine_grid(turns, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
