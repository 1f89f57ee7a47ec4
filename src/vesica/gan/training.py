"""A generator of pictures trained on a folder: pictures, networks, judge and model folder put together."""

import math
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesica.errors import Cancelled, VesicaError
from vesica.gan import rights as rights_
from vesica.gan.augment import augment
from vesica.gan.crops import Crops, to_pictures
from vesica.gan.data import Pictures, Survey, keep, kept, look_through
from vesica.gan.draws import draw
from vesica.gan.generator import LATENT, Generator
from vesica.gan.judging import copying, distances, features, reals
from vesica.gan.loop import Lesson, Pace, Trainer
from vesica.gan.losses import HINGE, RELATIVISTIC
from vesica.gan.measures import kernel_distance
from vesica.gan.model import Card, critic_of, read_generator, write_model
from vesica.gan.params import BATCH, TrainParams
from vesica.gan.projected import Projected
from vesica.gan.session import Ended, History, Session
from vesica.gan.sheets import curves, pairs, sheet
from vesica.image.pictures import write_png
from vesica.image.tensors import one_thread_each
from vesica.weights.cache import writing
from vesica.weights.efficientnet_lite import JUDGE, efficientnet_lite
from vesica.work import Progress, Step

SHOWN = 64
"""Samples of a grid, always of the same latents."""

GLANCE = 128
"""Samples by which quality is judged on the way."""

JUDGED = 384
"""Samples by which the finished model is measured."""


