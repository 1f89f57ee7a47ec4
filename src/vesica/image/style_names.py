"""The styles there are: finding one by name or words, and reading which ones a person wishes for.

A style is named by its card, a small file (see ``style_cards.py``). Ours come with the package; a person's own lie in
a folder of theirs. This module reads only the cards' headers, so that naming costs no network.
"""

import json
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import sha256
from math import isfinite
from pathlib import Path

from vesica.errors import VesicaError, did_you_mean
from vesica.work import Source

KIND = "vesica style card 1"
"""What a card's header says it is; raised with the layout."""

TYPE = "application/octet-stream"
"""Media type of a card: safetensors have none of their own."""

LONGEST_HEADER = 1_000_000

SHIPPED = Path(__file__).parent / "styles"

SHEET = SHIPPED / "sheet.webp"
"""One picture painted in every shipped style, in the order of their names."""

THUMB = (144, 96, 10)
"""Width and height in pixels of one style on the sheet, and how many stand in a row."""

KEPT = "keep"
"""The region's name for leaving the picture as it is."""

PAINTINGS = ("painting", "painting2", "painting3", "painting4")
"""Names by which a wish weighs pictures that were brought as inputs."""

LEAST_LIKE = 0.3
"""Cosine of two embeddings below which words speak of no style."""

EMPTY_WORDS = {
    *("a", "an", "and", "as", "at", "by", "in", "into", "it", "like", "manner", "of", "on"),
    *("paint", "painted", "painting", "s", "style", "the", "way", "with"),
}


@dataclass(frozen=True, slots=True)
class Label:
    """What a card's header says: whose style it is, and of which network's maps its statistics are."""

    name: str
    title: str
    artist: str
    year: str
    rights: str
    network: str
    path: Path

    @property
    def digest(self) -> str:
        """SHA-256 of the card's bytes, 64 hex digits."""
        return sha256(self.path.read_bytes()).hexdigest()

    @property
    def line(self) -> str:
        """For people: title, artist, year."""
        return ", ".join(part for part in (self.title, self.artist, self.year) if part)


@dataclass(frozen=True, slots=True)
class Wish:
    """A style that is wished for: a card's name or one of ``PAINTINGS``, how much, and the card's digest if told."""

    name: str
    weight: float = 1.0
    digest: str = ""


