"""Measures tell what is known beforehand: same sets, moved sets, copies, and all that lies between."""

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from vesica.gan.crops import Crops, to_pictures
from vesica.gan.draws import draw
from vesica.gan.judging import copying, distances, features, most_varied, reals
from vesica.gan.measures import Features, frechet, kernel_distance, memory, nearest, precision_recall
from vesica.gan.sheets import GAP, curves, pairs, sheet
from vesica.image.pictures import Picture, read_picture, resize
from vesica.image.tensors import one_thread_each
from vesica.weights.efficientnet_lite import JUDGE, efficientnet_lite


def normal(count: int, wide: int, seed: int, mean: float = 0.0, spread: float = 1.0) -> Features:
    return np.random.default_rng(seed).normal(mean, spread, (count, wide))


@given(st.integers(2, 40), st.integers(1, 60), st.integers(0, 99))
def test_a_set_is_at_no_distance_from_itself_in_any_order(count: int, wide: int, seed: int) -> None:
    rows = normal(count, wide, seed)
    assert frechet(rows, rows[::-1]) < 1e-6 * wide
    assert precision_recall(rows, rows[::-1].copy()) == (1.0, 1.0)


def test_frechet_is_that_of_the_normal_distributions_rows_were_drawn_from() -> None:
    wide = 6
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(wide, wide))
    first, second = normal(60_000, wide, 2), normal(60_000, wide, 3) @ mix + 0.5
    covariance = mix.T @ mix
    expected = wide * 0.25 + wide + np.trace(covariance) - 2 * np.sqrt(np.linalg.eigvalsh(covariance)).sum()
    assert frechet(first, second) == pytest.approx(expected, rel=0.02)


@given(st.integers(3, 20), st.integers(30, 60), st.integers(0, 9))
def test_frechet_of_fewer_rows_than_numbers_is_what_the_textbook_says(count: int, wide: int, seed: int) -> None:
    first, second = normal(count, wide, seed), normal(count + 2, wide, seed + 1, 0.2)
    one, other = np.cov(first.T), np.cov(second.T)
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(0)).sum()
    textbook = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(one) + np.trace(other) - 2 * shared
    assert frechet(first, second) == pytest.approx(textbook, rel=1e-4, abs=1e-4)


