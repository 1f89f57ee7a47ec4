"""Regions of a picture: those a person painted, and those a network sees.

Regions are counted from dark to light, so that a person can say which is which without seeing numbers.
"""

from concurrent.futures import Executor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

from vesica.errors import VesicaError
from vesica.image.colour import from_srgb
from vesica.image.network import Network
from vesica.image.pictures import Picture, check_picture, grey, resize
from vesica.image.tensors import scaled

Shares = NDArray[np.float32]
"""[regions, height, width] of 0..1, adding up to 1 everywhere."""

SMALL = 256
"""Longest side in pixels at which regions are told apart."""

LEAST = 0.004
"""Share of a picture that a painted region covers at least; less is the edge between two."""

APART = 0.06
"""Distance in OKLab from which two painted colours are two regions."""

KINDS = 8
"""Directions of a network's deep map that are looked at."""

ROUNDS = 30

EDGES = 512
"""Longest side in pixels at which the edges of regions that a network sees are brought to the picture's own."""

NEAR = 0.02
"""How far such an edge may move, as a share of the longest side."""

PLAIN = 3e-4
"""Variance in OKLab below which a place has no edges."""

FIRM = 3.0
"""How much steeper a soft edge is made."""


def painted(regions: Picture, height: int, width: int, count: int) -> Shares:
    """Shares of ``count`` regions that a person painted in as many plain colours, whatever the size of the drawing."""
    check_picture(regions, name="A picture of regions")
    if abs(regions.shape[1] / regions.shape[0] * height / width - 1) > 0.02:
        raise VesicaError(
            f"The picture of regions is {regions.shape[1]} x {regions.shape[0]} pixels and the picture "
            f"{width} x {height}; paint the regions in the picture's shape."
        )
    small = regions[:: -(-regions.shape[0] // 1024), :: -(-regions.shape[1] // 1024)].reshape(-1, 3)
    colours, numbers = np.unique(small >> 3, axis=0, return_counts=True)
    order = np.argsort(-numbers, kind="stable")
    kept: list[NDArray[np.float64]] = []
    for place in order:
        lab = from_srgb((colours[place] << 3) + 4)
        if numbers[place] >= LEAST * len(small) and all(np.linalg.norm(lab - other) > APART for other in kept):
            kept.append(lab)
    if len(kept) != count:
        raise VesicaError(
            f"The picture of regions has {len(kept)} plain colours and {count} are styled; paint one colour a region, "
            "and part the styles by |, from the darkest colour to the lightest."
        )
    centres = np.array(sorted(kept, key=lambda lab: lab[0]))
    if max(height, width) > 2048:  # edges of regions are soft, and labels of a poster would fill the memory
        shrink = 2048 / max(height, width)
        found = painted(regions, max(1, round(height * shrink)), max(1, round(width * shrink)), count)
        larger: Shares = scaled(torch.from_numpy(found)[None], height, width)[0].clamp(0, 1).numpy()
        return larger
    drawn = np.array(Image.fromarray(regions).resize((width, height), Image.Resampling.NEAREST))
    labels = np.square(from_srgb(drawn)[:, :, None] - centres).sum(-1).argmin(-1)
    shares: Shares = (labels == np.arange(count)[:, None, None]).astype(np.float32)
    return shares


def seen(picture: Picture, count: int, network: Network, layer: str, pool: Executor) -> Shares:
    """Shares of ``count`` regions by what a network sees and by colour: k-means over smoothed maps, edges softened.

    layer : a deep map, which says what a place is rather than how it looks
    """
    small = resize(picture, SMALL) if max(picture.shape[:2]) > SMALL else picture
    height, width = small.shape[:2]

    def look() -> torch.Tensor:
        with torch.no_grad():
            tensor = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
            return scaled(network.maps(tensor, (layer,))[layer], height, width)

    maps = pool.submit(look).result()[0].double().numpy().reshape(-1, height * width)
    maps -= maps.mean(1, keepdims=True)
    _, directions = np.linalg.eigh(maps @ maps.T)
    kinds = directions[:, ::-1][:, :KINDS].T @ maps
    kinds /= kinds[0].std() + 1e-9
    lab = from_srgb(small).transpose(2, 0, 1)
    lab = np.stack([gaussian_filter(one, SMALL / 100) for one in lab]).reshape(3, -1)
    lab -= lab.mean(1, keepdims=True)
    lab /= np.sqrt(np.square(lab).mean()) + 1e-9
    labels = _clustered(np.concatenate([kinds, lab]).T, count).reshape(height, width)
    soft = np.stack([gaussian_filter((labels == one).astype(np.float64), SMALL / 80) for one in range(count)])
    labels = soft.argmax(0)  # specks are gone
    light = [grey(small)[labels == one].mean() if (labels == one).any() else 255.0 for one in range(count)]
    sharp = np.stack([labels == one for one in np.argsort(light, kind="stable")]).astype(np.float32)
    fitted = torch.from_numpy(_fitted(sharp, resize(picture, EDGES) if max(picture.shape[:2]) > EDGES else picture))
    shares = scaled(fitted[None], *picture.shape[:2])[0].clamp(0, 1)
    found: Shares = (shares / shares.sum(0, keepdim=True).clamp_min(1e-6)).numpy()
    return found


def _fitted(shares: Shares, picture: Picture) -> Shares:
    """Shares at the picture's size, their edges moved to the nearest ones in it: the guided filter (He, Sun and Tang,
    2010), led by all three colours, with its soft edge made a few pixels wide."""
    height, width = picture.shape[:2]
    rough = scaled(torch.from_numpy(shares)[None], height, width)[0].double().numpy()
    reach = 2 * round(max(height, width) * NEAR) + 1
    lab = from_srgb(picture).astype(np.float64).transpose(2, 0, 1)

    def mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
        around: NDArray[np.float64] = uniform_filter(x, (*(1,) * (x.ndim - 2), reach, reach))
        return around

    middle, average = mean(lab), mean(rough)
    spread = mean(lab[:, None] * lab) - middle[:, None] * middle + PLAIN * np.eye(3)[..., None, None]
    along = mean(rough[:, None] * lab) - average[:, None] * middle
    solved = np.linalg.solve(spread.transpose(2, 3, 0, 1), along.transpose(2, 3, 1, 0))
    slopes = solved.astype(np.float64, copy=False).transpose(3, 2, 0, 1)
    soft = (mean(slopes) * lab).sum(1) + mean(average - (slopes * middle).sum(1))
    fitted: Shares = (0.5 + (soft - 0.5) * FIRM).clip(0, 1).astype(np.float32)
    return fitted


def _clustered(points: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Labels of k-means (Lloyd, 1982), begun at points as far apart as there are, so that no chance is needed."""
    centres = [points[np.square(points).sum(1).argmax()]]
    while len(centres) < count:
        centres.append(points[np.min([np.square(points - one).sum(1) for one in centres], axis=0).argmax()])
    found, labels = np.array(centres), np.zeros(len(points), np.intp)
    for _ in range(ROUNDS):
        labels = np.square(points[:, None] - found).sum(-1).argmin(1)
        found = np.array(
            [points[labels == one].mean(0) if (labels == one).any() else found[one] for one in range(count)]
        )
    return labels
