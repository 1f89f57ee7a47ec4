"""How near painting in one pass comes to optimisation of 300 iterations: the ratio of their style losses.

    python bench/bench_paint_quality.py PAINTINGS PHOTOGRAPHS [--cards]

PAINTINGS is a folder with an index.json (file, title, artist); PHOTOGRAPHS holds pictures that the painter never saw.
Twenty pairs, each of another painting, are drawn by seed 1; with --cards every painting is paired with one photograph.
Both methods see 256 pixels, the same statistics of the painting, the same content weight and the same loss.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vesica.image.painter import NOISE, USUAL, paint_whole, painter
from vesica.image.style_loss import CONTENT_LAYER, STYLE_LAYERS, Statistics, content_loss, statistics, style_loss
from vesica.weights.efficientnet_lite import efficientnet_lite

SIDE = 256
SCALES = ((128, 120), (192, 100), (256, 80))
"""Side in pixels and iterations there."""

LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)


def square(path: Path) -> Tensor:
    """The middle of a picture as [1, 3, SIDE, SIDE] of 0..1."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


@torch.no_grad()
def style_of(path: Path) -> dict[str, Statistics]:
    """Statistics of a painting whose longest side is 512 pixels."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = 512 / max(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    maps = efficientnet_lite().maps(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255, STYLE_LAYERS)
    return {layer: statistics(maps[layer]) for layer in STYLE_LAYERS}


def losses(picture: Tensor, content: Tensor, aim: dict[str, Statistics]) -> tuple[Tensor, Tensor]:
    """Style and content loss of [1, 3, height, width]; differentiable."""
    network = efficientnet_lite()
    with torch.no_grad():
        told = network.maps(content, (CONTENT_LAYER,))[CONTENT_LAYER]
    maps = network.maps(picture.contiguous(memory_format=torch.channels_last), LAYERS)
    found = {layer: statistics(maps[layer]) for layer in STYLE_LAYERS}
    return style_loss(found, aim).sum(), content_loss(maps[CONTENT_LAYER], told).sum()


def optimised(content: Tensor, aim: dict[str, Statistics], weight: float) -> Tensor:
    """Gatys' method with Adam, coarse to fine; the running mean of the iterates."""
    generator, picture = torch.Generator().manual_seed(1), content
    for side, steps in SCALES:
        ground = torch.nn.functional.interpolate(content, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        picture = torch.nn.functional.interpolate(picture, (side, side), mode="bicubic", antialias=True)
        picture = picture.clamp(0, 1).requires_grad_()
        adam, calm = torch.optim.Adam([picture], lr=0.03, betas=(0.9, 0.99)), picture.detach().clone()
        for _ in range(steps):
            pad = torch.nn.functional.pad(picture, (8, 8, 8, 8), mode="reflect")
            wide = torch.nn.functional.pad(ground, (8, 8, 8, 8), mode="reflect")
            down, right = torch.randint(0, 17, (2,), generator=generator).tolist()
            spots = slice(down, down + side), slice(right, right + side)
            style, kept = losses(pad[:, :, *spots], wide[:, :, *spots], aim)
            adam.zero_grad()
            (style + weight * kept).backward()
            adam.step()
            with torch.no_grad():
                picture.clamp_(0, 1)
                calm.lerp_(picture, 0.05)
        picture = calm
    return picture


def main() -> None:
    """Print both losses and their ratio for every pair, and the mean and the worst ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paintings", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--cards", action="store_true", help="one pair for every painting, instead of twenty")
    parser.add_argument("--content", type=float, default=USUAL, help="weight of the content")
    parser.add_argument("--sheet", type=Path, help="where to keep a picture of the pairs")
    args = parser.parse_args()
    torch.set_num_threads(2)
    files = [row["file"] for row in json.loads((args.paintings / "index.json").read_text("utf-8"))]
    photographs = sorted(path for path in args.photographs.iterdir() if path.suffix in (".jpg", ".png"))
    chosen = files if args.cards else random.Random(1).sample(files, 20)
    ratios, rows = [], []
    for number, file in enumerate(chosen):
        content, aim = square(photographs[number % len(photographs)]), style_of(args.paintings / file)
        noise = torch.randn(1, NOISE, SIDE // 4, SIDE // 4, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            once = paint_whole(painter().brush(painter().code(aim, file.rsplit(".", 1)[0]), args.content), content, noise)
            ours, own = losses(once, content, aim)
            bare, _ = losses(content, content, aim)
        slowly = optimised(content, aim, args.content)
        with torch.no_grad():
            theirs, kept = losses(slowly, content, aim)
        ratios.append(ours.item() / theirs.item())
        print(
            f"{file:44} style: one pass {ours.item():.3f}, optimised {theirs.item():.3f}, ratio {ratios[-1]:.2f}, "
            f"photograph {bare.item():.2f}; content: {own.item():.3f}, {kept.item():.3f}",
            flush=True,
        )
        rows.append(torch.cat([content, once, slowly], 3))
    print(f"ratio of {len(ratios)} pairs: mean {sum(ratios) / len(ratios):.2f}, worst {max(ratios):.2f}")
    if args.sheet:
        half = -(-len(rows) // 2)
        rows += [torch.ones_like(rows[0])] * (2 * half - len(rows))
        sheet = torch.cat([torch.cat(rows[:half], 2), torch.cat(rows[half:], 2)], 3)[0]
        Image.fromarray((sheet.permute(1, 2, 0) * 255).round().byte().numpy()).save(args.sheet, quality=88)


if __name__ == "__main__":
    main()
