"""All that a person can do with their works, one method each. The faces (command line, server) only call these."""

import base64
import contextlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesica import engines, places
from vesica.engines import Engine
from vesica.errors import VesicaError, did_you_mean
from vesica.export.disclosure import Terms, disclosed, roll
from vesica.export.facts import Facts, source_of_work
from vesica.export.files import FORMATS, Format, format_of
from vesica.knobs import as_json, build
from vesica.ledger import keys
from vesica.ledger.assets import Assets, sync_folder, write_durably
from vesica.ledger.chain import Head
from vesica.ledger.leftovers import Leftover, clear, leftovers
from vesica.ledger.store import Ledger, Row
from vesica.ledger.turns import named_by
from vesica.ledger.verify import Fault, Findings, examine
from vesica.media import THIS, craft, medium_of, read_file, sniff
from vesica.provenance import facts
from vesica.redaction import Removal, redact
from vesica.replay import Replayed, replay
from vesica.work import (
    PROGRAM,
    Act,
    Asset,
    Branched,
    Created,
    Edited,
    Imported,
    Locked,
    Medium,
    Offered,
    Partner,
    Picked,
    Progress,
    Released,
    Step,
    Turn,
    Undone,
    Work,
)
from vesica.worker import Worker, default_threads

if TYPE_CHECKING:
    from vesica.exhibiting import Hung
    from vesica.export.authors.credits import Credits
    from vesica.export.certificate import Identity
    from vesica.export.facts import Beside
    from vesica.export.preview import Field

SEEDS = 1 << 32
OTHERWISE = "give another name, or --force to replace it."
TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Take:
    """A result on offer."""

    turn: str
    engine: str
    seed: int
    content: Asset | None
    params: Mapping[str, Any]
    picked: bool


