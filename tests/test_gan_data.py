"""A folder of pictures is read safely, told about, and refused in one sentence where nothing can be learned."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from vesica.errors import Cancelled, VesicaError
from vesica.gan import data as module
from vesica.gan.alike import NEAR, groups, near_pairs, perceptual_hash
from vesica.gan.crops import Crops, to_pictures
from vesica.gan.data import keep, kept, look_through
from vesica.gan.draws import draw, order
from vesica.gan.params import TrainParams
from vesica.gan.rights import LICENCES, limits, read_rights
from vesica.gan.training import gather, in_words
from vesica.work import Step


def scene(seed: int, width: int = 96, height: int = 80) -> Image.Image:
    """A picture unlike those of other seeds: soft patches of colour."""
    patches = np.random.default_rng(seed).integers(0, 255, (5, 6, 3)).astype(np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


Fill = Callable[..., Path]


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Make a folder of ``count`` different pictures."""

    def make(count: int, name: str = "pictures") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for seed in range(count):
            scene(seed).save(folder / f"{seed:03d}.png")
        return folder

    return make


def test_a_corrupt_file_among_many_is_named_and_left_out(fill: Fill) -> None:
    folder = fill(12)
    good = (folder / "003.png").read_bytes()
    (folder / "003.png").write_bytes(good[: len(good) // 2])
    (folder / "notes.png").write_text("no picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "readme.txt").write_text("not looked at")
    survey = look_through(folder, size=64).survey
    assert [file for file, _ in survey.left_out] == ["003.png", "empty.jpg", "notes.png"]
    assert survey.files == 14 and len(survey.kept) == 11
    told = in_words(survey, TrainParams("own"))
    assert "003.png: The picture file is damaged or cut short" in told and "11 pictures in 14 files" in told


def test_a_tiny_picture_is_left_out_and_a_bomb_is_not_unpacked(fill: Fill) -> None:
    folder = fill(10)
    scene(50, 8, 300).save(folder / "tiny.png")
    pixels = Image.new("1", (12_000, 12_000))
    pixels.save(folder / "huge.png", compress_level=1)
    told = dict(look_through(folder, size=64).survey.left_out)
    assert "8 x 300" in told["tiny.png"] and set(told) == {"tiny.png", "huge.png"}


def test_the_same_pixels_count_once_whatever_the_file(fill: Fill) -> None:
    folder = fill(10)
    scene(4).save(folder / "copy.bmp")
    scene(4).save(folder / "copy.tiff", compression="tiff_deflate")
    survey = look_through(folder, size=64).survey
    assert len(survey.kept) == 10 and dict(survey.twins) == {"copy.bmp": "004.png", "copy.tiff": "004.png"}


def test_near_duplicates_are_named_and_never_held_out(fill: Fill) -> None:
    folder = fill(40)
    for seed in range(8):
        scene(seed).resize((60, 50)).save(folder / f"{seed:03d}-small.jpg", quality=60)
    survey = look_through(folder, size=64, seed=3).survey
    assert survey.near == tuple((f"{seed:03d}-small.jpg", f"{seed:03d}.png") for seed in range(8))
    assert len(survey.held_out) == 4
    twins = {file for pair in survey.near for file in pair}
    assert not twins & {survey.kept[place].file for place in survey.held_out}
    assert sorted([*survey.learned, *survey.held_out]) == list(range(48))


def test_few_pictures_hold_none_out(fill: Fill) -> None:
    assert look_through(fill(29), size=64).survey.held_out == ()


@pytest.mark.parametrize("count", [0, 1, 9])
def test_fewer_than_ten_are_refused_in_one_sentence(fill: Fill, count: int) -> None:
    with pytest.raises(VesicaError, match=r"^[^.]* has \d different pictures? that can be read.*; give 10 or more\.$"):
        look_through(fill(count), size=64)


def test_ten_of_one_picture_are_too_few_and_ten_nearly_the_same_are_alike(fill: Fill, tmp_path: Path) -> None:
    folder = fill(0)
    for number in range(12):
        scene(1).save(folder / f"{number}.png")
    with pytest.raises(VesicaError, match="has 1 different picture that can be read among 12 files"):
        look_through(folder, size=64)
    other = tmp_path / "alike"
    other.mkdir()
    for number in range(12):
        scene(1).resize((96 + 3 * number, 80 + 3 * number)).save(other / f"{number}.png")
    with pytest.raises(VesicaError, match="look alike"):
        look_through(other, size=64)


def test_no_folder_and_too_many_pictures_are_refused(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VesicaError, match="is no folder"):
        look_through(tmp_path / "nowhere", size=64)
    monkeypatch.setattr(module, "MOST", 11)
    with pytest.raises(VesicaError, match="choose up to 11"):
        look_through(fill(12), size=64)


def test_more_than_can_be_held_is_refused_before_it_is_held(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PACKED", 100_000)
    with pytest.raises(VesicaError, match="smaller --size"):
        look_through(fill(12), size=64)


@pytest.mark.parametrize(("ground", "seen"), [("white", 255), ("black", 0), ("#808080", 128)])
def test_what_is_transparent_shows_the_ground(fill: Fill, ground: str, seen: int) -> None:
    folder = fill(0)
    for seed in range(10):
        picture = scene(seed).convert("RGBA")
        picture.paste((9, 9, 9, 0), (0, 0, 20, 80))
        picture.save(folder / f"{seed}.png")
    for pixels in look_through(folder, size=64, ground=ground).pixels:
        assert (pixels[:, :8] == seen).all()


def test_reading_can_be_stopped(fill: Fill) -> None:
    def stop(step: Step) -> None:
        if step.done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        look_through(fill(12), size=64, progress=stop)


def test_a_file_that_vanishes_while_the_folder_is_read_is_left_out(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(12)
    listed = module._files(folder)
    (folder / "005.png").unlink()
    monkeypatch.setattr(module, "_files", lambda folder: listed)
    survey = look_through(folder, size=64).survey
    assert [file for file, _ in survey.left_out] == ["005.png"] and len(survey.kept) == 11


def test_what_was_gathered_stays_when_the_folder_changes(fill: Fill, tmp_path: Path) -> None:
    folder, params = fill(12), TrainParams("own")
    first = gather(folder, tmp_path / "model", params)
    for path in folder.iterdir():
        path.unlink()
    again = gather(folder, tmp_path / "model", params)
    assert again.survey == first.survey
    assert all((one == other).all() for one, other in zip(first.pixels, again.pixels, strict=True))
    with pytest.raises(VesicaError, match="was begun at 64 pixels, whole"):
        gather(folder, tmp_path / "model", TrainParams("own", 128))


@pytest.mark.parametrize("wound", ["cut", "foreign", "empty"])
def test_kept_pictures_that_are_damaged_are_refused(fill: Fill, tmp_path: Path, wound: str) -> None:
    path = tmp_path / "kept.safetensors"
    keep(look_through(fill(10), size=64), path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-9], "foreign": zlib.compress(whole), "empty": b""}[wound])
    with pytest.raises(VesicaError, match="damaged"):
        kept(path)


@given(st.integers(0, 10_000), st.sampled_from([(64, 48), (200, 150), (90, 120)]))
def test_a_hash_holds_through_scale_blur_and_jpeg_and_tells_scenes_apart(seed: int, size: tuple[int, int]) -> None:
    scene_, other = scene(seed), scene(seed + 1)
    mine = perceptual_hash(np.array(scene_))
    changed = scene_.resize(size).filter(ImageFilter.GaussianBlur(0.7))
    assert (mine ^ perceptual_hash(np.array(changed))).bit_count() <= NEAR
    assert (mine ^ perceptual_hash(np.array(other))).bit_count() > NEAR


@given(st.lists(st.integers(0, 2**63 - 1), max_size=30), st.integers(0, 20))
def test_near_pairs_are_all_pairs_that_are_near(hashes: list[int], near: int) -> None:
    expected = [
        (one, other)
        for one in range(len(hashes))
        for other in range(one + 1, len(hashes))
        if (hashes[one] ^ hashes[other]).bit_count() <= near
    ]
    assert near_pairs(hashes, near=near) == expected


@given(st.integers(1, 20), st.data())
def test_groups_hold_each_picture_once_and_what_a_pair_connects_together(count: int, data: st.DataObject) -> None:
    place = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=20))
    found = groups(count, pairs)
    assert sorted(one for group in found for one in group) == list(range(count))
    where = {one: number for number, group in enumerate(found) for one in group}
    assert all(where[first] == where[second] for first, second in pairs)
    assert len(found) >= count - len(pairs)


@given(st.integers(0, 2**40), st.integers(1, 40), st.integers(0, 200), st.integers(1, 50))
def test_the_order_is_the_same_however_it_is_asked_and_each_comes_once_an_epoch(
    seed: int, count: int, first: int, some: int
) -> None:
    whole = order(seed, first, first + some, count)
    assert whole == [order(seed, place, place + 1, count)[0] for place in range(first, first + some)]
    assert sorted(order(seed, 3 * count, 4 * count, count)) == list(range(count))


@pytest.mark.parametrize("mode", ["whole", "brushwork"])
@pytest.mark.parametrize("shape", [(64, 64), (64, 100), (180, 144)])
def test_a_sample_has_its_size_and_shows_its_picture(mode: str, shape: tuple[int, int]) -> None:
    picture = np.array(scene(3, shape[1], shape[0]))
    crops = Crops([picture], 64, mode, mirror=True)  # type: ignore[arg-type]
    for number in range(8):
        sample = crops.sample(0, draw(1, number))
        assert sample.shape == (3, 64, 64) and sample.abs().max() < 1.00001
        assert torch.equal(sample, crops.sample(0, draw(1, number)))
    views = crops.views(0)
    assert torch.equal(views[len(views) // 2 :], views[: len(views) // 2].flip(-1))


def test_a_whole_square_picture_is_learned_to_the_pixel() -> None:
    picture = np.array(scene(3, 64, 64))
    (back,) = to_pictures(Crops([picture], 64, "whole", mirror=False).sample(0, draw(1))[None])
    assert (back == picture).all()


@pytest.mark.parametrize(
    ("told", "kept_as"),
    [
        ("own", "own"),
        (" Mine ", "own"),
        ("public-domain", "public domain"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("Other: by kind leave of  the museum", "other: by kind leave of the museum"),
    ],
)
def test_rights_are_read_as_they_are_meant(told: str, kept_as: str) -> None:
    assert read_rights(told) == kept_as == read_rights(kept_as)


@pytest.mark.parametrize("told", ["", "yes", "CC-BY", "other:", "other: " + "x" * 400, "other: a\x1b[2J"])
def test_rights_that_say_nothing_are_asked_again(told: str) -> None:
    with pytest.raises(VesicaError, match=r"^[^\n]*[.?]$"):
        read_rights(told)


@pytest.mark.parametrize("name", LICENCES)
def test_every_licence_is_read_and_told_in_one_sentence(name: str) -> None:
    assert read_rights(name.upper()) == name
    assert limits(name).count(".") - name.count(".") == 1
    assert ("no commercial use" in limits(name)) == ("-NC" in name)
