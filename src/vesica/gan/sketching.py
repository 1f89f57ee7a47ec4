"""Sketches of a trained generator: many are made, and those shown that its discriminator believes and that differ."""

from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vesica.gan.crops import to_pictures
from vesica.gan.judging import features, most_varied
from vesica.gan.measures import Features
from vesica.gan.model import read_critic, read_generator
from vesica.gan.training import made_by
from vesica.image.pictures import Picture
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import efficientnet_lite

MORE = 4
"""Samples that are made for each one that is shown."""

BELIEVED = 2
"""Of each one that is shown, how many of the most believed may be chosen among for variety."""


def believed(samples: Tensor, critic: torch.nn.Module, pool: Executor) -> Features:
    """How much the discriminator takes each sample [n, 3, size, size] for a real one: mean logits of its heads, [n]."""

    def some(first: int) -> Tensor:
        with torch.no_grad():
            return torch.stack([head.mean(1) for head in critic(samples[first : first + 16])]).mean(0)

    found = torch.cat(list(pool.map(some, range(0, len(samples), 16))))
    return np.asarray(found.double().numpy())


def sketches(folder: Path, count: int, *, seed: int, judged: bool = True, varied: bool = True) -> list[Picture]:
    """``count`` samples of the model in ``folder``, the best first: the same for a seed on any number of threads.

    judged : show those that the discriminator believes most, in that order
    varied : of twice as many, show those that differ most from one another
    """
    generator = read_generator(folder)
    with one_thread_each() as pool:
        samples = made_by(generator, count * (MORE if judged or varied else 1), seed, pool)
        ranked = np.arange(len(samples))
        if judged:
            ranked = np.argsort(-believed(samples, read_critic(folder), pool), kind="stable")
        chosen = ranked[: count * (BELIEVED if varied and judged else MORE)]
        if varied:
            told = features(samples[torch.from_numpy(chosen.copy())], efficientnet_lite().features, pool)
            chosen = chosen[most_varied(told, count)]
    return to_pictures(samples[torch.from_numpy(chosen[:count].copy())])
