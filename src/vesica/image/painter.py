"""A network that repaints a picture in any manner in one pass: its shape, and how a style turns it.

A style arrives as a code: standardised statistics of a backbone's maps (``style_loss``) in their principal axes. A
small perceptron takes the code and the content weight to (a) the gains and biases of every instance norm (Dumoulin,
Shlens and Kudlur, 2017) and (b) the shares in which each convolution's kernels, a bank of a few, are mixed into one
(conditional convolution: Yang et al., 2019). So a style has filters of its own, and painting costs what one network
costs. Most work is done at a quarter to a sixteenth of the picture's size.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vesica.errors import VesicaError
from vesica.image.style_loss import STYLE_LAYERS, Statistics
from vesica.weights.cards import locate

NAME = "painter"

T = TypeVar("T")

ROWS = 256
"""Rows of the picture that one thread works on at once. It is fixed, so that the result is the same on any threads."""

STEP = 16
"""A picture's sides must be multiples of this."""

CODE = 64
"""Numbers of what is computed of any style."""

WIDTH = 128
"""Of the perceptron."""

BANK = 5
"""Kernels that each convolution mixes."""

NOISE = 4
"""Channels of noise that the network sees beside the picture, so that flat places get strokes too."""

USUAL = 1.5
"""Content weight around which the network was trained."""

CONVOLUTIONS = {
    "enter": (48 + NOISE, 48, 3),
    "down": (48, 80, 3),
    "deep1": (80, 80, 3),
    "deep2": (80, 80, 3),
    "deep3": (80, 80, 3),
    "deep4": (80, 80, 3),
    "up": (80, 48, 1),
    "wide1": (48, 48, 3),
    "wide2": (48, 48, 3),
    "narrow": (48, 24, 1),
    "fine": (24, 24, 3),
    "leave": (24 + 12, 12, 3),
    "sink": (80, 80, 3),
    "low1": (80, 80, 3),
    "low2": (80, 80, 3),
    "low3": (80, 80, 3),
    "low4": (80, 80, 3),
    "rise": (80, 80, 1),
}
"""Channels in and out, and kernel size, by name."""

NORMED = tuple(name for name in CONVOLUTIONS if name != "leave")
"""Convolutions that an instance norm follows."""

WHITENED = frozenset({"down", "deep2", "deep4", "wide2", "fine"})
"""Those whose norm takes away what channels have in common too: a style is covariances, and so each picture has its
own exactly, not on average. On one style, 200 steps went to a loss of 1.19 with it and of 1.35 without."""

RIDGE = 0.03
"""Share of the mean variance that is added to each channel's, as few places can't tell 80 channels apart."""

ROUNDS = 6
"""Of Newton's iteration; the weakest directions stay somewhat weaker."""


STEERED = 2 * sum(CONVOLUTIONS[name][1] for name in NORMED) + (BANK - 1) * len(CONVOLUTIONS)
"""Numbers that steer the network: gain and bias of every instance norm, and the shares of the kernels."""

MANNER = CODE + STEERED
"""Numbers of a style: its code, and what is learned of this style alone, added to what the code steers."""


