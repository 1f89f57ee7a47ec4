"""Whose voice a poem speaks in: small words that would break its person, its time or its grammar where they stand.

A small model forgets within four lines who is told of and when. These rules of the closed classes hold it to one
speaker, to the past, and to pronouns that have someone to stand for.
"""

from functools import lru_cache

from vesica.text.lexicon import DEEDS, PEOPLE, THINGS, singular
from vesica.text.prosody import SMALL


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PRESENT = _words(
    "is are am has do does will can shall may must i'm i'll i've you're you'll you've he's she's it's we're we'll we've"
    " they're they'll they've don't can't won't isn't aren't that's there's what's let's here today tomorrow"
    " tonight"
)
"""Words of the present; poems are told in the past."""

SPEAKER = _words("i me my mine we us our ours myself")
HEARER = _words("you your yours")
HE, SHE = _words("he him his himself"), _words("she her hers herself")
THEY, IT = _words("they them their theirs"), _words("it its itself")

MEN = _words(
    "man boy father brother son husband widower grandfather uncle fisherman captain smith blacksmith priest groom"
    " waiter king landlord shepherd"
)
WOMEN = _words("woman girl mother sister daughter wife widow grandmother aunt lady bride nurse waitress queen")
MANY = _words("people folk men women children fishermen crowd family sheep")

SUBJECTS = _words("i he she it we they")

POINTING = _words("a an the my your his its our their every")
"""Words that a noun must follow."""

BETWEEN = _words("own few other same most more many")
"""Small words that may stand between those and the noun."""


DEPENDENT = _words("that which who whom whose or than")
"""Words that begin no sentence, as they lean on one before."""

FILLERS = _words("own very such just so only ever too also quite really")
"""Words that a line takes to come out even."""

TURNS = _words("but then until")
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
    if (
        not any(singular(word) for word in said)
        and not said & MANY
        and not any(singular(word) in PEOPLE for word in brief)
    ):
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
