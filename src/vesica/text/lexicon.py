"""Words by what they are: things and people, qualities and deeds, and those that a text does better without."""

from vesica.text.prosody import word_list

STUFF = word_list("stuff")
"""Things that are not counted."""

THINGS = word_list("things") | STUFF
"""What can be seen, heard, touched or smelt."""

PEOPLE = word_list("people")

NAMED = THINGS | PEOPLE

QUALITIES = word_list("qualities")

DEEDS = word_list("deeds") | word_list("rests") | word_list("takes")
"""Verbs in the past tense."""

RESTS, TAKES = word_list("rests"), word_list("takes")
"""Of these, verbs that need no object, and verbs that ask for one."""

ABSTRACT = word_list("abstract")

WORN = word_list("worn")
"""Words that verse, and this model's verse most of all, has worn out."""

UNSEEMLY = word_list("unseemly")
"""Words that no poem on a wall should come upon by chance."""

AIRY = ("tion", "sion", "ness", "ity", "ment", "ance", "ence", "ism", "ship", "hood", "dom", "tude", "logy", "ally")
"""Endings of words that name nothing to be seen."""


def stem(word: str) -> str:
    """A word without its commonest endings, so that ``wave`` and ``waves`` count as one."""
    for ending in ("ings", "ing", "ers", "er", "ies", "ied", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word[: -len(ending)]
            return root[:-1] if len(root) > 3 and root[-1] == root[-2] else root
    return word


def singular(word: str) -> str:
    """The thing or person that a word names more than one of; "" for any other word."""
    for end, back in (("ves", "f"), ("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(end) and (one := word.removesuffix(end) + back) in NAMED:
            return one
    return ""


def concrete(word: str) -> float:
    """How much a word shows: 1 for a thing or a person, half for a quality or deed, -1 for an abstraction, else 0."""
    if word in NAMED or singular(word):
        return 1.0
    if word in QUALITIES or word in DEEDS:
        return 0.5
    return -1.0 if word in ABSTRACT or word.endswith(AIRY) else 0.0
