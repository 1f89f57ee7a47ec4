"""The command line as a newcomer uses it."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from vesica.cli import common
from vesica.cli import main as cli
from vesica.export import credential
from vesica.work import Step

Run = Callable[..., tuple[int, str, str]]


def manuscript(tmp_path: Path, words: str, name: str = "story.txt") -> Path:
    path = tmp_path / name
    path.write_text(words, "utf-8")
    return path


def test_a_first_round_as_a_newcomer_types_it(run: Run, photo: Path, tmp_path: Path) -> None:
    assert run("--studio", "my", "new", "sea", "--title", "Sea")[0] == 0
    studio = ("--studio", "my")
    assert run(*studio, "import", "sea", photo, "--rights", "mine")[0] == 0
    code, out, _ = run(*studio, "offer", "sea", "image.dream", "--steps", "1", "--octaves", "1", "--n", "2", "--json")
    takes = json.loads(out)
    assert code == 0 and len(takes) == 2
    assert "offered" in run(*studio, "takes", "sea")[1]
    assert run(*studio, "pick", "sea", takes[1]["turn"][:8])[0] == 0
    assert "changed last" in run(*studio, "show", "sea", "--authors")[1]
    log = run(*studio, "log", "sea")[1]
    assert "◆" in log and "●" in log
    assert run(*studio, "export", "sea", "--out", "sea.png")[0] == 0
    edited = np.array(Image.open(tmp_path / "sea.png"))
    edited[:10, :10] = 255
    Image.fromarray(edited).save(tmp_path / "sea.png")
    assert run(*studio, "edit", "sea", "sea.png", "--remark", "a moon")[0] == 0
    assert run(*studio, "undo", "sea")[0] == 0
    assert run(*studio, "branch", "sea", "night")[0] == 0
    assert run(*studio, "verify", "--save-head", "head.json")[0] == 0
    assert run(*studio, "verify", "--head", "head.json", "--json")[0] == 0
    assert "equal" in run(*studio, "replay", "sea")[1]
    assert run(*studio, "redact", "sea", takes[0]["turn"][:8], "--yes")[0] == 0
    assert run(*studio, "verify")[0] == 0


def test_make_does_the_whole_round_and_records_the_program_as_picking(run: Run, photo: Path, tmp_path: Path) -> None:
    code, out, err = run(
        "--studio", "my", "make", "image.dream", photo, "--out", "dream.jpg", "--seed", 3, "--steps", 1, "--octaves", 1
    )
    assert (code, err) == (0, "")
    assert "dream.jpg" in out and Image.open(tmp_path / "dream.jpg").format == "JPEG"
    verdict = credential.read((tmp_path / "dream.jpg").read_bytes(), "image/jpeg")
    assert (verdict.state, verdict.head["size"]) == ("valid", 4)
    assert [action["action"] for action in verdict.actions] == ["c2pa.opened", "c2pa.edited"]
    assert verdict.models and verdict.authorship == {"imported": 64 * 64}
    entries = json.loads(run("--studio", "my", "log", "dream", "--json")[1])
    assert [(entry["act"]["kind"], entry["partner"]["kind"]) for entry in entries] == [
        ("created", "person"),
        ("imported", "person"),
        ("offered", "engine"),
        ("picked", "program"),
    ]


def test_make_help_shows_each_knob_with_range_and_default(run: Run) -> None:
    code, out, _ = run("make", "image.dream", "--help")
    words = " ".join(out.split())
    assert code == 0 and "--steps 0 to 200" in words and "[512]" in words and "--mask" in words


HEAVY = {
    *("torch", "numpy", "scipy", "numba", "PIL", "cryptography", "pydantic", "lxml", "c2pa", "verovio", "jinja2"),
    *("keyring", "safetensors", "tokenizers", "xllamacpp", "mido", "soundfile", "typst", "sqlite3", "asyncio"),
}


def test_help_is_told_without_the_record_and_the_list_of_packages() -> None:
    """Both are small, and yet half of the time that help may take."""
    look = "import sys; from vesica.cli.main import main\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    command = [sys.executable, "-c", look, "--help"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split()
    assert not {"vesica.work", "vesica.knobs", "vesica.studio", "importlib.metadata", "annotated_types"} & {*loaded}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["engines"], ["make", "image.dream", "--help"]], ids=str)
def test_help_starts_without_the_heavy_libraries(words: list[str]) -> None:
    look = "import sys; from vesica.cli.main import main\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    command = [sys.executable, "-c", look, *words]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[-2].split()
    assert "vesica.cli.main" in loaded and not HEAVY & set(loaded)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command with its name, those of each engine too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        yield " ".join((*path, name)), command


EVERY = dict(commands(cli.vesica))


@pytest.mark.parametrize("name", EVERY)
def test_every_command_says_in_a_whole_sentence_what_it_does(run: Run, name: str) -> None:
    words = ["offer", "sea", *name.split()[1:]] if name.startswith("offer ") else name.split()
    code, out, err = run(*words, "--help")
    assert (code, err) == (0, "") and "Usage: vesica" in out
    if not name.partition(" ")[2]:
        assert not EVERY[name].get_short_help_str(62).endswith("..."), "the list of commands cuts it off"


@pytest.mark.parametrize("name", EVERY)
def test_every_command_that_prints_can_print_json_and_no_option_stands_for_two_things(name: str) -> None:
    command = EVERY[name]
    options = [word for one in command.params for word in (*one.opts, *one.secondary_opts)]
    assert len(options) == len(set(options))
    assert "--json" in options or name == "completion" or isinstance(command, click.Group)


def test_a_text_leaves_with_its_credential_beside_it(run: Run, tmp_path: Path) -> None:
    manuscript(tmp_path, "The lamp was dark.")
    run("--studio", "my", "new", "story")
    run("--studio", "my", "import", "story", "story.txt", "--rights", "mine")
    manuscript(tmp_path, "The lamp was lit.")
    run("--studio", "my", "edit", "story", "story.txt")
    code, out, _ = run("--studio", "my", "export", "story", "--out", "out.txt", "--json")
    assert code == 0 and json.loads(out) == ["out.txt", "out.txt.c2pa"]
    words, beside = (tmp_path / "out.txt").read_bytes(), (tmp_path / "out.txt.c2pa").read_bytes()
    assert credential.read(words, "text/plain", beside).state == "valid"
    assert credential.read(words.replace(b"lit", b"out"), "text/plain", beside).state == "invalid"


def test_the_log_draws_branches_and_tells_human_from_machine(run: Run, photo: Path, tmp_path: Path) -> None:
    manuscript(tmp_path, "One.\n")
    for words in (["new", "story"], ["import", "story", "story.txt"], ["branch", "story", "night"]):
        assert run(*words)[0] == 0
    manuscript(tmp_path, "One. Night.\n")
    for words in (["edit", "story", "story.txt", "--remark", "dark"], ["branch", "story", "main"]):
        assert run(*words)[0] == 0
    drawn = run("log", "story")[1]
    lines = [re.sub(r"[0-9a-f]{8}  \S+ \S+  ", "", line) for line in drawn.splitlines()]
    assert lines == [
        "●    main  person: goes on as main",
        "│ ●  night  person: edited: dark",
        "│ ●  night  person: goes on as night",
        "├─╯",
        "●    main  person: brought in story.txt",
        "●    main  person: began the work",
        "",
        "● person   ◆ machine   ○ program",
    ]


def test_a_text_is_shown_whole_when_asked_for_and_in_a_line_otherwise(run: Run, tmp_path: Path) -> None:
    manuscript(tmp_path, "The lamp was dark.\n" * 500)
    run("new", "story")
    _, brought, _ = run("import", "story", "story.txt")
    assert brought.count("\n") == 1 and "2,000 words" in brought
    assert run("show", "story")[1].count("The lamp was dark.\n") == 500
    assert json.loads(run("show", "story", "--json")[1])["text"].count("lamp") == 500
    assert run("show")[1] == "story (main): a text\n"


def test_what_a_studio_says_can_t_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J"
    manuscript(tmp_path, f"Words {evil}.\n")
    run("new", "story", "--title", evil)
    run("--as", evil, "import", "story", "story.txt", "--source", evil)
    for words in (["show"], ["show", "story"], ["log", "story"], ["show", "story", "--authors"]):
        code, out, _ = run(*words)
        assert code == 0 and not set(out) & {"\x1b", "\x07"}


def test_engines_as_json_tell_each_knob_with_range_and_default(run: Run) -> None:
    (engine,) = json.loads(run("engines", "image.dream", "--json")[1])
    steps = next(knob for knob in engine["knobs"] if knob["name"] == "steps")
    assert (steps["type"], steps["low"], steps["high"], steps["default"]) == ("int", 0, 200, 0)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("vesica sh", ["show"]),
        ("vesica show s", ["sea", "story"]),
        ("vesica log st", ["story"]),
        ("vesica offer sea im", ["image.field", "image.dream", "image.style"]),
        ("vesica offer sea image.dream --st", ["--start", "--steps"]),
        ("vesica make image.dr", ["image.dream"]),
        ("vesica branch story ni", ["night"]),
        ("vesica models show min", ["minilm"]),
        ("vesica engines image.dr", ["image.dream"]),
        ("vesica offer sea image.draem --st", []),
        ("vesica show zzz", []),
    ],
)
def test_the_shell_completes(run: Run, monkeypatch: pytest.MonkeyPatch, words: str, found: list[str]) -> None:
    run("new", "sea")
    run("new", "story")
    run("branch", "story", "night")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    monkeypatch.setenv("_VESICA_COMPLETE", "bash_complete")
    code, out, err = run()
    assert (code, err) == (0, "")
    assert [line.partition(",")[2] for line in out.splitlines() if line] == found


def test_turns_complete_behind_an_option_and_takes_for_a_pick(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("new", "sea")
    first = json.loads(run("log", "sea", "--json")[1])[0]["id"]
    monkeypatch.setenv("COMP_WORDS", "vesica undo sea --to ")
    monkeypatch.setenv("COMP_CWORD", "4")
    monkeypatch.setenv("_VESICA_COMPLETE", "bash_complete")
    assert run()[1] == f"plain,{first[:8]}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(run: Run, shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert code == 0 and "_VESICA_COMPLETE" in out


def test_progress_says_how_long_it_takes_and_fits_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 30))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(common.time, "monotonic", lambda: next(clock))
    monkeypatch.setenv("COLUMNS", "72")
    with common.progress_bar("image.dream") as progress:
        progress(Step(1, 4, note="at 384 x 256 pixels, which is a long note indeed for such a line"))
    told = capsys.readouterr().err
    assert "25%" in told and "1 min 30 s left" in told
    assert all(len(line) < 72 for line in told.split(common.ERASE))
    assert told.endswith(common.ERASE)


def test_a_reader_that_leaves_early_is_no_fault(run: Run, tmp_path: Path) -> None:
    run("--studio", "my", "new", "sea")
    for _ in range(3):
        run("--studio", "my", "branch", "sea", "main")
    told = subprocess.run(
        f"{sys.executable} -m vesica --studio my log sea | true", shell=True, capture_output=True, check=True
    )
    assert told.stderr == b""
