"""EfficientNet-Lite: ImageNet classifiers whose inner maps picture engines dream with and compare by.

Lite0 is the one they look with; Lite2, deeper and wider, judges what was made by a look through Lite0.

Architecture: Tan and Le, "EfficientNet" (2019), in the Lite form of 2020 (no squeeze-and-excitation, ReLU6, a stem of
fixed width). Weights: the package its card names. They are read once with torch's weights-only reader, batch norms are
folded into the convolutions before them, and the result is kept as safetensors in the user's cache.
"""

import hashlib
from collections.abc import Collection
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vesica.errors import VesicaError
from vesica.weights.cache import cache_dir, writing
from vesica.weights.cards import card, digest, locate

NAME = "efficientnet-lite0"
JUDGE = "efficientnet-lite2"
FORMAT = 2
"""Raised whenever the converted file's layout changes, so that an older file in a cache is not read."""

STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
"""Blocks, kernel, stride of the first, expansion, channels out. The last stage (one block, 320 channels) follows."""

Plan = tuple[tuple[int, int, bool], ...]
"""Kernel, stride and whether there is an expansion, for each block."""


def _plan(repeats: tuple[int, ...]) -> Plan:
    return tuple(
        (kernel, stride if place == 0 else 1, expansion > 1)
        for count, (_, kernel, stride, expansion, _) in zip(repeats, (*STAGES, (1, 3, 1, 6, 320)), strict=True)
        for place in range(count)
    )


PLANS: dict[str, Plan] = {NAME: _plan((1, 2, 2, 3, 3, 4, 1)), JUDGE: _plan((1, 3, 3, 4, 4, 5, 1))}
BLOCKS = PLANS[NAME]

LAYERS: tuple[str, ...] = tuple(
    name
    for number, (_, _, expands) in enumerate(BLOCKS)
    for name in ((f"e{number}",) if expands else ()) + (f"d{number}", f"b{number}")
)
"""Names of the maps that can be asked for, shallow to deep: ``e`` after a block's expansion, ``d`` after its depthwise
convolution, ``b`` its output."""


def stride_of(layer: str) -> int:
    """Pixels of the picture per pixel of the map ``layer``."""
    number = int(layer[1:])
    last = number if layer[0] == "e" else number + 1
    stride = 2
    for _, step, _ in BLOCKS[:last]:
        stride *= step
    return stride


def channels_of(layer: str) -> int:
    """Channels of the map ``layer``."""
    outs = [channels for repeats, *_, channels in STAGES for _ in range(repeats)] + [320]
    number = int(layer[1:])
    if layer[0] == "b":
        return outs[number]
    return 6 * outs[number - 1] if number else 32


