"""What is counted while channels publish, read and acknowledge; seen through leveret.broker.totals.

Behaviour: RabbitMQ 4.3, "Monitoring"; the numbers are those that 3.10 gives for the same requests,
but for the dead letters that a queue takes in: it counts them as it counts what clients publish.
"""

from pathlib import Path
from typing import Any

import pytest
from pamqp import commands
from tests.fakes import Talk, new_node, publish
from tests.wire import Wire

import leveret
from leveret.broker.node import Node
from leveret.broker.queue import MOST_INFLOWS, Queue
from leveret.broker.tallies import Flow, PublishTally, ReadTally
from leveret.broker.totals import QUEUE_COUNTS, flow_of, past_of, queue_counts


def opened(*channels: int) -> Talk:
    talk = Talk(new_node()).open(*channels or (1,))
    talk.send("queue.declare", queue="q")
    return talk


def queue(talk: Talk, name: str = "q") -> Queue:
    return talk.node.vhosts["/"].queues[name]


def counts(talk: Talk, name: str = "q") -> dict[str, int]:
    """Those that are not 0, without the sums of others."""
    pairs = zip(QUEUE_COUNTS, queue_counts(queue(talk, name)), strict=True)
    found = {key: count for key, count in pairs if count != 0}
    ready, unacked = found.get("messages_ready", 0), found.get("messages_unacknowledged", 0)
    assert found.pop("messages", 0) == ready + unacked
    delivered = ("deliver", "deliver_no_ack", "get", "get_no_ack")
    assert found.pop("deliver_get", 0) == sum(found.get(key, 0) for key in delivered)
    return found


def published(talk: Talk, exchange: str = "") -> PublishTally:
    return talk.node.vhosts["/"].exchanges[exchange].publishers.total()


def flow(talk: Talk) -> Flow:
    return flow_of(past_of(talk.node))


def read(talk: Talk, kind: str = "classic") -> ReadTally:
    return past_of(talk.node).flow("amqp091").read(kind)


def tags(talk: Talk) -> list[int]:
    return [f.delivery_tag for f in talk.read() if isinstance(f, commands.Basic.Deliver)]


def test_what_waits_was_published() -> None:
    talk = opened()
    talk.feed(publish("q", b"1") * 3)
    assert counts(talk) == {"publish": 3, "messages_ready": 3}
    assert queue(talk).inflow is None  # nobody asked yet
    total = published(talk)
    assert (total.published, total.routed, total.dropped) == (3, 3, 0)
    assert queue(talk).inflow == {"": 3}


def test_a_delivery_that_must_be_acknowledged_counts_until_it_is() -> None:
    talk = opened()
    talk.send("basic.consume", queue="q")
    talk.feed(publish("q") * 3)
    first, _, _ = tags(talk)
    talk.send("basic.ack", delivery_tag=first)
    assert counts(talk) == {"publish": 3, "deliver": 3, "ack": 1, "messages_unacknowledged": 2}
    talk.send("basic.ack", delivery_tag=0, multiple=True)
    assert counts(talk) == {"publish": 3, "deliver": 3, "ack": 3}
    assert (read(talk).deliver, read(talk).ack) == (3, 3)


def test_a_delivery_without_acknowledgement_is_of_another_kind() -> None:
    talk = opened()
    talk.send("basic.consume", queue="q", no_ack=True)
    talk.feed(publish("q") * 2)
    assert counts(talk) == {"publish": 2, "deliver_no_ack": 2}
    assert read(talk).deliver_get == 2


def test_what_is_asked_for_counts_as_get() -> None:
    talk = opened()
    talk.feed(publish("q") * 3)
    talk.send("basic.get", queue="q")
    talk.send("basic.get", queue="q", no_ack=True)
    talk.send("basic.ack", delivery_tag=1)
    talk.send("basic.get", queue="q")
    talk.send("basic.get", queue="q")
    assert counts(talk) == {
        "publish": 3,
        "get": 2,
        "get_no_ack": 1,
        "get_empty": 1,
        "ack": 1,
        "messages_unacknowledged": 1,
    }


