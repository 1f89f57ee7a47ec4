"""DeepDream: its speed beside a textbook loop, whether tiles leave seams, how far takes differ, and its memory.

Run: python bench/bench_dream.py [speed | seams | takes | memory]
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from vesica.image import tiles
from vesica.image.dream import dream
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture
from vesica.weights.cards import locate
from vesica.weights.efficientnet_lite import BLOCKS, NAME, STAGES

PHOTO = Path(__file__).parents[1] / "examples" / "photo.jpg"


def photo(side: int) -> Picture:
    """The example's photograph, made square."""
    return np.array(Image.open(PHOTO).convert("RGB").resize((side, side), Image.Resampling.LANCZOS))


class Block(nn.Module):
    """An inverted residual block as papers write it: convolutions, batch norms, ReLU6."""

    def __init__(self, entering: int, leaving: int, kernel: int, stride: int, *, expands: bool) -> None:
        super().__init__()
        inside = entering * (6 if expands else 1)
        self.expand = nn.Sequential(nn.Conv2d(entering, inside, 1, bias=False), nn.BatchNorm2d(inside, 1e-3))
        self.deep = nn.Sequential(
            nn.Conv2d(inside, inside, kernel, stride, kernel // 2, groups=inside, bias=False),
            nn.BatchNorm2d(inside, 1e-3),
        )
        self.project = nn.Sequential(nn.Conv2d(inside, leaving, 1, bias=False), nn.BatchNorm2d(leaving, 1e-3))
        self.expands, self.stays = expands, stride == 1 and entering == leaving

    def forward(self, x: Tensor) -> Tensor:
        """[n, entering, height, width] to [n, leaving, height / stride, width / stride]."""
        inside = F.relu6(self.expand(x)) if self.expands else x
        out: Tensor = self.project(F.relu6(self.deep(inside)))
        return x + out if self.stays else out


def textbook() -> tuple[nn.Module, nn.ModuleList]:
    """The same network with the same weights, from plain modules, nothing folded or frozen: stem and blocks."""
    stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32, 1e-3), nn.ReLU6())
    outs = [channels for repeats, *_, channels in STAGES for _ in range(repeats)] + [320]
    blocks = nn.ModuleList(
        Block(entering, leaving, kernel, stride, expands=expands)
        for entering, leaving, (kernel, stride, expands) in zip([32, *outs], outs, BLOCKS, strict=False)
    )
    weights = torch.load(locate(NAME), map_location="cpu", weights_only=True)
    names = {
        "expand": ("_expand_conv", "_bn0"),
        "deep": ("_depthwise_conv", "_bn1"),
        "project": ("_project_conv", "_bn2"),
    }
    parts: list[tuple[nn.Module, str, str]] = [(stem, "_conv_stem", "_bn0")]
    for number, block in enumerate(blocks):
        for name, (convolution, norm) in names.items():
            if name != "expand" or block.expands:
                parts.append((getattr(block, name), f"_blocks.{number}.{convolution}", f"_blocks.{number}.{norm}"))
    for module, convolution, norm in parts:
        for place, prefix in (("0", convolution), ("1", norm)):
            found = {key.removeprefix(prefix + "."): x for key, x in weights.items() if key.startswith(prefix + ".")}
            module.get_submodule(place).load_state_dict(found)
    return stem.eval(), blocks.eval()


