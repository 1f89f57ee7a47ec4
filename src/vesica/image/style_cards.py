"""Style cards: what the loss must know of a painting, without the painting.

A card holds the statistics of a painting at several sizes, because strokes that fill a small picture are texture in a
large one. A covariance is kept as its largest eigenvectors, in bytes, and what they leave out of the variances.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from math import log2

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vesica.errors import VesicaError
from vesica.image.network import Network
from vesica.image.pictures import Picture, resize
from vesica.image.style_loss import Statistics
from vesica.image.style_names import KIND, Label
from vesica.image.style_slope import Style, style_of

SIZES = (128, 256, 512, 1024, 2048)
"""Longest side in pixels at which a painting is looked at, up to its own."""

SMALLEST = 64
"""Pixels of the shortest side below which a painting shows no style."""

LEFT_OUT = 0.035
"""Share of a covariance's sum of squares that the eigenvectors may leave out."""

FULL = 32
"""Channels up to which a covariance is kept whole."""

LARGEST = 8_000_000
"""Bytes of a card file; ours have 80,000."""


@dataclass(frozen=True, slots=True)
class StyleCard:
    """Statistics of one painting: for each size in pixels, for each layer."""

    sizes: Mapping[int, Style]

    def at(self, size: float) -> Style:
        """Statistics as if the painting's longest side had ``size`` pixels: between the two nearest that are kept."""
        known = sorted(self.sizes)
        place = min(max(size, known[0]), known[-1])
        for low, high in pairwise(known):
            if low <= place <= high:
                return _between(self.sizes[low], self.sizes[high], log2(place / low) / log2(high / low))
        return self.sizes[known[0]]


def _between(one: Style, other: Style, share: float) -> Style:
    return {
        layer: Statistics(
            torch.lerp(one[layer].mean, other[layer].mean, share),
            torch.lerp(one[layer].covariance, other[layer].covariance, share),
        )
        for layer in one
    }


def card_of(
    painting: Picture, network: Network, layers: Collection[str], pool: Executor, *, largest: float = SIZES[-1]
) -> StyleCard:
    """The card of a picture, uint8 [height, width, 3]; left unchanged. ``largest``: size beyond which none is asked."""
    height, width = painting.shape[:2]
    if min(height, width) < SMALLEST:
        raise VesicaError(
            f"A painting to take a style from needs {SMALLEST} pixels a side; this one has {width} x {height}."
        )
    own = max(height, width)
    sizes = [size for size in SIZES if size <= own and min(height, width) * size / own >= SMALLEST] or [own]
    found = {}
    for size in sizes[: 1 + sum(size < largest for size in sizes)]:
        seen = torch.from_numpy(resize(painting, size)).permute(2, 0, 1)[None].float() / 255
        found[size] = style_of(network, seen, layers, pool)
    return StyleCard(found)


def write_card(card: StyleCard, network: Network, *, title: str, artist: str, year: str, rights: str) -> bytes:
    """The card as a safetensors file: for each size and layer the mean [channels] and the spread (``_packed``)."""
    tensors = {}
    for size, style in card.sizes.items():
        for layer, one in style.items():
            tensors[f"{size}.{layer}.mean"] = one.mean.half()
            for part, tensor in _packed(one.covariance).items():
                tensors[f"{size}.{layer}.{part}"] = tensor
    told = {"kind": KIND, "network": network.name, "title": title, "artist": artist, "year": year, "rights": rights}
    return save(tensors, metadata=told)


def _packed(covariance: Tensor) -> dict[str, Tensor]:
    """A covariance c [channels, channels] as c = (f g)(f g)ᵀ + diag(rest).

    factor : f, int8 [channels, rank]
    gain : g, half [rank]
    rest : half [channels], so that the variances are exact
    """
    values, vectors = torch.linalg.eigh(covariance.double())
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    left = 1 - values.square().cumsum(0) / values.square().sum().clamp_min(1e-30)
    rank = len(values) if len(values) <= FULL else int((left > LEFT_OUT).sum()) + 1
    columns = vectors[:, :rank] * values[:rank].sqrt()
    gain = (columns.abs().amax(0) / 127).half()
    factor = (columns / gain.double().clamp_min(1e-7)).round().clamp(-127, 127).to(torch.int8)
    rest = covariance.diagonal() - (factor.float() * gain.float()).square().sum(1)
    return {"factor": factor.contiguous(), "gain": gain, "rest": rest.clamp_min(0).half()}


def _unpacked(parts: Mapping[str, Tensor]) -> Tensor:
    columns = parts["factor"].float() * parts["gain"].float()
    return columns @ columns.T + torch.diag(parts["rest"].float())


def read_card(label: Label, network: Network, layers: Collection[str]) -> StyleCard:
    """The card behind a label, with ``layers``. Raises ``VesicaError`` where it is damaged or of another network."""
    if label.network != network.name:
        raise VesicaError(
            f"The style {label.name} was made with the network {label.network} and this is {network.name}; make it "
            "anew from the painting with 'vesica styles add'."
        )
    damaged = VesicaError(f"The style card {label.path.name} is damaged; make it anew with 'vesica styles add'.")
    try:
        if label.path.stat().st_size > LARGEST:
            raise damaged
        tensors = load(label.path.read_bytes())
    except (OSError, SafetensorError, ValueError) as fault:
        raise damaged from fault
    sizes: dict[int, dict[str, Statistics]] = {}
    try:
        for name, mean in tensors.items():
            size, layer, kind = name.split(".")
            if kind == "mean":
                parts = {part: tensors[f"{size}.{layer}.{part}"] for part in ("factor", "gain", "rest")}
                one = Statistics(mean.float(), _unpacked(parts))
                if one.covariance.shape != (len(mean), len(mean)) or not one.covariance.isfinite().all():
                    raise damaged
                sizes.setdefault(int(size), {})[layer] = one
    except (ValueError, KeyError, RuntimeError, TypeError) as fault:
        raise damaged from fault
    if not sizes or any(set(style) != set(layers) for style in sizes.values()):
        raise damaged
    return StyleCard(sizes)
