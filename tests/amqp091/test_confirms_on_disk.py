"""Confirms of persistent messages: when a publisher is told, and when it must not be told yet."""

import gc
from pathlib import Path
from typing import Any

import pytest
from pamqp import commands
from tests.broker.lives import Life
from tests.fakes import Talk, publish

PERSISTENT = {"delivery_mode": 2}


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def talk(life: Life, queue: str = "q", **arguments: Any) -> Talk:
    """A client with a durable queue that is on the disk."""
    client = Talk(life.node).open()
    client.send("queue.declare", queue=queue, durable=True, arguments=arguments)
    settle_down(life)
    client.read()
    return client


def settle_down(life: Life) -> None:
    for _ in range(4):
        life.storage.end_turn()
        life.worker.work()


def confirmed(client: Talk) -> list[int]:
    return [each.delivery_tag for each in client.read() if isinstance(each, commands.Basic.Ack)]


def test_a_message_is_confirmed_once_it_is_on_the_disk(life: Life) -> None:
    client = talk(life)
    client.call("confirm.select")
    client.feed(publish("q", b"1", PERSISTENT))
    life.storage.end_turn()
    assert confirmed(client) == []
    life.worker.work()
    assert confirmed(client) == [1]


def test_a_message_that_was_consumed_is_confirmed_before(life: Life) -> None:
    consumer, publisher = talk(life), Talk(life.node).open()
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    publisher.feed(publish("q", b"1", PERSISTENT))
    life.storage.end_turn()
    assert confirmed(publisher) == []
    consumer.send("basic.ack", delivery_tag=1)
    assert confirmed(publisher) == [1]
    settle_down(life)
    assert confirmed(publisher) == []
    publisher.feed(publish("q", b"2", PERSISTENT))
    settle_down(life)
    assert confirmed(publisher) == [2]


def test_who_comes_after_one_that_waits_waits(life: Life) -> None:
    consumer, publisher = talk(life), Talk(life.node).open()
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    for body in (b"1", b"2", b"3"):
        publisher.feed(publish("q", body, PERSISTENT))
        life.storage.end_turn()
    consumer.send("basic.ack", delivery_tag=2)
    assert confirmed(publisher) == []
    consumer.send("basic.ack", delivery_tag=1)
    assert confirmed(publisher) == [1]
    settle_down(life)
    assert confirmed(publisher) == [3]


@pytest.mark.parametrize("how", ["basic.nack", "basic.reject"])
@pytest.mark.parametrize("requeue", [True, False])
def test_one_that_was_refused_waits_for_the_disk(life: Life, how: str, requeue: bool) -> None:
    """It is in another queue now, or in the same again."""
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    talk(life, "dead")
    consumer, publisher = talk(life, **dead), Talk(life.node).open()
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    publisher.feed(publish("q", b"1", PERSISTENT))
    life.storage.end_turn()
    consumer.send(how, delivery_tag=1, requeue=requeue)
    if requeue:
        consumer.send("basic.ack", delivery_tag=2)
    assert confirmed(publisher) == []
    settle_down(life)
    assert confirmed(publisher) == [1]


def test_one_in_two_queues_waits_for_the_disk(life: Life) -> None:
    consumer, publisher = talk(life), talk(life, "r")
    for queue in ("q", "r"):
        publisher.call("queue.bind", queue=queue, exchange="amq.fanout")
    settle_down(life)
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    publisher.feed(publish("", b"1", PERSISTENT, exchange="amq.fanout"))
    life.storage.end_turn()
    consumer.send("basic.ack", delivery_tag=1)
    assert confirmed(publisher) == []
    settle_down(life)
    assert confirmed(publisher) == [1]


def test_a_closed_channel_hears_nothing_even_if_its_number_is_used_again(life: Life) -> None:
    client = talk(life)
    client.call("confirm.select")
    client.feed(publish("q", b"1", PERSISTENT))
    client.call("channel.close", reply_code=200, reply_text="", class_id=0, method_id=0)
    client.call("channel.open")
    client.call("confirm.select")
    settle_down(life)
    assert client.read() == []


