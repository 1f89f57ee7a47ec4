"""Augmentation that adapts: the discriminator sees real and fake samples changed alike, the more it learns by heart.

DiffAugment (Zhao et al., 2020) for what is changed, ADA (Karras et al., 2020) for how often. Few pictures are learned
by heart within minutes otherwise, and the generator then hears nothing true any more.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

MOST = 0.85
"""Above this share of changed samples a generator begins to make changed ones itself."""

AIM = 0.6
"""How certain of real samples the discriminator may be, -1..1."""

IMAGES = 15_000
"""Samples within which the share can go from nothing to all."""


def augment(samples: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Change each sample [n, channels, height, width] in -1..1 in each of three ways with the chance ``share``.

    Light and colours (brightness, saturation, contrast), place (moved by up to an eighth, larger or smaller by up to a
    fifth), and a hole of half the side. Differentiable; samples that chance spares stay as they are to the bit.
    """
    count = samples.shape[0]
    told = torch.rand(count, 9, generator=rng)
    changed = torch.rand(count, 3, generator=rng) < share
    x = _coloured(samples, told[:, :3], changed[:, 0])
    x = _moved(x, told[:, 3:6], changed[:, 1])
    return _holed(x, told[:, 6:8], changed[:, 2])


def _coloured(x: Tensor, told: Tensor, changed: Tensor) -> Tensor:
    if not changed.any():
        return x
    brightness, saturation, contrast = (column[:, None, None, None] for column in told.unbind(1))
    y = x + (brightness - 0.5)
    grey = y.mean(1, keepdim=True)
    y = grey + (y - grey) * (2 * saturation)
    middle = y.mean((1, 2, 3), keepdim=True)
    y = middle + (y - middle) * (0.5 + contrast)
    return torch.where(changed[:, None, None, None], y, x)


def _moved(x: Tensor, told: Tensor, changed: Tensor) -> Tensor:
    if not changed.any():
        return x
    size = torch.tensor([x.shape[-1], x.shape[-2]])
    # Whole pixels where nothing is scaled; 2 is the whole side in the units of the grid.
    shift = ((told[:, :2] - 0.5) / 4 * size).round() / size * 2
    zoom = torch.where(told[:, 2:] < 0.5, torch.ones(1), 1.2 ** (4 * told[:, 2:] - 3))
    turn = torch.eye(2)[None] * zoom[:, :, None]
    places = F.affine_grid(torch.cat([turn, shift[:, :, None]], 2), list(x.shape), align_corners=False)
    y = F.grid_sample(x, places, mode="bilinear", padding_mode="reflection", align_corners=False)
    return torch.where(changed[:, None, None, None], y, x)


def _holed(x: Tensor, told: Tensor, changed: Tensor) -> Tensor:
    if not changed.any():
        return x
    high, wide = x.shape[-2:]
    rows, columns = torch.arange(high)[None, :], torch.arange(wide)[None, :]
    down = (rows - told[:, :1] * high).abs() < high / 4
    right = (columns - told[:, 1:] * wide).abs() < wide / 4
    hole = down[:, :, None] & right[:, None, :] & changed[:, None, None]
    return torch.where(hole[:, None], x.new_zeros(()), x)


def adapted(share: float, certain: float, samples: int, *, aim: float = AIM) -> float:
    """The share after ``samples`` more on which the discriminator was so ``certain``: up where it was too much."""
    change = samples / IMAGES
    return min(MOST, max(0.0, share + (change if certain > aim else -change)))
