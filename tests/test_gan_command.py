"""``vesica gan train`` from a folder to a model that can be used, in words a person understands."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vesica.errors import VesicaError
from vesica.gan import session, training
from vesica.gan.crops import to_pictures
from vesica.gan.draws import draw
from vesica.gan.generator import LATENT
from vesica.gan.model import read_card, read_critic, read_generator
from vesica.gan.params import BATCH
from vesica.gan.sketching import believed, sketches
from vesica.image.tensors import one_thread_each

Run = Callable[..., tuple[int, str, str]]


def paint(folder: Path, count: int = 12) -> Path:
    """A folder of ``count`` different pictures."""
    folder.mkdir()
    for seed in range(count):
        patches = np.random.default_rng(seed).integers(0, 255, (5, 6, 3)).astype(np.uint8)
        Image.fromarray(patches).resize((96, 80), Image.Resampling.BICUBIC).save(folder / f"{seed:03d}.png")
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches and few samples to judge by: the same ways, in seconds."""
    monkeypatch.setitem(BATCH, 64, 2)
    monkeypatch.setattr(training, "GLANCE", 8)
    monkeypatch.setattr(training, "JUDGED", 24)
    monkeypatch.setattr(session, "FIRST_LOOKS", (2,))


def train(run: Run, folder: Path, *more: object) -> tuple[int, str, str]:
    return run("gan", "train", folder, "--rights", "CC-BY-4.0", "--out", folder.parent / "model", *more)


def believed_more(model: Path) -> bool:
    """Whether what is ranked first is believed more than what is not ranked."""
    with one_thread_each() as pool:
        generator, critic = read_generator(model), read_critic(model)
        samples = training.made_by(generator, 32, 1, pool)
        scores = believed(samples, critic, pool)
    best = sketches(model, 8, seed=1, varied=False)
    first = to_pictures(samples[int(scores.argmax())][None])[0]
    return bool((best[0] == first).all())


def test_a_folder_becomes_a_model_with_card_samples_and_a_page_of_nearest_pictures(
    quick: None, run: Run, tmp_path: Path
) -> None:
    folder, model = paint(tmp_path / "mine"), tmp_path / "model"
    (folder / "broken.png").write_bytes(b"\x89PNG")
    code, out, err = train(run, folder, "--minutes", 0.05, "--json")
    assert code == 0, err
    assert "12 pictures in 13 files" in err and "broken.png" in err and "that their makers are named" in err
    assert f"Samples so far: {model / 'samples' / '000002.png'}" in err
    told = json.loads(out)
    card = read_card(model)
    assert told["ended"] == "time" and told["card"]["rights"] == card.rights == "CC-BY-4.0"
    assert (card.pictures, card.held_out, card.left_out, card.size) == (12, 0, 1, 64)
    assert set(card.measures) == {"kid_lite2", "fid_lite2", "precision", "recall"}
    assert 0 <= card.copying["share"] <= 1 and len(card.cannot) == 3
    for name in ("samples.png", "nearest.png", "learning.png"):
        assert np.asarray(Image.open(model / name)).std() > 5
    generator, rng = read_generator(model), draw(1)
    made = generator(torch.randn(2, LATENT, generator=rng), generator.noise(2, rng))
    assert made.shape == (2, 3, 64, 64) and made.isfinite().all()
    assert not [path for path in model.rglob("*") if path.suffix not in (".safetensors", ".json", ".png", "")]

    sheets = []
    for name, options in (("a", []), ("b", []), ("c", ["--no-judge", "--no-variety"]), ("d", ["--seed", 2])):
        code, out, err = run("gan", "sketch", model, "--count", 8, "--out", f"{name}.png", *options)
        assert code == 0 and "8 sketches" in out and "CC-BY-4.0" in out, err
        sheets.append((tmp_path / f"{name}.png").read_bytes())
    assert sheets[0] == sheets[1] and len(set(sheets)) == 3
    code, _, err = run("gan", "sketch", model, "--out", "a.png")
    assert code == 2 and "is there already" in err and (tmp_path / "a.png").read_bytes() == sheets[0]
    torch.set_num_threads(1)
    alone = sketches(model, 4, seed=1)
    torch.set_num_threads(2)
    assert all((one == other).all() for one, other in zip(alone, sketches(model, 4, seed=1), strict=True))
    assert believed_more(model)

    code, _, err = train(run, folder, "--minutes", 0.05)
    assert code == 2 and "was trained for 0.05 minutes already; give more with --minutes to go on." in err
    for path in folder.iterdir():
        path.unlink()
    code, out, err = train(run, folder, "--minutes", 0.1)
    assert code == 0 and "Going on from step" in err and "KID" in out and "Copying" in out, err
    code, _, err = train(run, folder, "--minutes", 9, "--no-mirror")
    assert code == 2 and "was begun with mirror True, not False" in err
    with pytest.raises(VesicaError, match="card"):
        read_card(tmp_path)
    (model / "generator.safetensors").write_bytes((model / "generator.safetensors").read_bytes()[:-7])
    with pytest.raises(VesicaError, match="damaged"):
        read_generator(model)


def test_the_plain_discriminator_is_trained_by_its_own_losses(quick: None, run: Run, tmp_path: Path) -> None:
    code, out, err = train(run, paint(tmp_path / "mine"), "--minutes", 0.02, "--plain", "--brushwork", "--json")
    assert code == 0, err
    assert json.loads(out)["card"]["discriminator"] == "plain" and "crops of 64 pixels" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Say whose the pictures are: --rights own"),
        (["--rights", "mine?"], "Whose the pictures are can't be read from 'mine?'"),
        (["--rights", "own", "--out", "mine/inside"], "would be learned from too"),
        (["--rights", "own", "--out", "full"], "full holds something else"),
        (["--rights", "own", "--out", "full/file"], "is a file"),
        (["--rights", "own", "--ground", "sky"], "--ground can't be 'sky'"),
        (["--rights", "own", "--size", "99"], "'99' is not one of"),
        (["--rights", "own", "--minutes", "0"], "is not in the range"),
    ],
)
def test_what_can_not_be_had_is_one_sentence_and_nothing_is_written(
    run: Run, tmp_path: Path, words: list[str], told: str
) -> None:
    paint(tmp_path / "mine", 2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("a diary")
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run("gan", "train", "mine", *words)
    assert code == 2 and told in err and not out and err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


HAND = """
import sys
sys.argv = ["vesica", "gan", "train", {folder!r}, "--rights", "own", "--out", {model!r}, "--minutes", "60"]
from vesica.gan import params, session, training
params.BATCH[64], training.GLANCE, training.JUDGED, session.FIRST_LOOKS = 2, 8, 24, (2,)
from vesica.cli.main import main
main()
"""


def test_ctrl_c_leaves_a_model_that_can_be_used(tmp_path: Path) -> None:
    folder, model = paint(tmp_path / "mine"), tmp_path / "model"
    script = HAND.format(folder=str(folder), model=str(model))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    for line in process.stderr:
        if "Samples so far" in line:
            os.kill(process.pid, signal.SIGINT)
            break
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Stopped by hand" in out and "Stopping" in err
    assert read_card(model).steps >= 2 and read_generator(model).size == 64
