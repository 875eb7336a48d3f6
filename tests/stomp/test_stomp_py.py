"""stomp.py, the client for Python, against our STOMP: each version of the protocol."""

import queue
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import leveret
import stomp  # type: ignore[import-untyped]

DEADLINE_S = 30.0
CONNECTIONS = {
    "1.0": stomp.Connection10,
    "1.1": stomp.Connection11,
    "1.2": stomp.Connection12,
}


class Ear(stomp.ConnectionListener):  # type: ignore[misc]
    """Puts down what it hears; `next` waits for it."""

    def __init__(self) -> None:
        self._heard: dict[str, queue.Queue[Any]] = {}
        for kind in ("message", "receipt", "error", "disconnected", "heartbeat"):
            self._heard[kind] = queue.Queue()

    def next(self, kind: str) -> Any:
        return self._heard[kind].get(timeout=DEADLINE_S)

    def is_silent(self, kind: str) -> bool:
        return self._heard[kind].empty()

    def on_message(self, frame: Any) -> None:
        self._heard["message"].put(frame)

    def on_receipt(self, frame: Any) -> None:
        self._heard["receipt"].put(frame.headers["receipt-id"])

    def on_error(self, frame: Any) -> None:
        self._heard["error"].put(frame)

    def on_disconnected(self) -> None:
        self._heard["disconnected"].put(None)

    def on_heartbeat(self) -> None:
        self._heard["heartbeat"].put(None)


@pytest.fixture(scope="module")
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(stomp=True) as broker:
        yield broker


Connect = Callable[..., tuple[Any, Ear]]


@pytest.fixture
def connect(broker: leveret.Broker) -> Iterator[Connect]:
    """Connects with a version; what was connected is closed after the test."""
    opened: list[Any] = []

    def connect(version: str = "1.2", **options: Any) -> tuple[Any, Ear]:
        where = [("127.0.0.1", broker.stomp_port)]
        if version != "1.0":
            options["vhost"] = "/"
        connection = CONNECTIONS[version](where, reconnect_attempts_max=1, **options)
        ear = Ear()
        connection.set_listener("", ear)
        connection.connect("guest", "guest", wait=True)
        opened.append(connection)
        return connection, ear

    yield connect
    for connection in opened:
        if connection.is_connected():
            connection.disconnect()
        connection.transport.stop()


