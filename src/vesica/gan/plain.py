"""A plain discriminator of residual stages: for pictures unlike photographs, and for anything else on a grid."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vesica.gan.layers import GAIN, Equalised, begin, deviation_of_group, leaky


class Down(nn.Module):
    """Two convolutions beside a straight way, then half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = Equalised(inputs, inputs, 3, gain=GAIN), Equalised(inputs, outputs, 3, gain=GAIN)
        self.straight = Equalised(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, height, width] to [n, outputs, height / 2, width / 2]."""
        y = leaky(self.second(F.avg_pool2d(leaky(self.first(x)), 2)))
        out: Tensor = (self.straight(F.avg_pool2d(x, 2)) + y) * 0.5**0.5
        return out


class Plain(nn.Module):
    """One logit for each sample [n, channels, size, size] in -1..1.

    widths : channels from half the size down to 4 places a side; the samples' own pixels are taken four at a time
    """

    def __init__(self, widths: Sequence[int], seed: int, *, channels: int = 3) -> None:
        super().__init__()
        self.enter = Equalised(4 * channels, widths[0], 1, gain=GAIN)
        self.stages = nn.ModuleList(Down(*pair) for pair in pairwise(widths))
        self.compare = Equalised(widths[-1] + 1, widths[-1], 3, gain=GAIN)
        self.wide = Equalised(16 * widths[-1], 128, gain=GAIN)
        self.last = Equalised(128, 1)
        begin(self, seed)

    def forward(self, samples: Tensor) -> tuple[Tensor, ...]:
        """Logits ([n, 1],); higher is more like what was learned."""
        x = F.pixel_unshuffle(samples, 2).contiguous(memory_format=torch.channels_last)
        x = leaky(self.enter(x))
        for stage in self.stages:
            x = stage(x)
        x = leaky(self.compare(deviation_of_group(x)))
        return (self.last(leaky(self.wide(x.flatten(1)))).float(),)

    def both(self, real: Tensor, fake: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Logits of real and of fake samples."""
        return self(real), self(fake)
