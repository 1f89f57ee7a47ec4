"""What all tests share: nothing of the person's own computer is read or written."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

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
