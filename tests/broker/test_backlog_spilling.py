"""leveret.broker.backlog and middle: lines that are too long for memory."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fakes import FakeClock, message
from tests.store.disk import FakeDisk

from leveret.broker.backlog import MESSAGE_OCTETS, Backlog, Waiting
from leveret.broker.middle import Middle
from leveret.store.chunks import Chunks
from leveret.store.troubles import Troubles

FOLDER = "data/queues/1-0"


class Told(Troubles):
    def __init__(self) -> None:
        self.unwritten = 0
        self.unreadable = 0

    def on_disk_failed(self, error: OSError) -> None:
        raise AssertionError("there is no journal here")

    def on_disk_works(self) -> None:
        raise AssertionError("there is no journal here")

    def on_unwritten(self, error: OSError) -> None:
        self.unwritten += 1

    def on_unreadable(self, error: Exception, count: int) -> None:
        self.unreadable += count


class Long:
    """A line that spills beyond 20 messages, with its disk."""

    def __init__(self) -> None:
        self.disk = FakeDisk()
        self.told = Told()
        self.chunks = Chunks(self.disk, FOLDER)
        self.middle = Middle(self.chunks, FakeClock(), self.told, False)
        self.line = Backlog(0, self.middle)
        self.line.share_octets = 20 * (MESSAGE_OCTETS + 4)

    def push(self, count: int, first: int = 0, due_ns: int = 0) -> None:
        for number in range(first, first + count):
            self.line.push(message(b"%04d" % number), due_ns and due_ns + number)

    def pop_all(self) -> list[Waiting]:
        return [self.line.pop() for _ in range(len(self.line))]


def test_a_long_line_comes_back_from_the_disk_in_order() -> None:
    long = Long()
    long.push(20_000)
    assert long.middle.count > 15_000
    got = long.pop_all()
    assert [(each.offset, each.message.body) for each in got] == [
        (number, b"%04d" % number) for number in range(20_000)
    ]
    assert len(long.line) == 0
    long.push(3, 20_000)
    assert [each.offset for each in long.pop_all()] == [20_000, 20_001, 20_002]


def test_when_each_expires_is_kept() -> None:
    long = Long()
    long.push(10_000, due_ns=5_000_000_000)
    # Times are kept in milliseconds.
    assert [each.due_ns // 1_000_000 for each in long.pop_all()] == [
        (5_000_000_000 + number) // 1_000_000 for number in range(10_000)
    ]


def test_a_purge_empties_memory_and_disk() -> None:
    long = Long()
    long.push(10_000)
    long.line.clear()
    assert len(long.line) == 0
    assert long.middle.count == 0
    long.push(1, 10_000)
    assert long.line.pop().offset == 10_000


def test_a_full_disk_keeps_them_in_memory() -> None:
    long = Long()
    long.push(21)
    long.disk.room = 100
    long.push(10_000, 21)
    # Not with each message, or all of them would be encoded ten thousand times.
    assert 1 < long.told.unwritten < 100
    long.disk.room = None
    long.push(10_000, 10_021)
    assert long.middle.count > 10_000
    assert [each.offset for each in long.pop_all()] == list(range(20_021))


def test_what_cannot_be_read_is_passed_over_and_told() -> None:
    long = Long()
    long.push(20_000)
    lost = long.chunks.next().count
    long.disk.files[f"{FOLDER}/00000001.seg"].octets[200] ^= 1
    got = [long.line.pop().offset for _ in range(len(long.line) - lost)]
    assert len(long.line) == 0
    assert long.told.unreadable == lost
    assert got == [*range(21), *range(21 + lost, 20_000)]


class SpillingMachine(RuleBasedStateMachine):
    """A line that spills beside a sorted list of (offset, body)."""

    def __init__(self) -> None:
        super().__init__()
        self.long = Long()
        self.model: list[tuple[int, bytes]] = []
        self.out: list[tuple[int, bytes]] = []
        self.next_offset = 0

    @rule(count=st.integers(1, 30) | st.sampled_from([4100, 9000]))
    def push(self, count: int) -> None:
        for _ in range(count):
            body = b"%04d" % self.next_offset
            self.long.line.push(message(body))
            self.model.append((self.next_offset, body))
            self.next_offset += 1

    @precondition(lambda self: not self.model)
    @rule()
    def pass_by(self) -> None:
        assert self.long.line.pass_by() == self.next_offset
        self.next_offset += 1

    @rule(count=st.integers(1, 40) | st.sampled_from([4000, 20_000]))
    def pop(self, count: int) -> None:
        for _ in range(min(count, len(self.model))):
            got = self.long.line.pop()
            expected = self.model.pop(0)
            assert (got.offset, got.message.body) == expected
            self.out.append(expected)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(max(0, len(self.out) - 50), len(self.out) - 1))
        chosen, self.out = self.out[start:], self.out[:start]
        for offset, body in chosen:
            self.long.line.put_back(Waiting(message(body), offset, True))
        self.model = sorted([*self.model, *chosen])

    @rule(first=st.integers(0, 12_000), count=st.sampled_from([0, 1, 50, 500]))
    def peek(self, first: int, count: int) -> None:
        seen = self.long.line.peek(first, count, 1 << 30)
        assert [(each.offset, each.message.body) for each in seen] == self.model[
            first : first + count
        ]

    @rule()
    def write_the_tail(self) -> None:
        self.long.line.write_tail()

    @rule()
    def clear(self) -> None:
        self.long.line.clear()
        self.model = []

    @invariant()
    def the_count_is_right(self) -> None:
        assert len(self.long.line) == len(self.model)


TestSpilling = SpillingMachine.TestCase
TestSpilling.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
