"""Masks: where, and how strongly, an engine may change a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from vesica.errors import VesicaError
from vesica.image.pictures import Picture, check_picture, grey


def strength_of(picture: Picture, mask: Picture | None, feather: int) -> NDArray[np.float32] | None:
    """How much may change, float32 [height, width] of 0..1, or None for everything.

    The change sets in over ``feather`` pixels inside the mask's edge, so that what lies outside stays as it is.
    Raises ``VesicaError`` where the mask has another shape than the picture; another size is scaled.
    """
    if mask is None:
        return None
    check_picture(mask, name="A mask")
    height, width = picture.shape[:2]
    if abs(mask.shape[1] / mask.shape[0] * height / width - 1) > 0.02:
        raise VesicaError(
            f"The mask is {mask.shape[1]} x {mask.shape[0]} pixels and the picture {width} x {height}; "
            f"paint the mask in the picture's shape."
        )
    painted = grey(mask)
    if painted.shape != (height, width):
        painted = np.array(Image.fromarray(painted).resize((width, height), Image.Resampling.BILINEAR))
    strength: NDArray[np.float32] = painted.astype(np.float32) / np.float32(255)
    if feather and not painted.all():
        inside = np.clip(distance_transform_edt(painted > 0) / (feather + 1), 0, 1)
        strength *= (inside * inside * (3 - 2 * inside)).astype(np.float32)
    return strength
