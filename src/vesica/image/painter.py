"""A network that repaints a picture in any manner in one pass: its shape, and how a style turns it.

A style arrives as a code: standardised statistics of a backbone's maps (``style_loss``) in their principal axes. A
small perceptron takes the code and the content weight to (a) the gains and biases of every instance norm (Dumoulin,
Shlens and Kudlur, 2017) and (b) the shares in which each convolution's kernels, a bank of a few, are mixed into one
(conditional convolution: Yang et al., 2019). So a style has filters of its own, and painting costs what one network
costs. Most work is done at a quarter and an eighth of the picture's size.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vesica.image.style_loss import STYLE_LAYERS, Statistics

CODE = 64
"""Numbers of a style code."""

WIDTH = 128
"""Of the perceptron."""

BANK = 5
"""Kernels that each convolution mixes."""

NOISE = 4
"""Channels of noise that the network sees beside the picture, so that flat places get strokes too."""

USUAL = 1.5
"""Content weight around which the network was trained."""

CONVOLUTIONS = {
    "enter": (48 + NOISE, 64, 3),
    "down": (64, 96, 3),
    "deep1": (96, 96, 3),
    "deep2": (96, 96, 3),
    "deep3": (96, 96, 3),
    "deep4": (96, 96, 3),
    "up": (96, 64, 1),
    "wide1": (64, 64, 3),
    "wide2": (64, 64, 3),
    "narrow": (64, 32, 1),
    "fine": (32, 32, 3),
    "leave": (32, 12, 3),
}
"""Channels in and out, and kernel size, by name in the order of use."""

NORMED = tuple(name for name in CONVOLUTIONS if name != "leave")
"""Convolutions that an instance norm follows."""


@dataclass(frozen=True, slots=True)
class Brush:
    """The network as one style has it.

    kernel, bias : of every convolution
    gain, shift : of every instance norm
    """

    kernel: Mapping[str, Tensor]
    bias: Mapping[str, Tensor]
    gain: Mapping[str, Tensor]
    shift: Mapping[str, Tensor]


class Painter(nn.Module):
    """The learned numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.code1 = nn.Linear(CODE + 1, WIDTH)
        self.code2 = nn.Linear(WIDTH, WIDTH)
        self.bank = nn.ParameterDict()
        self.bias = nn.ParameterDict()
        for name, (inside, outside, size) in CONVOLUTIONS.items():
            spread = (2 / (inside * size * size)) ** 0.5 * (0.5 if name == "leave" else 1.0)
            self.bank[name] = nn.Parameter(torch.randn(BANK, outside, inside, size, size) * spread)
            self.bias[name] = nn.Parameter(torch.zeros(outside))
        self.norms = nn.Linear(WIDTH, 2 * sum(CONVOLUTIONS[name][1] for name in NORMED))
        self.mixes = nn.Linear(WIDTH, (BANK - 1) * len(CONVOLUTIONS))
        for layer in (self.norms, self.mixes):
            nn.init.normal_(layer.weight, std=0.03 if layer is self.norms else 0.1)
            nn.init.zeros_(layer.bias)

    def brush(self, code: Tensor, content: float) -> Brush:
        """The network for a style ``code`` [CODE] and a ``content`` weight above 0."""
        knob = torch.log2(torch.tensor([content / USUAL]))
        inner = F.silu(self.code2(F.silu(self.code1(torch.cat([code, knob])))))
        # The first of a bank is always whole, so that no style is left without.
        shares = F.pad(self.mixes(inner).view(len(CONVOLUTIONS), BANK - 1), (1, 0), value=1.0)
        widths = [CONVOLUTIONS[name][1] for name in NORMED]
        gains, shifts = self.norms(inner).view(2, -1)
        kernel = {
            name: (share @ self.bank[name].flatten(1)).view(self.bank[name].shape[1:])
            for share, name in zip(shares, CONVOLUTIONS, strict=True)
        }
        return Brush(
            kernel,
            dict(self.bias.items()),
            dict(zip(NORMED, (1 + gains).split(widths), strict=True)),
            dict(zip(NORMED, shifts.split(widths), strict=True)),
        )


def paint_whole(brush: Brush, picture: Tensor, noise: Tensor) -> Tensor:
    """The picture [1, 3, height, width] of 0..1, sides multiples of 8, repainted; ``noise`` [1, NOISE, h / 4, w / 4].

    The plain form, differentiable, that training uses.
    """

    def convolve(name: str, x: Tensor, stride: int = 1) -> Tensor:
        kernel = brush.kernel[name]
        if kernel.shape[-1] > 1:
            x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        x = F.conv2d(x, kernel, brush.bias[name], stride)
        return F.group_norm(x, x.shape[1], brush.gain[name], brush.shift[name]) if name in brush.gain else x

    x = torch.cat([F.pixel_unshuffle(picture * 4 - 2, 4), noise], 1)
    quarter = F.relu(convolve("enter", x))
    x = F.relu(convolve("down", quarter, 2))
    for first, second in (("deep1", "deep2"), ("deep3", "deep4")):
        x = x + convolve(second, F.relu(convolve(first, x)))
    x = quarter + F.interpolate(convolve("up", x), scale_factor=2, mode="nearest")
    x = x + convolve("wide2", F.relu(convolve("wide1", x)))
    x = F.relu(F.interpolate(convolve("narrow", x), scale_factor=2, mode="nearest"))
    x = F.relu(convolve("fine", x))
    return torch.sigmoid(F.pixel_shuffle(convolve("leave", x), 2))


def described(style: Mapping[str, Statistics]) -> Tensor:
    """What a style code is made from: the mean and the deviation of every channel, float32 [..., numbers]."""
    parts = []
    for layer in STYLE_LAYERS:
        parts += [
            style[layer].mean,
            style[layer].covariance.diagonal(dim1=-2, dim2=-1).clamp_min(0).sqrt(),
        ]
    return torch.cat(parts, -1)
