"""Looking at the messages of a queue without taking them."""

from tests.broker.test_backlog_spilling import Long
from tests.fakes import message

from leveret.broker.backlog import Backlog

MANY = 1 << 30


def test_looking_changes_nothing() -> None:
    line = Backlog(0)
    for number in range(5):
        line.push(message(b"%d" % number))
    line.put_back(line.pop())
    before = (len(line), line.octets(), line.next_offset, line.front)

    assert [each.message.body for each in line.peek(1, 3, MANY)] == [b"1", b"2", b"3"]
    assert (len(line), line.octets(), line.next_offset, line.front) == before


def test_slots_without_a_message_are_no_places() -> None:
    line = Backlog(0)
    line.push(message(b"0"))
    line.go_on_at(4)
    line.push(message(b"4"))

    assert [each.offset for each in line.peek(0, 10, MANY)] == [0, 4]
    assert [each.offset for each in line.peek(1, 10, MANY)] == [4]


def test_a_page_ends_early_when_much_was_read_for_it() -> None:
    long = Long()
    long.push(20_000)

    assert len(long.line.peek(5000, 10_000, 1)) < 10_000
    assert len(long.line.peek(5000, 10_000, MANY)) == 10_000


def test_what_cannot_be_read_is_passed_over_and_stays() -> None:
    long = Long()
    long.push(20_000)
    lost = long.chunks.next().count
    long.disk.files["data/queues/1-0/00000001.seg"].octets[200] ^= 1

    seen = [each.offset for each in long.line.peek(0, 100, MANY)]

    assert seen == [*range(21), *range(21 + lost, 100 + lost)]
    assert (long.told.unreadable, len(long.line)) == (0, 20_000)
