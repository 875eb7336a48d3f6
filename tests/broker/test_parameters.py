"""leveret.broker.parameters"""

import pytest
from tests.listening import Notes

from leveret.broker.limits import Limits
from leveret.broker.parameters import Component, Components, GlobalParameters, Parameters
from leveret.broker.policy_keys import invalid
from leveret.errors import Invalid, NotFound
from leveret.events import Events


class Shovel(Component):
    """Writes down what it is told; takes text only."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[object, ...]] = []

    def check(self, vhost: str, name: str, value: object) -> None:
        if not isinstance(value, str):
            raise invalid("not a text")

    def set(self, vhost: str, name: str, value: object) -> None:
        self.told.append(("set", vhost, name, value))

    def deleted(self, vhost: str, name: str) -> None:
        self.told.append(("deleted", vhost, name))


class Place:
    """The parameters of one vhost, and a shovel that has some."""

    def __init__(self) -> None:
        self.events = Events()
        self.notes = Notes()
        self.events.listen(self.notes)
        self.components = Components()
        self.shovel = Shovel()
        self.components.add("shovel", self.shovel)
        self.limits = Limits("v", self.events)
        self.parameters = self.other("v")

    def other(self, vhost: str) -> Parameters:
        return Parameters(vhost, self.components, self.limits, self.events)

    def listed(self) -> list[tuple[str, str, object]]:
        return [(one.component, one.name, one.value) for one in self.parameters]


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_component_hears_of_its_parameters(place: Place) -> None:
    place.parameters.set("shovel", "a", "1")
    place.parameters.set("shovel", "a", "2")
    place.parameters.set("shovel", "a", "2")
    assert place.listed() == [("shovel", "a", "2")]
    place.parameters.delete("shovel", "a")
    assert place.listed() == []
    assert place.shovel.told == [
        ("set", "v", "a", "1"),
        ("set", "v", "a", "2"),
        ("deleted", "v", "a"),
    ]


def test_what_nobody_knows_is_refused(place: Place) -> None:
    with pytest.raises(Invalid) as refused:
        place.parameters.set("foo", "a", 1)
    assert refused.value.detail == "Validation failed\n\ncomponent foo not found\n"


def test_what_the_component_refuses_is_not_kept(place: Place) -> None:
    with pytest.raises(Invalid, match="not a text"):
        place.parameters.set("shovel", "a", 1)
    assert (place.listed(), place.shovel.told) == ([], [])


def test_a_component_may_have_so_many_parameters_in_all_vhosts(place: Place) -> None:
    place.components.limits["shovel"] = 2
    elsewhere = place.other("w")
    place.parameters.set("shovel", "a", "1")
    elsewhere.set("shovel", "a", "1")
    place.parameters.set("shovel", "a", "2")
    with pytest.raises(Invalid) as refused:
        place.parameters.set("shovel", "b", "1")
    text = "Validation failed\n\ncomponent shovel is limited to 2 per node\n"
    assert refused.value.detail == text
    elsewhere.delete("shovel", "a")
    place.parameters.set("shovel", "b", "1")


def test_the_limits_of_the_vhost_are_a_parameter(place: Place) -> None:
    place.parameters.set("vhost-limits", "limits", {"max-queues": 3})
    assert place.limits.values == {"max-queues": 3}
    with pytest.raises(Invalid, match="should be a dictionary, actually was 3"):
        place.parameters.set("vhost-limits", "limits", 3)
    place.parameters.delete("vhost-limits", "limits")
    assert place.limits.values == {}


def test_what_is_not_there_cannot_be_deleted(place: Place) -> None:
    with pytest.raises(NotFound):
        place.parameters.delete("shovel", "a")
    with pytest.raises(NotFound):
        GlobalParameters(place.events).delete("a")


def test_a_vhost_that_goes_leaves_no_parameters(place: Place) -> None:
    place.parameters.set("shovel", "a", "1")
    place.parameters.set("shovel", "b", "1")
    place.parameters.clear()
    assert place.listed() == []
    assert place.shovel.told[-2:] == [("deleted", "v", "a"), ("deleted", "v", "b")]
    found = place.parameters.get("shovel", "a")
    assert found is None


def test_what_is_told(place: Place) -> None:
    place.parameters.set("shovel", "a", "1", "me")
    place.parameters.delete("shovel", "a", "me")
    facts = {"vhost": "v", "component": "shovel", "name": "a", "user_who_performed_action": "me"}
    assert place.notes.take() == [
        ("parameter.set", facts | {"value": "1"}),
        ("parameter.cleared", facts),
    ]


def test_global_parameters_may_be_anything(place: Place) -> None:
    parameters = GlobalParameters(place.events)
    parameters.set("a", {"b": [1, None]}, "me")
    assert parameters.values == {"a": {"b": [1, None]}}
    parameters.delete("a", "me")
    assert parameters.values == {}
    facts = {"component": "global", "name": "a", "user_who_performed_action": "me"}
    assert place.notes.take() == [
        ("parameter.set", facts | {"value": {"b": [1, None]}}),
        ("parameter.cleared", facts),
    ]
