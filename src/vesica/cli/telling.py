"""What works, takes and turns look like, as JSON and in words."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vesica.studio import Studio, Take
    from vesica.work import Partner, Turn, Work


def plain(words: str, *, keep: str = "") -> str:
    """Words without control characters, which could move a terminal's cursor or its title; ``keep`` says which stay."""
    return "".join(char if char.isprintable() or char in keep else " " for char in words)


def work_as_json(work: "Work") -> dict[str, Any]:
    """All that a work is."""
    return asdict(work)


def work_in_words(studio: "Studio", work: "Work") -> str:
    """Name, branch and what it holds."""
    if not work.content:
        return f"{work.name} ({work.branch}): empty"
    from vesica.media import craft, medium_of

    told = craft(medium_of(work.content.type)).describe(studio.content(work))
    if medium_of(work.content.type) == "image":
        from vesica.image.pictures import frames_of

        count = frames_of(studio.assets.get(work.content))
        told += f", the first of {count} frames" if count > 1 else ""
    locked = f"; locked: {locked_in_words(work)}" if work.locked else ""
    return f"{work.name} ({work.branch}): {plain(told)}{locked}"


def work_in_a_line(work: "Work") -> str:
    """What a list says of a work, without reading its content."""
    from vesica.media import medium_of

    title = f"“{plain(work.title)}”, " if work.title else ""
    nouns = {"image": "a picture", "text": "a text", "music": "a score", "video": "a video"}
    return f"{work.name} ({work.branch}): {title}{nouns[medium_of(work.content.type)] if work.content else 'empty'}"


def locked_in_words(work: "Work") -> str:
    """The locked parts, each in a few words."""
    return ", ".join(f"'{_short(part)}'" for part in work.locked)


def _short(words: str) -> str:
    words = plain(words)
    return words if len(words) <= 60 else words[:59] + "…"


def take_as_json(take: "Take") -> dict[str, Any]:
    """All that a take is."""
    return asdict(take)


def take_in_words(studio: "Studio", take: "Take") -> str:
    """A take's turn, engine and seed; its words, when it is a text."""
    mark = "picked" if take.picked else "offered"
    line = f"{take.turn[:8]}  {take.engine}  seed {take.seed}  {mark}"
    if not take.content:
        return f"{line}  (redacted)"
    if take.content.type.startswith("text/"):
        words = plain(studio.assets.get(take.content).decode(), keep="\n\t")
        return f"{line}\n" + "\n".join(f"    {row}" for row in words.split("\n"))
    return f"{line}  {studio.assets.path(take.content.digest)}"


def turn_as_json(turn: "Turn") -> dict[str, Any]:
    """All that a turn is; its act by the name of its class."""
    return {**asdict(turn), "act": {"kind": type(turn.act).__name__.lower(), **asdict(turn.act)}}


def who(partner: "Partner") -> str:
    """A partner in a few words."""
    match partner.kind:
        case "person":
            return _short(partner.name) or "person"
        case "engine":
            return f"{partner.name} {partner.version}".strip()
        case "program":
            return "the program"


def what(turn: "Turn") -> str:
    """What a turn did, in a few words."""
    # Here, so that 'vesica --help', which lists the commands, does not build every act first.
    from vesica.work import (
        Branched,
        Created,
        Edited,
        Imported,
        Locked,
        Offered,
        Picked,
        Redacted,
        Released,
        Rotated,
        Undone,
    )

    act = turn.act
    told = {part.name: getattr(act, part.name) for part in fields(act)}
    if "content" in told and told["content"] is None and not isinstance(act, Undone):
        return f"{type(act).__name__.lower()} (redacted)"
    match act:
        case Created(title):
            return f"began the work{f' “{_short(title)}”' if title else ''}"
        case Imported(source=source):
            return f"brought in {_short(source or 'a file')}"
        case Offered():
            return f"offered a take, seed {turn.seed}"
        case Picked(take):
            return f"picked {take[:8]}"
        case Edited(remark=remark):
            return f"edited{f': {_short(remark)}' if remark else ''}"
        case Locked(part):
            return f"locked '{_short(part)}'" if part is not None else "locked a part (redacted)"
        case Released(part):
            return f"released '{_short(part)}'" if part is not None else "released a part (redacted)"
        case Undone(to):
            return f"went back to {to[:8] or 'the beginning'}"
        case Branched():
            return f"goes on as {turn.branch}"
        case Redacted(turns):
            return f"redacted {', '.join(name[:8] for name in turns)}"
        case Rotated():
            return "exchanged the signing key"
