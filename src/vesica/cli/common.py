"""What commands share: the studio they act in, knobs as options, progress with time left, words or JSON."""

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from vesica.errors import VesicaError

if TYPE_CHECKING:
    from vesica.engines import Engine
    from vesica.studio import Studio
    from vesica.work import Progress, Step

ERASE = "\r\x1b[K"

Command = TypeVar("Command", bound=Callable[..., Any])


def complete_works(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The works whose names begin so, for the shell."""
    return _completed(ctx, incomplete, lambda studio: dict.fromkeys(studio.ledger.works(), ""))


def complete_branches(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The branches of the work named before that begin so."""
    return _completed(ctx, incomplete, lambda studio: dict.fromkeys(studio.branches(_work(ctx)), ""))


def complete_turns(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The turns of the work named before that begin so, the latest first, each with what it did."""
    from vesica.cli.telling import what, who

    def turns(studio: "Studio") -> dict[str, str]:
        entries = reversed(studio.log(_work(ctx)))
        return {turn.id[:8]: f"{who(turn.partner)} {what(turn)}" for _, turn in entries}

    return _completed(ctx, incomplete, turns)


def complete_takes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The takes offered to the work named before that begin so, the latest first."""

    def takes(studio: "Studio") -> dict[str, str]:
        offered = reversed(studio.takes(_work(ctx)))
        return {take.turn[:8]: f"{take.engine} seed {take.seed}" for take in offered}

    return _completed(ctx, incomplete, takes)


def _work(ctx: click.Context) -> str:
    """The work that the line names so far; behind an option that lacks its value, click has not sorted it in yet."""
    return ctx.params.get("work") or next(iter(ctx.args), "")


def _completed(
    ctx: click.Context, incomplete: str, names: "Callable[[Studio], Mapping[str, str]]"
) -> list[CompletionItem]:
    """What a shell may offer; nothing where there is no studio or it can't be read: a shell is no place for faults."""
    try:
        with open_studio(ctx) as studio:
            found = names(studio)
    except (VesicaError, OSError):
        return []
    return [CompletionItem(name, help=told or None) for name, told in found.items() if name.startswith(incomplete)]


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
"""Adds ``--json`` to a command that prints."""


force = click.option("--force", is_flag=True, help="Write over a file that is not vesica's, or was changed since.")
"""Adds ``--force`` to a command that writes a file."""


def say(data: Any, words: str, *, as_json: bool) -> None:
    """Print what a command has to tell, for people or for programs."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2) if as_json else words)


@contextlib.contextmanager
def open_studio(ctx: click.Context, *, make: bool = False) -> "Iterator[Studio]":
    """The studio to act in: the one named, the one stood in, or the default one; made if ``make`` says so."""
    from vesica import places
    from vesica.studio import Studio

    told = ctx.find_root().obj or ctx.find_root().params  # a shell that completes has parsed, but not called
    path = told["folder"] or places.nearest_studio(Path.cwd())
    if not make and not (path / "ledger.db").exists():
        raise VesicaError(f"{path} is not a studio yet; make a first work there with 'vesica new NAME'.")
    opened = Studio.create(path, person=told["person"]) if make else Studio(path, person=told["person"])
    with opened as studio:
        yield studio


def knob_options(engine: "Engine") -> Callable[[Command], Command]:
    """Click options for an engine's inputs and knobs, each with its range and default."""

    from vesica.knobs import knobs

    def add(command: Command) -> Command:
        for knob in reversed(knobs(engine.load_params())):
            flag = "--" + knob.name.replace("_", "-")
            if knob.type is bool:
                option = click.option(
                    f"{flag}/--no-{flag[2:]}", knob.name, default=None, help=f"{knob.help} [{_shown(knob.default)}]"
                )
            else:
                free = knob.type is str and not knob.choices
                option = click.option(
                    flag,
                    knob.name,
                    metavar="TEXT" if free else knob.range,
                    default=None,
                    help=f"{knob.help} [{_shown(knob.default)}]",
                    shell_complete=_choices(knob.choices) if knob.choices else None,
                )
            command = option(command)
        for name, wanted in reversed(list(engine.inputs.items())):
            command = click.option(
                f"--{name}", f"input_{name}", type=click.Path(path_type=Path), help=f"A file: {wanted.help}."
            )(command)
        return command

    return add


def _choices(choices: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    return lambda ctx, param, incomplete: [choice for choice in choices if choice.startswith(incomplete)]


def _shown(default: Any) -> str:
    return {True: "yes", False: "no", "": "none"}.get(default, str(default))


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Options that were given, apart: knobs by name, and input files by name."""
    given = {name: value for name, value in options.items() if value is not None}
    files = {name.removeprefix("input_"): path for name, path in given.items() if name.startswith("input_")}
    return {name: value for name, value in given.items() if not name.startswith("input_")}, files


@contextlib.contextmanager
def progress_bar(what: str) -> "Iterator[Progress]":
    """A line on standard error with the time left; nothing where standard error is no terminal."""
    shown = bool(sys.stderr and sys.stderr.isatty())
    began = last = time.monotonic()

    def progress(step: "Step") -> None:
        nonlocal last
        now = time.monotonic()
        if not shown or (now - last < 0.1 and step.done < step.total):
            return
        last = now
        share = step.done / step.total if step.total else 0.0
        left = _time((now - began) * (1 - share) / share) + " left" if share > 0.02 else ""
        bar = "█" * round(24 * share) + "·" * (24 - round(24 * share))
        line = f"{what}  {bar} {share:4.0%}  {left}  {step.note}"
        # A line that wraps can't be written over.
        click.echo(f"{ERASE}{line[: shutil.get_terminal_size().columns - 1]}", err=True, nl=False)

    try:
        yield progress
    finally:
        erase_progress()


def erase_progress() -> None:
    """Take a progress line away before something else is printed; the next step brings it back."""
    if sys.stderr and sys.stderr.isatty():
        click.echo(ERASE, err=True, nl=False)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
