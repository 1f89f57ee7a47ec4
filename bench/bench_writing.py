"""Verse held to a form: how often lines scan and rhyme, by two checkers, what a poem costs, and how fast the model is.

Run: python bench/bench_writing.py [POEMS]
"""

import sys
import time

from vesica.text.model import needs_logits, open_model
from vesica.text.params import WriteParams
from vesica.text.prosody import fits, known_words, one_sound, rhymes, sounds, words_of
from vesica.text.sampling import Sampling
from vesica.text.scansion import faults, scans, stress, syllables
from vesica.text.stream import written
from vesica.text.write import write

SUBJECTS = (
    "a lighthouse keeper's last winter, when the sea went quiet",
    "my father's hands",
    "the old bookshop at night",
    "spring rain in the city",
    "a blacksmith who forges bells for a village with no church",
    "the moon over a harvest field",
    "two sisters sell their mother's house",
    "jazz in an empty station",
    "bees",
    "the museum guard who paints in secret",
)


def verse(count: int) -> None:
    """Write ``count`` poems of two quatrains and count what keeps the form."""
    lines = by_dictionary = by_spelling = pairs = rhymed = kept = 0
    began = time.process_time()
    for number in range(count):
        poem = write(params=WriteParams(form="poem", about=SUBJECTS[number % len(SUBJECTS)]), seed=number)
        print(f"\n# {SUBJECTS[number % len(SUBJECTS)]}, seed {number}\n\n{poem}\n")
        for stanza in poem.split("\n\n"):
            rows = stanza.split("\n")
            lines += len(rows)
            by_dictionary += sum(fits(words_of(row), 4) for row in rows)
            by_spelling += sum(scans(row, 4) for row in rows)
            ends = [words_of(row)[-1] for row in rows]
            pairs += 2
            rhymed += sum(rhymes(ends[place], ends[place + 2]) for place in (0, 1))
        kept += not faults(poem, feet=4, rhyme="ABAB")
    took = time.process_time() - began
    print(f"lines in metre: {by_dictionary} of {lines} by the dictionary, {by_spelling} by the spelling")
    print(f"rhyme pairs: {rhymed} of {pairs}; poems without fault: {kept} of {count}; {took / count:.1f} CPU-s a poem")


def spelling() -> None:
    """How often the spelling rules agree with the dictionary, over its words of one certain sound."""
    sure = [(word, sound) for word in sorted(known_words())[::7] if word.isalpha() and (sound := one_sound(word))]
    right = [(word, sound) for word, sound in sure if syllables(word) == sound.syllables]
    longer = [(word, sound) for word, sound in right if sound.syllables > 1 and "1" in sound.stress]
    placed = sum(sound.stress[stress(word)] == "1" for word, sound in longer)
    print(f"spelling: syllables right in {len(right) / len(sure):.0%} of {len(sure)} words, stress in")
    print(f"  {placed / len(longer):.0%} of the {len(longer)} longer ones (names are among them)")
    assert all(sounds(word) for word, _ in sure)


def speed() -> None:
    """Tokens a CPU-second: the raw loop of single steps, and eight takes at once."""
    door = needs_logits(open_model()[0], "This bench")
    start = door.tokens("The keeper lit the lamp and looked out to sea.")
    door.clear()
    row = door.read(start, 0)
    began = time.process_time()
    for count in range(64):
        row = door.step([(int(row.argmax()), len(start) + count, 0, True)])[0]
    print(f"raw loop: {64 / (time.process_time() - began):.0f} tokens/CPU-s")
    for takes in (1, 8):
        began = time.process_time()
        drawn = written(door, "The keeper lit the lamp.", Sampling(), seeds=list(range(takes)), tokens=64)
        count = sum(len(door.tokens(text)) for text in drawn)
        print(f"{takes} takes, sampled with DRY and min-p: {count / (time.process_time() - began):.0f} tokens/CPU-s")


if __name__ == "__main__":
    speed()
    spelling()
    verse(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
