"""DeepDream on the real network."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vesica.errors import Cancelled, VesicaError
from vesica.image.dream import dream
from vesica.image.gain import Gain
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture, grey, read_picture, resize
from vesica.image.tensors import to_tensor
from vesica.image.tiles import Tile
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


WISHES = ("b8", "e9:123 - 0.5*b4", "e5:7@0.4,0.6", "lighthouse + b2")

AGAIN = """
import hashlib, sys, torch
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_image_dream import PHOTO, QUICK, WISHES, DreamParams, dream, read_picture, resize
torch.set_num_threads(int(sys.argv[1]))
photo = resize(read_picture(PHOTO.read_bytes()), 360)
small = resize(photo, 120)
bytes_ = b"".join(dream(picture=small, params=replace(QUICK, look_for=wish), seed=7).tobytes() for wish in WISHES)
bytes_ += dream(picture=photo, params=DreamParams(octaves=1, steps=1, size=0), seed=7).tobytes()
bytes_ += dream(picture=small, params=replace(QUICK, start="noise"), seed=7, guide=photo).tobytes()
print(hashlib.sha256(bytes_).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_a_fresh_process_on_one_thread_and_on_two() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", AGAIN, threads, str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "2")
    }
    assert len(said) == 1


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


@pytest.mark.parametrize("side", [200, 1100])
def test_it_is_shown_at_most_a_second_apart_by_a_clock_that_runs_with_the_work(
    side: int, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network is replaced by one that takes 1 microsecond a pixel, twice what the real one takes."""
    clock, told = 0.0, [0.0]
    shown: list[Picture] = []

    def slope(self: Gain, picture: torch.Tensor, tile: Tile, turn: torch.Tensor | None = None) -> torch.Tensor:
        nonlocal clock
        clock += 1e-6 * tile.area
        return torch.full_like(picture[tile.core], 0.1) + 0.01 * picture[tile.core]

    def look(step: Step) -> None:
        if not shown or step.preview is not shown[-1]:
            shown.append(step.preview)
            told.append(clock)
        ticks.append(clock)

    class Here(Executor):
        """No threads, which would run ahead of what is told."""

        def map(self, work: Callable, *items: Iterable, **_: object) -> Iterator:
            return map(work, *items)

    ticks = [0.0]
    monkeypatch.setattr(Gain, "slope", slope)
    monkeypatch.setattr("vesica.image.dream.one_thread_each", lambda: nullcontext(Here()))
    dream(picture=resize(photo, side), params=DreamParams(octaves=3, steps=8, size=0), seed=1, progress=look)
    assert max(np.diff([*told, clock])) <= 1
    assert max(np.diff(ticks)) <= 0.5
    assert len(shown) <= 2 + clock / 0.25
    assert all(max(one.shape) <= 512 for one in shown)


def test_a_large_picture_is_shown_within_a_step(photo: Picture) -> None:
    told: list[Step] = []
    params = DreamParams(octaves=1, steps=1, size=0)
    large = resize(photo, 1100)
    result = dream(picture=large, params=params, seed=1, progress=told.append)
    tiles_told = [step.preview.astype(int) for step in told[:-1]]
    change = [np.abs(one - resize(large, 512)).mean() for one in tiles_told]
    assert change[-1] > change[0]
    assert any(0.2 < (one != tiles_told[0]).any(2).mean() < 0.95 for one in tiles_told[1:])
    assert np.abs(told[-1].preview.astype(int) - resize(result, 512)).mean() < 3


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


def test_a_picture_too_small_to_see_is_refused() -> None:
    with pytest.raises(VesicaError, match="needs 32 pixels a side"):
        dream(picture=np.zeros((31, 400, 3), np.uint8), params=QUICK, seed=1)


@pytest.mark.parametrize("shape", [(32, 32), (32, 300), (301, 33)])
def test_odd_and_narrow_pictures_dream_too(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 128, np.uint8)
    assert dream(picture=flat, params=replace(QUICK, steps=1), seed=1).shape == flat.shape


def test_without_colour_every_pixel_keeps_its_hue(small: Picture) -> None:
    result = dream(picture=small, params=replace(QUICK, colour=0, rate=0.05), seed=1)
    assert np.abs(result.astype(int) - small).mean() > 5
    assert np.array_equal(np.diff(result.astype(int)), np.diff(small.astype(int)))


def test_a_grey_mask_dreams_less_than_a_white_one(small: Picture) -> None:
    mask = np.zeros_like(small)
    half = small.shape[1] // 2
    mask[:, :half], mask[:, half:] = 255, 64
    result = dream(picture=small, params=replace(QUICK, steps=6), seed=1, mask=mask)
    change = np.abs(result.astype(int) - small).mean((0, 2))
    assert 0.02 < change[half + 8 :].mean() / change[: half - 8].mean() < 0.5


def test_a_channel_is_seen_more_and_an_unwanted_layer_less(middling: Picture) -> None:
    from vesica.weights.efficientnet_lite import efficientnet_lite

    def seen(picture: Picture, layer: str, channel: int | None = None) -> float:
        maps = efficientnet_lite().maps(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255, (layer,))
        shown = maps[layer] if channel is None else maps[layer][:, channel]
        return shown.square().mean().item()

    wanted = dream(picture=middling, params=DreamParams(octaves=2, steps=6, size=0, look_for="e9:123"), seed=1)
    assert seen(wanted, "e9", 123) > 2 * seen(middling, "e9", 123)
    unwanted = dream(picture=middling, params=DreamParams(octaves=2, steps=6, size=0, look_for="-b4"), seed=1)
    assert seen(unwanted, "b4") < 0.7 * seen(middling, "b4")


def test_a_unit_changes_its_own_place_most(middling: Picture) -> None:
    params = DreamParams(octaves=1, steps=4, size=0, look_for="e5:7@0.25,0.5")
    change = np.abs(dream(picture=middling, params=params, seed=1).astype(int) - middling).mean((0, 2))
    width = middling.shape[1]
    assert change[width // 8 : 3 * width // 8].mean() > 4 * change[3 * width // 4 :].mean()


def test_a_thing_by_its_name_is_what_the_network_then_names(middling: Picture) -> None:
    from vesica.weights.efficientnet_lite import efficientnet_lite

    params = DreamParams(octaves=2, steps=12, size=0, rate=0.015, look_for="peacock")
    result = dream(picture=middling, params=params, seed=1)
    logits = [
        efficientnet_lite().classes(torch.from_numpy(one).permute(2, 0, 1)[None].float() / 255)[0]
        for one in (middling, result)
    ]
    peacock = 84
    assert int(logits[0].argmax()) != peacock
    assert int(logits[1].argmax()) == peacock


def test_a_guide_leads_the_dream_towards_what_it_shows(middling: Picture, photo: Picture) -> None:
    from vesica.image.gain import guide_of
    from vesica.weights.efficientnet_lite import efficientnet_lite

    guide = np.kron(np.indices((24, 24)).sum(0) % 2, np.ones((8, 8)))[..., None].repeat(3, 2).astype(np.uint8) * 255
    params = DreamParams(octaves=2, steps=8, size=0, look_for="b4")
    alone = dream(picture=middling, params=params, seed=1)
    led = dream(picture=middling, params=params, seed=1, guide=guide)
    wanted = guide_of(efficientnet_lite(), to_tensor(guide), ("b4",))["b4"]

    def likeness(picture: Picture) -> float:
        return wanted.likeness(efficientnet_lite().maps(to_tensor(picture), ("b4",))["b4"]).item()

    assert likeness(led) > likeness(middling)
    assert likeness(led) > likeness(alone)


def test_a_guide_needs_a_layer_to_be_matched_in(small: Picture) -> None:
    with pytest.raises(VesicaError, match="name one, as b8"):
        dream(picture=small, params=replace(QUICK, look_for="lighthouse"), seed=1, guide=small)


def test_a_dream_can_begin_from_noise_of_any_size() -> None:
    params = replace(QUICK, start="noise", width=70, height=130, steps=1)
    one, other = (dream(params=params, seed=seed) for seed in (1, 2))
    assert one.shape == (130, 70, 3)
    assert np.abs(one.astype(int) - other).mean() > 20


def test_without_a_picture_it_says_how_to_begin() -> None:
    with pytest.raises(VesicaError, match="start=noise"):
        dream(params=QUICK, seed=1)


def test_four_takes_differ_and_without_variety_they_do_less(middling: Picture) -> None:
    def apart(variety: float) -> float:
        params = DreamParams(octaves=2, steps=6, size=0, variety=variety)
        one, other = (dream(picture=middling, params=params, seed=seed).astype(int) for seed in (1, 2))
        return float(np.abs(one - other).mean())

    assert apart(1.0) > 1.15 * apart(0.0)


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
