"""The ledger's file: SQLite in WAL mode with synchronous=FULL, so that an acknowledged turn survives a power cut.

Turns, leaves and keys are the truth. The table ``states`` (a work after each turn) is derived, and ``verify`` derives
it again.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vesica.errors import VesicaError, did_you_mean
from vesica.ledger.canonical import canonical, is_digest, parse
from vesica.ledger.chain import Head, first_link, message, next_link, rotation
from vesica.ledger.keys import Key
from vesica.ledger.turns import Sealed, leaf_hashes, seal, unreadable, unseal
from vesica.work import Act, Asset, Partner, Rotated, Turn, Work, apply

VERSION = 1
APPLICATION = 0x56455349  # "VESI"
_NO_WORK = ""
"""Turns of the studio as a whole are filed under no work."""

_TABLES = """
CREATE TABLE turns (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL,
    link TEXT NOT NULL,
    signature BLOB NOT NULL,
    public BLOB NOT NULL,
    work TEXT NOT NULL,
    branch TEXT NOT NULL
);
CREATE INDEX turns_by_work ON turns (work, branch, position);
CREATE TABLE leaves (hash TEXT PRIMARY KEY, salt BLOB NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE states (turn TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (public BLOB NOT NULL);
"""

_LATEST = """
WITH RECURSIVE branches(name) AS (
    SELECT MIN(branch) FROM turns WHERE work = ?1
    UNION ALL
    SELECT (SELECT MIN(branch) FROM turns WHERE work = ?1 AND branch > name) FROM branches WHERE name IS NOT NULL
)
SELECT id FROM branches JOIN turns
    ON position = (SELECT MAX(position) FROM turns WHERE work = ?1 AND branch = name)
ORDER BY position DESC LIMIT 1
"""
"""The latest turn of a work: of each branch the last, by the index alone, as a work may have ten thousand turns."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored turn with its place in the chain, as it lies on the disk: SQLite holds any type in any column."""

    position: int
    id: str
    body: bytes
    link: str
    signature: bytes
    public: bytes
    work: str
    branch: str


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    opened = sqlite3.connect(path, timeout=wait, isolation_level=None)
    try:
        opened.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as fault:
        opened.close()
        waiting = path.with_name(path.name + "-wal")
        if fault.sqlite_errorcode & 0xFF not in _NO_ROOM or (waiting.exists() and waiting.stat().st_size):
            raise
        # SQLite wants to write beside a file in WAL mode even to read it. On a full disk, or one that is read only, it
        # is told that nobody will; what was written is all in the file itself, as there is no log.
        opened = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
    except BaseException:
        opened.close()
        raise
    return opened


def now() -> str:
    """The time of this computer's clock as turns keep it: UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


_REASONS = {
    sqlite3.SQLITE_BUSY: "another vesica is writing to it; wait for it to finish, then try again.",
    sqlite3.SQLITE_LOCKED: "another vesica is writing to it; wait for it to finish, then try again.",
    sqlite3.SQLITE_FULL: "the disk is full; free some space, then try again. Nothing that was kept is lost.",
    sqlite3.SQLITE_IOERR: "the disk is full or failing; look at its free space and its health, then try again.",
    sqlite3.SQLITE_READONLY: "it may not be written to; give yourself the right to, or copy the studio elsewhere.",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened; look whether its folder is there and may be written to.",
}


def _schema(db: sqlite3.Connection) -> frozenset[tuple[str, str, str]]:
    """Kind, name and definition of all that a database holds beside rows."""
    rows = db.execute("SELECT type, name, sql FROM sqlite_schema")
    return frozenset((str(kind), str(name), " ".join(str(sql).split())) for kind, name, sql in rows)


@cache
def _own_schema() -> frozenset[tuple[str, str, str]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(_TABLES)
        return _schema(db)


_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


class Ledger:
    """The file ``ledger.db``. One writer at a time; a second one waits up to 30 s."""

    def __init__(self, path: Path, *, create: Callable[[], bytes] | None = None, wait: float = 30.0) -> None:
        """Open the ledger at ``path``.

        ``create`` gives the owner's public key for a new one. It is called at most once, and by one process only,
        however many begin the same ledger at the same time; a ledger that is there is left as it is.
        """
        self.path, self._held = path, False
        if create is None and not path.is_file():
            raise VesicaError(f"{path.parent} is not a studio; make a work there with 'vesica new'.")
        with self._plainly():
            self._db = _connect(path, wait)
            try:
                self._db.execute("PRAGMA trusted_schema=OFF")
                if create and self._is_blank():
                    self._build(create)
                self._check_version()
                self._check_schema()
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.execute("PRAGMA secure_delete=ON")
                row = self._db.execute("SELECT public FROM owner").fetchone()
                if not row or not isinstance(row[0], bytes):
                    raise VesicaError(f"The ledger {path} is damaged (it has no owner); restore it from a copy.")
            except BaseException:
                self._db.close()
                raise
        self.owner: bytes = row[0]

    def _is_blank(self) -> bool:
        """Whether nothing was ever built: a new file, or one that a crash left in its first moment."""
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        marks = [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        return not tables and marks == [0, 0]

    def _build(self, create: Callable[[], bytes]) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        with self._writing():
            if not self._is_blank():
                return  # another process was faster
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO owner VALUES (?)", (create(),))
            self._db.execute(f"PRAGMA application_id={APPLICATION}")
            self._db.execute(f"PRAGMA user_version={VERSION}")

    def _check_version(self) -> None:
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if self._is_blank():
            raise VesicaError(f"The ledger {self.path} is empty; restore it from a copy.")
        if application != APPLICATION:
            raise VesicaError(f"{self.path} is not a ledger of vesica; nothing was touched.")
        if version > VERSION:
            raise VesicaError(
                f"{self.path} was written by a newer vesica (ledger version {version}, this one knows {VERSION}); "
                "update vesica to open it. Nothing was touched."
            )

    def _check_schema(self) -> None:
        """Refuse a file whose tables are not to the letter those made here: a trigger or a view could do anything."""
        if strange := sorted(_schema(self._db) ^ _own_schema()):
            raise VesicaError(
                f"The ledger {self.path} was not built by vesica ({strange[0][0]} {strange[0][1]} is not as it should "
                "be); restore it from a copy that you trust. Nothing was touched."
            )

    @contextlib.contextmanager
    def _plainly(self) -> Iterator[None]:
        """Turn SQLite's faults into sentences."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # ours
        except sqlite3.DatabaseError as fault:
            # The low byte is the kind of fault, the rest its shade.
            kind = getattr(fault, "sqlite_errorcode", 0) & 0xFF
            why = _REASONS.get(kind, f"it is damaged ({fault}); restore it from a copy.")
            raise VesicaError(f"The ledger {self.path} did not answer: {why}") from fault

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        if self._held:  # what is done while the ledger is held belongs to one transaction
            yield
            return
        with self._plainly():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it already
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # Writing

    def append(
        self,
        key: Key,
        work: str,
        partner: Partner,
        act: Act,
        *,
        seed: int | None = None,
        branch: str | None = None,
        parent: str | None = None,
        expect: Callable[[Work], None] | None = None,
        time: str | None = None,
    ) -> Turn:
        """Add a turn to the end of the chain; once this returns, the turn survives a crash.

        ``branch`` and ``parent`` default to where the work stands. ``expect`` sees that state inside the transaction
        and may refuse it, so that a turn worked out from an older state is never laid over a newer one.
        """
        with self._writing():
            before = self._state_of(parent) if parent else self.work(work, branch)
            if expect:
                expect(before)
            return self._add(key, work, branch or before.branch, before, partner, act, seed=seed, time=time)

    def _add(
        self,
        key: Key,
        work: str,
        branch: str,
        before: Work,
        partner: Partner,
        act: Act,
        *,
        seed: int | None,
        time: str | None,
    ) -> Turn:
        if key.public != self.signer():
            raise VesicaError("The studio's signing key was exchanged meanwhile by another program; try again.")
        sealed = seal(work, branch, (before.tip,) if before.tip else (), partner, act, seed=seed, time=time or now())
        size, link = self._end()
        link = next_link(link, sealed.turn.id)
        signature = key.sign(message(size + 1, link))
        self._db.execute(
            "INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (size + 1, sealed.turn.id, sealed.body, link, signature, key.public, work, branch),
        )
        self._keep(sealed, before)
        return sealed.turn

    def _keep(self, sealed: Sealed, before: Work) -> None:
        self._db.executemany(
            "INSERT INTO leaves VALUES (?, ?, ?)", [(part.hash, part.salt, part.value) for part in sealed.leaves]
        )
        after = apply(before, sealed.turn)
        self._db.execute("INSERT INTO states VALUES (?, ?)", (sealed.turn.id, canonical(after)))

    def rotate(self, key: Key, make: Callable[[], Key], partner: Partner) -> Turn:
        """Hand over to a new key with a turn that ``key``, which signs until now, signs last.

        ``make`` is called while no other program can write, so that two that rotate at once don't lose a key.
        """
        with self._writing():
            before = self.work(_NO_WORK)
            new = make()
            proof = new.sign(rotation(self._end()[1], key.public, new.public))
            act = Rotated(new.public.hex(), proof.hex())
            return self._add(key, _NO_WORK, before.branch, before, partner, act, seed=None, time=None)

    def redact(self, key: Key, work: str, partner: Partner, act: Act) -> Turn:
        """Take out the leaves that ``act`` (a ``Redacted``) names, in one transaction with the turn that says so.

        Deleted rows are zeroed (``secure_delete``) in the file; ``scrub`` sees to the log.
        """
        with self._writing():
            before = self.work(work)
            turn = self._add(key, work, before.branch, before, partner, act, seed=None, time=None)
            for redacted, names in act.turns.items():  # type: ignore[union-attr]
                hashes = leaf_hashes(self._row(redacted).body)
                self._db.executemany("DELETE FROM leaves WHERE hash = ?", [(hashes[name],) for name in names])
            self._derive_states()
        return turn

    def scrub(self) -> None:
        """Take the bytes of deleted rows out of the file, and out of the log that still holds them."""
        with self._plainly():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _derive_states(self) -> None:
        self._db.execute("DELETE FROM states")
        states: dict[str, Work] = {}
        for _, turn in self.entries():
            states[turn.id] = apply(states[turn.parents[0]] if turn.parents else Work(), turn)
        self._db.executemany(
            "INSERT INTO states VALUES (?, ?)", [(name, canonical(state)) for name, state in states.items()]
        )

    # Reading

    def signer(self) -> bytes:
        """The public key that the next turn must be signed with: the owner's, or the one it handed over to."""
        with self._plainly():
            row = self._db.execute(
                "SELECT body FROM turns WHERE work = ? ORDER BY position DESC LIMIT 1", (_NO_WORK,)
            ).fetchone()
        if not row:
            return self.owner
        act = unseal(row[0], {}).act
        if not (isinstance(act, Rotated) and is_digest(act.public)):
            raise unreadable()
        return bytes.fromhex(act.public)

    def _end(self) -> tuple[int, str]:
        row = self._db.execute("SELECT position, link FROM turns ORDER BY position DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, first_link(self.owner))

    def head(self) -> Head:
        """The signed head as it stands. Raises ``VesicaError`` when there is no turn yet."""
        with self._plainly():
            row = self._db.execute(
                "SELECT position, link, public, signature FROM turns ORDER BY position DESC LIMIT 1"
            ).fetchone()
        if not row:
            raise VesicaError("This studio has no turn yet, so it has no head; begin with 'vesica new'.")
        head = Head(*row)
        if not (is_digest(head.link) and isinstance(head.public, bytes) and isinstance(head.signature, bytes)):
            raise unreadable()
        return head

    def link(self, position: int) -> str:
        """The link of the turn at a place of the chain; empty where there is none."""
        with self._plainly():
            row = self._db.execute("SELECT link FROM turns WHERE position = ?", (position,)).fetchone()
        return str(row[0]) if row else ""

    def signers(self) -> set[bytes]:
        """All public keys that turns are signed with, and the owner's."""
        with self._plainly():
            return {self.owner, *(row[0] for row in self._db.execute("SELECT DISTINCT public FROM turns"))}

    def size(self) -> int:
        """How many turns the chain has."""
        with self._plainly():
            return self._end()[0]

    def works(self) -> list[str]:
        """The names of all works, oldest first."""
        with self._plainly():
            rows = self._db.execute(
                "SELECT work FROM turns WHERE work != ? GROUP BY work ORDER BY MIN(position)", (_NO_WORK,)
            )
            return [row[0] for row in rows]

    def branches(self, work: str) -> dict[str, str]:
        """The branches of a work and the turn each stands at, oldest first."""
        with self._plainly():
            rows = self._db.execute(
                "SELECT branch, id FROM turns JOIN (SELECT MIN(position) AS first, MAX(position) AS last FROM turns "
                "WHERE work = ? GROUP BY branch) ON position = last ORDER BY first",
                (work,),
            )
            return {row[0]: row[1] for row in rows}

    def work(self, name: str, branch: str | None = None) -> Work:
        """The work as it stands on a branch, or where its latest turn was; an empty one when there is none."""
        with self._plainly():
            row = (
                self._db.execute(_LATEST, (name,)).fetchone()
                if branch is None
                else self._db.execute(
                    "SELECT id FROM turns WHERE work = ? AND branch = ? ORDER BY position DESC LIMIT 1", (name, branch)
                ).fetchone()
            )
        return self._state_of(row[0]) if row else Work(name)

    def state(self, turn: str) -> Work:
        """The work as it stood after a turn."""
        return self._state_of(turn)

    def _state_of(self, turn: str) -> Work:
        with self._plainly():
            row = self._db.execute("SELECT value FROM states WHERE turn = ?", (turn,)).fetchone()
        if not row:
            raise VesicaError(f"No turn is called {turn[:12]!r}; see 'vesica log'.")
        try:
            told = parse(row[0])
            told["locked"] = tuple(told["locked"])
            for name in ("content", "authorship"):
                told[name] = Asset(**told[name]) if told[name] else None
            return Work(**told)
        except (ValueError, KeyError, TypeError) as fault:
            raise unreadable() from fault

    def turn(self, id_: str) -> Turn:
        """The turn with this id."""
        row = self._row(id_)
        return unseal(row.body, self._values(row))

    def find(self, prefix: str, work: str | None = None) -> Turn:
        """The one turn whose id begins with ``prefix`` (4 digits or more)."""
        with self._plainly():
            rows = self._db.execute(
                "SELECT id FROM turns WHERE id LIKE ? || '%' AND (?2 IS NULL OR work = ?2) LIMIT 2",
                (prefix if prefix.isalnum() and len(prefix) >= 4 else "-", work),
            ).fetchall()
        if len(rows) == 1:
            return self.turn(rows[0][0])
        if rows:
            raise VesicaError(f"More than one turn begins with {prefix[:64]!r}; give more digits.")
        hint = did_you_mean(
            prefix, self._ids(work, max(4, len(prefix))), f"see 'vesica log{' ' + work if work else ''}'."
        )
        raise VesicaError(f"No turn begins with {prefix[:64]!r} (4 digits or more); {hint}")

    def _ids(self, work: str | None, digits: int) -> list[str]:
        with self._plainly():
            found = self._db.execute("SELECT id FROM turns WHERE ?1 IS NULL OR work = ?1", (work,))
            return [str(row[0])[:digits] for row in found]

    def _row(self, id_: str) -> Row:
        with self._plainly():
            row = self._db.execute("SELECT * FROM turns WHERE id = ?", (id_,)).fetchone()
        if not row:
            raise VesicaError(f"No turn is called {id_[:12]!r}; see 'vesica log'.")
        return Row(*row)

    def _values(self, row: Row) -> dict[str, bytes]:
        values = {}
        with self._plainly():
            for hashed in leaf_hashes(row.body).values():
                found = self._db.execute("SELECT value FROM leaves WHERE hash = ?", (hashed,)).fetchone()
                if found:
                    values[hashed] = found[0]
        return values

    def leaf(self, hashed: str) -> tuple[bytes, bytes] | None:
        """Salt and value of a leaf; None when it was taken out."""
        with self._plainly():
            row = self._db.execute("SELECT salt, value FROM leaves WHERE hash = ?", (hashed,)).fetchone()
        return (row[0], row[1]) if row else None

    def rows(self) -> Iterator[Row]:
        """All stored turns in order, as they lie on the disk."""
        with self._plainly():
            for row in self._db.execute("SELECT * FROM turns ORDER BY position"):
                yield Row(*row)

    @contextlib.contextmanager
    def unchanging(self) -> Iterator[None]:
        """Read the ledger as it is now, whatever other programs add meanwhile."""
        with self._plainly():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other programs from adding a turn; what this one adds meanwhile counts when the hold ends."""
        with self._writing():
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def copy_to(self, path: Path) -> None:
        """Write the ledger as it is now to a file that is not there yet, without what was taken out of it."""
        with self._plainly():
            self._db.execute("VACUUM INTO ?", (str(path),))

    def entries(self, work: str | None = None) -> Iterator[tuple[Row, Turn]]:
        """All turns (of one work) in order, read."""
        with self._plainly():
            found = self._db.execute(
                "SELECT * FROM turns WHERE ?1 IS NULL OR work = ?1 ORDER BY position", (work,)
            ).fetchall()
        for columns in found:
            row = Row(*columns)
            yield row, unseal(row.body, self._values(row))

    def stored_states(self) -> dict[str, bytes]:
        """The derived states as they lie on the disk, for ``verify``."""
        with self._plainly():
            return dict(self._db.execute("SELECT turn, value FROM states"))

    def integrity(self) -> str:
        """SQLite's own opinion of its file: ``ok`` or what is wrong."""
        with self._plainly():
            answer: str = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            return answer
