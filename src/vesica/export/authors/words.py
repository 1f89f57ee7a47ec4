"""Who wrote each character of a text: stretches, and Markdown Annotations."""

from collections.abc import Iterator

from vesica.authorship import maps
from vesica.export.authors.annotations import Writer, write_annotations
from vesica.export.authors.credits import Author, Credits


def stretches(roll: Credits) -> Iterator[tuple[str, Author]]:
    """The text in order, cut where another turn's characters begin; joined, it is the text."""
    authors, place = roll.by_turn, 0
    if len(roll.map) != len(roll.value):
        raise maps.broken("it is not of this text's length")
    for length, _, changed in roll.map.runs:
        # Of a character both facts are one: it is never altered, only replaced.
        yield roll.value[place : place + length], authors[changed]
        place += length


def annotated(roll: Credits) -> bytes:
    """The text as Markdown with annotations; each turn is a writer of its own, its id the identifier.

    What was brought in from outside stands under ``&``: that a person brought it says nothing of who wrote it.
    """
    writers = {
        author.turn: Writer(author.kind == "human", f"{author.who} {author.did}", author.turn)
        for author in roll.authors
    }
    return write_annotations(
        roll.value, [(len(words), writers[author.turn]) for words, author in stretches(roll)]
    ).encode()
