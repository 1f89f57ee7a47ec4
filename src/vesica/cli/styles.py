"""Commands about styles that pictures can be painted in."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesica.cli.common import as_json, say
from vesica.errors import VesicaError

if TYPE_CHECKING:
    from vesica.image.style_names import Label


@click.group("styles", invoke_without_command=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write a contact sheet there: a page (.html) or a picture (.webp)."
)
@as_json
@click.pass_context
def styles_command(ctx: click.Context, out: Path | None, as_json: bool) -> None:
    """List the styles there are, or show a picture in each."""
    if ctx.invoked_subcommand:
        return
    from vesica.image.style_names import labels

    found = list(labels().values())
    if out:
        _write(out, found)
        say({"file": str(out)}, str(out), as_json=as_json)
        return
    wide = max(len(label.name) for label in found)
    words = "\n".join(f"{label.name:{wide}}  {label.line}" for label in found)
    say([as_data(label) for label in found], words, as_json=as_json)


def as_data(label: "Label") -> dict[str, str]:
    """All that a card's header says."""
    told = {key: getattr(label, key) for key in ("name", "title", "artist", "year", "rights", "network", "digest")}
    return told | {"file": str(label.path)}


@styles_command.command("add")
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("--title", required=True, help="The painting's title.")
@click.option("--artist", required=True, help="Who painted it.")
@click.option("--rights", required=True, help="Whose it is, such as 'mine' or 'public domain'.")
@click.option("--year", default="", help="When it was painted.")
@click.option("--name", default="", help="What to call the style; else the file's name.")
@click.option(
    "--network", type=click.Choice(["efficientnet-lite0", "vgg"]), default="efficientnet-lite0", show_default=True
)
@as_json
def add_command(
    picture: Path, title: str, artist: str, rights: str, year: str, name: str, network: str, as_json: bool
) -> None:
    """Make a style card of PICTURE, a painting of your own or one that you may use.

    It is kept in your own folder of styles, and no one else sees the painting: a card holds statistics alone.
    """
    from vesica.image.pictures import read_picture
    from vesica.image.style import network_named
    from vesica.image.style_cards import card_of, write_card
    from vesica.image.style_names import named, own_folder, read_label
    from vesica.image.style_slope import COLOURS
    from vesica.image.tensors import one_thread_each
    from vesica.media import read_file
    from vesica.weights.cache import writing

    called = named(name or picture.stem)
    painting, eyes = read_picture(read_file(picture)), network_named(network)
    with one_thread_each() as pool:
        card = card_of(painting, eyes, (COLOURS, *eyes.style_layers), pool)
    data = write_card(card, eyes, title=title, artist=artist, year=year, rights=rights)
    path = own_folder() / f"{called}.safetensors"
    with writing(path) as file:
        file.write(data)
    say(as_data(read_label(path)), f"{called}  {path}", as_json=as_json)


def _write(out: Path, found: "list[Label]") -> None:
    """The shipped contact sheet as a picture, or as a page with every style's name beneath it."""
    from vesica.image.style_names import SHEET, SHIPPED, THUMB
    from vesica.weights.cache import writing

    if out.suffix.lower() not in (".html", ".webp"):
        raise VesicaError(f"A contact sheet is a page or a picture; call it {out.stem}.html or {out.stem}.webp.")
    data = SHEET.read_bytes()
    if out.suffix.lower() == ".html":
        ours = [label for label in found if label.path.parent == SHIPPED]
        data = _page(ours, [label for label in found if label not in ours], data, THUMB).encode()
    with writing(out.absolute()) as file:
        file.write(data)


def _page(ours: "list[Label]", own: "list[Label]", sheet: bytes, thumb: tuple[int, int, int]) -> str:
    from base64 import b64encode

    width, height, columns = thumb
    cells = "\n".join(
        f'<figure><div role="img" aria-label="A cup of coffee in the manner of {escape(label.line)}" '
        f'style="background-position:-{place % columns * width}px -{place // columns * height}px"></div>'
        f"<figcaption><b>{escape(label.name)}</b><br>{escape(label.line)}</figcaption></figure>"
        for place, label in enumerate(ours)
    )
    rest = "".join(f"<li><b>{escape(label.name)}</b> {escape(label.line)}</li>" for label in own)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Styles</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fff; color: #111 }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, {width}px); gap: 1.2rem }}
figure {{ margin: 0 }}
figure div {{ width: {width}px; height: {height}px;
  background: url(data:image/webp;base64,{b64encode(sheet).decode()}) }}
figcaption {{ font-size: 12px; overflow-wrap: anywhere }}
</style>
<h1>Styles</h1>
<p>A cup of coffee (photograph: Rachel Michetti, CC0) painted in each; take one with
<code>vesica make image.style PHOTO --style NAME --out FILE</code>.</p>
<main>{cells}</main>
{f"<h2>Your own</h2><ul>{rest}</ul>" if rest else ""}
</html>
"""
