"""The 1,000 classes of ImageNet (ILSVRC 2012) by their names: the synonyms that WordNet gives each."""

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def class_names() -> tuple[tuple[str, ...], ...]:
    """Names of every class, in the network's order; the first is how we call it, and no other class is called so."""
    text = files("vesica.weights").joinpath("efficientnet_lite0", "classes.txt").read_text("utf-8")
    return tuple(tuple(line.split(", ")) for line in text.splitlines())


def classes_called(name: str) -> Mapping[int, str]:
    """Number and first name of the classes with that name; upper and lower case are one.

    Where it is the first name of a class, no other class is meant.
    """
    wanted = " ".join(name.lower().replace("_", " ").split())
    named = {
        number: names[0] for number, names in enumerate(class_names()) if wanted in (other.lower() for other in names)
    }
    first = {number: name for number, name in named.items() if name.lower() == wanted}
    return first or named


def nearest_names(name: str, count: int = 3) -> tuple[str, ...]:
    """Names of classes to offer for an unknown one: those with a word in common, then those of like spelling."""
    wanted = " ".join(name.lower().split())[:100]
    every = {other.lower(): other for names in class_names() for other in names}
    shared = [other for other in every if set(wanted.split()) & set(other.replace("-", " ").split())]
    spelt = difflib.get_close_matches(wanted, every, n=count, cutoff=0.6)
    typo = difflib.get_close_matches(wanted, every, n=1, cutoff=0.85)
    return tuple(every[other] for other in dict.fromkeys((*typo, *sorted(shared, key=len), *spelt)))[:count]
