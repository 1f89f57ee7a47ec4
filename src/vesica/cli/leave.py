"""Commands with which works leave the studio."""

from pathlib import Path

import click

from vesica.cli.common import as_json, complete_works, open_studio, progress_bar, say
from vesica.errors import VesicaError


@click.command("export")
@click.argument("work", shell_complete=complete_works, required=False)
@click.option("--out", type=click.Path(path_type=Path), help="The file to write, by its ending.")
@click.option("--ledger", type=click.Path(path_type=Path), help="Write the ledger itself, for others to verify.")
@click.option("--facts", is_flag=True, help="With --ledger: titles, knobs, remarks, sources too; else withheld.")
@click.option("--assets", is_flag=True, help="With --ledger: every picture, text and score too.")
@as_json
@click.pass_context
def export_command(
    ctx: click.Context,
    work: str | None,
    out: Path | None,
    ledger: Path | None,
    facts: bool,
    assets: bool,
    as_json: bool,
) -> None:
    """Write a work to a file with its credential, or the ledger.

    A ledger file always tells the names of works, branches and partners, seeds and times: they are what is signed.
    """
    if (ledger is None) == (out is None or work is None) or (ledger and (work or out)):
        raise VesicaError("Say 'vesica export WORK --out FILE' for a work, or 'vesica export --ledger FILE'.")
    if (facts or assets) and not ledger:
        raise VesicaError("--facts and --assets go with --ledger; leave them out.")
    with open_studio(ctx) as studio:
        if ledger:
            studio.carry(ledger, facts=facts or assets, with_assets=assets)
            written = [ledger]
        else:
            assert work and out
            written = studio.export(work, out)
    say([str(path) for path in written], "\n".join(map(str, written)), as_json=as_json)


@click.command("exhibit")
@click.argument("brief", default="")
@click.option("--photo", type=click.Path(path_type=Path), help="A picture of yours to dream into.")
@click.option("--melody", type=click.Path(path_type=Path), help="A melody of yours to harmonise: MIDI or MusicXML.")
@click.option("--rights", default="", help="The licence of both (an SPDX name such as CC0-1.0), or 'mine'.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("exhibition"), show_default=True, help="A folder.")
@click.option("--seed", type=int, help="Repeat an earlier exhibition.")
@click.option("--again", metavar="NAME", help="Hang an exhibition's works as they stand now, after you changed them.")
@as_json
@click.pass_context
def exhibit_command(
    ctx: click.Context,
    brief: str,
    photo: Path | None,
    melody: Path | None,
    rights: str,
    out: Path,
    seed: int | None,
    again: str | None,
    as_json: bool,
) -> None:
    """Make a first exhibition from one sentence: poem, painting, dream of a photo, chorale, labels, credentials.

    BRIEF is what it is about, in your own words. Then rework each piece ('vesica offer', 'vesica edit', ...) and hang
    it again with --again.
    """
    if again and (brief or photo or melody or seed is not None):
        raise VesicaError("--again hangs works that are there; leave out the brief, --photo, --melody and --seed.")
    with open_studio(ctx, make=not again) as studio, progress_bar("Exhibiting") as progress:
        if again:
            hung = studio.hang(again, out, progress=progress)
        else:
            hung = studio.exhibit(brief, out, photo=photo, melody=melody, rights=rights, seed=seed, progress=progress)
    data = {"folder": str(hung.folder), "name": hung.name, "works": list(hung.works)}
    words = (
        f"Hung in {hung.folder}; open {hung.folder / 'index.html'} in a browser.\n"
        f"Its works: {', '.join(hung.works)}.\n"
        f"Rework them, then hang them again: vesica exhibit --again {hung.name} --out {hung.folder}"
    )
    say(data, words, as_json=as_json)
