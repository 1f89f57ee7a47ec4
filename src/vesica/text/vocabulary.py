"""The words a poem may use: those that are one token of the model, that the dictionary says in one way only, and whose
syllables and stress the spelling rules find too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vesica.text.lexicon import UNSEEMLY, WORN, concrete, singular, stem
from vesica.text.llama_c import LlamaC
from vesica.text.prosody import LETTERS, SMALL, beats, known_words, one_sound, sounds
from vesica.text.scansion import stress, syllables

COMMON = 24_000
"""Tokens of the model that are common; tokens are numbered by how often their training text has them."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words a poem may use; arrays run over them.

    tokens : int [words], the token in the middle of a line
    first : int [words], the token that begins a line with the word, or -1
    fit : bool [2 * 5 + 1, 2, words]: may stand where so many syllables are left, off (0) or on (1) the beat
    size : int [words], syllables
    rhyme : int [words], which rhyme the word has; -1: none, or too slight a word to end a line
    vowel, onset : of the last syllable
    stems : int [words], alike for words of one stem
    vocal : bool [words], begins with a vowel, as ``an`` asks for; ``plural`` names more than one thing
    shows : float [words], how concrete; see ``lexicon.concrete``
    """

    words: tuple[str, ...]
    tokens: NDArray[np.intp]
    first: NDArray[np.intp]
    fit: NDArray[np.bool_]
    size: NDArray[np.int64]
    rhyme: NDArray[np.int64]
    vowel: NDArray[np.str_]
    stems: NDArray[np.int64]
    onset: NDArray[np.str_]
    vocal: Mask
    plural: Mask
    shows: NDArray[np.float64]
    index: Mapping[str, int]


def sure(word: str) -> bool:
    """Whether dictionary and spelling agree on how a word scans."""
    if word in SMALL:
        return bool(sounds(word)) and all(sound.syllables == syllables(word) for sound in sounds(word))
    sound = one_sound(word)
    if not sound or not beats(word) or sound.syllables != syllables(word) or "1" not in sound.stress:
        return False
    return sound.syllables == 1 or sound.stress.index("1") == stress(word)


@cache
def vocabulary(door: LlamaC) -> Vocabulary:
    """The words of this model that a poem may use."""
    known, inner, first = known_words(), dict[str, int](), dict[str, int]()
    for token in range(door.size):
        text = door.piece(token).decode("utf-8", "replace")
        if LETTERS.fullmatch(text[1:].lower()) or text in {"A", "I", " I", " a"}:
            if text[0] == " " and (text[1:].islower() or text == " I") and (token < COMMON or concrete(text[1:]) > 0):
                inner[text[1:].lower()] = token
            elif text[0].isupper() and (text[1:].islower() or len(text) == 1):
                first[text.lower()] = token
    words = [word for word in sorted(inner) if word in known and _wanted(word) and sure(word)]
    fit = np.zeros((11, 2, len(words)), np.bool_)
    names: dict[tuple[str, ...], int] = {}
    rhyme = np.full(len(words), -1)
    for place, word in enumerate(words):
        for way in beats(word):
            # "Into" may lean either way in the dictionary; only the way that the spelling agrees with is used.
            if len(way) > 1 and way[stress(word)] != "+":
                continue
            fit[len(way) :, int(way[0] == "+"), place] = True
        sound = one_sound(word)
        if sound and sound.rhyme and word not in SMALL:
            rhyme[place] = names.setdefault(sound.rhyme, len(names))
    numbers: dict[str, int] = {}
    return Vocabulary(
        tuple(words),
        np.array([inner[word] for word in words], np.intp),
        np.array([first.get(word, -1) for word in words], np.intp),
        fit,
        np.array([syllables(word) for word in words]),
        rhyme,
        np.array([(sounds(word)[0].rhyme or ("",))[0] for word in words]),
        np.array([numbers.setdefault(stem(word), len(numbers)) for word in words]),
        np.array([sounds(word)[0].onset for word in words]),
        np.array([sounds(word)[0].phones[0][0] in "AEIOU" for word in words]),
        np.array([bool(singular(word)) for word in words]),
        np.array([concrete(word) for word in words]),
        {word: place for place, word in enumerate(words)},
    )


def _wanted(word: str) -> bool:
    return word not in WORN and word not in UNSEEMLY and (len(word) > 2 or word in SMALL or word in {"go", "ox"})
