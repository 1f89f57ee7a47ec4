"""A first exhibition from one sentence: works made by partners, hung as a site with wall labels and credentials.

It does what a script would do with the studio's own methods. Each turn is kept as it is taken, so a run that is stopped
leaves works to go on with; the site appears whole or not at all.
"""

import datetime as dt
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesica.errors import VesicaError
from vesica.export.disclosure import Terms
from vesica.export.facts import Action, Facts, Ingredient, ModelUse
from vesica.export.files import format_of
from vesica.export.site import Exhibition, File, Model, Piece, Room, Turn, Wall, font_licence, pages
from vesica.labels import day, label, named
from vesica.ledger.assets import sync_folder, write_durably
from vesica.media import craft, medium_of, read_file, sniff
from vesica.provenance import lineage, models_of, origin
from vesica.weights.cards import cards
from vesica.work import PROGRAM, Created, Edited, Imported, Medium, Offered, Picked, Progress, Step, Work
from vesica.work import Turn as LedgerTurn

if TYPE_CHECKING:
    from vesica.studio import Studio

LONGEST_BRIEF = 2_000
"""Characters."""

ROOMS = ("title", "poem", "painting", "dream", "chorale")
"""The works of an exhibition; each is called by the exhibition's name and one of these."""

WIDE, NARROW = 2100, 900
"""Width of an engraved page for wide and for narrow screens, in tenths of a millimetre."""

POEM = {"form": "poem", "stanzas": 1, "drafts": 6}
"""One stanza chosen among several: the small model holds a thought for four lines better than for eight."""

PACE = {"title": 5, "poem": 18, "painting": 6, "dream": 5, "chorale": 3, "hang": 9}
"""Seconds each stage takes on two cores, for the time left; nothing else depends on them."""

OPEN = Terms("all")
"""The pages tell every turn, so the credentials may."""

MEDIUM: Mapping[Room, Medium] = {"poem": "text", "picture": "image", "music": "music"}

MARK = "exhibition.json"
"""The file by which a folder is known to be an exhibition of ours, which another may replace."""


@dataclass(frozen=True, slots=True)
class Hung:
    """Where an exhibition lies, and the works that are in it."""

    folder: Path
    name: str
    works: tuple[str, ...]


def exhibit(
    studio: "Studio",
    brief: str,
    out: Path,
    *,
    photo: Path | None = None,
    melody: Path | None = None,
    rights: str = "",
    seed: int | None = None,
    progress: Progress | None = None,
) -> Hung:
    """Make works from a brief and hang them in the folder ``out``.

    Parameters
    ----------
    brief : a sentence or two, up to 2,000 characters
    photo, melody : files of the person's, for a dream and for the chorale's soprano
    rights : what the person says of both, such as ``CC0-1.0`` or ``mine``
    seed : the first of the seeds of all turns; drawn if not given
    """
    brief = " ".join(brief.split())
    if not brief:
        raise VesicaError("A brief can't be empty; say in a sentence what the exhibition is about.")
    if len(brief) > LONGEST_BRIEF:
        raise VesicaError(
            f"A brief has up to {LONGEST_BRIEF:,} characters; this one has {len(brief):,}, so shorten it."
        )
    check_place(out)
    if photo:
        check_file(photo, "image")
    if melody:
        check_file(melody, "music")
    name = _unused(studio, brief)
    first = secrets.randbelow(1 << 32) if seed is None else seed
    wanted = [room for room in ROOMS if room != "dream" or photo]
    stages = _Stages((*wanted, "hang"), progress)
    make = partial(_make, studio, seed=first, rights=rights)

    studio.new(f"{name}-brief", title="Brief")
    studio.write(f"{name}-brief", brief)
    make(f"{name}-title", "Title", "text.write", {"form": "title", "about": brief}, progress=stages.of("title"))
    title = studio.content(studio.work(f"{name}-title")).strip()
    make(f"{name}-poem", title, "text.write", {**POEM, "about": brief}, progress=stages.of("poem"))
    make(f"{name}-painting", title, "image.field", {"words": brief}, progress=stages.of("painting"))
    if photo:
        make(f"{name}-dream", f"{title}: a Dream", "image.dream", {}, brought=photo, progress=stages.of("dream"))
    make(
        *(f"{name}-chorale", f"Chorale on “{title}”", "music.chorale", {"words": brief}),
        brought=melody,
        progress=stages.of("chorale"),
    )
    return hang(studio, name, out, progress=stages.of("hang"))


