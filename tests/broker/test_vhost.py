"""leveret.broker.vhost: queues, and what exchanges and queues have in common."""

from typing import Any

import pytest
from tests import wire
from tests.fakes import FakeClock, FakeConsumer, FakeRandom, message

from leveret.broker.properties import NO_PROPERTIES
from leveret.broker.queue import Queue
from leveret.broker.timetable import Timetable
from leveret.broker.vhost import REPLY_TO, VHost
from leveret.broker.wishes import QueueWish
from leveret.errors import AccessRefused, NotFound, PreconditionFailed, ResourceLocked
from leveret.events import Events
from leveret.tables import read_table

ME, OTHER = 7, 8


def vhost() -> VHost:
    return VHost("/", FakeRandom(), FakeClock(), Timetable(), Events())


def wish(
    name: str = "q",
    *,
    durable: bool = False,
    auto_delete: bool = False,
    owner_id: int = 0,
    **arguments: Any,
) -> QueueWish:
    named = {key.replace("_", "-"): value for key, value in arguments.items()}
    table = read_table(wire.encode_table(named), 0)[0]
    return QueueWish(name, durable, auto_delete, owner_id, table)


def declare(of: VHost, name: str = "q", **values: Any) -> Queue:
    return of.declare_queue(wish(name, **values), ME)


def reached(of: VHost, exchange: str, key: str) -> list[str]:
    routing = of.route(of.exchange(exchange), [key], NO_PROPERTIES)
    return sorted(queue.name for queue in routing.queues)


def test_a_declared_queue_is_found_and_reached_by_its_name() -> None:
    v = vhost()
    queue = declare(v, "q", durable=True)
    assert v.queue("q", OTHER) is queue
    assert queue.is_durable
    assert reached(v, "", "q") == ["q"]
    assert reached(v, "", "other") == []


def test_declaring_again_gives_the_same_queue() -> None:
    v = vhost()
    queue = declare(v, x_max_priority=5, x_message_ttl=1000)
    epoch = v.epoch
    assert declare(v, x_max_priority=wire.Typed("l", 5), x_message_ttl=1000) is queue
    assert v.epoch == epoch


@pytest.mark.parametrize(
    ("first", "second", "argument"),
    [
        ({}, {"durable": True}, "durable"),
        ({"auto_delete": True}, {}, "auto_delete"),
        ({"x_max_priority": 5}, {"x_max_priority": 6}, "x-max-priority"),
        ({}, {"x_message_ttl": 5}, "x-message-ttl"),
        ({"x_overflow": "drop-head"}, {}, "x-overflow"),
    ],
)
def test_declaring_again_otherwise_is_refused(
    first: dict[str, Any], second: dict[str, Any], argument: str
) -> None:
    v = vhost()
    declare(v, **first)
    with pytest.raises(PreconditionFailed, match=f"inequivalent arg '{argument}' for queue 'q'"):
        declare(v, **second)


def test_arguments_that_no_type_knows_are_not_compared() -> None:
    v = vhost()
    assert declare(v, my_note=1) is declare(v, my_note=2)


def test_bad_arguments_make_no_queue() -> None:
    v = vhost()
    with pytest.raises(PreconditionFailed):
        declare(v, x_max_priority=-1)
    assert v.queues == {}


def test_reserved_names_are_refused() -> None:
    with pytest.raises(AccessRefused) as refused:
        declare(vhost(), "amq.mine")
    assert refused.value.detail == "queue name 'amq.mine' contains reserved prefix 'amq.*'"


def test_the_broker_makes_up_names_that_differ() -> None:
    v = vhost()
    names = {v.declare_anonymous_queue(wish("")).name for _ in range(10)}
    assert len(names) == 10
    assert all(name.startswith("amq.gen-") and len(name) == 30 for name in names)
    assert set(v.queues) == names


def test_what_is_not_there_is_not_found() -> None:
    v = vhost()
    with pytest.raises(NotFound) as refused:
        v.queue("q", ME)
    assert refused.value.detail == "no queue 'q' in vhost '/'"
    with pytest.raises(NotFound, match="no exchange 'e' in vhost '/'"):
        v.exchange("e")


