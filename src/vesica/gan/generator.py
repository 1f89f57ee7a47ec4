"""The generator: from a latent and noise to a picture, coarse to fine.

A latent becomes a map of 4 x 4 places and a style. Each stage doubles the map (bilinear) and bends every channel of it
by a gain and a bias that the style tells, as StyleGAN does (Karras et al., 2018); noise of its own for each place gives
texture. Every stage paints, and what it paints is added to the enlarged picture of the stage before (2019).
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vesica.errors import VesicaError
from vesica.gan.layers import GAIN, Equalised, begin, leaky, pixel_norm

LATENT = 96
STYLE = 128
SMALLEST = 4
"""Places a side of the first map."""

WIDTHS: Mapping[int, tuple[int, ...]] = {
    64: (160, 128, 80, 40, 24),
    128: (160, 128, 96, 64, 40, 16),
    256: (160, 128, 96, 64, 48, 24, 16),
}
"""Channels at 4, 8, 16, ... places a side, by the size of a sample: small enough for two cores of a laptop."""


class Bend(nn.Module):
    """A convolution, then noise, gain and bias by style, and a rectifier; places are brought to one size after it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = Equalised(inputs, outputs, 3, gain=GAIN)
        self.style = Equalised(STYLE, 2 * outputs, gain=0.5)
        self.strength = nn.Parameter(torch.full((outputs, 1, 1), 0.1))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor, *, double: bool) -> Tensor:
        """[n, inputs, height, width] to [n, outputs, ...], twice as large where ``double`` says so.

        The convolution comes before the doubling: a quarter of the work, and smooth maps either way.
        """
        x = self.convolution(x)
        if double:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        gain, bias = self.style(style)[:, :, None, None].chunk(2, 1)
        x = torch.addcmul(bias, x, 1 + gain)
        return pixel_norm(leaky(torch.addcmul(x, noise.to(x.dtype), self.strength.to(x.dtype))))


class Stage(nn.Module):
    """Two bends beside a straight way, and a brush."""

    def __init__(self, inputs: int, outputs: int, *, double: bool) -> None:
        super().__init__()
        self.grows = double
        self.first, self.second = Bend(inputs, outputs), Bend(outputs, outputs)
        self.straight = Equalised(inputs, outputs, 1)

    def forward(self, x: Tensor, style: Tensor, noise: tuple[Tensor, Tensor]) -> Tensor:
        """[n, inputs, height, width] to [n, outputs, ...], twice as large but in the first stage."""
        y = self.second(self.first(x, style, noise[0], double=self.grows), style, noise[1], double=False)
        x = self.straight(x)
        if self.grows:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        out: Tensor = (x + y) * 0.5**0.5
        return out


class Generator(nn.Module):
    """Latents [n, LATENT] and noise to samples [n, channels, size, size] in -1..1."""

    def __init__(self, size: int, seed: int, *, widths: Sequence[int] | None = None, channels: int = 3) -> None:
        super().__init__()
        widths = tuple(widths or WIDTHS[size])
        if SMALLEST << (len(widths) - 1) != size:
            raise VesicaError(
                f"A generator of {len(widths)} stages makes {SMALLEST << (len(widths) - 1)} pixels a side."
            )
        self.size, self.widths, self.channels = size, widths, channels
        self.base = nn.Parameter(torch.zeros(1, widths[0], SMALLEST, SMALLEST))
        self.map = Equalised(LATENT, widths[0] * SMALLEST**2)
        self.mapping = nn.ModuleList([Equalised(LATENT, STYLE, gain=GAIN), Equalised(STYLE, STYLE, gain=GAIN)])
        self.stages = nn.ModuleList(
            Stage(before, width, double=place > 0)
            for place, (before, width) in enumerate(zip((widths[0], *widths), widths, strict=False))
        )
        self.brushes = nn.ModuleList(Equalised(width, channels, 1, gain=0.15) for width in widths)
        begin(self, seed)

    def noise(self, count: int, rng: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """Normal noise for ``count`` samples: two maps [n, 1, side, side] a stage."""
        sides = [SMALLEST << place for place in range(len(self.widths))]
        return [
            (torch.randn(count, 1, side, side, generator=rng), torch.randn(count, 1, side, side, generator=rng))
            for side in sides
        ]

    def style(self, latents: Tensor) -> Tensor:
        """The style [n, STYLE] of latents [n, LATENT]: what every stage is told."""
        x = pixel_norm(latents)
        for layer in self.mapping:
            x = leaky(layer(x))
        return x

    def forward(self, latents: Tensor, noise: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Samples [n, channels, size, size] of latents [n, LATENT]; the same latents and noise make the same ones."""
        style = self.style(latents)
        # A base larger than the latent's own map gives all samples one layout.
        x = 0.3 * self.base + self.map(pixel_norm(latents)).unflatten(1, self.base.shape[1:])
        x = x.contiguous(memory_format=torch.channels_last)
        painted: Tensor | None = None
        for stage, brush, at in zip(self.stages, self.brushes, noise, strict=True):
            x = stage(x, style, at)
            more = brush(x)
            if painted is None:
                painted = more
            else:
                painted = F.interpolate(painted, scale_factor=2, mode="bilinear", align_corners=False) + more
        assert painted is not None
        return torch.tanh(painted.float())
