"""A poem, stanza by stanza: many drafts of each, judged as a reader would, who has not seen how they were made."""

from collections.abc import Callable, Sequence

import numpy as np

from vesica.errors import VesicaError
from vesica.text.lexicon import stem
from vesica.text.likelihood import each_likelihood
from vesica.text.llama_c import LlamaC
from vesica.text.params import WriteParams
from vesica.text.prosody import SMALL, words_of
from vesica.text.quatrains import nearest
from vesica.text.sampling import log_softmax
from vesica.text.verse import Draft, Row, Verse
from vesica.text.vocabulary import vocabulary
from vesica.text.voice import FILLERS, has_verb
from vesica.weights.minilm import embed

PULL = 0.6
"""How much of its information about the subject is added to a word's log-probability, in a line."""

SHOW = 0.35
"""What a word is worth that shows something; see ``lexicon.concrete``."""

OWN = 0.8
"""What a word of the subject itself is worth, which a poem says once."""

FILL = 2.0
"""What it costs to fill a line up."""

FINAL = 8
"""Stanzas judged with care."""

KEPT = 2
"""Stanzas that the next one may go on from."""

FRAMES = ("The", "And", "The old", "Upon the", "There was a", "It was", "Beneath the", "They")
"""Beginnings after which the subject shows in what may come next."""

ELSEWHERE = "something"


def heading(about: str) -> str:
    """The line over a poem."""
    return f"About {about}"


def pull_of(door: LlamaC, shown: Sequence[int], about: str) -> tuple[list[int], Row]:
    """What the model reads before a poem, held in sequence 0 but for its last token; the pull of the subject.

    The pull [words] is how much likelier the subject makes each word (mean pointwise mutual information in nats, from
    -1 to 3, times ``PULL``), and what it is worth that the word shows something.
    """
    words = vocabulary(door)
    door.clear()
    door.read(shown, 0)
    rows = []
    for subject in (ELSEWHERE, about):
        # Line ends one by one, as they stand before letters; at the end of a text two would be one token.
        tail = door.tokens(heading(subject)) + 2 * door.tokens("\n")
        door.drop(0, after=len(shown))
        door.read(tail, 0, at=len(shown))
        items, at = [], len(shown) + len(tail)
        for text, frame in enumerate(FRAMES, 1):
            door.copy(0, text)
            tokens = door.tokens(frame)
            items += [(token, at + i, text, i == len(tokens) - 1) for i, token in enumerate(tokens)]
        rows.append(log_softmax(door.step(items))[:, words.tokens])
    for text in range(1, len(FRAMES) + 1):
        door.drop(text)
    door.drop(0, after=at - 1)
    pull: Row = PULL * np.clip((rows[1] - rows[0]).mean(axis=0), -1, 3) + SHOW * words.shows
    told = [stem(word.lower()) for word in words_of(about)]
    pull[[stem(word) in told for word in words.words]] += OWN
    pull[[word in SMALL for word in words.words]] = 0
    pull[[word in FILLERS for word in words.words]] = -FILL
    return [*shown, *tail], pull


def poem(
    door: LlamaC,
    about: str,
    params: WriteParams,
    *,
    seed: int,
    listen: Callable[[int, str], None] = lambda *_: None,
) -> str:
    """A poem of quatrains about a subject. ``listen`` hears how many words were tried, and the best lines so far."""
    examples = "".join(f"{heading(told)}\n\n{quatrain}\n\n\n" for told, quatrain in nearest(about, params.feet))
    listen(0, "")
    vocabulary(door)
    shown_, heard = door.tokens(examples), 0
    for attempt in range(4):
        listen(heard, "")
        start, pull = pull_of(door, shown_, about)
        listen(heard, "")
        search = Verse(
            door,
            start,
            about=about,
            feet=params.feet,
            rhyme=params.rhyme,
            chance=params.chance,
            slack=1.5 * attempt,
            seed=seed + (attempt << 32),
            pull=pull,
        )
        drafts = [search.start]
        for number in range(params.stanzas):
            last = number == params.stanzas - 1
            for stage in search.stanza(drafts, searches=params.drafts, last=last and number > 0):
                drafts, heard = stage, heard + 1
                if not drafts:
                    break
                listen(heard, shown([*drafts[0].lines, drafts[0].line], params.rhyme))
            drafts = judged(door, drafts, about, len(params.rhyme))[:KEPT]
        if drafts:
            return shown(drafts[0].lines, params.rhyme)
    raise VesicaError("No poem of this form was found; try another seed or more chance.")


def judged(door: LlamaC, drafts: Sequence[Draft], about: str, size: int) -> list[Draft]:
    """Finished drafts, the best first: those whose last ``size`` lines read best without any pressure of form.

    A stanza is worth its mean log-probability after its subject alone, and more so its worst word and the worst word
    that rhyme forced; what it says of the subject; nearness in sense to the subject; and that each sentence has a verb.
    """
    drafts = sorted(drafts, key=lambda draft: -draft.worth)[:FINAL]
    if not drafts:
        return []
    texts = ["\n".join(draft.lines[-size:]) for draft in drafts]
    readings: dict[str, Row] = {}
    for before in sorted({draft.lines[:-size] for draft in drafts}):
        told = "".join(f"{part}\n\n" for part in (about, "\n".join(before)) if part)
        mine = [text for text, draft in zip(texts, drafts, strict=True) if draft.lines[:-size] == before]
        found = each_likelihood(door, door.tokens(told), [door.tokens(f"{text}\n") for text in mine])
        readings |= zip(mine, found, strict=True)
    rows = embed([about, *texts, *(line for draft in drafts for line in draft.lines[-size:])]).astype(np.float64)
    near = rows[1 : len(texts) + 1] @ rows[0]
    lines = rows[len(texts) + 1 :].reshape(len(texts), size, -1)
    worth = []
    for place, draft in enumerate(drafts):
        reading = readings[texts[place]]
        alike = np.triu(lines[place] @ lines[place].T, 1).max()
        sentences = [words_of(part.lower()) for part in " ".join(draft.lines[-size:]).replace(";", ".").split(".")]
        dumb = sum(not has_verb(words) for words in sentences if words)
        worth.append(
            reading.mean() * 2
            + 0.25 * np.sort(reading)[:3].mean()
            + 0.3 * draft.forced
            + 0.05 * draft.worth
            + 4.0 * near[place]
            - 2.0 * max(0.0, alike - 0.7)
            - 1.5 * dumb
        )
    order = np.argsort(-np.round(worth, 4), kind="stable")
    return [drafts[place] for place in order]


def shown(lines: Sequence[str], rhyme: str) -> str:
    """Lines as stanzas, with an empty line between."""
    size = len(rhyme)
    return "\n\n".join("\n".join(lines[at : at + size]) for at in range(0, len(lines), size)).strip()