def hang(studio: "Studio", name: str, out: Path, *, progress: Progress | None = None) -> Hung:
    """Hang the works ``name``-title, -poem, -painting, -dream and -chorale, as they stand now, in ``out``."""
    check_place(out)
    there = set(studio.ledger.works())
    works = {room: studio.work(f"{name}-{room}") for room in ("brief", *ROOMS) if f"{name}-{room}" in there}
    works = {room: work for room, work in works.items() if work.content}
    if not works.keys() & {"poem", "painting", "dream", "chorale"}:
        raise VesicaError(f"No exhibition is called {name!r}; make one with 'vesica exhibit \"a sentence\"'.")
    hanging = _Hanging(studio, works, progress)
    contents = hanging.contents()
    _write(out, contents)
    return Hung(out, name, tuple(work.name for work in works.values()))


def check_place(out: Path) -> None:
    """Raise ``VesicaError`` where an exhibition must not be written: over a file, or over what is not one of ours."""
    if out.exists() and not out.is_dir():
        raise VesicaError(f"{out} is a file; an exhibition is a folder, so give another name.")
    if out.is_dir() and any(out.iterdir()):
        if not (out / MARK).is_file():
            raise VesicaError(f"{out} holds other things; give the name of a new folder.")
        # The folder is replaced as a whole: what was laid or changed in it since is nowhere else.
        hung = _hung_files(out / MARK)
        for path in sorted(out.rglob("*")):
            name = str(path.relative_to(out))
            if name != MARK and (not path.is_file() or hung.get(name) != hashlib.sha256(path.read_bytes()).hexdigest()):
                raise VesicaError(f"{name} in {out} is not as it was hung; move it elsewhere, or give a new folder.")
    if not out.absolute().parent.is_dir():
        raise VesicaError(f"There is no folder {out.parent}; make it first.")


def _hung_files(record: Path) -> Mapping[str, str]:
    """The digests of an exhibition's files, as it was hung."""
    try:
        files = json.loads(record.read_bytes())["hung"]
    except (ValueError, KeyError, TypeError, RecursionError):
        files = {}
    return files if isinstance(files, dict) else {}


def check_file(path: Path, medium: Medium) -> None:
    """Raise ``VesicaError`` where a file is not there, broken, or of another medium."""
    data = read_file(path)
    found, _ = sniff(data, path.name)
    if found != medium:
        raise VesicaError(f"{path.name} is of medium {found}; give one of medium {medium}.")
    craft(medium).read(data)


def _unused(studio: "Studio", brief: str) -> str:
    """A name from the brief's first words, of which no work is called."""
    words = re.findall(r"\w+", brief.replace("'", "").replace("’", "").lower())[:5]
    stem = "-".join(words)[:60] or "exhibition"
    there, name, count = set(studio.ledger.works()), stem, 1
    while any(f"{name}-{room}" in there for room in ("brief", *ROOMS)):
        count += 1
        name = f"{stem}-{count}"
    return name


def _make(
    studio: "Studio",
    name: str,
    title: str,
    engine: str,
    wishes: Mapping[str, Any],
    *,
    seed: int,
    rights: str,
    brought: Path | None = None,
    progress: Progress | None,
) -> None:
    """Begin a work, bring in the person's file if there is one, and take the first take."""
    studio.new(name, title=title[:200])
    if brought:
        studio.import_file(name, brought, rights=rights)
    take = studio.offer(name, engine, wishes, seed=seed, progress=progress)[0]
    studio.pick(name, take.turn, by=PROGRAM)


class _Stages:
    """One progress over several stages, each as long as it is known to take."""

    def __init__(self, stages: tuple[str, ...], progress: Progress | None) -> None:
        self._progress = progress
        self._total = sum(PACE[stage] for stage in stages)
        self._before = {stage: sum(PACE[one] for one in stages[:place]) for place, stage in enumerate(stages)}

    def of(self, stage: str) -> Progress | None:
        """The progress of one stage, told as a part of all."""
        if not self._progress:
            return None
        told, before, total = self._progress, self._before[stage], self._total

        def within(step: Step) -> None:
            done = before + PACE[stage] * (step.done / step.total if step.total else 0)
            told(replace(step, done=round(1000 * done), total=1000 * total, note=f"{stage} {step.note}".strip()))

        return within


