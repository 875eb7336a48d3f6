"""leveret.broker.purse: all lines together take what there is, and no more."""

from tests.fakes import FakeClock
from tests.simulation.world import Silent
from tests.store.disk import FakeDisk

from leveret.broker.backlog import MESSAGE_OCTETS, Backlog
from leveret.broker.message import Message, Origin
from leveret.broker.middle import Middle
from leveret.broker.properties import NO_PROPERTIES
from leveret.broker.purse import Purse
from leveret.store.chunks import Chunks

FIRST = 2_000
MOST = 32_000
EACH = 1_000
BODY = bytes(EACH - MESSAGE_OCTETS)


class Lines:
    """``count`` lines with one purse."""

    def __init__(self, count: int, octets: int) -> None:
        self.disk = FakeDisk()
        self.purse = Purse(octets, MOST, FIRST)
        self.octets = octets
        self.lines = [self.made(number) for number in range(count)]

    def made(self, number: int) -> Backlog:
        chunks = Chunks(self.disk, f"queues/{number}")
        line = Backlog(0, Middle(chunks, FakeClock(), Silent(), False))
        line.share_octets = self.purse.first_octets
        line.purse = self.purse
        return line

    def add(self) -> Backlog:
        self.lines.append(self.made(len(self.lines)))
        return self.lines[-1]

    @property
    def memory_octets(self) -> int:
        return sum(line.memory_octets for line in self.lines)

    def check(self) -> None:
        given = sum(line.share_octets - FIRST for line in self.lines)
        assert given + self.purse.left_octets == self.octets
        assert self.purse.left_octets >= 0


def push(line: Backlog, count: int) -> None:
    for _ in range(count):
        line.push(Message(Origin("", "q"), NO_PROPERTIES, BODY))


def test_one_line_has_as_much_as_one_may_have() -> None:
    lines = Lines(1, 1_000_000)
    shares = set()
    for _ in range(100):
        push(lines.lines[0], 1)
        shares.add(lines.lines[0].share_octets)
        lines.check()
    assert shares == {FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, MOST}
    # One message more than fits, and the tail.
    assert lines.memory_octets <= MOST + EACH + MOST + EACH
    assert [len(lines.lines[0].pop().message.body) for _ in range(100)] == [len(BODY)] * 100


def test_a_thousand_flooded_lines_take_no_more_than_there_is() -> None:
    lines = Lines(1_000, 100_000)
    for _ in range(40):
        for line in lines.lines:
            push(line, 1)
    lines.check()
    # A tail is written once it has the size of the share, which few could enlarge.
    tails = sum(min(line.share_octets, 64 * 1024) + EACH for line in lines.lines)
    heads = 1_000 * (FIRST + EACH) + lines.octets
    assert lines.memory_octets <= heads + tails
    assert sum(line.disk_octets for line in lines.lines) > 0
    assert all(len(line) == 40 for line in lines.lines)


def test_what_was_emptied_is_given_to_others() -> None:
    lines = Lines(3, MOST - FIRST)
    first, second, third = lines.lines
    push(first, 31)
    assert (first.share_octets, lines.purse.left_octets) == (MOST, 0)
    while len(first) > 0:
        first.pop()
    # Nobody counts what is used: it has its share until somebody else asks.
    assert first.share_octets == MOST
    push(second, 3)
    assert (first.share_octets, second.share_octets) == (FIRST, 2 * FIRST)
    lines.check()
    push(third, 31)
    lines.check()
    assert lines.purse.spender_count == 2


def test_what_is_purged_is_given_back_at_once() -> None:
    lines = Lines(1, 100_000)
    push(lines.lines[0], 20)
    assert lines.purse.left_octets < 100_000
    lines.lines[0].clear()
    assert (lines.purse.left_octets, lines.purse.spender_count) == (100_000, 0)
    assert lines.lines[0].share_octets == FIRST


def test_all_are_not_asked_again_for_each_that_is_refused() -> None:
    lines = Lines(20, 10 * FIRST)
    for line in lines.lines[:10]:
        push(line, 3)
    assert lines.purse.left_octets == 0
    push(lines.lines[10], 3)
    # They were asked just now; the next one who asks in vain does not make them be.
    for line in lines.lines[:10]:
        line.pop()
        line.pop()
    push(lines.lines[11], 3)
    assert lines.lines[11].share_octets == FIRST
    for line in lines.lines[12:]:
        push(line, 3)
    assert all(lines.lines[number].share_octets == FIRST for number in range(12, 20))
    push(lines.add(), 3)
    push(lines.add(), 3)
    assert lines.lines[-1].share_octets == 2 * FIRST


def test_a_share_that_one_queue_may_have_is_all_it_has() -> None:
    purse = Purse(1_000_000, 65_536)
    assert purse.first_octets == 65_536
    line = Lines(1, 0).lines[0]
    assert purse.more(line, 65_536) == 0
