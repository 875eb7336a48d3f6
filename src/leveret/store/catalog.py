"""The catalog: everything that is declared - vhosts, users, queues, bindings, policies - on disk.

One table for each kind of thing, ``key`` a JSON array of names, ``facts`` a JSON object, so that
``sqlite3 catalog.sqlite 'select * from queues'`` shows them.  What one turn of the loop changes is
one transaction, committed beside the loop; whoever asked for a change is answered after it.

Control plane.  Knows no queue and no user: facts are what JSON can say.
"""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.session import TurnEnd
from leveret.store.worker import Job, Worker

# Its file in the data folder.
CATALOG: Final = "catalog.sqlite"
KINDS: Final = (
    *("vhosts", "users", "permissions", "topic_permissions", "parameters", "global_parameters"),
    *("policies", "operator_policies", "vhost_limits", "exchanges", "queues", "bindings", "facts"),
    "retained",
)
# Those that a catalog does not have which was last opened before there were any.
LATER_KINDS: Final = ("retained",)
# The version of the tables; each entry of _MIGRATIONS brings the version before to its own.
VERSION: Final = 1
_MIGRATIONS: Final[list[Callable[[sqlite3.Connection], None]]] = []
_BUSY_S: Final = 5.0


class CatalogError(Exception):
    """The catalog cannot be used.  The text is a sentence: which file, why, and what to do."""


@mypyc_attr(allow_interpreted_subclasses=True)
class CommitWaiter(ABC):
    """Whoever must not answer before a change is on the disk."""

    @abstractmethod
    def on_committed(self, number: int) -> None:
        """Every transaction up to ``number`` is on the disk."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Commits(TurnEnd):
    """How those who declare things know when that is on the disk.

    ``change_count`` rises with each change.
    """

    def __init__(self) -> None:
        self.change_count = 0

    @abstractmethod
    def wait_for_commit(self, waiter: CommitWaiter) -> None:
        """Tell ``waiter`` when all that was changed so far is on the disk."""

    @abstractmethod
    def kept(self, kind: str) -> list[tuple[list[str], dict[str, object]]]:
        """What a scribe had written before the start, by key.  Raises CatalogError."""

    @abstractmethod
    def enlist(self, scribe: "Scribe") -> None:
        """Have ``scribe`` asked for its changes from now on."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Scribe(ABC):
    """Who has things of its own written down, some of which change more often than they can be.

    It is asked for its changes when the catalog can take them, or somebody waits for them: only
    what a thing is by then need be written.  The first name of each key is a vhost's: what is of a
    vhost goes with it.  ``has_changes`` is its own.
    """

    def __init__(self) -> None:
        self.has_changes = False

    @abstractmethod
    def write(self, catalog: "Catalog") -> None:
        """Hand all changes to ``catalog``; there are none after that."""


@final
class Change:
    """A row that is new or has changed; it is deleted when ``facts`` is None.

    ``is_for_all``: it stands for every row whose key begins with ``key``.
    """

    def __init__(
        self,
        kind: str,
        key: tuple[str, ...],
        facts: dict[str, object] | None,
        is_for_all: bool = False,
    ) -> None:
        assert kind in KINDS
        self.is_for_all: Final = is_for_all
        self.kind: Final = kind
        self.key: Final = _written(key)
        self.facts: Final = _written(facts) if facts is not None else None

    @staticmethod
    def of_row(kind: str, row: tuple[str, str]) -> "Change":
        """A row as it was read."""
        return Change(kind, tuple(json.loads(row[0])), json.loads(row[1]))


@final
class Commit(Job):
    """One transaction."""

    def __init__(self, catalog: "Catalog", changes: list[Change], number: int) -> None:
        self._catalog: Final = catalog
        self.changes: Final = changes
        self.number: Final = number

    def perform(self) -> None:
        """Write and commit."""
        self._catalog.write(self.changes)

    def done(self, error: OSError | None) -> None:
        """Tell the catalog."""
        self._catalog.on_commit_done(self, error)


