"""Commands with which a person changes a work."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from vesica.cli.common import as_json, complete_branches, complete_turns, complete_works, open_studio, say
from vesica.cli.telling import locked_in_words, work_as_json, work_in_words


@click.command("new")
@click.argument("work")
@click.option("--title", default="", help="What the work is called on labels.")
@as_json
@click.pass_context
def new_command(ctx: click.Context, work: str, title: str, as_json: bool) -> None:
    """Begin a work (and a studio, where there is none)."""
    with open_studio(ctx, make=True) as studio:
        made = studio.new(work, title=title)
        say(work_as_json(made), f"{work} is begun, in the studio {studio.path}.", as_json=as_json)


@click.command("import")
@click.argument("work", shell_complete=complete_works)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", default="", help="Where the file comes from; its name, if not said.")
@click.option("--rights", default="", help="Its licence (an SPDX name such as CC0-1.0), or 'mine'.")
@as_json
@click.pass_context
def import_command(ctx: click.Context, work: str, file: Path, source: str, rights: str, as_json: bool) -> None:
    """Bring a picture, text, MIDI or MusicXML file into a work."""
    with open_studio(ctx) as studio:
        after = studio.import_file(work, file, source=source, rights=rights)
        say(work_as_json(after), work_in_words(studio, after), as_json=as_json)


@click.command("edit")
@click.argument("work", shell_complete=complete_works)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--remark", default="", help="A word on what you did.")
@as_json
@click.pass_context
def edit_command(ctx: click.Context, work: str, file: Path, remark: str, as_json: bool) -> None:
    """Bring back what you changed in your own program.

    Only the difference becomes yours. Work on a picture as PNG: saving as JPEG changes nearly every pixel a little.
    """
    with open_studio(ctx) as studio:
        after = studio.edit(work, file, remark=remark)
        say(work_as_json(after), work_in_words(studio, after), as_json=as_json)


@click.command("lock")
@click.argument("work", shell_complete=complete_works)
@click.argument("part")
@click.option("--off", is_flag=True, help="Release the part instead.")
@as_json
@click.pass_context
def lock_command(ctx: click.Context, work: str, part: str, off: bool, as_json: bool) -> None:
    """Keep a part as it is, whatever is picked later.

    PART is 'all', or for a picture 'box LEFT,TOP,WIDTH,HEIGHT', for a text 'lines 2-4' or a passage, for a score
    'bars 3-4'.
    """
    with open_studio(ctx) as studio:
        after = studio.lock(work, part, off=off)
        say(work_as_json(after), f"Locked in {work}: {locked_in_words(after) or 'nothing'}.", as_json=as_json)


@click.command("undo")
@click.argument("work", shell_complete=complete_works)
@click.option("--to", default="", shell_complete=complete_turns, help="The turn to return to, forwards too.")
@as_json
@click.pass_context
def undo_command(ctx: click.Context, work: str, to: str, as_json: bool) -> None:
    """Return to the content of before; nothing is forgotten."""
    with open_studio(ctx) as studio:
        after = studio.undo(work, to=to)
        say(work_as_json(after), work_in_words(studio, after), as_json=as_json)


@click.command("branch")
@click.argument("work", shell_complete=complete_works)
@click.argument("branch", shell_complete=complete_branches)
@click.option("--at", default="", shell_complete=complete_turns, help="Begin at this turn, not here.")
@as_json
@click.pass_context
def branch_command(ctx: click.Context, work: str, branch: str, at: str, as_json: bool) -> None:
    """Go on under another name, or go back to a branch.

    A new branch begins here, or at an earlier turn. One that is there already goes on from where it was left.
    """
    with open_studio(ctx) as studio:
        known = branch in studio.branches(work)
        after = studio.branch(work, branch, at=at)
        told = f"goes on as {branch}, where it was left" if known else f"goes on as the new branch {branch}"
        say(work_as_json(after), f"{work} {told}.", as_json=as_json)


@click.command("redact")
@click.argument("work", shell_complete=complete_works)
@click.argument("turn", shell_complete=complete_turns)
@click.option("--reason", default="", help="Why; this is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_context
def redact_command(ctx: click.Context, work: str, turn: str, reason: str, yes: bool, as_json: bool) -> None:
    """Take what a turn brought out of the studio for ever.

    The words, pictures or notes go, with the exports in the studio's folder that name them; that there was a turn
    stays, and the chain still verifies.
    """
    with open_studio(ctx) as studio:
        if not yes:
            click.confirm(f"Take out what turn {turn} of {work} brought, for ever?", abort=True, err=True)
        removal = studio.redact(work, turn, reason=reason)
        data = asdict(removal)
        words = f"Taken out: {_count(removal.assets, 'asset')}, named by {_count(removal.turns, 'turn')}."
        if removal.built_on_it:
            names = ", ".join(name[:8] for name in removal.built_on_it)
            words += f"\nThese turns stand on it or hold its words, and are still there: {names}."
        if removal.files:
            words += f"\nExports in the studio's folder that named it went too: {', '.join(removal.files)}."
        if removal.beside:
            words += f"\nLook yourself at what else lies in that folder: {', '.join(removal.beside)}."
        words += "\nWhat left the studio before (exports, backups, copies) is out of its reach."
        say(data, words, as_json=as_json)


def _count(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