class Studio:
    """A folder with a ledger, assets and keys. Nothing else on the disk belongs to it; copying it copies everything."""

    def __init__(self, path: Path, *, person: str = "") -> None:
        """Open the studio at ``path``. ``person`` is what its user wishes to be called; empty says nothing."""
        self.path = path.absolute()
        self.ledger = Ledger(self.path / "ledger.db")
        self.assets = Assets(self.path / "assets")
        self.worker = Worker()
        self.person = Partner("person", person)
        self._opened: tuple[keys.Key, bytes] | None = None
        self._imported: tuple[Asset, Any] | None = None

    @classmethod
    def create(cls, path: Path, *, person: str = "") -> "Studio":
        """Make a studio at ``path``, or open the one that is there."""
        path = path.absolute()
        if path.exists() and not path.is_dir():
            raise VesicaError(f"{path} is a file; a studio is a folder.")
        path.mkdir(parents=True, exist_ok=True)

        there = path / "ledger.db"
        if not (there.exists() and there.stat().st_size) and any(Assets(path / "assets").names()):
            raise VesicaError(f"{path} has assets but no ledger; restore ledger.db from a copy.")

        def owner() -> bytes:
            pem, config = path / "keys" / "ledger.pem", places.config_dir()
            # A crash may have left a key without a ledger; it is as good as new.
            key = keys.unlock(pem, config)[0] if pem.exists() else keys.make(pem, keys.passphrase(config))
            (path / "assets").mkdir(exist_ok=True)
            sync_folder(path)
            sync_folder(path.parent)
            return key.public

        Ledger(there, create=owner).close()
        return cls(path, person=person)

    def __enter__(self) -> "Studio":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the ledger and end the worker."""
        self.worker.stop()
        self.ledger.close()

    @property
    def key(self) -> keys.Key:
        """The signing key, opened when the first turn needs it; reading and verifying need none."""
        return self._unlocked()[0]

    def _unlocked(self) -> tuple[keys.Key, bytes]:
        """The signing key and its passphrase."""
        signer = self.ledger.signer()
        if not self._opened or self._opened[0].public != signer:
            self._succeed()
            key, phrase = keys.unlock(self.path / "keys" / "ledger.pem", places.config_dir())
            if key.public != signer:
                raise VesicaError(
                    "The signing key in this studio is another studio's; restore the folder keys from a copy."
                )
            self._opened = key, phrase
        return self._opened

    def rotate_key(self) -> Turn:
        """Exchange the signing key: the old one signs the hand-over, the new one agrees, all that was signed holds."""
        key, phrase = self._unlocked()
        turn = self.ledger.rotate(key, lambda: keys.make(self._next_key, phrase), self.person)
        self._succeed()
        return turn

    @property
    def _next_key(self) -> Path:
        return self.path / "keys" / "ledger.next.pem"

    def _succeed(self) -> None:
        """Put a key in its place that the ledger has handed over to: the last step of a rotation, or of one cut off."""
        if not self._next_key.exists():
            return
        with self.ledger.held(), contextlib.suppress(FileNotFoundError):
            if keys.unlock(self._next_key, places.config_dir())[0].public == self.ledger.signer():
                self._next_key.replace(self.path / "keys" / "ledger.pem")
                sync_folder(self.path / "keys")

    # Works

    def works(self) -> list[Work]:
        """All works as they stand, oldest first."""
        return [self.ledger.work(name) for name in self.ledger.works()]

    def work(self, name: str) -> Work:
        """The work called ``name`` as it stands. Raises ``VesicaError`` when there is none."""
        work = self.ledger.work(name)
        if not (work.tip and work.name):
            hint = did_you_mean(name, self.ledger.works(), f"make one with 'vesica new {name[:60]}'.")
            raise VesicaError(f"{name[:60]} is not a work; {hint}")
        return work

    def new(self, name: str, *, title: str = "") -> Work:
        """Begin a work."""
        if not re.fullmatch(r"[\w][\w .,'()-]{0,99}", name) or name != name.strip():
            raise VesicaError(
                f"{name[:60]!r} can't be the name of a work; use up to 100 letters, digits, spaces, '.', '-' and '_'."
            )

        def unused(before: Work) -> None:
            if before.tip:
                raise VesicaError(f"{name} is there already; choose another name, or go on with it.")

        self._turn(name, self.person, Created(title), expect=unused)
        return self.work(name)

    def unused_name(self, wish: str) -> str:
        """``wish`` as a work's name, with a number behind it when it is taken."""
        stem = re.sub(r"[^\w .,'()-]+", "-", wish).strip(" -.") or "work"
        names, name, count = set(self.ledger.works()), stem[:80], 1
        while name in names:
            count += 1
            name = f"{stem[:80]}-{count}"
        return name

    # Turns

    def import_file(
        self, name: str, path: Path, *, source: str = "", rights: str = "", wanted: Medium | None = None
    ) -> Work:
        """Bring a file in as the content of a work. Its own bytes are kept beside what the studio works on.

        wanted : what it is to be, where it can be either, as ``media.sniff`` says; else what the work is
        """
        work = self.work(name)
        data = read_file(path)
        medium, type_ = sniff(data, path.name, wanted or (medium_of(work.content.type) if work.content else None))
        self._same_medium(work, medium, path)
        hand = craft(medium)
        value = hand.read(data)
        if work.content and work.locked:
            before = hand.read(self.assets.get(work.content))
            for part in work.locked:
                hand.keep(part, before, value)
        original = self.assets.put(data, type_)
        kept, kept_type = (data, type_) if medium == "image" else hand.write(value)
        content = self.assets.put(kept, kept_type)
        authorship = self.assets.put(hand.fresh(value, THIS), "application/octet-stream")
        act = Imported(original, content, authorship, source or path.name, rights)
        self._turn(name, self.person, act, expect=self._unchanged(work))
        self._imported = content, value
        return self.work(name)

    def offer(
        self,
        name: str,
        engine: str,
        wishes: Mapping[str, Any],
        *,
        inputs: Mapping[str, Path] | None = None,
        seed: int | None = None,
        takes: int = 1,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> list[Take]:
        """Ask a partner for takes. The work's own content is the engine's input of that medium, if it has one.

        Each take is a turn of its own with the next seed, so that each can be replayed alone.
        """
        work = self.work(name)
        row = engines.find(engine)
        params = row.settled(as_json(build(row.load_params(), wishes)))
        first = secrets.randbelow(SEEDS) if seed is None else seed
        if not 0 <= first < SEEDS:
            raise VesicaError(f"A seed is a whole number from 0 to {SEEDS - 1}; {first} is not.")
        if not 1 <= takes <= 64:
            raise VesicaError(f"Ask for 1 to 64 takes; {takes} is not.")
        given = self._inputs(work, row, inputs or {}, params)
        self._unlocked()  # a turn that can't be signed should not cost minutes first
        offered = []
        for count in range(takes):
            made = self.worker.run(
                engine,
                params,
                {key: data for key, (data, _) in given.items()},
                seed=(first + count) % SEEDS,
                threads=threads or default_threads(),
                progress=_counted(progress, count, takes),
            )
            # Only now, so that a take that was stopped leaves nothing behind.
            kept = {key: self.assets.put(data, type_) for key, (data, type_) in given.items()}
            content = self.assets.put(made.data, made.type)
            partner = Partner("engine", engine, row.version, made.runtime)
            turn = self._turn(name, partner, Offered(content, params, kept), seed=(first + count) % SEEDS)
            offered.append(_take(turn, picked=False))
        return offered

    def takes(self, name: str) -> list[Take]:
        """The takes offered to a work, oldest first, the redacted ones too."""
        self.work(name)
        turns = [turn for _, turn in self.ledger.entries(name)]
        picked = {turn.act.take for turn in turns if isinstance(turn.act, Picked)}
        return [_take(turn, picked=turn.id in picked) for turn in turns if isinstance(turn.act, Offered)]

    def pick(self, name: str, take: str = "", *, by: Partner | None = None) -> Work:
        """Make a take the work: the one whose turn begins with ``take``, or the latest.

        ``by`` says who chose; what no person chose is never recorded as a person's choice.
        """
        work = self.work(name)
        if take:
            turn = self.ledger.find(take, name)
        else:
            turns = [turn for _, turn in self.ledger.entries(name) if isinstance(turn.act, Offered)]
            if not turns:
                raise VesicaError(f"{name} has no take to pick; ask for one with 'vesica offer {name} ENGINE'.")
            turn = turns[-1]
        if not isinstance(turn.act, Offered):
            raise VesicaError(f"The turn {turn.id[:12]} is not a take; see 'vesica takes {name}'.")
        if turn.act.content is None:
            raise VesicaError(f"The take {turn.id[:12]} was redacted; pick another.")
        content, authorship = self._laid_over(work, turn.act.content, turn.id)
        act = Picked(turn.id, content, authorship)
        self._turn(name, by or self.person, act, expect=self._unchanged(work))
        return self.work(name)

    def edit(self, name: str, path: Path, *, remark: str = "") -> Work:
        """Bring back what the person changed in their own program; only the difference becomes theirs."""
        work = self.work(name)
        if not work.content:
            raise VesicaError(f"{name} has no content to edit yet; bring a file with 'vesica import {name} FILE'.")
        data = read_file(path)
        medium, _ = sniff(data, path.name, medium_of(work.content.type))
        self._same_medium(work, medium, path)
        hand = craft(medium)
        before = hand.read(self.assets.get(work.content))
        after = hand.settle(before, hand.read(data))
        if hand.difference(before, after) == 0 and hand.write(before)[0] == hand.write(after)[0]:
            raise VesicaError(f"{path.name} is the same as the work; there is nothing to bring back.")
        for part in work.locked:
            if hand.write(hand.keep(part, before, after))[0] != hand.write(after)[0]:
                raise VesicaError(
                    f"{path.name} changes the locked {part}; release it with \"vesica lock {name} '{part}' --off\"."
                )
        content = self.assets.put(*hand.write(after))
        authorship = self._edited(work, hand.edit, before, after, THIS)
        act = Edited(content, authorship, remark)
        self._turn(name, self.person, act, expect=self._unchanged(work))
        return self.work(name)

    def write(self, name: str, text: str) -> Work:
        """Begin a work's content with words that the person wrote here."""
        work = self.work(name)
        if work.content:
            raise VesicaError(f"{name} holds something already; change it with 'vesica edit {name} FILE'.")
        hand = craft("text")
        content = self.assets.put(*hand.write(text))
        authorship = self.assets.put(hand.fresh(text, THIS), "application/octet-stream")
        self._turn(name, self.person, Edited(content, authorship), expect=self._unchanged(work))
        return self.work(name)

    def lock(self, name: str, part: str, *, off: bool = False) -> Work:
        """Keep a part of a work as it is, or let it go again (``off``)."""
        work = self.work(name)
        if not work.content:
            raise VesicaError(f"{name} is empty; there is nothing to lock yet.")
        hand = craft(medium_of(work.content.type))
        act: Act
        if part in work.locked:
            wanted = part
        else:
            try:
                wanted = hand.part(part, hand.read(self.assets.get(work.content)))
            except VesicaError:
                if not off:
                    raise
                wanted = part
        if off:
            if wanted not in work.locked:
                locked = ", ".join(f"{shortened(kept)!r}" for kept in work.locked) or "nothing"
                raise VesicaError(f"{shortened(part)!r} is not locked in {name}; locked: {locked}.")
            act = Released(wanted)
        else:
            if wanted in work.locked:
                raise VesicaError(f"{shortened(part)!r} is locked in {name} already.")
            act = Locked(wanted)
        self._turn(name, self.person, act, expect=self._unchanged(work))
        return self.work(name)

    def undo(self, name: str, *, to: str = "") -> Work:
        """Return to the content before the present one, or to that of the turn ``to``. The undone turns stay."""
        work = self.work(name)
        if to:
            target = self.ledger.state(self.ledger.find(to, name).id)
        else:
            target = self._before(work)
            # The same take picked twice is one step back, not two.
            while target.changed and target.content == work.content:
                target = self._before(target)
        if target.content == work.content and (to or not target.changed):
            raise VesicaError(f"{name} stands like that already; there is nothing to undo.")
        if target.changed and not target.content:
            raise VesicaError(
                f"What {name} was before was redacted ({target.changed[:8]}); name another turn with --to TURN."
            )
        act = Undone(target.changed, target.content, target.authorship, target.locked)
        self._turn(name, self.person, act, expect=self._unchanged(work))
        return self.work(name)

    def _before(self, work: Work) -> Work:
        """The work as it stood before it got its present content."""
        if not work.changed:
            raise VesicaError(f"{work.name} has nothing to undo.")
        parents = self.ledger.turn(work.changed).parents
        return self.ledger.state(parents[0]) if parents else Work(work.name)

    def branch(self, name: str, branch: str, *, at: str = "") -> Work:
        """Go on under another branch name: an existing one from where it stands, a new one from ``at`` or from here."""
        work = self.work(name)
        if not re.fullmatch(r"[\w][\w.-]{0,59}", branch):
            raise VesicaError(f"{branch[:60]!r} can't be the name of a branch; use letters, digits, '.', '-' and '_'.")
        there = self.ledger.branches(name)
        if branch in there and at:
            raise VesicaError(f"The branch {branch} is there already; leave out --at to go on with it.")
        start = there.get(branch) or (self.ledger.find(at, name).id if at else work.tip)
        self._turn(name, self.person, Branched(), branch=branch, parent=start)
        return self.work(name)

    def branches(self, name: str) -> list[str]:
        """The names of a work's branches, oldest first."""
        self.work(name)
        return list(self.ledger.branches(name))

    # Leaving

    def exhibit(
        self,
        brief: str,
        out: Path,
        *,
        photo: Path | None = None,
        melody: Path | None = None,
        rights: str = "",
        seed: int | None = None,
        progress: Progress | None = None,
    ) -> "Hung":
        """A first exhibition from one sentence; see ``vesica.exhibiting``."""
        from vesica.exhibiting import exhibit

        return exhibit(self, brief, out, photo=photo, melody=melody, rights=rights, seed=seed, progress=progress)

    def hang(self, exhibition: str, out: Path, *, progress: Progress | None = None) -> "Hung":
        """Hang an exhibition's works again, as they stand now; see ``vesica.exhibiting``."""
        from vesica.exhibiting import hang

        return hang(self, exhibition, out, progress=progress)

    def export(
        self, name: str, out: Path, terms: Terms = TERMS, *, authors: bool = False, force: bool = False
    ) -> list[Path]:
        """Write a work to the file ``out``, in the format that its ending asks for, on ``terms``.

        authors : also write ``out.authors.*``, which tell who made each unit; the credential names their digests
        force : write over files that are there, even if they are no exports of this studio, or were changed since
        """
        files = self._leaving(name, out, terms, authors=authors)
        if not force:
            self._refuse_to_lose(out, files, terms)
        for file, content in files.items():
            write_durably(out.absolute().with_name(file), iter((content,)))
        return [out.with_name(file) for file in files]

    def _refuse_to_lose(self, out: Path, files: Mapping[str, bytes], terms: Terms = TERMS) -> None:
        """Raise ``VesicaError`` where ``files`` would be written over what is nowhere else."""
        folder = out.absolute().parent
        if not any((folder / name).exists() for name in files):
            return
        from vesica.export.replacing import refuse_to_lose

        identities = [self.signer(), *([terms.signer[0]] if terms.signer else [])]
        refuse_to_lose(
            *(folder, files, _of_ending(out.name)),
            roots=[identity.root_pem for identity in identities],
            keys={base64.b64encode(key).decode() for key in self.ledger.signers()},
        )

    def preview(self, name: str, out: Path, terms: Terms = TERMS, *, authors: bool = False) -> "list[Field]":
        """Every field that would leave with ``export``, which writes nothing yet."""
        from vesica.export.preview import Field, fields

        files = self._leaving(name, out, terms, authors=authors)
        work = self.work(name)
        assert work.content
        hand, sidecar = craft(medium_of(work.content.type)), f"{out.name}.c2pa"
        told = fields(
            *(files[out.name], format_of(medium_of(work.content.type), out.name).type, files.get(sidecar)),
            hand.describe(self.content(work)),
        )
        beside = [file for file in files if file not in (out.name, sidecar)]
        return told + [Field("file", "beside it", f"{file}: who made each unit, by name") for file in beside]

    def _leaving(self, name: str, out: Path, terms: Terms, *, authors: bool) -> dict[str, bytes]:
        """Every file of an export by its name, the work's own first."""
        work = self.work(name)
        value = self.content(work)
        assert work.content
        form = _form(medium_of(work.content.type), out)
        files: dict[str, bytes] = {}
        told: tuple[Beside, ...] = ()
        if authors:
            from vesica.export.authors.files import beside

            source = source_of_work(facts(self.ledger, self.assets, work, self.authors(work)))
            files, told = beside(roll(self.credits(work), terms.disclose, person=self.person.name), out.name, source)
        data, credential = self.sign(work, form.write(value), form.type, beside=told, terms=terms)
        return {out.name: data, **({f"{out.name}.c2pa": credential} if credential is not None else {}), **files}

    def sign(
        self,
        work: Work,
        data: bytes,
        type_: str,
        *,
        title: str = "",
        beside: "tuple[Beside, ...]" = (),
        terms: Terms = TERMS,
    ) -> tuple[bytes, bytes | None]:
        """A file's bytes with the work's credential inside, or as they are with the credential to lie beside them."""
        told = replace(facts(self.ledger, self.assets, work, self.authors(work), title=title), beside=beside)
        return self.seal(told, data, type_, terms)

    def seal(self, told: Facts, data: bytes, type_: str, terms: Terms = TERMS) -> tuple[bytes, bytes | None]:
        """A file's bytes with a credential that says as much of ``told`` as ``terms`` let leave."""
        from vesica.export.credential import seal

        identity, phrase = terms.signer or self._identity()
        told = disclosed(told, terms.disclose, person=self.person.name)
        return seal(data, type_, told, identity, phrase, visible=terms.visible)

    def signer(self) -> "Identity":
        """The studio's own certificate, as it signs now."""
        return self._identity()[0]

    def make(
        self,
        engine: str,
        files: Sequence[Path],
        out: Path,
        *,
        wishes: Mapping[str, Any],
        inputs: Mapping[str, Path] | None = None,
        seed: int | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> tuple[Work, list[Path]]:
        """Import, offer, pick and export in one go. Nobody chose among takes, so the program is recorded as picking.

        force : as in ``export``
        """
        row = engines.find(engine)
        params = as_json(build(row.load_params(), wishes))
        _form(row.makes, out)
        if not force:
            self._refuse_to_lose(out, {out.name: b""})
        named = {**self._told_apart(row, files), **(inputs or {})}
        # What would be refused later is refused before a work is begun.
        self._inputs(Work(out.stem), row, named, params)
        name = self.unused_name(out.stem)
        self.new(name)
        # What the engine works on becomes the work, so that its units keep their author.
        if (first := _first_input(row, row.makes)) in named:
            self.import_file(name, named.pop(first), wanted=row.makes)
        take = self.offer(name, engine, wishes, inputs=named, seed=seed, progress=progress)[0]
        work = self.pick(name, take.turn, by=PROGRAM)
        return work, self.export(name, out, force=force)

    def _told_apart(self, engine: Engine, files: Sequence[Path]) -> dict[str, Path]:
        """Files given without names, each as the first free input of its medium."""
        named: dict[str, Path] = {}
        for path in files:
            medium, _ = sniff(read_file(path), path.name)
            free = [key for key, wanted in engine.inputs.items() if wanted.medium == medium and key not in named]
            if not free:
                raise VesicaError(f"{engine.name} has no use for {path.name} (of medium {medium}); leave it out.")
            named[free[0]] = path
        return named

    # Looking

    def log(self, name: str) -> list[tuple[Row, Turn]]:
        """Every turn of a work, oldest first."""
        self.work(name)
        return list(self.ledger.entries(name))

    def content(self, work: Work) -> Any:
        """The value of a work: a picture, a text or a score."""
        if not work.content:
            raise VesicaError(
                f"{work.name} is empty; bring a file with 'vesica import {work.name} FILE' or pick a take."
            )
        if self._imported and self._imported[0] == work.content:
            return self._imported[1]  # a large picture should not be decoded twice only to be described
        return craft(medium_of(work.content.type)).read(self.assets.get(work.content))

    def authorship(self, work: Work) -> bytes:
        """The authorship map of a work with content, every turn in it called by its id."""
        assert work.content and work.authorship
        hand = craft(medium_of(work.content.type))
        return hand.relabel(self.assets.get(work.authorship), THIS, work.changed)

    def authors(self, work: Work) -> dict[str, tuple[int, int]]:
        """By turn: how many units of the work (characters, events, pixels) it brought in and changed last."""
        if not (work.content and work.authorship):
            return {}
        hand = craft(medium_of(work.content.type))
        return hand.counts(self.authorship(work))

    def credits(self, work: Work) -> "Credits":
        """Who made each unit of a work with content, to be drawn; see ``vesica.export.authors``."""
        from vesica.crediting import credits_of

        return credits_of(self, work)

    def draw(self, work: Work, page: Path, *, force: bool = False) -> Path:
        """Write who made each unit of a work as one HTML page. ``force``: over any file, not only over such a page."""
        from vesica.export.authors.page import MADE_BY
        from vesica.export.authors.page import page as write_page

        if page.suffix.lower() not in (".html", ".htm"):
            raise VesicaError(f"{page.name} is a page; end its name with .html.")
        _check_place(page)
        if not force and page.exists() and MADE_BY not in page.read_bytes()[:2000]:
            raise VesicaError(f"{page.name} is there already and is no page of vesica's; {OTHERWISE}")
        write_durably(page.absolute(), iter((write_page(self.credits(work)),)))
        return page

    def verify(self, *, head: Head | None = None, progress: Progress | None = None) -> list[Fault]:
        """The faults of the whole studio; see ``vesica.ledger.verify``."""
        return self.examine(head=head, progress=progress).faults

    def examine(self, *, head: Head | None = None, progress: Progress | None = None) -> Findings:
        """Check the whole studio, and say what can't be known too; see ``vesica.ledger.verify``."""
        return examine(self.ledger, self.assets, head=head, progress=progress)

    def replay(self, name: str, *, progress: Progress | None = None) -> Iterator[Replayed]:
        """Run every machine turn of a work again; see ``vesica.replay``."""
        return replay([turn for _, turn in self.log(name)], self.assets, self.worker, progress=progress)

    def redact(self, name: str, turn: str, *, reason: str = "") -> Removal:
        """Take the words or pictures of a turn out of the studio; see ``vesica.redaction``."""
        self.work(name)
        target = self.ledger.find(turn, name)
        return redact(self.ledger, self.assets, self.key, self.person, target, studio=self.path, reason=reason)

    # Care

    def save_head(self, out: Path, *, force: bool = False) -> Path:
        """Write the present head to a file, over an earlier head of this same history or, with ``force``, over any."""
        _check_place(out)
        if not force and out.exists() and not self._is_earlier_head(out):
            raise VesicaError(f"{out.name} is there already and is no earlier head of this ledger; {OTHERWISE}")
        write_durably(out.absolute(), iter((self.ledger.head().to_bytes() + b"\n",)))
        return out

    def _is_earlier_head(self, path: Path) -> bool:
        try:
            head = Head.from_bytes(path.read_bytes())
        except VesicaError:
            return False
        return head.genuine and self.ledger.link(head.size) == head.link

    def carry(self, out: Path, *, facts: bool, with_assets: bool, force: bool = False) -> int:
        """Write the ledger to one file that others verify; see ``vesica.ledger.carried``.

        force : over any file, not only over an earlier ledger file of this studio
        """
        from vesica.ledger.carried import carry, owner_of

        if out.is_dir() or not out.absolute().parent.is_dir():
            raise VesicaError(f"{out} can't be written; give the name of a file in a folder that is there.")
        if not force and out.exists() and owner_of(out) != self.ledger.owner:
            raise VesicaError(f"{out.name} is there already and is no ledger file of this studio; {OTHERWISE}")
        return carry(self.ledger, self.assets, out, facts=facts, with_assets=with_assets)

    def leftovers(self) -> list[Leftover]:
        """Assets that no turn names and that were kept more than a day ago."""
        return leftovers(self.ledger, self.assets)

    def clear(self) -> list[Leftover]:
        """Take out those assets; see ``vesica.ledger.leftovers``."""
        return clear(self.ledger, self.assets)

    # Inside

    def _turn(
        self,
        name: str,
        partner: Partner,
        act: Act,
        *,
        seed: int | None = None,
        branch: str | None = None,
        parent: str | None = None,
        expect: Callable[[Work], None] | None = None,
    ) -> Turn:
        def there(before: Work) -> None:
            if expect:
                expect(before)
            # A redaction, which holds the ledger too, may have taken what was kept for this turn a moment ago.
            for asset in (one for found in named_by(act).values() for one in found):
                if not self.assets.has(asset.digest):
                    raise VesicaError(f"The asset {asset.digest[:12]} was taken out by another program; try again.")

        return self.ledger.append(self.key, name, partner, act, seed=seed, branch=branch, parent=parent, expect=there)

    def _identity(self) -> "tuple[Identity, bytes]":
        """What the studio signs credentials with; made when it is first needed, and anew when its year is over."""
        import datetime as dt

        from vesica.export.certificate import expired, issue, load, save

        folder, phrase, now = self.path / "keys", self._unlocked()[1], dt.datetime.now(dt.UTC)
        identity = load(folder)
        if identity is None or expired(identity, now):
            identity = issue(phrase, now)
            save(identity, folder)
        return identity, phrase

    def _unchanged(self, work: Work) -> Callable[[Work], None]:
        """Refuse a turn that was worked out from an older state: nobody's work is silently laid over."""

        def check(before: Work) -> None:
            if (before.content, before.locked, before.branch) != (work.content, work.locked, work.branch):
                raise VesicaError(f"{work.name} was changed meanwhile by another program; look at it, then try again.")

        return check

    def _same_medium(self, work: Work, medium: Medium, path: Path) -> None:
        if work.content and medium_of(work.content.type) != medium:
            raise VesicaError(
                f"{path.name} is of medium {medium}, but {work.name} is of medium {medium_of(work.content.type)}; "
                "begin another work for it with 'vesica new'."
            )

    def _inputs(
        self, work: Work, engine: Engine, files: Mapping[str, Path], params: Mapping[str, Any]
    ) -> dict[str, tuple[bytes, str]]:
        """Bytes and media type of each input: from ``files``, and from the work where its medium fits."""
        given: dict[str, tuple[bytes, str]] = {}
        for name, path in files.items():
            if name not in engine.inputs:
                known = ", ".join(engine.inputs) or "none"
                raise VesicaError(f"{engine.name} has no input called {name}; it has: {known}.")
            data = read_file(path)
            wanted = engine.inputs[name].medium
            medium, type_ = sniff(data, path.name, wanted)
            if medium != wanted:
                raise VesicaError(f"{path.name} is of medium {medium}; {name} must be {wanted}.")
            craft(medium).read(data)
            given[name] = data, type_
        for name, asked in engine.inputs.items():
            if name in given:
                continue
            content = work.content
            if content and medium_of(content.type) == asked.medium and name == _first_input(engine, asked.medium):
                given[name] = self.assets.get(content), content.type
            elif asked.needed and not (asked.unless and params[asked.unless[0]] == asked.unless[1]):
                raise VesicaError(
                    f"{engine.name} needs {asked.help or name}; bring it with "
                    f"'vesica import {work.name} FILE' or give --{name} FILE."
                )
        return given

    def _laid_over(self, work: Work, content: Asset, turn: str) -> tuple[Asset, Asset]:
        """A take's content and authorship once it becomes the work: locked parts kept, units of before carried."""
        medium = medium_of(content.type)
        hand = craft(medium)
        after = hand.read(self.assets.get(content))
        if not work.content or medium_of(work.content.type) != medium:
            if work.locked:
                raise VesicaError(f"{work.name} has locked parts; a take of another medium can't keep them.")
            return content, self.assets.put(hand.fresh(after, turn), "application/octet-stream")
        before = hand.read(self.assets.get(work.content))
        kept = hand.settle(before, after)
        for part in work.locked:
            kept = hand.keep(part, before, kept)
        data, type_ = hand.write(kept)
        return self.assets.put(data, type_), self._edited(work, hand.edit, before, kept, turn)

    def _edited(self, work: Work, edit: Callable[..., bytes], before: Any, after: Any, turn: str) -> Asset:
        return self.assets.put(edit(before, self.authorship(work), after, turn), "application/octet-stream")


def _form(medium: Medium, out: Path) -> Format:
    """The format that ``out`` asks for. Raises ``VesicaError`` where no such file can be written."""
    _check_place(out)
    return format_of(medium, out.name)


def _check_place(out: Path) -> None:
    """Raise ``VesicaError`` where no file can be written."""
    if out.is_dir():
        raise VesicaError(f"{out} is a folder; give the name of a file.")
    if not out.absolute().parent.is_dir():
        raise VesicaError(f"There is no folder {out.parent}; make it first.")


def _of_ending(name: str) -> str:
    """The media type of a file's ending, which an export has checked already."""
    ending = Path(name).suffix.lower()
    return next(forms[ending].type for forms in FORMATS.values() if ending in forms)


def _first_input(engine: Engine, medium: Medium) -> str:
    """The input of this medium that a work goes into: the first; a mask or a guide is not the picture."""
    return next((name for name, wanted in engine.inputs.items() if wanted.medium == medium), "")


def _take(turn: Turn, *, picked: bool) -> Take:
    assert isinstance(turn.act, Offered)
    return Take(turn.id, turn.partner.name, turn.seed or 0, turn.act.content, turn.act.params or {}, picked)


def _counted(progress: Progress | None, count: int, takes: int) -> Progress | None:
    """Progress of one take among several."""
    if not progress or takes == 1:
        return progress

    def counted(step: Step) -> None:
        note = f"take {count + 1} of {takes}" + (f", {step.note}" if step.note else "")
        progress(Step(count * step.total + step.done, takes * step.total, step.preview, note))

    return counted


def shortened(words: str, most: int = 60) -> str:
    """Words of any length as they fit into a sentence."""
    return words if len(words) <= most else words[: most - 1] + "…"


__all__ = ["PROGRAM", "Studio", "Take", "read_file"]
