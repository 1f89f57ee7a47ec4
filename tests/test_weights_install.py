"""Bringing models here: from a local wheel and a local tarball, never from a network; faults come as one sentence."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vesica.errors import Cancelled, VesicaError
from vesica.weights import cards as cards_module
from vesica.weights import install as module
from vesica.weights.cache import cache_dir, writing
from vesica.weights.cards import Card, Source, cards, locate
from vesica.weights.hashing import hash_file, remembered_hash
from vesica.weights.install import install, installed, main, npm_command, verify
from vesica.work import Step

FONT = bytes(range(256)) * 40
LICENCE = b"Do what you like, and say whose it is.\n"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def a_card(source: Source, data: bytes = FONT) -> Card:
    return Card(
        "font", "A font", "1", "MIT", ("me",), "https://x", "Tests.", 0, len(data), sha(data), source, (), (), ()
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESICA_CACHE", str(tmp_path / "cache"))


Shelf = Callable[..., list[str]]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Make ``font`` the only model, and an npm that hands out a tarball of the given members."""

    def make(members: dict[str, bytes | tarfile.TarInfo] | None = None, script: str = "") -> list[str]:
        packed = tmp_path / "packed.tgz"
        with tarfile.open(packed, "w:gz") as archive:
            for name, data in (
                members or {"package/font.wasm": FONT, "package/LICENCE.md": LICENCE, "package/other": b"no"}
            ).items():
                if isinstance(data, bytes):
                    entry = tarfile.TarInfo(name)
                    entry.size = len(data)
                    archive.addfile(entry, io.BytesIO(data))
                else:
                    archive.addfile(data)
        npm = tmp_path / "npm.py"
        npm.write_text(
            "import pathlib, shutil, sys\n"
            f"with open({str(tmp_path / 'calls')!r}, 'a') as calls: print(*sys.argv[1:], file=calls)\n"
            + (
                script
                or "to = sys.argv[sys.argv.index('--pack-destination') + 1]\n"
                f"shutil.copy({str(packed)!r}, to + '/f-1.tgz')\n"
            )
        )
        source = Source("npm", "@someone/fonts", "1.2.3", "package/font.wasm", {"LICENCE.md": sha(LICENCE)}, "font.sf3")
        monkeypatch.setattr(cards_module, "cards", lambda: {"font": a_card(source)})
        monkeypatch.setattr(module, "cards", lambda: {"font": a_card(source)})
        return [sys.executable, str(npm)]

    return make


def test_a_font_comes_with_its_licence_and_its_provenance_and_nothing_else(shelf: Shelf, tmp_path: Path) -> None:
    npm = shelf()
    assert not installed("font")
    path = install("font", npm=npm)
    assert path == locate("font") and path.read_bytes() == FONT
    assert sorted(file.name for file in path.parent.iterdir()) == ["LICENCE.md", "font.sf3", "provenance.json"]
    told = json.loads(path.with_name("provenance.json").read_text())
    assert (told["package"], told["sha256"], told["licence"]) == ("npm:@someone/fonts@1.2.3", sha(FONT), "MIT")
    assert installed("font") and verify("font")
    assert (tmp_path / "calls").read_text().startswith("pack @someone/fonts@1.2.3 --ignore-scripts")


def test_a_second_call_fetches_nothing(shelf: Shelf, tmp_path: Path) -> None:
    npm = shelf()
    assert install("font", npm=npm) == install("font", npm=["/nothing/here"])
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.parametrize("wound", [FONT[:-1], FONT[:-1] + b"!"])
def test_a_font_that_was_damaged_later_is_fetched_again(shelf: Shelf, wound: bytes) -> None:
    npm = shelf()
    path = install("font", npm=npm)
    path.write_bytes(wound)
    os.utime(path, (1, 1))
    assert not verify("font")
    assert install("font", npm=npm).read_bytes() == FONT and verify("font")


