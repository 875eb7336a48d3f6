"""leveret.perf.stomp: whole runs against a real broker"""

import asyncio
import io
import socket
import time
from collections.abc import Iterator

import msgspec
import pika
import pytest

import leveret
from leveret.perf.faults import BrokerFault
from leveret.perf.report import LiveLine, Result, as_json, summary
from leveret.perf.run import Run
from leveret.perf.stomp.load import StompLoad
from leveret.perf.stomp.settings import StompSettings
from leveret.ports import Clock


def settings(url: str, **changed: object) -> StompSettings:
    made = StompSettings()
    made.url = url
    made.duration = 0.0
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def perform(url: str, **changed: object) -> Result:
    chosen = settings(url, **changed)
    return asyncio.run(Run(StompLoad(chosen, Clock()), LiveLine(chosen, io.StringIO())).perform())


def refusal(url: str, **changed: object) -> str:
    with pytest.raises(BrokerFault) as caught:
        perform(url, **{"messages": 1, **changed})
    return caught.value.detail


@pytest.fixture(scope="module")
def stomp() -> Iterator[leveret.Broker]:
    with leveret.Broker(stomp=True) as broker:
        yield broker


@pytest.mark.parametrize("protocol", ["1.0", "1.1", "1.2"])
@pytest.mark.parametrize("ack", ["auto", "client", "client-individual"])
def test_everything_comes_once_whole_and_in_order(
    stomp: leveret.Broker, ack: str, protocol: str
) -> None:
    result = perform(stomp.stomp_url, messages=500, ack=ack, protocol=protocol, verify=True)
    assert result.verdict is not None and result.verdict.is_fine
    assert (result.sent, result.received) == (500, 500)
    assert result.latency.count == 500


@pytest.mark.parametrize(
    ("changed", "received"),
    [
        ({"receipts": 1, "messages": 50}, 50),
        ({"receipts": 100, "persistent": True}, 200),
        ({"ack": "client", "ack_every": 7, "prefetch": 20}, 200),
        ({"publishers": 3, "consumers": 2}, 600),
        ({"topic": True, "consumers": 3}, 600),
        ({"destinations": 3}, 600),
        ({"destinations": 3, "in_turn": True, "publishers": 2}, 400),
        ({"size": 300_000, "messages": 5}, 5),
        ({"under_way": 10}, 200),
        ({"rate": 2000.0}, 200),
        ({"destination": "/exchange/amq.fanout/x", "consumers": 2}, 400),
    ],
    ids=str,
)
def test_it_holds_for_every_way_of_sending(
    stomp: leveret.Broker, changed: dict[str, object], received: int
) -> None:
    result = perform(stomp.stomp_url, **{"messages": 200, "verify": True, **changed})
    assert result.verdict is not None and result.verdict.is_fine
    assert result.meter.received == received
    if result.settings.window:
        assert result.confirmed == result.sent
        assert result.confirm_latency.count > 0


def queues(broker: leveret.Broker) -> list[str]:
    return broker.call(lambda node: sorted(node.vhosts["/"].queues))


def test_nothing_remains(stomp: leveret.Broker) -> None:
    before = queues(stomp)
    perform(stomp.stomp_url, messages=100)
    perform(stomp.stomp_url, messages=100, topic=True)
    perform(stomp.stomp_url, messages=100, consumers=0)
    deadline = time.monotonic() + 30
    while queues(stomp) != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert queues(stomp) == before


def test_a_queue_is_filled_and_drained_in_two_runs(stomp: leveret.Broker) -> None:
    kept: dict[str, object] = {"destination": "/queue/kept", "messages": 300}
    perform(stomp.stomp_url, consumers=0, **kept)
    with pika.BlockingConnection(pika.URLParameters(stomp.url)) as connection:
        found = connection.channel().queue_declare("kept", passive=True)
    assert found.method.message_count == 300
    result = perform(stomp.stomp_url, publishers=0, verify=True, ack="client", **kept)
    assert result.received == 300
    assert result.verdict is not None and result.verdict.is_fine


def test_time_ends_a_run_and_warming_up_does_not_count(stomp: leveret.Broker) -> None:
    result = perform(stomp.stomp_url, duration=0.6, warmup=0.3, rate=1000.0)
    assert 0 < result.sent < result.meter.sent


def test_idle_connections_are_held(stomp: leveret.Broker) -> None:
    result = perform(stomp.stomp_url, publishers=0, consumers=0, connections=60, duration=0.1)
    assert "60 idle connections" in summary(result)


def test_the_result_is_json_too(stomp: leveret.Broker) -> None:
    result = perform(stomp.stomp_url, messages=50, verify=True)
    tree = msgspec.json.decode(as_json(result))
    assert (tree["sent"], tree["received"], tree["verified"]) == (50, 50, True)
    assert tree["broker"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sentence = refusal(f"stomp://127.0.0.1:{port}")
    assert sentence.startswith(f"cannot reach a broker at 127.0.0.1:{port}: connection refused")


def test_the_password_is_wrong_and_not_repeated(stomp: leveret.Broker) -> None:
    sentence = refusal(stomp.stomp_url.replace("guest:guest", "guest:sesame"))
    assert "while logging in as 'guest'" in sentence
    assert "sesame" not in sentence


def test_the_destination_is_refused(stomp: leveret.Broker) -> None:
    sentence = refusal(stomp.stomp_url, destination="/nowhere/at/all")
    assert "subscribing to '/nowhere/at/all'" in sentence


def test_something_else_listens() -> None:
    async def against_it() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(8)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            chosen = settings(f"stomp://127.0.0.1:{port}", messages=1)
            run = Run(StompLoad(chosen, Clock()), LiveLine(chosen, io.StringIO()))
            await run.perform()

    with pytest.raises(BrokerFault, match="does not speak STOMP"):
        asyncio.run(against_it())
