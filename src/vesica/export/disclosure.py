"""How much of a work's story leaves with it.

all : every act with its knobs, seed, time and remark, names of ingredients; a person's name if it is given once more
summary : who made what, with which models and from what, how much, and by which recipe (knobs and seed); not when, nor
    in which words it was asked for
law : the digital source type alone, as Article 50(2) of the EU's AI Act asks
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from vesica.errors import VesicaError
from vesica.export.facts import IPTC, Action, Facts, Ingredient, source_of_work

if TYPE_CHECKING:
    from vesica.export.authors.credits import Credits
    from vesica.export.certificate import Identity

Level = Literal["all", "summary", "law"]

ALONE = frozenset({IPTC + "digitalCreation", IPTC + "humanEdits"})
"""Source types of what a person made without machines."""

DEEDS = {"human": "wrote or changed it", "imported": "brought it in", "machine": "offered it"}
"""What an author did, where the level lets no more be said."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a file leaves.

    visible : say also in words, where a reader sees it, that machines took part
    signer : a certificate of the person's own and the passphrase of its key; None is the studio's
    """

    disclose: Level = "summary"
    visible: bool = False
    signer: "tuple[Identity, bytes] | None" = None


def disclosed(facts: Facts, level: Level, *, person: str = "") -> Facts:
    """What may leave of ``facts``. ``person`` is the name that a person gives now; no other name leaves."""
    match level:
        case "all":
            acts = (replace(act, name=act.name if act.name == person else "") for act in facts.actions)
            return replace(facts, actions=tuple(acts))
        case "summary":
            bare = tuple(map(_wordless, facts.actions))
            return replace(facts, actions=bare, ingredients=tuple(map(_unnamed, facts.ingredients)))
        case "law":
            if source := source_of_work(facts):
                act = Action("created", "human" if source in ALONE else "program", source=source)
                return Facts("", (act,), complete=False)
            # Nobody knows where it comes from; what it says of itself stays with it.
            parents = [_unnamed(part) for part in facts.ingredients if part.relationship == "parentOf"]
            # The standard wants the word of a file that was opened and saved that this is all.
            whole = facts.complete and len(facts.actions) == 1
            return Facts("", (Action("opened", "human"),), tuple(parents), complete=whole)


def roll(credits_: "Credits", level: Level, *, person: str = "") -> "Credits":
    """What may leave of who made each unit, by the same rules as ``disclosed``."""
    if level == "law":
        raise VesicaError("Who made each unit is more than the law asks; leave out --authors, or disclose more.")
    named = person if level == "all" else ""
    authors = (
        one if one.kind == "machine" or (named and one.who == named) else replace(one, who="a person")
        for one in credits_.authors
    )
    if level == "summary":
        # Neither when, nor in whose words: a remark or a file's name may tell more than a person means to.
        authors = (replace(one, did=DEEDS[one.kind], time="") for one in authors)
    return replace(credits_, authors=tuple(authors))


def _wordless(act: Action) -> Action:
    """An act by its recipe alone: no words of a person's, no time, no name."""
    recipe = {knob: value for knob, value in act.params.items() if knob not in act.words}
    return replace(act, params=recipe, when="", description="", name="")


def _unnamed(part: Ingredient) -> Ingredient:
    """An ingredient by what it is, not by its file's name; what comes with the program keeps its own."""
    if part.shipped:
        return part
    kind = part.media_type.partition("/")[0]
    return replace(
        part, title={"image": "a picture", "text": "a text", "audio": "music", "video": "a video"}.get(kind, "a file")
    )
