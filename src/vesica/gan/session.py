"""A lesson from beginning to end, by time, plateau or hand, kept so that a killed one goes on to the same bytes.

Like the loop it knows nothing of pictures: ``Watch`` tells how good samples are and shows them.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from vesica.errors import Cancelled, VesicaError
from vesica.gan.checkpoint import read, write
from vesica.gan.loop import Told, Trainer
from vesica.image.tensors import one_thread_each
from vesica.work import Progress, Step

KIND = "vesica-gan-checkpoint/1"
KEEP_EVERY = 45.0
"""Seconds from one checkpoint to the next."""

ROW = 25
"""Steps that one row of the log is the mean of."""

FIRST_LOOKS = (20, 60, 150, 300)
LOOK_EVERY = 500
"""Steps after which samples are shown, and, from the first multiple of it on, judged."""

Ended = Literal["time", "plateau", "hand", "steps"]


class Watch(Protocol):
    """What looks on."""

    def quality(self, trainer: Trainer, pool: Executor) -> float:
        """How far samples are from what is learned; smaller is better. It draws nothing that training draws from."""

    def show(self, trainer: Trainer, pool: Executor) -> None:
        """Show samples of now."""

    def plot(self, history: "History") -> None:
        """Show how it goes."""


@dataclass(frozen=True)
class History:
    """What a lesson came to so far.

    rows : means over ``ROW`` steps, in order of ``Told``
    quality : (step, quality) of each judgement
    """

    rows: list[list[float]]
    quality: list[list[float]]

    @property
    def best(self) -> tuple[int, float] | None:
        """The step that was judged best, and how it was."""
        if not self.quality:
            return None
        step, value = min(self.quality, key=lambda row: row[1])
        return int(step), value


class Session:
    """A trainer, the file that it is kept in, and what watches it."""

    def __init__(self, trainer: Trainer, path: Path, settings: dict[str, Any], watch: Watch) -> None:
        """``settings`` : JSON; a checkpoint of other settings is refused."""
        self.trainer, self.watch = trainer, watch
        self.history = History([], [])
        self.spent = 0.0
        self._path, self._settings = path, settings
        self._best: dict[str, Tensor] = {}
        self._waiting: list[Told] = []
        self._stale = 0

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one; ``VesicaError`` where it is damaged or of other settings."""
        if not self._path.is_file():
            return False
        tensors, told = read(self._path, kind=KIND)
        for name, value in self._settings.items():
            if told["settings"].get(name) != value:
                raise VesicaError(
                    f"{self._path.parent.parent} was begun with {name} {told['settings'].get(name)}, not {value}; "
                    "give the same, or begin in another folder with --out."
                )
        try:
            self.trainer.restore(tensors, told["numbers"])
        except (RuntimeError, KeyError, ValueError) as fault:
            raise VesicaError(f"{self._path} is of other networks; begin in another folder with --out.") from fault
        self._best = {name: value for name, value in tensors.items() if name.startswith("best.")}
        self.history = History(told["rows"], told["quality"])
        self._waiting = [Told(*row) for row in told["waiting"]]
        self.spent, self._stale = told["spent"], told["stale"]
        return True

    def keep(self) -> None:
        """Write the checkpoint. Raises ``VesicaError`` where the disk is full; the one before stays then."""
        tensors, numbers = self.trainer.state()
        told = {
            "settings": self._settings,
            "numbers": numbers,
            "rows": self.history.rows,
            "quality": self.history.quality,
            "waiting": [astuple(one) for one in self._waiting],
            "spent": self.spent,
            "stale": self._stale,
        }
        write(self._path, tensors | self._best, told, kind=KIND)

    def run(
        self,
        *,
        minutes: float = math.inf,
        steps: int = 0,
        patience: int = 0,
        progress: Progress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Ended:
        """Train until an end comes, and keep it.

        Parameters
        ----------
        minutes : of training in all, those before a resumption included
        steps : to end after; 0 for no such end
        patience : judgements in a row without a better one after which it ends; 0 for no such end
        progress : called after each step; ``Cancelled`` ends the lesson by hand, and nothing of it is lost
        """
        began, before = clock(), self.spent
        last = began
        ended: Ended | None = None
        with one_thread_each() as pool:
            while ended is None:
                told = self.trainer.advance(pool)
                self._note(told)
                if told.step in FIRST_LOOKS or told.step % LOOK_EVERY == 0:
                    self._look(pool)
                now = clock()
                self.spent = before + now - began
                ended = self._end(minutes, steps, patience)
                try:
                    if progress:
                        progress(self._step(minutes, steps, (now - began) / max(1, told.step)))
                except Cancelled:
                    ended = "hand"
                if ended is None and now - last >= KEEP_EVERY:
                    self.keep()
                    last = clock()
            self._look(pool, judge=True)
        self.keep()
        return ended

    def _note(self, told: Told) -> None:
        if not all(math.isfinite(value) for value in astuple(told)):
            raise VesicaError(
                f"Training lost its way at step {told.step} (its numbers are no numbers any more); "
                "begin in another folder with another --seed."
            )
        self._waiting.append(told)
        if len(self._waiting) == ROW:
            columns = list(zip(*map(astuple, self._waiting), strict=True))
            self.history.rows.append([float(told.step), *(sum(column) / ROW for column in columns[1:])])
            self._waiting = []

    def _look(self, pool: Executor, *, judge: bool = False) -> None:
        step = self.trainer.step
        self.watch.show(self.trainer, pool)
        if (judge or step % LOOK_EVERY == 0) and not (self.history.quality and self.history.quality[-1][0] == step):
            before = self.history.best
            value = self.watch.quality(self.trainer, pool)
            self.history.quality.append([step, value])
            self._stale = 0 if before is None or value < before[1] else self._stale + 1
            if not self._stale:
                self._best = {
                    f"best.{name}": value.clone() for name, value in self.trainer.lesson.average.state_dict().items()
                }
        self.watch.plot(self.history)

    def _end(self, minutes: float, steps: int, patience: int) -> Ended | None:
        if steps and self.trainer.step >= steps:
            return "steps"
        if patience and self._stale >= patience:
            return "plateau"
        return "time" if self.spent >= 60 * minutes else None

    def _step(self, minutes: float, steps: int, pace: float) -> Step:
        done, total = (self.trainer.step, steps) if steps else (round(self.spent), round(60 * minutes))
        told = f"step {self.trainer.step:,}, {sparkline([row[1] for row in self.history.quality])}".rstrip(", ")
        return Step(min(done, total), total, note=told)

    def average(self) -> dict[str, Tensor]:
        """The averaged generator where it was judged best; where it is now if it never was."""
        if self._best:
            return {name.removeprefix("best."): value for name, value in self._best.items()}
        with torch.no_grad():
            return {name: value.clone() for name, value in self.trainer.lesson.average.state_dict().items()}


def sparkline(values: list[float], width: int = 16) -> str:
    """The last values as a row of bars, the lowest the least."""
    shown = values[-width:]
    low, high = min(shown, default=0.0), max(shown, default=0.0)
    return "".join("▁▂▃▄▅▆▇█"[round(7 * (value - low) / (high - low)) if high > low else 0] for value in shown)
