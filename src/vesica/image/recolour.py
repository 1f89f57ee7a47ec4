"""A picture in another's colours: the least movement of each that gives the same mean and covariance.

The linear map of optimal transport between two normal distributions (Pitié and Kokaram, 2007).
"""

import torch
from torch import Tensor

from vesica.image.style_loss import Statistics

FLOOR = 1e-5
"""Added to a picture's variances, so that a flat picture's noise is not blown up to the other's contrast."""


def recoloured(picture: Tensor, aim: Statistics) -> Tensor:
    """``picture`` [1, 3, height, width] of 0..1 with the mean [3] and covariance [3, 3] of ``aim``."""
    flat = picture[0].flatten(1)
    own = flat.sum(1, dtype=torch.float64) / flat.shape[1]
    apart = flat - own[:, None].float()
    # Three by three is a matter for the processor, wherever the picture lies.
    spread = (apart @ apart.T).double().cpu() / flat.shape[1] + FLOOR * torch.eye(3, dtype=torch.float64)
    root, back = _power(spread, 0.5), _power(spread, -0.5)
    move = (back @ _power(root @ aim.covariance.double().cpu() @ root, 0.5) @ back).to(flat)
    return torch.addmm(aim.mean.to(flat)[:, None], move, apart).reshape(picture.shape).clamp_(0, 1)


def _power(matrix: Tensor, power: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    result: Tensor = (vectors * values.clamp_min(1e-9) ** power) @ vectors.T
    return result
