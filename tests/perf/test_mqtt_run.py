"""leveret.perf.mqtt: whole runs against real brokers, ours and where it is installed mosquitto"""

import asyncio
import io
import socket
from collections.abc import Iterator

import msgspec
import pytest
from tests.mosquitto import Mosquitto, program

import leveret
from leveret.perf.faults import BadSetting, BrokerFault
from leveret.perf.mqtt.load import MqttLoad
from leveret.perf.mqtt.settings import MqttSettings
from leveret.perf.report import LiveLine, Result, as_json, summary
from leveret.perf.run import Run
from leveret.ports import Clock


def settings(url: str, **changed: object) -> MqttSettings:
    made = MqttSettings()
    made.url = url
    made.duration = 0.0
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def perform(url: str, **changed: object) -> Result:
    chosen = settings(url, **changed)
    return asyncio.run(Run(MqttLoad(chosen, Clock()), LiveLine(chosen, io.StringIO())).perform())


def refusal(url: str, **changed: object) -> str:
    with pytest.raises(BrokerFault) as caught:
        perform(url, **{"messages": 1, **changed})
    return caught.value.detail


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    with leveret.Broker(mqtt=True) as broker:
        yield broker.mqtt_url


@pytest.fixture(scope="module", params=["leveret", "mosquitto"])
def url(request: pytest.FixtureRequest, ours: str) -> Iterator[str]:
    if request.param == "leveret":
        yield ours
    elif program() is None:
        pytest.skip("mosquitto is not installed")
    else:
        with Mosquitto() as broker:
            yield broker.url


