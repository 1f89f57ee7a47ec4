"""The feature atlas."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vesica.errors import Cancelled, VesicaError
from vesica.image import atlas
from vesica.image.atlas import contact_sheet, picture_channels, write_atlas
from vesica.image.fourier import optimised
from vesica.image.pictures import read_picture
from vesica.weights.efficientnet_lite import efficientnet_lite
from vesica.work import Step


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "STEPS", 6)


def test_each_channel_is_excited_by_its_own_picture_more_than_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas, "STEPS", 16)
    pictures = torch.from_numpy(picture_channels("b1")).permute(0, 3, 1, 2).float() / 255
    means = efficientnet_lite().maps(pictures, ("b1",))["b1"].mean((2, 3))
    own = means.diagonal()
    assert (own > means.mean(0) + means.std(0)).float().mean() > 0.9


def test_an_atlas_is_the_same_on_one_thread_and_on_two() -> None:
    before = torch.get_num_threads()
    made = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(picture_channels("b1"))
    torch.set_num_threads(before)
    assert np.array_equal(*made)


def test_a_sheet_is_kept_as_soon_as_it_is_done_and_a_stopped_atlas_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas, "cache_dir", lambda: tmp_path)
    told: list[Step] = []

    def stop(step: Step) -> None:
        told.append(step)
        if step.done > 16:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_atlas(["b0", "b1"], progress=stop)
    assert [path.name for path in tmp_path.glob("*/*.png")] == ["b0.png"]
    told.clear()
    page = write_atlas(["b0", "b1"], progress=told.append)
    assert told[0].total == 24 and told[-1].done == 24
    assert page.read_text().count("<img") == 2
    told.clear()
    copied = write_atlas(["b1"], tmp_path / "mine", progress=told.append)
    assert not told
    assert sorted(path.name for path in copied.parent.iterdir()) == ["b1.png", "index.html"]
    assert (
        read_picture((copied.parent / "b1.png").read_bytes()).shape == contact_sheet("b1", picture_channels("b1")).shape
    )


def test_an_unknown_layer_is_refused_with_the_nearest() -> None:
    with pytest.raises(VesicaError, match="did you mean b1"):
        write_atlas(["b111"])


def test_a_picture_of_waves_climbs_what_it_is_asked_to() -> None:
    generator = torch.Generator().manual_seed(1)
    frames = list(optimised(lambda x: x[:, 0].sum(), count=2, height=33, width=40, steps=12, generator=generator))
    assert len(frames) == 12
    assert frames[-1].shape == (2, 3, 33, 40)
    assert frames[-1].min() >= 0 and frames[-1].max() <= 1
    red, green, blue = frames[-1].mean((0, 2, 3)).tolist()
    assert red > max(green, blue) + 0.03
    assert red > frames[0][:, 0].mean() + 0.03
