"""The feature atlas: what every channel of a layer looks for, pictured by optimisation, on one sheet."""

import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vesica.errors import VesicaError, did_you_mean
from vesica.image.fourier import optimised
from vesica.image.pictures import Picture, write_png
from vesica.image.tensors import one_thread_each
from vesica.weights.cache import cache_dir, mendable, writing
from vesica.weights.cards import card
from vesica.weights.efficientnet_lite import LAYERS, NAME, channels_of, efficientnet_lite, stride_of
from vesica.work import Progress, Step

FORMAT = 1
"""Raised whenever sheets come out otherwise, so that older ones in a cache are not shown."""

OUTPUTS = tuple(layer for layer in LAYERS if layer.startswith("b"))
"""The layers of an atlas where none are named: the outputs of all blocks."""

SIDE = {2: 48, 4: 48, 8: 64, 16: 80, 32: 96}
"""Pixels of a channel's picture, by the pixels of its map's cells: deeper channels look for larger things."""

BATCH = 12
"""Channels that one thread pictures at once; fixed, so that nothing depends on the number of threads."""

STEPS = 40
"""Steps of each picture; nothing much changes after them at these sizes."""

ROW = 20
"""Height of the row with a channel's number, in pixels of the sheet."""

TILE = 96
"""Side of a channel's picture on the sheet."""

ACROSS = 16
"""Channels in a row of the sheet."""


def picture_channels(layer: str, *, progress: Progress | None = None) -> NDArray[np.uint8]:
    """Every channel of ``layer``, uint8 [channels, side, side, 3]; ``progress`` may raise ``Cancelled``.

    Always the same bytes, on one thread and on more: each batch draws from a seed of its own.
    """
    network, count, side = efficientnet_lite(), channels_of(layer), SIDE[stride_of(layer)]
    batches = [range(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]

    def picture(channels: range) -> Tensor:
        wanted = torch.tensor(channels)

        def shown(pictures: Tensor) -> Tensor:
            maps = network.maps(pictures, (layer,), linear={layer})[layer]
            return maps[torch.arange(len(wanted)), wanted].mean((1, 2)).sum()

        generator = torch.Generator().manual_seed(channels.start)
        *_, last = optimised(shown, count=len(wanted), height=side, width=side, steps=STEPS, generator=generator)
        return last

    done: list[Tensor] = []
    with one_thread_each() as pool:
        for pictures in pool.map(picture, batches):
            done.append(pictures)
            if progress:
                progress(Step(sum(map(len, done)), count, note=f"channels of {layer}"))
    whole: NDArray[np.uint8] = (torch.cat(done).permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
    return whole


def contact_sheet(layer: str, pictures: NDArray[np.uint8]) -> Picture:
    """All pictures [channels, side, side, 3] on one sheet, under each what to write to look for it."""
    rows = -(-len(pictures) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * (TILE + 4) + 4, rows * (TILE + ROW + 4) + 4), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for channel, picture in enumerate(pictures):
        down, right = divmod(channel, ACROSS)
        left, top = 4 + right * (TILE + 4), 4 + down * (TILE + ROW + 4)
        sheet.paste(Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.LANCZOS), (left, top))
        pen.text((left + TILE // 2, top + TILE + 2), f"{layer}:{channel}", fill="black", font=font, anchor="ma")
    return np.asarray(sheet)


def write_atlas(layers: Sequence[str], folder: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Make the sheets of ``layers`` that are not in the cache yet, and a page that shows all there are.

    Returns the page: in the cache, or in ``folder`` with copies of the sheets. Each sheet is kept as soon as it is
    done, so that an atlas that was stopped goes on where it stood. Raises ``VesicaError`` for an unknown layer.
    """
    for layer in layers:
        if layer not in LAYERS:
            hint = did_you_mean(layer, LAYERS, "choose among b0 to b15, e1 to e15 and d0 to d15.")
            raise VesicaError(f"There is no layer {layer[:60]!r}; {hint}")
    here = cache_dir() / f"atlas-{NAME}-{card(NAME).sha256[:16]}-{FORMAT}"
    missing = [layer for layer in layers if not (here / f"{layer}.png").is_file()]
    total, before = sum(map(channels_of, missing)), 0
    for layer in missing:

        def told(step: Step, before: int = before) -> None:
            if progress:
                progress(Step(before + step.done, total, note=step.note))

        pictures = picture_channels(layer, progress=told)
        with writing(here / f"{layer}.png") as file:
            file.write(write_png(contact_sheet(layer, pictures)))
        before += len(pictures)
    there = [layer for layer in LAYERS if (here / f"{layer}.png").is_file()]
    target = here
    if folder:
        target, there = folder, [layer for layer in LAYERS if layer in layers]
        with mendable(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for layer in there:
                shutil.copyfile(here / f"{layer}.png", folder / f"{layer}.png")
    with writing(target / "index.html") as file:
        file.write(_page(there).encode())
    return target / "index.html"


def _page(layers: Sequence[str]) -> str:
    links = " ".join(f'<a href="#{layer}">{layer}</a>' for layer in layers)
    sheets = "\n".join(
        f'<h2 id="{layer}">{layer} <small>{channels_of(layer)} channels, '
        f"cells of {stride_of(layer)} pixels</small></h2>\n"
        f'<img src="{layer}.png" alt="What each channel of {layer} looks for, by number" loading="lazy">'
        for layer in map(escape, layers)
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Feature atlas</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1604px; padding: 0 1rem }}
img {{ max-width: 100%; height: auto }} small {{ font-weight: normal }} nav a {{ margin-right: .6rem }}
</style>
<h1>Feature atlas</h1>
<p>What each channel of {escape(card(NAME).title)} looks for. Write the name under a picture to dream of it:
<code>vesica make image.dream photo.jpg --look-for b8:3 --out dream.png</code>.</p>
<nav>{links}</nav>
{sheets}
</html>
"""
