"""A model that was trained here: a folder with its weights, its card, and pictures of what it makes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vesica.errors import VesicaError
from vesica.gan.checkpoint import read, write
from vesica.gan.generator import WIDTHS, Generator
from vesica.gan.plain import Plain
from vesica.gan.projected import Projected
from vesica.weights.cache import writing
from vesica.weights.efficientnet_lite import efficientnet_lite

KIND = "vesica-gan-generator/1"
GENERATOR, CARD = "generator.safetensors", "card.json"
CRITIC_KIND, CRITIC = "vesica-gan-discriminator/1", "discriminator.safetensors"

PLAIN_WIDTHS = {64: (32, 64, 96, 128), 128: (24, 48, 64, 96, 128), 256: (16, 24, 48, 64, 96, 128)}
"""Channels of the plain discriminator from half the size down, by size."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is, what it learned from, how good it is, and what it can't do.

    pictures : learned from; ``held_out`` were not, ``left_out`` could not be read, ``twins`` were the same as others
    data : SHA-256 over the pixels of all pictures kept
    measures : by name; all on EfficientNet-Lite2, so they can't be compared with those on Inception
    copying : what ``vesica.gan.measures.Memory`` says
    """

    name: str
    made: str
    rights: str
    size: int
    mode: str
    discriminator: str
    seed: int
    steps: int
    minutes: float
    pictures: int
    held_out: int
    left_out: int
    twins: int
    near: int
    data: str
    measures: Mapping[str, float]
    copying: Mapping[str, Any]
    cannot: Sequence[str]
    program: str


def write_model(
    folder: Path, card: Card, generator: Mapping[str, Tensor], critic: Mapping[str, Tensor], critic_told: dict[str, Any]
) -> None:
    """Write the weights at half precision, then the card, each whole or not at all."""
    widths = WIDTHS[card.size]
    halves = {name: weight.half() for name, weight in generator.items()}
    write(folder / GENERATOR, halves, {"size": card.size, "widths": widths, "rights": card.rights}, kind=KIND)
    write(folder / CRITIC, {name: weight.half() for name, weight in critic.items()}, critic_told, kind=CRITIC_KIND)
    with writing(folder / CARD) as file:
        file.write(json.dumps(asdict(card), indent=2, ensure_ascii=False).encode() + b"\n")


def read_generator(folder: Path) -> Generator:
    """The generator of a model folder. Raises ``VesicaError`` where it is damaged, of another version or not ours."""
    tensors, told = read(folder / GENERATOR, kind=KIND)
    try:
        generator = Generator(int(told["size"]), 0, widths=[int(width) for width in told["widths"]])
        generator.load_state_dict({name: weight.float() for name, weight in tensors.items()})
    except (RuntimeError, KeyError, TypeError, ValueError) as fault:
        raise VesicaError(f"{folder / GENERATOR} is of another network; train anew in another folder.") from fault
    generator.requires_grad_(False)
    return generator


def read_critic(folder: Path) -> Projected | Plain:
    """The discriminator of a model folder, ready to judge samples of its generator."""
    tensors, told = read(folder / CRITIC, kind=CRITIC_KIND)
    try:
        critic = critic_of(told["kind"], int(told["size"]), 0)
        critic.load_state_dict({name: weight.float() for name, weight in tensors.items()})
    except (RuntimeError, KeyError, TypeError, ValueError) as fault:
        raise VesicaError(f"{folder / CRITIC} is of another network; train anew in another folder.") from fault
    critic.requires_grad_(False)
    return critic


def critic_of(kind: str, size: int, seed: int) -> Projected | Plain:
    """A discriminator that has learned nothing yet, of the ``kind`` that ``TrainParams`` names."""
    return Projected(efficientnet_lite(), seed) if kind == "projected" else Plain(PLAIN_WIDTHS[size], seed)


def read_card(folder: Path) -> Card:
    """The card of a model folder."""
    try:
        return Card(**json.loads((folder / CARD).read_bytes()))
    except (OSError, ValueError, TypeError) as fault:
        raise VesicaError(
            f"{folder} has no card that can be read; give the folder of a model that 'vesica gan train' made."
        ) from fault
