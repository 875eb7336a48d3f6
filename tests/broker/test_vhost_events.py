"""leveret.broker.vhost and leveret.broker.facts: what is told of what comes and goes"""

import pytest
from tests import wire
from tests.fakes import FakeClock, FakeConsumer, FakeRandom
from tests.listening import Notes

from leveret.broker.limits import Totals
from leveret.broker.timetable import Timetable
from leveret.broker.topic import TopicExchange
from leveret.broker.vhost import VHost
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import PreconditionFailed
from leveret.events import Events
from leveret.tables import Table, read_table

NOTHING: Table = {}


class Place:
    """A vhost called v, with what is told of it from when it stands."""

    def __init__(self, totals: Totals | None = None) -> None:
        events, self.notes = Events(), Notes()
        self.vhost = VHost("v", FakeRandom(), FakeClock(), Timetable(), events, None, totals)
        events.listen(self.notes)

    def told(self) -> list[tuple[str, str, str]]:
        """Of each event: what, of what, by whom."""
        return [
            (name, f.get("name", f.get("destination_name", "")), f["user_who_performed_action"])
            for name, f in self.notes.take()
        ]

    def queue(self, name: str = "q", owner_id: int = 0, auto_delete: bool = False) -> None:
        wish = QueueWish(name, False, auto_delete, owner_id, NOTHING)
        self.vhost.declare_queue(wish, owner_id, "me")

    def exchange(self, name: str = "x", auto_delete: bool = False) -> None:
        wish = ExchangeWish(name, "fanout", False, auto_delete, False, NOTHING)
        self.vhost.declare_exchange(wish, "me")

    def bind(self, source: str, queue: str = "", exchange: str = "") -> None:
        vhost = self.vhost
        self.vhost.bind(
            vhost.exchange(source),
            vhost.queue(queue, 0) if queue else None,
            vhost.exchange(exchange) if exchange else None,
            "k",
            NOTHING,
            "me",
        )


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_queue_is_told_with_its_arguments(place: Place) -> None:
    arguments = read_table(wire.encode_table({"x-max-length": wire.Typed("I", 5)}), 0)[0]
    place.vhost.declare_queue(QueueWish("q", True, False, 0, arguments), 0, "me")
    ((name, facts),) = place.notes.take()
    shown = facts.pop("arguments")
    assert '{<<"x-max-length">>,signedint,5}' in shown
    assert name == "queue.created"
    assert facts == {
        "vhost": "v",
        "name": "q",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "owner_pid": "",
        "user_who_performed_action": "me",
    }


def test_an_exchange_is_told_with_its_policy(place: Place) -> None:
    place.vhost.policies.set("p", "^x", {"alternate-exchange": "amq.fanout"})
    place.notes.clear()
    place.exchange()
    assert place.notes.take() == [
        (
            "exchange.created",
            {
                "vhost": "v",
                "name": "x",
                "type": "fanout",
                "durable": False,
                "auto_delete": False,
                "internal": False,
                "arguments": [],
                "policy": "p",
                "user_who_performed_action": "me",
            },
        )
    ]


def test_what_is_there_already_is_not_told_again(place: Place) -> None:
    place.queue()
    place.exchange()
    place.bind("x", "q")
    place.notes.clear()
    place.queue()
    place.exchange()
    place.bind("x", "q")
    assert place.told() == []


def test_a_binding_is_told(place: Place) -> None:
    place.queue()
    place.notes.clear()
    place.bind("amq.fanout", "q")
    facts = {
        "source_name": "amq.fanout",
        "source_kind": "exchange",
        "destination_name": "q",
        "destination_kind": "queue",
        "routing_key": "k",
        "arguments": [],
        "vhost": "v",
        "user_who_performed_action": "me",
    }
    assert place.notes.take() == [("binding.created", facts)]
    vhost = place.vhost
    vhost.unbind(vhost.exchange("amq.fanout"), vhost.queue("q", 0), None, "k", NOTHING, "me")
    assert place.notes.take() == [("binding.deleted", facts)]


