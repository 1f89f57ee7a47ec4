"""Palettes from words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesica.image.colour import from_hex, from_srgb, to_srgb, turned
from vesica.image.palette import Palette, anchors, mix, palette


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_a_colour_comes_back_from_oklab(colour: tuple[int, int, int]) -> None:
    there = np.array([colour], np.uint8)
    assert np.array_equal(to_srgb(from_srgb(there)), there)


def test_white_has_light_one_and_no_colour() -> None:
    np.testing.assert_allclose(from_hex("ffffff"), [[1, 0, 0]], atol=1e-6)


@given(hue=st.floats(-3, 3))
def test_turning_the_hue_keeps_light_and_chroma(hue: float) -> None:
    colours = from_hex("c98b5e 1f3347")
    after = turned(colours, hue)
    np.testing.assert_allclose(np.hypot(after[:, 1], after[:, 2]), np.hypot(colours[:, 1], colours[:, 2]))
    np.testing.assert_allclose(after[:, 0], colours[:, 0])


def test_every_anchor_climbs_from_dark_to_light_and_has_accents_with_colour() -> None:
    colours, spoken = anchors()
    assert len(colours) == len(spoken) > 60
    light = colours[:, 1:6, 0]
    assert (np.diff(light, axis=1) > 0.05).all()
    assert (light[:, 0] < 0.3).all()
    assert (light[:, 4] > 0.8).all()
    assert (np.hypot(colours[:, 6:, 1], colours[:, 6:, 2]).max(axis=1) > 0.04).all()


@given(seed=st.integers(0, 10_000))
def test_a_palette_without_words_climbs_from_dark_to_light(seed: int) -> None:
    colours = palette("", rng(seed))
    assert (np.diff(colours.ramp[:, 0]) > 0.04).all()
    assert np.isfinite(colours.at(np.linspace(-1, 2, 50))).all()


def test_the_ends_of_the_ramp_are_its_first_and_last_colour() -> None:
    colours = palette("", rng(1))
    np.testing.assert_allclose(colours.at(np.array([0.0, 1.0])), colours.ramp[[0, 4]])


def test_mixing_one_palette_gives_it_back() -> None:
    colours, _ = anchors()
    weights = np.zeros(len(colours))
    weights[5] = 1
    np.testing.assert_allclose(mix(colours, weights).ramp, colours[5, 1:6])


def test_mixing_across_hues_does_not_grey() -> None:
    colours, _ = anchors()
    one, other = colours[11], colours[0]
    both = mix(np.stack([one, other]), [0.6, 0.4])
    chroma = np.hypot(both.ramp[:, 1], both.ramp[:, 2])
    plain = 0.75 * one[1:6] + 0.25 * other[1:6]
    assert (chroma >= np.hypot(plain[:, 1], plain[:, 2]) - 1e-9).all()


def warmth(colours: Palette) -> float:
    """Mean of red against blue over the middle of the ramp."""
    middle = to_srgb(colours.ramp[1:4]).astype(float)
    return float((middle[:, 0] - middle[:, 2]).mean())


@pytest.mark.parametrize("seed", range(4))
def test_a_quiet_winter_sea_is_cold_and_a_market_at_noon_is_hot(seed: int) -> None:
    assert warmth(palette("a lighthouse keeper's last winter, when the sea went quiet", rng(seed))) < -20
    assert warmth(palette("a market in Marrakesh at noon", rng(seed))) > 60


def test_words_that_are_on_no_list_find_their_colours() -> None:
    green = palette("chlorophyll drunk on rain", rng(1)).ramp[2]
    ember = palette("the arsonist's confession", rng(1)).ramp[2]
    assert green[1] < 0 < ember[1]


def test_the_same_words_and_seed_give_the_same_palette_and_another_seed_a_neighbour() -> None:
    one, same, other = (palette("spring", rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.ramp, same.ramp)
    assert not np.array_equal(one.ramp, other.ramp)


def test_a_sky_over_green_land_is_bluish_and_a_grey_sea_keeps_its_own() -> None:
    colours, _ = anchors()
    green = mix(colours[17:18], [1.0])
    assert green.ramp[2, 1] < 0 < green.ramp[2, 2]
    assert green.aloft().ramp[2, 2] < 0
    sea = mix(colours[:1], [1.0])
    np.testing.assert_allclose(sea.aloft().ramp, sea.ramp, atol=0.02)
