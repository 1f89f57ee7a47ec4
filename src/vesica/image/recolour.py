"""A picture in another's colours: the least movement of each that gives the same mean and covariance.

The linear map of optimal transport between two normal distributions (Pitié and Kokaram, 2007).
"""

import torch
from torch import Tensor

from vesica.image.style_loss import Statistics

FLOOR = 1e-5
"""Added to a picture's variances, so that a flat picture's noise is not blown up to the other's contrast."""


def recoloured(picture: Tensor, aim: Statistics, share: Tensor | None = None) -> Tensor:
    """``picture`` [1, 3, height, width] of 0..1 with the mean [3] and covariance [3, 3] of ``aim``.

    share : how much each place counts among the picture's own colours, [1, 1, height, width]; None: all alike

    Differentiable; slopes take the movement for given, though it depends on the picture.
    """
    flat = picture[0].flatten(1)
    with torch.no_grad():
        weighed = flat if share is None else flat * share.flatten()
        total = flat.shape[1] if share is None else share.sum(dtype=torch.float64).cpu().clamp_min(1e-6)
        own = (weighed.sum(1, dtype=torch.float64).cpu() / total).to(flat)[:, None]
        apart = flat - own
        weighed = apart if share is None else apart * share.flatten()
        # Three by three is a matter for the processor, wherever the picture lies.
        spread = (weighed @ apart.T).double().cpu() / total + FLOOR * torch.eye(3, dtype=torch.float64)
        root, back = power(spread, 0.5), power(spread, -0.5)
        move = (back @ power(root @ aim.covariance.double().cpu() @ root, 0.5) @ back).to(flat)
    return torch.addmm(aim.mean.to(flat)[:, None], move, flat - own).reshape(picture.shape).clamp(0, 1)


def power(matrix: Tensor, exponent: float) -> Tensor:
    """A symmetric matrix of no negative eigenvalue to a power."""
    values, vectors = torch.linalg.eigh(matrix)
    raised: Tensor = (vectors * values.clamp_min(1e-9) ** exponent) @ vectors.T
    return raised
