"""One thing of a document of definitions at a time: its shape checked, then imported.

Behaviour: RabbitMQ 4.3, "Definition Export and Import"; 3.10, compared.
"""

from typing import Final, final

from leveret.auth.passwords import SHA256
from leveret.auth.permissions import Permission, TopicPermission
from leveret.broker.definition_export import RESERVED
from leveret.broker.limits import COMPONENT as LIMITS
from leveret.broker.node import Node
from leveret.broker.policies import Policies, checked_policy
from leveret.broker.shapes import Shape
from leveret.broker.vhost import VHost
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import BrokerError, Invalid
from leveret.tables import LONGSTR, Field

_TYPES: Final = ("classic", "quorum", "stream")
# What parameters of RabbitMQ's plugins are for, where there is no such thing here.
_ABSENT: Final = {
    "shovel": "there are no shovels yet",
    "federation-upstream": "there is no federation yet",
    "federation-upstream-set": "there is no federation yet",
}


class Step:
    """One thing to import, whose shape is right."""

    def __init__(self, kind: str, shape: Shape) -> None:
        self.kind: Final = kind
        self.path: Final = shape.path or kind

    def perform(self, node: Node) -> str:
        """Do it; why it was passed over, if it was.  Raises BrokerError, ValueError."""
        raise NotImplementedError


@final
class UserStep(Step):
    """A user: made, or given this password, these tags and these limits."""

    def __init__(self, kind: str, shape: Shape) -> None:
        super().__init__(kind, shape)
        self._name: Final = shape.name("name")
        self._tags: Final = shape.tags("tags")
        self._hash: Final = shape.text("password_hash", "")
        self._algorithm: Final = shape.text("hashing_algorithm", SHA256)
        self._password: Final = shape.text("password") if "password" in shape.values else None
        self._limits: Final = shape.numbers("limits")

    def perform(self, node: Node) -> str:
        """A password counts more than a hash; with neither nobody logs in by password."""
        if self._password is not None:
            node.users.put(self._name, self._password, self._tags)
        else:
            node.users.add_hashed(self._name, self._hash, self._algorithm, self._tags)
        if self._limits:
            node.users.set_limits(self._name, self._limits)
        return ""


@final
class VHostStep(Step):
    """A vhost: made if need be, then described anew."""

    def __init__(self, kind: str, shape: Shape, by: str) -> None:
        super().__init__(kind, shape)
        self._name: Final = shape.name("name")
        if "metadata" in shape.values:
            metadata = Shape(shape.at("metadata"), shape.pairs("metadata"))
        else:
            metadata = Shape(shape.path, {})
        # Newer files say it twice, and older ones in one of the two places.
        self._description: Final = _either(shape, metadata, "description")
        self._tags: Final = shape.tags("tags") or metadata.tags("tags")
        self._queue_type: Final = _queue_type(_either(shape, metadata, "default_queue_type"))
        self._is_protected: Final = metadata.flag("protected_from_deletion", False)
        self._limits: Final[dict[str, object]] = {**shape.numbers("limits")}
        self._by: Final = by

    def perform(self, node: Node) -> str:
        """What it does not say stays, but for tags; limits that it names replace the old ones."""
        known = node.vhosts.get(self._name)
        description, queue_type, is_protected = "", "", self._is_protected
        if known is not None:
            description, queue_type = known.description, known.default_queue_type
            is_protected = is_protected or known.is_protected
        vhost = node.add_vhost(
            self._name,
            description if self._description is None else self._description,
            self._tags,
            self._queue_type or queue_type,
            is_protected,
            by=self._by,
        )
        if self._limits:
            vhost.limits.replace(self._limits, self._by)
        return ""


def _either(shape: Shape, metadata: Shape, key: str) -> str | None:
    for one in (shape, metadata):
        if one.values.get(key) is not None:
            return one.text(key)
    return None


def _queue_type(name: str | None) -> str:
    """RabbitMQ writes "undefined" for none."""
    return "" if name is None or name == "undefined" else name


