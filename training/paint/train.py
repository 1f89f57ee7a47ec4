"""Train the painter: one network that repaints a picture in any manner in one pass. See README.md beside this file."""

import argparse
import json
import logging
import math
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image, ImageEnhance
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vesica.image.painter import CODE, CONVOLUTIONS, MANNER, NOISE, STEERED, Painter, described, paint_whole, spread
from vesica.image.recolour import recoloured
from vesica.image.style_loss import CONTENT_LAYER, STYLE_LAYERS, Statistics, content_loss, statistics, style_loss
from vesica.image.style_slope import COLOURS, style_of
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import EfficientNetLite, efficientnet_lite

LAYERS = (COLOURS, *STYLE_LAYERS)

STYLE_SIZE = 512
"""Longest side in pixels at which a painting's statistics are taken: it says how large strokes are."""

VARIANTS = 6
"""Crops with other colours of each painting, so that styles nobody trained on find their place."""

CARDS = 0.9
"""Share of the samples whose style is a whole painting."""

WEIGHTS = (0.5, 4.0)
"""Range of content weights, drawn evenly in their logarithm."""

STEERING = 0.12
"""How fast the perceptron that turns codes into gains and shares learns, where a kernel of deviation 1 learns at 1."""

OWN = 0.008
"""Largest step of a number that is learned of one card alone."""

LOOSE = 16
"""Pixels by which what the backbone sees is smaller than what is painted."""

EDGE = 12
"""Pixels along the border that do not count; one place at least."""

SMOOTH = 0.3
"""Weight of the mean change from pixel to pixel."""


def read(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def scaled_to(image: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(image.size)
    return image.resize((max(32, round(image.width * scale)), max(32, round(image.height * scale))), Image.LANCZOS)


def varied(image: Image.Image, rng: random.Random) -> Image.Image:
    """A crop with other colours and another scale."""
    share = rng.uniform(0.45, 0.95)
    width, height = round(image.width * share), round(image.height * share)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    image = scaled_to(image.crop((left, top, left + width, top + height)), rng.randint(320, 560))
    if rng.random() < 0.5:
        hue = np.array(image.convert("HSV"))
        hue[..., 0] += np.uint8(rng.randint(0, 255))
        image = Image.fromarray(hue, "HSV").convert("RGB")
    image = ImageEnhance.Color(image).enhance(rng.uniform(0.3, 1.5))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.6, 1.3))
    return ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.2))


def prepare_styles(paintings: list[Path], cache: Path) -> dict[str, Tensor]:
    """Statistics of all paintings, then of their variants, stacked by layer; kept in ``cache``."""
    if cache.is_file():
        return load_file(cache)
    rng = random.Random(1)
    images = [scaled_to(read(path), STYLE_SIZE) for path in paintings]
    images += [varied(read(path), rng) for _ in range(VARIANTS) for path in paintings]
    with one_thread_each() as pool:
        found = [style_of(efficientnet_lite(), tensor(image), LAYERS, pool) for image in images]
    stacked = {}
    for layer in LAYERS:
        stacked[f"{layer}.mean"] = torch.stack([one[layer].mean for one in found])
        stacked[f"{layer}.covariance"] = torch.stack([one[layer].covariance for one in found])
    save_file(stacked, cache)
    return stacked


def principal(described_styles: Tensor, cards: int) -> tuple[Tensor, Tensor]:
    """Centre and axes [numbers, CODE] such that (described - centre) @ axes has variance 1 in every number."""
    numbers = described_styles.double()
    centre = numbers.mean(0)
    spread = numbers.std(0).clamp_min(1e-6)
    standard = (numbers - centre) / spread
    _, sizes, axes = torch.linalg.svd(standard, full_matrices=False)
    deviation = sizes[:CODE] / len(standard) ** 0.5
    # The first axes hold most of what differs; the square root keeps them the louder ones.
    scale = deviation[0] ** 0.5 * deviation**0.5
    return centre.float(), (axes[:CODE].T / spread[:, None] / scale * 1.5).float().contiguous()


class Trained(nn.Module):
    """All that is learned: the painter, and for each card what its manner is beyond what is computed."""

    def __init__(self, cards: int, seed: int) -> None:
        super().__init__()
        self.painter = Painter(seed)
        self.own = nn.Parameter(torch.zeros(cards, MANNER))


