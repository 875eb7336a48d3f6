"""leveret.amqp091.consumer: the octets of deliveries."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import wire
from tests.fakes import Talk, frames, new_node, publish

PROPERTIES = st.sampled_from([{}, {"priority": 1}, {"message_id": "m"}, {"headers": {"a": "b"}}])
BODIES = st.sampled_from([b"", b"x", b"y" * 100, b"z" * 4000, b"u" * 4001, b"v" * 9000])
MESSAGES = st.lists(st.tuples(st.sampled_from(["k", "key.é"]), PROPERTIES, BODIES), max_size=12)


def delivered(octets: bytes) -> list[tuple[Any, ...]]:
    """(tag, delivery tag, redelivered, key, properties, body) of each delivery."""
    got: list[tuple[Any, ...]] = []
    parts = [content for _, content in frames(octets)]
    for at, part in enumerate(parts):
        if getattr(part, "name", "") == "Basic.Deliver":
            header = parts[at + 1]
            body, after = b"", at + 2
            while len(body) < header.body_size:
                body += parts[after].value
                after += 1
            values = {name: value for name, value in header.properties if value}
            fields = (part.consumer_tag, part.delivery_tag, part.redelivered, part.routing_key)
            got.append((*fields, values, body))
    return got


@given(MESSAGES, st.sampled_from([4096, 131072]), st.booleans())
@settings(deadline=None, max_examples=50)
def test_every_message_comes_whole_whatever_came_before(
    messages: list[tuple[str, dict[str, Any], bytes]], frame_max: int, no_ack: bool
) -> None:
    talk = Talk(new_node()).open(frame_max=frame_max)
    feeder = Talk(talk.node).open()
    talk.call("queue.declare", queue="q")
    talk.call("queue.bind", queue="q", exchange="amq.fanout")
    talk.call("basic.consume", queue="q", consumer_tag="t", no_ack=no_ack)
    for key, properties, body in messages:
        feeder.feed(publish(key, body, properties, "amq.fanout"))
    expected = [
        ("t", number + 1, False, key, properties, body)
        for number, (key, properties, body) in enumerate(messages)
    ]
    assert delivered(talk.drain()) == expected


def test_delivery_tags_go_on_through_all_consumers_of_a_channel() -> None:
    talk = Talk(new_node()).open()
    for queue in ("a", "b"):
        talk.call("queue.declare", queue=queue)
        talk.call("basic.consume", queue=queue, consumer_tag="of " + queue)
    talk.feed(publish("a") + publish("b") + publish("a"))
    assert [d[:2] for d in delivered(talk.drain())] == [("of a", 1), ("of b", 2), ("of a", 3)]


def opened(prefetch: int = 0, is_global: bool = False, count: int = 0) -> Talk:
    talk = Talk(new_node()).open()
    talk.call("queue.declare", queue="q")
    talk.feed(b"".join(publish("q", b"%d" % n) for n in range(count)))
    talk.call("basic.qos", prefetch_count=prefetch, global_=is_global)
    return talk


def consume(talk: Talk, tag: str = "t", **values: Any) -> list[tuple[str, int]]:
    talk.send("basic.consume", queue="q", consumer_tag=tag, **values)
    return taken(talk)


def taken(talk: Talk) -> list[tuple[str, int]]:
    return [(d[0], d[1]) for d in delivered(talk.drain())]


def test_prefetch_holds_each_consumer_to_its_own_count() -> None:
    talk = opened(prefetch=2, count=10)
    assert consume(talk, "a") == [("a", 1), ("a", 2)]
    assert consume(talk, "b") == [("b", 3), ("b", 4)]
    talk.send("basic.ack", delivery_tag=1)
    assert taken(talk) == [("a", 5)]
    talk.send("basic.ack", delivery_tag=4, multiple=True)
    assert taken(talk) == [("a", 6), ("b", 7), ("b", 8)]


def test_global_prefetch_holds_the_channel() -> None:
    talk = opened(prefetch=3, is_global=True, count=10)
    assert len(consume(talk, "a")) == 3
    assert consume(talk, "b") == []
    talk.send("basic.ack", delivery_tag=2, multiple=True)
    assert len(taken(talk)) == 2
    talk.send("basic.qos", prefetch_count=0, global_=True)
    assert len(taken(talk)) == 5


def test_prefetch_is_nothing_to_those_who_do_not_acknowledge() -> None:
    assert len(consume(opened(prefetch=1, count=5), no_ack=True)) == 5


def test_prefetch_holds_later_consumers_only() -> None:
    talk = opened(count=5)
    assert len(consume(talk, "a")) == 5
    talk.call("basic.qos", prefetch_count=1)
    talk.feed(b"".join(publish("q") for _ in range(3)))
    assert len(taken(talk)) == 3


def test_messages_that_were_asked_for_do_not_count() -> None:
    talk = opened(prefetch=1, count=3)
    talk.send("basic.get", queue="q")
    talk.drain()
    assert consume(talk) == [("t", 2)]


@pytest.mark.parametrize("method", ["basic.reject", "basic.nack"])
def test_a_rejected_message_makes_room(method: str) -> None:
    talk = opened(prefetch=1, count=2)
    assert consume(talk) == [("t", 1)]
    talk.send(method, delivery_tag=1, requeue=False)
    assert taken(talk) == [("t", 2)]
    assert talk.node.vhosts["/"].queues["q"].ready_count == 0


def test_a_client_that_does_not_know_cancels_is_not_told() -> None:
    talk = Talk(new_node())
    start = {"mechanism": "PLAIN", "response": "\0guest\0guest"}
    talk.feed(wire.HEADER + wire.method(0, "connection.start-ok", **start))
    talk.send("connection.tune-ok", 0, channel_max=5, frame_max=4096)
    talk.send("connection.open", 0, virtual_host="/")
    talk.send("channel.open")
    talk.send("queue.declare", queue="q")
    talk.send("basic.consume", queue="q")
    talk.drain()
    Talk(talk.node).open().call("queue.delete", queue="q")
    assert talk.read() == []
