"""Colours in words."""

import numpy as np
import pytest

from vesica.image.colour_names import NAMES, colours_of


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_colour_is_called_by_its_name(name: str) -> None:
    assert colours_of(np.full((32, 32, 3), NAMES[name], np.uint8)) == [name]


def test_the_larger_share_is_named_first_and_specks_are_not_named() -> None:
    picture = np.full((64, 64, 3), NAMES["dark blue"], np.uint8)
    picture[:20] = NAMES["orange"]
    picture[63, :3] = NAMES["magenta"]
    assert colours_of(picture) == ["dark blue", "orange"]
