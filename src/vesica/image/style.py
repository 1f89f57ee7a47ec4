"""Style by optimisation (Gatys, Ecker and Bethge, 2016): a picture's pixels are moved until a network sees the content
of a photograph and the statistics of a painting.

Small first: what is found at 128 pixels is scaled up and goes on at 256, so that large forms are painted before fine
strokes. The content is first brought to the style's colours, which leaves the two nothing to fight about, and what is
kept is a running mean of the steps, which is calmer than the last.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from vesica.errors import VesicaError, did_you_mean
from vesica.image import segments
from vesica.image.colour import from_srgb, to_srgb
from vesica.image.mask import strength_of
from vesica.image.network import Network
from vesica.image.params import StyleParams
from vesica.image.pictures import Picture, check_picture, resize
from vesica.image.recolour import power, recoloured
from vesica.image.style_cards import StyleCard, card_of, read_card
from vesica.image.style_loss import Statistics
from vesica.image.style_names import PAINTINGS, Wish, labels, parse_styles
from vesica.image.style_slope import COLOURS, Objective, Region, Style
from vesica.image.tensors import one_thread_each, scaled, to_picture
from vesica.work import Progress, Step

SCALES = ((128, 0.375), (256, 0.28), (384, 0.19), (512, 0.155))
"""Longest side in pixels, and share of the steps that are taken there."""

FINISH = 0.075
"""Share of the steps at twice the last scale; half as many at each doubling after it."""

LEAST_STEPS = 4

SMALLEST = 32
"""Pixels of the shortest side below which there is nothing to paint on."""

MOST_PIXELS = 24_000_000
"""Of a result: some 110 bytes each are held while it is painted."""

RATE = 0.03
"""Step of Adam (Kingma and Ba, 2015), in the picture's range of 1."""

MOMENTUM, SPREAD = 0.9, 0.99

CALM = 0.05
"""Weight of the newest step in the running mean."""

SHIFTS, JITTER = 4, 8
"""How many places of the network's grid are used at each scale, and up to how many pixels apart."""

GRAIN = 0.12
"""Deviation of the noise that the seed draws onto the content where painting starts from it."""

FAINT = 0.4
"""Share of the content's weight at the first scale where painting starts from the style."""

BROAD = 1024
"""Longest side in pixels at which colours are compared."""

BRUSH = 0.012
"""Width, as a share of the longest side, over which colours are kept on average."""

ROWS = 256
"""Rows whose colours are converted at once."""


def style(
    *,
    picture: Picture,
    params: StyleParams,
    seed: int,
    painting: Picture | None = None,
    painting2: Picture | None = None,
    painting3: Picture | None = None,
    painting4: Picture | None = None,
    mask: Picture | None = None,
    regions: Picture | None = None,
    progress: Progress | None = None,
) -> Picture:
    """Paint ``picture`` anew in the manner of paintings.

    Parameters
    ----------
    picture : uint8 [height, width, 3], at least 32 pixels a side; left unchanged
    params : the knobs
    seed : draws the noise that painting starts from, and how the view moves
    painting, painting2, painting3, painting4 : pictures whose manner is taken, besides the cards that ``params`` name
    mask : where to paint: white is full strength, black is kept to the byte; same shape as the picture, at any size
    regions : plain colours, one a region; without it, regions are those that the network sees
    progress : called after every step with the picture so far; may raise ``Cancelled``

    Raises
    ------
    VesicaError : no style, an unknown one, a picture too small or too large, a mask of another shape;
        ``ModelMissing`` without the network
    """
    check_picture(picture)
    brought = {
        name: one
        for name, one in zip(PAINTINGS, (painting, painting2, painting3, painting4), strict=True)
        if one is not None
    }
    wishes = wished(params.style, tuple(brought))
    height, width = size_of(picture, params.size)
    ground = picture if (height, width) == picture.shape[:2] else resize(picture, max(height, width))
    strength = strength_of(ground, mask, params.feather)
    network = network_named(params.network)
    with one_thread_each() as pool:
        cards = cards_behind(wishes, brought, network, pool, max(height, width) * params.scale)
        shares = _shares(ground, wishes, regions, network, pool)
        if shares is not None and () in wishes:
            kept = 1 - sum(shares[number] for number, region in enumerate(wishes) if not region)
            strength = kept if strength is None else strength * kept
        painter = _Painter(network, ground, wishes, cards, shares, params, pool, progress)
        painted = to_picture(painter.paint(seed))
    return laid_over(ground, coloured(painted, ground, params.colour), strength)


