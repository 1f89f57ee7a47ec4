"""Digital source types that ask for a mark, and those that a file says of itself."""

import re

from vesica.export.facts import IPTC
from vesica.text.mark import WORDS

BY_MACHINES = frozenset(IPTC + name for name in WORDS)
"""Source types with which the AI Act's Article 50(2) may ask for a mark: machines made the whole or a part."""

_SAID = re.compile(rb"http://cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{1,60})")


def said(data: bytes) -> tuple[str, ...]:
    """The digital source types a file names of itself, in its mark or its credential, whoever wrote them."""
    return tuple(dict.fromkeys(IPTC + name.decode() for name in _SAID.findall(data)))