class _Hanging:
    """The files of a site, made one after another from works as they stand."""

    def __init__(self, studio: "Studio", works: Mapping[str, Work], progress: Progress | None) -> None:
        self.studio, self.works, self.progress = studio, works, progress
        self.files: dict[str, bytes] = {}

    def contents(self) -> dict[str, bytes]:
        """All files by name."""
        rooms = {"poem": self._poem, "painting": self._picture, "dream": self._picture, "chorale": self._chorale}
        pieces = []
        for count, (room, hang_) in enumerate(rooms.items()):
            if room in self.works:
                self._step(count, len(rooms) + 1, room)
                pieces.append(hang_(room, self.works[room]))
        self._step(len(rooms), len(rooms) + 1, "pages")
        show = self._exhibition(tuple(pieces))
        for name, page in pages(show).items():
            self.files[name], beside = self.studio.seal(self._hung(show), page, "text/html", OPEN)
            assert beside
            self.files[f"{name}.c2pa"] = beside
        self.files["head.json"] = self.studio.ledger.head().to_bytes() + b"\n"
        self.files["LICENSE-eb-garamond.txt"] = font_licence()
        self.files[MARK] = _record(show, self.works, self.files)
        return self.files

    def _step(self, done: int, total: int, note: str) -> None:
        if self.progress:
            self.progress(Step(done, total, note=note))

    def _words(self, room: str) -> str:
        if room not in self.works:
            return ""
        return str(self.studio.content(self.works[room])).strip()

    def _file(self, work: Work, name: str, data: bytes, purpose: str) -> File:
        """Keep ``data``, signed, under ``name``."""
        assert work.content
        type_ = format_of(medium_of(work.content.type), name).type
        data, beside = self.studio.sign(work, data, type_, terms=OPEN)
        self.files[name] = data
        if beside is not None:
            self.files[f"{name}.c2pa"] = beside
        credential = "inside" if beside is None else f"{name}.c2pa"
        return File(name, purpose, len(data), hashlib.sha256(data).hexdigest(), credential)

    def _as(self, work: Work, name: str, value: Any, purpose: str) -> File:
        """``value`` in the format that the name asks for."""
        assert work.content
        return self._file(work, name, format_of(medium_of(work.content.type), name).write(value), purpose)

    def _wall(self, work: Work, what: str, *more: str) -> Wall:
        told = label(self.studio.ledger, work, what, self.studio.authors(work))
        return Wall(told.title, told.what, told.date, (*told.sentences, *more), told.brought, told.changed)

    def _poem(self, room: str, work: Work) -> Piece:
        text = self.studio.content(work)
        lines = tuple(_lines(text, self._origins(work)))
        count = sum(bool(line) for line in lines)
        files = (self._as(work, f"{room}.txt", text, "to read"),)
        return Piece("poem", self._wall(work, f"Poem, {count} lines"), files, lines=lines)

    def _origins(self, work: Work) -> list[tuple[int, str]]:
        """Stretches of a text: how many characters, and the origin of the turn that brought them in."""
        from vesica.authorship.text import Runs

        ledger = self.studio.ledger
        runs = Runs.from_bytes(self.studio.authorship(work)).runs
        return [(length, origin(ledger.turn(brought))) for length, brought, _ in runs]

    def _picture(self, room: str, work: Work) -> Piece:
        from vesica.image.colour_names import colours_of
        from vesica.image.pictures import opaque

        picture = self.studio.content(work)
        height, width = picture.shape[:2]
        colours = _and(colours_of(opaque(picture)))
        files = [
            self._as(work, f"{room}.webp", picture, "to look at"),
            self._as(work, f"{room}.png", picture, "to print"),
        ]
        what = f"{'Dream' if room == 'dream' else 'Painting'}, {width} × {height} pixels"
        before = ""
        alt = f"A painting of visible brush strokes, mostly {colours}."
        if room == "dream" and (photo := self._brought(work)) is not None:
            before = "photograph.webp"
            # The person's own picture hangs beside it unsigned: nothing was made of it yet.
            self.files[before] = format_of("image", before).write(photo)
            alt = f"The photograph with shapes that a network saw in it, mostly {colours}."
        return Piece(
            *("picture", self._wall(work, what), tuple(files)),
            shown=f"{room}.webp",
            alt=alt,
            size=(width, height),
            before=before,
        )

    def _brought(self, work: Work) -> Any:
        """The picture that a person brought in and a take was made of, or None."""
        from vesica.image.pictures import read_picture

        for passage in lineage(self.studio.ledger, work):
            if isinstance(passage.turn.act, Imported) and passage.turn.act.content:
                return read_picture(self.studio.assets.get(passage.turn.act.content))
        return None

    def _chorale(self, room: str, work: Work) -> Piece:
        from vesica.music import performance, sound
        from vesica.music.engraving import engrave
        from vesica.music.score import bar_lines

        score = replace(self.studio.content(work), title=work.title)
        sung = sound.render(score)
        files = (
            self._file(work, f"{room}.mp3", sound.mp3(sung), "to hear"),
            self._file(work, f"{room}.wav", sound.wav(sung), "to hear, unpacked"),
            self._as(work, f"{room}.pdf", score, "to print and sing from"),
            self._as(work, f"{room}.svg", score, "to look at"),
            self._as(work, f"{room}.musicxml", score, "for notation programs"),
            self._as(work, f"{room}.mid", score, "for sequencers"),
        )
        draw = partial(engrave, score, height=None, marks=self._note_makers(work), header=False)
        return Piece(
            "music",
            self._wall(
                *(work, f"{len(score.parts)} voices, {len(bar_lines(score)) - 1} bars"),
                *(_sung(sung.by), *score.remarks),
            ),
            files,
            shown=f"{room}.mp3",
            pages={"wide": tuple(draw(width=WIDE)), "narrow": tuple(draw(width=NARROW, closed=True))},
            times=performance.note_times(score),
        )

    def _note_makers(self, work: Work) -> dict[str, str]:
        """Who made each note, where a score has notes of both; where all are of one, the label says it."""
        from vesica.authorship.score import from_bytes

        ledger = self.studio.ledger
        events = from_bytes(self.studio.authorship(work))
        origins = {name: origin(ledger.turn(event.origin)) for name, event in events.items() if "@" not in name}
        makers = {name: "machine" if kind == "machine" else "person" for name, kind in origins.items()}
        return makers if len(set(makers.values())) > 1 else {}

    def _hung(self, show: Exhibition) -> Facts:
        """What the credential of a page says: the program laid out these files, which these models helped to make."""
        models = {use.digest: use for work in self.works.values() for use in self._models(work)}
        parts = [
            Ingredient(file.name, format_of(MEDIUM[piece.room], file.name).type, file.digest)
            for piece in show.pieces
            for file in piece.files
        ]
        act = Action("created", "program", models=tuple(models.values()))
        return Facts(show.title, (act,), tuple(parts), head=show.head)

    def _models(self, work: Work) -> list[ModelUse]:
        takes = [passage.take for passage in lineage(self.studio.ledger, work)]
        return [use for take in takes if take for use in models_of(take)]

    def _exhibition(self, pieces: tuple[Piece, ...]) -> Exhibition:
        from vesica.export.certificate import ORGANISATION

        ledger = self.studio.ledger
        names = {work.name for work in self.works.values()}
        turns = [turn for _, turn in ledger.entries() if turn.work in names]
        digests = {use.name: use.digest for turn in turns if isinstance(turn.act, Offered) for use in models_of(turn)}
        titled = self.works.get("title") or self.works["brief"]
        title_runs = next(iter(_lines(self.studio.content(titled).strip(), self._origins(titled))), ())
        return Exhibition(
            "".join(words for _, words in title_runs),
            title_runs,
            self._words("brief"),
            self.studio.person.name,
            day(dt.datetime.now(dt.UTC).isoformat()),
            pieces,
            tuple(
                Turn(turn.work, turn.time, turn.partner.kind, named(turn.partner), _did(turn), turn.id)
                for turn in turns
            ),
            tuple(_model(name, digest) for name, digest in sorted(digests.items())),
            tuple(_statement(pieces)),
            json.loads(ledger.head().to_bytes()),
            ORGANISATION,
            version("vesica"),
        )


