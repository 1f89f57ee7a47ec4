"""The command that shows what a dream can look for."""

from pathlib import Path

import click

from vesica.cli.common import as_json, progress_bar, say

THINGS = "things"
"""What to write for the list of things by name."""


def _layers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from vesica.weights.efficientnet_lite import LAYERS

    return [name for name in (THINGS, *LAYERS) if name.startswith(incomplete)]


@click.command("atlas")
@click.argument("layers", nargs=-1, shell_complete=_layers)
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the page and its sheets.")
@click.option("--open", "opened", is_flag=True, help="Show the page in the browser.")
@as_json
def atlas_command(layers: tuple[str, ...], out: Path | None, opened: bool, as_json: bool) -> None:
    """Picture every channel of a layer, to choose dreams by eye.

    LAYERS are names such as b8 or e9; without any, the outputs of all blocks, which takes minutes. Every sheet is kept
    once it is made, so an atlas that was stopped goes on where it stood. 'vesica atlas things' lists the things that
    can be asked for by name.
    """
    if layers == (THINGS,):
        from vesica.weights.imagenet import class_names

        say(class_names(), "\n".join(", ".join(names) for names in class_names()), as_json=as_json)
        return
    from vesica.image.atlas import OUTPUTS, write_atlas

    with progress_bar("Atlas") as progress:
        page = write_atlas([layer.lower() for layer in layers] or OUTPUTS, out, progress=progress)
    say({"page": str(page)}, str(page), as_json=as_json)
    if opened:
        click.launch(str(page))
