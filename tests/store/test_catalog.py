"""leveret.store.catalog."""

import sqlite3
from pathlib import Path

import pytest
from tests.store.workers import FakeWorker

from leveret.store.catalog import VERSION, Catalog, CatalogError, CommitWaiter


class Waiter(CommitWaiter):
    def __init__(self) -> None:
        self.told: list[int] = []

    def on_committed(self, number: int) -> None:
        self.told.append(number)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "catalog.sqlite")


def test_what_was_put_is_there_after_a_restart(path: str) -> None:
    worker = FakeWorker()
    catalog = Catalog(path, worker)
    catalog.put("queues", ("/", "größe"), {"durable": True, "id": 7})
    catalog.put("queues", ("/", "gone"), {})
    catalog.remove("queues", ("/", "gone"))
    catalog.end_turn()
    worker.work()
    catalog.close()
    again = Catalog(path, worker)
    assert again.rows("queues") == [(["/", "größe"], {"durable": True, "id": 7})]
    again.close()


def test_nobody_is_told_before_the_commit(path: str) -> None:
    worker, waiter = FakeWorker(), Waiter()
    catalog = Catalog(path, worker)
    catalog.put("vhosts", ("/",), {})
    catalog.wait(catalog.owed, waiter)
    catalog.end_turn()
    assert waiter.told == []
    worker.work()
    assert waiter.told == [1]
    catalog.close()


def test_changes_during_a_commit_share_the_next(path: str) -> None:
    worker, waiter = FakeWorker(), Waiter()
    catalog = Catalog(path, worker)
    for number in range(5):
        catalog.put("vhosts", (str(number),), {})
        catalog.wait(catalog.owed, waiter)
        catalog.end_turn()
    assert len(worker.jobs) == 1
    worker.work(1)
    assert waiter.told == [1]
    worker.work(1)
    assert waiter.told == [1, 2, 2, 2, 2]
    assert not worker.jobs
    catalog.close()


def test_a_commit_that_fails_is_tried_again(path: str) -> None:
    worker, waiter = FakeWorker(), Waiter()
    catalog = Catalog(path, worker)
    other = sqlite3.connect(path, isolation_level=None)
    catalog._database.execute("PRAGMA busy_timeout = 0")
    other.execute("BEGIN IMMEDIATE")
    catalog.put("vhosts", ("/",), {})
    catalog.wait(catalog.owed, waiter)
    catalog.end_turn()
    worker.work()
    assert catalog.is_failing
    assert waiter.told == []
    other.execute("ROLLBACK")
    other.close()
    catalog.retry()
    catalog.end_turn()
    worker.work()
    assert not catalog.is_failing
    assert waiter.told == [1]
    assert catalog.rows("vhosts") == [(["/"], {})]
    catalog.close()


def test_a_turn_without_changes_commits_nothing(path: str) -> None:
    worker = FakeWorker()
    catalog = Catalog(path, worker)
    catalog.end_turn()
    assert catalog.owed == 0
    assert not worker.jobs
    catalog.close()


def test_a_later_version_is_refused(path: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(CatalogError, match="was written by a later leveret"):
        Catalog(path, FakeWorker())


def test_a_file_that_is_no_database_is_refused(path: str) -> None:
    Path(path).write_bytes(b"x" * 5000)
    with pytest.raises(CatalogError, match="cannot be used: file is not a database"):
        Catalog(path, FakeWorker())
