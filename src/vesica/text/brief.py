"""What a person asks for, cut to what a small model can keep in mind."""

import re

LONGEST = 240
"""Characters of a subject: longer ones lose the model's attention, so their first sentences stand for them."""


def subject(about: str) -> str:
    """The subject in one line: white space made single, first sentences up to ``LONGEST`` characters."""
    text = " ".join(about.split())
    if len(text) <= LONGEST:
        return text
    kept = ""
    for sentence in re.findall(r"[^.!?]+[.!?]*", text[: 4 * LONGEST]):
        if len(kept) + len(sentence) > LONGEST:
            break
        kept += sentence
    return kept.strip() or text[:LONGEST].rsplit(" ", 1)[0]
