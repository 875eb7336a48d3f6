"""Reading a catalog without changing it, and what can be read of one that is damaged."""

import json
import os
import re
import shutil
import sqlite3
import tempfile
from typing import Final, final

from leveret.store.catalog import CATALOG, KINDS, LATER_KINDS, VERSION
from leveret.store.inspection import Fault

# SQLite keeps what was committed last in the second; the third it makes again.
COMPANIONS: Final = ("", "-wal")
LEFTOVERS: Final = ("", "-wal", "-shm")
_PAGE: Final = re.compile(r"page (\d+)")
_MOST: Final = 100

Row = tuple[str, str]


@final
class CatalogScan:
    """The rows of a catalog that can be read, as JSON, by kind.  Works on a copy."""

    def __init__(self, path: str) -> None:
        self.path: Final = path
        self.faults: Final[list[Fault]] = []
        self.rows: Final[dict[str, list[Row]]] = {kind: [] for kind in KINDS}
        self.octets = 0
        if not os.path.exists(path):
            self.faults.append(Fault(path, 0, 0, "the file is missing"))
            return
        with tempfile.TemporaryDirectory(prefix="leveret-") as folder:
            copy = os.path.join(folder, CATALOG)
            for ending in COMPANIONS:
                if os.path.exists(path + ending):
                    shutil.copyfile(path + ending, copy + ending)
                    self.octets += os.path.getsize(copy + ending)
            self._read(copy)

    def parsed(self, kind: str) -> list[tuple[list[str], dict[str, object]]]:
        """The rows of a kind."""
        return [(json.loads(key), json.loads(facts)) for key, facts in self.rows[kind]]

    def _read(self, copy: str) -> None:
        try:
            database = sqlite3.connect(copy, isolation_level=None)
        except sqlite3.Error as error:
            self._complain(0, str(error))
            return
        try:
            self._check(database)
            for kind in KINDS:
                self._read_table(database, kind)
        finally:
            database.close()

    def _complain(self, at: int, what: str) -> None:
        self.faults.append(Fault(self.path, at, 0, what))

    def _check(self, database: sqlite3.Connection) -> None:
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._complain(0, "there is nothing in it")
            elif version > VERSION:
                self._complain(0, f"its tables have version {version}, of a later leveret")
            (size,) = database.execute("PRAGMA page_size").fetchone()
            for (text,) in database.execute(f"PRAGMA integrity_check({_MOST})"):
                if text != "ok":
                    page = _PAGE.search(text)
                    self._complain((int(page.group(1)) - 1) * size if page else 0, text)
        except sqlite3.Error as error:
            self._complain(0, str(error))

    def _read_table(self, database: sqlite3.Connection, kind: str) -> None:
        found: dict[str, str] = {}
        for order in ("ASC", "DESC"):
            # From both ends: what is damaged lies between.
            try:
                rows = database.execute(f"SELECT key, facts FROM {kind} ORDER BY key {order}")
                # One by one: what came before an error is kept.
                for key, facts in rows:
                    found.setdefault(key, facts)
                break
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if kind in LATER_KINDS and "no such table" in str(error):
                    break
                if order == "ASC":
                    self._complain(0, f"table {kind}: {error}")
        for key in sorted(found):
            if _is_row(key, found[key]):
                self.rows[kind].append((key, found[key]))
            else:
                self._complain(0, f"table {kind}: the row {key!r} makes no sense")


def _is_row(key: object, facts: object) -> bool:
    try:
        names = json.loads(str(key))
        return isinstance(names, list) and isinstance(json.loads(str(facts)), dict)
    except ValueError:
        return False