def test_many_that_nobody_acknowledges_are_not_remembered(life: Life) -> None:
    consumer, publisher = talk(life), Talk(life.node).open()
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    for number in range(1, 201):
        publisher.feed(publish("q", b"%d" % number, PERSISTENT))
        settle_down(life)
        assert confirmed(publisher) == [number]
    remembered = [one for one in gc.get_objects() if type(one).__name__ == "ConfirmPledge"]
    assert 0 < len(remembered) <= 64


def syncs(life: Life) -> int:
    """How many syncs wait to be done."""
    return len([job for job in life.worker.jobs if type(job).__name__ == "Sync"])


def test_the_disk_is_not_hurried_while_consumers_are_faster(life: Life) -> None:
    consumer, publisher = talk(life), Talk(life.node).open()
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    publisher.feed(publish("q", b"1", PERSISTENT))
    life.storage.end_turn()
    assert syncs(life) == 1  # nobody knows yet how fast they are
    consumer.send("basic.ack", delivery_tag=1)
    assert confirmed(publisher) == [1]
    settle_down(life)
    publisher.feed(publish("q", b"2", PERSISTENT))
    life.storage.end_turn()
    assert syncs(life) == 0
    consumer.send("basic.ack", delivery_tag=2)
    assert confirmed(publisher) == [2]
    publisher.feed(publish("q", b"3", PERSISTENT))
    settle_down(life)  # it does not acknowledge this time
    assert confirmed(publisher) == [3]
    publisher.feed(publish("q", b"4", PERSISTENT))
    life.storage.end_turn()
    assert syncs(life) == 1


def test_what_no_consumer_has_hurries_the_disk_though_others_are_patient(life: Life) -> None:
    consumer, publisher = talk(life), talk(life, "empty")
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    publisher.feed(publish("q", b"1", PERSISTENT))
    consumer.send("basic.ack", delivery_tag=1)
    settle_down(life)
    assert confirmed(publisher) == [1]
    publisher.feed(publish("q", b"2", PERSISTENT) + publish("empty", b"3", PERSISTENT))
    life.storage.end_turn()
    assert syncs(life) == 1


def quick(life: Life) -> tuple[Talk, Talk]:
    """A consumer and a publisher of which it is known that the one is faster than the disk."""
    consumer, publisher = talk(life), talk(life, "other")
    publisher.call("confirm.select")
    consumer.call("basic.consume", queue="q")
    publisher.feed(publish("q", b"1", PERSISTENT))
    consumer.send("basic.ack", delivery_tag=1)
    settle_down(life)
    assert confirmed(publisher) == [1]
    consumer.read()
    return consumer, publisher


def is_written(life: Life) -> bool:
    """Whether nothing of what happened waits to be written."""
    ledger = life.vhost.ledger
    assert ledger is not None
    return len(ledger.journal.out) == 0


def test_what_is_done_at_once_is_not_written_at_once(life: Life) -> None:
    consumer, publisher = quick(life)
    for tag in range(2, 10):
        publisher.feed(publish("q", b"x", PERSISTENT))
        life.storage.end_turn()
        consumer.send("basic.ack", delivery_tag=tag)
        life.storage.end_turn()
        assert confirmed(publisher) == [tag]
        assert not is_written(life)
    life.worker.work()  # a moment passes
    assert is_written(life)
    assert life.storage.is_idle


@pytest.mark.parametrize("other", ["publish", "ack", "requeue", "tx"])
def test_whatever_else_happens_is_written_before_anybody_is_told(life: Life, other: str) -> None:
    consumer, publisher = quick(life)
    consumer.feed(publish("other", b"an old one", PERSISTENT))
    settle_down(life)
    consumer.send("basic.get", queue="other")
    settle_down(life)
    publisher.feed(publish("q", b"2", PERSISTENT))
    life.storage.end_turn()
    assert not is_written(life)
    if other == "publish":
        publisher.feed(publish("other", b"3", PERSISTENT))
    elif other == "ack":
        consumer.send("basic.ack", delivery_tag=2)
    elif other == "requeue":
        # What a client is given again it was given before: that must not be forgotten.
        consumer.send("basic.reject", delivery_tag=3, requeue=True)
    else:
        consumer.send("channel.open", 2)
        consumer.send("tx.select", 2)
        consumer.feed(publish("other", b"3", PERSISTENT, channel=2))
        consumer.send("tx.commit", 2)
    life.storage.end_turn()
    assert is_written(life)
