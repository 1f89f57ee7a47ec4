"""Broken files that are still well formed: one change of a tree's shape or of what it says, for formats that are trees.

Bytes changed blindly seldom leave XML or JSON that can be read at all, and so never reach what reads its meaning.
"""

import json
from copy import deepcopy
from random import Random
from typing import Any

import atheris
from lxml import etree

TELLING = ("", " ", "0", "-1", "1", "7", "128", "1/3", "0.5", "1e9", "99999999999999999999", "nan", "FG", "C", "start")
TELLING += ("stop", "٣", "é", "A" * 300, "quarter", "P1", "true")


def changed_xml(data: bytes, most: int, seed: int) -> bytes:
    """One change of an XML file, half of the time of its elements; blind where it can't be read. libFuzzer's hook."""
    rng = Random(seed)
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    except (etree.XMLSyntaxError, ValueError):
        return bytes(atheris.Mutate(data, most))
    if rng.random() < 0.3:
        return bytes(atheris.Mutate(data, most))
    for _ in range(rng.choice((1, 1, 2, 4))):
        elements = [one for one in root.iter() if isinstance(one.tag, str)]
        one, other = rng.choice(elements), rng.choice(elements)
        match rng.randrange(6):
            case 0:
                one.text = rng.choice((*TELLING, other.text or ""))
            case 1 if one.attrib:
                one.set(rng.choice(list(one.attrib)), rng.choice(TELLING))
            case 2 if one is not root:
                one.getparent().remove(one)
            case 3:
                other.insert(rng.randint(0, len(other)), deepcopy(one))
            case 4:
                one.tag = other.tag
            case _:
                one.text = str(rng.randint(-200, 200))
    found: bytes = etree.tostring(root)
    return found if len(found) <= most else bytes(atheris.Mutate(data, most))


def changed_json(data: bytes, most: int, seed: int) -> bytes:
    """As ``changed_xml``, of a JSON file's values."""
    rng = Random(seed)
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return bytes(atheris.Mutate(data, most))
    places = _places(root)
    if not places or rng.random() < 0.3:
        return bytes(atheris.Mutate(data, most))
    for _ in range(rng.choice((1, 1, 2, 4))):
        inside, key = rng.choice(places)
        other, name = rng.choice(places)
        # An earlier change may have taken the place away.
        if not (key in inside if isinstance(inside, dict) else key < len(inside)):
            continue
        match rng.randrange(5):
            case 0:
                inside[key] = rng.choice((*TELLING, None, True, [], {}, 0, -1, 1.5, 10**20))
            case 1:
                del inside[key]
            case 2 if isinstance(inside, list):
                inside.insert(key, deepcopy(inside[key]))
            case 3 if name in other if isinstance(other, dict) else name < len(other):
                inside[key] = deepcopy(other[name])
            case _:
                inside[key] = rng.randint(-200, 200)
    found = json.dumps(root).encode()
    return found if len(found) <= most else bytes(atheris.Mutate(data, most))


def _places(root: Any) -> list[tuple[Any, Any]]:
    """Every dictionary or list in ``root`` with each of its keys."""
    found, left = [], [root]
    while left:
        one = left.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        found += [(one, key) for key in keys]
        left += [one[key] for key in keys]
    return found
