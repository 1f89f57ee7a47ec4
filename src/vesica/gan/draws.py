"""What chance decides in training, as a function of the seed and of where it is asked.

Nothing is drawn from a state that goes on: the draws of step 500 are the same whether 499 steps came before it in this
process or in one that was killed. That is what lets training resume to the same bytes.
"""

import hashlib
from functools import lru_cache

import numpy as np
import torch


def draw(*place: int | str) -> torch.Generator:
    """A generator for a place, such as (seed, "reals", step, shard)."""
    return torch.Generator().manual_seed(_number(*place))


def _number(*place: int | str) -> int:
    told = hashlib.sha256(repr(place).encode()).digest()
    return int.from_bytes(told[:8], "big") >> 1


@lru_cache(4)
def _shuffled(seed: int, epoch: int, count: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng(_number(seed, "order", epoch)).permutation(count).tolist())


def order(seed: int, first: int, last: int, count: int) -> list[int]:
    """Samples number ``first`` up to ``last`` of an endless row in which each of ``count`` comes once an epoch."""
    return [_shuffled(seed, number // count, count)[number % count] for number in range(first, last)]
