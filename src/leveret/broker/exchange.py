"""Exchanges: which bindings match a message.  A new exchange type is one class here or beside it.

Routing is a pure function of topology, routing key and headers: it changes nothing.
Source: AMQP 0-9-1 specification, section 3.1.3.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import Message
from leveret.broker.policy import Policy
from leveret.broker.properties import Properties
from leveret.broker.queue import Queue
from leveret.broker.tallies import Publishers
from leveret.broker.wishes import ExchangeWish
from leveret.tables import Table, table_octets

# What an exchange does with a message that comes by, besides routing it.
PASSES: Final = 0
REMEMBERS: Final = 1  # has its copy, and the message goes on
HOLDS: Final = 2  # has it, and the message does not go on now


@mypyc_attr(allow_interpreted_subclasses=True)
class Exchange(ABC):
    """One exchange and the bindings that leave it.

    ``alternate`` names the exchange that gets what no binding matched, "" for none.
    ``is_static``: the same routing key always matches the same bindings, whatever the message.
    ``picks_one``: each message goes along one binding, however many keys it has.
    ``is_keeping``: ``keeps`` must be asked.
    """

    def __init__(self, wish: ExchangeWish) -> None:
        self.name: Final = wish.name
        self.kind: Final = wish.kind
        self.is_durable: Final = wish.is_durable
        self.is_auto_delete: Final = wish.is_auto_delete
        self.is_internal: Final = wish.is_internal
        self.arguments: Final = wish.arguments
        self.is_static = True
        self.picks_one = False
        self.is_keeping = False
        self.alternate = ""
        # The policies that rule the exchange, and what they say together: the vhost sets these.
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        self.effective_policy: dict[str, object] = {}
        self.bindings: Final[dict[str, Binding]] = {}
        self.publishers: Final = Publishers()

    @abstractmethod
    def matches(self, key: str, properties: Properties) -> list["Binding"]:
        """The bindings that a message with ``key`` and ``properties`` goes along."""

    def check(self, binding: "Binding") -> None:  # noqa: B027 most types take any
        """Refuse a binding that this type cannot have.  Raises PreconditionFailed."""

    def keeps(self, properties: Properties) -> int:
        """What becomes of a message with ``properties``: PASSES, REMEMBERS or HOLDS."""
        return PASSES

    def keep(self, message: Message, keys: list[str]) -> None:  # noqa: B027 most keep nothing
        """Take a message that ``keeps`` did not let just pass; ``keys`` are those it came with."""

    def close(self) -> None:  # noqa: B027 most keep nothing
        """The exchange is deleted: forget what it keeps."""

    @abstractmethod
    def added(self, binding: "Binding") -> None:
        """Take ``binding`` into account; it is in ``bindings`` already."""

    @abstractmethod
    def removed(self, binding: "Binding") -> None:
        """Forget ``binding``; it is in ``bindings`` no longer."""


@final
class Binding:
    """From ``source`` to a queue or to another exchange: exactly one of the two is there."""

    def __init__(
        self,
        source: Exchange,
        queue: Queue | None,
        exchange: Exchange | None,
        routing_key: str,
        arguments: Table,
    ) -> None:
        self.source: Final = source
        self.queue: Final = queue
        self.exchange: Final = exchange
        self.routing_key: Final = routing_key
        self.arguments: Final = arguments
        self.identity: Final = binding_identity(queue, exchange, routing_key, arguments)


def binding_identity(
    queue: Queue | None, exchange: Exchange | None, routing_key: str, arguments: Table
) -> str:
    """What makes a binding of one source the same as another: order of arguments does not."""
    ordered = {name: arguments[name] for name in sorted(arguments)}
    name = queue.name if queue is not None else ""
    kind = "queue"
    if exchange is not None:
        name = exchange.name
        kind = "exchange"
    # With the lengths in front, for names and keys may hold any character.
    marks = table_octets(ordered).hex() if ordered else ""
    return f"{kind} {len(name)} {name} {len(routing_key)} {routing_key} {marks}"


@final
class DirectExchange(Exchange):
    """A binding matches when its key is the message's."""

    def __init__(self, wish: ExchangeWish) -> None:
        super().__init__(wish)
        # Inner dicts are sets that keep the order; thousands of queues may share one key.
        self._by_key: Final[dict[str, dict[Binding, None]]] = {}

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The bindings with exactly this key."""
        same = self._by_key.get(key)
        return list(same) if same is not None else []

    def added(self, binding: Binding) -> None:
        """Take ``binding`` into account."""
        self._by_key.setdefault(binding.routing_key, {})[binding] = None

    def removed(self, binding: Binding) -> None:
        """Forget ``binding``."""
        same = self._by_key[binding.routing_key]
        del same[binding]
        if not same:
            del self._by_key[binding.routing_key]


@final
class FanoutExchange(Exchange):
    """Every binding matches."""

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """All of them."""
        return list(self.bindings.values())

    def added(self, binding: Binding) -> None:
        """Nothing to do: ``bindings`` is the whole state."""

    def removed(self, binding: Binding) -> None:
        """Nothing to do: ``bindings`` is the whole state."""
