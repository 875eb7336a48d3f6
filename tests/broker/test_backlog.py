"""leveret.broker.backlog"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fakes import message

from leveret.broker.backlog import Backlog, Waiting

FIRST = 1 << 48


class BacklogMachine(RuleBasedStateMachine):
    """A backlog beside a sorted list of (offset, body, redelivered)."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(FIRST)
        self.model: list[tuple[int, bytes, bool]] = []
        self.out: list[tuple[int, bytes]] = []
        self.next_offset = FIRST

    @rule(count=st.integers(1, 5) | st.sampled_from([1023, 1500, 3000]))
    def push(self, count: int) -> None:
        for _ in range(count):
            body = b"%d" % self.next_offset
            self.backlog.push(message(body))
            self.model.append((self.next_offset, body, False))
            self.next_offset += 1

    @precondition(lambda self: not self.model)
    @rule()
    def pass_by(self) -> None:
        offset = self.backlog.pass_by()
        assert offset == self.next_offset
        self.out.append((offset, b"%d" % offset))
        self.next_offset += 1

    @precondition(lambda self: self.model)
    @rule(count=st.integers(1, 5) | st.sampled_from([1024, 2000]))
    def pop(self, count: int) -> None:
        for _ in range(min(count, len(self.model))):
            got = self.backlog.pop()
            assert (got.offset, got.message.body, got.redelivered) == self.model.pop(0)
            self.out.append((got.offset, got.message.body))

    @rule(first=st.integers(0, 4000), count=st.sampled_from([0, 1, 7, 500]))
    def peek(self, first: int, count: int) -> None:
        seen = self.backlog.peek(first, count, 1 << 30)
        assert [(each.offset, each.message.body, each.redelivered) for each in seen] == self.model[
            first : first + count
        ]

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        offset, body = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.backlog.put_back(Waiting(message(body), offset, True))
        self.model = sorted([*self.model, (offset, body, True)])

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def put_many_back(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(self.out) - 1))
        chosen, self.out = self.out[start:], self.out[:start]
        order = data.draw(st.sampled_from([1, -1]))
        for back, text in chosen[::order]:
            self.backlog.put_back(Waiting(message(text), back, True))
        self.model = sorted([*self.model, *[(o, b, True) for o, b in chosen]])

    @rule()
    def clear(self) -> None:
        self.backlog.clear()
        self.model = []

    @rule()
    def settle(self) -> None:
        self.out = []

    @invariant()
    def the_count_is_right(self) -> None:
        assert len(self.backlog) == len(self.model)


TestBacklog = BacklogMachine.TestCase
TestBacklog.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
