"""Commands about what is installed."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vesica.cli.common import as_json, progress_bar, say
from vesica.errors import VesicaError

if TYPE_CHECKING:
    from vesica.engines import Engine


def _engine_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from vesica.engines import engines

    return [name for name in engines() if name.startswith(incomplete)]


@click.command("engines")
@click.argument("name", required=False, shell_complete=_engine_names)
@as_json
def engines_command(name: str | None, as_json: bool) -> None:
    """List the engines, or show one with its knobs."""
    from vesica.engines import engines, find
    from vesica.knobs import describe

    shown = [find(name)] if name else list(engines().values())
    words = "\n".join(f"{one.name}  ({one.makes}, {one.replay})  {one.help}" for one in shown)
    if name:
        inputs = [
            f"  --{key}  {'needed' if wanted.needed else 'optional'}: {wanted.help}"
            for key, wanted in shown[0].inputs.items()
        ]
        words = "\n".join([words, *inputs, *(f"  {line}" for line in describe(shown[0].load_params()))])
    say([engine_as_json(one) for one in shown], words, as_json=as_json)


def engine_as_json(engine: "Engine") -> dict[str, object]:
    """All that an engine is, with its knobs."""
    from vesica.knobs import knobs

    table = [{**asdict(knob), "type": knob.type.__name__, "range": knob.range} for knob in knobs(engine.load_params())]
    return {**asdict(engine), "knobs": table}


@click.group("models", invoke_without_command=True)
@as_json
@click.pass_context
def models_command(ctx: click.Context, as_json: bool) -> None:
    """Show the models' cards, and install what is missing."""
    if ctx.invoked_subcommand:
        return
    from vesica.weights.cards import cards
    from vesica.weights.install import installed

    found = [(card, installed(card.name)) for card in cards().values()]
    words = "\n".join(
        f"{card.name}  {card.licence}  {'installed' if there else 'missing: vesica models install ' + card.name}"
        f"\n    {card.title}"
        for card, there in found
    )
    say([{**card_as_json(card.name), "installed": there} for card, there in found], words, as_json=as_json)


def card_as_json(name: str) -> dict[str, object]:
    """All that a card says."""
    from vesica.weights.cards import card

    return asdict(card(name))


def _model_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from vesica.weights.cards import cards

    return [name for name in cards() if name.startswith(incomplete)]


@models_command.command("show")
@click.argument("name", shell_complete=_model_names)
@as_json
def show_model(name: str, as_json: bool) -> None:
    """Show one card: licence, training data, digest, what the model can't do."""
    data = card_as_json(name)
    say(data, "\n".join(_lines(data)), as_json=as_json)


def _lines(data: object, indent: str = "") -> list[str]:
    if isinstance(data, dict):
        lines = []
        for key, value in data.items():
            below = _lines(value, indent + "  ")
            if isinstance(value, dict | list | tuple):
                lines += [f"{indent}{key}:", *below]
            else:
                lines.append(f"{indent}{key}: {value}")
        return lines
    if isinstance(data, list | tuple):
        return [line for item in data for line in _lines(item, indent)]
    return [f"{indent}{data}"]


@models_command.command("install")
@click.argument("names", nargs=-1, shell_complete=_model_names)
@as_json
def install_models(names: tuple[str, ...], as_json: bool) -> None:
    """Install models by name, or all that are missing; digests are checked."""
    from vesica.weights.cards import card, cards, locate
    from vesica.weights.install import install, installed

    for name in names:
        card(name)
    wanted = names or tuple(cards())
    for name in wanted:
        there = installed(name)
        # Also what looks installed: its bytes are checked against the card.
        with progress_bar(f"Installing {name}") as progress:
            install(name, progress)
        if not as_json:
            click.echo(f"{name} is installed{'' if there else ' now'}.")
    if as_json:
        say([{"name": name, "path": str(locate(name))} for name in wanted], "", as_json=True)


@click.command("doctor")
@click.option("--deep", is_flag=True, help="Look at the device and hash every model too; takes some seconds.")
@as_json
def doctor_command(deep: bool, as_json: bool) -> None:
    """Say what is installed, what is missing, and how to mend it.

    Exit code 1 when something is missing.
    """
    from vesica.doctor import examine

    findings = examine(deep=deep)
    signs = {"fine": "✓", "optional": "·", "missing": "✗", "broken": "✗"}
    words = "\n".join(
        f"{signs[one.state]} {one.name}: {one.sentence}" + (f"\n    {one.mend}" if one.mend else "") for one in findings
    )
    say([asdict(one) for one in findings], words, as_json=as_json)
    sys.exit(1 if any(one.state in ("missing", "broken") for one in findings) else 0)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell.

    For bash, put this line into ~/.bashrc: eval "$(vesica completion bash)"; for zsh the same, with zsh, into ~/.zshrc;
    for fish: vesica completion fish > ~/.config/fish/completions/vesica.fish
    """
    from click.shell_completion import get_completion_class

    from vesica.cli.main import vesica

    found = get_completion_class(shell)
    if not found:
        raise VesicaError(f"There is no completion for {shell}; there is for bash, zsh and fish.")
    click.echo(found(vesica, {}, "vesica", "_VESICA_COMPLETE").source())
