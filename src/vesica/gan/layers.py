"""Convolutions that train well at one rate: equalised, or held to a spectral norm of 1."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vesica.gan.draws import draw

SLOPE = 0.2
"""Of the leaky rectifier below zero."""


GAIN = (2 / (1 + SLOPE**2)) ** 0.5
"""Of weights before a leaky rectifier, so that the mean square of normal noise is kept."""


def leaky(x: Tensor) -> Tensor:
    """Leaky rectifier."""
    return F.leaky_relu(x, SLOPE)


def pixel_norm(x: Tensor) -> Tensor:
    """Every place [n, channels, ...] brought to a mean square of 1 (Karras et al., 2017)."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Equalised(nn.Module):
    """A convolution, or a linear map where ``kernel`` is 0, whose weights begin with deviation 1 and are scaled in use.

    So Adam's steps are the same share of every weight (Karras et al., 2017). Borders are replicated: zeros beyond them
    draw dark frames.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 0, *, gain: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.kernel = kernel
        self.scale = gain / (inputs * max(kernel, 1) ** 2) ** 0.5
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.full((outputs,), bias))

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, height, width] to [n, outputs, height, width], or [n, inputs] to [n, outputs]."""
        weight = self.weight * self.scale
        if not self.kernel:
            return F.linear(x, weight, self.bias)
        if self.kernel > 1:
            x = F.pad(x, (self.kernel // 2,) * 4, mode="replicate")
        return F.conv2d(x, weight, self.bias)


class Spectral(nn.Module):
    """A convolution divided by its largest singular value (Miyato et al., 2018).

    The power iteration is a step of its own (``settle``), so that ``forward`` changes nothing and may run on several
    threads at once.
    """

    u: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.pad = stride, (kernel - 1) // 2
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("u", torch.zeros(outputs))

    @torch.no_grad()
    def settle(self, rounds: int = 1) -> None:
        """Bring the left singular vector nearer to where the weights now have it."""
        flat = self.weight.flatten(1)
        for _ in range(rounds):
            self.u.copy_(F.normalize(flat @ F.normalize(flat.T @ self.u, dim=0), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, height, width] to [n, outputs, height / stride, width / stride]."""
        flat = self.weight.flatten(1)
        with torch.autocast(x.device.type, enabled=False):
            norm = (self.u @ flat).norm()
        return F.conv2d(x, self.weight / norm, self.bias, self.stride, self.pad)


def begin(module: nn.Module, seed: int) -> None:
    """Draw all weights of a network of these layers, a function of the seed and of each layer's name alone."""
    for name, layer in module.named_modules():
        if isinstance(layer, Equalised | Spectral):
            with torch.no_grad():
                layer.weight.normal_(generator=draw(seed, "weights", name))
            if isinstance(layer, Spectral):
                layer.u.normal_(generator=draw(seed, "vector", name))
                layer.settle(20)


def settle(module: nn.Module) -> None:
    """One power iteration for every ``Spectral`` layer within."""
    for layer in module.modules():
        if isinstance(layer, Spectral):
            layer.settle()


def deviation_of_group(x: Tensor) -> Tensor:
    """``x`` [n, channels, height, width] with one channel more: how much the samples differ from one another.

    Minibatch deviation (Karras et al., 2017): a generator whose samples are all alike is found out by it.
    """
    told = (x.float().var(0, unbiased=False) + 1e-8).sqrt().mean().to(x.dtype)
    return torch.cat([x, told.expand(x.shape[0], 1, *x.shape[2:])], 1)
