"""How long style by optimisation takes on two threads, beside the textbook's loop, and what a large picture holds.

python bench/bench_style.py            512 px, and the textbook's loop in the same run
python bench/bench_style.py 4096       peak memory and time at 4096 px, with the fewest steps there
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vesica.image.params import StyleParams
from vesica.image.pictures import Picture, read_picture
from vesica.image.style import style
from vesica.weights.efficientnet_lite import LAYERS, EfficientNetLite, efficientnet_lite

PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"
STEPS = 320
TEXTBOOK_STEPS = 6
"""Steps of the textbook's loop that are timed; all of them cost alike."""


def square(side: int) -> Picture:
    """The photograph, made square."""
    return np.array(Image.fromarray(read_picture(PHOTO.read_bytes())).resize((side, side), Image.Resampling.LANCZOS))


def textbook(side: int, *, frozen: bool) -> tuple[float, float]:
    """Wall and processor seconds of a step of the loop as tutorials write it, on the same network.

    Every step runs the whole network on the full picture in float32, channels first, and compares Gram matrices;
    nothing is begun small. Tutorials that do not freeze the weights pay for their gradients too.
    """
    network: EfficientNetLite = efficientnet_lite()
    weights = {name: tensor.clone().requires_grad_(not frozen) for name, tensor in network._weights.items()}
    network = EfficientNetLite(weights)
    picture = torch.from_numpy(square(side)).permute(2, 0, 1)[None].float() / 255
    layers, content = network.style_layers, network.content_layer

    def gram(maps: Tensor) -> Tensor:
        flat = maps[0].flatten(1)
        return flat @ flat.T / flat.numel()

    with torch.no_grad():
        found = network.maps(picture.flip(3), LAYERS)
        aims, kept = {layer: gram(found[layer]) for layer in layers}, network.maps(picture, LAYERS)[content]
    pixels = picture.clone().requires_grad_()
    adam = torch.optim.Adam([pixels], lr=0.03)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(TEXTBOOK_STEPS):
        adam.zero_grad()
        maps = network.maps(pixels, LAYERS)
        loss = (maps[content] - kept).square().mean()
        for layer in layers:
            loss = loss + 1e6 * (gram(maps[layer]) - aims[layer]).square().mean()
        # The whole network has a part in the loss, though none of it counts.
        torch.autograd.backward(loss + 0 * maps["b15"].sum())
        adam.step()
    return (time.perf_counter() - wall) / TEXTBOOK_STEPS, (time.process_time() - cpu) / TEXTBOOK_STEPS


def main() -> None:
    """Print the figures."""
    torch.set_num_threads(2)
    if len(sys.argv) > 1:
        side = int(sys.argv[1])
        params = StyleParams(style="great_wave", size=side, steps=32)
        wall, cpu = time.perf_counter(), time.process_time()
        style(picture=square(512), params=params, seed=1)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"image.style, {side} x {side} px, 32 steps and 4 at each size above 512, 2 threads: {wall:.0f} s wall, "
            f"{cpu:.0f} s of processors, {peak:.2f} GiB at most (Python and torch included)"
        )
        return
    walls, cpus = [], []
    for seed in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        style(picture=square(512), params=StyleParams(style="great_wave", steps=STEPS), seed=seed)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(
        f"image.style, 512 x 512 px, {STEPS} steps, 2 threads: {min(walls):.1f} s wall, {min(cpus):.1f} s of processors"
    )
    for frozen in (False, True):
        wall, cpu = (STEPS * one for one in textbook(512, frozen=frozen))
        print(
            f"the textbook's loop, weights {'frozen' if frozen else 'not frozen'}, {STEPS} of its steps by "
            f"{TEXTBOOK_STEPS}: {wall:.0f} s wall, {cpu:.0f} s of processors; "
            f"ratio {wall / min(walls):.1f} in wall, {cpu / min(cpus):.1f} in processors' time"
        )


if __name__ == "__main__":
    main()
