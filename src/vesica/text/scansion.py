"""Scansion from spelling alone: the second opinion on a line, which shares no table with the dictionary.

Syllables are vowel groups with the silent letters of English taken out; stress follows from prefixes and endings
(after Chomsky and Halle's main stress rule, 1968, much simplified). It finds the syllables of
more than nine words in ten and the stress of three in four (``bench/bench_writing.py``); where it is wrong, it is wrong
for other reasons than a dictionary is.
"""

import re
from functools import lru_cache

from vesica.text.prosody import LIGHT, SMALL, fits, rhymes, sounds, words_of

_PREFIX = re.compile(
    r"^(?:trans|fore|com|con|dis|mis|per|pre|pro|sub|sur|with|for|be|de|em|en|ex|im|in|ob|re|se|to|un|up|a)(?=[a-z]*[aeiouy])"
)
_OWN_STRESS = re.compile(r"^(?:in|on|un)?to$|^upon$|^until$|(?:ee|eer|ese|ette|esque|oon|ique)$")
_BEFORE = re.compile(r"(?:[tsc]ion|[tsc]ious|[tc]ial|cian|ian|ic|ics|ical|ity|ify|ions|ience|ient|iance|ual)$")
_ENDINGS = re.compile(r"(?:ing|ings|ed|er|ers|est|ly|ness|less|ful|es|s|'s|ment|ments|en|y|or|ors|ish|ship|hood|dom)$")


def syllables(word: str) -> int:
    """How many syllables a word has, by its spelling."""
    return len(_groups(_bare(word)))


def _bare(word: str) -> str:
    return re.sub(r"[^a-z']", "", word.lower().replace("’", "'"))


@lru_cache(65536)
def _groups(word: str) -> tuple[str, ...]:
    """The vowel groups that sound."""
    text = re.sub(r"n't$", "ent" if len(word) > 3 and word[-4] in "dst" else "nt", word)
    text = re.sub(r"'(?:s|m|d|ll|ve|re)$", "es" if re.search(r"(?:[sxz]|[cs]h|[cg]e)'s$", text) else "", text)
    text = re.sub(r"qu", "qw", text)
    text = re.sub(r"(?<=[^aeiouy])(?<![tdaeiouy])ed$", "d", text)  # walked, not waited
    text = re.sub(r"(?<=[aeiouy])ed$", "d", text) if not re.search(r"[aeiou]ied$|eed$|[iu]ed$", text) else text
    text = re.sub(r"(?<![sxzcg])(?<!ch)(?<!sh)(?<!l)es$", "s", text)  # waves, not roses
    text = re.sub(r"(?<=[aeiouyr])les$|(?<=[aeiouw])les$", "ls", text)
    text = re.sub(r"(?<=[^aeiouy])e(?=(?:ly|ness|less|ful|ment|ments|some)$)", "", text)
    text = re.sub(r"(?<=[aeiouy][bcdfgklmnprstvz])e(?=(?:light|house|time|land|stone|wood|bell|work)s?$)", "", text)
    if not re.search(r"[^aeiouyrlw]le$", text):
        text = re.sub(r"(?<=[a-z])(?<![aeiouy])e$", "", text) if re.search(r"[aeiouy].*e$", text) else text
    text = re.sub(r"(?<=[aeiouy])e$", "", text) if re.search(r"(?:ue|oe|ie|ye|ee)$", text) and len(text) > 2 else text
    text = re.sub(r"(?<=[tsc])io(?=n|us)|(?<=[tc])ia(?=l|n)|(?<=[tc])ie(?=nt|nce)", "o", text)
    text = re.sub(
        r"i(?=a|o|um|ence|ent|et)|u(?=al|ous|ate|it[ey])|(?<!p)e(?=o(?!u)|ate)|(?<=[a-z])y(?=ing|a|e)", r"i.", text
    )
    text = re.sub(r"(?<=[aeouy])(?=ing)", ".", text)
    text = re.sub(r"^y(?=[aeiou])|(?<=[aeiou])y(?=[aeiou])", "j", text)
    return tuple(re.findall(r"[aeiouy]+", text)) or ("",)


def stress(word: str) -> int:
    """Which syllable of a word is stressed, from 0."""
    bare = _bare(word)
    count = syllables(bare)
    if count == 1:
        return 0
    if _OWN_STRESS.search(bare):
        return count - 1
    if found := _BEFORE.search(bare):
        return max(0, count - len(_groups(found.group())) - 1)
    if (found := _ENDINGS.search(bare)) and len(stem := bare[: found.start()]) > 2:
        for root in (stem + "e", stem):
            if 0 < syllables(root) < count or (syllables(root) == count and found.group() in {"s", "es", "ed", "'s"}):
                return stress(root)
    if found := _PREFIX.search(bare):
        before = len(_groups(found.group()))
        if before < count and count <= 3 and len(bare) - found.end() > 2:
            return before
    return 0 if count <= 3 else count - 3


def scans(line: str, feet: int) -> bool:
    """Whether a line is ``feet`` iambs by spelling alone: as long as that, and no stress of a word off the beat."""
    place = 0
    for word in words_of(line):
        small, count = word.lower().replace("’", "'"), syllables(word)
        if count > 1 and (place + stress(word)) % 2 == 0:
            return False
        if count == 1 and place % 2 == (1 if small in LIGHT else 0) and (small in LIGHT or small not in SMALL):
            return False
        place += count
    return place == 2 * feet


def faults(poem: str, *, feet: int, rhyme: str) -> list[str]:
    """What is wrong with a poem's form, one sentence each; none for a poem that keeps it.

    Each line is held against the dictionary and against the spelling rules. Words outside the dictionary are named
    apart: about those only the rules speak.
    """
    found = []
    for number, stanza in enumerate(poem.strip().split("\n\n"), 1):
        lines = stanza.split("\n")
        if len(lines) != len(rhyme):
            found.append(f"Stanza {number} has {len(lines)} lines, not {len(rhyme)}.")
            continue
        for line in lines:
            words = words_of(line)
            if strange := [word for word in words if not sounds(word)]:
                found.append(f"Not in the dictionary: {', '.join(strange)}.")
            elif not fits(words, feet):
                found.append(f"Not {feet} iambs by the dictionary: {line}")
            if not scans(line, feet):
                found.append(f"Not {feet} iambs by the spelling: {line}")
        for sound in sorted(set(rhyme)):
            first, second = (words_of(line)[-1] for line, mark in zip(lines, rhyme, strict=True) if mark == sound)
            if not rhymes(first, second):
                found.append(f"No rhyme in stanza {number}: {first}, {second}.")
    return found
