"""VGG (Simonyan and Zisserman, 2014), for a person who has its weights: what most style transfer looks with.

We ship none. A safetensors file with torchvision's or timm's names (``features.0.weight`` and so on) is read, whichever
of the family it is, with batch norms or without; where the pools stand shows in the numbers left out between layers.
"""

import os
import re
from functools import cache
from hashlib import sha256
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vesica.errors import ModelMissing, VesicaError

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours, by which these networks were trained."""


class VGG:
    """The network in float32 on the CPU, frozen. Maps are called ``relu1_1`` and so on, after their ReLU."""

    style_layers: tuple[str, ...]

    def __init__(self, name: str, weights: dict[str, Tensor]) -> None:
        """``weights`` : torchvision's ``features.*``. Raises ``VesicaError`` where they are no VGG's."""
        self.name = name
        convolutions = sorted(
            int(found[1])
            for key, tensor in weights.items()
            if (found := re.fullmatch(r"features\.(\d+)\.weight", key)) and tensor.ndim == 4
        )
        if not convolutions or convolutions[0] != 0:
            raise VesicaError(
                "This file holds no VGG; give its weights by torchvision's names, 'features.0.weight' first."
            )
        self._steps: list[tuple[str, Tensor, Tensor, bool]] = []
        block, place, channels = 1, 0, 3
        for before, at in zip((0, *convolutions), convolutions, strict=False):
            normed = f"features.{before + 1}.running_mean" in weights
            pooled = at - before > (3 if normed else 2)
            block, place = (block + 1, 1) if pooled else (block, place + 1)
            kernel, bias = weights[f"features.{at}.weight"].float(), weights.get(f"features.{at}.bias")
            if kernel.shape[1:] != (channels, 3, 3) or bias is None or bias.shape != kernel.shape[:1]:
                raise VesicaError(f"The layer features.{at} of this file is none of a VGG; export the weights again.")
            channels, bias = len(kernel), bias.float()
            if f"features.{at + 1}.running_mean" in weights:
                kernel, bias = _folded(weights, at + 1, kernel, bias)
            self._steps.append((f"relu{block}_{place}", kernel.contiguous(), bias.contiguous(), pooled))
        self.layers = tuple(name for name, *_ in self._steps)
        self.style_layers = tuple(name for name in self.layers if name.endswith("_1"))[:4]
        self.content_layer = next((name for name in ("relu4_2", "relu3_2") if name in self.layers), self.layers[-1])
        self.segment_layer = self.layers[-1]

    def stride_of(self, layer: str) -> int:
        """Pixels of the picture per pixel of the map ``layer``."""
        return 1 << (int(layer[4 : layer.index("_")]) - 1)

    def maps(self, pictures: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Activations of ``layers``, computed no deeper than needed; differentiable."""
        wanted, found = set(layers), {}
        x = (pictures - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
        for name, kernel, bias, pooled in self._steps:
            x = F.relu(F.conv2d(F.max_pool2d(x, 2) if pooled else x, kernel, bias, padding=1))
            found[name] = x
            if wanted <= found.keys():
                break
        return {name: found[name] for name in layers}


def _folded(weights: dict[str, Tensor], norm: int, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Kernel and bias that do what the convolution and the batch norm after it did."""
    at = f"features.{norm}"
    gain = weights[f"{at}.weight"] / (weights[f"{at}.running_var"] + 1e-5).sqrt()
    return kernel * gain[:, None, None, None], (bias - weights[f"{at}.running_mean"]) * gain + weights[f"{at}.bias"]


@cache
def _loaded(path: Path) -> VGG:
    if path.suffix != ".safetensors":
        raise VesicaError(
            f"{path.name} is no safetensors file, and files that can run code are not read; convert it with "
            "safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'vgg19.safetensors')."
        )
    try:
        weights = load_file(path)
        return VGG(f"vgg-{sha256(path.read_bytes()).hexdigest()[:16]}", weights)
    except FileNotFoundError as fault:
        raise VesicaError(f"{path} is not there; set VESICA_VGG to the safetensors file of a VGG.") from fault
    except (OSError, SafetensorError, KeyError) as fault:
        raise VesicaError(f"{path.name} is damaged, or no file of VGG weights; export it again.") from fault


def vgg() -> VGG:
    """The network whose safetensors file ``$VESICA_VGG`` names."""
    path = os.environ.get("VESICA_VGG")
    if not path:
        raise ModelMissing("VGG is not shipped; set VESICA_VGG to a safetensors file with torchvision's names.")
    return _loaded(Path(path).expanduser().absolute())
