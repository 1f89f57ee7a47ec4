"""What a person asks for, cut to what a small model can keep in mind."""

import re

from vesica.text.model import Door, takes
from vesica.text.quatrains import QUATRAINS
from vesica.text.sampling import Sampling

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


def own_subject(door: Door, *, seed: int) -> str:
    """A subject that the model finds for itself, where the person named none."""
    shown = "".join(f"- {about}\n" for about, _ in QUATRAINS[4])
    grammar = 'root ::= (" " [a-z]+){3,7} "\\n"'
    pieces = takes(
        door, f"Things to write about:\n{shown}-", Sampling(), seeds=[seed], tokens=14, stop=["\n"], grammar=grammar
    )
    return "".join(piece for _, piece in pieces).strip()
