"""Digital source types that ask for a mark, and those that a file says of itself."""

import re

from vesica.export.facts import IPTC, SOURCE_TYPES
from vesica.text.mark import WORDS

BY_MACHINES = frozenset(IPTC + name for name in WORDS)
"""Source types with which the AI Act's Article 50(2) may ask for a mark: machines made the whole or a part."""

_NAMES = sorted((source for source in SOURCE_TYPES if source.startswith(IPTC)), key=len, reverse=True)
# By known names, the longest first: in ID3 the next frame follows without a gap.
_SAID = re.compile("|".join(map(re.escape, _NAMES)).encode())


def said(data: bytes) -> tuple[str, ...]:
    """The digital source types a file names of itself, in its mark or its credential, whoever wrote them."""
    return tuple(dict.fromkeys(source.decode() for source in _SAID.findall(data)))
