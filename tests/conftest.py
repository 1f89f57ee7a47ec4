"""What all tests share: nothing of the person's own computer is read or written."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from vesica.cli import main as cli
from vesica.studio import Studio

# A busy computer is no reason to fail; and a fixed choice of examples makes a red run repeat.
settings.register_profile(
    "vesica", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("vesica")


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings, passphrase and default studio in a folder of the test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VESICA_CONFIG", str(home / "config"))
    monkeypatch.setenv("VESICA_STUDIO", str(home / "studio"))
    monkeypatch.setenv("VESICA_PASSPHRASE", "only for tests")
    monkeypatch.delenv("VESICA_PERSON", raising=False)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small picture with something to see in it, 64 by 64 pixels."""
    path = tmp_path / "photo.png"
    patches = np.random.default_rng(1).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(patches).resize((64, 64)).save(path)
    return path


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An empty studio."""
    with Studio.create(tmp_path / "studio") as opened:
        yield opened


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Call the command line as ``vesica …`` in an empty folder: exit code, output, error output."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vesica", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the browser tests out where there is no Chromium."""
    if not shutil.which("chromium"):
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="there is no Chromium; install it to run the browser tests"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line about what was left out, and why."""
    reasons = {}
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reasons[report.longrepr[2]] = reasons.get(report.longrepr[2], 0) + 1
    for reason, count in reasons.items():
        terminalreporter.write_line(f"Left out {count} tests: {reason.removeprefix('Skipped: ')}")
