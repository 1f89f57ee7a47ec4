"""How fast pictures are painted in one pass, beside the network of fast_neural_style in the same run, on two threads.

    python bench/bench_paint.py [--memory]

Wall times are on two threads. The ratio is of processor times on one thread each, which other work on the machine and
threads that wait for one another disturb least; half of that time is what two free cores would need. With --memory, the
peak of painting 4096 x 4096 pixels instead.
"""

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from torch import Tensor, nn

from vesica.image.paint import paint
from vesica.image.painter import MANNER, NOISE, paint_bands, studied
from vesica.image.params import PaintParams
from vesica.image.pictures import read_picture
from vesica.image.tensors import one_thread_each

PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"


class Residual(nn.Module):
    """Two convolutions beside the straight way."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(128, 128, 3) for _ in range(2))
        self.norm1, self.norm2 = (nn.InstanceNorm2d(128, affine=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """[n, 128, height, width] to the same."""
        y = F.relu(self.norm1(self.first(F.pad(x, (1, 1, 1, 1), mode="reflect"))))
        out: Tensor = x + self.norm2(self.second(F.pad(y, (1, 1, 1, 1), mode="reflect")))
        return out


class FastNeuralStyle(nn.Module):
    """The network of Johnson, Alahi and Fei-Fei (2016) as PyTorch's fast_neural_style has it: 1.7 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        plan = ((3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2))
        self.down = nn.ModuleList(nn.Conv2d(a, b, size, stride) for a, b, size, stride in plan)
        self.middle = nn.Sequential(*(Residual() for _ in range(5)))
        self.up = nn.ModuleList(nn.Conv2d(a, b, 3) for a, b in ((128, 64), (64, 32)))
        self.norms = nn.ModuleList(nn.InstanceNorm2d(width, affine=True) for width in (32, 64, 128, 64, 32))
        self.leave = nn.Conv2d(32, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        """[n, 3, height, width] of 0..255 to the same."""
        norms = iter(self.norms)
        for layer in self.down:
            assert isinstance(layer, nn.Conv2d)
            pad = layer.kernel_size[0] // 2
            x = F.relu(next(norms)(layer(F.pad(x, (pad, pad, pad, pad), mode="reflect"))))
        x = self.middle(x)
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.relu(next(norms)(layer(F.pad(x, (1, 1, 1, 1), mode="reflect"))))
        out: Tensor = self.leave(F.pad(x, (4, 4, 4, 4), mode="reflect"))
        return out


def best(task: Callable[[], object], runs: int = 5) -> tuple[float, float]:
    """Shortest wall time and shortest processor time of a task, in seconds."""
    task()
    walls, costs = [], []
    for _ in range(runs):
        wall, cost = time.perf_counter(), time.process_time()
        task()
        walls.append(time.perf_counter() - wall)
        costs.append(time.process_time() - cost)
    return min(walls), min(costs)


def main() -> None:
    """Print the times of both networks and of the whole engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true")
    torch.set_num_threads(2)
    photo = Image.fromarray(read_picture(PHOTO.read_bytes()))
    if parser.parse_args().memory:
        large = np.array(photo.resize((4096, 4096), Image.Resampling.LANCZOS))
        began = time.process_time()
        paint(picture=large, params=PaintParams(style="great_wave"), seed=1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"4096 x 4096 pixels: peak {peak:.2f} GiB, {time.process_time() - began:.1f} s of processor")
        return
    textbook, brush = FastNeuralStyle().eval(), studied().painter.brush(torch.zeros(MANNER), 1.5)
    print(f"fast_neural_style: {sum(p.numel() for p in textbook.parameters()):,} parameters")
    for side in (256, 512, 1024):
        picture = torch.rand(1, 3, side, side)
        noise = torch.randn(1, NOISE, side // 4, side // 4)
        runs = 2 if side > 512 else 5
        torch.set_num_threads(1)
        with torch.inference_mode():
            slow = best(partial(textbook, picture), runs)[1]
        with one_thread_each() as pool:
            cost = best(partial(paint_bands, brush, picture, noise, pool), runs)[1]
        torch.set_num_threads(2)
        with one_thread_each() as pool:
            wall = best(partial(paint_bands, brush, picture, noise, pool), runs)[0]
        pixels = np.array(photo.resize((side, side), Image.Resampling.LANCZOS))
        engine = best(partial(paint, picture=pixels, params=PaintParams(style="great_wave", scale=1), seed=1), runs)[0]
        print(
            f"{side} px: {wall * 1000:.0f} ms on the wall; processor {cost * 1000:.0f} ms, so {2 / cost:.1f} a second "
            f"on two free cores; fast_neural_style {slow * 1000:.0f} ms, ratio {slow / cost:.1f}; "
            f"whole engine, card read from disk, {engine * 1000:.0f} ms on the wall",
            flush=True,
        )


if __name__ == "__main__":
    main()
