"""leveret.perf.run and leveret.perf.amqp: whole runs against a real broker."""

import asyncio
import io
import socket
from collections.abc import Iterator

import msgspec
import pika
import pytest

import leveret
from leveret import Broker
from leveret.perf.amqp import wire
from leveret.perf.amqp.load import AmqpLoad
from leveret.perf.amqp.settings import FANOUT, ROUND_ROBIN, AmqpSettings
from leveret.perf.faults import BrokerFault
from leveret.perf.report import LiveLine, Result, as_json, summary
from leveret.perf.run import Run
from leveret.ports import Clock


def settings(url: str, **changed: object) -> AmqpSettings:
    made = AmqpSettings()
    made.url = url
    made.duration = 0.0
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def perform(url: str, **changed: object) -> Result:
    chosen = settings(url, **changed)
    return asyncio.run(Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, io.StringIO())).perform())


def verified(url: str, **changed: object) -> Result:
    result = perform(url, verify=True, **changed)
    assert result.verdict is not None
    assert result.verdict.is_fine
    assert result.meter.sent > 0
    return result


@pytest.fixture
def channel(broker: Broker) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        yield connection.channel()


def test_everything_comes_once_whole_and_in_order(broker: Broker) -> None:
    result = verified(broker.url, messages=3000)
    assert (result.sent, result.received) == (3000, 3000)
    assert result.latency.count == 3000


@pytest.mark.parametrize(
    "changed",
    [
        {"confirm": 1, "messages": 50},
        {"confirm": 100, "persistent": True},
        {"ack_every": 1, "prefetch": 10},
        {"ack_every": 7, "prefetch": 100},
        {"publishers": 3, "consumers": 2},
        {"queues": 3},
        {"queues": 3, "pattern": ROUND_ROBIN, "publishers": 2},
        {"queues": 3, "pattern": FANOUT, "publishers": 2},
        {"exchange_type": "topic", "routing_key": "a.b", "binding_key": "a.#"},
        {"size": 300_000, "messages": 20},
        {"rate": 5000.0},
    ],
    ids=str,
)
def test_it_holds_for_every_way_of_sending(broker: Broker, changed: dict[str, object]) -> None:
    result = verified(broker.url, **{"messages": 500, **changed})
    if result.settings.confirm:
        assert result.confirmed == result.sent
        assert result.confirm_latency.count > 0


def test_nothing_remains(broker: Broker, channel: pika.channel.Channel) -> None:
    perform(broker.url, messages=100, queue="", exchange="", pattern=FANOUT)
    perform(broker.url, messages=100, queue="kept")
    assert channel.queue_declare("kept", passive=True).method.message_count == 0


def test_a_queue_is_filled_and_drained_in_two_runs(broker: Broker) -> None:
    perform(broker.url, consumers=0, messages=2000, confirm=500, queue="q")
    result = perform(broker.url, publishers=0, messages=2000, queue="q", existing=True, verify=True)
    assert result.received == 2000
    assert result.verdict is not None and result.verdict.is_fine


def test_time_ends_a_run_and_warming_up_does_not_count(broker: Broker) -> None:
    result = perform(broker.url, duration=0.5, warmup=0.3, rate=1000.0)
    assert 0.1 < result.wall_s < 0.35
    assert 50 < result.sent < 400
    assert result.meter.sent > result.sent


@pytest.mark.parametrize(
    "changed",
    [{}, {"confirm": 1000}, {"size": 70_000, "duration": 0.1}, {"publishers": 3, "rate": 3000.0}],
    ids=str,
)
def test_what_is_counted_as_sent_is_in_the_queue(
    broker: Broker, channel: pika.channel.Channel, changed: dict[str, object]
) -> None:
    result = perform(broker.url, **{"consumers": 0, "duration": 0.3, "queue": "po", **changed})
    held = channel.queue_declare("po", passive=True).method.message_count
    assert result.sent == result.meter.sent == held > 0


def test_the_broker_is_given_time_to_read_what_was_sent_last() -> None:
    chosen = settings("amqp://127.0.0.1", consumers=0, duration=0.2, queue="q", size=1000)
    slow = SlowBroker()

    async def against_it() -> Result:
        async with await asyncio.start_server(slow.serve, "127.0.0.1", 0) as server:
            chosen.url = f"amqp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return await Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, io.StringIO())).perform()

    result = asyncio.run(against_it())
    assert result.sent == slow.publishes > 0


