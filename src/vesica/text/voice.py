"""Whose voice a poem speaks in: small words that would break its person, its time or its grammar where they stand.

A small model forgets within four lines who is told of and when. These rules of the closed classes hold it to one
speaker, to the past, and to pronouns that have someone to stand for.
"""

from functools import lru_cache

from vesica.text.lexicon import DEEDS, PEOPLE, THINGS, singular
from vesica.text.prosody import SMALL

PRESENT = frozenset(
    "is are am has do does will can shall may must i'm i'll i've you're you'll you've he's she's it's we're we'll we've"
    " they're they'll they've don't can't won't isn't aren't that's there's what's let's here today tomorrow tonight".split()
)
"""Words of the present; poems are told in the past."""

SPEAKER = frozenset("i me my mine we us our ours myself".split())
HEARER = frozenset("you your yours".split())
HE, SHE = frozenset("he him his himself".split()), frozenset("she her hers herself".split())
THEY, IT = frozenset("they them their theirs".split()), frozenset("it its itself".split())

MEN = frozenset(
    "man boy father brother son husband widower grandfather uncle fisherman captain smith blacksmith priest groom"
    " waiter king landlord shepherd".split()
)
WOMEN = frozenset(
    "woman girl mother sister daughter wife widow grandmother aunt lady bride nurse waitress queen".split()
)
MANY = frozenset("people folk men women children fishermen crowd family sheep".split())

SUBJECTS = frozenset("i he she it we they".split())

POINTING = frozenset("a an the my your his its our their every".split())
"""Words that a noun must follow."""

BETWEEN = frozenset("own few other same most more many".split())
"""Small words that may stand between those and the noun."""


DEPENDENT = frozenset("that which who whom whose or than".split())
"""Words that begin no sentence, as they lean on one before."""

TURNS = frozenset("but then until".split())
"""Words with which a poem turns."""


@lru_cache(4096)
def barred(brief: frozenset[str], said: frozenset[str]) -> frozenset[str]:
    """Small words that may not come next in a poem on ``brief`` (its words) after the words ``said``, in any order."""
    known = brief | said
    people = {one for word in known if (one := word if word in PEOPLE else singular(word)) in PEOPLE}
    out = set(PRESENT)
    if not brief & SPEAKER:
        out |= SPEAKER
    if not brief & HEARER:
        out |= HEARER
    if not people - WOMEN - MANY or (said & SHE and not said & MEN):
        out |= HE
    if not people - MEN - MANY or (said & HE and not said & WOMEN):
        out |= SHE
    if not any(singular(word) for word in said) and not said & MANY and not any(singular(word) in PEOPLE for word in brief):
        out |= THEY
    if not said & THINGS:
        out |= IT
    return frozenset(out)


def follows(before: str) -> frozenset[str]:
    """Small words that may not follow a word."""
    if before in POINTING:
        return SMALL - BETWEEN
    return frozenset({before})


def has_verb(words: list[str]) -> bool:
    """Whether a sentence has a word that may be its verb."""
    helpers = {"was", "were", "had", "did", "could", "would", "should", "might", "been"}
    return any(word in helpers or word in DEEDS or word.endswith("ed") for word in words)
