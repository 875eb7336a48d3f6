"""leveret.broker.policies and leveret.broker.policy, at a vhost"""

from typing import Any

import pytest
from tests import wire
from tests.fakes import FakeClock, FakeRandom, message
from tests.listening import Notes

from leveret.broker.policies import checked_policy
from leveret.broker.queue import Queue
from leveret.broker.timetable import Timetable
from leveret.broker.vhost import VHost
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import Invalid, NotFound
from leveret.events import Events
from leveret.tables import read_table


class Place:
    """A vhost whose events are written down."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events = Events()
        self.notes = Notes()
        self.events.listen(self.notes)
        self.timetable = Timetable()
        self.vhost = VHost("/", FakeRandom(), self.clock, self.timetable, self.events)

    def queue(self, name: str, durable: bool = False, **arguments: Any) -> Queue:
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        table = read_table(wire.encode_table(named), 0)[0]
        return self.vhost.declare_queue(QueueWish(name, durable, False, 0, table), 1)

    def exchange(self, name: str, **arguments: Any) -> None:
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        table = read_table(wire.encode_table(named), 0)[0]
        self.vhost.declare_exchange(ExchangeWish(name, "direct", False, False, False, table))

    def set(self, name: str, pattern: str, priority: int = 0, to: str = "all", **d: Any) -> None:
        definition = {key.replace("_", "-"): value for key, value in d.items()}
        self.vhost.policies.set(name, pattern, definition, priority, to)

    def set_operators(self, name: str, pattern: str, **d: Any) -> None:
        definition = {key.replace("_", "-"): value for key, value in d.items()}
        self.vhost.operator_policies.set(name, pattern, definition)

    def alternate(self, name: str) -> str:
        return self.vhost.exchange(name).alternate


@pytest.fixture
def place() -> Place:
    return Place()


def ruled(queue: Queue) -> tuple[str, str]:
    return (
        queue.policy.name if queue.policy is not None else "",
        queue.operator_policy.name if queue.operator_policy is not None else "",
    )


# --- selection ---------------------------------------------------------------------------------


def test_a_policy_rules_the_queues_that_it_matches(place: Place) -> None:
    mine, other = place.queue("a.mine"), place.queue("b")
    place.set("p", "mine$", max_length=2)
    assert (ruled(mine), mine.effective_policy) == (("p", ""), {"max-length": 2})
    assert (ruled(other), other.effective_policy) == (("", ""), {})


def test_a_new_queue_is_ruled_at_once(place: Place) -> None:
    place.set("p", "^q", max_length=2)
    queue = place.queue("q")
    for _ in range(3):
        queue.publish(message())
    assert queue.ready_count == 2


def test_the_highest_priority_counts_whatever_came_first(place: Place) -> None:
    place.set("high", "", 5, max_length=1)
    place.set("low", "", -5, max_length=2)
    place.set("middle", "", 0, max_length=3, message_ttl=9)
    queue = place.queue("q")
    assert (ruled(queue), queue.effective_policy) == (("high", ""), {"max-length": 1})
    place.vhost.policies.delete("high")
    assert ruled(queue) == ("middle", "")
    place.vhost.policies.delete("middle")
    assert ruled(queue) == ("low", "")
    place.vhost.policies.delete("low")
    assert (ruled(queue), queue.effective_policy) == (("", ""), {})


def test_of_equals_one_counts_always_the_same(place: Place) -> None:
    place.set("b", "", max_length=1)
    place.set("a", "", max_length=2)
    assert ruled(place.queue("q")) == ("a", "")


def test_a_policy_with_a_key_that_the_type_lacks_is_passed_over(place: Place) -> None:
    place.set("quorum", "", 9, delivery_limit=3)
    place.set("any", "", 1, max_length=3)
    assert ruled(place.queue("c")) == ("any", "")
    assert ruled(place.queue("q", durable=True, x_queue_type="quorum")) == ("quorum", "")


@pytest.mark.parametrize(
    ("scope", "ruled_ones"),
    [
        ("all", {"c", "q", "x"}),
        ("queues", {"c", "q"}),
        ("exchanges", {"x"}),
        ("classic_queues", {"c"}),
        ("quorum_queues", {"q"}),
        ("streams", set()),
        ("qos0_queues", set()),
    ],
)
def test_what_a_policy_is_for(place: Place, scope: str, ruled_ones: set[str]) -> None:
    classic = place.queue("c")
    quorum = place.queue("q", durable=True, x_queue_type="quorum")
    place.exchange("x")
    place.set("p", "", to=scope, max_length=1)
    things = [classic, quorum, place.vhost.exchange("x")]
    assert {thing.name for thing in things if thing.policy is not None} == ruled_ones


def test_a_policy_set_again_replaces_the_first(place: Place) -> None:
    queue = place.queue("q")
    place.set("p", "", max_length=1)
    place.set("p", "other", max_length=1)
    assert ruled(queue) == ("", "")
    assert len(place.vhost.policies) == 1
    found = place.vhost.policies.get("p")
    assert found is not None
    assert found.pattern == "other"


def test_a_definition_is_kept_as_it_was(place: Place) -> None:
    definition: dict[str, object] = {"max-length": 1}
    place.vhost.policies.set("p", "", definition)
    definition["max-length"] = 2
    assert [policy.definition for policy in place.vhost.policies] == [{"max-length": 1}]


# --- operators ---------------------------------------------------------------------------------


def test_operators_bound_what_users_set(place: Place) -> None:
    queue = place.queue("q")
    place.set("p", "", max_length=5, message_ttl=100)
    place.set_operators("o", "", max_length=3)
    assert ruled(queue) == ("p", "o")
    assert queue.effective_policy == {"max-length": 3, "message-ttl": 100}
    place.vhost.policies.delete("p")
    assert (ruled(queue), queue.effective_policy) == (("", "o"), {"max-length": 3})
    place.vhost.operator_policies.delete("o")
    assert queue.effective_policy == {}


# --- what they do ------------------------------------------------------------------------------


def test_a_living_queue_drops_what_is_too_many_at_once(place: Place) -> None:
    queue, grave = place.queue("q"), place.queue("grave")
    for number in range(5):
        queue.publish(message(b"%d" % number))
    definition: dict[str, object] = {
        "max-length": 2,
        "dead-letter-exchange": "",
        "dead-letter-routing-key": "grave",
    }
    place.vhost.policies.set("p", "^q$", definition)
    assert queue.ready_count == 2
    assert grave.ready_count == 3


def test_a_ttl_holds_for_what_comes_from_now_on(place: Place) -> None:
    queue = place.queue("q")
    place.set("p", "", message_ttl=1000)
    queue.publish(message())
    place.clock.pass_s(1.5)
    place.timetable.run(place.clock.now_ns())
    assert queue.ready_count == 0
    place.vhost.policies.delete("p")
    queue.publish(message())
    place.clock.pass_s(10)
    place.timetable.run(place.clock.now_ns())
    assert queue.ready_count == 1


def test_an_idle_queue_is_deleted_when_the_policy_says_so(place: Place) -> None:
    place.queue("q")
    place.set("p", "", expires=1000)
    place.clock.pass_s(2)
    place.timetable.run(place.clock.now_ns())
    assert place.vhost.queues == {}


def test_an_alternate_exchange_comes_and_goes_with_the_policy(place: Place) -> None:
    place.exchange("x")
    epoch = place.vhost.epoch
    place.set("p", "^x$", alternate_exchange="amq.fanout")
    assert place.alternate("x") == "amq.fanout"
    assert place.vhost.epoch > epoch
    epoch = place.vhost.epoch
    place.vhost.policies.delete("p")
    assert place.alternate("x") == ""
    assert place.vhost.epoch > epoch


def test_the_argument_beats_the_policy_at_an_exchange(place: Place) -> None:
    place.set("p", "^x", alternate_exchange="amq.fanout")
    place.exchange("x", alternate_exchange="amq.topic")
    place.exchange("xx")
    assert (place.alternate("x"), place.alternate("xx")) == ("amq.topic", "amq.fanout")
    place.vhost.policies.delete("p")
    assert (place.alternate("x"), place.alternate("xx")) == ("amq.topic", "")


def test_a_policy_that_changes_nothing_for_an_exchange_costs_no_routes(place: Place) -> None:
    place.set("p", "^x", alternate_exchange="amq.fanout")
    epoch = place.vhost.epoch
    place.set("q", "nowhere", alternate_exchange="amq.fanout")
    assert place.vhost.epoch == epoch


# --- refusals ----------------------------------------------------------------------------------


def test_a_policy_that_is_wrong_changes_nothing(place: Place) -> None:
    queue = place.queue("q")
    place.set("p", "", max_length=1)
    for pattern, scope, definition in (
        ("(", "all", {"max-length": 1}),
        ("", "nothing", {"max-length": 1}),
        ("", "all", {"max-length": -1}),
    ):
        with pytest.raises(Invalid):
            place.vhost.policies.set("p", pattern, dict(definition), 0, scope)
    assert queue.effective_policy == {"max-length": 1}


@pytest.mark.parametrize(
    ("pattern", "scope", "text"),
    [
        ("(", "all", "pattern should be regular expression but is invalid: "),
        (
            "",
            "foo",
            "apply-to 'foo' unrecognised; should be one of: 'queues', 'classic_queues',  "
            "'quorum_queues', 'streams', 'exchanges', or 'all'\n",
        ),
    ],
)
def test_what_a_refusal_says(place: Place, pattern: str, scope: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        place.vhost.policies.set("p", pattern, {"max-length": 1}, 0, scope)
    assert refused.value.detail.startswith("Validation failed\n\n" + text)


def test_what_is_not_there_cannot_be_deleted(place: Place) -> None:
    with pytest.raises(NotFound, match="no policy 'p' in vhost '/'"):
        place.vhost.policies.delete("p")
    with pytest.raises(NotFound):
        place.vhost.operator_policies.delete("p")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"pattern": ""}, 'Key "definition" not found in p'),
        ({"definition": {}}, 'Key "pattern" not found in p'),
        ({"pattern": 1, "definition": {}}, "pattern should be a binary but was 1"),
        ({"pattern": "", "definition": 1}, "definition must be a dictionary: 1"),
        (
            {"pattern": "", "definition": {}, "priority": "x"},
            'priority should be a number, actually was <<"x">>',
        ),
        (
            {"pattern": "", "definition": {}, "apply-to": 1},
            "apply-to should be binary, actually was 1",
        ),
    ],
)
def test_what_json_may_not_say(value: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_policy(value, "p")
    assert refused.value.detail == f"Validation failed\n\n{text}\n"


def test_what_json_need_not_say() -> None:
    definition = {"max-length": 1}
    value: dict[str, object] = {"pattern": "^q", "definition": definition}
    assert checked_policy(value, "p") == ("^q", definition, 0, "all")


# --- events ------------------------------------------------------------------------------------


def test_what_is_told_of_policies(place: Place) -> None:
    place.queue("q")
    place.queue("other")
    place.notes.clear()
    place.set("p", "^q", 1, max_length=3)
    rule = {
        "pattern": "^q",
        "definition": {"max-length": 3},
        "priority": 1,
        "apply-to": "all",
        "user_who_performed_action": "rmq-internal",
    }
    queue = {"vhost": "/", "name": "q", "type": "rabbit_classic_queue"}
    assert place.notes.take() == [
        ("queue.policy.updated", queue | rule),
        ("policy.set", {"vhost": "/", "name": "p"} | rule),
    ]
    place.vhost.policies.delete("p", "me")
    me = {"user_who_performed_action": "me"}
    assert place.notes.take() == [
        ("queue.policy.cleared", queue | me),
        ("policy.cleared", {"vhost": "/", "name": "p"} | me),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, False),
        ({"pattern": "^"}, True),
        ({"priority": 2}, True),
        ({"to": "queues"}, True),
        ({"max_length": 4}, True),
    ],
)
def test_a_policy_set_again_is_told_if_it_is_another(
    place: Place, change: dict[str, Any], told: bool
) -> None:
    place.queue("q")
    values: dict[str, Any] = {"pattern": "^q", "priority": 1, "to": "all", "max_length": 3}
    place.set("p", **values)
    place.notes.clear()
    place.set("p", **values | change)
    names = [name for name, _ in place.notes.take()]
    assert names == (["queue.policy.updated", "policy.set"] if told else [])


def test_what_is_told_of_policies_of_operators(place: Place) -> None:
    place.queue("q")
    place.notes.clear()
    place.set_operators("o", "", max_length=3)
    place.vhost.operator_policies.delete("o")
    assert [name for name, _ in place.notes.take()] == [
        "parameter.set",
        "queue.policy.updated",
        "policy.set",
        "parameter.cleared",
        "queue.policy.cleared",
        "operator.policy.cleared",
    ]
