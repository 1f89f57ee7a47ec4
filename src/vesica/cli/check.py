"""The command for those who have only a file: it opens no studio and needs no key."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesica.cli.common import as_json, say
from vesica.cli.telling import plain

if TYPE_CHECKING:
    from vesica.export.check import Report


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--credential", type=click.Path(path_type=Path), help="The credential, if it is not inside or FILE.c2pa.")
@click.option(
    "--trust", multiple=True, type=click.Path(path_type=Path), help="A root certificate (PEM) that you trust."
)
@as_json
def check_command(file: Path, credential: Path | None, trust: tuple[Path, ...], as_json: bool) -> None:
    """Check a file by its Content Credential, of any program.

    It may be of vesica or of any other program that writes C2PA. Exit code 0: it is unchanged since it was signed
    (and, with --trust, by someone under that root). 1: it was changed, the credential does not hold, or there is none.
    2: something can't be read.
    """
    from vesica.export.certificate import roots
    from vesica.export.check import check
    from vesica.media import read_file

    data = read_file(file)
    beside = file.with_name(file.name + ".c2pa")
    given = credential or (beside if beside.is_file() else None)
    report = check(
        data,
        file.name,
        read_file(given) if given else None,
        given=credential is not None,
        roots=[roots(read_file(path), path.name) for path in trust],
        folder=file.parent,
    )
    say(_as_json(file, report), _in_words(file, report), as_json=as_json)
    sys.exit(0 if report.holds else 1)


def _as_json(file: Path, report: "Report") -> dict[str, object]:
    verdict = asdict(report.verdict)
    return {
        "file": file.name,
        "type": report.type,
        "holds": report.holds,
        "credential": report.where,
        "state": report.verdict.state,
        **{name: list(getattr(report, name)) for name in SECTIONS},
        "verdict": verdict,
    }


SECTIONS = {
    "signed": "Signed",
    "claimed": "Claimed by the signer",
    "checked": "Checked here",
    "changed": "Changed",
    "unknown": "Can't be known from this file alone",
}


def _in_words(file: Path, report: "Report") -> str:
    told = [f"{file.name}: {report.verdict.sentence}"]
    for name, title in SECTIONS.items():
        if sentences := getattr(report, name):
            title = "Said by the file" if name == "claimed" and report.where == "nowhere" else title
            told += ["", title, *(f"  {sentence}" for sentence in sentences)]
    return "\n".join(plain(line) for line in told)
