"""The training loop: one step of generator and discriminator, and all that must be kept to go on to the same bytes.

It knows nothing of pictures. Networks, losses, samples and changes are given to it, so that it can teach a generator of
anything: see ``Lesson``.

Both networks are updated from one pass: the fake samples that the discriminator learns to tell are the ones through
which the generator learns to please it, so half of the work of two turns is saved (Shen et al., "Training GANs in one
stage", 2021). A batch is cut into shards; each is worked on by one thread, and slopes are added in their order, so that
neither the number of threads nor their timing changes a byte.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vesica.gan.augment import adapted
from vesica.gan.draws import draw, order
from vesica.gan.layers import settle
from vesica.gan.losses import Logits, Losses

LAZY = 8
"""Steps from one penalty of slopes to the next (Karras et al., 2019); each then counts as many times."""

ADAPT = 4
"""Steps from one change of the augmentation to the next."""

SMOOTH = 5_000
"""Samples after which half of the averaged generator is of newer ones; fewer at the beginning."""

Noise = Any
"""Whatever the generator takes beside latents; the loop only hands it on."""


class Maker(Protocol):
    """A generator."""

    def __call__(self, latents: Tensor, noise: Noise) -> Tensor:
        """Samples of latents [n, ...]."""

    def noise(self, count: int, rng: torch.Generator) -> Noise:
        """Noise for ``count`` samples."""


class Critic(Protocol):
    """A discriminator."""

    def __call__(self, samples: Tensor) -> Logits:
        """Logits of samples."""

    def both(self, real: Tensor, fake: Tensor) -> tuple[Logits, Logits]:
        """Logits of real and of fake samples; slopes need not reach through to the real ones."""


@dataclass(frozen=True)
class Lesson:
    """What is learned, and by what.

    generator, average, discriminator : modules that are a ``Maker``, the same again, and a ``Critic``
    latent : numbers of a latent
    count : real samples there are
    real : real sample number n, drawn with what chance says
    augment : changes samples, each with a chance; see ``vesica.gan.augment``
    losses : what the networks want
    """

    generator: nn.Module
    average: nn.Module
    discriminator: nn.Module
    latent: int
    count: int
    real: Callable[[int, torch.Generator], Tensor]
    augment: Callable[[Tensor, float, torch.Generator], Tensor]
    losses: Losses


@dataclass(frozen=True, slots=True)
class Pace:
    """How a lesson is taken.

    batch : samples of a step
    shards : parts of a batch that are worked on at once, each on one thread; more is no faster than there are cores
    rate : of Adam, for the generator; ``rate_critic`` for the discriminator
    bf16 : whether convolutions are in bfloat16: quick where the processor has it, very slow where it has not
    share : of samples that are changed at first
    """

    batch: int = 16
    shards: int = 2
    rate: float = 2e-3
    rate_critic: float = 2e-3
    bf16: bool = False
    share: float = 0.3


@dataclass(frozen=True, slots=True)
class Told:
    """What a step came to: losses of both, the discriminator's certainty, and the share of changed samples."""

    step: int
    generator: float
    discriminator: float
    certain: float
    share: float


