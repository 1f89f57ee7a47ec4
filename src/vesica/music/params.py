"""What a person can turn on each music engine."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

KeyName = Literal[
    "any",
    "C-flat major",
    "G-flat major",
    "D-flat major",
    "A-flat major",
    "E-flat major",
    "B-flat major",
    "F major",
    "C major",
    "G major",
    "D major",
    "A major",
    "E major",
    "B major",
    "F-sharp major",
    "C-sharp major",
    "a-flat minor",
    "e-flat minor",
    "b-flat minor",
    "f minor",
    "c minor",
    "g minor",
    "d minor",
    "a minor",
    "e minor",
    "b minor",
    "f-sharp minor",
    "c-sharp minor",
    "g-sharp minor",
    "d-sharp minor",
    "a-sharp minor",
]
"""Major keys from seven flats to seven sharps, then minor keys likewise."""


@dataclass(frozen=True, slots=True)
class ChoraleParams:
    """Knobs of the chorale."""

    words: Annotated[str, "What it should speak of, in any words; empty: by the seed."] = ""
    key: Annotated[KeyName, "Key; any: by the words, or as the melody has it."] = "any"
    metre: Annotated[Literal["any", "4/4", "3/4"], "Metre of a new tune; a melody keeps its own."] = "any"
    phrases: Annotated[int, Interval(ge=2, le=8), "Phrases of a new tune."] = 4
    tempo: Annotated[int, Interval(ge=0, le=120), "Quarter notes a minute, from 40; 0: by the words or the melody."] = 0
    ornament: Annotated[float, Interval(ge=0, le=1), "Passing notes and suspensions: 0 none, 1 all that fit."] = 0.6