def test_what_is_still_under_way_is_said(broker: Broker) -> None:
    result = perform(broker.url, duration=0.4, consumers=1, prefetch=1, ack_every=1, size=16)
    assert result.under_way == result.meter.sent - result.end.received > 0
    assert f"still under way at the end: {result.under_way:,} messages" in summary(result)
    assert msgspec.json.decode(as_json(result))["under_way"] == result.under_way


def test_nothing_is_under_way_when_all_came(broker: Broker) -> None:
    result = perform(broker.url, messages=100)
    assert result.under_way == 0
    assert "under way" not in summary(result)


def test_leveret_is_called_by_its_name(broker: Broker) -> None:
    tree = msgspec.json.decode(as_json(perform(broker.url, messages=1)))
    assert tree["broker"] == f"Leveret {leveret.__version__} (as RabbitMQ 3.13.7)"


def test_a_rate_is_kept(broker: Broker) -> None:
    result = perform(broker.url, duration=0.5, rate=500.0, publishers=2)
    assert 350 < result.sent <= 520


def test_idle_connections_are_held(broker: Broker) -> None:
    result = perform(broker.url, publishers=0, consumers=0, connections=60, duration=0.1)
    assert result.opened_s > 0
    assert "60 idle connections" in summary(result)


def test_what_cannot_be_routed_is_counted(broker: Broker) -> None:
    result = perform(
        broker.url,
        messages=20,
        consumers=0,
        mandatory=True,
        confirm=1,
        exchange_type="direct",
        routing_key="here",
        binding_key="there",
    )
    assert result.meter.returned == 20


def test_the_result_is_json_too(broker: Broker) -> None:
    result = verified(broker.url, messages=100)
    tree = msgspec.json.decode(as_json(result))
    assert (tree["sent"], tree["received"], tree["verified"]) == (100, 100, True)
    assert tree["latency_us"]["p50"] <= tree["latency_us"]["max"]
    assert "send to receive" in summary(result)


def test_a_line_is_said_each_second(broker: Broker) -> None:
    chosen = settings(broker.url, duration=1.3, rate=100.0)
    out = io.StringIO()
    asyncio.run(Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, out)).perform())
    assert len(out.getvalue().splitlines()) == 2  # the other one says that it is over
    assert "received" in out.getvalue()


def test_it_can_be_interrupted(broker: Broker) -> None:
    chosen = settings(broker.url)
    run = Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, io.StringIO()))

    async def interrupted() -> Result:
        asyncio.get_running_loop().call_later(0.1, run.interrupt)
        return await run.perform()

    assert asyncio.run(interrupted()).received > 0


# --- what the broker refuses -------------------------------------------------------------------