@final
class Catalog:
    """The tables and what is on its way to them.

    ``number`` is that of the transaction being collected, ``committed`` the last on the disk.
    Raises CatalogError when made with a file that is damaged, locked, or of a later version, or
    with none or an empty one where there ``must_exist`` one.
    """

    def __init__(self, path: str, worker: Worker, must_exist: bool = False) -> None:
        self._must_exist: Final = must_exist
        self._path: Final = path
        self._worker: Final = worker
        self._changes: list[Change] = []
        self._waiting: list[tuple[int, CommitWaiter]] = []
        self.number = 1
        self.committed = 0
        self._is_busy = False
        self.is_failing = False
        # Why it fails.
        self.failure = ""
        self._may_retry = False
        self._failed: list[Change] = []
        try:
            self._database: Final = _opened(path)
            self._prepare()
        except sqlite3.Error as error:
            raise CatalogError(_sentence(path, error)) from None

    def _prepare(self) -> None:
        database = self._database
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0 and self._must_exist:
            raise CatalogError(_sentence(self._path, "it is missing, or there is nothing in it"))
        if version > VERSION:
            raise CatalogError(
                f"{self._path} was written by a later leveret (its tables have version {version},"
                f" this one knows {VERSION}): start that one, or restore a backup."
            )
        with database:
            database.execute("BEGIN IMMEDIATE")
            for kind in KINDS:
                database.execute(
                    f"CREATE TABLE IF NOT EXISTS {kind}"
                    " (key TEXT PRIMARY KEY, facts TEXT NOT NULL) STRICT, WITHOUT ROWID"
                )
            for migrate in _MIGRATIONS[max(version - 1, 0) :] if version > 0 else []:
                migrate(database)
            database.execute(f"PRAGMA user_version = {VERSION}")

    def rows(self, kind: str) -> list[tuple[list[str], dict[str, object]]]:
        """Every row of ``kind``, by key.  Raises CatalogError."""
        assert kind in KINDS
        try:
            found = self._database.execute(f"SELECT key, facts FROM {kind} ORDER BY key").fetchall()
            return [(json.loads(key), json.loads(facts)) for key, facts in found]
        except (sqlite3.Error, ValueError) as error:
            raise CatalogError(_sentence(self._path, error)) from None

    def makes_no_sense(self, why: str) -> CatalogError:
        """The error for rows that can be read and not be used."""
        return CatalogError(_sentence(self._path, f"it makes no sense ({why})"))

    # --- changing --------------------------------------------------------------------------

    def put(self, kind: str, key: tuple[str, ...], facts: dict[str, object]) -> None:
        """There is such a thing now, with these facts."""
        self._changes.append(Change(kind, key, facts))

    def remove(self, kind: str, key: tuple[str, ...]) -> None:
        """There is no such thing any more."""
        self._changes.append(Change(kind, key, None))

    def remove_all_of(self, kind: str, first: str) -> None:
        """There is nothing any more of which the first name is ``first``."""
        self._changes.append(Change(kind, (first,), None, True))

    @property
    def is_ready(self) -> bool:
        """Whether what changes now would be written at once."""
        return not (self._is_busy or self.is_failing)

    @property
    def owed(self) -> int:
        """The transaction that must be on the disk for all changes so far to be."""
        return self.number if self._changes else self.number - 1

    def wait(self, number: int, waiter: CommitWaiter) -> None:
        """Tell ``waiter`` when transaction ``number`` is on the disk.  Numbers do not descend."""
        assert number > self.committed
        self._waiting.append((number, waiter))

    def end_turn(self) -> None:
        """Have what changed committed; what changes during a commit shares the next."""
        if self._is_busy or not (self._changes or self._failed):
            return
        if self.is_failing and not self._may_retry:
            return
        self._may_retry = False
        changes = self._failed + self._changes
        self._failed = []
        if self._changes:
            self.number += 1
        self._changes = []
        self._is_busy = True
        self._worker.submit(Commit(self, changes, self.number - 1))

    def retry(self) -> None:
        """Try again what failed, with the next ``end_turn``."""
        self._may_retry = True

    def write(self, changes: list[Change]) -> None:
        """Write ``changes`` in one transaction.  Called beside the loop.  Raises OSError."""
        database = self._database
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                for change in changes:
                    _write_row(database, change)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def on_commit_done(self, commit: Commit, error: OSError | None) -> None:
        """Tell those who wait, or keep the changes for another try."""
        self._is_busy = False
        self.is_failing = error is not None
        self.failure = str(error) if error is not None else ""
        if error is not None:
            self._failed = commit.changes
            return
        self.committed = commit.number
        waiting = self._waiting
        self._waiting = [entry for entry in waiting if entry[0] > self.committed]
        for number, waiter in waiting:
            if number <= self.committed:
                waiter.on_committed(self.committed)
        self.end_turn()

    def close(self) -> None:
        """Close the file.  Only when no commit is under way."""
        self._database.close()


def _written(value: object) -> str:
    """``value`` as JSON, with letters as they are; escaped where names are not valid UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def _opened(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _write_row(database: sqlite3.Connection, change: Change) -> None:
    if change.is_for_all:
        beginning = change.key[:-1] + ","
        database.execute(
            f"DELETE FROM {change.kind} WHERE substr(key, 1, ?) = ?", (len(beginning), beginning)
        )
        return
    if change.facts is None:
        database.execute(f"DELETE FROM {change.kind} WHERE key = ?", (change.key,))
        return
    database.execute(
        f"INSERT INTO {change.kind} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET facts = excluded"
        ".facts",
        (change.key, change.facts),
    )


def _sentence(path: str, why: object) -> str:
    return (
        f"The catalog {path} cannot be used: {why}.  'leveret store check' lists all damage;"
        " 'leveret store repair' saves everything that can be read and says what is lost."
    )
