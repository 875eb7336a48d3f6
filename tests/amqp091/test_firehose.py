"""The firehose as clients see it, without a socket: leveret.broker.firehose and who feeds it."""

from typing import Any

import pytest
from pamqp import commands
from tests.fakes import FakeClock, Talk, new_node, publish

from leveret.broker.node import Node
from leveret.tables import plain

TRACE = "amq.rabbitmq.trace"


class Scene:
    """A client, and a queue bound to the firehose that the test reads behind its back."""

    def __init__(self, *patterns: str) -> None:
        self.node: Node = new_node()
        self.vhost = self.node.vhosts["/"]
        self.client = Talk(self.node).open()
        self.client.call("queue.declare", queue="copies", durable=True)
        for pattern in patterns or ("#",):
            self.client.call("queue.bind", queue="copies", exchange=TRACE, routing_key=pattern)
        self.client.call("queue.declare", queue="q", durable=True)
        self.vhost.trace(True)

    def copies(self) -> list[tuple[str, dict[str, Any], bytes]]:
        """Key, headers and body of each copy there is."""
        clock = self.node.clock
        assert isinstance(clock, FakeClock)
        clock.pass_s(0.001)
        self.node.keep_time()
        found = []
        while (waiting := self.vhost.queues["copies"].get(True)) is not None:
            message = waiting.message
            assert message.origin.exchange == TRACE
            headers: Any = {
                name: plain(field) for name, field in message.properties.headers().items()
            }
            found.append((message.origin.routing_key, headers, message.body))
        return found

    def get(self, **values: Any) -> None:
        self.client.send("basic.get", **values)
        self.client.read()

    def keys(self) -> list[str]:
        return [key for key, _, _ in self.copies()]


WHO = {
    "node": "leveret",
    "vhost": "/",
    "connection": "127.0.0.1:50000 -> 127.0.0.1:5672",
    "channel": 1,
    "user": "guest",
}


def test_publishes_are_copied_with_all_that_is_known() -> None:
    scene = Scene()
    properties = {
        "headers": {"CC": ["copy"], "BCC": ["q"], "n": 5},
        "content_type": "text",
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c",
        "message_id": "m",
        "timestamp": 1_700_000_000,
        "expiration": "60000",
    }
    scene.client.feed(publish("k", b"body", properties, "amq.direct"))
    scene.client.call("queue.bind", queue="q", exchange="amq.direct", routing_key="q")
    scene.client.feed(publish("k", b"body", properties, "amq.direct"))
    told = {**properties, "headers": {"CC": ["copy"], "n": 5}}
    expected = {
        "exchange_name": "amq.direct",
        "routing_keys": ["k", "copy", "q"],
        "properties": told,
        **WHO,
    }
    assert scene.copies() == [
        ("publish.amq.direct", {**expected, "routed_queues": []}, b"body"),
        ("publish.amq.direct", {**expected, "routed_queues": ["q"]}, b"body"),
    ]


def test_deliveries_are_copied_whoever_they_are_for() -> None:
    scene = Scene("deliver.#")
    scene.client.feed(publish("q", b"body", {"headers": {"CC": ["c"]}}))
    scene.get(queue="q")
    expected = {
        "exchange_name": "",
        "routing_keys": ["q", "c"],
        "properties": {"headers": {"CC": ["c"]}},
        **WHO,
    }
    assert scene.copies() == [("deliver.q", {**expected, "redelivered": 0}, b"body")]
    scene.client.send("basic.nack", delivery_tag=1, requeue=True)
    scene.client.send("basic.consume", queue="q", consumer_tag="t")
    scene.client.read()
    assert scene.copies() == [("deliver.q", {**expected, "redelivered": 1}, b"body")]


@pytest.mark.parametrize(
    ("exchange", "mandatory", "routed"),
    [("amq.topic", False, []), ("amq.topic", True, []), ("", False, ["nowhere"])],
)
def test_what_cannot_be_routed_is_copied_too(
    exchange: str, mandatory: bool, routed: list[str]
) -> None:
    scene = Scene()
    scene.client.feed(publish("nowhere", b"x", {}, exchange, mandatory=mandatory))
    ((key, headers, _),) = scene.copies()
    assert (key, headers["routed_queues"]) == (f"publish.{exchange}", routed)


def test_copies_are_not_copied() -> None:
    scene = Scene()
    scene.client.call("basic.consume", queue="copies", no_ack=True, consumer_tag="t")
    scene.client.feed(publish("q", b"once"))
    assert scene.copies() == []
    got = [each for each in scene.client.read() if isinstance(each, commands.Basic.Deliver)]
    assert [each.routing_key for each in got] == ["publish."]
    assert scene.copies() == []
    assert scene.client.read() == []


def test_a_queue_may_hold_copies_of_what_it_delivers() -> None:
    scene = Scene()
    scene.client.feed(publish("copies", b"1"))
    scene.client.feed(publish("copies", b"2"))
    scene.client.send("basic.consume", queue="copies", no_ack=True, consumer_tag="t")
    scene.copies()
    got = [each for each in scene.client.read() if isinstance(each, commands.Basic.Deliver)]
    assert [each.routing_key for each in got] == [
        "copies",
        "copies",
        "publish.",
        "publish.",
        "deliver.copies",
        "deliver.copies",
    ]


def test_off_means_off_and_on_is_seen_by_publishers_at_once() -> None:
    scene = Scene("publish.#")
    scene.vhost.trace(False)
    for _ in range(3):
        scene.client.feed(publish("q", b"body"))
        scene.client.feed(publish("q", b"body", {}, "amq.fanout"))
    assert scene.keys() == []
    scene.vhost.trace(True)
    scene.client.feed(publish("q", b"body"))
    scene.client.feed(publish("q", b"body", {}, "amq.fanout"))
    assert scene.keys() == ["publish.", "publish.amq.fanout"]
    scene.vhost.trace(False)
    scene.client.feed(publish("q", b"body"))
    scene.client.feed(publish("q", b"body", {}, "amq.fanout"))
    scene.get(queue="q", no_ack=True)
    assert scene.keys() == []


def test_a_transaction_is_copied_when_it_is_published() -> None:
    scene = Scene()
    scene.client.call("tx.select")
    scene.client.feed(publish("q", b"body"))
    assert scene.keys() == ["publish."]
    scene.client.call("tx.rollback")
    assert scene.keys() == []


def test_dead_letters_are_copied_when_they_are_delivered() -> None:
    scene = Scene("deliver.#")
    scene.client.call(
        "queue.declare",
        queue="dying",
        durable=True,
        arguments={
            "x-message-ttl": 0,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "q",
        },
    )
    scene.client.feed(publish("dying", b"body"))
    scene.copies()
    scene.get(queue="q", no_ack=True)
    ((key, headers, _),) = scene.copies()
    assert (key, headers["routing_keys"]) == ("deliver.q", ["q"])


def test_deeply_nested_headers_and_long_names_do_no_harm() -> None:
    scene = Scene()
    nested: dict[str, Any] = {}
    for _ in range(30):
        nested = {"n": nested}
    scene.client.feed(publish("q", b"deep", {"headers": nested}))
    name = "x" * 255
    scene.client.call("exchange.declare", exchange=name, type="fanout", durable=True)
    scene.client.feed(publish("q", b"long", {}, name))
    deep, long = scene.copies()
    assert deep[1]["properties"] == {}
    assert long[0] == ("publish." + name)[:255]
    scene.get(queue="q", no_ack=True)
    assert scene.keys() == ["deliver.q"]
