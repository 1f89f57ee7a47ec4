"""How near painting in one pass comes to optimisation of 300 iterations: the ratio of their style losses.

    python bench/bench_paint_quality.py PHOTOGRAPHS [--cards]

PHOTOGRAPHS is a folder of pictures that the painter never saw. Twenty pairs, each of another card, are drawn by seed 1;
with --cards, every card that comes with the package is paired with one of the photographs. Both engines get the
photograph's middle at 256 pixels, the same card as of 512 pixels, the same content weight, and are measured by the
same loss, which is the one that both were made to lower.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vesica.image.paint import STYLE_SIZE, paint
from vesica.image.params import PaintParams, StyleParams
from vesica.image.pictures import Picture, read_picture
from vesica.image.style import style
from vesica.image.style_cards import read_card
from vesica.image.style_loss import STYLE_LAYERS, content_loss, style_loss
from vesica.image.style_names import SHIPPED, read_label
from vesica.image.style_slope import COLOURS, Style, style_of
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import efficientnet_lite

SIDE = 256


def square(path: Path) -> Picture:
    """The middle of a picture, SIDE pixels a side."""
    image = Image.fromarray(read_picture(path.read_bytes()))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.array(image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def losses(picture: Picture, content: Picture, aim: Style) -> tuple[float, float]:
    """Style loss, and how far the content map is from the photograph's, as a share."""
    network = efficientnet_lite()
    both = [torch.from_numpy(one).permute(2, 0, 1)[None].float() / 255 for one in (picture, content)]
    with one_thread_each() as pool:
        found = style_of(network, both[0], (COLOURS, *STYLE_LAYERS), pool)
    with torch.no_grad():
        seen, told = (network.maps(one, (network.content_layer,))[network.content_layer] for one in both)
    return style_loss(found, aim).item(), content_loss(seen, told).item()


def main() -> None:
    """Print both losses and their ratio for every pair, and the mean and the worst ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--cards", action="store_true", help="one pair for every card, instead of twenty")
    parser.add_argument("--content", type=float, default=PaintParams().content, help="weight of the content")
    parser.add_argument("--sheet", type=Path, help="where to keep a picture of the pairs")
    args = parser.parse_args()
    torch.set_num_threads(2)
    names = sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
    photographs = sorted(path for path in args.photographs.iterdir() if path.suffix in (".jpg", ".png"))
    chosen = names if args.cards else random.Random(1).sample(names, 20)
    ratios, rows = [], []
    for number, name in enumerate(chosen):
        content = square(photographs[number % len(photographs)])
        card = read_card(read_label(SHIPPED / f"{name}.safetensors"), efficientnet_lite(), (COLOURS, *STYLE_LAYERS))
        aim = card.at(STYLE_SIZE)
        once = paint(picture=content, params=PaintParams(style=name, content=args.content, variety=0), seed=1)
        # The card's size follows the picture's in image.style: strokes twice as large are those of 512 pixels.
        wish = StyleParams(style=name, steps=300, scale=STYLE_SIZE / SIDE, content=args.content)
        slowly = style(picture=content, params=wish, seed=1)
        (ours, own), (theirs, kept), (bare, _) = (losses(one, content, aim) for one in (once, slowly, content))
        ratios.append(ours / theirs)
        print(
            f"{name:40} style: one pass {ours:.3f}, optimised {theirs:.3f}, ratio {ratios[-1]:.2f}, "
            f"photograph {bare:.2f}; content apart: {own:.2f}, {kept:.2f}",
            flush=True,
        )
        rows.append(np.hstack([content, once, slowly]))
    print(f"ratio of {len(ratios)} pairs: mean {sum(ratios) / len(ratios):.2f}, worst {max(ratios):.2f}")
    if args.sheet:
        rows += [np.full_like(rows[0], 255)] * (len(rows) % 2)
        sheet = np.hstack([np.vstack(rows[::2]), np.vstack(rows[1::2])])
        Image.fromarray(sheet).save(args.sheet, quality=88)


if __name__ == "__main__":
    main()
