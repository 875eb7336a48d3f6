"""STOMP and AMQP on the same queues: real sockets, pika at the other end, disks."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from tests.stomp_wire import Frame, StompWire, any_headers

import leveret

DEADLINE_S = 20.0


@pytest.fixture
def stomp() -> Iterator[leveret.Broker]:
    with leveret.Broker(stomp=True) as broker:
        yield broker


@pytest.fixture
def wire(stomp: leveret.Broker) -> Iterator[StompWire]:
    with StompWire(stomp.stomp_port) as wire:
        connected = wire.connect()
        assert connected is not None and connected.command == "CONNECTED"
        yield wire


@pytest.fixture
def amqp(stomp: leveret.Broker) -> Iterator[Any]:
    with pika.BlockingConnection(pika.URLParameters(stomp.url)) as connection:
        yield connection.channel()


def received(wire: StompWire, command: str = "MESSAGE") -> Frame:
    return wire.expect(command)


PROPERTIES = {
    "content_type": "text/plain",
    "content_encoding": "utf-8",
    "delivery_mode": 2,
    "priority": 3,
    "correlation_id": "c:1",
    "reply_to": "/queue/answers",
    "expiration": "60000",
    "message_id": "m",
    "timestamp": 77,
    "type": "greeting",
    "user_id": "guest",
    "app_id": "test",
}
HEADERS = {
    "content-type": "text/plain",
    "content-encoding": "utf-8",
    "persistent": "true",
    "priority": "3",
    "correlation-id": "c:1",
    "reply-to": "/queue/answers",
    "expiration": "60000",
    "amqp-message-id": "m",
    "timestamp": "77",
    "type": "greeting",
    "user-id": "guest",
    "app-id": "test",
}


def test_properties_go_from_stomp_to_amqp(wire: StompWire, amqp: Any) -> None:
    wire.send("SEND", {"destination": "/queue/q", "own": "yes"} | HEADERS, b"a\xff", receipt="1")
    wire.expect("RECEIPT")
    method, properties, body = amqp.basic_get("q", auto_ack=True)
    assert (method.exchange, method.routing_key, body) == ("", "q", b"a\xff")
    given = {name: value for name, value in vars(properties).items() if value is not None}
    assert given == PROPERTIES | {"headers": {"own": "yes"}}


def test_properties_go_from_amqp_to_stomp(wire: StompWire, amqp: Any) -> None:
    wire.send("SUBSCRIBE", destination="/queue/q", id="1", receipt="1")
    wire.expect("RECEIPT")
    headers = {"own": "yes", "n": 5, "list": [1]}
    properties = pika.BasicProperties(headers=headers, **PROPERTIES)
    amqp.basic_publish("", "q", b"a\0b", properties)
    got = wire.expect("MESSAGE")
    expected = {"subscription": "1", "destination": "/queue/q", "redelivered": "false"}
    expected |= HEADERS | {"own": "yes", "n": "5", "content-length": "3"}
    assert (any_headers(got), got.body) == (expected, b"a\0b")


def test_a_round_trip_changes_nothing(wire: StompWire, stomp: leveret.Broker) -> None:
    wire.send("SUBSCRIBE", destination="/queue/q", id="1")
    wire.send("SEND", {"destination": "/queue/q", "own:x\n": "y\\z\r"} | HEADERS, b"x")
    got = wire.expect("MESSAGE")
    hidden = ("subscription", "destination", "redelivered", "content-length")
    assert any_headers(got, *hidden) == HEADERS | {"own:x\n": "y\\z\r"}


def test_a_stomp_client_answers_what_an_amqp_client_asks(wire: StompWire, amqp: Any) -> None:
    wire.send("SUBSCRIBE", destination="/queue/service", id="1", receipt="1")
    wire.expect("RECEIPT")
    answers: list[bytes] = []
    amqp.basic_consume("amq.rabbitmq.reply-to", lambda *got: answers.append(got[3]), auto_ack=True)
    properties = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="1")
    amqp.basic_publish("", "service", b"question", properties)
    asked = wire.expect("MESSAGE")
    wire.send("SEND", {"destination": asked["reply-to"]}, b"answer")
    deadline = time.monotonic() + DEADLINE_S
    while not answers:
        assert time.monotonic() < deadline
        amqp.connection.process_data_events(0.1)
    assert answers == [b"answer"]


def test_topics_reach_both_kinds_of_subscribers(wire: StompWire, amqp: Any) -> None:
    name = amqp.queue_declare("", exclusive=True).method.queue
    amqp.queue_bind(name, "amq.topic", "news.*")
    wire.send("SUBSCRIBE", destination="/topic/news.#", id="1", receipt="1")
    wire.expect("RECEIPT")
    wire.send("SEND", {"destination": "/topic/news.local"}, b"x")
    assert wire.expect("MESSAGE").body == b"x"
    assert amqp.basic_get(name, auto_ack=True)[2] == b"x"


def test_large_messages_cross(wire: StompWire, amqp: Any) -> None:
    body = bytes(range(256)) * 12_000
    headers = {"destination": "/queue/q", "content-length": str(len(body)), "receipt": "1"}
    wire.send("SEND", headers, body)
    wire.expect("RECEIPT")
    assert amqp.basic_get("q", auto_ack=True)[2] == body
    wire.send("SUBSCRIBE", destination="/queue/q", id="1")
    amqp.basic_publish("", "q", body)
    assert wire.expect("MESSAGE").body == body


def test_a_frame_that_is_too_large_is_refused_in_words(wire: StompWire) -> None:
    wire.send_octets(b"SEND\ndestination:/queue/q\n\n" + b"x" * 5_000_000 + b"\0")
    got = wire.expect("ERROR")
    assert got["message"] == "Malformed frame" and b"stomp_max_frame_size" in got.body
    wire.expect_end()


def test_a_thousand_frames_in_one_write(wire: StompWire) -> None:
    wire.send("SUBSCRIBE", destination="/queue/q", id="1")
    wire.send_octets(b"SEND\ndestination:/queue/q\n\nhello\0\n" * 1000)
    got = [wire.expect("MESSAGE") for _ in range(1000)]
    numbers = [int(frame["message-id"].rsplit("@@", 1)[1]) for frame in got]
    assert numbers == list(range(1, 1001))


def test_receipts_mean_that_messages_outlive_the_broker(tmp_path: Path) -> None:
    with (
        leveret.Broker(stomp=True, data_dir=tmp_path) as broker,
        StompWire(broker.stomp_port) as wire,
    ):
        wire.connect()
        for number in range(50):
            headers = {"destination": "/queue/q", "persistent": "true"}
            wire.send("SEND", headers, b"%d" % number, receipt=str(number))
        told = [wire.expect("RECEIPT")["receipt-id"] for _ in range(50)]
        assert told == [str(number) for number in range(50)]
        wire.send("BEGIN", transaction="t")
        headers = {"destination": "/queue/q", "persistent": "true", "transaction": "t"}
        wire.send("SEND", headers, b"50")
        wire.send("COMMIT", transaction="t", receipt="c")
        wire.expect("RECEIPT")
        wire.send("SEND", {"destination": "/queue/q", "persistent": "true"}, b"51")
        wire.send("DISCONNECT", receipt="bye")
        assert wire.expect("RECEIPT")["receipt-id"] == "bye"
        wire.expect_end()
    with (
        leveret.Broker(stomp=True, data_dir=tmp_path) as broker,
        StompWire(broker.stomp_port) as wire,
    ):
        wire.connect("1.1")
        wire.send("SUBSCRIBE", destination="/queue/q", id="1", ack="client")
        got = [wire.expect("MESSAGE") for _ in range(52)]
        assert [frame.body for frame in got] == [b"%d" % number for number in range(52)]
        assert got[0]["persistent"] == "true"


def test_a_durable_subscription_outlives_the_broker(tmp_path: Path) -> None:
    headers = {"destination": "/topic/t", "id": "s", "durable": "true", "auto-delete": "false"}
    for turn in range(2):
        with (
            leveret.Broker(stomp=True, data_dir=tmp_path) as broker,
            StompWire(broker.stomp_port) as wire,
        ):
            wire.connect()
            if turn == 1:
                wire.send("SEND", {"destination": "/topic/t", "persistent": "true"}, b"x")
            wire.send("SUBSCRIBE", headers, receipt="1")
            wire.expect("RECEIPT")
            if turn == 1:
                assert wire.expect("MESSAGE").body == b"x"


def test_an_alarm_holds_who_sends(stomp: leveret.Broker, wire: StompWire) -> None:
    stomp.call(lambda node: node.alarms.set("test", "memory"))
    wire.send("SEND", {"destination": "/queue/q"}, b"x", receipt="1")
    with StompWire(stomp.stomp_port) as other:
        other.connect()
        other.send("SUBSCRIBE", destination="/queue/q", id="1", receipt="1")
        other.expect("RECEIPT")
        assert other.settle() == []
        stomp.call(lambda node: node.alarms.clear("test"))
        assert other.expect("MESSAGE").body == b"x"
    wire.expect("RECEIPT")


def test_what_is_on_the_disk_already_is_not_waited_for(tmp_path: Path) -> None:
    with (
        leveret.Broker(stomp=True, data_dir=tmp_path) as broker,
        StompWire(broker.stomp_port) as wire,
    ):
        wire.connect()
        headers = {"destination": "/queue/q", "persistent": "true"}
        wire.send("SEND", headers, b"x", receipt="1")
        wire.expect("RECEIPT")
        wire.send("BEGIN", transaction="t")
        wire.send("COMMIT", transaction="t", receipt="2")
        assert wire.expect("RECEIPT")["receipt-id"] == "2"
        wire.send("SEND", headers, b"y", receipt="3")
        wire.expect("RECEIPT")
        wire.send("DISCONNECT", receipt="4")
        assert wire.expect("RECEIPT")["receipt-id"] == "4"
        wire.expect_end()
