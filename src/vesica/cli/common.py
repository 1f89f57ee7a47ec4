"""What commands share: the studio they act in, knobs as options, progress with time left, words or JSON."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vesica.errors import VesicaError
from vesica.knobs import knobs
from vesica.work import Progress, Step

if TYPE_CHECKING:
    from vesica.engines import Engine
    from vesica.studio import Studio

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
"""Adds ``--json`` to a command that prints."""


def say(data: Any, words: str, *, as_json: bool) -> None:
    """Print what a command has to tell, for people or for programs."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2) if as_json else words)


@contextlib.contextmanager
def open_studio(ctx: click.Context, *, make: bool = False) -> "Iterator[Studio]":
    """The studio to act in: the one named, the one stood in, or the default one; made if ``make`` says so."""
    from vesica import places
    from vesica.studio import Studio

    told = ctx.find_root().obj
    path = told["folder"] or places.nearest_studio(Path.cwd())
    if not make and not (path / "ledger.db").exists():
        raise VesicaError(f"{path} is not a studio yet; make a first work there with 'vesica new NAME'.")
    opened = Studio.create(path, person=told["person"]) if make else Studio(path, person=told["person"])
    with opened as studio:
        yield studio


def knob_options(engine: "Engine") -> Callable[[Command], Command]:
    """Click options for an engine's inputs and knobs, each with its range and default."""

    def add(command: Command) -> Command:
        for knob in reversed(knobs(engine.load_params())):
            flag = "--" + knob.name.replace("_", "-")
            if knob.type is bool:
                option = click.option(
                    f"{flag}/--no-{flag[2:]}", knob.name, default=None, help=f"{knob.help} [{_shown(knob.default)}]"
                )
            else:
                option = click.option(
                    flag, knob.name, metavar=knob.range, default=None, help=f"{knob.help} [{_shown(knob.default)}]"
                )
            command = option(command)
        for name, wanted in reversed(list(engine.inputs.items())):
            command = click.option(
                f"--{name}", f"input_{name}", type=click.Path(path_type=Path), help=f"A file: {wanted.help}."
            )(command)
        return command

    return add


def _shown(default: Any) -> str:
    return {True: "yes", False: "no", "": "none"}.get(default, str(default))


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Options that were given, apart: knobs by name, and input files by name."""
    given = {name: value for name, value in options.items() if value is not None}
    files = {name.removeprefix("input_"): path for name, path in given.items() if name.startswith("input_")}
    return {name: value for name, value in given.items() if not name.startswith("input_")}, files


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """A line on standard error with the time left; nothing where standard error is no terminal."""
    shown = sys.stderr.isatty()
    began = last = time.monotonic()

    def progress(step: Step) -> None:
        nonlocal last
        now = time.monotonic()
        if not shown or (now - last < 0.1 and step.done < step.total):
            return
        last = now
        share = step.done / step.total if step.total else 0.0
        left = f"{(now - began) * (1 - share) / share:.0f} s left" if share > 0.02 else ""
        bar = "█" * round(24 * share) + "·" * (24 - round(24 * share))
        note = step.note[:40]
        click.echo(f"\r\x1b[K{what}  {bar} {share:4.0%}  {left}  {note}", err=True, nl=False)

    try:
        yield progress
    finally:
        if shown:
            click.echo("\r\x1b[K", err=True, nl=False)