def spread(name: str) -> float:
    """Deviation of a convolution's kernels before training."""
    inside, _, size = CONVOLUTIONS[name]
    return float((2 / (inside * size * size)) ** 0.5 * (0.3 if name == "leave" else 1.0))


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
    """The learned numbers; ``seed`` draws what they begin with."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.code1 = nn.Linear(CODE + 1, WIDTH)
        self.code2 = nn.Linear(WIDTH, WIDTH)
        self.bank = nn.ParameterDict()
        self.bias = nn.ParameterDict()
        for name, (inside, outside, size) in CONVOLUTIONS.items():
            bank = torch.randn(BANK, outside, inside, size, size, generator=generator) * spread(name)
            if name == "leave":  # before any training, out comes what went in
                bank[0, :, -12:, 1, 1] += torch.eye(12)
            self.bank[name] = nn.Parameter(bank)
            self.bias[name] = nn.Parameter(torch.zeros(outside))
        self.norms = nn.Linear(WIDTH, 2 * sum(CONVOLUTIONS[name][1] for name in NORMED))
        self.mixes = nn.Linear(WIDTH, (BANK - 1) * len(CONVOLUTIONS))
        plan = ((self.code1, 0.07), (self.code2, 0.05), (self.norms, 0.03), (self.mixes, 0.1))
        for layer, deviation in plan:
            nn.init.normal_(layer.weight, std=deviation, generator=generator)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():  # before any training, nothing comes from the lowest level
            dict(self._split(self.norms.bias)[0])["rise"].fill_(-1)

    @staticmethod
    def _split(norms: Tensor) -> tuple[Iterable[tuple[str, Tensor]], Iterable[tuple[str, Tensor]]]:
        """Gains less 1, and shifts, by convolution."""
        widths = [CONVOLUTIONS[name][1] for name in NORMED]
        gains, shifts = norms.view(2, -1)
        return zip(NORMED, gains.split(widths), strict=True), zip(NORMED, shifts.split(widths), strict=True)

    def brush(self, manner: Tensor, content: float) -> Brush:
        """The network for a style ``manner`` [MANNER] and a ``content`` weight above 0."""
        code, own = manner[:CODE], manner[CODE:]
        knob = torch.log2(code.new_tensor([content / USUAL]))
        inner = F.silu(self.code2(F.silu(self.code1(torch.cat([code, knob])))))
        count = self.norms.out_features
        norms, mixes = self.norms(inner) + own[:count], self.mixes(inner) + own[count:]
        # The first of a bank is always whole, so that no style is left without.
        shares = F.pad(mixes.view(len(CONVOLUTIONS), BANK - 1), (1, 0), value=1.0)
        gains, shifts = self._split(norms)
        kernel = {
            name: (share @ self.bank[name].flatten(1)).view(self.bank[name].shape[1:])
            for share, name in zip(shares, CONVOLUTIONS, strict=True)
        }
        return Brush(
            kernel,
            dict(self.bias.items()),
            {name: 1 + gain for name, gain in gains},
            dict(shifts),
        )


def whitening(covariance: Tensor) -> Tensor:
    """The symmetric matrix that turns maps of this covariance [..., c, c] into ones that have nothing in common.

    Newton's iteration for the inverse square root, without eigenvectors, so that slopes are stable (Huang et al., 2019,
    "Iterative Normalization").
    """
    channels = covariance.shape[-1]
    one = torch.eye(channels, dtype=covariance.dtype, device=covariance.device)
    mean = covariance.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None].clamp_min(1e-5)
    scaled = (covariance / mean * (1 - RIDGE) + RIDGE * one) / channels
    root = one.expand_as(covariance)
    for _ in range(ROUNDS):
        root = 1.5 * root - 0.5 * (root @ root @ root) @ scaled
    return root / (mean * channels).sqrt()


def normed(name: str, x: Tensor, brush: Brush) -> Tensor:
    """The raw maps [n, channels, height, width] of a convolution, brought to a style's level."""
    gain, shift = brush.gain[name], brush.shift[name]
    if name not in WHITENED:
        return F.group_norm(x, x.shape[1], gain, shift)
    flat = x.flatten(2)
    apart = flat - flat.mean(2, keepdim=True)
    white = whitening(apart @ apart.transpose(1, 2) / flat.shape[2])
    return ((gain[:, None] * white) @ apart + shift[:, None]).view_as(x)


@dataclass(frozen=True, slots=True)
class Level:
    """What brings a raw map to a style's level: gain [1, channels, 1, 1], or [channels, channels, 1, 1]; and shift."""

    gain: Tensor
    shift: Tensor

    def of(self, x: Tensor) -> Tensor:
        """``x`` levelled, in its own memory where it can be."""
        if self.gain.shape[0] > 1:
            return F.conv2d(x, self.gain, self.shift.flatten())
        return torch.addcmul(self.shift, x, self.gain, out=x)

    def lit(self, x: Tensor) -> Tensor:
        """``x`` levelled and cut off below zero, in its own memory where it can be."""
        return self.of(x).relu_()


