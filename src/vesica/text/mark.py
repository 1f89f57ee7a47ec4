"""How a text says that machines took part, and how that is taken out when a person brings their text back.

Markdown says it in front matter (YAML between two lines of ``---``); any text may say it in words, as its last line.
"""

import re

NAME = "DigitalSourceType"
"""The property's name in IPTC's vocabulary, in every format alike."""

WORDS = {
    "trainedAlgorithmicMedia": "Made by artificial intelligence.",
    "compositeWithTrainedAlgorithmicMedia": "Made in part by artificial intelligence.",
    "algorithmicMedia": "Made by a program of rules.",
    "composite": "Made in part by a program of rules.",
}
"""What a reader is told of each digital source type with which machines took part."""

_LINE = re.compile(rf"{NAME}: http://cv\.iptc\.org/newscodes/digitalsourcetype/\w+\n")
_ENDS = tuple(f"\n\n{words}\n" for words in WORDS.values())


def with_front_matter(text: str, source: str) -> str:
    """``text`` with ``source`` in its front matter, which is begun if there is none; a mark that is there stays."""
    if without_mark(text) != text:
        return text
    line = f"{NAME}: {source}\n"
    if text.startswith("---\n") and "\n---\n" in text[3:]:
        return f"---\n{line}{text[4:]}"
    return f"---\n{line}---\n\n{text}"


def with_last_line(text: str, words: str) -> str:
    """``text`` with ``words`` as a paragraph of their own behind it."""
    return text.rstrip("\n") + f"\n\n{words}\n"


def without_mark(text: str) -> str:
    """``text`` as it was before either mark; what a person wrote stays, also around them."""
    if text.startswith("---\n") and (line := _LINE.match(text, 4)):
        rest = text[line.end() :]
        text = rest.removeprefix("---\n\n") if rest.startswith("---\n\n") else "---\n" + rest
    for end in _ENDS:
        if text.endswith((end, end[:-1])):
            text = text[: text.rindex(end[:-1])] + "\n"
    return text
