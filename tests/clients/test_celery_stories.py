"""What Celery's own examples do, on classic and on quorum queues, with nothing patched.

Results go to files, as rpc:// knows no chords; test_celery.py has rpc://.  With quorum queues what
is for later waits in Celery's own delaying queues, one for each power of two of seconds.
"""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
from kombu.pools import reset
from tests.clients.processes import Program, run

celery = pytest.importorskip("celery", reason="needs Celery (pip install celery)")

PATIENCE_S = 60
HERE = Path(__file__).parent


class Shop:
    """A worker with two processes, and the client's application."""

    def __init__(self, url: str, results: str, queue_type: str) -> None:
        self.environment = {"AMQP_URL": url, "CELERY_BACKEND": results, "C_FORCE_ROOT": "1"}
        self.app = celery.Celery("client", broker=url, backend=results, set_as_current=False)
        if queue_type != "classic":
            self.environment["CELERY_QUEUE_TYPE"] = queue_type
            self.app.conf.task_default_queue_type = queue_type
            self.app.conf.task_default_exchange_type = "topic"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "celery", "-A", "celery_tasks", *arguments]

    def worker(self, *more: str) -> Program:
        command = self.command("worker", "--loglevel=INFO", "--concurrency=2", *more)
        return Program(command, self.environment, HERE)

    def tell(self, *arguments: str) -> str:
        """What the program ``celery`` prints."""
        return run(self.command(*arguments), self.environment, HERE)

    def task(self, name: str, *arguments: Any) -> Any:
        return celery.signature(f"celery_tasks.{name}", arguments, app=self.app)

    def wait_for_active(self, count: int) -> None:
        """Return when the worker knows that so many tasks have begun."""
        inspector = self.app.control.inspect(timeout=PATIENCE_S, limit=1)
        deadline = time.monotonic() + PATIENCE_S
        while sum(len(active) for active in inspector.active().values()) != count:
            assert time.monotonic() < deadline, f"not {count} tasks at once"


def errors(worker: Program) -> list[str]:
    """The lines of level ERROR and above in the log."""
    return [line for line in worker.lines if ": ERROR/" in line or ": CRITICAL/" in line]


def successes(worker: Program) -> int:
    """How many tasks its processes have done."""
    return sum("succeeded in" in line for line in worker.lines)


@pytest.fixture(params=["classic", "quorum"])
def shop(request: pytest.FixtureRequest, broker: Any, tmp_path: Path) -> Iterator[Shop]:
    with kombu.Connection(broker.url) as connection:
        # A RabbitMQ serves all the tests; what one left must not refuse the other's type of queue.
        connection.default_channel.queue_delete("celery")
        connection.default_channel.exchange_delete("celery")
    shop = Shop(broker.url, f"file://{tmp_path}", request.param)
    yield shop
    shop.app.close()
    reset()


def test_a_thousand_tasks_and_none_lost(shop: Shop) -> None:
    with shop.worker() as worker:
        worker.wait_for("ready.")
        results = [shop.task("add", number, 1).delay() for number in range(1000)]
        assert [result.get(PATIENCE_S) for result in results] == list(range(1, 1001))
        worker.interrupt()
    assert errors(worker) == []
    assert successes(worker) == 1000


def test_workflows(shop: Shop) -> None:
    task = shop.task
    with shop.worker() as worker:
        worker.wait_for("ready.")
        adds = [task("add", number, number) for number in range(10)]
        group = celery.group(adds, app=shop.app)
        assert group.apply_async().get(PATIENCE_S) == list(range(0, 20, 2))
        chain = celery.chain(task("add", 1, 1), task("add", 2), task("add", 3), app=shop.app)
        assert chain.apply_async().get(PATIENCE_S) == 7
        chord = celery.chord(adds, task("total"), app=shop.app)
        assert chord.apply_async().get(PATIENCE_S) == 90
        worker.interrupt()
    assert errors(worker) == []


