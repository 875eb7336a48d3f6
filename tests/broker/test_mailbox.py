"""leveret.broker.mailbox: a queue that keeps nothing."""

import pytest
from tests.broker.keepers import FakeKeeper
from tests.fakes import FakeConsumer, message

from leveret.broker.mailbox import MailboxQueue
from leveret.broker.wishes import QueueWish
from leveret.errors import AccessRefused, NotSupported


class Drops(FakeKeeper):
    """Counts what is dropped, by reason."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: dict[str, int] = {}

    def note_dropped(self, reason: str, count: int) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + count


class SlowConsumer(FakeConsumer):
    """Its client does not read while it ``stands_still``."""

    stands_still = True

    def is_stuck(self) -> bool:
        return self.stands_still


def mailbox(limit: int = 3) -> tuple[MailboxQueue, Drops]:
    keeper = Drops()
    return MailboxQueue(QueueWish("q", False, True, 7, {}), keeper, limit), keeper


def test_what_comes_is_handed_out_at_once() -> None:
    queue, _ = mailbox()
    reader = FakeConsumer(no_ack=True)
    queue.add_consumer(reader)
    for body in (b"a", b"b"):
        assert queue.publish(message(body))
    assert reader.bodies == [b"a", b"b"]
    assert (queue.ready_count, queue.published_count, queue.consumers) == (0, 2, [reader])


def test_without_a_reader_everything_is_dropped() -> None:
    queue, keeper = mailbox()
    assert queue.publish(message(b"a"))
    assert (queue.ready_count, keeper.dropped) == (0, {"mailbox_overflow": 1})


def test_what_a_reader_cannot_take_now_waits_in_order() -> None:
    queue, _ = mailbox()
    reader = FakeConsumer(no_ack=True, room=1)
    queue.add_consumer(reader)
    for n in range(4):
        queue.publish(message(b"%d" % n))
    assert (reader.bodies, queue.ready_count, queue.ready_octets) == ([b"0"], 3, 3)
    assert reader.is_parked
    assert not queue.has_ready_consumer
    reader.room = 2
    queue.unpark(reader)
    # What is new goes behind what waits.
    queue.publish(message(b"4"))
    queue.dispatch()
    assert reader.bodies == [b"0", b"1", b"2"]
    assert reader.is_parked
    reader.room = 9
    queue.dispatch()
    assert reader.bodies == [b"0", b"1", b"2", b"3", b"4"]


def test_a_client_that_does_not_read_has_the_rest_dropped() -> None:
    queue, keeper = mailbox(limit=3)
    reader = SlowConsumer(no_ack=True, room=0)
    queue.add_consumer(reader)
    for n in range(5):
        assert queue.publish(message(b"%d" % n))
    assert (queue.ready_count, keeper.dropped) == (3, {"mailbox_overflow": 2})
    reader.stands_still = False
    queue.publish(message(b"5"))
    assert queue.ready_count == 4
    reader.room = 9
    queue.dispatch()
    assert reader.bodies == [b"0", b"1", b"2", b"5"]


def test_there_is_one_reader() -> None:
    queue, _ = mailbox()
    reader, other = FakeConsumer(), FakeConsumer()
    queue.add_consumer(reader)
    with pytest.raises(AccessRefused):
        queue.add_consumer(other)
    assert not queue.remove_consumer(other)
    assert queue.remove_consumer(reader)
    assert queue.consumer_count == 0


def test_nobody_gets_anything_by_asking() -> None:
    queue, _ = mailbox()
    assert queue.get(True) is None
    with pytest.raises(NotSupported):
        queue.check_get("queue 'q'")


def test_the_end() -> None:
    queue, keeper = mailbox()
    reader = FakeConsumer(no_ack=True, room=0)
    queue.add_consumer(reader)
    queue.publish(message(b"a"))
    queue.close()
    assert reader.was_cancelled
    assert (queue.is_gone, queue.ready_count, keeper.dropped) == (True, 0, {"queue_deleted": 1})