def test_kernel_distance_is_nothing_on_average_for_few_rows_of_one_kind_and_grows_with_the_difference() -> None:
    found = [kernel_distance(normal(20, 8, seed), normal(20, 8, seed + 1000)) for seed in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / len(found) ** 0.5 < 0.1
    row = [kernel_distance(normal(200, 8, 1), normal(200, 8, 2, mean)) for mean in (0.0, 0.3, 0.6, 1.2)]
    assert row == sorted(row) and row[1] > 0.01


def test_kernel_distance_is_the_double_sum_written_out() -> None:
    first, second = normal(7, 3, 1), normal(5, 3, 2)

    def k(x: Features, y: Features) -> float:
        return float((x @ y / 3 + 1) ** 3)

    within = sum(k(x, y) for i, x in enumerate(first) for j, y in enumerate(first) if i != j) / 42
    without = sum(k(x, y) for i, x in enumerate(second) for j, y in enumerate(second) if i != j) / 20
    across = sum(k(x, y) for x in first for y in second) / 35
    assert kernel_distance(first, second) == pytest.approx(within + without - 2 * across)


def test_precision_falls_with_what_is_unlike_and_recall_with_what_is_missed() -> None:
    left, right = normal(200, 4, 1), normal(200, 4, 2, mean=40)
    both = np.concatenate([left, right])
    precision, recall = precision_recall(both, normal(200, 4, 3))
    assert precision > 0.85 and 0.35 < recall < 0.6  # one of two kinds is made, and made well
    precision, recall = precision_recall(left, np.concatenate([normal(200, 4, 4), normal(200, 4, 5, mean=-40)]))
    assert 0.35 < precision < 0.6 and recall > 0.85  # all is made, and as much that is nothing


def test_copies_are_found_out_and_new_ones_are_not() -> None:
    learned, others, new = normal(300, 40, 1), normal(100, 40, 2), normal(100, 40, 3)
    away = nearest(others, learned)
    copies = learned[:100] + normal(100, 40, 4, spread=0.05)
    found = memory(nearest(copies, learned), away)
    assert found.share == 1.0 and found.ratio < 0.1
    assert (nearest(copies, learned).places == np.arange(100)).all()
    fresh = memory(nearest(new, learned), away)
    assert fresh.share < 0.15 and 0.9 < fresh.ratio < 1.1
    half = memory(nearest(np.concatenate([copies[:50], new[:50]]), learned), away)
    assert 0.5 <= half.share < 0.6


def test_the_most_varied_rows_are_one_of_each_kind() -> None:
    kinds = np.repeat(np.eye(5) * 10, 20, axis=0) + normal(100, 5, 1)
    chosen = most_varied(kinds, 5)
    assert chosen[0] == 0 and {place // 20 for place in chosen} == set(range(5))


# Through the judge's eyes


@pytest.fixture
def pool() -> Iterator[Executor]:
    with one_thread_each() as found:
        yield found


def scene(seed: int) -> Picture:
    """Discs of two colours on a third: scenes that a network tells apart."""
    rng = np.random.default_rng(seed)
    down, right = np.mgrid[:64, :64]
    picture = np.full((64, 64, 3), rng.integers(0, 255, 3), np.uint8)
    for _ in range(4):
        y, x, radius = rng.integers(8, 56), rng.integers(8, 56), rng.integers(5, 22)
        picture[(down - y) ** 2 + (right - x) ** 2 < radius**2] = rng.integers(0, 255, 3)
    return picture


def crops(seeds: range) -> Crops:
    return Crops([scene(seed) for seed in seeds], 64, "whole", mirror=False)


def test_the_judge_is_another_network_than_the_one_samples_are_learned_by_and_knows_a_cup_of_coffee() -> None:
    photo = read_picture((Path(__file__).parents[1] / "examples" / "photo.jpg").read_bytes())
    seen = torch.from_numpy(resize(photo, 260)).permute(2, 0, 1)[None].float() / 255
    judge, eyes = efficientnet_lite(JUDGE), efficientnet_lite()
    assert judge.name != eyes.name and judge.features(seen).shape == (1, 1280)
    for network in (judge, eyes):
        assert network.classes(seen).argmax() == 967  # espresso
    assert not torch.allclose(judge.features(seen), eyes.features(seen), atol=0.1)


def test_mirrored_and_shifted_copies_are_found_with_the_picture_they_copy(pool: Executor) -> None:
    learned, held_out = crops(range(10)), crops(range(100, 108))
    moved = [np.asarray(Image.fromarray(scene(seed)).crop((0, 8, 56, 64)).resize((64, 64))) for seed in range(6)]
    copies = torch.stack([torch.from_numpy(one.copy()).permute(2, 0, 1) / 127.5 - 1 for one in moved]).flip(-1)
    look = efficientnet_lite(JUDGE).features
    found = copying(copies, learned, held_out, look, pool)
    assert found.held_out and found.memory.share == 1.0
    views = len(learned.views(0))
    assert (found.nearest.places // views == np.arange(6)).mean() > 0.85
    new = copying(reals(crops(range(200, 206)), 6, 1), learned, held_out, look, pool)
    assert new.memory.share < 0.5 and new.memory.ratio > 0.7
    alone = copying(copies, learned, None, look, pool)
    assert not alone.held_out and alone.memory.share == 1.0


def test_noise_is_further_off_than_other_scenes_and_features_are_the_same_on_one_thread(pool: Executor) -> None:
    look = efficientnet_lite(JUDGE).features
    real, other = (features(reals(crops(seeds), 24, 1), look, pool) for seeds in (range(24), range(50, 74)))
    noise = features(torch.rand(24, 3, 64, 64, generator=draw(1)) * 2 - 1, look, pool)
    near, far = distances(real, other), distances(real, noise)
    assert near["kid_lite2"] < 0.3 * far["kid_lite2"] and near["fid_lite2"] < 0.5 * far["fid_lite2"]
    assert near["precision"] > 0.3 and far["precision"] == 0.0
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_thread_each() as alone:
            assert (features(reals(crops(range(24)), 24, 1), look, alone) == real).all()
    finally:
        torch.set_num_threads(before)


# Sheets


@given(st.integers(1, 20), st.integers(1, 8))
def test_a_sheet_holds_every_picture_whole_in_its_order(count: int, columns: int) -> None:
    pictures = [np.full((5, 7, 3), number, np.uint8) for number in range(count)]
    whole = sheet(pictures, columns)
    for number in range(count):
        top, left = number // columns * (5 + GAP), number % columns * (7 + GAP)
        assert (whole[top : top + 5, left : left + 7] == number).all()


def test_a_pair_shows_both_pictures_and_curves_show_their_values() -> None:
    one, other = np.full((64, 64, 3), 10, np.uint8), np.full((64, 64, 3), 200, np.uint8)
    shown = pairs([one], [other], ["0.123"])
    assert (shown[:64, :64] == 10).all() and (shown[:64, 66:130] == 200).all() and (shown[64:] < 100).any()
    empty = curves([("Losses", [("generator", [], [])])])
    full = curves([("Losses", [("generator", [1, 2, 3], [0.1, 5.0, 2.0])])])
    assert empty.shape == full.shape and (empty != full).any()


def test_samples_come_back_as_the_pictures_they_are() -> None:
    samples: Tensor = torch.tensor([-1.0, 1.0, 0.0, 3.0])[:, None, None, None].expand(4, 1, 2, 2)
    assert [int(one[0, 0, 2]) for one in to_pictures(samples)] == [0, 255, 128, 255]