@pytest.mark.parametrize(
    ("method", "values"),
    [("basic.nack", {"requeue": False}), ("basic.reject", {"requeue": False})],
)
def test_to_refuse_is_not_to_acknowledge(method: str, values: dict[str, Any]) -> None:
    talk = opened()
    talk.feed(publish("q"))
    talk.send("basic.get", queue="q")
    talk.send(method, delivery_tag=1, **values)
    assert counts(talk) == {"publish": 1, "get": 1}
    assert talk.node.tally.losses.dead == {("classic", "rejected", "disabled"): 1}


def test_what_comes_back_is_delivered_once_more() -> None:
    talk = opened()
    talk.feed(publish("q"))
    talk.send("basic.get", queue="q")
    talk.send("basic.reject", delivery_tag=1, requeue=True)
    talk.send("basic.consume", queue="q", no_ack=True)
    assert counts(talk) == {"publish": 1, "get": 1, "deliver_no_ack": 1, "redeliver": 1}


def test_a_channel_that_ends_leaves_its_counts() -> None:
    talk = opened(1, 2)
    talk.send("basic.consume", queue="q", channel=2)
    talk.feed(publish("q") * 2 + publish("nowhere"))
    talk.send("basic.ack", delivery_tag=1, channel=2)
    talk.send("channel.close", 2, reply_code=0, reply_text="", class_id=0, method_id=0)
    talk.send("channel.close", reply_code=0, reply_text="", class_id=0, method_id=0)
    assert counts(talk) == {"publish": 2, "deliver": 2, "ack": 1, "messages_ready": 1}
    total = flow(talk)
    assert (total.publishes.published, total.publishes.dropped) == (3, 1)
    assert (read(talk).deliver, read(talk).ack) == (2, 1)
    assert (published(talk).published, published(talk).routed) == (3, 2)
    assert talk.node.tally.channels_closed == 2


def test_a_deleted_queue_leaves_its_counts_with_the_node() -> None:
    talk = opened()
    talk.feed(publish("q") * 2)
    talk.send("basic.get", queue="q", no_ack=True)
    talk.send("queue.delete", queue="q")
    assert read(talk).get_no_ack == 1
    assert talk.node.tally.losses.dropped == {"queue_deleted": 1}


def test_many_queues_that_are_gone_are_not_kept() -> None:
    talk = opened()
    for number in range(1000):
        name = f"once {number}"
        talk.send("queue.declare", queue=name)
        talk.feed(publish(name))
        talk.send("basic.get", queue=name, no_ack=True)
        talk.send("queue.delete", queue=name)
    (link,) = talk.node.connections.by_id.values()
    channel = link.channels[1]
    assert channel is not None
    assert len(channel.reads()) < 200
    assert (read(talk).get_no_ack, flow(talk).publishes.routed) == (1000, 1000)


def test_many_exchanges_that_are_gone_are_not_kept() -> None:
    talk = opened()
    for number in range(1000):
        name = f"once {number}"
        talk.send("exchange.declare", exchange=name, type="fanout")
        talk.feed(publish("", exchange=name))
        talk.send("exchange.delete", exchange=name)
    (link,) = talk.node.connections.by_id.values()
    channel = link.channels[1]
    assert channel is not None
    assert len(channel.publishes()) < 200
    assert (flow(talk).publishes.published, flow(talk).publishes.dropped) == (1000, 1000)


def test_a_queue_does_not_remember_ever_new_exchanges() -> None:
    talk = opened()
    for number in range(2 * MOST_INFLOWS):
        name = f"once {number}"
        talk.send("exchange.declare", exchange=name, type="fanout")
        talk.send("queue.bind", queue="q", exchange=name)
        talk.feed(publish("", exchange=name))
        talk.send("exchange.delete", exchange=name)
    assert flow(talk).publishes.routed == 2 * MOST_INFLOWS
    inflow = queue(talk).inflow
    assert inflow is not None
    assert len(inflow) == MOST_INFLOWS
    assert inflow[f"once {2 * MOST_INFLOWS - 1}"] == 1