def test_a_lost_licence_is_fetched_again(shelf: Shelf) -> None:
    npm = shelf()
    install("font", npm=npm).with_name("LICENCE.md").unlink()
    assert not installed("font") and not verify("font")
    install("font", npm=npm)
    assert installed("font")


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize(
    "members",
    [
        {"package/font.wasm": FONT[:-1] + b"!", "package/LICENCE.md": LICENCE},
        {"package/font.wasm": FONT + b"more than promised", "package/LICENCE.md": LICENCE},
        {"package/font.wasm": FONT, "package/LICENCE.md": b"other terms"},
        {"package/font.wasm": FONT, "package/LICENCE.md": LICENCE + b" " * module.MOST_BESIDE},
        {
            "package/font.wasm": link("package/font.wasm", "/etc/passwd", tarfile.SYMTYPE),
            "package/LICENCE.md": LICENCE,
        },
        {
            "package/font.wasm": link("package/font.wasm", "package/LICENCE.md", tarfile.LNKTYPE),
            "package/LICENCE.md": LICENCE,
        },
        {"package/font.wasm": link("package/font.wasm", "", tarfile.FIFOTYPE), "package/LICENCE.md": LICENCE},
    ],
)
def test_bytes_other_than_promised_are_refused_and_deleted(shelf: Shelf, members: dict[str, Any]) -> None:
    npm = shelf(members)
    with pytest.raises(VesicaError, match="not the one its card promises"):
        install("font", npm=npm)
    assert not installed("font")
    left = [file.name for file in (cache_dir() / "models" / "font").iterdir()]
    assert left in ([], ["LICENCE.md"])


