"""A projected discriminator: small heads on what a frozen network sees (Sauer et al., 2021), and one on the pixels.

Four maps of EfficientNet-Lite0 are mixed by fixed random convolutions and added up from coarse to fine, so that every
head sees all that is coarser. They judge what stands where; alone they leave texture to chance and pictures look
airbrushed. The head on the pixels judges texture; it sees colour weakly, or it would be answered with coloured fringes.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vesica.gan.draws import draw
from vesica.gan.layers import Spectral, begin, deviation_of_group
from vesica.image.network import Network

LAYERS = ("b2", "b4", "b10", "b15")
CHANNELS = 64
"""Of every mixed map."""

SEES = 64
"""Pixels a side at which the frozen network looks at smaller samples."""

LUMA = (0.2126, 0.7152, 0.0722)
CHROMA = 0.35
"""How strongly the head on the pixels sees what differs from grey."""


class Head(nn.Module):
    """A small judge of one map: logits for places of it."""

    def __init__(self, inputs: int, *, shrink: bool, compare: bool) -> None:
        super().__init__()
        self.compare = compare
        self.first = Spectral(inputs + compare, CHANNELS, 4 if shrink else 3, stride=2 if shrink else 1)
        self.last = Spectral(CHANNELS, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, height, width] to [n, places]."""
        x = deviation_of_group(x) if self.compare else x
        logits: Tensor = self.last(F.leaky_relu(self.first(x), 0.2))
        return logits.flatten(1)


class Patches(nn.Module):
    """A judge of the pixels, 16 of them a side at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [Spectral(3, 24, 4, stride=2), Spectral(24, 48, 4, stride=2), Spectral(48, 48, 3), Spectral(48, 1, 1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, 3, height, width] in -1..1 to [n, places]."""
        light = (x * x.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
        x = light + CHROMA * (x - light)
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.2)
        logits: Tensor = self.layers[-1](x)
        return logits.flatten(1)


class Projected(nn.Module):
    """Logits of heads on a frozen network and of one on the pixels, for samples [n, 3, size, size] in -1..1."""

    def __init__(self, network: Network, seed: int) -> None:
        super().__init__()
        self._network = network
        self.register_buffer("scales", torch.ones(len(LAYERS)))
        self.heads = nn.ModuleList(
            Head(CHANNELS, shrink=shrink, compare=compare)
            for shrink, compare in ((True, False), (True, False), (False, False), (False, True))
        )
        self.patches = Patches()
        with torch.no_grad():
            maps = network.maps(torch.zeros(1, 3, 64, 64), LAYERS)
            found = [maps[layer].shape[1] for layer in LAYERS]
        # Fixed: never learned, and the same for every seed, so that they need not be kept.
        self._mixes = [
            torch.randn(CHANNELS, count, 1, 1, generator=draw("mix", layer)) / count**0.5
            for layer, count in zip(LAYERS, found, strict=True)
        ]
        begin(self, seed)

    scales: Tensor

    @torch.no_grad()
    def calibrate(self, samples: Tensor) -> None:
        """Take the size of each map from real samples [n, 3, size, size], so that all maps count alike."""
        self.scales.fill_(1)
        self.scales.copy_(torch.stack([one.float().square().mean().rsqrt() for one in self._look(samples)]))

    def _look(self, samples: Tensor) -> list[Tensor]:
        """The mixed maps [n, CHANNELS, ...], fine to coarse."""
        x = (samples + 1) / 2
        if x.shape[-1] < SEES:
            x = F.interpolate(x, (SEES, SEES), mode="bilinear", align_corners=False)
        maps = self._network.maps(x.contiguous(memory_format=torch.channels_last), LAYERS)
        mixed: list[Tensor] = []
        for layer, mix, scale in reversed(list(zip(LAYERS, self._mixes, self.scales, strict=True))):
            here = F.conv2d(maps[layer], mix) * scale
            if mixed:
                here = here + F.interpolate(mixed[0], here.shape[-2:], mode="bilinear", align_corners=False)
            mixed.insert(0, here)
        return mixed

    def _judge(self, seen: list[Tensor], samples: Tensor) -> tuple[Tensor, ...]:
        return (*(head(x).float() for head, x in zip(self.heads, seen, strict=True)), self.patches(samples).float())

    def forward(self, samples: Tensor) -> tuple[Tensor, ...]:
        """Logits [n, places] of each head, fine to coarse, then of the patches; higher is more like the real ones."""
        return self._judge(self._look(samples), samples)

    def both(self, real: Tensor, fake: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Logits of real and of fake samples. Through the frozen network slopes are kept for the fake ones only."""
        with torch.no_grad():
            seen = self._look(real)
        return self._judge(seen, real), self(fake)
