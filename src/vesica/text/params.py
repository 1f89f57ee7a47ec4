"""What a person can turn on each text engine."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval


@dataclass(frozen=True, slots=True)
class WriteParams:
    """Knobs of the writing partner."""

    form: Annotated[Literal["prose", "title", "poem"], "Next sentences, a title, or rhymed quatrains."] = "prose"
    about: Annotated[str, "What to write about, in any words."] = ""
    sentences: Annotated[int, Interval(ge=1, le=6), "Prose: how many sentences."] = 2
    tries: Annotated[int, Interval(ge=1, le=32), "Prose: how many drafts the best is chosen from."] = 6
    temperature: Annotated[float, Interval(gt=0, le=2), "Prose and title: higher is bolder."] = 0.8
    min_p: Annotated[
        float, Interval(ge=0, le=1), "Prose: what share of the likeliest token's chance a token needs."
    ] = 0.05
    stanzas: Annotated[int, Interval(ge=1, le=6), "Poem: how many quatrains."] = 2
    feet: Annotated[int, Interval(ge=3, le=5), "Poem: iambs in a line; 4 is tetrameter, 5 pentameter."] = 4
    rhyme: Annotated[Literal["ABAB", "AABB", "ABBA"], "Poem: which lines of a quatrain rhyme."] = "ABAB"
    chance: Annotated[float, Interval(ge=0, le=2), "Poem: how freely rhymes and words are drawn."] = 0.7
    drafts: Annotated[int, Interval(ge=1, le=6), "Poem: how many searches each stanza is chosen from."] = 2
