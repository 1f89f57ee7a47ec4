"""Style in one pass: a painter with drawn numbers for what must always hold, the shipped one for what it learned."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vesica.errors import Cancelled, VesicaError
from vesica.image.paint import STYLE_SIZE, paint
from vesica.image.painter import MANNER, NOISE, STEP, Brush, Painter, paint_bands, paint_whole, studied
from vesica.image.params import PaintParams
from vesica.image.pictures import Picture, read_picture, resize
from vesica.image.recolour import recoloured
from vesica.image.style_cards import read_card
from vesica.image.style_loss import STYLE_LAYERS, Statistics, statistics, style_loss
from vesica.image.style_names import SHIPPED, labels, read_label
from vesica.image.style_slope import COLOURS, style_of
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import efficientnet_lite
from vesica.work import Step

PHOTO = Path(__file__).parent.parent / "examples" / "photo.jpg"

QUICK = PaintParams(style="great_wave")


@pytest.fixture(scope="module")
def photo() -> Picture:
    return resize(read_picture(PHOTO.read_bytes()), 128)


@pytest.fixture(scope="module")
def painted(photo: Picture) -> Picture:
    return paint(picture=photo, params=QUICK, seed=7)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VESICA_STYLES", str(tmp_path / "styles"))
    (tmp_path / "styles").mkdir()
    yield tmp_path / "styles"


@pytest.fixture(scope="module")
def brush() -> Brush:
    """A style of a painter whose numbers are drawn."""
    manner = 0.3 * torch.randn(MANNER, generator=torch.Generator().manual_seed(0))
    return Painter().requires_grad_(False).brush(manner, 1.5)


@given(height=st.integers(2, 40), width=st.integers(2, 6))
@settings(max_examples=12, deadline=None)
def test_painting_by_bands_is_painting_the_whole(brush: Brush, height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(height)
    picture = torch.rand(1, 3, STEP * height, STEP * width, generator=generator)
    noise = torch.randn(1, NOISE, STEP // 4 * height, STEP // 4 * width, generator=generator)
    with one_thread_each() as pool:
        banded = paint_bands(brush, picture, noise, pool)
        assert (banded - paint_whole(brush, picture, noise)).abs().max() < 1e-4


AGAIN = """
import hashlib, sys, torch
from pathlib import Path
from vesica.image.paint import STYLE_SIZE, paint
from vesica.image.params import PaintParams
from vesica.image.pictures import read_picture, resize
torch.set_num_threads(int(sys.argv[2]))
photo = resize(read_picture(Path(sys.argv[1]).read_bytes()), 128)
params = PaintParams(style="great_wave, starry_night", fit=2, scale=1.5)
print(hashlib.sha256(paint(picture=photo, params=params, painting=photo, seed=7).tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_fresh_processes_on_one_thread_and_on_two() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", AGAIN, str(PHOTO), threads], capture_output=True, text=True, check=True
        ).stdout
        for threads in ("1", "2")
    }
    assert len(told) == 1


def test_four_seeds_give_four_takes_that_differ(photo: Picture, painted: Picture) -> None:
    takes = [painted, *(paint(picture=photo, params=QUICK, seed=seed) for seed in (8, 9, 10))]
    apart = [np.abs(one.astype(int) - other).mean() for n, one in enumerate(takes) for other in takes[:n]]
    assert min(apart) > 4


def test_the_painting_has_the_pictures_size_and_leaves_it_unchanged(photo: Picture) -> None:
    before = photo.copy()
    photo.setflags(write=False)
    try:
        result = paint(picture=photo, params=QUICK, seed=1)
    finally:
        photo.setflags(write=True)
    assert result.shape == photo.shape
    assert result.dtype == np.uint8
    assert np.array_equal(photo, before)
    assert not np.shares_memory(result, photo)


@pytest.mark.parametrize("shape", [(32, 32), (33, 201), (130, 41)])
def test_odd_and_narrow_pictures_are_painted_too(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 128, np.uint8)
    assert paint(picture=flat, params=QUICK, seed=1).shape == flat.shape


def test_the_steps_count_up_to_the_last_which_is_the_whole(photo: Picture) -> None:
    told: list[Step] = []
    paint(picture=photo, params=replace(QUICK, fit=1, scale=2), seed=1, progress=told.append)
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert told[-1].done == told[-1].total == 3
    assert told[-1].preview.shape == photo.shape