@pytest.fixture(params=["1.0", "1.1", "1.2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def settled(connection: Any, ear: Ear, name: str) -> None:
    """A round trip: what was sent before has been handled."""
    connection.begin(f"settled-{name}", receipt=name)
    assert ear.next("receipt") == name


def acknowledge(connection: Any, version: str, frame: Any, verb: str = "ack") -> None:
    if version == "1.0":
        getattr(connection, verb)(frame.headers["message-id"])
    elif version == "1.1":
        getattr(connection, verb)(frame.headers["message-id"], frame.headers["subscription"])
    else:
        getattr(connection, verb)(frame.headers["ack"])


def ready(broker: leveret.Broker, name: str) -> tuple[int, int]:
    found = broker.call(lambda node: node.vhosts["/"].queues[name])
    return broker.call(lambda node: (found.ready_count, found.unacked_count))


def test_a_message_comes_back(connect: Connect, version: str) -> None:
    connection, ear = connect(version)
    name = f"/queue/echo-{version}"
    connection.subscribe(name, id="1", ack="auto")
    connection.send(name, "grüße:\\x", content_type="text/plain", headers={"own": "a:b"})
    frame = ear.next("message")
    assert (frame.body, frame.headers["own"]) == ("grüße:\\x", "a:b")
    assert (frame.headers["content-type"], frame.headers["subscription"]) == ("text/plain", "1")


@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_acks(connect: Connect, broker: leveret.Broker, version: str, mode: str) -> None:
    connection, ear = connect(version)
    name = f"acks-{version}-{mode}"
    connection.subscribe(f"/queue/{name}", id="1", ack=mode)
    for number in range(3):
        connection.send(f"/queue/{name}", str(number))
    frames = [ear.next("message") for _ in range(3)]
    acknowledge(connection, version, frames[1])
    settled(connection, ear, "1")
    assert ready(broker, name) == ((0, 1) if mode == "client" else (0, 2))


def test_nacks(connect: Connect, broker: leveret.Broker) -> None:
    for version in ("1.1", "1.2"):
        connection, ear = connect(version)
        name = f"nacks-{version}"
        connection.subscribe(f"/queue/{name}", id="1", ack="client-individual")
        connection.send(f"/queue/{name}", "x")
        acknowledge(connection, version, ear.next("message"), "nack")
        frame = ear.next("message")
        assert frame.headers["redelivered"] == "true"
        acknowledge(connection, version, frame)
        settled(connection, ear, "1")
        assert ready(broker, name) == (0, 0)


def test_transactions(connect: Connect, broker: leveret.Broker, version: str) -> None:
    connection, ear = connect(version)
    name = f"transactions-{version}"
    kept = connection.begin()
    connection.send(f"/queue/{name}", "kept", transaction=kept)
    dropped = connection.begin()
    connection.send(f"/queue/{name}", "dropped", transaction=dropped)
    connection.abort(dropped)
    connection.commit(kept)
    settled(connection, ear, "1")
    connection.subscribe(f"/queue/{name}", id="1", ack="auto")
    assert ear.next("message").body == "kept"
    settled(connection, ear, "2")
    assert ear.is_silent("message")


def test_receipts(connect: Connect, version: str) -> None:
    connection, ear = connect(version)
    for number in range(20):
        connection.send(f"/queue/receipts-{version}", "x", receipt=f"r{number}", persistent="true")
    assert [ear.next("receipt") for _ in range(20)] == [f"r{number}" for number in range(20)]


def test_disconnect_with_a_receipt(connect: Connect, version: str) -> None:
    connection, ear = connect(version)
    connection.disconnect(receipt="bye")
    ear.next("disconnected")
    assert not connection.is_connected()


def test_an_error_is_told_and_ends_the_connection(connect: Connect, version: str) -> None:
    connection, ear = connect(version)
    connection.send("/nowhere/at/all", "x")
    assert ear.next("error").headers["message"] == "Unknown destination"
    ear.next("disconnected")


def test_a_wrong_password_is_refused(broker: leveret.Broker) -> None:
    where = [("127.0.0.1", broker.stomp_port)]
    connection = stomp.Connection12(where, vhost="/", reconnect_attempts_max=1)
    ear = Ear()
    connection.set_listener("", ear)
    with pytest.raises(stomp.exception.ConnectFailedException):
        connection.connect("guest", "wrong", wait=True)
    assert ear.next("error").body == "Access refused for user 'guest'\n"
    connection.transport.stop()


def test_heart_beats(connect: Connect) -> None:
    connection, ear = connect("1.2", heartbeats=(1000, 1000))
    for _ in range(4):
        ear.next("heartbeat")
    assert connection.is_connected()
    settled(connection, ear, "1")


def test_who_does_not_beat_is_cut_off(broker: leveret.Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.stomp_port), DEADLINE_S) as silent:
        silent.sendall(
            b"CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n"
            b"heart-beat:1000,0\n\n\0"
        )
        octets = b""
        while chunk := silent.recv(4096):
            octets += chunk
    assert octets.startswith(b"CONNECTED\n") and b"\nheart-beat:0,1000\n" in octets


def test_a_durable_subscription_to_a_topic(connect: Connect, version: str) -> None:
    headers = {"durable": "true", "auto-delete": "false"}
    topic = f"/topic/durable.{version}"
    connection, ear = connect(version)
    connection.subscribe(topic, id="d", ack="auto", headers=headers)
    settled(connection, ear, "1")
    connection.disconnect(receipt="bye")
    ear.next("disconnected")
    other, _ = connect(version)
    other.send(topic, "while you were out")
    again, ear = connect(version)
    again.subscribe(topic, id="d", ack="auto", headers=headers)
    assert ear.next("message").body == "while you were out"
    again.unsubscribe(id="d", headers=headers)
    settled(again, ear, "2")


def test_questions_and_answers_by_a_temporary_queue(connect: Connect, version: str) -> None:
    asker, answers = connect(version)
    server, questions = connect(version)
    service = f"/queue/service-{version}"
    server.subscribe(service, id="s", ack="auto")
    settled(server, questions, "1")
    asker.send(service, "6 * 7", headers={"reply-to": "/temp-queue/me", "correlation-id": "1"})
    question = questions.next("message")
    headers = {"correlation-id": question.headers["correlation-id"]}
    server.send(question.headers["reply-to"], "42", headers=headers)
    answer = answers.next("message")
    assert (answer.body, answer.headers["correlation-id"]) == ("42", "1")
    assert answer.headers["subscription"] == "/temp-queue/me"
