"""Commands about generators that a person trains on pictures of their own."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesica.cli.common import as_json, erase_progress, progress_bar, say
from vesica.errors import Cancelled, VesicaError

if TYPE_CHECKING:
    from vesica.gan.model import Card
    from vesica.work import Step


@click.group("gan")
def gan_command() -> None:
    """Train a generator on pictures of your own, and sketch with it."""


@gan_command.command("train")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--rights", help="Whose the pictures are: own, public domain, an SPDX name, or 'other: words'.")
@click.option("--out", type=click.Path(path_type=Path), help="The model's folder. [FOLDER-gan, beside FOLDER]")
@click.option("--size", type=click.Choice(["64", "128", "256"]), default="64", show_default=True, help="Pixels a side.")
@click.option(
    "--minutes", type=click.FloatRange(0, 100_000, min_open=True), default=30.0, show_default=True,
    help="Of training in all; give more to go on with a model.",
)  # fmt: skip
@click.option(
    "--brushwork", is_flag=True, help="Learn crops of large pictures (strokes, grounds) instead of whole ones."
)
@click.option(
    "--plain", is_flag=True, help="For pictures unlike photographs: judge without a network that has seen these."
)
@click.option("--mirror/--no-mirror", default=True, help="Whether pictures may also be learned mirrored. [yes]")
@click.option("--ground", default="white", help="Colour under transparent places: white, black, #808080. [white]")
@click.option(
    "--patience", type=click.IntRange(0, 1000), default=0, metavar="COUNT",
    help="End when so many judgements in a row brought nothing better; one comes every 500 steps. [never]",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**53), default=1, help="Same pictures and seed, same steps. [1]")
@as_json
def train_command(
    folder: Path,
    rights: str | None,
    out: Path | None,
    size: str,
    minutes: float,
    brushwork: bool,
    plain: bool,
    mirror: bool,
    ground: str,
    patience: int,
    seed: int,
    as_json: bool,
) -> None:
    """Train a generator on 10 to 5,000 pictures, and leave it as a folder.

    Ctrl-C ends it early and leaves a model that can be used. The same command goes on where it was, also after a crash
    or a cut of power.
    """
    from importlib.metadata import version

    from vesica.gan.params import TrainParams
    from vesica.gan.rights import read_rights

    if rights is None:
        if not sys.stdin.isatty():
            raise VesicaError("Say whose the pictures are: --rights own, 'public domain', CC-BY-4.0 or 'other: words'.")
        rights = click.prompt("Whose are the pictures (own, public domain, an SPDX name, or 'other: words')", err=True)
    params: Any = TrainParams(
        read_rights(rights),
        int(size),  # type: ignore[arg-type]
        "brushwork" if brushwork else "whole",
        "plain" if plain else "projected",
        mirror,
        _colour(ground),
        seed,
    )
    place = out or folder.absolute().with_name(f"{folder.absolute().name}-gan")
    _check_place(place, folder)
    from vesica.gan.training import Training, expectation, gather, in_words

    with progress_bar("Reading pictures") as reading:
        pictures = gather(folder, place, params, reading)
    click.echo(in_words(pictures.survey, params), err=True)

    def shown(path: Path) -> None:
        erase_progress()
        click.echo(f"Samples so far: {path}", err=True)

    training = Training(pictures, place, params, shown)
    session, learned = training.session, len(pictures.survey.learned)
    if training.resumed:
        click.echo(f"Going on from step {session.trainer.step:,} after {session.spent / 60:.1f} minutes.", err=True)
        if session.spent >= 60 * minutes:
            raise VesicaError(
                f"{place} was trained for {minutes:g} minutes already; give more with --minutes to go on."
            )
    began, begun = session.spent, session.trainer.step

    with _by_hand() as stopped, progress_bar("Training") as bar:

        def progress(step: "Step") -> None:
            taken = session.trainer.step - begun
            if taken == 10:
                pace = taken / max(1e-6, session.spent - began)
                erase_progress()
                click.echo(expectation(begun + pace * (60 * minutes - began), params, learned), err=True)
            bar(step)
            if stopped.is_set():
                raise Cancelled

        made = training.run(
            minutes=minutes,
            patience=patience,
            made=datetime.now(UTC).date().isoformat(),
            program=f"vesica {version('vesica')}",
            progress=progress,
        )
    ends = {"time": "The time is up", "plateau": "It no longer gets better", "hand": "Stopped by hand", "steps": "Done"}
    say(
        {"folder": str(place), "ended": made.ended, "card": _card_as_json(made.card)},
        f"{ends[made.ended]}. {_card_in_words(made.card, place)}",
        as_json=as_json,
    )


@gan_command.command("sketch")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(1, 256), default=32, show_default=True, help="Sketches on the sheet.")
@click.option(
    "--judge/--no-judge", default=True, help="Show what the discriminator believes most, in that order. [yes]"
)
@click.option("--variety/--no-variety", default=True, help="Show what differs most from one another. [yes]")
@click.option("--seed", type=click.IntRange(0, 2**53), default=1, help="Another seed, other sketches. [1]")
@click.option("--out", type=click.Path(path_type=Path), help="A PNG. [MODEL-sketches-SEED.png, beside MODEL]")
@as_json
def sketch_command(
    model: Path, count: int, judge: bool, variety: bool, seed: int, out: Path | None, as_json: bool
) -> None:
    """Make a sheet of sketches with a model that 'vesica gan train' made, the best first."""
    from vesica.gan.model import read_card
    from vesica.gan.sheets import sheet
    from vesica.gan.sketching import sketches
    from vesica.image.pictures import write_png
    from vesica.weights.cache import writing

    card = read_card(model)
    path = out or model.absolute().with_name(f"{model.absolute().name}-sketches-{seed}.png")
    if path.exists():
        raise VesicaError(f"{path} is there already; give another name with --out.")
    shown = sheet(sketches(model, count, seed=seed, judged=judge, varied=variety), 8 if count >= 8 else count)
    with writing(path) as file:
        file.write(write_png(shown))
    told = f"{path}: {count} sketches, seed {seed}, by a model that learned {card.pictures:,} pictures ({card.rights})."
    say({"file": str(path), "count": count, "seed": seed, "rights": card.rights}, told, as_json=as_json)


def _colour(told: str) -> str:
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(told)[:3]
    except ValueError as fault:
        raise VesicaError(f"--ground can't be {told[:40]!r}; give a colour's name, or #rrggbb.") from fault
    return f"#{red:02x}{green:02x}{blue:02x}"


def _check_place(place: Path, folder: Path) -> None:
    """Refuse a folder in which something else lies, or which would be read as pictures."""
    if place.resolve() == folder.resolve() or folder.resolve() in place.resolve().parents:
        raise VesicaError("A model inside the folder it learns from would be learned from too; choose another --out.")
    if place.is_dir() and any(place.iterdir()) and not (place / "training").is_dir():
        raise VesicaError(f"{place} holds something else; give a new folder with --out.")
    if place.exists() and not place.is_dir():
        raise VesicaError(f"{place} is a file; give a new folder with --out.")


@contextmanager
def _by_hand() -> Iterator[threading.Event]:
    """Set at the first Ctrl-C, so that the step under way is finished and kept; the second stops at once."""
    stopped = threading.Event()

    def stop(number: int, frame: Any) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        erase_progress()
        click.echo("Stopping: the model is kept and measured; Ctrl-C again leaves at once.", err=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _card_as_json(card: "Card") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(card)


def _card_in_words(card: "Card", place: Path) -> str:
    measured, copied = card.measures, card.copying
    return (
        f"{place} learned {card.pictures:,} pictures ({card.rights}): {card.minutes:g} minutes, {card.steps:,} steps.\n"
        f"KID {measured['kid_lite2']:.3f}, FID {measured['fid_lite2']:.1f} (both on EfficientNet-Lite2); precision "
        f"{measured['precision']:.2f}, recall {measured['recall']:.2f}.\n"
        f"{_copying_in_words(copied)}\n"
        f"Samples: {place / 'samples.png'}; the nearest pictures: {place / 'nearest.png'}; "
        f"how it went: {place / 'learning.png'}"
    )


def _copying_in_words(copied: Any) -> str:
    share = copied["share"]
    told = (
        "no sign of copying" if share <= 0.1 else "some samples are close to pictures" if share <= 0.3 else
        "many samples are near copies: train shorter, or give more pictures"
    )  # fmt: skip
    return (
        f"Copying: {share:.0%} of the samples are nearer to a learned picture than all but 5% of {copied['against']} "
        f"are; {told}."
    )
