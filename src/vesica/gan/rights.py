"""Whose the pictures are that a network learns from: asked once, kept on its card and in all that it makes."""

import re

from vesica.errors import VesicaError, did_you_mean

OWN, PUBLIC_DOMAIN = "own", "public domain"

LICENCES = (
    "CC0-1.0", "PDDL-1.0", "MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0", "OFL-1.1",
    "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later",
    "GFDL-1.2-or-later", "GFDL-1.3-or-later", "LAL-1.2", "LAL-1.3", "ODbL-1.0", "OGL-UK-3.0", "Unlicense", "WTFPL",
    *(f"CC-{kind}-{version}" for kind in ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")
      for version in ("1.0", "2.0", "2.5", "3.0", "4.0")),
)  # fmt: skip
"""SPDX identifiers under which pictures are published; anything else can be said with ``other:``."""

MOST = 300
"""Characters of what is said in other words."""


def read_rights(told: str) -> str:
    """The answer as it is kept: ``own``, ``public domain``, an SPDX identifier, or ``other: `` and words.

    Raises ``VesicaError`` where it is none of these; it says what can be answered.
    """
    words = " ".join(told.split())
    plain = words.lower().replace("-", " ")
    if plain in (OWN, "mine"):
        return OWN
    if plain == PUBLIC_DOMAIN:
        return PUBLIC_DOMAIN
    if other := re.fullmatch(r"other\s*:\s*(.+)", words, re.I):
        if len(other[1]) > MOST or not other[1].isprintable():
            raise VesicaError(f"What you say of the rights has up to {MOST} characters on one line; shorten it.")
        return f"other: {other[1]}"
    known = {name.lower(): name for name in LICENCES}
    if words.lower() in known:
        return known[words.lower()]
    hint = did_you_mean(words, LICENCES, "say own, public domain, an SPDX name such as CC-BY-4.0, or 'other: words'.")
    raise VesicaError(f"Whose the pictures are can't be read from {words[:60]!r}; {hint}")


def limits(rights: str) -> str:
    """What the answer asks of whoever uses the model, one sentence; no advice of law."""
    if rights == OWN:
        return "The pictures are the own work of whoever trained it."
    if rights == PUBLIC_DOMAIN:
        return "The pictures are in the public domain, as whoever trained it says."
    if rights.startswith("other: "):
        return f"Of the pictures' rights whoever trained it says: {rights.removeprefix('other: ').rstrip('.')}."
    asks = [
        words
        for mark, words in (("-NC", "no commercial use"), ("-ND", "no changed copies"), ("-SA", "the same licence"))
        if mark in rights
    ]
    if "BY" in rights:
        asks.insert(0, "that their makers are named")
    return f"The pictures are under {rights}" + (f", which asks for {' and '.join(asks)}." if asks else ".")
