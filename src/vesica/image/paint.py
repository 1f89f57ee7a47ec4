"""Style in one pass: a picture painted anew by a network that learned to, in a fraction of a second.

The picture is brought to the style's colours, which leaves the network the brushwork alone. Strokes are as large as in
a painting of 512 pixels; where they are to be larger, a smaller picture is painted first, then scaled up and painted
over, so that edges and canvas are as fine as the picture's own size allows.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from vesica.errors import VesicaError
from vesica.image.mask import strength_of
from vesica.image.painter import CODE, MANNER, NOISE, STEERED, STEP, Studied, paint_bands, paint_whole, studied
from vesica.image.params import PaintParams
from vesica.image.pictures import Picture, check_picture, resize
from vesica.image.recolour import recoloured
from vesica.image.style import cards_behind, coloured, laid_over, size_of, wished
from vesica.image.style_cards import StyleCard
from vesica.image.style_loss import CONTENT_LAYER, STYLE_LAYERS, Statistics, content_loss, statistics, style_loss
from vesica.image.style_names import Wish
from vesica.image.style_slope import COLOURS, Style
from vesica.image.tensors import one_thread_each, reflected, scaled, to_picture
from vesica.weights.efficientnet_lite import efficientnet_lite
from vesica.work import Progress, Step

STYLE_SIZE = 512
"""Longest side in pixels at which the network learned to see paintings."""

COMFORTABLE = 1024
"""Longest side up to which strokes are left as they are, where the person does not say."""

SMALLEST = 64
"""Shortest side that is painted: a smaller picture's strokes are not made larger."""

FINISH = 4.0
"""Content weight with which a painting is painted over at a finer scale: the most that was trained."""

FIT_SIDE = 256
"""Longest side of the picture on which a style is learned anew."""

FIT_RATE = 0.03

STRAY = 0.35
"""Deviation of a take's style code at a variety of 1."""