@final
class PermissionStep(Step):
    """What a user may do in a vhost."""

    def __init__(self, kind: str, shape: Shape) -> None:
        super().__init__(kind, shape)
        self._user: Final = shape.name("user")
        self._vhost: Final = shape.name("vhost")
        self._patterns: Final = [shape.text(key) for key in ("configure", "write", "read")]

    def perform(self, node: Node) -> str:
        """In place of earlier rights."""
        vhost_of(node, self._vhost)
        node.users.get(self._user).grant(self._vhost, Permission(*self._patterns))
        return ""


@final
class TopicPermissionStep(Step):
    """Which routing keys a user may use at an exchange, which need not exist."""

    def __init__(self, kind: str, shape: Shape) -> None:
        super().__init__(kind, shape)
        self._user: Final = shape.name("user")
        self._vhost: Final = shape.name("vhost")
        self._exchange: Final = shape.name("exchange")
        self._patterns: Final = [shape.text(key) for key in ("write", "read")]

    def perform(self, node: Node) -> str:
        """In place of earlier ones."""
        vhost_of(node, self._vhost)
        permission = TopicPermission(*self._patterns)
        node.users.get(self._user).grant_topic(self._vhost, self._exchange, permission)
        return ""


@final
class GlobalParameterStep(Step):
    """A value for the whole node."""

    def __init__(self, kind: str, shape: Shape, by: str) -> None:
        super().__init__(kind, shape)
        self._name: Final = shape.name("name")
        self._value: Final = shape.values.get("value")
        self._by: Final = by

    def perform(self, node: Node) -> str:
        """In place of an earlier one."""
        node.global_parameters.set(self._name, self._value, self._by)
        return ""


def vhost_of(node: Node, name: str) -> VHost:
    """The vhost called ``name``.  Raises Invalid: to import into it, it must be there."""
    vhost = node.vhosts.get(name)
    if vhost is None:
        raise Invalid(f"Virtual host '{name}' does not exist")
    return vhost


@final
class LimitsStep(Step):
    """The limits of the one vhost that a document is of."""

    def __init__(self, kind: str, shape: Shape, vhost: str, by: str) -> None:
        super().__init__(kind, shape)
        self._vhost: Final = vhost
        self._limits: Final[dict[str, object]] = {**shape.numbers("limits")}
        self._by: Final = by

    def perform(self, node: Node) -> str:
        """In place of those there are, if it names any."""
        if self._limits:
            vhost_of(node, self._vhost).limits.replace(self._limits, self._by)
        return ""


@final
class PolicyStep(Step):
    """A policy, or an operator's, which RabbitMQ writes among the parameters."""

    def __init__(
        self,
        kind: str,
        shape: Shape,
        vhost: str,
        value: dict[str, object],
        by: str,
        is_operators: bool = False,
    ) -> None:
        super().__init__(kind, shape)
        self._vhost: Final = vhost
        self._name: Final = shape.name("name")
        where = Shape(shape.at("value") if is_operators else shape.path, value)
        self._value: Final = {**value, "definition": where.pairs("definition")}
        self._by: Final = by
        self._is_operators: Final = is_operators

    def perform(self, node: Node) -> str:
        """In place of one of that name."""
        vhost = vhost_of(node, self._vhost)
        policies: Policies = vhost.operator_policies if self._is_operators else vhost.policies
        pattern, definition, priority, apply_to = checked_policy(self._value, self._name)
        policies.set(self._name, pattern, definition, priority, apply_to, self._by)
        return ""


@final
class ParameterStep(Step):
    """A parameter of a component, such as a shovel."""

    def __init__(self, kind: str, shape: Shape, vhost: str, by: str) -> None:
        super().__init__(kind, shape)
        self._vhost: Final = vhost
        self._component: Final = shape.text("component")
        self._name: Final = shape.name("name")
        is_limits = self._component == LIMITS
        self._value: Final = shape.pairs("value") if is_limits else shape.values.get("value")
        self._by: Final = by

    def perform(self, node: Node) -> str:
        """In place of an earlier one; those of RabbitMQ's plugins must not stop a move to here."""
        vhost = vhost_of(node, self._vhost)
        component = self._component
        if component in _ABSENT and component not in node.components.by_name:
            what = f"{component} '{self._name}' in vhost '{self._vhost}'"
            return f"{what} has no effect: {_ABSENT[component]}"
        vhost.parameters.set(self._component, self._name, self._value, self._by)
        return ""


