"""Tiles of a large picture, and the bands of a slope."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vesica.image import bands, tiles


@given(st.integers(32, 1500), st.integers(32, 1500), st.integers(0, 64), st.integers(0, 2**32))
def test_tiles_cover_every_pixel_once_and_see_equally_much(height: int, width: int, jitter: int, seed: int) -> None:
    cut = tiles.cut(height, width, jitter, torch.Generator().manual_seed(seed))
    covered = np.zeros((height, width), np.uint8)
    for tile in cut:
        covered[tile.core[2:]] += 1
        for span, size in ((tile.down, height), (tile.right, width)):
            assert span.start - span.first >= (tiles.MARGIN if span.start else tiles.BORDER)
            assert span.last - span.end >= (tiles.MARGIN if span.end < size else tiles.BORDER)
    assert (covered == 1).all()
    assert len({(tile.down.last - tile.down.first, tile.right.last - tile.right.first) for tile in cut}) == 1
    assert all(tile.area <= (tiles.ROWS + 240) * (tiles.COLUMNS + 240) for tile in cut)


def test_the_usual_picture_is_two_tiles_so_that_two_threads_have_work() -> None:
    assert len(tiles.cut(512, 512, 16, torch.Generator())) == 2


def test_cuts_lie_elsewhere_at_every_step() -> None:
    generator = torch.Generator().manual_seed(1)
    cuts = {tiles.cut(600, 600, 16, generator)[0].down.end for _ in range(12)}
    assert len(cuts) > 6
    assert max(cuts) - min(cuts) > tiles.MOVE


def test_a_tile_sees_the_picture_and_its_reflection() -> None:
    picture = torch.arange(40.0).view(1, 1, 1, 40).expand(1, 1, 40, 40)
    tile = tiles.Tile(tiles.Span(0, 40, -8, 48), tiles.Span(0, 40, -3, 43))
    seen = tile.seen(picture)
    assert seen[0, 0, 0, :6].tolist() == [3, 2, 1, 0, 1, 2]
    assert seen[0, 0, 0, -4:].tolist() == [39, 38, 37, 36]
    assert torch.equal(tile.inner(seen), picture)


@pytest.mark.parametrize("shape", [(333, 517), (700, 64), (65, 1200)])
def test_strips_leave_no_trace_in_bands(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    slope = torch.randn(1, 3, *shape, generator=torch.Generator().manual_seed(1))
    whole = torch.cat([step for _, step in bands.evened(slope, 0.7)], 2)
    monkeypatch.setattr(bands, "STRIP", 64 * shape[1])
    strips = list(bands.evened(slope, 0.7))
    assert len(strips) > 2 or shape[0] <= 128
    assert torch.cat([step for _, step in strips], 2).shape == slope.shape
    assert torch.allclose(torch.cat([step for _, step in strips], 2), whole, atol=1e-5)


@pytest.mark.parametrize("held", [0, bands.HELD])
def test_strips_are_the_same_on_a_pool_and_whether_bands_are_held(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slope = torch.randn(1, 3, 300, 90, generator=torch.Generator().manual_seed(1))
    alone = list(bands.evened(slope, 0.7))
    monkeypatch.setattr(bands, "HELD", held)
    ticks: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        shared = list(bands.evened(slope, 0.7, pool, tick=lambda: ticks.append(1)))
    assert [rows for rows, _ in shared] == [rows for rows, _ in alone]
    assert all(torch.equal(one, other) for (_, one), (_, other) in zip(shared, alone, strict=True))
    assert len(ticks) == 3 * len(shared)


def test_the_evened_slope_has_a_mean_of_one_where_something_was_seen() -> None:
    slope = torch.zeros(1, 3, 256, 256)
    slope[:, :, 100:150, 60:120] = torch.randn(1, 3, 50, 60, generator=torch.Generator().manual_seed(1)) * 1e-7
    step = torch.cat([part for _, part in bands.evened(slope, 1.0)], 2)
    assert step[step != 0].abs().mean() == pytest.approx(1, rel=1e-4)
    assert step[:, :, 105:145, 65:115].abs().mean() > 0.8