def paint(
    *,
    picture: Picture,
    params: PaintParams,
    seed: int,
    painting: Picture | None = None,
    mask: Picture | None = None,
    progress: Progress | None = None,
) -> Picture:
    """Paint ``picture`` anew in the manner of a painting, or of several blended.

    Parameters
    ----------
    picture : uint8 [height, width, 3], at least 32 pixels a side; left unchanged
    params : the knobs
    seed : draws the grain that strokes start from, and how the take strays from the style
    painting : a picture whose manner is taken, besides the cards that ``params`` name
    mask : where to paint: white is full strength, black is kept to the byte; same shape as the picture, at any size
    progress : called at least after each layer of the network; may raise ``Cancelled``

    Raises
    ------
    VesicaError : no style, an unknown one, several regions, a picture too small or too large, a mask of another shape;
        ``ModelMissing`` without the network that sees
    """
    check_picture(picture)
    wishes = wished(params.style, () if painting is None else ("painting",))
    if len(wishes) > 1:
        raise VesicaError("One pass paints all of a picture in one manner; use image.style for regions, or a --mask.")
    height, width = size_of(picture, params.size)
    ground = picture if (height, width) == picture.shape[:2] else resize(picture, max(height, width))
    height, width = ground.shape[:2]
    strength = strength_of(ground, mask, params.feather)
    if params.strength < 1:
        strength = np.full(ground.shape[:2], 1, np.float32) if strength is None else strength
        strength = strength * np.float32(params.strength)
    with one_thread_each() as pool:
        cards = cards_behind(
            wishes, {} if painting is None else {"painting": painting}, efficientnet_lite(), pool, STYLE_SIZE
        )
        aim, manner = _blend(wishes[0], cards, studied())
        generator = torch.Generator().manual_seed(seed)
        whole = torch.from_numpy(np.array(ground)).permute(2, 0, 1)[None]
        sizes = _sizes(height, width, params.scale)
        total, done = params.fit + len(sizes), 0

        def tell(view: Tensor | None = None, note: str = "") -> None:
            if progress:
                progress(Step(done, total, None if view is None else _look(view), note))

        if params.fit:
            content = recoloured(_small(whole, FIT_SIDE), aim[COLOURS])
            for nearer in _fitted(studied(), content, aim, manner, params, generator):
                manner, done = nearer, done + 1
                tell(note="learning the style")
        stray = params.variety * STRAY * torch.randn(CODE, generator=generator)
        manner = manner + torch.nn.functional.pad(stray, (0, STEERED))
        view = None
        for rows, columns in sizes:
            if view is None:
                content = scaled(whole.float().div_(255), rows, columns).clamp_(0, 1)
                begun = recoloured(content, aim[COLOURS])
            else:
                begun = scaled(view, rows, columns).clamp_(0, 1)
            brush = studied().painter.brush(manner, params.content if view is None else FINISH)
            padded = _padded(begun)
            noise = torch.randn(1, NOISE, *(side // 4 for side in padded.shape[-2:]), generator=generator)
            view = recoloured(paint_bands(brush, padded, noise, pool, tell)[:, :, :rows, :columns], aim[COLOURS])
            done += 1
            tell(view, f"at {columns} x {rows}")
    assert view is not None
    return laid_over(ground, coloured(to_picture(view), ground, params.colour), strength)


def _blend(wishes: Sequence[Wish], cards: Mapping[str, StyleCard], known: Studied) -> tuple[Style, Tensor]:
    """Statistics and manner of the styles together, each by its weight."""
    total = sum(wish.weight for wish in wishes)
    styles = [(wish.weight / total, wish.name, cards[wish.name].at(STYLE_SIZE)) for wish in wishes]
    manner = sum((share * known.manner(style, name) for share, name, style in styles), torch.zeros(MANNER))
    aim = {
        layer: Statistics(
            sum((share * style[layer].mean for share, _, style in styles), torch.zeros(())),
            sum((share * style[layer].covariance for share, _, style in styles), torch.zeros(())),
        )
        for layer in (COLOURS, *STYLE_LAYERS)
    }
    return aim, manner


def _sizes(height: int, width: int, scale: float) -> list[tuple[int, int]]:
    """Height and width of what is painted, one over the other: strokes ``scale`` times as large first, then finer."""
    scale = scale or max(1.0, max(height, width) / COMFORTABLE)
    scale = min(max(scale, 1.0), max(1.0, min(height, width) / SMALLEST))
    steps = math.ceil(math.log2(scale) - 1e-6)
    scales = [scale ** (step / steps) for step in range(steps, 0, -1)] + [1.0]
    return [(round(height / one), round(width / one)) for one in scales]


def _padded(x: Tensor) -> Tensor:
    """``x`` with its right and lower borders reflected to multiples of the network's step."""
    if x.shape[-2] % STEP == x.shape[-1] % STEP == 0:
        return x
    rows, columns = (reflected(size, STEP)[STEP : STEP + -(-size // STEP) * STEP] for size in x.shape[-2:])
    return x[:, :, rows][:, :, :, columns]


def _small(whole: Tensor, longest: int) -> Tensor:
    """The picture, uint8 [1, 3, height, width], as 0..1, no longer than ``longest``, padded."""
    height, width = whole.shape[-2:]
    share = min(1.0, longest / max(height, width))
    small = scaled(whole.float().div_(255), max(32, round(height * share)), max(32, round(width * share)))
    return _padded(small.clamp_(0, 1))


def _look(view: Tensor) -> Picture:
    every = -(-max(view.shape[-2:]) // 640)
    return to_picture(view[..., ::every, ::every])


def _fitted(
    known: Studied, content: Tensor, aim: Style, manner: Tensor, params: PaintParams, generator: torch.Generator
) -> Iterator[Tensor]:
    """Manners, the nearest to the style on this content so far, by steps of Adam down the training's loss."""
    network, noise = (
        efficientnet_lite(),
        torch.randn(1, NOISE, *(side // 4 for side in content.shape[-2:]), generator=generator),
    )
    told = network.maps(content, (CONTENT_LAYER,))[CONTENT_LAYER]
    manner, nearest, least = manner.clone().requires_grad_(), manner, math.inf
    adam = torch.optim.Adam([manner], lr=FIT_RATE, betas=(0.9, 0.99))
    for _ in range(params.fit):
        painted = recoloured(paint_whole(known.painter.brush(manner, params.content), content, noise), aim[COLOURS])
        maps = network.maps(painted, (*STYLE_LAYERS, CONTENT_LAYER)) | {COLOURS: painted}
        found = {layer: statistics(maps[layer]) for layer in aim}
        loss = style_loss(found, aim).sum() + params.content * content_loss(maps[CONTENT_LAYER], told).sum()
        if loss.item() < least:
            nearest, least = manner.detach().clone(), loss.item()
        (manner.grad,) = torch.autograd.grad(loss, manner)
        adam.step()
        yield nearest
