"""The painted field: a painting at every size, again and again."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from vesica.errors import Cancelled
from vesica.image.field import composition, field
from vesica.image.params import FieldParams
from vesica.image.pictures import Picture, resize
from vesica.image.scenes import COMPOSITIONS
from vesica.work import Step

SMALL = FieldParams(width=64, height=64)

AGAIN = """
import hashlib, sys
from vesica.image.field import field
from vesica.image.params import FieldParams
picture = field(params=FieldParams(words="a quiet sea", width=96, height=64), seed=7)
print(hashlib.sha256(picture.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_fresh_processes_on_one_thread_and_on_two() -> None:
    ours = field(params=FieldParams(words="a quiet sea", width=96, height=64), seed=7)
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    for count in ("1", "2"):
        made = subprocess.run(
            [sys.executable, "-c", AGAIN],
            env={**os.environ, **dict.fromkeys(threads, count)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert made.stdout.strip() == hashlib.sha256(ours.tobytes()).hexdigest()


def test_another_seed_gives_another_painting() -> None:
    params = replace(SMALL, composition="hills")
    assert not np.array_equal(field(params=params, seed=1), field(params=params, seed=2))


@pytest.mark.parametrize("shape", [(64, 1000), (201, 65)])
def test_a_painting_has_the_size_that_was_asked_for(shape: tuple[int, int]) -> None:
    height, width = shape
    picture = field(params=replace(SMALL, width=width, height=height, composition="shore"), seed=3)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def test_a_seed_is_the_same_painting_at_every_size() -> None:
    small, large = (field(params=FieldParams(width=n, height=n, composition="bloom"), seed=5) for n in (256, 640))
    other = field(params=FieldParams(width=256, height=256, composition="bloom"), seed=6)
    assert difference(resize(large, 256), small) < 8
    assert difference(other, small) > 24


def test_every_layer_is_told_with_a_picture_so_far() -> None:
    told: list[Step] = []
    field(params=replace(SMALL, composition="vortex"), seed=1, progress=told.append)
    done = [step.done for step in told]
    assert done == sorted(done)
    assert told[-1].done == told[-1].total
    assert all(step.preview is None or step.preview.shape == (64, 64, 3) for step in told)
    assert sum(step.preview is not None for step in told) >= 3


@pytest.mark.parametrize("calls", [1, 9])
def test_a_painting_stops_when_it_is_cancelled(calls: int) -> None:
    told = []

    def stop(step: Step) -> None:
        told.append(step)
        if len(told) == calls:
            raise Cancelled

    with pytest.raises(Cancelled):
        field(params=replace(SMALL, composition="vortex"), seed=1, progress=stop)
    assert len(told) == calls


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_each_composition_has_darks_lights_and_colour(name: str) -> None:
    picture = field(params=replace(SMALL, width=128, height=128, composition=name), seed=4)
    light = picture.mean(axis=2)
    assert np.percentile(light, 98) - np.percentile(light, 2) > 70
    assert (picture.max(axis=2).astype(int) - picture.min(axis=2)).mean() > 12


def test_any_composition_follows_the_words() -> None:
    def most(words: str) -> str:
        chosen = [composition(words, np.random.default_rng(seed)) for seed in range(12)]
        return max(set(chosen), key=chosen.count)

    assert most("waves and gulls, the harbour wall, ships at anchor") == "shore"
    assert most("a bride's bouquet of peonies and lilies") == "bloom"
    assert most("birches and pines deep in the woods") == "grove"
    assert len({composition("", np.random.default_rng(seed)) for seed in range(60)}) == len(COMPOSITIONS)
