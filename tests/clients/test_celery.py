"""Celery with its default settings: a real worker process, results over rpc://."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.pools import reset
from tests.clients.processes import Program

celery = pytest.importorskip("celery", reason="needs Celery (pip install celery)")

PATIENCE_S = 30
POOLS = {"solo": [], "prefork": ["--concurrency=2"]}


@pytest.fixture(params=POOLS)
def worker(request: pytest.FixtureRequest, broker: Any) -> Iterator[Program]:
    command = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--loglevel=INFO"]
    command += ["--pool", request.param, *POOLS[request.param]]
    # Celery says at each start that it had better not run as root.
    environment = {"AMQP_URL": broker.url, "C_FORCE_ROOT": "1"}
    with Program(command, environment, Path(__file__).parent) as program:
        program.wait_for("ready.")
        yield program


@pytest.fixture
def app(broker: Any) -> Iterator[Any]:
    """The client's side, which knows the tasks by name only."""
    client = celery.Celery("client", broker=broker.url, backend="rpc://", set_as_current=False)
    yield client
    client.backend.result_consumer.stop()
    client.close()
    reset()


def task(app: Any, name: str, *arguments: Any) -> Any:
    return celery.signature(f"celery_tasks.{name}", arguments, app=app)


def test_tasks_run_and_answer(app: Any, worker: Program) -> None:
    results = [task(app, "add", number, 1).delay() for number in range(10)]
    assert [result.get(PATIENCE_S) for result in results] == list(range(1, 11))
    with pytest.raises(ValueError, match="as expected"):
        task(app, "fail", "as expected").delay().get(PATIENCE_S)
    assert task(app, "third_time_lucky").delay().get(PATIENCE_S) == 2
    together = celery.group(task(app, "add", number, number) for number in range(5))
    assert together.apply_async().get(PATIENCE_S) == [0, 2, 4, 6, 8]
    # A broadcast over a fanout exchange, answered into a reply queue.
    (pong,) = app.control.ping(timeout=PATIENCE_S, limit=1)
    assert list(pong.values()) == [{"ok": "pong"}]
    worker.interrupt()
    # Not as its last line: that a task succeeded is logged when a process of the pool has told so.
    assert "worker: Warm shutdown (MainProcess)" in worker.lines


def test_tasks_with_an_eta_do_not_keep_others_from_running(app: Any, worker: Program) -> None:
    """Each raises the worker's prefetch by one, which must count for its running consumer."""
    for number in range(12):
        task(app, "add", number, 1).apply_async(countdown=600)
    assert task(app, "add", 1, 1).delay().get(PATIENCE_S) == 2