def test_ever_new_routing_keys_are_all_counted() -> None:
    talk = opened()
    talk.send("exchange.declare", exchange="x", type="topic")
    talk.send("queue.bind", queue="q", exchange="x", routing_key="#")
    for number in range(2000):
        talk.feed(publish(f"key {number}", exchange="x"))
    assert (published(talk, "x").published, published(talk, "x").routed) == (2000, 2000)
    assert queue(talk).inflow == {"x": 2000}


def test_a_message_counts_by_the_bindings_that_it_met() -> None:
    talk = opened()
    talk.send("queue.declare", queue="r")
    talk.send("queue.bind", queue="q", exchange="amq.fanout")
    talk.feed(publish("", exchange="amq.fanout") * 2)
    talk.send("queue.bind", queue="r", exchange="amq.fanout")
    talk.feed(publish("", exchange="amq.fanout") * 3)
    total = published(talk, "amq.fanout")
    assert (total.published, total.routed) == (5, 8)
    assert (queue(talk).inflow, queue(talk, "r").inflow) == ({"amq.fanout": 5}, {"amq.fanout": 3})


def test_headers_are_routed_message_by_message_and_counted_so() -> None:
    talk = opened()
    arguments = {"x-match": "all", "a": "1"}
    talk.send("queue.bind", queue="q", exchange="amq.headers", arguments=arguments)
    talk.feed(publish("", b"", {"headers": {"a": "1"}}, exchange="amq.headers"))
    talk.feed(publish("", b"", {"headers": {"a": "2"}}, exchange="amq.headers"))
    total = published(talk, "amq.headers")
    assert (total.published, total.routed, total.dropped) == (2, 1, 1)


def test_what_leads_nowhere_is_dropped_or_returned() -> None:
    talk = opened()
    talk.feed(publish("nowhere") * 2 + publish("nowhere", mandatory=True))
    total = published(talk)
    assert (total.published, total.dropped, total.returned, total.routed) == (3, 2, 1, 0)


def test_confirms_are_counted_from_their_beginning() -> None:
    talk = opened()
    talk.feed(publish("q"))
    talk.send("confirm.select")
    talk.feed(publish("q") * 2 + publish("nowhere"))
    total = published(talk)
    assert (total.published, total.received_confirm, total.confirmed) == (4, 3, 3)


def test_what_a_queue_refuses_is_not_confirmed() -> None:
    talk = opened()
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    talk.send("queue.declare", queue="full", arguments=arguments)
    talk.send("confirm.select")
    talk.feed(publish("full") * 3)
    total = published(talk)
    assert (total.received_confirm, total.confirmed) == (3, 1)
    assert counts(talk, "full") == {"publish": 1, "messages_ready": 1}
    assert talk.node.tally.losses.dropped == {"refused": 2}


def test_a_transaction_counts_when_it_is_committed() -> None:
    talk = opened()
    talk.send("tx.select")
    talk.feed(publish("q", b"12"))
    (link,) = talk.node.connections.by_id.values()
    channel = link.channels[1]
    assert channel is not None
    assert (channel.is_transactional, channel.uncommitted_count) == (True, 1)
    assert published(talk).published == 0
    talk.send("tx.rollback")
    talk.feed(publish("q", b"12"))
    talk.send("tx.commit")
    assert (published(talk).published, flow(talk).sizes.octets) == (1, 2)


def test_sizes_are_those_of_the_bodies() -> None:
    talk = opened()
    talk.feed(publish("q") + publish("q", b"x" * 100) + publish("q", b"x" * 101))
    sizes = flow(talk).sizes
    assert (sizes.octets, sizes.counts()[:3]) == (201, [2, 1, 0])


