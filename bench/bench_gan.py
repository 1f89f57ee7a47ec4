"""How fast a generator of pictures is trained on two threads, beside the same step written as textbooks do, in one run.

    python bench/bench_gan.py

The textbook's step: first the discriminator with fake samples that are then thrown away, then the generator with new
ones; float32, channels first, slopes through the frozen network for the real samples too, torch's own threads.
Networks and losses are the same. Wall times are on two threads, also where other work ran on the machine; processor's
seconds are disturbed least by that, and half of them is what two free cores would need.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from vesica.gan.augment import augment
from vesica.gan.draws import draw
from vesica.gan.generator import LATENT, Generator
from vesica.gan.loop import Lesson, Pace, Trainer
from vesica.gan.losses import HINGE, RELATIVISTIC, Losses
from vesica.gan.model import critic_of
from vesica.gan.params import BATCH
from vesica.gan.training import bf16_is_quick
from vesica.image.tensors import one_thread_each

STEPS = 8


def lesson(size: int, kind: str) -> Lesson:
    """Networks of a size, with pictures of soft noise to learn from."""
    pictures = torch.nn.functional.interpolate(
        torch.rand(64, 3, 8, 8, generator=draw(1)) * 2 - 1, (size, size), mode="bilinear"
    )

    def real(place: int, rng: torch.Generator) -> Tensor:
        return pictures[place]

    critic = critic_of(kind, size, 1)
    losses = HINGE if kind == "projected" else RELATIVISTIC
    return Lesson(Generator(size, 1), Generator(size, 1), critic, LATENT, 64, real, augment, losses)


def timed(step: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor's seconds of a step; one in eight has the penalty."""
    for _ in range(2):
        step()
    wall, cost = time.perf_counter(), time.process_time()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - wall) / STEPS, (time.process_time() - cost) / STEPS


def textbook(told: Lesson, batch: int) -> Callable[[], None]:
    """The step as tutorials write it."""
    maker, critic, losses = told.generator, told.discriminator, told.losses
    made = torch.optim.Adam(maker.parameters(), 2e-3, betas=(0.0, 0.99))
    judged = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.0, 0.99))
    rng, number = draw(1), 0

    def fake() -> Tensor:
        samples: Tensor = maker(torch.randn(batch, LATENT, generator=rng), maker.noise(batch, rng))  # type: ignore[operator]
        return augment(samples, 0.3, rng)

    def step() -> None:
        nonlocal number
        real = augment(torch.stack([told.real(place % 64, rng) for place in range(batch)]), 0.3, rng)
        judged.zero_grad()
        loss = losses.discriminator(critic(real), critic(fake().detach()))
        if losses.penalty and number % 8 == 0:
            loss = loss + penalty(losses, critic, real) + penalty(losses, critic, fake().detach())
        loss.backward()  # type: ignore[no-untyped-call]
        judged.step()
        made.zero_grad()
        losses.generator(critic(real), critic(fake())).backward()  # type: ignore[no-untyped-call]
        made.step()
        number += 1

    return step


def penalty(losses: Losses, critic: torch.nn.Module, samples: Tensor) -> Tensor:
    """R1 or R2, as a part of the loss."""
    samples = samples.requires_grad_()
    logits = torch.stack([one.mean(1).sum() for one in critic(samples)]).mean()
    (slope,) = torch.autograd.grad(logits, samples, create_graph=True)
    return losses.penalty * samples.shape[-1] ** 2 * 4 * slope.square().sum((1, 2, 3)).mean()


def main() -> None:
    """Print the figures."""
    torch.set_num_threads(2)
    print(f"processor: {torch.backends.cpu.get_cpu_capability()}, bfloat16 {'on' if bf16_is_quick() else 'off'}")
    for size, kind in ((64, "projected"), (64, "plain"), (128, "projected")):
        batch = BATCH[size]
        one = Trainer(lesson(size, kind), Pace(batch=batch, bf16=bf16_is_quick()), 1)
        torch.set_flush_denormal(True)
        with one_thread_each() as pool:
            wall, cost = timed(lambda: one.advance(pool))  # noqa: B023
        torch.set_flush_denormal(False)
        slow_wall, slow_cost = timed(textbook(lesson(size, kind), batch))
        print(
            f"{size} px, batch {batch}, {kind}: {1 / wall:.2f} steps/s on the wall, processor {cost * 1000:.0f} ms "
            f"(so {2 / cost:.2f} steps/s on two free cores); textbook {1 / slow_wall:.2f} steps/s, "
            f"{slow_cost * 1000:.0f} ms; ratio {slow_wall / wall:.2f} on the wall, {slow_cost / cost:.2f} of processor",
            flush=True,
        )
    one = Trainer(lesson(128, "plain"), Pace(batch=8), 1)
    latents = torch.randn(64, LATENT, generator=draw(1))
    noise = one.lesson.generator.noise(64, draw(2))  # type: ignore[operator]
    with one_thread_each() as pool:
        wall, cost = timed(lambda: one.samples(latents, noise, pool))
    print(f"64 samples at 128 px: {wall:.2f} s on the wall, {cost:.2f} s of processor, {64 / wall:.0f} samples/s")


if __name__ == "__main__":
    main()
