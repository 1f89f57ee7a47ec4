"""Transparency goes through engines unchanged."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vesica.image.alpha import filled, keeps_alpha, restored
from vesica.image.pictures import Picture

clear = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda side: arrays(np.uint8, (*side, 4)))


def negative(*, picture: Picture | None, params: object = None) -> Picture:
    """An engine that changes every pixel, and takes three channels alone."""
    assert picture is not None and picture.shape[2] == 3
    return 255 - picture


@given(picture=clear)
def test_what_shows_keeps_its_colour_and_what_does_not_takes_one_that_shows(picture: Picture) -> None:
    colours, shows = filled(picture), picture[..., 3] > 0
    assert np.array_equal(colours[shows], picture[shows][:, :3])
    there = {tuple(colour) for colour in picture[shows][:, :3].tolist()} or {(255, 255, 255)}
    assert {tuple(colour) for colour in colours.reshape(-1, 3).tolist()} <= there


@given(picture=clear)
def test_an_engine_gives_alpha_back_and_leaves_what_is_hidden_alone(picture: Picture) -> None:
    before = picture.copy()
    made = keeps_alpha(negative)(picture=picture, params=None)
    assert np.array_equal(picture, before)
    assert np.array_equal(made[..., 3], picture[..., 3])
    shows = picture[..., 3] > 0
    assert np.array_equal(made[shows][:, :3], 255 - picture[shows][:, :3])
    assert np.array_equal(made[~shows], picture[~shows])


@given(picture=arrays(np.uint8, (5, 7, 3)))
def test_a_picture_without_alpha_goes_in_and_comes_out_without(picture: Picture) -> None:
    assert np.array_equal(keeps_alpha(negative)(picture=picture), 255 - picture)


def test_a_result_of_another_size_has_alpha_of_that_size() -> None:
    picture = np.zeros((20, 30, 4), np.uint8)
    picture[:, 15:, 3] = 255
    made = restored(np.full((40, 60, 3), 9, np.uint8), picture)
    assert made.shape == (40, 60, 4)
    assert made[:, :25, 3].max() <= 8 and made[:, 35:, 3].min() >= 247