def test_members_outside_the_folder_are_never_written(shelf: Shelf, tmp_path: Path) -> None:
    evil = {"../../evil": b"!", "/evil": b"!", "package/../../evil": b"!"}
    install("font", npm=shelf({**evil, "package/font.wasm": FONT, "package/LICENCE.md": LICENCE}))
    assert not list(tmp_path.rglob("evil")) and not Path("/evil").exists()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("sys.exit('npm error code ENOTFOUND\\nnpm error network request failed')", "without a network"),
        ("sys.exit('npm error code ENOSPC')", "is full"),
        ("sys.exit('npm error code EROFS: read-only')", "can't be written"),
        ("sys.exit('npm error code E404\\nnpm error 404 Not Found')", "npm error 404 Not Found"),
        ("sys.exit(7)", "exit 7"),
        ("pass", "brought no package"),
        (
            "to = sys.argv[sys.argv.index('--pack-destination') + 1]\n"
            "pathlib.Path(to, 'f.tgz').write_bytes(b'not a tarball')",
            "is damaged",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_leaves_nothing(shelf: Shelf, script: str, complaint: str) -> None:
    with pytest.raises(VesicaError, match=complaint) as fault:
        install("font", npm=shelf(script=script))
    assert "\n" not in str(fault.value)
    assert list((cache_dir() / "models" / "font").iterdir()) == []


def test_a_package_without_the_file_is_one_sentence(shelf: Shelf) -> None:
    with pytest.raises(VesicaError, match=r"has no package/font\.wasm"):
        install("font", npm=shelf({"package/LICENCE.md": LICENCE}))


def test_an_npm_that_is_not_there_is_one_sentence(shelf: Shelf) -> None:
    shelf()
    with pytest.raises(VesicaError, match="can't be started"):
        install("font", npm=["/nothing/here"])


def test_a_cache_that_is_a_file_is_one_sentence(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VESICA_CACHE", str(tmp_path / "file"))
    with pytest.raises(VesicaError, match="set VESICA_CACHE"):
        install("font", npm=shelf())


def test_stopping_kills_the_download_and_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    started, lived = str(tmp_path / "started"), str(tmp_path / "lived")
    npm = shelf(script=f"import time\nopen({started!r}, 'w')\ntime.sleep(60)\nopen({lived!r}, 'w')")
    calls: list[Step] = []

    def stop(step: Step) -> None:
        calls.append(step)
        if (tmp_path / "started").exists():
            raise Cancelled

    before = time.monotonic()
    with pytest.raises(Cancelled):
        install("font", stop, npm=npm)
    assert time.monotonic() - before < 20 and len(calls) >= 2
    assert list((cache_dir() / "models" / "font").iterdir()) == [] and not (tmp_path / "lived").exists()


def test_progress_starts_at_nothing_and_ends_at_all(shelf: Shelf) -> None:
    steps: list[Step] = []
    install("font", steps.append, npm=shelf())
    assert steps[0].done == 0 and steps[-1].done == steps[-1].total and all(step.note for step in steps)


def test_the_npm_in_our_packages_runs_with_an_empty_path(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "little", "version": "1.0.0"}')
    (tmp_path / "out").mkdir()
    npm = npm_command()
    run = subprocess.run(
        [*npm, "pack", str(tmp_path), "--ignore-scripts", "--pack-destination", str(tmp_path / "out")],
        env={**module._npm_environment(npm, tmp_path), "PATH": str(Path(npm[0]).parent)},
        capture_output=True,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["little-1.0.0.tgz"]


def test_npm_looks_for_node_beside_itself_first_and_keeps_its_files_in_our_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    told = module._npm_environment(["/opt/node/bin/node", "npm-cli.js"], tmp_path)
    assert told["PATH"] == "/opt/node/bin" and told["npm_config_cache"].startswith(str(tmp_path))


Wheel = Callable[[bytes], tuple[list[str], Path]]


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """Build a wheel that carries a model; return options that let pip find it and put it into a folder of ours."""

    def make(data: bytes) -> tuple[list[str], Path]:
        (tmp_path / "wheels").mkdir(exist_ok=True)
        meta = "vesica_little_font-1.0.dist-info"
        files = {
            "vesica_little_font/__init__.py": b"raise SystemExit('imported')\n",
            "vesica_little_font/font.bin": data,
            f"{meta}/METADATA": b"Metadata-Version: 2.1\nName: vesica-little-font\nVersion: 1.0\n"
            b"Requires-Dist: not-on-any-registry==9\n",
            f"{meta}/WHEEL": b"Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},,\n" for name in (*files, f"{meta}/RECORD")).encode()
        with zipfile.ZipFile(tmp_path / "wheels" / "vesica_little_font-1.0-py3-none-any.whl", "w") as archive:
            for name, content in {**files, f"{meta}/RECORD": record}.items():
                archive.writestr(name, content)
        site = tmp_path / "site"
        site.mkdir(exist_ok=True)
        monkeypatch.syspath_prepend(site)
        source = Source("pypi", "vesica-little-font", "1.0", "vesica_little_font/font.bin")
        monkeypatch.setattr(cards_module, "cards", lambda: {"font": a_card(source)})
        return ["--no-index", "--find-links", str(tmp_path / "wheels"), "--target", str(site), "--upgrade"], site

    return make


def test_a_model_in_a_python_package_comes_without_that_package_s_dependencies(wheel: Wheel) -> None:
    options, site = wheel(FONT)
    assert not installed("font")
    assert install("font", pip_options=options) == site / "vesica_little_font" / "font.bin"
    assert installed("font") and verify("font")
    assert install("font", pip_options=["--nonsense"]) == locate("font")


def test_a_python_package_with_other_bytes_is_refused_and_they_are_deleted(wheel: Wheel) -> None:
    options, site = wheel(FONT[:-1] + b"!")
    with pytest.raises(VesicaError, match="not the one its card promises"):
        install("font", pip_options=options)
    assert not (site / "vesica_little_font" / "font.bin").exists()


def test_a_python_package_that_pip_can_t_find_is_one_sentence(wheel: Wheel, tmp_path: Path) -> None:
    options, _ = wheel(FONT)
    for file in (tmp_path / "wheels").iterdir():
        file.unlink()
    with pytest.raises(VesicaError, match="the package manager says: ERROR: No matching distribution") as fault:
        install("font", pip_options=options)
    assert "\n" not in str(fault.value)


def test_the_command_brings_all_that_are_missing_and_forgives_npm_when_asked(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm = shelf(script="sys.exit('npm error code ENOTFOUND')")
    monkeypatch.setattr(module, "npm_command", lambda: npm)
    assert main([]) == 2
    assert main(["--optional-ok"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("Going on without it.")
    assert main(["--optional-ok", "unknown"]) == 2
    npm = shelf()
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"font: {locate('font')}"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with writing(path) as file:
        file.write(b"first")
    with pytest.raises(RuntimeError), writing(path) as file:
        file.write(b"half of the sec")
        raise RuntimeError
    assert path.read_bytes() == b"first" and list(path.parent.iterdir()) == [path]


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert remembered_hash(path) == sha(b"one")
    monkeypatch.setattr("vesica.weights.hashing.hash_file", lambda path: "read again")
    assert remembered_hash(path) == sha(b"one")
    path.write_bytes(b"three")
    assert remembered_hash(path) == "read again"


@pytest.mark.parametrize("memory", [b"not json", b"[1]", b'{"PATH": [1, 2]}', b"\xff"])
def test_a_spoilt_memory_of_hashes_is_forgotten(tmp_path: Path, memory: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    with writing(cache_dir() / "digests.json") as file:
        file.write(memory.replace(b"PATH", str(path).encode()))
    assert remembered_hash(path) == sha(b"one")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(cards()))
def test_the_models_on_this_computer_are_those_their_cards_promise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VESICA_CACHE")
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    assert verify(name) and hash_file(locate(name)) == cards()[name].sha256