def test_what_goes_with_a_queue(place: Place) -> None:
    place.exchange("x", auto_delete=True)
    place.queue()
    place.bind("x", "q")
    place.notes.clear()
    place.vhost.delete_queue(place.vhost.queue("q", 0), False, False, "me")
    assert place.told() == [
        ("binding.deleted", "q", "rmq-internal"),
        ("exchange.deleted", "x", "rmq-internal"),
        ("queue.deleted", "q", "me"),
    ]


def test_what_goes_with_an_exchange(place: Place) -> None:
    place.exchange("before", auto_delete=True)
    place.exchange("x")
    place.queue()
    place.bind("before", exchange="x")
    place.bind("x", "q")
    place.notes.clear()
    place.vhost.delete_exchange(place.vhost.exchange("x"), False, "me")
    assert place.told() == [
        ("binding.deleted", "q", "me"),
        ("binding.deleted", "x", "me"),
        ("exchange.deleted", "x", "me"),
        ("exchange.deleted", "before", "me"),
    ]


def test_what_nobody_asked_for(place: Place) -> None:
    place.queue("mine", owner_id=7)
    place.queue("last", auto_delete=True)
    consumer = FakeConsumer()
    place.vhost.consume(place.vhost.queue("last", 0), consumer)
    place.notes.clear()
    place.vhost.cancel(place.vhost.queue("last", 0), consumer)
    place.vhost.connection_lost(7)
    assert place.told() == [
        ("queue.deleted", "last", "rmq-internal"),
        ("queue.deleted", "mine", "rmq-internal"),
    ]


# --- what there is -----------------------------------------------------------------------------


def test_every_binding_that_somebody_made_is_listed(place: Place) -> None:
    place.exchange()
    place.queue()
    place.bind("x", "q")
    place.bind("amq.fanout", exchange="x")
    listed = {
        (one.source.name, one.queue is not None, one.routing_key) for one in place.vhost.bindings()
    }
    assert listed == {("x", True, "k"), ("amq.fanout", False, "k")}
    place.vhost.delete_exchange(place.vhost.exchange("x"), False)
    assert list(place.vhost.bindings()) == []


def test_the_node_counts_queues_and_exchanges() -> None:
    totals = Totals(2, 9)
    place = Place(totals)
    assert (totals.queue_count, totals.exchange_count) == (0, 7)
    for name in ("a", "b"):
        place.queue(name)
        place.exchange(name)
    place.queue("a")
    with pytest.raises(PreconditionFailed, match=r"queue limit in cluster \(2\) is reached"):
        place.queue("c")
    with pytest.raises(PreconditionFailed, match="exchange limit of 9 is reached"):
        place.exchange("c")
    place.vhost.delete_queue(place.vhost.queue("a", 0), False, False)
    place.vhost.delete_exchange(place.vhost.exchange("a"), False)
    place.queue("c")
    place.exchange("c")
    assert (totals.queue_count, totals.exchange_count) == (2, 9)


def test_a_queue_too_many_is_not_there(place: Place) -> None:
    place.vhost.limits.set("max-queues", 1)
    place.queue("a")
    with pytest.raises(PreconditionFailed, match=r"queue limit in vhost 'v' \(1\) is reached"):
        place.queue("b")
    with pytest.raises(PreconditionFailed, match=r"cannot declare queue 'amq\.gen-"):
        place.vhost.declare_anonymous_queue(QueueWish("", False, False, 7, NOTHING))
    place.queue("a")
    assert list(place.vhost.queues) == ["a"]


def test_what_the_broker_installs_counts_too() -> None:
    totals = Totals()
    place = Place(totals)
    wish = ExchangeWish("installed", "topic", True, False, True, NOTHING)
    place.vhost.install(TopicExchange(wish))
    assert totals.exchange_count == 8
    place.vhost.close()
    assert (totals.exchange_count, totals.queue_count) == (0, 0)
