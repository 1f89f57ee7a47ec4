"""Training: the same bytes on any number of threads and after kill -9, an end by time, plateau or hand, and no harm."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from vesica.errors import Cancelled, VesicaError
from vesica.gan import session as session_module
from vesica.gan.augment import MOST, adapted, augment
from vesica.gan.checkpoint import read, write
from vesica.gan.draws import draw
from vesica.gan.generator import LATENT, Generator
from vesica.gan.layers import Spectral, begin
from vesica.gan.loop import Lesson, Pace, Trainer
from vesica.gan.losses import HINGE, RELATIVISTIC, Losses
from vesica.gan.plain import Plain
from vesica.gan.session import History, Session, sparkline
from vesica.image.tensors import one_thread_each
from vesica.weights import cache
from vesica.work import Step

SIZE = 16


class Rolls:
    """What is learned here is no picture: bars of one channel, on a grid of 16 by 16."""

    def __init__(self) -> None:
        self.bars = torch.full((12, 1, SIZE, SIZE), -1.0)
        for place in range(12):
            self.bars[place, :, place : place + 3] = 1.0

    def sample(self, place: int, rng: torch.Generator) -> Tensor:
        return self.bars[place]


class Quiet:
    """A watch that counts, and says that samples get no better after the second judgement."""

    def __init__(self, best: int = 1) -> None:
        self.shown, self.judged, self.best = 0, 0, best

    def quality(self, trainer: Trainer, pool: Executor) -> float:
        self.judged += 1
        return 1.0 / min(self.judged, self.best)

    def show(self, trainer: Trainer, pool: Executor) -> None:
        self.shown += 1

    def plot(self, history: History) -> None:
        pass


def trainer(seed: int = 1, losses: Losses = RELATIVISTIC, **pace: Any) -> Trainer:
    """A tiny one."""
    widths = (12, 8, 6)
    lesson = Lesson(
        Generator(SIZE, seed, widths=widths, channels=1),
        Generator(SIZE, seed, widths=widths, channels=1),
        Plain((8, 12), seed, channels=1),
        LATENT,
        12,
        Rolls().sample,
        augment,
        losses,
    )
    return Trainer(lesson, Pace(**({"batch": 8} | pace)), seed)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def steps(one: Trainer, count: int) -> Trainer:
    with one_thread_each() as pool:
        for _ in range(count):
            one.advance(pool)
    return one


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("losses", [RELATIVISTIC, HINGE])
def test_one_thread_and_two_train_to_the_same_bytes(threads: Callable[[int], None], losses: Losses) -> None:
    found = []
    for count in (1, 2, 3):
        threads(count)
        found.append(steps(trainer(losses=losses), 10).state())
    assert same(found[0][0], found[1][0]) and same(found[0][0], found[2][0])
    assert found[0][1] == found[1][1] == found[2][1]


def test_another_seed_trains_to_others() -> None:
    assert not same(steps(trainer(1), 1).state()[0], steps(trainer(2), 1).state()[0])


@pytest.mark.parametrize("cut", [1, 4, 9, 11])
def test_a_state_that_was_restored_goes_on_to_the_same_bytes(cut: int, tmp_path: Path) -> None:
    whole = steps(trainer(), 13)
    half = steps(trainer(), cut)
    write(tmp_path / "kept", *half.state(), kind="test/1")
    again = trainer()
    again.restore(*read(tmp_path / "kept", kind="test/1"))
    steps(again, 13 - cut)
    assert same(again.state()[0], whole.state()[0]) and again.state()[1] == whole.state()[1]


def test_it_learns_what_it_is_shown() -> None:
    one = trainer(batch=16, rate=4e-3, rate_critic=4e-3, share=0.0)

    def off() -> float:
        with one_thread_each() as pool:
            rng = draw("look")
            made = one.samples(torch.randn(32, LATENT, generator=rng), one.lesson.generator.noise(32, rng), pool)  # type: ignore[operator]
        nearest = (made[:, None] - Rolls().bars[None]).square().mean((2, 3, 4)).amin(1)
        return nearest.mean().item()

    before = off()
    steps(one, 250)
    assert off() < 0.45 * before  # without learning bars, their mean comes to 0.55


def test_the_penalty_makes_the_discriminator_less_steep() -> None:
    def steepness(penalty: float) -> float:
        losses = Losses(RELATIVISTIC.discriminator, RELATIVISTIC.generator, RELATIVISTIC.certain, penalty)
        critic = steps(trainer(losses=losses), 32).lesson.discriminator
        samples = Rolls().bars.requires_grad_()
        (slope,) = torch.autograd.grad(critic(samples)[0].sum(), samples)
        return slope.square().sum((1, 2, 3)).mean().item()

    assert steepness(0.05) < 0.5 * steepness(0.0)


@given(st.integers(0, 2**40), st.floats(0, 1))
def test_augmentation_leaves_what_chance_spares_to_the_bit(seed: int, share: float) -> None:
    samples = torch.randn(6, 3, 12, 12, generator=draw(seed))
    changed = augment(samples, share, draw(seed, "change"))
    assert changed.shape == samples.shape and changed.isfinite().all()
    assert torch.equal(changed, augment(samples, share, draw(seed, "change")))
    assert torch.equal(augment(samples, 0.0, draw(seed)), samples)


def test_augmentation_changes_about_as_many_as_it_should_and_slopes_go_through() -> None:
    samples = torch.randn(400, 3, 8, 8, generator=draw(1)).clamp(-1, 1).requires_grad_()
    changed = augment(samples, 0.3, draw(2))
    share = (changed != samples).flatten(1).any(1).float().mean().item()
    assert abs(share - (1 - 0.7**3)) < 0.08
    (slope,) = torch.autograd.grad(changed.sum(), samples)
    assert slope.isfinite().all() and (slope.flatten(1).abs().sum(1) > 0).float().mean() > 0.95


@given(st.floats(0, MOST), st.floats(-1, 1), st.integers(1, 1000))
def test_the_share_goes_up_where_the_discriminator_is_too_certain_and_stays_in_bounds(
    share: float, certain: float, samples: int
) -> None:
    after = adapted(share, certain, samples)
    assert 0 <= after <= MOST
    assert after >= share if certain > 0.6 else after <= share


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3, 4]), st.integers(0, 99))
def test_a_spectral_convolution_has_norm_one(inputs: int, outputs: int, kernel: int, seed: int) -> None:
    layer = Spectral(inputs, outputs, kernel)
    begin(layer, seed)
    layer.settle(100)
    norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
    assert abs(((layer.u @ layer.weight.flatten(1)).norm() / norm).item() - 1) < 0.02


@pytest.mark.parametrize("size", [64, 128, 256])
def test_a_generator_makes_its_size_and_not_the_same_twice(size: int) -> None:
    generator = Generator(size, 1)
    rng = draw(1)
    with torch.no_grad():
        made = generator(torch.randn(2, LATENT, generator=rng), generator.noise(2, rng))
    assert made.shape == (2, 3, size, size) and made.abs().max() <= 1
    assert (made[0] - made[1]).abs().mean() > 0.02
    assert sum(one.numel() for one in generator.parameters()) * 2 < 4_000_000  # bytes at half precision


def test_nothing_is_drawn_at_the_frame() -> None:
    """Zeros beyond the border would make it darker or lighter than the middle."""
    generator = Generator(64, 3)
    rng = draw(1)
    with torch.no_grad():
        made = generator(torch.randn(24, LATENT, generator=rng), generator.noise(24, rng))
    strength = made.square().mean((0, 1))
    edge = torch.cat([strength[0], strength[-1], strength[:, 0], strength[:, -1]]).mean()
    assert 0.8 < edge / strength[16:48, 16:48].mean() < 1.25


# Sessions


def a_session(folder: Path, watch: Any = None, **settings: Any) -> Session:
    return Session(trainer(), folder / "training" / "checkpoint.safetensors", {"seed": 1} | settings, watch or Quiet())


def test_it_ends_by_steps_time_plateau_or_hand_and_is_kept_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "LOOK_EVERY", 5)
    assert a_session(tmp_path / "steps").run(steps=3) == "steps"
    clock = iter(range(1000))
    assert a_session(tmp_path / "time").run(minutes=0.1, clock=lambda: float(next(clock))) == "time"
    watch = Quiet()
    assert a_session(tmp_path / "plateau", watch).run(steps=500, patience=3) == "plateau" and watch.judged == 4

    def stop(step: Step) -> None:
        if step.done == 4:
            raise Cancelled

    assert a_session(tmp_path / "hand").run(steps=500, progress=stop) == "hand"
    for name, taken in (("steps", 3), ("plateau", 20), ("hand", 4)):
        again = a_session(tmp_path / name)
        assert again.resume() and again.trainer.step == taken and again.average()


def test_the_best_generator_is_the_one_that_was_judged_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "LOOK_EVERY", 4)
    one = a_session(tmp_path, Quiet(best=2))
    one.run(steps=14)
    assert one.history.best == (8, 0.5)
    assert same(one.average(), steps(trainer(), 8).lesson.average.state_dict())
    again = a_session(tmp_path)
    again.resume()
    assert same(again.average(), one.average()) and again.history == one.history


def test_first_samples_are_shown_early_and_the_plot_has_a_row_every_25_steps(tmp_path: Path) -> None:
    watch = Quiet()
    one = a_session(tmp_path, watch)
    one.run(steps=60)
    assert watch.shown == 3 and [row[0] for row in one.history.rows] == [25.0, 50.0]


def test_other_settings_and_other_networks_are_refused_in_one_sentence(tmp_path: Path) -> None:
    a_session(tmp_path, mirror=True).run(steps=1)
    with pytest.raises(VesicaError, match=r"was begun with mirror True, not False; .*--out\.$"):
        a_session(tmp_path, mirror=False).resume()
    other = Session(trainer(), tmp_path / "training" / "checkpoint.safetensors", {"seed": 1}, Quiet())
    other.trainer.lesson.generator.stages.append(nn.Linear(2, 2))  # type: ignore[union-attr, operator]
    with pytest.raises(VesicaError, match="of other networks"):
        other.resume()


def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = a_session(tmp_path)
    one.run(steps=2)
    before = (tmp_path / "training" / "checkpoint.safetensors").read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.os, "fsync", full)
    with pytest.raises(VesicaError, match=r"^The disk of .* is full; free some space and try again\.$"):
        one.run(steps=4)
    assert (tmp_path / "training" / "checkpoint.safetensors").read_bytes() == before
    assert [path.name for path in (tmp_path / "training").iterdir()] == ["checkpoint.safetensors"]
    monkeypatch.undo()
    again = a_session(tmp_path)
    assert again.resume() and again.trainer.step == 2


def test_a_lesson_that_lost_its_way_says_so_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    one = a_session(tmp_path)
    one.run(steps=1)
    with torch.no_grad():
        one.trainer.lesson.generator.base.fill_(float("nan"))  # type: ignore[union-attr, operator]
    with pytest.raises(VesicaError, match="lost its way at step 2"):
        one.run(steps=3)
    again = a_session(tmp_path)
    assert again.resume() and again.trainer.step == 1


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import vesica.gan.session as session
from test_gan_training import a_session
session.KEEP_EVERY, session.LOOK_EVERY = 0.0, 8
one = a_session(Path({folder!r}))
one.resume()
one.run(steps={steps}, progress=lambda step: print(step.done, flush=True))
"""


