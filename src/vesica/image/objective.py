"""What a dream looks for, as a person writes it: ``e9``, ``b8 + e11``, ``0.5*e9:123 - 0.2*b4``, ``lighthouse``.

A wish is a sum of terms, each with a weight. A term is a layer of the network (``e9``), one channel of it (``e9:123``),
one unit (``e9:123@0.5,0.25``: the channel at half the width and a quarter of the height), or a thing by its name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vesica.errors import VesicaError, did_you_mean
from vesica.weights.efficientnet_lite import LAYERS, channels_of
from vesica.weights.imagenet import classes_called, nearest_names

MOST_TERMS = 16
"""Terms of a wish; each costs a look through the network at every scale."""

_NUMBER = r"\d{1,4}(?:\.\d{0,4})?|\.\d{1,4}"
_WEIGHT = re.compile(rf"({_NUMBER})\s*\*\s*")
_MAP = re.compile(
    rf"([a-z]+\d+)(?:\s*:\s*(\d{{1,6}})(?:\s*@\s*({_NUMBER})\s*,\s*({_NUMBER}))?)?(?=\s*(?:[+-]|$))", re.I
)
_THING = re.compile(r"[^+*:@]+?(?=\s*\+|\s+-|\s*$)")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to be looked for, or to be avoided where ``weight`` is negative.

    layer : its map; empty for a class
    channel : of the layer; None for all of them
    place : of one unit, right and down as shares of the picture; None for everywhere
    label : number of an ImageNet class, or None
    """

    weight: float
    layer: str = ""
    channel: int | None = None
    place: tuple[float, float] | None = None
    label: int | None = None


def parse_objective(text: str) -> tuple[Term, ...]:
    """Read a wish; terms that are the same are added up. Raises ``VesicaError`` naming what there is."""
    added: dict[Term, float] = {}
    for weight, term in _terms(text):
        added[term] = added.get(term, 0.0) + weight
    terms = tuple(
        Term(weight, term.layer, term.channel, term.place, term.label) for term, weight in added.items() if weight
    )
    if not terms:
        raise VesicaError(f"What {text[:60]!r} looks for adds up to nothing; give a term more weight.")
    if len(terms) > MOST_TERMS:
        raise VesicaError(f"A dream looks for up to {MOST_TERMS} things at once; this wish has {len(terms)}.")
    return terms


def _terms(text: str) -> Iterator[tuple[float, Term]]:
    """Weight and weightless term, in order."""
    place, sign, rest = 0, 1.0, text.strip()
    if rest[:1] in ("+", "-"):
        sign, place = (1.0 if rest[0] == "+" else -1.0), 1
    while True:
        place = _skip(rest, place)
        weight = 1.0
        if found := _WEIGHT.match(rest, place):
            weight, place = float(found[1]), found.end()
        if found := _MAP.match(rest, place):
            term = _map(found)
        elif found := _THING.match(rest, place):
            term = _thing(found[0].strip())
        else:
            raise _unknown_layer(rest[place:].strip())
        yield sign * weight, term
        place = _skip(rest, found.end())
        if place == len(rest):
            return
        if rest[place] not in "+-":
            raise VesicaError(
                f"{rest[place:][:60]!r} can't be read; join terms by plus or minus, as in 0.5*e9:123 - 0.2*b4."
            )
        sign, place = (1.0 if rest[place] == "+" else -1.0), place + 1


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _map(found: re.Match[str]) -> Term:
    layer = found[1].lower()
    if layer not in LAYERS:
        raise _unknown_layer(layer)
    channel = None if found[2] is None else int(found[2])
    if channel is not None and channel >= channels_of(layer):
        raise VesicaError(
            f"{layer} has channels 0 to {channels_of(layer) - 1}; {channel} is not among them. "
            f"See them with 'vesica atlas {layer}'."
        )
    if found[3] is None:
        return Term(1.0, layer, channel)
    place = float(found[3]), float(found[4])
    if max(place) > 1:
        raise VesicaError(f"A unit's place runs from 0,0 (top left) to 1,1 (bottom right); {found[0][:60]!r} is not.")
    return Term(1.0, layer, channel, place)


def _unknown_layer(name: str) -> VesicaError:
    hint = did_you_mean(name, LAYERS, "")
    return VesicaError(
        f"There is no layer {name[:60]!r}; {hint + ' Or ' if hint else ''}choose among b0 to b15 (outputs), "
        "e1 to e15 (animals and textures) and d0 to d15, several joined by a plus, or name a thing: lighthouse."
    )


def _thing(name: str) -> Term:
    labels = classes_called(name)
    if len(labels) == 1:
        return Term(1.0, label=next(iter(labels)))
    if labels:
        raise VesicaError(f"{name[:60]!r} may be {' or '.join(map(repr, labels.values()))}; say which.")
    near = " or ".join(nearest_names(name))
    raise VesicaError(
        f"The network knows nothing called {name[:60]!r}; {f'did you mean {near}? Or ' if near else ''}"
        "choose among the layers b0 to b15, e1 to e15 and d0 to d15 and the 1,000 things of 'vesica atlas things'."
    )
