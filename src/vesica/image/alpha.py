"""Transparency: a picture that has some is worked on as if it had none, and has it again afterwards.

Files hold any colour at all where nothing shows, black mostly. An engine must not see it, so the nearest colour that
shows goes on there; and what the engine makes of that never shows either, so those bytes come back as they were.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt

from vesica.image.pictures import Picture, check_picture


def filled(picture: Picture) -> Picture:
    """The colours of ``picture`` [height, width, 4]; where nothing shows, the nearest that does (white if none)."""
    colours: Picture = picture[..., :3].copy()
    hidden = picture[..., 3] == 0
    if hidden.all():
        colours[:] = 255
    elif hidden.any():
        nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
        colours = colours[tuple(nearest)]
    return colours


def restored(made: Picture, picture: Picture) -> Picture:
    """What was made [height, width, 3] out of ``picture`` [any, any, 4], with its transparency, at any size."""
    alpha = picture[..., 3]
    if alpha.shape == made.shape[:2]:
        made = np.where(alpha[..., None] == 0, picture[..., :3], made)
    else:
        size = made.shape[1], made.shape[0]
        alpha = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.LANCZOS))
    return np.dstack([made, alpha])


def keeps_alpha(engine: Callable[..., Picture]) -> Callable[..., Picture]:
    """Let an engine take a ``picture`` [height, width, 4] too, whose transparency its result then has."""

    @wraps(engine)
    def kept(*, picture: Picture | None = None, **others: Any) -> Picture:
        if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
            return engine(picture=picture, **others)
        check_picture(picture, alpha=True)
        return restored(engine(picture=filled(picture), **others), picture)

    return kept
