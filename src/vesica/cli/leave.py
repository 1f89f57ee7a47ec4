"""Commands with which works leave the studio."""

from pathlib import Path

import click

from vesica.cli.common import as_json, complete_works, open_studio, say


@click.command("export")
@click.argument("work", shell_complete=complete_works)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write, by its ending.")
@as_json
@click.pass_context
def export_command(ctx: click.Context, work: str, out: Path, as_json: bool) -> None:
    """Write a work to a file, with its credential."""
    with open_studio(ctx) as studio:
        written = studio.export(work, out)
    say([str(path) for path in written], "\n".join(map(str, written)), as_json=as_json)
