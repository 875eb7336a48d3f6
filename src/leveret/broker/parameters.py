"""Runtime parameters: values that parts of the broker are configured with while it runs.

A component, such as a shovel, registers itself and is told of its parameters.  Values are what
JSON can say.  Behaviour: RabbitMQ 4.3, "Runtime Parameters", and its refusals' texts.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.facts import INTERNAL
from leveret.broker.limits import COMPONENT, Limits
from leveret.broker.policy_keys import invalid
from leveret.errors import NotFound
from leveret.events import Events
from leveret.terms import term


@mypyc_attr(allow_interpreted_subclasses=True)
class Component(ABC):
    """Whoever has parameters."""

    @abstractmethod
    def check(self, vhost: str, name: str, value: object) -> None:
        """Refuse a bad value.  Raises Invalid; ``policy_keys.invalid`` words it."""

    @abstractmethod
    def set(self, vhost: str, name: str, value: object) -> None:
        """The parameter ``name`` has ``value`` now, which was checked."""

    @abstractmethod
    def deleted(self, vhost: str, name: str) -> None:
        """There is no parameter ``name`` any more."""


@final
class Components:
    """The components of a node by name, and of how many parameters each may have at most."""

    def __init__(self) -> None:
        self.by_name: Final[dict[str, Component]] = {}
        self.limits: Final[dict[str, int]] = {}
        self.counts: Final[dict[str, int]] = {}

    def add(self, name: str, component: Component) -> None:
        """Let parameters of ``component`` be set."""
        self.by_name[name] = component


@final
class Parameter:
    """One value, and for what."""

    def __init__(self, component: str, name: str, value: object) -> None:
        self.component: Final = component
        self.name: Final = name
        self.value: Final = value


@final
class Parameters:
    """Those of one vhost.  The limits of the vhost can be set here too, as in RabbitMQ."""

    def __init__(self, vhost: str, components: Components, limits: Limits, events: Events) -> None:
        self._vhost: Final = vhost
        self._components: Final = components
        self._limits: Final = limits
        self._events: Final = events
        self._by_name: Final[dict[tuple[str, str], Parameter]] = {}

    def __iter__(self) -> Iterator[Parameter]:
        return iter(list(self._by_name.values()))

    def get(self, component: str, name: str) -> Parameter | None:
        """The parameter called ``name`` of ``component``, if there is one."""
        return self._by_name.get((component, name))

    def set(self, component: str, name: str, value: object, by: str = INTERNAL) -> None:
        """Let the parameter have ``value``.  Raises Invalid."""
        if component == COMPONENT:
            self._set_limits(value, by)
            return
        known = self._components.by_name.get(component)
        if known is None:
            raise invalid(f"component {component} not found")
        known.check(self._vhost, name, value)
        before = self._by_name.get((component, name))
        if before is None:
            self._count(component)
        elif before.value == value:
            return
        self._by_name[(component, name)] = Parameter(component, name, value)
        known.set(self._vhost, name, value)
        if self._events.is_heard:
            facts: dict[str, object] = {"vhost": self._vhost, "component": component}
            more: dict[str, object] = {"value": value, "user_who_performed_action": by}
            self._events.tell("parameter.set", facts | {"name": name} | more)

    def _set_limits(self, value: object, by: str) -> None:
        if not isinstance(value, dict):
            raise invalid(f"{COMPONENT} should be a dictionary, actually was {term(value)}")
        self._limits.replace(value, by)

    def _count(self, component: str) -> None:
        count = self._components.counts.get(component, 0)
        limit = self._components.limits.get(component, -1)
        if 0 <= limit <= count:
            raise invalid(f"component {component} is limited to {limit} per node")
        self._components.counts[component] = count + 1

    def delete(self, component: str, name: str, by: str = INTERNAL) -> None:
        """Forget the parameter.  Raises NotFound."""
        if component == COMPONENT:
            self._limits.clear(by)
            return
        if self._by_name.pop((component, name), None) is None:
            raise NotFound(f"no parameter '{name}' of '{component}' in vhost '{self._vhost}'")
        self._components.counts[component] -= 1
        self._components.by_name[component].deleted(self._vhost, name)
        if self._events.is_heard:
            facts: dict[str, object] = {"vhost": self._vhost, "component": component}
            more: dict[str, object] = {"name": name, "user_who_performed_action": by}
            self._events.tell("parameter.cleared", facts | more)

    def clear(self, by: str = INTERNAL) -> None:
        """Forget them all: the vhost goes."""
        for parameter in self:
            self.delete(parameter.component, parameter.name, by)


@final
class GlobalParameters:
    """Values for the whole node, by name.  Anybody may keep anything here."""

    def __init__(self, events: Events) -> None:
        self._events: Final = events
        self.values: Final[dict[str, object]] = {}

    def set(self, name: str, value: object, by: str = INTERNAL) -> None:
        """Let the parameter have ``value``."""
        self.values[name] = value
        if self._events.is_heard:
            facts: dict[str, object] = {"component": "global", "name": name, "value": value}
            facts["user_who_performed_action"] = by
            self._events.tell("parameter.set", facts)

    def delete(self, name: str, by: str = INTERNAL) -> None:
        """Forget the parameter.  Raises NotFound."""
        if name not in self.values:
            raise NotFound(f"no global parameter '{name}'")
        del self.values[name]
        if self._events.is_heard:
            facts: dict[str, object] = {"component": "global", "name": name}
            facts["user_who_performed_action"] = by
            self._events.tell("parameter.cleared", facts)
