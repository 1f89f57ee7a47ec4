"""The process of machine turns: threads are fixed, previews are small, whatever is silent can be stopped."""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from vesica import engines
from vesica.errors import Cancelled, VesicaError
from vesica.work import Preview, Step
from vesica.worker import PREVIEW_SIDE, Worker

PACKAGE = '''
import os
import time
from dataclasses import dataclass

import numpy as np

from vesica.engines import Engine
from vesica.work import Step


@dataclass(frozen=True)
class NoParams:
    """No knobs."""


def row(name, makes):
    return Engine(f"test.{name}", "1", makes, f"strangers:{name}", "strangers:NoParams", "exact", "For tests.")


def silent(*, params, seed, progress):
    time.sleep(600)


def large(*, params, seed, progress):
    picture = np.zeros((900, 3000, 3), np.uint8)
    picture[:, :, 0] = 200
    for count in range(1, 5):
        time.sleep(0.3)
        progress(Step(count, 4, picture))
    return picture


def threads(*, params, seed, progress):
    import torch

    return f"{torch.get_num_threads()} {os.environ['OMP_NUM_THREADS']}"


def dying(*, params, seed, progress):
    os._exit(3)


def broken(*, params, seed, progress):
    raise LookupError("our own fault")


def chatty(*, params, seed, progress):
    print("noise", flush=True)
    os.write(1, b"more noise")
    return "quiet"


SILENT, THREADS, DYING = row("silent", "text"), row("threads", "text"), row("dying", "text")
LARGE, BROKEN, CHATTY = row("large", "image"), row("broken", "text"), row("chatty", "text")
'''
POINTS = "[vesica.engines]\n" + "".join(
    f"{name} = strangers:{name.upper()}\n" for name in ("silent", "large", "threads", "dying", "broken", "chatty")
)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another package, installed beside ours, that brings engines by entry points; the folder it lies in."""
    (tmp_path / "strangers.py").write_text(PACKAGE)
    told = tmp_path / "strangers-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    # An empty place in it would mean the folder one stands in.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")])))
    engines.engines.cache_clear()
    yield tmp_path
    engines.engines.cache_clear()
    sys.modules.pop("strangers", None)


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running


def test_an_engine_that_says_nothing_can_be_cancelled_all_the_same(stranger: Path, worker: Worker) -> None:
    asked = 0

    def progress(step: Step) -> None:
        nonlocal asked
        asked += step.note == "loading"
        if asked == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        worker.run("test.silent", {}, {}, seed=1, threads=1, progress=progress)
    assert worker._process is None


def test_a_picture_s_preview_crosses_small_and_not_at_every_step(stranger: Path, worker: Worker) -> None:
    seen: list[Step] = []
    made = worker.run("test.large", {}, {}, seed=1, threads=1, progress=seen.append)
    previews = [step.preview for step in seen if step.preview]
    assert 1 <= len(previews) < 4
    for preview in previews:
        assert isinstance(preview, Preview) and preview.type == "image/jpeg"
        shown = Image.open(io.BytesIO(preview.data))
        assert shown.size == (PREVIEW_SIDE, round(900 / 3000 * PREVIEW_SIDE))
        assert abs(shown.getpixel((10, 10))[0] - 200) < 4  # type: ignore[index]
    assert Image.open(io.BytesIO(made.data)).size == (3000, 900)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_engine_runs_on_the_number_of_threads_that_its_turn_records(
    stranger: Path, worker: Worker, threads: int
) -> None:
    made = worker.run("test.threads", {}, {}, seed=1, threads=threads)
    assert made.data == f"{threads} {threads}".encode()
    assert made.runtime["threads"] == threads


def test_a_process_that_dies_is_a_sentence_and_the_next_turn_gets_a_new_one(stranger: Path, worker: Worker) -> None:
    with pytest.raises(VesicaError, match="code 3"):
        worker.run("test.dying", {}, {}, seed=1, threads=1)
    assert worker.run("test.chatty", {}, {}, seed=1, threads=1).data == b"quiet"


def test_an_engine_s_own_fault_keeps_its_traceback(stranger: Path, worker: Worker) -> None:
    with pytest.raises(RuntimeError, match="LookupError: our own fault"):
        worker.run("test.broken", {}, {}, seed=1, threads=1)


def test_files_of_the_folder_one_stands_in_are_never_imported(
    stranger: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hostile = tmp_path_factory.mktemp("hostile")
    for name in ("json", "numpy", "torch", "queue"):
        (hostile / f"{name}.py").write_text("raise SystemExit(77)")
    monkeypatch.chdir(hostile)
    assert worker.run("test.chatty", {}, {}, seed=1, threads=1).data == b"quiet"


def test_a_package_whose_engine_can_t_be_loaded_is_named_and_ours_still_work(stranger: Path) -> None:
    (stranger / "strangers.py").write_text("import nothing_of_this_name")
    with pytest.raises(VesicaError, match="package strangers"):
        engines.engines()
    assert engines.find("image.dream").name == "image.dream"
