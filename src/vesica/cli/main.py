"""The command ``vesica``. Commands live beside this file and are imported when called, so that help is instant."""

import gc
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from vesica.errors import Cancelled, VesicaError, did_you_mean, in_words

COMMANDS = {
    "exhibit": "leave",
    "new": "works",
    "import": "works",
    "offer": "partners",
    "takes": "partners",
    "pick": "partners",
    "make": "partners",
    "edit": "works",
    "lock": "works",
    "undo": "works",
    "branch": "works",
    "log": "look",
    "show": "look",
    "verify": "look",
    "replay": "look",
    "redact": "works",
    "export": "leave",
    "check": "check",
    "backup": "care",
    "restore": "care",
    "gc": "care",
    "key": "care",
    "atlas": "atlas",
    "gan": "gan",
    "engines": "setup",
    "styles": "styles",
    "models": "setup",
    "doctor": "setup",
    "completion": "setup",
}
"""Each command and the module it is in; the function is called ``<command>_command``."""


class Commands(click.Group):
    """A group that imports a command only when it is called or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vesica.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, with the nearest name for an unknown one."""
        if args and args[0] not in COMMANDS:
            hint = did_you_mean(args[0], COMMANDS, "see 'vesica --help'.")
            raise VesicaError(f"No command is called {args[0][:60]!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--studio", "folder", type=click.Path(path_type=Path), help="The studio's folder, if not this one.")
@click.option("--as", "person", default="", envvar="VESICA_PERSON", help="What you wish to be called in the ledger.")
@click.version_option(package_name="vesica")
@click.pass_context
def vesica(ctx: click.Context, folder: Path | None, person: str) -> None:
    """Make pictures, writing and music with machine partners, and know who made what.

    A person and partners take turns on a work. Begin with 'vesica exhibit "a sentence"', or with 'vesica new sea'.
    Commands act in the studio you stand in, or else in your default one.
    """
    ctx.obj = {"folder": folder, "person": person}


COMPLETING = "_VESICA_COMPLETE"
"""Set by the shell's completion script."""


def main() -> None:
    """Run the command line; faults a person can mend are one sentence and exit code 2."""
    # A score is a million small values and no circles: looking for these as often as Python does costs a third more.
    gc.set_threshold(100_000, 20, 20)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows another, instead of nothing
    try:
        # What click returns without raising is an exit code.
        sys.exit(vesica(prog_name="vesica", standalone_mode=False))
    except VesicaError as fault:
        if COMPLETING in os.environ:
            sys.exit(0)  # a shell that completes is no place for faults
        _end(str(fault))
    except click.exceptions.NoArgsIsHelpError as fault:
        fault.show()
        sys.exit(2)
    except click.ClickException as fault:
        _end(_one_sentence(fault))
    except (KeyboardInterrupt, click.Abort, Cancelled):
        _end("Stopped; every turn up to here is kept.")
    except BrokenPipeError:
        # Whoever read our output has heard enough; keep Python from writing more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as fault:
        if fault.errno is None:
            raise
        _end(f"{in_words(fault)} Every turn up to here is kept.")
    finally:
        # All is said and done; a Ctrl-C while Python ends must not look as if it were not.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _one_sentence(fault: click.ClickException) -> str:
    said = " ".join(fault.format_message().split())
    context = getattr(fault, "ctx", None)
    help_ = f" See '{context.command_path} --help'." if context else ""
    return (said if said.endswith((".", "?", "!")) else said + ".") + help_


def _end(sentence: str) -> None:
    click.echo(f"vesica: {sentence}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