def wished(text: str, brought: Sequence[str]) -> tuple[tuple[Wish, ...], ...]:
    """Regions with their styles out of the knob's text; paintings it does not name go to every region at weight 1."""
    asked = parse_styles(text)
    named = {wish.name for region in asked for wish in region}
    rest = tuple(Wish(name) for name in brought if name not in named)
    for name in named & set(PAINTINGS) - set(brought):
        raise VesicaError(f"The style {name} is a picture that was not given; bring it with --{name} FILE.")
    if asked == ((),):
        if not rest:
            raise VesicaError("Say whose manner: --style great_wave, or --painting FILE; 'vesica styles' shows ours.")
        return (rest,)
    return tuple((*region, *rest) if region else region for region in asked)


def network_named(name: str) -> Network:
    """The network that sees: ours, or one whose weights a person has. Raises ``VesicaError`` for an unknown one."""
    if name == "efficientnet-lite0":
        from vesica.weights.efficientnet_lite import efficientnet_lite

        return efficientnet_lite()
    from vesica.weights.vgg import vgg

    return vgg()


def size_of(picture: Picture, longest: int) -> tuple[int, int]:
    """Height and width of the result."""
    height, width = picture.shape[:2]
    scale = longest / max(height, width) if longest else 1.0
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    if min(height, width) < SMALLEST:
        raise VesicaError(
            f"A picture to paint needs {SMALLEST} pixels a side; this one would have {width} x {height}, "
            "so give a larger one, or a larger --size."
        )
    if height * width > MOST_PIXELS:
        most = int(max(height, width) * sqrt(MOST_PIXELS / (height * width)))
        raise VesicaError(
            f"{width} x {height} pixels are more than can be painted within the memory; say --size {most} or less."
        )
    return height, width


def cards_behind(
    wishes: Sequence[Sequence[Wish]],
    brought: Mapping[str, Picture],
    network: Network,
    pool: Executor,
    largest: float,
) -> dict[str, StyleCard]:
    """The card behind each name; of a picture that was brought, as far as sizes up to ``largest`` need."""
    known, found = labels(), {}
    layers = (COLOURS, *network.style_layers)
    for wish in {wish.name: wish for region in wishes for wish in region}.values():
        if wish.name in brought:
            check_picture(brought[wish.name], name="A painting")
            found[wish.name] = card_of(brought[wish.name], network, layers, pool, largest=largest)
            continue
        if wish.name not in known:
            hint = did_you_mean(wish.name, known, "see 'vesica styles'.")
            raise VesicaError(f"No style is called {wish.name[:60]!r}; {hint}")
        label = known[wish.name]
        if wish.digest and not label.digest.startswith(wish.digest):
            raise VesicaError(
                f"The style {wish.name} has changed since this was painted (it was {wish.digest[:16]} and is "
                f"{label.digest[:16]}); bring the old card back, or paint anew."
            )
        found[wish.name] = read_card(label, network, layers)
    return found


def _shares(
    ground: Picture, wishes: Sequence[Sequence[Wish]], regions: Picture | None, network: Network, pool: Executor
) -> segments.Shares | None:
    """Where each region lies; None where there is one alone."""
    if regions is not None:
        return segments.painted(regions, ground.shape[0], ground.shape[1], len(wishes))
    if len(wishes) == 1:
        return None
    return segments.seen(ground, len(wishes), network, network.segment_layer, pool)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Height and width in pixels, the steps there, and the style's size: longest side its paintings would have."""

    height: int
    width: int
    steps: int
    style: float


