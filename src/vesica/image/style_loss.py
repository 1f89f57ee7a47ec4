"""Style as statistics: the mean and the covariance of a network's maps, and how far two pictures are apart in them.

Gatys, Ecker and Bethge (2016) compare Gram matrices, which mix the two and let the layers with the largest numbers
decide. Here each layer's mean and covariance are compared apart, each distance divided by the square of what is aimed
at, so that every term says "how wrong, as a share" and all layers have the same say, in whatever network.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vesica.weights.efficientnet_lite import EfficientNetLite

STYLE_LAYERS = EfficientNetLite.style_layers
CONTENT_LAYER = EfficientNetLite.content_layer

TINY = 1e-12

FLAT = 0.01
"""Spread, as a share of ||mean||², below which a style counts as flat: a plain colour would divide by nothing."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """How a layer's map is distributed over the places of a picture.

    mean : float32 [..., channels]
    covariance : float32 [..., channels, channels], symmetric
    """

    mean: Tensor
    covariance: Tensor


def statistics(features: Tensor) -> Statistics:
    """Mean and covariance over all places of a map [n, channels, height, width], for each of the n; differentiable."""
    flat = features.flatten(2)
    mean = flat.mean(2)
    apart = flat - mean[..., None]
    return Statistics(mean, apart @ apart.transpose(1, 2) / flat.shape[2])


def layer_loss(found: Statistics, aim: Statistics) -> Tensor:
    """``||mean - aim||² / ||aim||² + ||covariance - aim||² / ||aim||²``, for each of the leading dimensions.

    Leading dimensions broadcast. 0 where both agree; about 2 for a picture that is flat and black.
    """
    size = aim.mean.square().sum(-1).clamp_min(TINY)
    spread = aim.covariance.square().sum((-2, -1))
    mean = (found.mean - aim.mean).square().sum(-1) / size
    return mean + (found.covariance - aim.covariance).square().sum((-2, -1)) / torch.maximum(spread, (FLAT * size) ** 2)


def style_loss(found: Mapping[str, Statistics], aim: Mapping[str, Statistics]) -> Tensor:
    """Sum of ``layer_loss`` over the layers of ``aim``."""
    return torch.stack([layer_loss(found[layer], target) for layer, target in aim.items()]).sum(0)


def content_loss(features: Tensor, aim: Tensor) -> Tensor:
    """||features - aim||² / ||aim||² of two maps [n, channels, height, width], for each of the n."""
    apart = (features - aim).square().sum((1, 2, 3))
    return apart / aim.square().sum((1, 2, 3)).clamp_min(TINY)
