"""leveret.broker.alarms: what runs low, who is told, who is held."""

import pytest

from leveret.auth.rights import Waiter
from leveret.broker.alarms import DISK, MEMORY, Alarms
from leveret.events import Event, Events, Listener


class Heard(Listener):
    """Writes down the alarms it is told of."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, object]]] = []

    def on_event(self, event: Event) -> None:
        self.events.append((event.name, event.facts))


class Publisher(Waiter):
    """Counts how often it was let go."""

    def __init__(self) -> None:
        super().__init__()
        self.went_on = 0

    def go_on(self) -> None:
        self.went_on += 1


def made() -> tuple[Alarms, Heard]:
    events = Events()
    heard = Heard()
    events.listen(heard)
    return Alarms(events, "here"), heard


def test_the_reason_names_what_runs_low_as_rabbitmq_does() -> None:
    alarms, _ = made()
    alarms.set("a", MEMORY)
    assert alarms.reason == "low on memory"
    alarms.set("b", DISK)
    assert alarms.reason == "low on disk & memory"
    alarms.clear("a")
    assert alarms.reason == "low on disk"


def test_an_alarm_is_set_until_its_last_cause_is_gone() -> None:
    alarms, heard = made()
    assert not alarms.is_set
    alarms.set("nearly full", DISK)
    alarms.set("full", DISK)
    alarms.set("full", DISK)
    assert alarms.has("full") and not alarms.has("high")
    alarms.clear("nearly full")
    assert (alarms.is_set, alarms.resources, alarms.causes) == (True, [DISK], ["full"])
    alarms.clear("full")
    alarms.clear("full")
    assert (alarms.is_set, alarms.resources) == (False, [])
    facts = {"node": "here", "source": "disk"}
    assert heard.events == [("alarm.set", facts), ("alarm.cleared", facts)]


def test_who_is_held_goes_on_when_nothing_runs_low_any_more_and_once() -> None:
    alarms, _ = made()
    alarms.set("a", MEMORY)
    alarms.set("b", DISK)
    held, gone = Publisher(), Publisher()
    alarms.hold(held)
    alarms.hold(gone)
    assert alarms.held_count == 2
    alarms.forget(gone)
    alarms.forget(gone)
    alarms.clear("a")
    assert held.went_on == 0
    alarms.clear("b")
    assert (held.went_on, gone.went_on, alarms.held_count) == (1, 0, 0)
    alarms.set("a", MEMORY)
    alarms.clear("a")
    assert held.went_on == 1


def test_nobody_is_held_for_nothing() -> None:
    alarms, _ = made()
    with pytest.raises(AssertionError):
        alarms.hold(Publisher())
