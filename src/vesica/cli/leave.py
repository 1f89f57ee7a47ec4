"""Commands with which works leave the studio."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesica.cli.common import as_json, complete_works, force, open_studio, progress_bar, say
from vesica.cli.telling import plain
from vesica.errors import VesicaError

if TYPE_CHECKING:
    from vesica.export.certificate import Identity
    from vesica.export.disclosure import Level
    from vesica.studio import Studio


@click.command("export")
@click.argument("work", shell_complete=complete_works, required=False)
@click.option("--out", type=click.Path(path_type=Path), help="The file to write, by its ending.")
@click.option(
    "--disclose",
    type=click.Choice(["all", "summary", "law"]),
    default="summary",
    show_default=True,
    help="How much of the work's story leaves: also knobs, times, names; who made what; what the law asks.",
)
@click.option("--authors", is_flag=True, help="Beside it, write who made each word, note or pixel.")
@click.option("--visible", is_flag=True, help="Say also in words that machines took part (texts, MusicXML).")
@click.option("--preview", is_flag=True, help="List every field that would leave, and write nothing.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Your own certificate and its chain (PEM).")
@click.option(
    "--key", type=click.Path(path_type=Path), help="Its key (PEM); passphrase: VESICA_KEY_PASSPHRASE, or asked."
)
@click.option("--ledger", type=click.Path(path_type=Path), help="Write the ledger itself, for others to verify.")
@click.option("--facts", is_flag=True, help="With --ledger: titles, knobs, remarks, sources too; else withheld.")
@click.option("--assets", is_flag=True, help="With --ledger: every picture, text and score too.")
@force
@as_json
@click.pass_context
def export_command(
    ctx: click.Context,
    /,
    work: str | None,
    out: Path | None,
    ledger: Path | None,
    facts: bool,
    assets: bool,
    force: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Write a work to a file with its credential, or the ledger.

    A person's name leaves only with --disclose all, and only the one you give with --as. A ledger file always tells
    the names of works, branches and partners, seeds and times: they are what is signed.

    A file that is there is replaced only if it is an export of this studio and is still as it left.
    """
    if (ledger is None) == (out is None or work is None) or (ledger and (work or out)):
        raise VesicaError("Say 'vesica export WORK --out FILE' for a work, or 'vesica export --ledger FILE'.")
    if (facts or assets) and not ledger:
        raise VesicaError("--facts and --assets go with --ledger; leave them out.")
    with open_studio(ctx) as studio:
        if ledger:
            studio.carry(ledger, facts=facts or assets, with_assets=assets, force=force)
            say([str(ledger)], str(ledger), as_json=as_json)
        elif work and out:
            _export(studio, work, out, **how, force=force, as_json=as_json)


def _export(
    studio: "Studio",
    work: str,
    out: Path,
    *,
    disclose: "Level",
    authors: bool,
    visible: bool,
    preview: bool,
    certificate: Path | None,
    key: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    from vesica.export.disclosure import Terms
    from vesica.export.own_certificate import shown

    terms = Terms(disclose, visible, _own(certificate, key))
    if preview:
        leaving = studio.preview(work, out, terms, authors=authors)
        told = "\n".join(f"{one.where:<12} {plain(one.name)}: {plain(one.value)}" for one in leaving)
        say([asdict(one) for one in leaving], told, as_json=as_json)
        return
    written = studio.export(work, out, terms, authors=authors, force=force)
    say([str(path) for path in written], "\n".join(map(str, written)), as_json=as_json)
    click.echo(shown(terms.signer[0] if terms.signer else studio.signer()), err=True)


def _own(certificate: Path | None, key: Path | None) -> "tuple[Identity, bytes] | None":
    """The person's own certificate with its key's passphrase, which is never an argument: others see those."""
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise VesicaError("A certificate and its key belong together; give both --certificate and --key.")
    from vesica.export.certificate import encrypted
    from vesica.export.own_certificate import own_identity
    from vesica.media import read_file

    chain_pem, key_pem = read_file(certificate), read_file(key)
    phrase = ""
    if encrypted(key_pem):
        phrase = os.environ.get("VESICA_KEY_PASSPHRASE", "")
        if not phrase and not sys.stdin.isatty():
            raise VesicaError(f"The key {key.name} needs its passphrase; set VESICA_KEY_PASSPHRASE to it.")
        phrase = phrase or click.prompt(f"Passphrase of {key.name}", hide_input=True, err=True)
    return own_identity(chain_pem, key_pem, os.fsencode(phrase)), os.fsencode(phrase)


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
    """Make a first exhibition from one sentence.

    It has a poem, a painting, a dream of your photo, a chorale, wall labels and credentials. BRIEF is what it is
    about, in your own words. Then rework each piece ('vesica offer', 'vesica edit', ...) and hang it with --again.
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