def _scales(height: int, width: int, params: StyleParams) -> list[_Scale]:
    """Small to large; what is larger than the result is taken at the result's size."""
    longest = max(height, width)
    least = SMALLEST * longest / min(height, width)  # a narrow picture begins larger
    plan: dict[int, float] = {}
    for side, share in SCALES:
        side = min(longest, max(side, round(least)))
        plan[side] = plan.get(side, 0.0) + share
    side, share = SCALES[-1][0], FINISH
    while side < longest:
        side = min(2 * side, longest)
        plan[side], share = plan.get(side, 0.0) + share, share / 2
    return [
        _Scale(
            max(SMALLEST, round(height * side / longest)),
            max(SMALLEST, round(width * side / longest)),
            max(LEAST_STEPS, round(params.steps * share)),
            side * params.scale,
        )
        for side, share in plan.items()
    ]


class _Painter:
    """One run: what stays the same through all scales."""

    def __init__(
        self,
        network: Network,
        ground: Picture,
        wishes: Sequence[Sequence[Wish]],
        cards: Mapping[str, StyleCard],
        shares: segments.Shares | None,
        params: StyleParams,
        pool: Executor,
        progress: Progress | None,
    ) -> None:
        self._network, self._ground, self._cards = network, ground, cards
        self._params, self._pool, self._progress = params, pool, progress
        self._scales = _scales(ground.shape[0], ground.shape[1], params)
        self._total, self._done = sum(scale.steps for scale in self._scales), 0
        styled = [
            (region, None if shares is None else shares[number]) for number, region in enumerate(wishes) if region
        ]
        self._styled: Sequence[tuple[Sequence[Wish], NDArray[np.float32] | None]] = styled

    def paint(self, seed: int) -> Tensor:
        """The picture, float32 [1, 3, height, width] of 0..1."""
        generator = torch.Generator().manual_seed(seed)
        view = None
        for scale in self._scales:
            regions = self._regions(scale)
            content = self._content(scale, regions)
            begun = (
                self._begun(content, regions, generator) if view is None else scaled(view, scale.height, scale.width)
            )
            # A style's own forms come first where painting starts from it, and the content grows into them.
            share = FAINT if view is None and self._params.start == "style" else 1.0
            objective = Objective(
                self._network,
                content,
                regions,
                content_layer=self._network.content_layer,
                content_weight=share * self._params.content,
                pool=self._pool,
            )
            view = self._descended(begun.clamp(0, 1), objective, scale, generator)
        assert view is not None
        return view

    def _regions(self, scale: _Scale) -> list[Region]:
        found = []
        for wishes, share in self._styled:
            total = sum(wish.weight for wish in wishes)
            styles = [(wish.weight / total, self._cards[wish.name].at(scale.style)) for wish in wishes]
            whole = None if share is None else scaled(torch.from_numpy(share)[None, None], scale.height, scale.width)
            found.append(Region(styles, None if whole is None else whole.clamp(0, 1)))
        return found

    def _content(self, scale: _Scale, regions: Sequence[Region]) -> Tensor:
        """The photograph at this scale, in the styles' colours."""
        small = self._ground if scale == self._scales[-1] else resize(self._ground, max(scale.height, scale.width))
        content = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float().div_(255)
        content = scaled(content, scale.height, scale.width)
        if regions[0].share is None:
            return recoloured(content, _colours(regions[0].styles))
        changed = sum(
            region.share * (recoloured(content, _colours(region.styles), region.share) - content)
            for region in regions
            if region.share is not None
        )
        return (content + changed).clamp(0, 1)

    def _begun(self, content: Tensor, regions: Sequence[Region], generator: torch.Generator) -> Tensor:
        noise = torch.randn(content.shape, generator=generator)
        if self._params.start == "content":
            return content + GRAIN * noise
        # The first region's colours will do: what is found at 128 pixels forgets them.
        aim = _colours(regions[0].styles)
        spread = torch.einsum("ij,bjhw->bihw", power(aim.covariance, 0.5).float(), noise)
        return aim.mean.float().view(1, 3, 1, 1) + spread

    def _descended(self, view: Tensor, objective: Objective, scale: _Scale, generator: torch.Generator) -> Tensor:
        """The running mean of Adam's steps down the objective."""
        shifts = torch.randint(0, JITTER + 1, (SHIFTS, 2), generator=generator).tolist()
        first, second, calm = torch.zeros_like(view), torch.zeros_like(view), view.clone()
        for step in range(1, scale.steps + 1):
            slope, _ = objective.slope(view, tuple(shifts[step % SHIFTS]), lambda: self._tell(view, scale))
            first.lerp_(slope, 1 - MOMENTUM)
            second.mul_(SPREAD).addcmul_(slope, slope, value=1 - SPREAD)
            pace = (second / (1 - SPREAD**step)).sqrt_().add_(1e-12)
            view.addcdiv_(first, pace, value=-RATE / (1 - MOMENTUM**step)).clamp_(0, 1)
            calm.lerp_(view, max(CALM, 2 / (step + 1)))
            self._done += 1
            self._tell(calm, scale)
        return calm

    def _tell(self, view: Tensor, scale: _Scale) -> None:
        if self._progress:
            every = -(-max(scale.height, scale.width) // 640)
            preview = to_picture(view[..., ::every, ::every])
            self._progress(Step(self._done, self._total, preview, f"at {scale.width} x {scale.height}"))


def _colours(styles: Sequence[tuple[float, Style]]) -> Statistics:
    """Mean [3] and covariance [3, 3] of several styles' colours together, float64; weights add up to 1."""
    mean = sum(weight * style[COLOURS].mean.double() for weight, style in styles)
    covariance = sum(weight * style[COLOURS].covariance.double() for weight, style in styles)
    assert isinstance(mean, Tensor) and isinstance(covariance, Tensor)
    return Statistics(mean, covariance)


def coloured(painted: Picture, ground: Picture, colour: str) -> Picture:
    """``painted`` with the colours that the knob asks for; ``ground`` has the same size.

    kept : each place keeps the photograph's colour on average, broken by the strokes
    light : each pixel keeps the photograph's hue and chroma; strokes change light alone
    """
    if colour == "style":
        return painted
    height, width = ground.shape[:2]
    longest = min(BROAD, max(height, width))
    wide, wide_ground = (from_srgb(resize(one, longest)) for one in (painted, ground))
    # The photograph keeps its own light and contrast on the whole, as it keeps its colours.
    gain = wide_ground[..., 0].std() / max(wide[..., 0].std(), 1e-6)
    centre, own = wide[..., 0].mean(), wide_ground[..., 0].mean()
    # A photograph of few colours stays one: strokes vary its colours no more than it varies them itself.
    tint = min(1.0, wide_ground[..., 1:].std((0, 1)).sum() / max(wide[..., 1:].std((0, 1)).sum(), 1e-6))
    broad = [gaussian_filter(one[..., axis], longest * BRUSH) for one in (wide, wide_ground) for axis in (1, 2)]
    far = scaled(torch.from_numpy(np.stack(broad)[None].astype(np.float32)), height, width)[0].permute(1, 2, 0).numpy()
    result = np.empty_like(painted)
    for top in range(0, height, ROWS):
        rows = slice(top, top + ROWS)
        lab = from_srgb(painted[rows])
        lab[..., 0] = (own + (lab[..., 0] - centre) * gain).clip(0, 1)
        if colour == "kept":
            lab[..., 1:] = far[rows, :, 2:] + (lab[..., 1:] - far[rows, :, :2]) * tint
        else:
            lab[..., 1:] = from_srgb(ground[rows])[..., 1:]
        result[rows] = to_srgb(lab)
    return result


def laid_over(ground: Picture, painted: Picture, strength: NDArray[np.float32] | None) -> Picture:
    """``painted`` where ``strength`` is 1, ``ground`` to the byte where it is 0."""
    if strength is None:
        return painted
    result = np.empty_like(ground)
    for top in range(0, len(ground), ROWS):
        rows = slice(top, top + ROWS)
        below = ground[rows].astype(np.float32)
        result[rows] = np.rint(below + (painted[rows] - below) * strength[rows, :, None]).clip(0, 255)
    return result
