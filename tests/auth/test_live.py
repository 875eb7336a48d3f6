"""Changes of rights as a real client sees them, on channels that are open meanwhile."""

from collections.abc import Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

import leveret
from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.node import Node


@pytest.fixture
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker() as running:
        yield running


@pytest.fixture
def channel(broker: leveret.Broker) -> Iterator[BlockingChannel]:
    broker.call(add_shop)
    parameters = pika.URLParameters(broker.url.replace("guest:guest", "shop:secret"))
    with pika.BlockingConnection(parameters) as connection:
        made = connection.channel()
        made.confirm_delivery()
        made.queue_declare("q")
        made.queue_bind("q", "amq.topic", "#")
        yield made


def add_shop(node: Node) -> None:
    node.users.add("shop", "secret", []).grant("/", Permission(".*", ".*", ".*"))


def grant(broker: leveret.Broker, configure: str, write: str, read: str) -> None:
    rights = Permission(configure, write, read)
    broker.call(lambda node: node.users.get("shop").grant("/", rights))


def waiting(broker: leveret.Broker) -> int:
    return broker.call(lambda node: node.vhosts["/"].queues["q"].ready_count)


def test_a_publisher_that_loses_the_right_is_stopped_at_its_next_message(
    broker: leveret.Broker, channel: BlockingChannel
) -> None:
    channel.basic_publish("", "q", b"1")
    grant(broker, ".*", "^other$", ".*")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.basic_publish("", "q", b"2")
    assert closed.value.reply_code == 403
    assert closed.value.reply_text == (
        "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused for user "
        "'shop'"
    )
    assert waiting(broker) == 1


def test_a_queue_is_not_purged_by_who_may_not_read_it_any_more(
    broker: leveret.Broker, channel: BlockingChannel
) -> None:
    channel.basic_publish("", "q", b"1")
    grant(broker, ".*", ".*", "")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.queue_purge("q")
    assert closed.value.reply_text == (
        "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'shop'"
    )
    assert waiting(broker) == 1


def test_a_routing_key_that_is_forbidden_meanwhile_goes_nowhere(
    broker: leveret.Broker, channel: BlockingChannel
) -> None:
    channel.basic_publish("amq.topic", "orders.1", b"1")
    topics = TopicPermission("^{username}\\.", ".*")
    broker.call(lambda node: node.users.get("shop").grant_topic("/", "amq.topic", topics))
    channel.basic_publish("amq.topic", "shop.1", b"2")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.basic_publish("amq.topic", "orders.1", b"3")
    assert "write access to topic 'orders.1' in exchange 'amq.topic'" in closed.value.reply_text
    assert waiting(broker) == 2


def test_the_connection_of_a_user_that_is_deleted_is_closed(
    broker: leveret.Broker, channel: BlockingChannel
) -> None:
    broker.call(lambda node: node.users.delete("shop"))
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        channel.queue_declare("other")
    assert (closed.value.reply_code, closed.value.reply_text) == (
        320,
        "CONNECTION_FORCED - user 'shop' is deleted",
    )
    assert broker.call(lambda node: "other" in node.vhosts["/"].queues) is False
