"""What a person can decide about a training; light, so that the command line can read it."""

from dataclasses import dataclass
from typing import Literal

SIZES = (64, 128, 256)
BATCH = {64: 16, 128: 8, 256: 4}
"""Samples of a step, by size."""


@dataclass(frozen=True, slots=True)
class TrainParams:
    """How a generator of pictures is trained.

    size : pixels of a sample's side
    mode : whole pictures, or crops of large ones
    discriminator : on a frozen network that has seen photographs, or a plain one for pictures that are unlike them
    mirror : whether pictures are also learned mirrored
    ground : colour under transparent places
    """

    rights: str
    size: Literal[64, 128, 256] = 64
    mode: Literal["whole", "brushwork"] = "whole"
    discriminator: Literal["projected", "plain"] = "projected"
    mirror: bool = True
    ground: str = "white"
    seed: int = 1
