"""dramatiq, taskiq and FastStream, each with its own RabbitMQ broker and its own worker program."""

import asyncio
import importlib
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pika
import pytest
from tests.clients.processes import Program
from tests.oracle import Oracle

HERE = Path(__file__).parent


def worker(broker: Any, module: str, *arguments: str) -> Program:
    command = [sys.executable, "-m", module, *arguments]
    return Program(command, {"AMQP_URL": broker.url}, HERE)


def load(name: str, broker: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that the worker runs, as a client of the same broker."""
    monkeypatch.setenv("AMQP_URL", broker.url)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 30))


def test_dramatiq(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dramatiq", reason="needs dramatiq (pip install 'dramatiq[rabbitmq]')")
    actors = load("dramatiq_actors", broker, monkeypatch)
    arguments = ("dramatiq_actors", "--processes", "1", "--threads", "2")
    with worker(broker, "dramatiq", *arguments) as program:
        for number in range(50):
            actors.greet.send(f"hare {number}")
        # Waits in a queue of its own, whose messages are the worker's from the beginning.
        actors.greet.send_with_options(args=("late hare",), delay=500)
        actors.third_time_lucky.send()
        actors.hopeless.send()
        program.wait_for("hello", 51)
        program.wait_for("lucky after 2")
        program.wait_for("never")
        actors.broker.join("default", timeout=20_000)
        program.interrupt()
    actors.broker.close()
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        # Rejected: dead-lettered by the broker.
        _, _, body = channel.basic_get("default.XQ", auto_ack=True)
        assert body is not None and b'"actor_name":"hopeless"' in body
        assert channel.basic_get("default.XQ", auto_ack=True) == (None, None, None)
        for queue in ("default", "default.DQ", "default.XQ"):
            channel.queue_delete(queue)


@pytest.mark.parametrize("delays", ["queue", "exchange"])
def test_taskiq(broker: Any, delays: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("taskiq_aio_pika", reason="needs taskiq-aio-pika (pip install it)")
    if delays == "exchange" and isinstance(broker, Oracle):
        pytest.skip("needs a RabbitMQ with the community's rabbitmq_delayed_message_exchange")
    monkeypatch.setenv("TASKIQ_DELAYS", delays)
    tasks = load("taskiq_tasks", broker, monkeypatch)

    async def story() -> None:
        await tasks.broker.startup()
        for number in range(50):
            await tasks.greet.kiq(f"hare {number}")
        await tasks.greet.kicker().with_labels(delay=0.5).kiq("late hare")
        await tasks.broker.shutdown()

    with worker(broker, "taskiq", "worker", "taskiq_tasks:broker", "--workers", "1") as program:
        run(story())
        program.wait_for("hello hare", 50)
        program.wait_for("hello late hare")
        program.interrupt()
    assert [line for line in program.lines if "[ERROR" in line or "Traceback" in line] == []


def test_faststream(broker: Any) -> None:
    rabbit = pytest.importorskip("faststream.rabbit", reason="needs faststream[rabbit]")

    async def story() -> None:
        async with rabbit.RabbitBroker(broker.url) as client:
            for number in range(50):
                await client.publish(f"hare {number}", "faststream.names")
            answer = await client.request(21, "faststream.double", timeout=20)
            assert await answer.decode() == 42
            logs = rabbit.RabbitExchange(
                "faststream.logs", type=rabbit.ExchangeType.TOPIC, auto_delete=True
            )
            await client.publish("all is well", "belt.info", exchange=logs)
            await client.publish("belt 4 is stuck", "belt.error", exchange=logs)

    with worker(broker, "faststream_app") as program:
        program.wait_for("FastStream app started successfully")
        run(story())
        program.wait_for("hello hare", 50)
        program.wait_for("alarm: belt 4 is stuck")
        assert program.interrupt() == 0
    assert [line for line in program.lines if "ERROR" in line or "all is well" in line] == []