def _lines(text: str, origins: list[tuple[int, str]]) -> Iterator[tuple[tuple[str, str], ...]]:
    """A text's lines, each as stretches of one origin."""
    line: list[tuple[str, str]] = []
    place = 0
    for length, kind in origins:
        first, *rest = text[place : place + length].split("\n")
        place += length
        line += [(kind, first)] if first else []
        for more in rest:
            yield tuple(line)
            line = [(kind, more)] if more else []
    if line:
        yield tuple(line)


def _did(turn: LedgerTurn) -> str:
    """What a turn did, for the page of all turns."""
    match turn.act:
        case Created(title):
            return f"began “{title}” as" if title else "began"
        case Imported(source=source):
            return f"brought in {source or 'a file'} to"
        case Offered():
            return f"offered a take (seed {turn.seed}) for"
        case Picked():
            return "took the take on offer for" if turn.partner.kind == "program" else "picked a take for"
        case Edited():
            return "wrote in"
        case act:
            return f"{type(act).__name__.lower()}"


def _sung(by: str) -> str:
    """Who sings, for a label; ``by`` is a font's name or the studio's own choir."""
    if by == "synthetic choir":
        return "Sung by the studio’s own synthetic choir, as no SoundFont is installed."
    return f"Sung by the SoundFont {by}."