def test_kill_9_at_any_moment_and_the_next_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(folder: Path) -> "subprocess.Popen[str]":
        script = KILLED.format(tests=str(Path(__file__).parent), folder=str(folder), steps=22)
        return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    rng = np.random.default_rng(5)
    reached = 0
    for goal in (5, 13):
        process = start(tmp_path / "killed")
        assert process.stdout
        for line in process.stdout:
            if int(line) >= goal:
                break
        time.sleep(rng.uniform(0, 0.02))  # in the midst of a step, or of writing
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        again = a_session(tmp_path / "killed")
        assert again.resume() and again.trainer.step > reached
        reached = again.trainer.step
    last = start(tmp_path / "killed")
    last.communicate()
    assert last.returncode == 0 and reached < 22
    monkeypatch.setattr(session_module, "LOOK_EVERY", 8)
    whole = a_session(tmp_path / "whole")
    whole.run(steps=22)
    found = a_session(tmp_path / "killed")
    found.resume()
    assert same(found.trainer.state()[0], whole.trainer.state()[0])
    assert found.trainer.state()[1] == whole.trainer.state()[1]
    assert found.history == whole.history and same(found.average(), whole.average())


# Checkpoints


@given(st.lists(st.tuples(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), st.integers(0, 5))))
def test_a_checkpoint_comes_back_and_is_the_same_bytes_each_time(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("kept") / "one"
    tensors = {name: torch.randn(size, 2, generator=draw(size)) for name, size in parts}
    told = {"step": 3, "words": "§", "rows": [[1.5, 2]]}
    write(path, tensors, told, kind="test/1")
    first = path.read_bytes()
    back, said = read(path, kind="test/1")
    assert same(back, tensors) and said == told
    write(path, tensors, told, kind="test/1")
    assert path.read_bytes() == first


@pytest.mark.parametrize("wound", ["cut", "bit", "version", "foreign", "pickle", "gone"])
def test_a_checkpoint_that_is_not_whole_or_not_ours_is_one_sentence(tmp_path: Path, wound: str) -> None:
    path = tmp_path / "one"
    write(path, {"a": torch.arange(9.0)}, {}, kind="test/2" if wound == "version" else "test/1")
    data = bytearray(path.read_bytes())
    if wound == "cut":
        del data[-5:]
    if wound == "bit":
        data[-3] ^= 4
    path.write_bytes(data)
    if wound == "foreign":
        from safetensors.torch import save_file

        save_file({"a": torch.arange(3.0)}, path)
    if wound == "pickle":
        torch.save({"a": torch.arange(3.0)}, path)
    if wound == "gone":
        path.unlink()
    words = {
        "cut": "damaged", "bit": "damaged", "version": "another version", "foreign": "not vesica's",
        "pickle": "damaged, or no safetensors", "gone": "is not there",
    }  # fmt: skip
    with pytest.raises(VesicaError, match=words[wound]) as caught:
        read(path, kind="test/1")
    assert str(caught.value).count("\n") == 0


@given(st.lists(st.floats(-100, 100), max_size=30))
def test_a_sparkline_is_lowest_at_the_least(values: list[float]) -> None:
    line = sparkline(values)
    assert len(line) == min(16, len(values))
    if values and max(values[-16:]) > min(values[-16:]):
        assert line[int(np.argmin(values[-16:]))] == "▁" and line[int(np.argmax(values[-16:]))] == "█"
    assert json.dumps(line)