def _fold(weights: dict[str, Tensor], convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias that do what the convolution and the batch norm after it (epsilon 0.001) did."""
    gain = weights[f"{norm}.weight"].double() / (weights[f"{norm}.running_var"].double() + 1e-3).sqrt()
    bias = weights[f"{norm}.bias"].double() - weights[f"{norm}.running_mean"].double() * gain
    kernel = weights[f"{convolution}.weight"].double() * gain[:, None, None, None]
    return kernel.float().contiguous(), bias.float().contiguous()


def _convert(name: str, target: Path) -> None:
    """Write the package's weights to ``target``, folded, whole or not at all."""
    if digest(name) != card(name).sha256:
        raise VesicaError(
            f"The file of {name} is not the one its card names; bring it anew with 'vesica models install {name}'."
        )
    weights = torch.load(locate(name), map_location="cpu", weights_only=True)
    folded = {}
    folded["stem.weight"], folded["stem.bias"] = _fold(weights, "_conv_stem", "_bn0")
    for number, (_, _, expands) in enumerate(PLANS[name]):
        here = f"_blocks.{number}"
        parts = [("d", "_depthwise_conv", "_bn1"), ("b", "_project_conv", "_bn2")]
        if expands:
            parts.insert(0, ("e", "_expand_conv", "_bn0"))
        for letter, convolution, norm in parts:
            kernel, bias = _fold(weights, f"{here}.{convolution}", f"{here}.{norm}")
            folded[f"{letter}{number}.weight"], folded[f"{letter}{number}.bias"] = kernel, bias
    folded["head.weight"], folded["head.bias"] = _fold(weights, "_conv_head", "_bn1")
    folded["classes.weight"], folded["classes.bias"] = (
        weights["_fc.weight"].contiguous(),
        weights["_fc.bias"].contiguous(),
    )
    with writing(target) as file:
        file.write(save(folded, metadata={"sha256": _digest(folded)}))


def _digest(weights: dict[str, Tensor]) -> str:
    running = hashlib.sha256()
    for name in sorted(weights):
        running.update(name.encode() + weights[name].contiguous().numpy().tobytes())
    return running.hexdigest()


def _load(target: Path) -> dict[str, Tensor]:
    """The converted weights. Raises ``SafetensorError`` where a byte of them changed since they were converted."""
    with safe_open(target, "pt") as file:
        weights: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if (file.metadata() or {}).get("sha256") != _digest(weights):
            raise SafetensorError(f"{target.name} was changed")
    return weights


class EfficientNetLite:
    """The network in float32 on the CPU, frozen. Pictures go in as [n, 3, height, width], sRGB in 0..1.

    What ``layers`` and the functions of this module say of maps holds for Lite0.
    """

    layers = LAYERS
    style_layers = ("d0", "d1", "d2", "d3", "d5")
    content_layer = "e5"
    segment_layer = "b10"
    stride_of = staticmethod(stride_of)

    def __init__(self, weights: dict[str, Tensor], name: str = NAME) -> None:
        self.name, self._blocks = name, PLANS[name]
        self._weights = {name: tensor.contiguous() for name, tensor in weights.items()}

    def _apply(
        self, name: str, x: Tensor, *, kernel: int = 1, stride: int = 1, deep: bool = False, lit: bool = False
    ) -> Tensor:
        """A convolution's map; ``lit``: after ReLU6, in its own memory."""
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        if kernel == 1 and x.is_contiguous(memory_format=torch.channels_last):
            # The same sums as a convolution's, in two thirds of its time.
            flat = F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias)
            return (F.hardtanh_(flat, 0, 6) if lit else flat).permute(0, 3, 1, 2)
        if stride > 1:
            # TensorFlow's SAME padding: the odd pixel goes right and below.
            down, right = (max(kernel - (size % stride or stride), 0) for size in x.shape[-2:])
            x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        padding = kernel // 2 if stride == 1 else 0
        raw = F.conv2d(x, weight, bias, stride, padding, groups=weight.shape[0] if deep else 1)
        return F.hardtanh_(raw, 0, 6) if lit else raw

    def maps(self, pictures: Tensor, layers: tuple[str, ...], *, linear: Collection[str] = ()) -> dict[str, Tensor]:
        """Activations of ``layers`` (names of ``LAYERS``), computed no deeper than needed; differentiable.

        Those in ``linear`` are given as they are before their ReLU6.
        """
        wanted, found = set(layers), {}
        # The classifier saw (0..255 - 127) / 128.
        x = self._apply("stem", pictures * (255 / 128) - 127 / 128, kernel=3, stride=2, lit=True)
        for number, (kernel, stride, expands) in enumerate(self._blocks):
            inside = x
            if expands:
                bare = f"e{number}" in linear
                raw = self._apply(f"e{number}", inside, lit=not bare)
                inside = F.relu6(raw) if bare else raw
                found[f"e{number}"] = raw
                if wanted <= found.keys():
                    break
            bare = f"d{number}" in linear
            raw = self._apply(f"d{number}", inside, kernel=kernel, stride=stride, deep=True, lit=not bare)
            inside = F.relu6(raw) if bare else raw
            out = self._apply(f"b{number}", inside)
            x = x + out if stride == 1 and x.shape[1] == out.shape[1] else out
            found[f"d{number}"] = raw
            found[f"b{number}"] = x
            if wanted <= found.keys():
                break
        return {name: found[name] for name in layers}

    def head(self, last: Tensor) -> Tensor:
        """What the classes are told from, [n, 1280, height, width], out of the last block's map (``b15`` of Lite0)."""
        return F.relu6(self._apply("head", last))

    def logits(self, means: Tensor) -> Tensor:
        """Logits of the 1,000 ImageNet classes, [..., 1000], of means of ``head`` over places, [..., 1280]."""
        return F.linear(means, self._weights["classes.weight"], self._weights["classes.bias"])

    def classes(self, pictures: Tensor) -> Tensor:
        """Logits of the 1,000 ImageNet classes, [n, 1000]. Trained at 224 px."""
        return self.logits(self.features(pictures))

    def features(self, pictures: Tensor) -> Tensor:
        """What a picture is told by, [n, 1280]: means over places of ``head``."""
        last = f"b{len(self._blocks) - 1}"
        return self.head(self.maps(pictures, (last,))[last]).mean((-2, -1))


@cache
def efficientnet_lite(name: str = NAME) -> EfficientNetLite:
    """The network, converted at the first call ever. Raises ``ModelMissing`` or ``VesicaError`` in one sentence."""
    target = cache_dir() / f"{name}-{card(name).sha256[:16]}-{FORMAT}.safetensors"
    if not target.is_file():
        _convert(name, target)
    try:
        return EfficientNetLite(_load(target), name)
    except SafetensorError:
        # A cut, changed or foreign file under our own name: make it anew from the package, whose digest is checked.
        _convert(name, target)
        return EfficientNetLite(_load(target), name)