def test_an_exclusive_queue_is_for_its_connection_only() -> None:
    v = vhost()
    queue = declare(v, owner_id=ME, durable=True)
    assert v.queue("q", ME) is queue
    assert declare(v, owner_id=ME) is queue
    with pytest.raises(ResourceLocked, match="cannot obtain exclusive access to locked queue 'q'"):
        v.queue("q", OTHER)
    with pytest.raises(ResourceLocked):
        v.declare_queue(wish(owner_id=OTHER), OTHER)
    with pytest.raises(ResourceLocked):
        v.declare_queue(wish(), OTHER)


def test_a_shared_queue_cannot_be_declared_exclusive() -> None:
    v = vhost()
    declare(v)
    with pytest.raises(ResourceLocked):
        declare(v, owner_id=ME)


def test_exclusive_queues_go_with_their_connection() -> None:
    v = vhost()
    mine = [declare(v, name, owner_id=ME) for name in ("a", "b")]
    v.declare_queue(wish("c", owner_id=OTHER), OTHER)
    declare(v, "d")
    v.delete_queue(mine[0], False, False)
    v.bind(v.exchange("amq.fanout"), mine[1], None, "", {})
    epoch = v.epoch
    v.connection_lost(ME)
    assert sorted(v.queues) == ["c", "d"]
    assert v.epoch > epoch
    assert mine[1].is_gone
    assert reached(v, "amq.fanout", "") == []
    v.connection_lost(ME)


def test_deleting_counts_what_waited_and_ends_the_bindings() -> None:
    v = vhost()
    queue = declare(v)
    consumer = FakeConsumer(room=0)
    v.consume(queue, consumer)
    v.bind(v.exchange("amq.direct"), queue, None, "k", {})
    queue.publish(message())
    queue.publish(message())
    assert v.delete_queue(queue, False, False) == 2
    assert consumer.was_cancelled
    assert reached(v, "amq.direct", "k") == []
    assert v.exchange("amq.direct").bindings == {}
    assert v.queues == {}


def test_deleting_only_if_unused_or_empty() -> None:
    v = vhost()
    queue = declare(v)
    consumer = FakeConsumer(room=0)
    v.consume(queue, consumer)
    queue.publish(message())
    with pytest.raises(PreconditionFailed, match="queue 'q' in vhost '/' in use"):
        v.delete_queue(queue, True, False)
    v.cancel(queue, consumer)
    with pytest.raises(PreconditionFailed, match="queue 'q' in vhost '/' not empty"):
        v.delete_queue(queue, True, True)
    assert v.delete_queue(queue, True, False) == 1


def test_an_auto_delete_queue_goes_with_its_last_consumer() -> None:
    v = vhost()
    queue, consumers = declare(v, auto_delete=True), [FakeConsumer("1"), FakeConsumer("2")]
    for consumer in consumers:
        v.consume(queue, consumer)
    v.cancel(queue, consumers[0])
    assert list(v.queues) == ["q"]
    v.cancel(queue, consumers[1])
    assert list(v.queues) == []
    assert not consumers[1].was_cancelled


def test_an_auto_delete_queue_that_nobody_consumed_stays() -> None:
    v = vhost()
    queue = declare(v, auto_delete=True)
    v.cancel(queue, FakeConsumer())
    assert list(v.queues) == ["q"]


def test_cancelling_on_a_deleted_queue_leaves_its_namesake_alone() -> None:
    v = vhost()
    old, consumer = declare(v, auto_delete=True), FakeConsumer()
    v.consume(old, consumer)
    v.delete_queue(old, False, False)
    declare(v, auto_delete=True)
    v.cancel(old, consumer)
    assert list(v.queues) == ["q"]


def test_a_refused_consumer_is_told_which_queue() -> None:
    v = vhost()
    queue = declare(v)
    v.consume(queue, FakeConsumer(is_exclusive=True))
    with pytest.raises(AccessRefused) as refused:
        v.consume(queue, FakeConsumer())
    assert refused.value.detail == "queue 'q' in vhost '/' in exclusive use"


def test_a_reply_queue_is_reached_and_never_listed() -> None:
    v = vhost()
    epoch = v.queue_epoch
    queue = v.open_reply_queue()
    assert queue.name.startswith(REPLY_TO + ".")
    assert reached(v, "", queue.name) == [queue.name]
    assert v.queues == {}
    assert v.queue_epoch > epoch
    epoch = v.queue_epoch
    v.close_reply_queue(queue)
    v.close_reply_queue(queue)
    assert reached(v, "", queue.name) == []
    assert v.queue_epoch > epoch
