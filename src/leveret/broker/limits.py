"""How many connections and queues a vhost may have.

Whoever opens or declares one more asks here first; the limits count nothing themselves.
Behaviour: RabbitMQ 4.3, "Virtual Hosts", "Limits", and its refusals' texts.
"""

from typing import Final, final

from leveret.broker.facts import INTERNAL
from leveret.broker.policy_keys import invalid
from leveret.errors import LimitReached, PreconditionFailed
from leveret.events import Events
from leveret.terms import term

# As in settings: no limit.
UNLIMITED: Final = -1
MAX_CONNECTIONS: Final = "max-connections"
MAX_QUEUES: Final = "max-queues"
COMPONENT: Final = "vhost-limits"
# RabbitMQ keeps them as one parameter of this name.
NAME: Final = "limits"


@final
class Limits:
    """Those of one vhost.  0 allows nothing; a negative number, or no entry, sets no limit."""

    def __init__(self, vhost: str, events: Events) -> None:
        self._vhost: Final = vhost
        self._events: Final = events
        self.values: Final[dict[str, int]] = {}

    def set(self, name: str, value: object, by: str = INTERNAL) -> None:
        """Set one of the two.  Raises Invalid."""
        self._keep(self.values | _checked({name: value}), by)

    def replace(self, values: dict[str, object], by: str = INTERNAL) -> None:
        """Set those in ``values`` and no others.  Raises Invalid."""
        self._keep(_checked(values), by)

    def delete(self, name: str, by: str = INTERNAL) -> None:
        """Set no limit any more; it is no error when there was none."""
        self._keep({key: value for key, value in self.values.items() if key != name}, by)

    def clear(self, by: str = INTERNAL) -> None:
        """Set no limits at all."""
        if not self.values:
            return
        self.values.clear()
        if self._events.is_heard:
            facts: dict[str, object] = {"name": NAME, "user_who_performed_action": by}
            where: dict[str, object] = {"vhost": self._vhost, "component": COMPONENT}
            self._events.tell("parameter.cleared", where | facts)
            self._events.tell("vhost.limits.cleared", facts)

    def _keep(self, wanted: dict[str, int], by: str) -> None:
        if wanted == self.values:
            return
        self.values.clear()
        self.values.update(wanted)
        if not self._events.is_heard:
            return
        values: dict[str, object] = dict(self.values)
        facts: dict[str, object] = {"name": NAME, "user_who_performed_action": by}
        where: dict[str, object] = {"vhost": self._vhost, "component": COMPONENT}
        self._events.tell("parameter.set", where | {"value": values} | facts)
        self._events.tell("vhost.limits.set", facts | values)

    def check_queues(self, name: str, count: int) -> None:
        """Refuse the new queue ``name`` where ``count`` are enough.  Raises PreconditionFailed."""
        limit = self.values.get(MAX_QUEUES, -1)
        if 0 <= limit <= count:
            raise PreconditionFailed(
                f"cannot declare queue '{name}': queue limit in vhost '{self._vhost}' "
                f"({limit}) is reached"
            )

    def check_connections(self, count: int, user: str) -> None:
        """Refuse one more connection where ``count`` are enough.  Raises LimitReached."""
        limit = self.values.get(MAX_CONNECTIONS, -1)
        if 0 <= limit <= count:
            raise LimitReached(
                f"access to vhost '{self._vhost}' refused for user '{user}': "
                f"connection limit ({limit}) is reached"
            )


@final
class Totals:
    """How many queues and exchanges a node has in all its vhosts, and may have at most.

    Behaviour: RabbitMQ 4.3, "cluster_queue_limit", "cluster_exchange_limit".
    """

    def __init__(self, max_queues: int = UNLIMITED, max_exchanges: int = UNLIMITED) -> None:
        self._max_queues: Final = max_queues
        self._max_exchanges: Final = max_exchanges
        self.queue_count = 0
        self.exchange_count = 0

    def check_queue(self, name: str) -> None:
        """Refuse the new queue ``name`` if there are enough.  Raises PreconditionFailed."""
        limit = self._max_queues
        if 0 <= limit <= self.queue_count:
            raise PreconditionFailed(
                f"cannot declare queue '{name}': queue limit in cluster ({limit}) is reached"
            )

    def check_exchange(self, what: str) -> None:
        """Refuse the new exchange ``what`` if there are enough.  Raises PreconditionFailed."""
        limit = self._max_exchanges
        if 0 <= limit <= self.exchange_count:
            raise PreconditionFailed(f"cannot declare {what}: exchange limit of {limit} is reached")


def _checked(values: dict[str, object]) -> dict[str, int]:
    checked: dict[str, int] = {}
    for name, value in values.items():
        if name not in (MAX_CONNECTIONS, MAX_QUEUES):
            raise invalid(f"Unrecognised terms [{{{term(name)},{term(value)}}}] in {NAME}")
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(f"{name} should be a number, actually was {term(value)}")
        checked[name] = value
    return checked
