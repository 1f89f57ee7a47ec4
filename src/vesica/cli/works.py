"""Commands with which a person changes a work."""

from pathlib import Path

import click

from vesica.cli.common import as_json, open_studio, say
from vesica.cli.telling import work_as_json, work_in_words


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
@click.argument("work")
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
@click.argument("work")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--remark", default="", help="A word on what you did.")
@as_json
@click.pass_context
def edit_command(ctx: click.Context, work: str, file: Path, remark: str, as_json: bool) -> None:
    """Bring back what you changed in your own program; only the difference becomes yours."""
    with open_studio(ctx) as studio:
        after = studio.edit(work, file, remark=remark)
        say(work_as_json(after), work_in_words(studio, after), as_json=as_json)


@click.command("lock")
@click.argument("work")
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
        locked = ", ".join(repr(kept) for kept in after.locked) or "nothing"
        say(work_as_json(after), f"Locked in {work}: {locked}.", as_json=as_json)


@click.command("undo")
@click.argument("work")
@click.option("--to", default="", help="A turn to return to (its first digits), forwards too.")
@as_json
@click.pass_context
def undo_command(ctx: click.Context, work: str, to: str, as_json: bool) -> None:
    """Return to the content before the present one; nothing is forgotten."""
    with open_studio(ctx) as studio:
        after = studio.undo(work, to=to)
        say(work_as_json(after), work_in_words(studio, after), as_json=as_json)


@click.command("branch")
@click.argument("work")
@click.argument("branch")
@click.option("--at", default="", help="Begin at this turn (its first digits), not here.")
@as_json
@click.pass_context
def branch_command(ctx: click.Context, work: str, branch: str, at: str, as_json: bool) -> None:
    """Go on under another name, from here or from an earlier turn; or go back to a branch there is."""
    with open_studio(ctx) as studio:
        after = studio.branch(work, branch, at=at)
        say(work_as_json(after), f"{work} goes on as {after.branch}.", as_json=as_json)


@click.command("redact")
@click.argument("work")
@click.argument("turn")
@click.option("--reason", default="", help="Why; this is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_context
def redact_command(ctx: click.Context, work: str, turn: str, reason: str, yes: bool, as_json: bool) -> None:
    """Take the words or pictures of a turn out for ever; the chain still verifies."""
    with open_studio(ctx) as studio:
        if not yes:
            click.confirm(f"Take out what turn {turn} of {work} brought, for ever?", abort=True, err=True)
        removal = studio.redact(work, turn, reason=reason)
        data = {"turns": removal.turns, "assets": removal.assets, "built_on_it": removal.built_on_it}
        words = f"Taken out: {len(removal.assets)} assets, named by {len(removal.turns)} turns."
        if removal.built_on_it:
            names = ", ".join(name[:8] for name in removal.built_on_it)
            words += f"\nThese later turns stand on it and are still there: {names}."
        say(data, words, as_json=as_json)