def paint_whole(brush: Brush, picture: Tensor, noise: Tensor) -> Tensor:
    """The picture repainted, in the plain form, differentiable, that training uses.

    Parameters
    ----------
    picture : float32 [n, 3, height, width] of 0..1, in the style's colours; sides multiples of ``STEP``
    noise : standard normal [n, NOISE, height / 4, width / 4]
    """

    def convolve(name: str, x: Tensor, stride: int = 1) -> Tensor:
        kernel = brush.kernel[name]
        if kernel.shape[-1] > 1:
            x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        x = F.conv2d(x, kernel, brush.bias[name], stride)
        return normed(name, x, brush) if name in brush.gain else x

    seen = picture * 4 - 2
    x = torch.cat([F.pixel_unshuffle(seen, 4), noise], 1)
    quarter = F.relu(convolve("enter", x))
    x = F.relu(convolve("down", quarter, 2))
    x = x + convolve("deep2", F.relu(convolve("deep1", x)))
    low = F.relu(convolve("sink", x, 2))
    low = low + convolve("low2", F.relu(convolve("low1", low)))
    low = low + convolve("low4", F.relu(convolve("low3", low)))
    x = x + _doubled(convolve("rise", low))
    x = x + convolve("deep4", F.relu(convolve("deep3", x)))
    x = quarter + _doubled(convolve("up", x))
    x = x + convolve("wide2", F.relu(convolve("wide1", x)))
    x = _doubled(F.relu(convolve("narrow", x)))
    x = torch.cat([F.relu(convolve("fine", x)), F.pixel_unshuffle(seen, 2)], 1)
    return torch.sigmoid(F.pixel_shuffle(convolve("leave", x), 2))