@pytest.mark.parametrize("protocol", ["3.1", "3.1.1", "5"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_everything_comes_once_whole_and_in_order(url: str, qos: str, protocol: str) -> None:
    result = perform(url, messages=500, qos=qos, protocol=protocol, inflight=10, verify=True)
    assert result.verdict is not None and result.verdict.is_fine
    assert (result.sent, result.received) == (500, 500)
    assert result.latency.count == 500
    assert result.confirmed == (0 if qos == "0" else 500)
    assert (result.confirm_latency.count > 0) == (qos != "0")


@pytest.mark.parametrize(
    ("changed", "received"),
    [
        ({"consumers": 5}, 1000),
        ({"publishers": 3, "consumers": 2}, 1200),
        ({"topics": 3}, 600),
        ({"topics": 3, "in_turn": True, "publishers": 2}, 400),
        ({"size": 300_000, "messages": 5}, 5),
        ({"size": 20, "qos": "0", "subscribe_qos": "1"}, 200),
        ({"persistent": True, "retain": True}, 200),
        ({"persistent": True, "protocol": "5", "keep_alive": 60}, 200),
        ({"under_way": 10, "qos": "0"}, 200),
        ({"rate": 2000.0}, 200),
    ],
    ids=str,
)
def test_it_holds_for_every_way_of_sending(
    url: str, changed: dict[str, object], received: int
) -> None:
    result = perform(
        url, **{"messages": 200, "verify": True, "qos": "1", "inflight": 10, **changed}
    )
    assert result.verdict is not None and result.verdict.is_fine
    assert result.meter.received == received


def test_subscribers_may_share(url: str) -> None:
    shared: dict[str, object] = {"shared": True, "consumers": 3, "protocol": "5", "qos": "1"}
    result = perform(url, messages=200, inflight=10, verify=True, **shared)
    assert result.verdict is not None and result.verdict.is_fine
    assert result.meter.received == 200


def test_time_ends_a_run_and_warming_up_does_not_count(url: str) -> None:
    result = perform(url, duration=0.6, warmup=0.3, rate=1000.0)
    assert 0 < result.sent < result.meter.sent
    assert result.latency.count > 0


def test_what_is_under_way_stays_within_its_bound(url: str) -> None:
    result = perform(url, duration=0.5, under_way=7, qos="0")
    assert result.received > 0
    assert 0 <= result.meter.sent - result.meter.received <= 7


def test_a_session_is_filled_and_drained_in_three_runs(url: str) -> None:
    kept: dict[str, object] = {"topic": "kept/here", "client_id": "keeper", "qos": "1"}
    subscribed = perform(url, publishers=0, persistent=True, duration=0.1, **kept)
    assert subscribed.received == 0
    filled = perform(url, consumers=0, messages=300, inflight=50, **{**kept, "client_id": "giver"})
    assert filled.confirmed == 300
    drained = perform(url, publishers=0, persistent=True, messages=300, verify=True, **kept)
    assert drained.received == 300
    assert drained.verdict is not None and drained.verdict.is_fine


def test_what_was_made_up_is_gone(url: str) -> None:
    perform(url, messages=20, qos="1", retain=True, topics=2, persistent=True)
    chosen = settings(url, topic="again", publishers=0, duration=0.3)
    load = MqttLoad(chosen, Clock())
    load.topics[0] = "#"
    result = asyncio.run(Run(load, LiveLine(chosen, io.StringIO())).perform())
    assert result.received == 0


def test_idle_connections_are_held(url: str) -> None:
    result = perform(url, publishers=0, consumers=0, connections=60, duration=0.1)
    assert "60 idle connections" in summary(result)


def test_the_result_is_json_too(url: str) -> None:
    result = perform(url, messages=50, qos="2", inflight=10, verify=True)
    tree = msgspec.json.decode(as_json(result))
    assert (tree["sent"], tree["received"], tree["verified"]) == (50, 50, True)
    assert tree["confirm_latency_us"]["p50"] <= tree["confirm_latency_us"]["max"]
    assert "notes" not in tree


def test_nobody_who_subscribes_is_no_loss(ours: str) -> None:
    result = perform(ours, messages=20, consumers=0, qos="1", protocol="5")
    assert (result.confirmed, result.meter.returned) == (20, 20)
    assert result.under_way == 0


# --- what the broker refuses -------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sentence = refusal(f"mqtt://127.0.0.1:{port}")
    assert sentence.startswith(f"cannot reach a broker at 127.0.0.1:{port}: connection refused")


def test_tls_is_not_spoken(ours: str) -> None:
    sentence = refusal(ours.replace("mqtt://", "mqtts://"))
    assert "it does not speak TLS there; without TLS the URL begins with mqtt://" in sentence


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_the_password_is_wrong_and_not_repeated(ours: str, protocol: str) -> None:
    sentence = refusal(ours.replace("guest:guest", "guest:sesame"), protocol=protocol)
    assert sentence.startswith("the broker refused logging in as 'guest': ")
    assert "sesame" not in sentence


def test_the_vhost_is_missing(ours: str) -> None:
    assert "logging in as 'elsewhere:guest'" in refusal(ours + "/elsewhere")
    assert perform(ours + "/%2F", messages=5).received == 5


def test_a_vhost_needs_a_user() -> None:
    with pytest.raises(BadSetting, match="a vhost needs a user"):
        MqttLoad(settings("mqtt://127.0.0.1/place"), Clock())


def test_the_broker_stops_meanwhile() -> None:
    async def stopped() -> None:
        async with leveret.Broker(mqtt=True) as broker:
            chosen = settings(broker.mqtt_url, rate=10.0)
            run = Run(MqttLoad(chosen, Clock()), LiveLine(chosen, io.StringIO()))
            task = asyncio.create_task(run.perform())
            await asyncio.sleep(0.2)
        await task

    with pytest.raises(BrokerFault, match="closed the connection"):
        asyncio.run(stopped())


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak MQTT"),
        (b"", "closed the connection while connecting without a user name"),
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
            chosen = settings(f"mqtt://127.0.0.1:{port}", messages=1)
            run = Run(MqttLoad(chosen, Clock()), LiveLine(chosen, io.StringIO()))
            await run.perform()

    with pytest.raises(BrokerFault, match=words):
        asyncio.run(against_it())
