"""What discriminator and generator want of each other's logits; each is a mean over heads of a mean over places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Logits = Sequence[Tensor]
"""One tensor [n, places] for each head."""


@dataclass(frozen=True, slots=True)
class Losses:
    """A pair of losses.

    discriminator, generator : of the logits of real and fake samples
    penalty : gamma of R1 and R2 for samples of side 1; 0 for none. It grows with the number of pixels.
    certain : how far the discriminator is ahead, -1..1, of real and fake logits: 1 where it is never wrong
    """

    discriminator: Callable[[Logits, Logits], Tensor]
    generator: Callable[[Logits, Logits], Tensor]
    certain: Callable[[Logits, Logits], Tensor]
    penalty: float = 0.0


def _mean(parts: list[Tensor]) -> Tensor:
    return torch.stack([part.mean() for part in parts]).mean()


HINGE = Losses(
    lambda real, fake: _mean([F.relu(1 - one) for one in real]) + _mean([F.relu(1 + one) for one in fake]),
    lambda real, fake: -_mean(list(fake)),
    lambda real, fake: _mean([one.sign() for one in real]),
)
"""Hinge (Lim and Ye, 2017), for discriminators that are held by a spectral norm."""

RELATIVISTIC = Losses(
    lambda real, fake: _mean([F.softplus(f - r) for r, f in zip(real, fake, strict=True)]),
    lambda real, fake: _mean([F.softplus(r - f) for r, f in zip(real, fake, strict=True)]),
    lambda real, fake: _mean([(r - f).sign() for r, f in zip(real, fake, strict=True)]),
    penalty=1 / 1024,
)
"""Each fake sample against a real one (Jolicoeur-Martineau, 2018), with R1 and R2 (Huang et al., 2024)."""