def own_folder() -> Path:
    """Where a person's own cards lie: ``$VESICA_STYLES``, else the system's place for data."""
    if chosen := os.environ.get("VESICA_STYLES"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_dir

    return Path(user_data_dir("vesica", appauthor=False)).absolute() / "styles"


def labels() -> Mapping[str, Label]:
    """All cards by name, a person's own first; files that are no cards are passed over."""
    found = {}
    for folder in (SHIPPED, own_folder()):
        for path in sorted(folder.glob("*.safetensors")):
            try:
                found[path.stem] = read_label(path)
            except VesicaError:
                continue
    return dict(sorted(found.items(), key=lambda item: item[1].path.parent == SHIPPED))


def read_label(path: Path) -> Label:
    """The header of one card. Raises ``VesicaError`` where the file is none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            told = json.loads(file.read(length)) if length <= LONGEST_HEADER else {}
        said = told["__metadata__"]
        if said["kind"] != KIND:
            raise KeyError("kind")
        about = {key: str(said[key]) for key in ("title", "artist", "year", "rights", "network")}
        return Label(name=path.stem, path=path, **about)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise VesicaError(f"{path.name} is no style card; make one with 'vesica styles add PICTURE'.") from fault


def parse_styles(text: str) -> tuple[tuple[Wish, ...], ...]:
    """Regions, each with its styles, of ``"great_wave:2, starry_night | keep"``; names or words, weights if not 1.

    A region that is to be left as it is has no styles. Raises ``VesicaError`` naming the nearest where one is unknown.
    """
    regions = []
    for part in text.split("|"):
        wishes = tuple(_wish(item) for item in part.split(",") if item.strip())
        if not wishes and "|" in text:
            raise VesicaError(
                f"A region in {text[:60]!r} names no style; name one, or say {KEPT!r} to leave it as it is."
            )
        kept = [wish for wish in wishes if wish.name == KEPT]
        if kept and len(wishes) > 1:
            raise VesicaError(f"{KEPT!r} leaves a region as it is and can't be mixed with styles; take it out.")
        regions.append(() if kept else wishes)
    return tuple(regions) if any(regions) else ((),)


def written(regions: tuple[tuple[Wish, ...], ...]) -> str:
    """The text that ``parse_styles`` reads back to these regions."""
    if regions == ((),):
        return ""
    return " | ".join(
        ", ".join(
            wish.name + (f"@{wish.digest}" if wish.digest else "") + (f":{wish.weight:g}" if wish.weight != 1 else "")
            for wish in region
        )
        or KEPT
        for region in regions
    )


def settled(params: Mapping[str, object]) -> dict[str, object]:
    """Params in which every style stands by its card's name and digest, so that a replay knows if a card changed."""
    known = labels()
    regions = tuple(
        tuple(
            wish
            if wish.digest or wish.name not in known
            else Wish(wish.name, wish.weight, known[wish.name].digest[:16])
            for wish in region
        )
        for region in parse_styles(str(params["style"]))
    )
    return {**params, "style": written(regions)}


def sources(params: Mapping[str, object]) -> tuple[Source, ...]:
    """The cards that went into a take, by its params as ``settled`` wrote them.

    A card that is gone, or is another by now, is told by its name alone.
    """
    known = labels()
    told = [_told(item) for item in re.split(r"[|,]", str(params.get("style", ""))) if item.strip()]
    wishes = {wish.name: wish for wish in told if wish.name != KEPT and wish.name not in PAINTINGS}
    found = []
    for name, wish in wishes.items():
        label = known.get(name)
        if label and wish.digest and label.digest.startswith(wish.digest):
            found.append(Source(label.line, TYPE, label.digest, label.rights, label.path.parent == SHIPPED))
        else:
            found.append(Source(f"the style {name}", TYPE))
    return tuple(found)


def named(text: str) -> str:
    """A name for a card of one's own. Raises ``VesicaError`` where a text gives none, or one that means something."""
    name = "_".join(_tokens(text))[:60]
    if not name or name == KEPT or name in PAINTINGS:
        raise VesicaError(f"{text[:60]!r} can't be a style's name; choose another with --name.")
    return name


def _wish(item: str) -> Wish:
    """A wish out of text, whose name is a card's; ``VesicaError`` where there is no such card."""
    told = _told(item)
    if told.name == KEPT or told.name in PAINTINGS:
        return Wish(told.name, told.weight)
    return replace(told, name=find(told.name).name)


def _told(item: str) -> Wish:
    """A wish as it is written: ``name``, ``name:weight``, ``name@digest:weight``."""
    name, colon, told = item.strip().rpartition(":")
    if not colon:
        name, told = told, "1"
    try:
        weight = float(told)
    except ValueError:
        weight = 0.0
    if not (isfinite(weight) and 0 < weight <= 1000):
        raise VesicaError(
            f"{told.strip()[:20]!r} is no weight of a style; give a number above 0, such as great_wave:2."
        )
    name, _, digest = name.strip().partition("@")
    return Wish(name, weight, digest.strip().lower())


def find(words: str) -> Label:
    """The card that a name or words mean: "great_wave", "Hokusai's Great Wave", "a storm at sea"."""
    known = labels()
    name = "_".join(_tokens(words))
    if words in known or name in known:
        return known.get(words) or known[name]
    asked = [token for token in _tokens(words) if token not in EMPTY_WORDS]
    sentence = " " in words.strip()  # a single name is to be right, or nearly asked for again
    if asked and (found := _by_words(asked, known, exactly=not sentence)):
        return found
    if asked and sentence and (found := _by_meaning(words, known)):
        return found
    hint = did_you_mean(name, known, "'vesica styles' lists them.")
    raise VesicaError(f"No style is called {words.strip()[:60]!r}; {hint}")


def _tokens(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower().replace("'s", "").replace("’s", ""))
    return re.findall(r"[a-z0-9]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))


def _by_words(asked: list[str], known: Mapping[str, Label], *, exactly: bool = False) -> Label | None:
    """The card whose name, title and artist hold most of the words asked for, rare words counting more."""
    texts = {
        name: set(_tokens(f"{name} {label.title} {label.artist}".replace("_", " "))) for name, label in known.items()
    }
    everything = sorted(set().union(*texts.values()) - EMPTY_WORDS)
    near = {word: get_close_matches(word, everything, n=1, cutoff=1.0 if exactly else 0.84) for word in asked}
    meant = {found[0] for found in near.values() if found}
    if len(meant) < (len(set(asked)) if exactly else (len(set(asked)) + 1) // 2):
        return None
    rarity = {word: 1 / sum(word in text for text in texts.values()) for word in meant}
    scores = {name: sum(rarity[word] for word in meant & text) for name, text in texts.items()}
    best = max(scores, key=lambda name: (scores[name], len(meant & texts[name])), default="")
    return known[best] if best and scores[best] > 0 else None


def _by_meaning(words: str, known: Mapping[str, Label]) -> Label | None:
    """The card whose title and artist lie nearest to the words, if any is near."""
    from vesica.weights.minilm import embed

    names = list(known)
    rows = embed([words, *(f"{known[name].title} by {known[name].artist}" for name in names)])
    likeness = rows[1:] @ rows[0]
    best = int(likeness.argmax())
    return known[names[best]] if likeness[best] >= LEAST_LIKE else None
