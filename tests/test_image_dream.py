"""DeepDream on the real network."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vesica.errors import Cancelled, VesicaError
from vesica.image.dream import dream, parse_layers
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture, grey, read_picture, resize
from vesica.work import Step

QUICK = DreamParams(octaves=2, steps=3, size=96, jitter=8)

PHOTO = Path(__file__).parent.parent / "examples" / "photo.jpg"


@pytest.fixture(scope="module")
def photo() -> Picture:
    return resize(read_picture(PHOTO.read_bytes()), 360)


@pytest.fixture(scope="module")
def small(photo: Picture) -> Picture:
    return resize(photo, 120)


@pytest.fixture(scope="module")
def dreamt(small: Picture) -> Picture:
    return dream(picture=small, params=QUICK, seed=7)


@pytest.fixture(scope="module")
def middling(photo: Picture) -> Picture:
    return resize(photo, 192)


@pytest.fixture(scope="module")
def deep(middling: Picture) -> Picture:
    return dream(picture=middling, params=DreamParams(octaves=3, size=0), seed=3)


AGAIN = """
import hashlib, sys, torch
from pathlib import Path
from vesica.image.dream import dream
from vesica.image.params import DreamParams
from vesica.image.pictures import read_picture, resize
torch.set_num_threads(int(sys.argv[2]))
photo = resize(read_picture(Path(sys.argv[1]).read_bytes()), 360)
once = dream(picture=resize(photo, 120), params=DreamParams(octaves=2, steps=3, size=96, jitter=8), seed=7)
tiled = dream(picture=photo, params=DreamParams(octaves=1, steps=1, size=0), seed=7)
print(hashlib.sha256(once.tobytes() + tiled.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes_in_a_fresh_process_on_one_thread_and_on_two(
    dreamt: Picture, photo: Picture, threads: int
) -> None:
    tiled = dream(picture=photo, params=DreamParams(octaves=1, steps=1, size=0), seed=7)
    ours = hashlib.sha256(dreamt.tobytes() + tiled.tobytes()).hexdigest()
    command = [sys.executable, "-c", AGAIN, str(PHOTO), str(threads)]
    theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert theirs == ours


def test_torch_keeps_its_number_of_threads(small: Picture) -> None:
    before = torch.get_num_threads()
    dream(picture=small, params=replace(QUICK, octaves=1, steps=1), seed=1)
    assert torch.get_num_threads() == before


def test_another_seed_gives_another_dream(small: Picture, dreamt: Picture) -> None:
    assert not np.array_equal(dream(picture=small, params=QUICK, seed=8), dreamt)


def test_the_dream_has_the_pictures_size_and_leaves_it_unchanged(small: Picture) -> None:
    before = small.copy()
    small.setflags(write=False)
    try:
        result = dream(picture=small, params=replace(QUICK, steps=1), seed=1)
    finally:
        small.setflags(write=True)
    assert result.shape == small.shape
    assert result.dtype == np.uint8
    assert np.array_equal(small, before)
    assert not np.shares_memory(result, small)


def test_every_step_is_told_and_the_last_is_the_whole(small: Picture) -> None:
    told: list[Step] = []
    dream(picture=small, params=QUICK, seed=1, progress=told.append)
    assert [step.done for step in told] == list(range(1, told[-1].total + 1))
    assert told[-1].preview.dtype == np.uint8
    assert told[-1].preview.shape[2] == 3


def test_a_dream_stops_when_it_is_cancelled(small: Picture) -> None:
    told = []

    def stop(step: Step) -> None:
        told.append(step.done)
        if step.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        dream(picture=small, params=QUICK, seed=1, progress=stop)
    assert told == [1, 2]


@pytest.mark.parametrize("feather", [0, 6])
def test_what_the_mask_leaves_out_is_kept_to_the_byte(small: Picture, feather: int) -> None:
    mask = np.zeros_like(small)
    mask[20:60, 30:90] = 255
    result = dream(picture=small, params=replace(QUICK, feather=feather), seed=1, mask=mask)
    outside = mask[..., 0] == 0
    assert np.array_equal(result[outside], small[outside])
    assert np.abs(result[30:50, 45:75].astype(int) - small[30:50, 45:75]).mean() > 3


def test_a_mask_of_another_size_but_the_same_shape_will_do(small: Picture) -> None:
    mask = np.zeros((small.shape[0] * 2, small.shape[1] * 2, 3), np.uint8)
    mask[:, : small.shape[1]] = 255
    result = dream(picture=small, params=replace(QUICK, feather=0), seed=1, mask=mask)
    right = np.s_[:, small.shape[1] // 2 + 4 :]
    assert np.array_equal(result[right], small[right])


def test_a_mask_of_another_shape_is_refused(small: Picture) -> None:
    with pytest.raises(VesicaError, match="paint the mask in the picture's shape"):
        dream(picture=small, params=QUICK, seed=1, mask=np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize("layer", ["b99", "", "e9++b8", "conv1"])
def test_an_unknown_layer_is_refused_with_those_there_are(small: Picture, layer: str) -> None:
    with pytest.raises(VesicaError, match="choose among b0 to b15"):
        dream(picture=small, params=replace(QUICK, layer=layer), seed=1)


def test_layers_are_read_from_words_with_pluses() -> None:
    assert parse_layers("E9 + b8+e9") == ("e9", "b8")


def test_a_picture_too_small_to_see_is_refused() -> None:
    with pytest.raises(VesicaError, match="needs 32 pixels a side"):
        dream(picture=np.zeros((31, 400, 3), np.uint8), params=QUICK, seed=1)


@pytest.mark.parametrize("shape", [(32, 32), (32, 300), (301, 33)])
def test_odd_and_narrow_pictures_dream_too(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 128, np.uint8)
    assert dream(picture=flat, params=replace(QUICK, steps=1), seed=1).shape == flat.shape


def detail(picture: Picture) -> np.ndarray:
    """What the finest scale holds: the picture less its mean over 3 x 3, float [height, width, 3]."""
    wide = np.pad(picture.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows, columns = picture.shape[:2]
    near = sum(wide[y : y + rows, x : x + columns] for y in range(3) for x in range(3))
    return picture - near / 9


def test_fine_detail_is_light_and_not_coloured_fringe(middling: Picture, deep: Picture) -> None:
    change = detail(deep) - detail(middling)
    light = change.mean(axis=2)
    colour = change - light[..., None]
    assert light.std() > 2
    assert colour.std() < 0.5 * light.std()


def test_the_border_is_as_light_as_its_surroundings(middling: Picture, deep: Picture) -> None:
    change = grey(deep).astype(float) - grey(middling)
    inner = np.ones(change.shape, bool)
    inner[6:-6, 6:-6] = False
    ring = np.ones(change.shape, bool)
    ring[30:-30, 30:-30] = False
    assert abs(change[inner].mean() - change[ring & ~inner].mean()) < 6
    assert change[inner].std() > 0.5 * change[ring & ~inner].std()


def test_the_dream_shows_the_layer_more_of_what_it_sees(middling: Picture, deep: Picture) -> None:
    from vesica.weights.efficientnet_lite import efficientnet_lite

    def seen(picture: Picture) -> float:
        small = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        return efficientnet_lite().maps(small, ("b8",))["b8"].square().mean().item()

    assert seen(deep) > 2 * seen(middling)
