"""Commands that only look: they change nothing."""

import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vesica.cli.common import as_json, complete_works, erase_progress, force, open_studio, progress_bar, say
from vesica.cli.telling import plain, turn_as_json, work_as_json, work_in_a_line, work_in_words
from vesica.errors import VesicaError


@click.command("log")
@click.argument("work", shell_complete=complete_works, required=False)
@as_json
@click.pass_context
def log_command(ctx: click.Context, work: str | None, as_json: bool) -> None:
    """Draw the turns of a work, or list all works."""
    if work is None:
        ctx.invoke(show_command, work=None, as_json=as_json)
        return
    with open_studio(ctx) as studio:
        from vesica.cli.graph import graph

        entries = studio.log(work)
    say([turn_as_json(turn) for _, turn in entries], graph(entries), as_json=as_json)


@click.command("show")
@click.argument("work", shell_complete=complete_works, required=False)
@click.option("--authors", is_flag=True, help="Draw who made each word, note or pixel.")
@click.option("--page", type=click.Path(path_type=Path), help="Write that as an HTML page to this file.")
@force
@as_json
@click.pass_context
def show_command(
    ctx: click.Context, work: str | None, authors: bool, page: Path | None, force: bool, as_json: bool
) -> None:
    """Show a work as it stands, or list all works."""
    with open_studio(ctx) as studio:
        if work is None:
            works = studio.works()
            words = "\n".join(work_in_a_line(one) for one in works)
            say([work_as_json(one) for one in works], words or "This studio has no works yet.", as_json=as_json)
            return
        found = studio.work(work)
        data: dict[str, Any] = work_as_json(found)
        words = work_in_words(studio, found)
        if found.content and isinstance(text := studio.content(found), str):
            data["text"] = text
            words += "" if authors else "\n\n" + plain(text, keep="\n\t")
        if found.content and authors:
            from vesica.cli.drawing import draw, shows_colour, shows_underlines

            credits_ = studio.credits(found)
            data["authors"] = {one.turn: asdict(one) for one in credits_.authors}
            if not as_json:
                width = shutil.get_terminal_size().columns
                drawn = draw(credits_, width=width, colour=shows_colour(), underlines=shows_underlines())
                words += f"\n\n{drawn}"
        if page:
            data["page"] = str(studio.draw(found, page, force=force))
            words += f"\n\nDrawn in {page}; open it in a browser."
        say(data, words, as_json=as_json)


@click.command("verify")
@click.option("--head", "head_file", type=click.Path(path_type=Path), help="A head that left the studio earlier.")
@click.option("--save-head", type=click.Path(path_type=Path), help="Write the present head to this file.")
@click.option("--ledger", "carried", type=click.Path(path_type=Path), help="A ledger file; no studio is needed.")
@force
@as_json
@click.pass_context
def verify_command(
    ctx: click.Context, head_file: Path | None, save_head: Path | None, carried: Path | None, force: bool, as_json: bool
) -> None:
    """Check every turn, signature and asset. Exit code 0 when all holds, 1 when something does not.

    --ledger checks a file that 'vesica export --ledger' wrote, on any computer.
    """
    from vesica.ledger.carried import LedgerFile
    from vesica.ledger.chain import Head
    from vesica.ledger.keys import fingerprint
    from vesica.ledger.verify import examine
    from vesica.media import read_file

    head = Head.from_bytes(read_file(head_file)) if head_file else None
    if carried and save_head:
        raise VesicaError("--save-head writes the head of a studio; leave out --ledger.")
    if carried:
        file = LedgerFile(carried)
        with progress_bar("Verifying") as progress:
            kept = file if file.carries else None
            found = examine(file, kept, head=head, withheld=not file.facts, progress=progress)
        what = f"{carried.name} alone"
        checked = "their facts and assets" if file.carries else "their facts" if file.facts else "their order"
        if not file.facts:
            found.remarks.append("The facts of its turns were left out, so only order and signatures were looked at.")
        elif not file.carries:
            found.remarks.append(f"It names {found.assets} assets but does not carry them, so they were not looked at.")
    else:
        with open_studio(ctx) as studio:
            with progress_bar("Verifying") as progress:
                found = studio.examine(head=head, progress=progress)
            if save_head:
                studio.save_head(save_head, force=force)
        what, checked = "this studio alone", "their assets"
    against = "the head you gave" if head else f"{what} (give --head to see whether its end was cut)"
    holds = f"All {found.turns} turns and {checked} hold, by {against}."
    keys = [fingerprint(public) for public in found.signers]
    signer = f"Signed with the key {keys[-1][:16]}; whose it is, only its owner can tell you." if keys else ""
    words = [fault.sentence for fault in found.faults] or [holds]
    say(
        {
            "turns": found.turns,
            "assets": found.assets,
            "keys": keys,
            "faults": [asdict(fault) for fault in found.faults],
            "remarks": found.remarks,
        },
        "\n".join([*words, *([signer] if carried and signer else []), *found.remarks]),
        as_json=as_json,
    )
    sys.exit(1 if found.faults else 0)


@click.command("replay")
@click.argument("work", shell_complete=complete_works)
@as_json
@click.pass_context
def replay_command(ctx: click.Context, work: str, as_json: bool) -> None:
    """Run a work's machine turns again: equal or different?

    Each is equal (the same bytes), close (within what its engine allows) or different; or it can't be run again here.
    Exit code 1 when one is different.
    """
    replayed = []
    with open_studio(ctx) as studio, progress_bar("Replaying") as progress:
        for one in studio.replay(work, progress=progress):
            replayed.append(one)
            if not as_json:
                erase_progress()
                click.echo(f"{one.turn[:8]}  {one.engine}  {one.verdict}  {one.sentence}")
    if as_json or not replayed:
        say([asdict(one) for one in replayed], f"{work} has no machine turns.", as_json=as_json)
    sys.exit(1 if any(one.verdict == "different" for one in replayed) else 0)
