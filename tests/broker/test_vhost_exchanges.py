"""leveret.broker.vhost: exchanges, bindings and the way of a message through them."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests import wire
from tests.fakes import FakeClock, FakeRandom

from leveret.broker.exchange import Exchange
from leveret.broker.properties import NO_PROPERTIES, Properties, read_properties
from leveret.broker.queue import Queue
from leveret.broker.timetable import Timetable
from leveret.broker.vhost import VHost
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import AccessRefused, PreconditionFailed
from leveret.events import Events
from leveret.tables import Table, read_table


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


class Place:
    """A vhost with short ways to say things: ``e`` exchanges, ``q`` queues, by name."""

    def __init__(self) -> None:
        self.vhost = VHost("/", FakeRandom(), FakeClock(), Timetable(), Events())

    def e(self, name: str, kind: str = "fanout", **values: Any) -> Exchange:
        flags = [values.pop(flag, False) for flag in ("durable", "auto_delete", "internal")]
        arguments = {key.replace("_", "-"): value for key, value in values.items()}
        return self.vhost.declare_exchange(ExchangeWish(name, kind, *flags, table(arguments)))

    def q(self, name: str) -> Queue:
        return self.vhost.declare_queue(QueueWish(name, False, False, 0, {}), 1)

    def bind(self, source: str, target: str, key: str = "", **arguments: Any) -> None:
        v = self.vhost
        queue, exchange = v.queues.get(target), v.exchanges.get(target)
        v.bind(v.exchange(source), queue, None if queue else exchange, key, table(arguments))

    def unbind(self, source: str, target: str, key: str = "", **arguments: Any) -> None:
        v = self.vhost
        queue, exchange = v.queues.get(target), v.exchanges.get(target)
        v.unbind(v.exchange(source), queue, None if queue else exchange, key, table(arguments))

    def reached(
        self, exchange: str, *keys: str, properties: Properties = NO_PROPERTIES
    ) -> list[str]:
        routing = self.vhost.route(self.vhost.exchange(exchange), list(keys or ("",)), properties)
        names = [queue.name for queue in routing.queues]
        assert len(names) == len(set(names)), "a queue gets a message once"
        return sorted(names)

    def is_static(self, exchange: str) -> bool:
        return self.vhost.route(self.vhost.exchange(exchange), [""], NO_PROPERTIES).is_static


def test_the_usual_exchanges_are_there() -> None:
    kinds = {exchange.name: exchange.kind for exchange in Place().vhost.exchanges.values()}
    assert kinds == {
        "": "direct",
        "amq.direct": "direct",
        "amq.fanout": "fanout",
        "amq.topic": "topic",
        "amq.headers": "headers",
        "amq.match": "headers",
        "amq.rabbitmq.trace": "topic",
    }


@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers"])
def test_declaring_again_gives_the_same_exchange(kind: str) -> None:
    place = Place()
    first = place.e("e", kind, durable=True, alternate_exchange="a")
    epoch = place.vhost.epoch
    assert place.e("e", kind, durable=True, alternate_exchange="a") is first
    assert place.vhost.epoch == epoch
    assert (first.kind, first.alternate) == (kind, "a")


@pytest.mark.parametrize(
    ("second", "argument"),
    [
        ({"kind": "direct"}, "type"),
        ({"durable": True}, "durable"),
        ({"auto_delete": True}, "auto_delete"),
        ({"internal": True}, "internal"),
        ({"alternate_exchange": "a"}, "alternate-exchange"),
    ],
)
def test_declaring_again_otherwise_is_refused(second: dict[str, Any], argument: str) -> None:
    place = Place()
    place.e("e")
    with pytest.raises(PreconditionFailed, match=f"inequivalent arg '{argument}' for exchange 'e'"):
        place.e("e", **second)


def test_an_unknown_type_and_a_reserved_name_are_refused() -> None:
    place = Place()
    with pytest.raises(PreconditionFailed, match="unknown exchange type 'magic'"):
        place.e("e", "magic")
    with pytest.raises(AccessRefused, match=r"exchange name 'amq\.e' contains reserved prefix"):
        place.e("amq.e")
    assert place.e("amq.direct", "direct", durable=True).name == "amq.direct"


def test_exchanges_of_the_system_cannot_be_deleted() -> None:
    vhost = Place().vhost
    with pytest.raises(AccessRefused, match="deletion of system exchange"):
        vhost.check_deletable("amq.x")
    vhost.check_deletable("mine")


def test_deleting_an_exchange_ends_its_bindings_both_ways() -> None:
    place = Place()
    middle = place.e("middle")
    place.e("source")
    place.q("q")
    place.bind("source", "middle")
    place.bind("middle", "q")
    with pytest.raises(PreconditionFailed, match="exchange 'middle' in vhost '/' in use"):
        place.vhost.delete_exchange(middle, True)
    place.vhost.delete_exchange(middle, False)
    assert place.vhost.exchange("source").bindings == {}
    assert place.reached("source") == []
    place.e("middle")
    assert place.reached("middle") == place.reached("source") == []
    place.vhost.delete_queue(place.q("q"), False, False)


def test_an_exchange_that_is_only_bound_to_counts_as_unused() -> None:
    place = Place()
    place.e("source")
    sink = place.e("sink")
    place.bind("source", "sink")
    place.vhost.delete_exchange(sink, True)


def test_the_same_binding_twice_is_one() -> None:
    place = Place()
    place.e("e", "direct")
    place.q("q")
    place.bind("e", "q", "k", a=1)
    epoch = place.vhost.epoch
    place.bind("e", "q", "k", a=1)
    assert place.vhost.epoch == epoch
    place.bind("e", "q", "k", a=2)
    place.unbind("e", "q", "k", a=1)
    assert place.reached("e", "k") == ["q"]
    place.unbind("e", "q", "k", a=2)
    assert place.reached("e", "k") == []


def test_unbinding_what_is_not_bound_is_no_error_and_no_change() -> None:
    place = Place()
    place.e("e")
    place.q("q")
    place.bind("e", "q", "k")
    epoch = place.vhost.epoch
    place.unbind("e", "q", "other")
    place.unbind("e", "q", "k", a=1)
    assert place.vhost.epoch == epoch
    assert place.reached("e") == ["q"]


def test_an_auto_delete_exchange_goes_with_its_last_binding() -> None:
    place = Place()
    place.e("e", auto_delete=True)
    place.q("a")
    place.q("b")
    place.bind("e", "a")
    place.bind("e", "b")
    place.unbind("e", "a")
    assert "e" in place.vhost.exchanges
    place.vhost.delete_queue(place.vhost.queues["b"], False, False)
    assert "e" not in place.vhost.exchanges


def test_auto_delete_exchanges_go_one_after_the_other() -> None:
    place = Place()
    place.q("q")
    place.e("last", auto_delete=True)
    place.e("first", auto_delete=True)
    place.e("stays", auto_delete=True)
    place.bind("last", "q")
    place.bind("first", "last")
    place.bind("stays", "last")
    place.q("other")
    place.bind("stays", "other")
    place.vhost.delete_queue(place.vhost.queues["q"], False, False)
    mine = [name for name in place.vhost.exchanges if name and not name.startswith("amq.")]
    assert mine == ["stays"]


def test_a_chain_of_20000_auto_delete_exchanges_goes_without_exhausting_the_stack() -> None:
    place = Place()
    place.q("q")
    target = "q"
    for number in range(20_000):
        place.e(f"e{number}", auto_delete=True)
        place.bind(f"e{number}", target)
        target = f"e{number}"
    place.vhost.delete_queue(place.vhost.queues["q"], False, False)
    assert [name for name in place.vhost.exchanges if name.startswith("e")] == []


def test_auto_delete_exchanges_in_a_circle_go_when_one_is_deleted() -> None:
    place = Place()
    for name in "abc":
        place.e(name, auto_delete=True)
    for source, target in ("ab", "bc", "ca"):
        place.bind(source, target)
    place.vhost.delete_exchange(place.vhost.exchanges["b"], False)
    assert not set("abc") & set(place.vhost.exchanges)


def test_an_auto_delete_exchange_may_be_bound_to_itself() -> None:
    place = Place()
    place.e("e", auto_delete=True)
    place.bind("e", "e")
    assert place.reached("e") == []
    place.unbind("e", "e")
    assert "e" not in place.vhost.exchanges


def test_messages_pass_from_exchange_to_exchange_and_never_in_circles() -> None:
    place = Place()
    for name in "abc":
        place.e(name)
        place.q("q" + name)
        place.bind(name, "q" + name)
    for source, target in ("ab", "bc", "ca", "bb"):
        place.bind(source, target)
    assert place.reached("a") == place.reached("b") == ["qa", "qb", "qc"]


def test_a_long_way_from_exchange_to_exchange_is_no_trouble() -> None:
    place = Place()
    place.q("q")
    place.e("e0")
    for number in range(3000):
        place.e(f"e{number + 1}")
        place.bind(f"e{number}", f"e{number + 1}")
    place.bind("e3000", "q")
    assert place.reached("e0") == ["q"]


def test_keys_count_at_every_exchange_of_the_way() -> None:
    place = Place()
    place.e("first", "topic")
    place.e("second", "direct")
    place.q("q")
    place.bind("first", "second", "a.*")
    place.bind("second", "q", "a.b")
    assert place.reached("first", "a.b") == ["q"]
    assert place.reached("first", "a.c") == []
    assert place.reached("first", "a.c", "a.b") == ["q"]


def test_what_no_binding_matches_goes_to_the_alternate_exchange() -> None:
    place = Place()
    place.e("main", "direct", alternate_exchange="spare")
    place.q("known")
    place.q("unknown")
    place.bind("main", "known", "k")
    assert place.reached("main", "x") == []
    place.e("spare")
    place.bind("spare", "unknown")
    assert place.reached("main", "x") == ["unknown"]
    assert place.reached("main", "k") == ["known"]
    place.vhost.delete_exchange(place.vhost.exchanges["spare"], False)
    assert place.reached("main", "x") == []


def test_alternate_exchanges_may_be_chained_and_circular() -> None:
    place = Place()
    place.e("a", "direct", alternate_exchange="b")
    place.e("b", "direct", alternate_exchange="c")
    place.e("c", "direct", alternate_exchange="a")
    assert place.reached("a", "x") == []
    place.q("q")
    place.bind("c", "q", "x")
    assert place.reached("a", "x") == ["q"]


def test_a_match_that_leads_nowhere_is_a_match() -> None:
    place = Place()
    place.e("main", "direct", alternate_exchange="spare")
    place.e("empty")
    place.e("spare")
    place.q("q")
    place.bind("spare", "q")
    place.bind("main", "empty", "k")
    assert place.reached("main", "k") == []


def test_a_headers_exchange_on_the_way_makes_it_depend_on_the_message() -> None:
    place = Place()
    place.e("first")
    assert place.is_static("first")
    place.e("second", "headers")
    place.bind("first", "second")
    place.q("q")
    place.bind("second", "q", a=1)
    assert not place.is_static("first")
    properties = read_properties(wire.encode_header(0, {"headers": {"a": 1}})[12:])
    assert place.reached("first", properties=properties) == ["q"]
    assert place.reached("first") == []


def test_routing_changes_nothing() -> None:
    place = Place()
    place.q("q")
    place.bind("amq.topic", "q", "#")
    epoch = place.vhost.epoch
    place.reached("amq.topic", "a.b")
    assert place.vhost.epoch == epoch


NAMES = st.sampled_from(["a", "b", "c", "d"])
KEYS = st.sampled_from(["x", "y"])


class TopologyMachine(RuleBasedStateMachine):
    """Exchanges and bindings come and go beside a plain set of (source, target, key).

    Invariant under test: a routing remembered with its epoch is right as long as the epoch is.
    """

    @initialize()
    def begin(self) -> None:
        self.place = Place()
        self.bindings: set[tuple[str, str, str]] = set()
        self.auto_delete: dict[str, bool] = {}
        self.remembered: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.queues: set[str] = set()

    @rule(name=NAMES, auto_delete=st.booleans())
    def declare_exchange(self, name: str, auto_delete: bool) -> None:
        flag = self.auto_delete.setdefault(name, auto_delete)
        self.place.e(name, "direct", auto_delete=flag)

    @rule(name=st.sampled_from(["q1", "q2"]))
    def declare_queue(self, name: str) -> None:
        self.place.q(name)
        self.queues.add(name)

    @precondition(lambda self: self.auto_delete)
    @rule(data=st.data(), key=KEYS)
    def bind(self, data: st.DataObject, key: str) -> None:
        source = data.draw(st.sampled_from(sorted(self.auto_delete)))
        sink = data.draw(st.sampled_from(sorted({*self.auto_delete, *self.queues})))
        self.place.bind(source, sink, key)
        self.bindings.add((source, sink, key))

    @precondition(lambda self: self.bindings)
    @rule(data=st.data())
    def unbind(self, data: st.DataObject) -> None:
        binding = data.draw(st.sampled_from(sorted(self.bindings)))
        self.place.unbind(*binding)
        self.forget({binding})

    @precondition(lambda self: self.queues)
    @rule(data=st.data())
    def delete_queue(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.queues)))
        self.place.vhost.delete_queue(self.place.vhost.queues[name], False, False)
        self.queues.remove(name)
        self.forget({b for b in self.bindings if b[1] == name})

    @precondition(lambda self: self.auto_delete)
    @rule(data=st.data())
    def delete_exchange(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.auto_delete)))
        self.place.vhost.delete_exchange(self.place.vhost.exchanges[name], False)
        del self.auto_delete[name]
        self.bindings = {b for b in self.bindings if b[0] != name}
        self.forget({b for b in self.bindings if b[1] == name})

    def forget(self, gone: set[tuple[str, str, str]]) -> None:
        """Bindings are gone; so is each auto-delete source that has none any more."""
        while gone:
            self.bindings -= gone
            left = {source for source, _, _ in self.bindings}
            dead = {s for s, _, _ in gone if self.auto_delete.get(s) and s not in left}
            for name in dead:
                del self.auto_delete[name]
            gone = {b for b in self.bindings if b[1] in dead}

    def expected(self, source: str, key: str) -> list[str]:
        seen, work = {source}, [source]
        while work:
            current = work.pop()
            new = {t for s, t, k in self.bindings if s == current and k == key} - seen
            seen |= new
            work += new
        return sorted(seen & self.queues)

    @invariant()
    def every_exchange_is_as_expected(self) -> None:
        names = set(self.place.vhost.exchanges)
        assert {n for n in names if n and n[:4] != "amq."} == set(self.auto_delete)

    @invariant()
    def every_message_goes_where_it_should(self) -> None:
        for source in self.auto_delete:
            for key in "xy":
                assert self.place.reached(source, key) == self.expected(source, key)

    @invariant()
    def what_is_remembered_is_right_while_the_epoch_is(self) -> None:
        epoch = self.place.vhost.epoch
        current = {(s, k): self.expected(s, k) for s in self.auto_delete for k in "xy"}
        for at, (then, queues) in self.remembered.items():
            assert then != epoch or current.get(at) == queues
        self.remembered = {at: (epoch, queues) for at, queues in current.items()}


TestTopology = TopologyMachine.TestCase
TestTopology.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