class Rows:
    """Adam that moves only the rows of a table which a step has seen, each by its own count of steps."""

    def __init__(self, table: Tensor) -> None:
        self.first, self.second = torch.zeros_like(table), torch.zeros_like(table)
        self.steps = table.new_zeros(len(table), 1)

    def step(self, table: Tensor, slope: Tensor, rate: float) -> None:
        seen = slope.any(1).nonzero()[:, 0]
        slope = slope[seen]
        self.steps[seen] += 1
        steps = self.steps[seen]
        self.first[seen] = first = self.first[seen].lerp(slope, 0.1)
        self.second[seen] = second = self.second[seen].lerp(slope.square(), 0.02)
        apart = (second / (1 - 0.98**steps)).sqrt_().add_(1e-8)
        table[seen] -= rate * first / (1 - 0.9**steps) / apart

    def state_dict(self) -> dict[str, Tensor]:
        return {"first": self.first, "second": self.second, "steps": self.steps}

    def load_state_dict(self, kept: dict[str, Tensor]) -> None:
        self.first, self.second, self.steps = kept["first"], kept["second"], kept["steps"]


class Contents:
    """Crops of photographs and paintings at any size."""

    def __init__(self, photographs: list[Path], paintings: list[Path], device: str) -> None:
        self.sets = [
            [torch.from_numpy(np.array(read(path))).permute(2, 0, 1)[None].to(device) for path in paths]
            for paths in (photographs, paintings)
        ]

    def draw(self, size: int, rng: random.Random) -> Tensor:
        whole = rng.choice(self.sets[rng.random() < 0.6])
        height, width = whole.shape[-2:]
        side = min(height, width, round(size * rng.uniform(1.0, 3.0)))
        top, left = rng.randint(0, height - side), rng.randint(0, width - side)
        crop = whole[:, :, top : top + side, left : left + side].float() / 255
        crop = F.interpolate(crop, (size, size), mode="bilinear", antialias=True, align_corners=False)
        if rng.random() < 0.5:
            crop = crop.flip(-1)
        if rng.random() < 0.7:
            crop = (crop - 0.5) * rng.uniform(0.5, 1.4) + 0.5 + rng.uniform(-0.15, 0.15)
            crop = crop + crop.new_tensor([rng.uniform(-0.08, 0.08) for _ in range(3)]).view(1, 3, 1, 1)
        return crop.clamp(0, 1)