def dream_by_the_book(picture: Picture, params: DreamParams) -> None:
    """Octaves, roll, backward through the whole network, mean of squares of b8, a step along the gradient."""
    stem, blocks = textbook()
    base = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    detail = torch.zeros_like(base)
    for octave in reversed(range(params.octaves)):
        side = round(picture.shape[0] * params.ratio**-octave)
        ground = F.interpolate(base, (side, side), mode="bilinear", antialias=True)
        view = ground + F.interpolate(detail, (side, side), mode="bilinear")
        for _ in range(12):
            down, right = torch.randint(-params.jitter, params.jitter + 1, (2,)).tolist()
            seen = view.roll((down, right), (2, 3)).detach().requires_grad_()
            x, kept = stem(seen * (255 / 128) - 127 / 128), seen
            for number, block in enumerate(blocks):
                x = block(x)
                kept = x if number == 8 else kept
            torch.autograd.backward(kept.square().mean())
            assert seen.grad is not None
            view = (seen + params.rate * seen.grad / seen.grad.abs().mean()).roll((-down, -right), (2, 3)).detach()
        detail = view - ground


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processor, of the better of two runs after a first one."""
    runs = []
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(wall for wall, _ in runs[1:]), min(cpu for _, cpu in runs[1:])


def speed() -> None:
    """Ours and the textbook's loop, 512 x 512, two threads."""
    torch.set_num_threads(2)
    picture = photo(512)
    ours = timed(lambda: dream(picture=picture, params=DreamParams(), seed=0))
    theirs = timed(lambda: dream_by_the_book(picture, DreamParams()))
    print(f"dream of 512 x 512, usual knobs: {ours[0]:.1f} s on the clock, {ours[1]:.1f} s of processors")
    print(f"textbook loop, same network and steps: {theirs[0]:.1f} s, {theirs[1]:.1f} s")
    print(f"ratio: {theirs[0] / ours[0]:.1f} on the clock, {theirs[1] / ours[1]:.1f} of processors")


def near_cuts(side: int, within: int) -> NDArray[np.bool_]:
    """Rows within some pixels of where a cut usually lies."""
    generator = torch.Generator().manual_seed(0)
    near = np.zeros(side, bool)
    drawn = [tiles.cut(side, side, 16, generator) for _ in range(200)]
    for place in range(len({tile.down.start for tile in drawn[0]}) - 1):
        usual = round(np.mean([sorted({tile.down.end for tile in one})[place] for one in drawn]))
        near[usual - within : usual + within] = True
    return near


def seams() -> None:
    """Energy of what was dreamt, and of its steps from row to row, along cuts against elsewhere."""
    torch.set_num_threads(2)
    side, picture = 1024, photo(1024)
    for wish in ("b8", "e9", "e11"):
        for move in (tiles.MOVE, 0):
            kept, tiles.MOVE = tiles.MOVE, move
            result = dream(picture=picture, params=DreamParams(look_for=wish, octaves=1, size=0, steps=8), seed=1)
            tiles.MOVE = kept
            change = result.astype(np.float64) - picture
            near = near_cuts(side, 2)
            energy = np.square(change).mean((1, 2))
            step = np.square(np.diff(change, axis=0, append=change[-1:])).mean((1, 2))
            print(
                f"seams, {wish}, {'cuts that move' if move else 'cuts that stay'}, along cuts / elsewhere: energy "
                f"{energy[near].mean() / energy[~near].mean():.2f}, of steps from row to row "
                f"{step[near].mean() / step[~near].mean():.2f}"
            )


def takes() -> None:
    """How far four takes of one wish lie apart, against how far they lie from the picture."""
    torch.set_num_threads(2)
    picture = photo(384)
    for variety in (0.5, 0.0):
        made = [dream(picture=picture, params=DreamParams(size=384, variety=variety), seed=seed) for seed in range(4)]
        values = [one.astype(np.float64) for one in made]
        apart = np.mean([np.abs(values[a] - values[b]).mean() for a in range(4) for b in range(a)])
        away = np.mean([np.abs(one - picture).mean() for one in values])
        print(f"four takes, variety {variety}: {apart / 255:.3f} apart on average, {away / 255:.3f} from the picture")


def memory() -> None:
    """The most memory that one step on 8192 x 8192 pixels takes."""
    torch.set_num_threads(2)
    picture = photo(8192)
    began = time.process_time()
    dream(picture=picture, params=DreamParams(size=0, octaves=2, steps=1), seed=0, progress=lambda step: None)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    spent = time.process_time() - began
    print(f"8192 x 8192 pixels: {most:.2f} GB at most; a step at two scales took {spent:.0f} s of processors")


def main(only: str) -> None:
    """Print all figures, or those of one part."""
    parts = {"speed": speed, "seams": seams, "takes": takes, "memory": memory}
    for name, part in parts.items():
        if only in ("", name):
            part()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
