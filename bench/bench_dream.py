"""How long a DeepDream of 384 and 512 pixels takes, with the usual knobs and two threads."""

import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vesica.image.dream import dream
from vesica.image.params import DreamParams
from vesica.image.pictures import read_picture

PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"


def main() -> None:
    """Print the best of three runs for each size."""
    torch.set_num_threads(2)
    photo = Image.fromarray(read_picture(PHOTO.read_bytes()))
    for side in (384, 512):
        picture = np.array(photo.resize((side, side), Image.Resampling.LANCZOS))
        params = DreamParams(size=side)
        dream(picture=picture, params=DreamParams(size=side, steps=1), seed=0)
        walls = []
        for seed in range(3):
            began = time.perf_counter()
            dream(picture=picture, params=params, seed=seed)
            walls.append(time.perf_counter() - began)
        print(f"DeepDream, {side} x {side} pixels, usual knobs, 2 threads: {min(walls):.1f} s (best of 3)")


if __name__ == "__main__":
    main()