def bf16_is_quick() -> bool:
    """Whether this processor multiplies in bfloat16; without, it is far slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported())


class Studio:
    """What watches a training of pictures: grids, curves, and KID against real samples."""

    def __init__(self, folder: Path, learned: Crops, seed: int, generator: Generator, told: Callable[[Path], None]):
        self._folder, self._learned, self._seed, self._told = folder, learned, seed, told
        self._latents = torch.randn(SHOWN, LATENT, generator=draw(seed, "shown"))
        self._noise = generator.noise(SHOWN, draw(seed, "shown noise"))
        self._real: Any = None

    def show(self, trainer: Trainer, pool: Executor) -> None:
        """Write the grid of the same latents as ever."""
        path = self._folder / "samples" / f"{trainer.step:06d}.png"
        with writing(path) as file:
            file.write(write_png(sheet(to_pictures(trainer.samples(self._latents, self._noise, pool)), 8)))
        self._told(path)

    def quality(self, trainer: Trainer, pool: Executor) -> float:
        """KID on EfficientNet-Lite2; NaN never."""
        if self._real is None:
            self._real = features(reals(self._learned, GLANCE, self._seed), judge(), pool)
        made = made_by(trainer.lesson.average, GLANCE, self._seed, pool)
        return kernel_distance(self._real, features(made, judge(), pool))

    def plot(self, history: History) -> None:
        """Draw losses, augmentation and quality."""
        with writing(self._folder / "learning.png") as file:
            file.write(write_png(plotted(history)))


def plotted(history: History) -> Any:
    """Curves of a training as a picture."""
    steps = [row[0] for row in history.rows]
    return curves(
        [
            (
                "Losses",
                [("generator", steps, [row[1] for row in history.rows]),
                 ("discriminator", steps, [row[2] for row in history.rows])],
            ),
            (
                "Share of samples changed",
                [("certainty of real ones", steps, [row[3] for row in history.rows]),
                 ("changed", steps, [row[4] for row in history.rows])],
            ),
            (
                "KID on EfficientNet-Lite2, smaller is better",
                [("", [row[0] for row in history.quality], [row[1] for row in history.quality])],
            ),
        ]
    )  # fmt: skip


def judge() -> Callable[[Tensor], Tensor]:
    """What the judge makes of pictures."""
    return efficientnet_lite(JUDGE).features


def made_by(generator: nn.Module, count: int, seed: int, pool: Executor, *, at_once: int = 16) -> Tensor:
    """``count`` samples, the same for the same seed whatever the number of threads."""

    def some(first: int) -> Tensor:
        rng = draw(seed, "made", first)
        some = min(at_once, count - first)
        with torch.no_grad():
            made: Tensor = generator(torch.randn(some, LATENT, generator=rng), generator.noise(some, rng))  # type: ignore[operator]
        return made

    return torch.cat(list(pool.map(some, range(0, count, at_once))))


def gather(folder: Path, out: Path, params: TrainParams, progress: Progress | None = None) -> Pictures:
    """The pictures that ``out`` was begun with, or those of the folder, kept there from now on.

    What changes in the folder later changes nothing that was begun.
    """
    path = out / "training" / "pictures.safetensors"
    if path.is_file():
        pictures = kept(path)
        survey = pictures.survey
        if (survey.size, survey.mode) != (params.size, params.mode):
            raise VesicaError(
                f"{out} was begun at {survey.size} pixels, {survey.mode}; give the same, or another folder with --out."
            )
        return pictures
    pictures = look_through(
        folder, size=params.size, mode=params.mode, ground=params.ground, seed=params.seed, progress=progress
    )
    keep(pictures, path)
    return pictures


@dataclass(frozen=True)
class Made:
    """What a training came to."""

    ended: Ended
    card: Card
    folder: Path


class Training:
    """A training of pictures under way: made of its pictures, taken on with ``run``."""

    def __init__(
        self, pictures: Pictures, out: Path, params: TrainParams, told: Callable[[Path], None] = lambda path: None
    ) -> None:
        """``told`` is called with each grid of samples that was written.

        Raises ``VesicaError`` where a checkpoint is damaged or of other settings, ``ModelMissing`` where a network is.
        """
        survey = pictures.survey
        self.survey, self.params, self._out = survey, params, out
        self._learned = Crops(
            [pictures.pixels[place] for place in survey.learned], params.size, params.mode, mirror=params.mirror
        )
        self._held_out = (
            Crops([pictures.pixels[place] for place in survey.held_out], params.size, params.mode, mirror=False)
            if survey.held_out
            else None
        )
        efficientnet_lite(JUDGE)  # what is missing is said before hours are spent
        generator = Generator(params.size, params.seed)
        self._critic = critic_of(params.discriminator, params.size, params.seed)
        if isinstance(self._critic, Projected):
            with one_thread_each() as pool:  # on one thread, as all the rest
                pool.submit(self._critic.calibrate, reals(self._learned, 32, params.seed)).result()
        lesson = Lesson(
            generator,
            Generator(params.size, params.seed),
            self._critic,
            LATENT,
            len(self._learned),
            self._learned.sample,
            augment,
            HINGE if params.discriminator == "projected" else RELATIVISTIC,
        )
        pace = Pace(batch=BATCH[params.size], bf16=bf16_is_quick())
        settings = asdict(params) | {"pictures": survey.digest, "batch": pace.batch, "bf16": pace.bf16}
        watch = Studio(out, self._learned, params.seed, generator, told)
        self.session = Session(
            Trainer(lesson, pace, params.seed), out / "training" / "checkpoint.safetensors", settings, watch
        )
        self.resumed = self.session.resume()

    def run(
        self,
        *,
        minutes: float = math.inf,
        steps: int = 0,
        patience: int = 0,
        made: str,
        program: str,
        progress: Progress | None = None,
    ) -> Made:
        """Train to an end (see ``Session.run``), then write and measure the model.

        made : date, for the card; program : name and version
        """
        flushed = torch.set_flush_denormal(True)
        try:
            ended = self.session.run(minutes=minutes, steps=steps, patience=patience, progress=progress)
            if progress:
                with suppress(Cancelled):  # it was said already, and what follows is what it asked for
                    progress(Step(1, 1, note="measuring what it learned"))
            return Made(ended, self._finish(made, program), self._out)
        finally:
            if flushed:
                torch.set_flush_denormal(False)

    def _finish(self, made: str, program: str) -> Card:
        session, params, survey = self.session, self.params, self.survey
        generator = Generator(params.size, params.seed)
        # Measured as it is kept: at half precision.
        generator.load_state_dict({name: weight.half().float() for name, weight in session.average().items()})
        generator.requires_grad_(False)
        with one_thread_each() as pool:
            samples = made_by(generator, JUDGED, params.seed, pool)
            real = features(reals(self._learned, JUDGED, params.seed), judge(), pool)
            measures = distances(real, features(samples, judge(), pool))
            found = copying(samples[: 2 * JUDGED // 3], self._learned, self._held_out, judge(), pool)
        best = session.history.best
        card = Card(
            name=self._out.name,
            made=made,
            rights=params.rights,
            size=params.size,
            mode=params.mode,
            discriminator=params.discriminator,
            seed=params.seed,
            steps=best[0] if best else session.trainer.step,
            minutes=round(session.spent / 60, 1),
            pictures=len(survey.learned),
            held_out=len(survey.held_out),
            left_out=len(survey.left_out),
            twins=len(survey.twins),
            near=len(survey.near),
            data=survey.digest,
            measures={name: round(value, 4) for name, value in measures.items()},
            copying={
                "share": round(found.memory.share, 4),
                "ratio": round(found.memory.ratio, 4),
                "against": "pictures held out" if found.held_out else "each picture and all others",
            },
            cannot=_cannot(params, len(survey.learned)),
            program=program,
        )
        critic = self._critic.state_dict()
        write_model(
            self._out, card, generator.state_dict(), critic, {"kind": params.discriminator, "size": params.size}
        )
        read_generator(self._out)
        with writing(self._out / "samples.png") as file:
            file.write(write_png(sheet(to_pictures(samples[:64]), 8)))
        closest = found.nearest.distances.argsort()[:18].tolist()
        told = [f"{found.nearest.distances[place]:.3f}, held out {found.memory.bound:.3f}" for place in closest]
        with writing(self._out / "nearest.png") as file:
            views = found.views[torch.from_numpy(found.nearest.places[closest].copy())]
            file.write(write_png(pairs(to_pictures(samples[closest]), to_pictures(views), told)))
        return card


def _cannot(params: TrainParams, pictures: int) -> list[str]:
    told = [
        f"It makes {params.size} x {params.size} pixels, of what {pictures} pictures showed it and nothing else.",
        "It was trained for minutes or hours on one computer: forms are loose, faces and letters hardly come out.",
    ]
    if pictures < 100:
        told.append("It learned from few pictures: look at nearest.png before you call a sample new.")
    return told


def in_words(survey: Survey, params: TrainParams) -> str:
    """What the data is and what will be learned from it, in plain words, for whoever is about to wait."""
    by_size = sorted(survey.kept, key=lambda one: one.width * one.height)
    low, high = by_size[0], by_size[-1]
    lines = [
        f"{len(survey.kept):,} pictures in {survey.files:,} files, {low.width} x {low.height} to "
        f"{high.width} x {high.height} pixels."
    ]
    if survey.left_out:
        lines.append(f"Left out, {len(survey.left_out)}:")
        lines += [f"  {file}: {why}" for file, why in survey.left_out[:10]]
        if len(survey.left_out) > 10:
            lines.append(f"  and {len(survey.left_out) - 10} more")
    if survey.twins:
        lines.append(f"{len(survey.twins)} are the same as others and are not counted twice ({survey.twins[0][0]}).")
    if survey.near:
        lines.append(
            f"{len(survey.near)} pairs are nearly the same, such as {survey.near[0][0]} and {survey.near[0][1]}: "
            "what they show will be made more often."
        )
    small = sum(min(one.width, one.height) < params.size for one in survey.kept)
    if small:
        lines.append(f"{small} are smaller than {params.size} pixels and are enlarged; they come out soft.")
    what = (
        f"squares of {params.size} pixels out of whole pictures"
        if params.mode == "whole"
        else f"crops of {params.size} pixels: strokes, colours and grounds, not whole pictures"
    )
    lines.append(f"It will learn {what}, from {len(survey.learned):,} of them" + (
        f"; {len(survey.held_out)} are held out to tell learning from copying." if survey.held_out else
        "; too few to hold some out, so copying is told by how near they are to one another."
    ))  # fmt: skip
    lines.append(rights_.limits(params.rights))
    return "\n".join(lines)


def expectation(steps: float, params: TrainParams, pictures: int) -> str:
    """What so many steps come to, in plain words."""
    samples = steps * BATCH[params.size]
    each = samples / max(1, pictures)
    if samples < 5_000:
        what = "colours and large areas, no forms yet"
    elif samples < 40_000:
        what = "colours, textures and loose forms"
    else:
        what = "textures and forms of its own; what is fine and rare stays loose"
    told = f"About {steps:,.0f} steps, each picture seen {each:,.0f} times: expect {what}."
    if each > 2000:
        told += " So few pictures, so often, may be learned by heart; nearest.png will show it."
    return told