class SlowBroker:
    """Reads little at a time, and only publishes and methods it must answer."""

    def __init__(self) -> None:
        self.publishes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until the goodbye."""
        await reader.readexactly(8)
        writer.write(method(0, wire.CONNECTION_START, b"\0\x09" + bytes(4 + 4 + 4)))
        while True:
            head = await reader.readexactly(wire.FRAME_HEAD)
            payload = await reader.readexactly(int.from_bytes(head[3:7], "big") + 1)
            if head[0] == wire.METHOD:
                await self.answer(int.from_bytes(payload[:4], "big"), head[2], writer)

    async def answer(self, asked: int, channel: int, writer: asyncio.StreamWriter) -> None:
        """React to a method."""
        if asked == wire.BASIC_PUBLISH:
            self.publishes += 1
            await asyncio.sleep(0.002 if self.publishes % 100 == 0 else 0)
        elif asked in ANSWERS:
            writer.write(method(channel, *ANSWERS[asked]))


ANSWERS = {
    wire.CONNECTION_START_OK: (wire.CONNECTION_TUNE, b"\0\x01\0\x02\0\0\0\0"),
    wire.CONNECTION_OPEN: (wire.CONNECTION_OPEN_OK, b"\0"),
    wire.CHANNEL_OPEN: (wire.CHANNEL_OPEN_OK, bytes(4)),
    wire.QUEUE_DECLARE: (wire.QUEUE_DECLARE_OK, b"\x01q" + bytes(8)),
    wire.CONNECTION_CLOSE: (wire.CONNECTION_CLOSE_OK, b""),
}


def method(channel: int, number: int, arguments: bytes) -> bytes:
    return wire.frame(wire.METHOD, channel, number.to_bytes(4, "big") + arguments)


def refusal(url: str, **changed: object) -> str:
    with pytest.raises(BrokerFault) as caught:
        perform(url, **{"messages": 1, **changed})
    return caught.value.detail


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert refusal(f"amqp://127.0.0.1:{port}") == (
        f"cannot reach a broker at 127.0.0.1:{port}: connection refused; start one with"
        " `leveret serve`"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_is_not_spoken(broker: Broker, host: str) -> None:
    sentence = refusal(f"amqps://{host}:{broker.port}")
    assert sentence == (
        f"cannot reach a broker at {host}:{broker.port}: it does not speak TLS there; without TLS"
        " the URL begins with amqp://"
    )


def test_a_lone_slash_is_an_empty_vhost(broker: Broker) -> None:
    sentence = refusal(broker.url.removesuffix("%2F"))
    assert "opening vhost '' (for vhost '/' the URL should end in /%2F): 530" in sentence


def test_the_password_is_wrong_and_not_repeated(broker: Broker) -> None:
    sentence = refusal(broker.url.replace("guest:guest", "guest:sesame"))
    assert "logging in as 'guest'" in sentence and "403" in sentence
    assert "sesame" not in sentence


def test_the_vhost_is_missing(broker: Broker) -> None:
    sentence = refusal(broker.url.replace("%2F", "elsewhere"))
    assert "opening vhost 'elsewhere'" in sentence and "530" in sentence


def test_the_queue_is_missing(broker: Broker) -> None:
    sentence = refusal(broker.url, queue="nowhere", existing=True)
    assert "looking for queue 'nowhere'" in sentence and "404" in sentence


def test_the_queue_is_another(broker: Broker, channel: pika.channel.Channel) -> None:
    channel.queue_declare("mine", durable=True, arguments={"x-max-length": 5})
    sentence = refusal(broker.url, queue="mine")
    assert "declaring queue 'mine'" in sentence and "406" in sentence


def test_the_exchange_type_is_unknown(broker: Broker) -> None:
    sentence = refusal(broker.url, exchange="e", exchange_type="magic")
    assert "declaring exchange 'e'" in sentence and "magic" in sentence


async def replaced(url: str, queue: str) -> None:
    """Run, and delete the queue meanwhile."""

    def delete() -> None:
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            connection.channel().queue_delete(queue)

    chosen = settings(url, queue=queue, rate=10.0)
    run = Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, io.StringIO()))
    running = asyncio.create_task(run.perform())
    await asyncio.sleep(0.2)
    await asyncio.to_thread(delete)
    await running


def test_the_queue_is_deleted_meanwhile(broker: Broker) -> None:
    with pytest.raises(BrokerFault, match="cancelled the consumer of queue 'q'"):
        asyncio.run(replaced(broker.url, "q"))


def test_the_broker_stops_meanwhile() -> None:
    async def stopped() -> None:
        async with Broker() as broker:
            chosen = settings(broker.url, rate=10.0)
            run = Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, io.StringIO())).perform()
            task = asyncio.create_task(run)
            await asyncio.sleep(0.2)
        await task

    with pytest.raises(BrokerFault, match="320"):
        asyncio.run(stopped())


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak AMQP 0-9-1"),
        (b"AMQP\x00\x01\x00\x00", "does not speak AMQP 0-9-1"),
        (b"", "closed the connection while waiting for its greeting"),
    ],
)
def test_something_else_listens(greeting: bytes, words: str) -> None:
    async def against_it() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(8)
            writer.write(greeting)
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            chosen = settings(f"amqp://127.0.0.1:{port}", messages=1)
            await Run(AmqpLoad(chosen, Clock()), LiveLine(chosen, io.StringIO())).perform()

    with pytest.raises(BrokerFault, match=words):
        asyncio.run(against_it())