def test_tasks_are_retried_delayed_and_revoked(shop: Shop) -> None:
    task = shop.task
    with shop.worker() as worker:
        worker.wait_for("ready.")
        late = task("add", 1, 2).apply_async(countdown=2)
        never = task("add", 3, 4).apply_async(countdown=3)
        never.revoke()
        assert task("third_time_lucky", 1).delay().get(PATIENCE_S) == 2
        assert late.get(PATIENCE_S) == 3
        worker.wait_for("Discarding revoked task")
        with pytest.raises(celery.exceptions.TaskRevokedError):
            never.get(PATIENCE_S)
        assert task("careful", 5).delay().get(PATIENCE_S) == 5
        worker.interrupt()
    assert errors(worker) == []


def test_a_task_whose_process_dies_is_done_by_another(shop: Shop, tmp_path: Path) -> None:
    with shop.worker() as worker:
        worker.wait_for("ready.")
        mark = str(tmp_path / "was here")
        assert shop.task("once_more", mark).delay().get(PATIENCE_S) == "done"
        worker.interrupt()


def test_a_worker_that_stops_leaves_what_it_did_not_begin_to_the_next(
    shop: Shop, tmp_path: Path
) -> None:
    """Told to stop while a task is on its way to a process of its pool, a worker hangs.

    With any broker: it forgets such tasks (AsynPool.flush), and so may close the pool without
    reading that they were done; the pool's processes wait half a minute for it to do so.
    Therefore all that it began is known to be under way here, and goes on until the pool closes.
    """
    gate = tmp_path / "gate"
    with shop.worker("--loglevel=DEBUG") as first:
        first.wait_for("ready.")
        results = [shop.task("wait_for", str(gate)).delay() for _ in range(8)]
        shop.wait_for_active(2)
        first.press_ctrl_c()
        first.wait_for("Warm shutdown")
        # It sleeps until something happens, whatever it was told.
        shop.app.control.broadcast("ping")
        first.wait_for("Stopping Pool")
        gate.touch()
        first.finish()
    with shop.worker() as second:
        assert [result.get(PATIENCE_S) for result in results] == ["opened"] * 8
        second.interrupt()
    assert errors(first) + errors(second) == []
    assert [successes(first), successes(second)] == [2, 6]


def test_two_workers_serve_others_while_they_hold_what_is_for_later(shop: Shop) -> None:
    """An hour is longer than the quarter of one after which other brokers gave up on an ack."""
    one = ("--prefetch-multiplier=1",)
    with shop.worker("-n", "a@%h", *one) as first, shop.worker("-n", "b@%h", *one) as second:
        first.wait_for("ready.")
        second.wait_for("ready.")
        later = [shop.task("add", number, 1).apply_async(countdown=3600) for number in range(20)]
        # Celery raises the prefetch by what is for later only every two seconds.
        for _ in range(100):
            results = [shop.task("nap", 0.05).delay() for _ in range(8)]
            assert [result.get(PATIENCE_S) for result in results] == ["awake"] * 8
            if "succeeded in" in "".join(first.lines) and "succeeded in" in "".join(second.lines):
                break
        first.wait_for("succeeded in")
        second.wait_for("succeeded in")
        first.interrupt()
        second.interrupt()
    assert errors(first) + errors(second) == []
    assert not any(result.ready() for result in later)


def test_events_and_inspection(shop: Shop) -> None:
    with shop.worker("--task-events") as worker:
        worker.wait_for("ready.")
        seen: list[str] = []
        done = threading.Event()
        connection = shop.app.connection_for_read()

        def see(event: dict[str, Any]) -> None:
            seen.append(event["type"])
            if event["type"] == "task-succeeded":
                done.set()

        receiver = shop.app.events.Receiver(connection, handlers={"*": see})
        capture = receiver.itercapture(limit=None, timeout=PATIENCE_S, wakeup=True)
        next(capture)  # its queue is there now
        shop.task("add", 1, 1).delay()
        while not done.is_set():
            next(capture)
        connection.release()
        assert {"task-received", "task-started", "task-succeeded"} <= set(seen)
        asked = shop.app.control.inspect(timeout=PATIENCE_S, limit=1)
        (registered,) = asked.registered().values()
        assert "celery_tasks.add" in registered
        (stats,) = asked.stats().values()
        assert stats["total"] == {"celery_tasks.add": 1}
        assert list(asked.active().values()) == [[]]
        assert "1 node online." in shop.tell("inspect", "ping")
        worker.interrupt()
    assert errors(worker) == []
