"""The language model, through whichever of its two doors can be trusted on this computer."""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from vesica.errors import VesicaError
from vesica.text.llama_c import LlamaC
from vesica.text.llama_server import LlamaServer
from vesica.text.sampling import Sampling
from vesica.text.stream import stream
from vesica.weights.cards import locate

MODEL = "smollm2-135m-instruct"
GOLDEN = ("The lighthouse stood dark above the bay, and nobody had climbed its stair", b"way")
"""Words, and the token with which the bundled model goes on from them: a change in the library's layout shows here."""


Door = LlamaC | LlamaServer
"""A way to a model. Its ``gives`` says what it can do besides writing on: logits, branches, states, grammar."""


def threads() -> int:
    """Threads to run on: what the process was given, or two where there are two."""
    return int(os.environ.get("VESICA_THREADS") or min(2, os.cpu_count() or 1))


@cache
def open_model() -> tuple[Door, str]:
    """The bundled model, and a note where it is not opened through its first door."""
    return open_path(locate(MODEL), threads(), GOLDEN)


def open_path(path: Path, count: int, golden: tuple[str, bytes]) -> tuple[Door, str]:
    """Open the model at ``path``: by the C interface if it passes its test, else by the server interface."""
    try:
        door = LlamaC(path, threads=count)
        if door.trustworthy(*golden):
            return door, ""
        why = "llama.cpp's C interface does not answer as it should"
    except (OSError, AttributeError, StopIteration) as fault:
        why = f"llama.cpp's C interface can't be reached ({fault})"
    return LlamaServer(
        path, threads=count
    ), f"{why}; writing goes on through the server interface, without titles and verse."


def needs_logits(door: Door, what: str) -> LlamaC:
    """The door, if it gives logits. Raises ``VesicaError`` that says what needs them."""
    if isinstance(door, LlamaC):
        return door
    raise VesicaError(f"{what} needs the model's whole distribution, which the {door.name} does not give here.")


def takes(
    door: Door,
    prompt: str,
    how: Sampling,
    *,
    seeds: Sequence[int],
    tokens: int,
    stop: Sequence[str] = (),
    grammar: str = "",
) -> Iterator[tuple[int, str]]:
    """What the model writes after ``prompt`` as (take, piece), a take a seed, through either door.

    The C interface writes all takes in one pass, the server interface one after another.
    """
    if isinstance(door, LlamaC):
        yield from stream(door, prompt, how, seeds=seeds, tokens=tokens, stop=stop, grammar=grammar)
        return
    for take, seed in enumerate(seeds):
        for piece in door.generate(prompt, how, seed=seed, tokens=tokens, stop=stop, grammar=grammar):
            yield take, piece
