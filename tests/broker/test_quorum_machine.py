"""leveret.broker.quorum beside a model"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.broker.quorum_place import Place, counts
from tests.fakes import message

from leveret.broker.backlog import Waiting


class QuorumMachine(RuleBasedStateMachine):
    """A queue with a limit of 3 beside plain lists of who is where and how often it failed."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Place({"x-delivery-limit": 3})
        self.fresh: dict[int, list[bytes]] = {}
        self.returned: list[bytes] = []
        self.out: list[Waiting] = []
        self.counts: dict[bytes, tuple[int, int]] = {}
        self.dead: list[bytes] = []
        self.made = 0

    @rule(priority=st.one_of(st.none(), st.integers(0, 40)))
    def publish(self, priority: int | None) -> None:
        body = b"%d" % self.made
        self.made += 1
        self.place.queue.publish(message(body, priority))
        line = 4 if priority is None else min(priority, 31)
        self.fresh.setdefault(line, []).append(body)

    @rule()
    def take(self) -> None:
        got = self.place.queue.get(False)
        expected = None
        if self.returned:
            expected = self.returned.pop(0)
        elif any(self.fresh.values()):
            expected = self.fresh[max(line for line in self.fresh if self.fresh[line])].pop(0)
        assert (got.message.body if got is not None else None) == expected
        if got is None:
            return
        failed, acquired = self.counts.get(got.message.body, (None, None))
        assert counts(got.message) == (failed, acquired)
        assert got.redelivered == (acquired is not None)
        self.out.append(got)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), is_failure=st.booleans())
    def give_back(self, data: st.DataObject, is_failure: bool) -> None:
        chosen = data.draw(st.permutations(range(len(self.out))))
        chosen = chosen[: data.draw(st.integers(1, len(chosen)))]
        waiting = [self.out[index] for index in chosen]
        self.out = [one for index, one in enumerate(self.out) if index not in chosen]
        self.place.give_back(*waiting, is_failure=is_failure)
        for one in waiting:
            body = one.message.body
            failed, acquired = self.counts.get(body, (0, 0))
            self.counts[body] = (failed + is_failure, acquired + 1)
            if failed + is_failure > 3:
                self.dead.append(body)
            else:
                self.returned.append(body)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), is_rejected=st.booleans())
    def answer(self, data: st.DataObject, is_rejected: bool) -> None:
        one = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if is_rejected:
            self.place.queue.discard(one.message, one.offset)
            self.dead.append(one.message.body)
        else:
            self.place.queue.settle(one.offset)

    @rule()
    def purge(self) -> None:
        waiting = len(self.returned) + sum(map(len, self.fresh.values()))
        assert self.place.queue.purge() == waiting
        self.returned = []
        self.fresh = {}

    @invariant()
    def everybody_is_where_the_model_says(self) -> None:
        queue = self.place.queue
        waiting = len(self.returned) + sum(map(len, self.fresh.values()))
        assert (queue.ready_count, queue.unacked_count) == (waiting, len(self.out))
        assert [body for body, _ in self.place.keeper.dead] == self.dead
        came_back = [one for one in self.out if one.redelivered]
        assert queue.remembered_count == len(self.returned) + len(came_back)


TestQuorumMachine = QuorumMachine.TestCase