def test_dead_letters_are_counted_by_reason_and_by_what_becomes_of_them() -> None:
    talk = opened()
    arguments = {
        "x-max-length": 1,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "q",
    }
    talk.send("queue.declare", queue="short", arguments=arguments)
    talk.feed(publish("short") * 3)
    talk.read()
    assert talk.node.tally.losses.dead == {("classic", "maxlen", "at_most_once"): 2}
    assert counts(talk, "short") == {"publish": 3, "messages_ready": 1}
    assert counts(talk) == {"publish": 2, "messages_ready": 2}
    assert published(talk).routed == 3


def test_a_queue_knows_how_many_octets_wait_and_how_many_are_out() -> None:
    talk = opened()
    talk.feed(publish("q", b"1") + publish("q", b"22") + publish("q", b"333"))
    talk.send("basic.get", queue="q")
    talk.send("basic.get", queue="q")
    assert queue(talk).ready_octets == 3
    assert queue(talk).unacked_octets == 3
    talk.send("basic.reject", delivery_tag=2, requeue=True)
    assert (queue(talk).ready_octets, queue(talk).unacked_octets) == (5, 1)
    talk.send("queue.purge", queue="q")
    assert (queue(talk).ready_octets, queue(talk).unacked_octets) == (0, 1)
    talk.send("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    assert (queue(talk).ready_octets, queue(talk).unacked_octets) == (1, 0)
    assert talk.node.tally.losses.dropped == {"purged": 2}


def test_coming_and_going_is_counted() -> None:
    talk = opened(1, 2)
    talk.send("queue.declare", queue="q")
    talk.send("queue.declare")
    talk.send("queue.delete", queue="q")
    tally = talk.node.tally
    assert (tally.queues_declared, tally.queues_created, tally.queues_deleted) == (3, 2, 1)
    assert (tally.connections_opened, tally.channels_opened) == (1, 2)
    talk.session.lost()
    assert (tally.connections_closed, tally.channels_closed) == (1, 2)
    assert tally.logins == {"amqp091": [1, 0]}


def test_a_channel_shows_how_it_is_used() -> None:
    talk = opened()
    talk.send("basic.qos", prefetch_count=7)
    talk.send("basic.qos", prefetch_count=9, **{"global": True})
    talk.send("confirm.select")
    talk.send("basic.consume", queue="q", consumer_tag="c")
    talk.feed(publish("q", b"12"))
    (link,) = talk.node.connections.by_id.values()
    channel = link.channels[1]
    assert channel is not None
    assert (channel.name, channel.number) == (f"{link.name} (1)", 1)
    assert (channel.prefetch_count, channel.global_prefetch_count) == (7, 9)
    assert (channel.consumer_count, channel.unacked_count, channel.is_confirming) == (1, 1, True)
    (consumer,) = queue(talk).consumers
    assert (consumer.tag, consumer.channel, consumer.prefetch_count) == ("c", channel, 7)
    assert queue(talk).has_ready_consumer


@pytest.mark.parametrize("arguments", [{}, {"x-max-priority": 5}, {"x-queue-type": "quorum"}])
def test_what_was_there_before_a_restart_was_not_published_since(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    def work(broker: leveret.Broker, messages: int) -> tuple[int, int, int]:
        with Wire(port=broker.port) as wire:
            wire.open()
            wire.call("queue.declare", queue="q", durable=True, arguments=arguments)
            for number in range(messages):
                wire.publish("", "q", b"12", {"delivery_mode": 2, "priority": number % 3})
            wire.call("queue.declare", queue="q", durable=True, passive=True, arguments=arguments)
        return broker.call(_counted)

    with leveret.Broker(data_dir=tmp_path) as broker:
        assert work(broker, 4) == (4, 4, 8)
    with leveret.Broker(data_dir=tmp_path) as broker:
        assert broker.call(_counted) == (0, 4, 8)
        assert work(broker, 3) == (3, 7, 14)


def _counted(node: Node) -> tuple[int, int, int]:
    queue = node.vhosts["/"].queues["q"]
    return queue.published_count, queue.ready_count, queue.ready_octets
