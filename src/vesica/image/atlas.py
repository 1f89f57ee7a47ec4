"""The feature atlas: what every channel of a layer looks for, pictured by optimisation, on one sheet."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vesica.image.fourier import optimised
from vesica.image.pictures import Picture
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import channels_of, efficientnet_lite, stride_of
from vesica.work import Progress, Step

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
        *_, last = optimised(
            shown, count=len(wanted), height=side, width=side, steps=STEPS, generator=generator
        )
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