def inner(x: Tensor, side: int) -> Tensor:
    """A map of a picture of ``side`` pixels without its border, which saw the zeros beyond it."""
    edge = max(1, EDGE * x.shape[-1] // side)
    return x[:, :, edge:-edge, edge:-edge]


def together(found: Statistics) -> Statistics:
    """Of several pictures of one size [n, ...], the statistics of all their places, [1, ...]."""
    mean = found.mean.mean(0, keepdim=True)
    squares = (found.covariance + found.mean[:, :, None] * found.mean[:, None]).mean(0, keepdim=True)
    return Statistics(mean, squares - mean[:, :, None] * mean[:, None])


def loss_of(
    model: Trained,
    network: EfficientNetLite,
    manner: Tensor,
    aim: dict[str, Statistics],
    content: Tensor,
    weight: float,
    noise: Tensor,
    shift: tuple[int, int],
) -> tuple[Tensor, float, float]:
    """The mean loss of contents [n, 3, side, side] in one style; its style part as a logarithm; its content part."""
    painted = paint_whole(model.painter.brush(manner, weight), content, noise)
    colours = Statistics(aim[COLOURS].mean[0], aim[COLOURS].covariance[0])
    painted = torch.cat([recoloured(one[None], colours) for one in painted])
    # The backbone's grid lies anywhere over ours, so that no pattern can hide between its steps.
    down, right = (slice(side, side + content.shape[-1] - LOOSE) for side in shift)
    seen = painted[:, :, down, right].contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        where = content[:, :, down, right].contiguous(memory_format=torch.channels_last)
        told = network.maps(where, (CONTENT_LAYER,))[CONTENT_LAYER]
    maps = network.maps(seen, (*STYLE_LAYERS, CONTENT_LAYER)) | {COLOURS: seen}
    found = {layer: statistics(inner(maps[layer], seen.shape[-1])) for layer in aim}
    # A crop has too few places for the covariance of broad strokes: they are looked for in all crops together, too.
    style = (
        style_loss(found, aim).mean() + style_loss({layer: together(one) for layer, one in found.items()}, aim)
    ) / 2
    kept = content_loss(maps[CONTENT_LAYER], told).mean()
    rough = painted.diff(dim=-1).abs().mean((1, 2, 3)) + painted.diff(dim=-2).abs().mean((1, 2, 3))
    # The logarithm asks for the same share of improvement everywhere, however hard a style is.
    return (style + weight * kept + SMOOTH * rough.mean()).log().sum(), style.log().item(), kept.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paintings", type=Path, help="folder of paintings with index.json")
    parser.add_argument("photographs", type=Path, help="folder of contents to learn on")
    parser.add_argument(
        "out", type=Path, help="folder for checkpoint, log and looks; training goes on from what is there"
    )
    parser.add_argument("--looks", type=Path, help="folder of pictures to look at, not learned from")
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--decay-from", type=int, default=10**9, help="step from which the rate falls to nothing")
    parser.add_argument("--sizes", default="128:1", help="crop sizes and their shares, as 128:0.5,256:0.5")
    parser.add_argument("--batch", type=int, default=2, help="styles in a step")
    parser.add_argument("--each", type=int, default=2, help="contents for each of them")
    parser.add_argument(
        "--rate", type=float, default=0.015, help="largest step of a kernel, as a share of its deviation"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[logging.FileHandler(args.out / "log.txt"), logging.StreamHandler()],
    )
    log = logging.info
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

    index = json.loads((args.paintings / "index.json").read_text("utf-8"))
    paintings = [args.paintings / row["file"] for row in index]
    photographs = sorted(path for path in args.photographs.iterdir() if path.suffix in (".png", ".jpg"))
    styles = prepare_styles(paintings, args.out / "styles.safetensors")
    styles = {name: told.to(args.device) for name, told in styles.items()}
    every = {layer: Statistics(styles[f"{layer}.mean"], styles[f"{layer}.covariance"]) for layer in LAYERS}
    told = described(every)
    centre, axes = principal(told, len(paintings))
    manners = F.pad((told - centre) @ axes, (0, STEERED))
    log(f"{len(paintings)} cards, {len(told)} styles, {len(photographs)} photographs")
    contents = Contents(photographs, paintings, args.device)
    network = efficientnet_lite()
    if args.device != "cpu":
        network = EfficientNetLite({name: weight.to(args.device) for name, weight in network._weights.items()})

    model, slow = Trained(len(paintings), args.seed).to(args.device), Trained(len(paintings), args.seed).to(args.device)
    slow.load_state_dict(model.state_dict())
    log(f"{sum(p.numel() for p in model.painter.parameters()):,} parameters")
    parameters = list(model.painter.parameters())
    # Kernels move by a share of the deviation they began with: a sum over many inputs must not jump.
    groups = [
        {"params": [model.painter.bank[name], model.painter.bias[name]], "share": spread(name)} for name in CONVOLUTIONS
    ]
    steering = ("code1", "code2", "norms", "mixes")
    groups.append(
        {"params": [p for part in steering for p in getattr(model.painter, part).parameters()], "share": STEERING}
    )
    rows = Rows(model.own)
    optimiser = torch.optim.Adam(groups, lr=args.rate, betas=(0.9, 0.99), fused=True)
    step, checkpoint = 0, args.out / "checkpoint.pt"
    if checkpoint.is_file():
        kept = torch.load(checkpoint, weights_only=True, map_location=args.device)
        model.load_state_dict(kept["model"])
        slow.load_state_dict(kept["slow"])
        optimiser.load_state_dict(kept["optimiser"])
        rows.load_state_dict(kept["rows"])
        step = kept["step"]
        log(f"on from step {step}")
    sizes = [(int(size), float(share)) for size, share in (part.split(":") for part in args.sizes.split(","))]

    def save() -> None:
        kept = {
            "model": model.state_dict(),
            "slow": slow.state_dict(),
            "optimiser": optimiser.state_dict(),
            "rows": rows.state_dict(),
            "step": step,
        }
        torch.save(kept, args.out / "checkpoint.tmp")
        (args.out / "checkpoint.tmp").replace(checkpoint)
        ready = {name: learned.half().cpu().contiguous() for name, learned in slow.state_dict().items()}
        names = {"cards": json.dumps([path.stem for path in paintings])}
        save_file(ready | {"centre": centre.cpu(), "axes": axes.cpu()}, args.out / "painter.tmp", metadata=names)
        (args.out / "painter.tmp").replace(args.out / "painter.safetensors")

    @torch.no_grad()
    def look() -> None:
        sheet_rows = []
        for path in sorted(args.looks.iterdir())[:5]:
            image = read(path)
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            content = tensor(image.crop((left, top, left + side, top + side)).resize((256, 256), Image.LANCZOS)).to(
                args.device
            )
            row = [content]
            for card in range(0, len(paintings), len(paintings) // 8):
                noise = torch.randn(1, NOISE, 64, 64, generator=torch.Generator().manual_seed(1)).to(args.device)
                begun = recoloured(
                    content, Statistics(*(part[card] for part in (every[COLOURS].mean, every[COLOURS].covariance)))
                )
                row.append(paint_whole(slow.painter.brush(manners[card] + slow.own[card], 1.5), begun, noise))
            sheet_rows.append(torch.cat(row, 3))
        sheet = torch.cat(sheet_rows, 2)[0].permute(1, 2, 0).cpu().numpy() * 255
        Image.fromarray(sheet.round().astype(np.uint8)).save(args.out / f"look-{step:06d}.jpg", quality=88)

    def slope(mine: Trained, number: int) -> list[list[float]]:
        """Gradients of step ``number``, whose draws depend on the number alone."""
        rng = random.Random(f"{args.seed} {number}")
        generator = torch.Generator().manual_seed(rng.getrandbits(60))
        (size,) = rng.choices([size for size, _ in sizes], [share for _, share in sizes])
        told_here = []
        for _ in range(args.batch):
            card = rng.random() < CARDS
            style = rng.randrange(len(paintings)) if card else rng.randrange(len(paintings), len(told))
            aim = {
                name: Statistics(one.mean[style : style + 1], one.covariance[style : style + 1])
                for name, one in every.items()
            }
            colours = Statistics(aim[COLOURS].mean[0], aim[COLOURS].covariance[0])
            content = torch.cat([recoloured(contents.draw(size, rng), colours) for _ in range(args.each)])
            noise = torch.randn(args.each, NOISE, size // 4, size // 4, generator=generator).to(args.device)
            manner = manners[style] + (mine.own[style] if card else 0)
            weight = WEIGHTS[0] * (WEIGHTS[1] / WEIGHTS[0]) ** rng.random()
            shift = rng.randrange(LOOSE + 1), rng.randrange(LOOSE + 1)
            loss, *parts = loss_of(mine, network, manner, aim, content, weight, noise, shift)
            (loss / args.batch).backward()
            told_here.append(parts)
        return told_here

    lock = threading.Lock()
    seen = {"began": time.time(), "process": time.process_time(), "told": [], "started": step}

    def work() -> None:
        """Take step after step: gradients with weights as they are, then an update; others may have updated since."""
        nonlocal step
        torch.set_num_threads(1)
        mine = Trained(len(paintings), args.seed).to(args.device)
        while True:
            with lock:
                number = seen["started"]
                if number >= args.steps:
                    return
                seen["started"] += 1
                with torch.no_grad():
                    torch._foreach_copy_(list(mine.parameters()), list(model.parameters()))
            mine.zero_grad()
            parts = slope(mine, number)
            with lock:
                for parameter, own in zip(parameters, mine.painter.parameters(), strict=True):
                    parameter.grad = own.grad
                nn.utils.clip_grad_norm_(parameters, 1.0)
                left = (args.steps - step) / max(1, args.steps - args.decay_from)
                pace = min(1.0, (step + 1) / 100, max(left, 0.0))
                for group in optimiser.param_groups:
                    group["lr"] = group["share"] * args.rate * pace
                optimiser.step()
                if mine.own.grad is not None:
                    with torch.no_grad():
                        rows.step(model.own, mine.own.grad, OWN * pace)
                step += 1
                keep = min(0.999, (1 + step) / (20 + step))
                with torch.no_grad():
                    torch._foreach_lerp_(list(slow.parameters()), list(model.parameters()), 1 - keep)
                seen["told"] += parts
                if step % 50 == 0:
                    now, cpu, count = time.time(), time.process_time(), len(seen["told"])
                    style, kept = (sum(parts) / count for parts in zip(*seen["told"], strict=True))
                    log(
                        f"step {step} sizes {args.sizes} style {math.exp(style):.3f} content {kept:.3f} "
                        f"rate {optimiser.param_groups[0]['lr']:.2e} "
                        f"{args.each * count / (now - seen['began']):.1f} pictures/s, "
                        f"cpu {(cpu - seen['process']) / (now - seen['began']):.2f}, "
                        f"{1000 * (cpu - seen['process']) / count / args.each:.0f} ms a picture"
                    )
                    seen.update(began=now, process=cpu, told=[])
                if step % 200 == 0 or step == args.steps:
                    save()
                if args.looks and step % 1000 == 0:
                    look()

    with ThreadPoolExecutor(args.threads) as pool:
        for running in [pool.submit(work) for _ in range(args.threads)]:
            running.result()


if __name__ == "__main__":
    main()
