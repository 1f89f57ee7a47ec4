"""Commands with which partners offer takes and a person picks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vesica import engines
from vesica.cli.common import (
    as_json,
    complete_takes,
    complete_works,
    force,
    knob_options,
    open_studio,
    progress_bar,
    say,
    split,
)
from vesica.cli.telling import take_as_json, take_in_words, work_as_json, work_in_words
from vesica.errors import VesicaError


class PerEngine(click.Group):
    """A group with a command for each engine, made from the engine's knobs."""

    def __init__(self, *args: Any, build: Callable[[engines.Engine], click.Command], **more: Any) -> None:
        super().__init__(*args, **more)
        self._build = build

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The engines' names."""
        return list(engines.engines())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of an engine; an unknown name is answered with the nearest."""
        return self._build(engines.find(cmd_name))


def _seed(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--seed", type=int, help="Repeat an earlier take exactly.")(command)


def _offer_by(engine: engines.Engine) -> click.Command:
    @click.command(engine.name, help=engine.help)
    @knob_options(engine)
    @click.option("--n", "takes", type=int, default=1, show_default=True, help="How many takes, with seeds in a row.")
    @_seed
    @click.option("--threads", type=click.IntRange(1, 64), help="Threads to run on; the turn records it.")
    @as_json
    @click.pass_context
    def command(
        ctx: click.Context, /, takes: int, seed: int | None, threads: int | None, as_json: bool, **options: Any
    ) -> None:
        wishes, files = split(options)
        with open_studio(ctx) as studio, progress_bar(engine.name) as progress:
            offered = studio.offer(
                ctx.parent.params["work"] if ctx.parent else "",
                engine.name,
                wishes,
                inputs=files,
                seed=seed,
                takes=takes,
                threads=threads,
                progress=progress,
            )
            words = "\n".join(take_in_words(studio, take) for take in offered)
        say([take_as_json(take) for take in offered], words, as_json=as_json)

    return command


def _make_by(engine: engines.Engine) -> click.Command:
    @click.command(engine.name, help=f"{engine.help} FILES are its inputs, told apart by what they are.")
    @click.argument("files", nargs=-1, type=click.Path(path_type=Path))
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write, by its ending.")
    @knob_options(engine)
    @_seed
    @force
    @as_json
    @click.pass_context
    def command(
        ctx: click.Context,
        /,
        files: tuple[Path, ...],
        out: Path,
        seed: int | None,
        force: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        wishes, named = split(options)
        with open_studio(ctx, make=True) as studio, progress_bar(engine.name) as progress:
            work, written = studio.make(
                engine.name, files, out, wishes=wishes, inputs=named, seed=seed, force=force, progress=progress
            )
        data = {"work": work_as_json(work), "files": [str(path) for path in written]}
        say(data, "\n".join(map(str, written)), as_json=as_json)

    return command


@click.group(
    "offer", cls=PerEngine, build=_offer_by, invoke_without_command=True, subcommand_metavar="ENGINE [OPTIONS]"
)
@click.argument("work", shell_complete=complete_works)
@click.pass_context
def offer_command(ctx: click.Context, work: str) -> None:
    """Ask an engine for takes on a work.

    The work stays as it is until you pick one. 'vesica offer WORK ENGINE --help' shows the engine's knobs.
    """
    _needs_engine(ctx)


@click.group(
    "make",
    cls=PerEngine,
    build=_make_by,
    invoke_without_command=True,
    subcommand_metavar="ENGINE [FILES] --out FILE [OPTIONS]",
)
@click.pass_context
def make_command(ctx: click.Context) -> None:
    """Import, offer, pick and export in one line.

    'vesica make ENGINE --help' shows the engine's knobs with ranges and defaults.
    """
    _needs_engine(ctx)


def _needs_engine(ctx: click.Context) -> None:
    if not ctx.invoked_subcommand:
        raise VesicaError(f"Say which engine: {', '.join(engines.engines())}. See '{ctx.command_path} --help'.")


@click.command("takes")
@click.argument("work", shell_complete=complete_works)
@as_json
@click.pass_context
def takes_command(ctx: click.Context, work: str, as_json: bool) -> None:
    """List the takes that were offered."""
    with open_studio(ctx) as studio:
        offered = studio.takes(work)
        words = "\n".join(take_in_words(studio, take) for take in offered)
    say([take_as_json(take) for take in offered], words or f"{work} has no takes yet.", as_json=as_json)


@click.command("pick")
@click.argument("work", shell_complete=complete_works)
@click.argument("take", shell_complete=complete_takes, default="")
@as_json
@click.pass_context
def pick_command(ctx: click.Context, work: str, take: str, as_json: bool) -> None:
    """Make a take the work.

    TAKE is its first digits, as 'vesica takes WORK' shows them; without it, the latest take.
    """
    with open_studio(ctx) as studio:
        after = studio.pick(work, take)
        say(work_as_json(after), work_in_words(studio, after), as_json=as_json)