class Trainer:
    """A lesson under way. Everything that it holds is in ``state()``: two trainers of one state go on to the same."""

    def __init__(self, lesson: Lesson, pace: Pace, seed: int) -> None:
        if pace.batch % pace.shards:
            raise ValueError("A batch is cut into shards of one size.")
        self.lesson, self.pace, self.seed = lesson, pace, seed
        self.step, self.share = 0, pace.share
        self._certain = 0.0
        lesson.average.load_state_dict(lesson.generator.state_dict())
        lesson.average.requires_grad_(False)
        self._made, self._judged = list(lesson.generator.parameters()), list(lesson.discriminator.parameters())
        self._adams = (
            torch.optim.Adam(self._made, pace.rate, betas=(0.0, 0.99), eps=1e-8, foreach=True),
            torch.optim.Adam(self._judged, pace.rate_critic, betas=(0.0, 0.99), eps=1e-8, foreach=True),
        )

    def advance(self, pool: Executor) -> Told:
        """Take one step on the threads of ``pool`` (see ``one_thread_each``)."""
        settle(self.lesson.discriminator)
        shards = list(pool.map(self._shard, range(self.pace.shards)))
        made, judged = [shard[0] for shard in shards], [shard[1] for shard in shards]
        for parameters, adam, slopes in zip((self._made, self._judged), self._adams, (made, judged), strict=True):
            for parameter, *parts in zip(parameters, *slopes, strict=True):
                parameter.grad = torch.stack(parts).mean(0)
            adam.step()
            adam.zero_grad()
        self._average()
        self.step += 1
        loss, against, certain = (sum(shard[2][part] for shard in shards) / len(shards) for part in range(3))
        self._certain += certain
        if self.step % ADAPT == 0:
            self.share = adapted(self.share, self._certain / ADAPT, ADAPT * self.pace.batch)
            self._certain = 0.0
        return Told(self.step, loss, against, certain, self.share)

    def _shard(self, shard: int) -> tuple[Sequence[Tensor], Sequence[Tensor], tuple[float, float, float]]:
        """Slopes of the generator's and the discriminator's parameters, and what was found, in one part of a batch."""
        lesson, count = self.lesson, self.pace.batch // self.pace.shards
        rng = draw(self.seed, "step", self.step, shard)
        first = self.step * self.pace.batch + shard * count
        places = order(self.seed, first, first + count, lesson.count)
        real = torch.stack([lesson.real(place, rng) for place in places])
        latents = torch.randn(count, lesson.latent, generator=rng)
        noise = lesson.generator.noise(count, rng)  # type: ignore[operator]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.pace.bf16):
            fake = lesson.generator(latents, noise)
            real = lesson.augment(real, self.share, rng)
            shown = lesson.augment(fake, self.share, rng)
            # What is shown is cut off, so that the slopes of both networks come from one look at it.
            seen = shown.detach().requires_grad_()
            told = lesson.discriminator.both(real, seen)  # type: ignore[operator]
            against, loss = lesson.losses.discriminator(*told), lesson.losses.generator(*told)
            judged = torch.autograd.grad(against, self._judged, retain_graph=True)
            (back,) = torch.autograd.grad(loss, seen)
            made = torch.autograd.grad(shown, self._made, back)
        if lesson.losses.penalty and self.step % LAZY == 0:
            steep = self._steep(real, seen.detach())
            judged = tuple(one + more for one, more in zip(judged, steep, strict=True))
        return made, judged, (loss.item(), against.item(), lesson.losses.certain(*told).item())

    def _steep(self, real: Tensor, fake: Tensor) -> Sequence[Tensor]:
        """Slopes of R1 and R2: how steep the discriminator is at real and at fake samples, in float32."""
        weight = self.lesson.losses.penalty * real[0].numel() / real.shape[1] * LAZY / 2
        steep = torch.zeros(())
        for samples in (real, fake):
            samples = samples.detach().requires_grad_()
            logits = torch.stack([one.mean(1).sum() for one in self.lesson.discriminator(samples)]).mean()
            (slope,) = torch.autograd.grad(logits, samples, create_graph=True)
            steep = steep + slope.square().sum((1, 2, 3)).mean()
        found = torch.autograd.grad(weight * steep, self._judged, allow_unused=True)
        return [
            torch.zeros_like(weights) if one is None else one for one, weights in zip(found, self._judged, strict=True)
        ]

    @torch.no_grad()
    def _average(self) -> None:
        """Bring the averaged generator nearer to the new one (Yazici et al., 2018)."""
        half = min(SMOOTH, max(self.pace.batch, 0.1 * self.step * self.pace.batch))
        new = 1 - 0.5 ** (self.pace.batch / half)
        torch._foreach_lerp_([*self.lesson.average.parameters()], [*self._made], new)

    @torch.no_grad()
    def samples(self, latents: Tensor, noise: Noise, pool: Executor, *, at_once: int = 16) -> Tensor:
        """Samples of the averaged generator, the same whatever the number of threads."""

        def make(first: int) -> Tensor:
            part = [
                tuple(one[first : first + at_once] for one in pair) if isinstance(pair, tuple) else pair
                for pair in noise
            ]
            with torch.no_grad():
                made: Tensor = self.lesson.average(latents[first : first + at_once], part)
            return made

        return torch.cat(list(pool.map(make, range(0, len(latents), at_once))))

    def state(self) -> tuple[dict[str, Tensor], dict[str, float]]:
        """All tensors by name, and all numbers."""
        lesson = self.lesson
        tensors: dict[str, Tensor] = {}
        for name, module in (("g", lesson.generator), ("e", lesson.average), ("d", lesson.discriminator)):
            tensors |= {f"{name}.{key}": value.clone() for key, value in module.state_dict().items()}
        for name, adam in zip("gd", self._adams, strict=True):
            for place, held in adam.state_dict()["state"].items():
                tensors |= {f"adam.{name}.{place}.{key}": value.clone() for key, value in held.items()}
        return tensors, {"step": self.step, "share": self.share, "certain": self._certain}

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, float]) -> None:
        """Go on from ``state()``. Raises ``RuntimeError`` or ``KeyError`` where it is of other networks."""
        lesson = self.lesson
        for name, module in (("g", lesson.generator), ("e", lesson.average), ("d", lesson.discriminator)):
            module.load_state_dict(
                {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
            )
        for name, adam, weights in zip("gd", self._adams, (self._made, self._judged), strict=True):
            held: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith(f"adam.{name}."):
                    place, part = key.removeprefix(f"adam.{name}.").split(".")
                    held.setdefault(int(place), {})[part] = value
            if held and any(held[place]["exp_avg"].shape != one.shape for place, one in enumerate(weights)):
                raise RuntimeError("These are moments of another network.")
            adam.load_state_dict({**adam.state_dict(), "state": held})
        self.step, self.share = int(numbers["step"]), float(numbers["share"])
        self._certain = float(numbers["certain"])
