"""Commands that look after a studio: its copies, its keys, what it no longer needs."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from vesica.cli.common import as_json, open_studio, progress_bar, say


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@click.pass_context
def backup_command(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Keep the whole studio in one file; again: add what is new.

    Every byte is read back and checked. The keys travel encrypted, as they are; their passphrase does not.
    """
    from vesica.ledger.backup import back_up

    with open_studio(ctx) as studio, progress_bar("Backing up") as progress:
        kept = back_up(studio.path, file, progress=progress)
    how = "written anew" if kept.anew else "added to it"
    words = (
        f"{file} holds {kept.turns} turns in {kept.files} files; {kept.added} ({kept.size:,} bytes) were {how}, "
        "and all were checked.\nThe passphrase of the keys is not in it: keep VESICA_PASSPHRASE, or the file that "
        "'vesica key' names, elsewhere."
    )
    say(asdict(kept), words, as_json=as_json)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def restore_command(file: Path, folder: Path, as_json: bool) -> None:
    """Make a studio from a backup, in a folder that is new or empty.

    The backup is checked before anything is written, the studio is verified afterwards. Exit code 1 when it has a fault
    that it had when it was kept.
    """
    from vesica.ledger.backup import restore

    with progress_bar("Restoring") as progress:
        archive, found = restore(file, folder, progress=progress)
    lines = [fault.sentence for fault in found.faults] or [
        f"{folder} is the studio as it was after {found.turns} turns; all of them and their assets hold."
    ]
    if archive.torn:
        lines.append("A later backup into this file was cut off; this is the last whole one.")
    lines.append(
        "If the studio went on elsewhere since, do not go on with both: their histories would part "
        "(see 'vesica verify --head')."
    )
    data = {
        "folder": str(folder),
        "turns": found.turns,
        "torn": archive.torn,
        "faults": [asdict(fault) for fault in found.faults],
        "remarks": found.remarks,
    }
    say(data, "\n".join([*lines, *found.remarks]), as_json=as_json)
    sys.exit(1 if found.faults else 0)


@click.command("gc")
@click.option("--yes", is_flag=True, help="Take them out; without it they are only listed.")
@as_json
@click.pass_context
def gc_command(ctx: click.Context, yes: bool, as_json: bool) -> None:
    """List assets that no turn names; take them out with --yes.

    What was kept within the last day stays, as it may belong to a turn that is being taken.
    """
    with open_studio(ctx) as studio:
        found = studio.clear() if yes else studio.leftovers()
        total = f"{len(found)} asset{'' if len(found) == 1 else 's'} ({sum(one.size for one in found):,} bytes)"
        lines = [f"{one.digest}  {one.size:,} bytes  {studio.assets.path(one.digest)}" for one in found]
    if not found:
        lines.append("Every asset older than a day is named by a turn; there is nothing to take out.")
    else:
        lines.append(f"Taken out: {total}." if yes else f"{total} could be taken out: vesica gc --yes")
    say({"removed": yes, "assets": [asdict(one) for one in found]}, "\n".join(lines), as_json=as_json)


@click.group("key", invoke_without_command=True)
@as_json
@click.pass_context
def key_command(ctx: click.Context, as_json: bool) -> None:
    """Show the studio's signing key, or exchange it."""
    if ctx.invoked_subcommand:
        return
    from vesica import places
    from vesica.ledger.keys import fingerprint

    with open_studio(ctx) as studio:
        signer, owner = fingerprint(studio.ledger.signer()), fingerprint(studio.ledger.owner)
    words = (
        f"Turns are signed with the key {signer}.\n"
        + (f"The studio began with the key {owner}, which handed over.\n" if owner != signer else "")
        + "Its passphrase: VESICA_PASSPHRASE, else the file passphrase in "
        + f"{places.config_dir()}, else this computer's keyring."
    )
    say({"key": signer, "first": owner}, words, as_json=as_json)


@key_command.command("rotate")
@as_json
@click.pass_context
def rotate_command(ctx: click.Context, as_json: bool) -> None:
    """Exchange the signing key for a new one.

    The old key signs the hand-over, so all that it signed stays checkable; then it is gone.
    """
    from vesica.ledger.keys import fingerprint

    with open_studio(ctx) as studio:
        old = fingerprint(studio.ledger.signer())
        turn = studio.rotate_key()
        new = fingerprint(studio.ledger.signer())
    words = (
        f"Turns are signed with the key {new} from now on; {old[:16]} handed over to it.\n"
        "Whoever has the old key from a copy can still sign another history up to here: tell your friends the new head "
        "('vesica verify --save-head FILE')."
    )
    say({"turn": turn.id, "old": old, "new": new}, words, as_json=as_json)