def test_painting_stops_inside_the_network_when_it_is_cancelled(photo: Picture) -> None:
    told = []

    def stop(step: Step) -> None:
        told.append(step.done)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        paint(picture=photo, params=QUICK, seed=1, progress=stop)
    assert told == [0, 0, 0]


def test_what_the_mask_leaves_out_is_kept_to_the_byte(photo: Picture) -> None:
    mask = np.zeros_like(photo)
    mask[20:80, 30:100] = 255
    result = paint(picture=photo, params=replace(QUICK, feather=4), seed=1, mask=mask)
    outside = mask[..., 0] == 0
    assert np.array_equal(result[outside], photo[outside])
    assert np.abs(result[30:70, 40:90].astype(int) - photo[30:70, 40:90]).mean() > 8


def test_no_strength_leaves_the_picture_as_it_is(photo: Picture) -> None:
    assert np.array_equal(paint(picture=photo, params=replace(QUICK, strength=0), seed=1), photo)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ("", "Say whose manner"),
        ("graet_wave", "did you mean great_wave"),
        ("great_wave | keep", "use image.style for regions"),
        ("painting", "bring it with --painting FILE"),
    ],
)
def test_a_style_that_can_not_be_had_is_refused_in_a_sentence(photo: Picture, wish: str, complaint: str) -> None:
    with pytest.raises(VesicaError, match=complaint):
        paint(picture=photo, params=PaintParams(style=wish), seed=1)


def test_a_picture_too_small_to_paint_is_refused() -> None:
    with pytest.raises(VesicaError, match="needs 32 pixels a side"):
        paint(picture=np.zeros((1, 1, 3), np.uint8), params=QUICK, seed=1)


@given(seed=st.integers(0, 2**32), spread=st.floats(0.02, 0.12))
@settings(max_examples=20, deadline=None)
def test_a_recoloured_picture_has_the_colours_aimed_at(seed: int, spread: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    picture = torch.rand(1, 3, 24, 24, generator=generator)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator))[0]
    aim = Statistics(torch.full((3,), 0.5), turn @ torch.diag(torch.tensor([1.0, 0.5, 0.2]) * spread**2) @ turn.T)
    found = statistics(recoloured(picture, aim))
    assert (found.mean[0] - aim.mean).abs().max() < 0.01
    assert (found.covariance[0] - aim.covariance).abs().max() < 0.1 * spread**2


def test_a_flat_picture_is_recoloured_without_noise() -> None:
    aim = Statistics(torch.full((3,), 0.3), torch.eye(3) * 0.05)
    assert (recoloured(torch.full((1, 3, 8, 8), 0.7), aim) - 0.3).abs().max() < 1e-4


# What the shipped painter learned.


def loss(picture: Picture, name: str) -> float:
    """How far a picture is from a card's style."""
    network, layers = efficientnet_lite(), (COLOURS, *STYLE_LAYERS)
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    with one_thread_each() as pool:
        found = style_of(network, pixels, layers, pool)
    return style_loss(found, read_card(labels()[name], network, layers).at(STYLE_SIZE)).item()


@pytest.mark.parametrize("name", ["great_wave", "starry_night", "the_scream"])
def test_a_painted_picture_is_much_nearer_to_its_style(name: str) -> None:
    whole = resize(read_picture(PHOTO.read_bytes()), 256)
    result = paint(picture=whole, params=PaintParams(style=name, variety=0), seed=1)
    assert loss(result, name) < 0.5 * loss(whole, name)


def test_the_painter_knows_every_card_that_comes_with_the_package() -> None:
    assert {read_label(path).name for path in SHIPPED.glob("*.safetensors")} == set(studied().own)


def test_more_content_keeps_more_of_the_picture(photo: Picture) -> None:
    def edges(picture: Picture) -> Tensor:
        grey = torch.from_numpy(picture).float().mean(2)[None, None]
        return torch.nn.functional.avg_pool2d(grey, 4)

    def likeness(content: float) -> float:
        result = paint(picture=photo, params=replace(QUICK, content=content, variety=0), seed=1)
        both = torch.stack([edges(result).flatten(), edges(photo).flatten()])
        return torch.corrcoef(both)[0, 1].item()

    assert likeness(4) > likeness(0.5)


def test_fitting_brings_a_picture_nearer_to_its_style() -> None:
    whole = resize(read_picture(PHOTO.read_bytes()), 256)
    once, fitted = (
        paint(picture=whole, params=PaintParams(style="irises", fit=fit, variety=0), seed=1) for fit in (0, 12)
    )
    assert loss(fitted, "irises") < loss(once, "irises")
