"""The doctor: everything is looked at, nothing heavy is imported, and what is wrong comes with a way to mend it."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import keyring
import pytest
from keyring.backends import fail
from keyring.errors import InitError

from vesica import doctor
from vesica.doctor import Finding, examine
from vesica.weights import cards as cards_module
from vesica.weights.cards import Card, Source, cards
from vesica.weights.hashing import hash_file


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESICA_CACHE", str(tmp_path / "cache"))


def finding(name: str, *, deep: bool = False) -> Finding:
    (found,) = (one for one in examine(deep=deep) if one.name == name)
    return found


@pytest.fixture
def one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make ``font`` the only model, installed and whole."""
    path = tmp_path / "cache" / "models" / "font" / "font.sf3"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"sound")
    source = Source("npm", "fonts", "1", "package/font", {}, "font.sf3")
    told = Card("font", "A font", "1", "MIT", (), "", "", 0, 5, hash_file(path), source, (), (), ())
    monkeypatch.setattr(cards_module, "cards", lambda: {"font": told})
    monkeypatch.setattr(doctor, "cards", lambda: {"font": told})
    return path


def test_every_finding_is_a_sentence_and_every_model_is_looked_at() -> None:
    findings = examine()
    names = [one.name for one in findings]
    assert set(cards()) | {
        "python",
        "packages",
        "keyring",
        "device",
        "chromium",
        "fluidsynth",
        "cache",
        "space",
    } <= set(names)
    assert len(names) == len(set(names))
    for one in findings:
        assert one.sentence[0].isupper() or one.sentence[0].isdigit()
        assert one.sentence.endswith(".") and "\n" not in one.sentence
        assert one.mend is None or one.state != "fine"


def test_a_quick_look_imports_nothing_heavy() -> None:
    script = (
        "import sys; from vesica.doctor import examine; examine();"
        "print([m for m in ('torch', 'numpy', 'scipy', 'numba', 'PIL', 'verovio', 'xllamacpp') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert told.stdout.strip() == "[]"


def test_a_model_that_is_whole_is_fine(one_model: Path) -> None:
    assert finding("font").state == finding("font", deep=True).state == "fine"


def test_a_model_that_is_missing_or_damaged_is_told_with_the_command_that_mends_it(one_model: Path) -> None:
    finding("font")
    one_model.write_bytes(b"noise")
    os.utime(one_model, (1, 1))
    assert finding("font").state == "broken"
    one_model.write_bytes(b"soun")
    assert finding("font").state == "broken"
    one_model.unlink()
    told = finding("font")
    assert (told.state, told.mend) == ("missing", "vesica models install font")


def test_a_deep_look_sees_a_change_that_kept_size_and_time(one_model: Path) -> None:
    finding("font")
    state = one_model.stat()
    one_model.write_bytes(b"noise")
    os.utime(one_model, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert finding("font").state == "fine"
    assert finding("font", deep=True).state == "broken"


def test_a_model_is_not_read_twice(one_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding("font")
    monkeypatch.setattr("vesica.weights.hashing.hash_file", lambda path: pytest.fail("read again"))
    assert finding("font").state == "fine"


def test_packages_are_held_against_what_vesica_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["click", "no-such-thing>=2", "numpy==0.1", "typst ; python_version > '3'", "pytest ; extra == 'dev'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    found = {one.name: one for one in doctor._packages()}
    assert (found["no-such-thing"].state, found["no-such-thing"].mend) == (
        "missing",
        "pip install 'no-such-thing>=2'",
    )
    assert found["numpy"].state == "broken" and "exactly 0.1" in found["numpy"].sentence
    assert found["packages"] == Finding("packages", "fine", "2 packages are installed.")


def test_a_vesica_that_was_never_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> Sequence[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", unknown)
    assert [one.state for one in doctor._packages()] == ["missing"]


def test_a_python_that_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert finding("python").state == "fine"
    monkeypatch.setattr(doctor, "LEAST_PYTHON", (9, 0))
    assert (finding("python").state, "9.0 or newer" in finding("python").sentence) == ("broken", True)


def test_without_a_keyring_the_passphrase_lies_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    assert finding("keyring").state == "optional" and "in a file" in finding("keyring").sentence

    def silent() -> None:
        raise InitError

    monkeypatch.setattr(keyring, "get_keyring", silent)
    assert finding("keyring").state == "optional"
    monkeypatch.setattr(keyring, "get_keyring", lambda: SimpleNamespace(priority=5, name="Secret Service"))
    assert finding("keyring") == Finding(
        "keyring", "fine", "The keyring of this system (Secret Service) can keep your passphrase."
    )


def test_optional_programs_are_never_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert {finding(name).state for name in ("chromium", "fluidsynth")} == {"optional"}
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert {finding(name).state for name in ("chromium", "fluidsynth")} == {"fine"}


def test_a_cache_that_can_t_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VESICA_CACHE", str(tmp_path / "file"))
    told = finding("cache")
    assert told.state == "broken" and "VESICA_CACHE" in str(told.mend)


def test_little_space_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=12_000_000))
    assert finding("space").state == "broken" and "12 MB" in finding("space").sentence


def test_the_device_is_told_and_its_graphics_only_when_asked_deeply(one_model: Path) -> None:
    assert "not asked" in finding("device").sentence
    assert "not asked" not in finding("device", deep=True).sentence