def _model(name: str, digest: str) -> Model:
    if name not in cards():
        return Model(name, "unknown", digest, "", (), ())
    card = cards()[name]
    learned = tuple((data.name, data.licence) for data in card.learned_from)
    return Model(card.title, card.licence, digest, card.purpose, learned, card.cannot)


def _statement(pieces: tuple[Piece, ...]) -> Iterator[str]:
    """A draft of the disclosure that goes with an exhibition, from what was observed."""
    kinds = {"poem": "writing", "picture": "pictures", "music": "music"}
    machine = list(dict.fromkeys(kinds[piece.room] for piece in pieces if _machine(piece)))
    if machine:
        yield f"This exhibition shows {_and(machine)} made with artificial intelligence or by other programs."
    for piece in pieces:
        if set(piece.wall.brought) == {"machine"}:
            how = "was made wholly by machine, in answer to a person’s brief"
        elif _machine(piece):
            how = "was made by machine from what a person brought in or wrote"
        else:
            how = "holds nothing that a machine brought in"
        yield f"“{piece.wall.title}” ({piece.wall.what}) {how}."
    yield (
        "The brief was written by a person. This is a draft from the record of the process; whether and to whom "
        "copyright belongs is for the law to say."
    )


def _machine(piece: Piece) -> bool:
    """Whether a machine brought in or changed anything of it."""
    return "machine" in piece.wall.brought or "machine" in piece.wall.changed


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _record(show: Exhibition, works: Mapping[str, Work], files: Mapping[str, bytes]) -> bytes:
    """The exhibition for other programs, and the mark by which a folder is known as one."""
    told = {
        "format": "vesica-exhibition/1",
        "title": show.title,
        "brief": show.brief,
        "works": {room: {"name": work.name, "tip": work.tip} for room, work in works.items()},
        "files": {file.name: file.digest for piece in show.pieces for file in piece.files},
        "hung": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "head": show.head,
    }
    return json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def _write(out: Path, contents: Mapping[str, bytes]) -> None:
    """Put the folder there as a whole: written beside its place, then moved into it."""
    out = out.absolute()
    draft = out.with_name(f".{out.name}.{secrets.token_hex(6)}.part")
    old = out.with_name(f".{out.name}.{secrets.token_hex(6)}.old")
    try:
        draft.mkdir()
        for name, data in contents.items():
            write_durably(draft / name, iter((data,)))
        if out.exists():
            out.replace(old)
        draft.replace(out)
        sync_folder(out.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if old.exists() and not out.exists():
            old.replace(out)
        shutil.rmtree(old, ignore_errors=True)