@final
class ExchangeStep(Step):
    """An exchange, if there is none of that name yet."""

    def __init__(self, kind: str, shape: Shape, vhost: str, by: str) -> None:
        super().__init__(kind, shape)
        self._vhost: Final = vhost
        self._by: Final = by
        self._wish: Final = ExchangeWish(
            shape.name("name"),
            shape.name("type"),
            shape.flag("durable", True),
            shape.flag("auto_delete", False),
            shape.flag("internal", False),
            shape.arguments(),
        )

    def perform(self, node: Node) -> str:
        """What is there stays as it is, even if it is another."""
        vhost = vhost_of(node, self._vhost)
        name = self._wish.name
        if name == "" or name.startswith(RESERVED):
            return f"exchange '{name}' is the broker's own"
        if name in vhost.exchanges:
            return contradiction(vhost, self._wish, None)
        vhost.declare_exchange(self._wish, self._by)
        return ""


@final
class QueueStep(Step):
    """A queue, if there is none of that name yet."""

    def __init__(self, kind: str, shape: Shape, vhost: str, by: str) -> None:
        super().__init__(kind, shape)
        self._vhost: Final = vhost
        self._by: Final = by
        arguments = shape.arguments()
        queue_type = shape.text("type", "")
        if queue_type in _TYPES:
            arguments.setdefault("x-queue-type", Field(LONGSTR, queue_type))
        self._wish: Final = QueueWish(
            shape.name("name"),
            shape.flag("durable", True),
            shape.flag("auto_delete", False),
            0,
            arguments,
        )

    def perform(self, node: Node) -> str:
        """What is there stays as it is, even if it is another."""
        vhost = vhost_of(node, self._vhost)
        name = self._wish.name
        if name == "" or name.startswith(RESERVED):
            return f"queue '{name}' is the broker's own"
        if name in vhost.queues:
            return contradiction(vhost, None, self._wish)
        vhost.declare_queue(self._wish, 0, self._by)
        return ""


def contradiction(vhost: VHost, exchange: ExchangeWish | None, queue: QueueWish | None) -> str:
    """What speaks against what is wished for, being there already; empty when nothing does."""
    try:
        if exchange is not None:
            vhost.declare_exchange(exchange)
        if queue is not None:
            vhost.declare_queue(queue, 0)
    except BrokerError as refused:
        return f"kept as it is: {refused.detail}"
    return ""


@final
class BindingStep(Step):
    """A binding, if both of its ends are there."""

    def __init__(self, kind: str, shape: Shape, vhost: str, by: str) -> None:
        super().__init__(kind, shape)
        self._vhost: Final = vhost
        self._by: Final = by
        self._source: Final = shape.name("source")
        self._destination: Final = shape.name("destination")
        to = shape.text("destination_type")
        if to not in ("queue", "exchange"):
            raise shape.fail("destination_type", "must be queue or exchange")
        self._to_queue: Final = to == "queue"
        self._key: Final = shape.name("routing_key", "")
        self._arguments: Final = shape.arguments()

    def perform(self, node: Node) -> str:
        """The same binding twice is one."""
        vhost = vhost_of(node, self._vhost)
        source = vhost.exchanges.get(self._source)
        queue = vhost.queues.get(self._destination) if self._to_queue else None
        exchange = None if self._to_queue else vhost.exchanges.get(self._destination)
        if self._source == "":
            return "the default exchange has its bindings by itself"
        if source is None:
            return f"there is no {vhost.describe('exchange', self._source)}"
        if queue is None and exchange is None:
            kind = "queue" if self._to_queue else "exchange"
            return f"there is no {vhost.describe(kind, self._destination)}"
        vhost.bind(source, queue, exchange, self._key, self._arguments, self._by)
        return ""