def paint_bands(
    brush: Brush, picture: Tensor, noise: Tensor, pool: Executor, tick: Callable[[], None] | None = None
) -> Tensor:
    """What ``paint_whole`` does, without slopes and on all threads of ``pool``; alike on any number of them.

    Each map is cut into bands of rows, which depend on its height alone and which one thread each computes; borders are
    exchanged before each convolution, and the norms' sums added up band by band.

    tick : called from the caller's thread after each band of each layer; may raise
    """
    sixteenths = picture.shape[2] // STEP
    count = min(sixteenths, max(2, -(-picture.shape[2] // ROWS)))
    edges = [round(sixteenths * place / count) for place in range(count + 1)]

    def cut(x: Tensor, rows: int) -> list[Tensor]:
        """Bands of a map with ``rows`` rows for every sixteen of the picture."""
        return [x[:, :, start * rows : end * rows] for start, end in pairwise(edges)]

    def each(task: Callable[[int], T]) -> list[T]:
        """The task done for every band, by its place."""
        done = []
        for result in pool.map(task, range(count)):
            done.append(result)
            if tick:
                tick()
        return done

    def bordered(bands: list[Tensor], place: int, level: Level | None = None) -> Tensor:
        """A band between its neighbours' nearest rows; levelled and cut off below zero where a level is given."""
        band = bands[place]
        above = bands[place - 1][:, :, -1:] if place else band[:, :, :1]
        below = bands[place + 1][:, :, :1] if place + 1 < count else band[:, :, -1:]
        x = F.pad(torch.cat([above, band, below], 2), (1, 1, 0, 0), mode="replicate")
        return x if level is None else level.lit(x)

    def convolve(
        name: str, bands: list[Tensor], level: Level | None = None, stride: int = 1
    ) -> tuple[list[Tensor], Level]:
        """The raw maps of a convolution of what ``bordered`` gives, and what brings them to the style's level."""
        kernel, bias = brush.kernel[name], brush.bias[name]
        single = kernel.shape[-1] == 1

        def task(place: int) -> tuple[Tensor, Tensor, Tensor]:
            x = F.conv2d(bands[place] if single else bordered(bands, place, level), kernel, bias, stride)
            flat = x[0].flatten(1)
            square = flat @ flat.T if name in WHITENED else x.square().sum((0, 2, 3))
            return x, x.sum((0, 2, 3)).double(), square.double()

        raw, sums, squares = (list(parts) for parts in zip(*each(task), strict=True))
        places = sum(band.shape[2] * band.shape[3] for band in raw)
        mean, square = torch.stack(sums).sum(0) / places, torch.stack(squares).sum(0) / places
        gain, shift = brush.gain[name].double(), brush.shift[name].double()
        if name in WHITENED:
            gain = gain[:, None] * whitening(square - mean[:, None] * mean)
            return raw, Level(gain.float()[:, :, None, None], (shift - gain @ mean).float().view(1, -1, 1, 1))
        gain = gain / (square - mean.square()).clamp_min(0).add(1e-5).sqrt()
        shift = shift - mean * gain
        return raw, Level(gain.float().view(1, -1, 1, 1), shift.float().view(1, -1, 1, 1))

    def lit(name: str, bands: list[Tensor], stride: int = 1) -> list[Tensor]:
        raw, level = convolve(name, bands, stride=stride)
        return each(lambda place: level.lit(raw[place]))

    def residual(bands: list[Tensor], first: str, second: str) -> list[Tensor]:
        raw, level = convolve(second, *convolve(first, bands))
        return each(lambda place: bands[place].add_(level.of(raw[place])))

    def raised(bands: list[Tensor], name: str, lower: list[Tensor]) -> list[Tensor]:
        raw, level = convolve(name, lower)
        # What is doubled is the mean of near values: levelling it before or after is the same.
        return each(lambda place: bands[place].add_(level.of(_doubled(bordered(raw, place))[:, :, 2:-2, 2:-2])))

    def entered(place: int) -> Tensor:
        both = torch.cat([F.pixel_unshuffle(parts[place], 4), grains[place]], 1)
        return both.contiguous(memory_format=torch.channels_last)

    def left(place: int) -> Tensor:
        both = torch.cat([bordered(fine, place, finest), bordered(halves, place)], 1)
        return F.pixel_shuffle(F.conv2d(both, brush.kernel["leave"], brush.bias["leave"]), 2).sigmoid_()

    parts, grains = cut(picture * 4 - 2, STEP), cut(noise, STEP // 4)
    quarter = lit("enter", each(entered))
    eighth = residual(lit("down", quarter, 2), "deep1", "deep2")
    low = residual(residual(lit("sink", eighth, 2), "low1", "low2"), "low3", "low4")
    eighth = residual(raised(eighth, "rise", low), "deep3", "deep4")
    quarter = raised(quarter, "up", eighth)
    narrow, lower = convolve("narrow", residual(quarter, "wide1", "wide2"))
    fine, finest = convolve("fine", each(lambda place: _doubled(bordered(narrow, place, lower))[:, :, 2:-2, 2:-2]))
    halves = each(lambda place: F.pixel_unshuffle(parts[place], 2).contiguous(memory_format=torch.channels_last))
    return torch.cat(each(left), 2)


def _doubled(x: Tensor) -> Tensor:
    # Not the nearest value, which leaves steps of 8 pixels along edges.
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def described(style: Mapping[str, Statistics]) -> Tensor:
    """What a style code is made from: the mean and the deviation of every channel, float32 [..., numbers]."""
    parts = []
    for layer in STYLE_LAYERS:
        parts += [style[layer].mean, style[layer].covariance.diagonal(dim1=-2, dim2=-1).clamp_min(0).sqrt()]
    return torch.cat(parts, -1)


@dataclass(frozen=True, slots=True)
class Studied:
    """The painter as it comes with the package, and how it knows styles.

    centre, axes : [numbers] and [numbers, CODE]: the code of a style is ``(described(style) - centre) @ axes``
    own : what was learned of each painting beyond its code [MANNER], by the name of its card
    """

    painter: Painter
    centre: Tensor
    axes: Tensor
    own: Mapping[str, Tensor]

    def manner(self, style: Mapping[str, Statistics], name: str = "") -> Tensor:
        """The manner [MANNER] of any style; ``name`` is its card's, where it has one."""
        manner = F.pad((described(style) - self.centre) @ self.axes, (0, STEERED))
        return manner + self.own[name] if name in self.own else manner


@cache
def studied() -> Studied:
    """The painter that comes with the package. Raises ``VesicaError`` where its file is missing or damaged."""
    path = locate(NAME)
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            names = json.loads(file.metadata()["cards"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as fault:
        raise VesicaError(f"The file of the model {NAME} is damaged; install vesica anew.") from fault
    learned = Painter().requires_grad_(False)
    learned.load_state_dict({name.removeprefix("painter."): x for name, x in tensors.items() if "painter." in name})
    own = dict(zip(names, tensors["own"], strict=True))
    return Studied(learned.eval(), tensors["centre"], tensors["axes"], own)
