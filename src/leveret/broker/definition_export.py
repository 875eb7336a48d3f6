"""Definitions of a node or of one vhost, as the JSON that RabbitMQ exports.

Exclusive queues, and what is there by itself, are left out.
Behaviour: RabbitMQ 4.3, "Definition Export and Import".  Control plane.
"""

from typing import Final

from leveret.auth.users import User
from leveret.broker.exchange import Binding, Exchange
from leveret.broker.limits import COMPONENT, NAME
from leveret.broker.node import Node
from leveret.broker.policies import Policies
from leveret.broker.policy import Policy
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.errors import NotFound
from leveret.tables import ARRAY, BINARY, DECIMAL, TABLE, Field, Table
from leveret.version import VERSION

SINGLE: Final = "single_virtual_host"
OPERATOR_POLICY: Final = "operator_policy"
RESERVED: Final = "amq."
# Which RabbitMQ's format and rules these definitions follow.
RABBITMQ_VERSION: Final = "4.3.0"


def export_definitions(node: Node) -> dict[str, object]:
    """Everything."""
    users = list(node.users.by_name.values())
    document = _head("cluster", f"Definitions of the node with {len(node.vhosts)} virtual hosts")
    document["original_cluster_name"] = node.global_parameters.values.get("cluster_name", "")
    document["users"] = [_user(user) for user in users]
    document["vhosts"] = [_vhost(vhost) for vhost in node.vhosts.values()]
    document["permissions"] = [one for user in users for one in _permissions(user)]
    document["topic_permissions"] = [one for user in users for one in _topic_permissions(user)]
    document["global_parameters"] = [
        {"name": name, "value": value} for name, value in node.global_parameters.values.items()
    ]
    for kind in ("parameters", "policies", "queues", "exchanges", "bindings"):
        document[kind] = [
            {**one, "vhost": vhost.name}
            for vhost in node.vhosts.values()
            for one in _of_vhost(kind, vhost)
        ]
    return document


def export_vhost(node: Node, name: str) -> dict[str, object]:
    """One vhost, for import into any.  Raises NotFound."""
    vhost = node.vhosts.get(name)
    if vhost is None:
        raise NotFound(f"no vhost '{name}'")
    document = _head(SINGLE, f"Definitions of virtual host '{name}'")
    document["original_vhost_name"] = name
    document["description"] = vhost.description
    document["default_queue_type"] = vhost.default_queue_type or "classic"
    document["metadata"] = _metadata(vhost)
    document["limits"] = _limits(vhost)
    for kind in ("parameters", "policies", "queues", "exchanges", "bindings"):
        document[kind] = _of_vhost(kind, vhost)
    return document


def _head(form: str, explanation: str) -> dict[str, object]:
    return {
        "rabbit_version": RABBITMQ_VERSION,
        "rabbitmq_version": RABBITMQ_VERSION,
        "product_name": "Leveret",
        "product_version": VERSION,
        "rabbitmq_definition_format": form,
        "explanation": explanation,
    }


def _user(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.algorithm,
        "tags": list(user.tags),
        "limits": dict(user.limits),
    }


def _permissions(user: User) -> list[dict[str, object]]:
    return [
        {
            "user": user.name,
            "vhost": vhost,
            "configure": permission.configure,
            "write": permission.write,
            "read": permission.read,
        }
        for vhost, permission in user.permissions.items()
    ]


def _topic_permissions(user: User) -> list[dict[str, object]]:
    return [
        {
            "user": user.name,
            "vhost": vhost,
            "exchange": exchange,
            "write": permission.write,
            "read": permission.read,
        }
        for vhost, by_exchange in user.topic_permissions.items()
        for exchange, permission in by_exchange.items()
    ]


def _vhost(vhost: VHost) -> dict[str, object]:
    return {
        "name": vhost.name,
        "description": vhost.description,
        "tags": list(vhost.tags),
        "default_queue_type": vhost.default_queue_type or "classic",
        "limits": _limits(vhost),
        "metadata": _metadata(vhost),
    }


def user_document(user: User) -> dict[str, object]:
    """A user with all it may do."""
    document = _user(user)
    document["permissions"] = _permissions(user)
    document["topic_permissions"] = _topic_permissions(user)
    return document


def vhost_document(vhost: VHost) -> dict[str, object]:
    """What is said of a vhost, without what is in it."""
    return _vhost(vhost)


def _metadata(vhost: VHost) -> dict[str, object]:
    metadata: dict[str, object] = {
        "description": vhost.description,
        "tags": list(vhost.tags),
        "default_queue_type": vhost.default_queue_type or "classic",
    }
    if vhost.is_protected:
        metadata["protected_from_deletion"] = True
    return metadata


def _limits(vhost: VHost) -> object:
    """An empty Erlang list may be either, and is written as a list."""
    return dict(vhost.limits.values) if vhost.limits.values else []


def _of_vhost(kind: str, vhost: VHost) -> list[dict[str, object]]:
    if kind == "parameters":
        return parameters_of(vhost)
    if kind == "policies":
        return [{"name": one.name, **_policy(one)} for one in vhost.policies]
    if kind == "queues":
        return [_queue(queue) for queue in vhost.queues.values() if queue.owner_id == 0]
    if kind == "exchanges":
        return [_exchange(one) for one in vhost.exchanges.values() if is_declared(one.name)]
    return [_binding(one) for one in vhost.bindings() if is_lasting(one)]


def is_declared(exchange: str) -> bool:
    """Whether somebody made it, rather than the broker."""
    return exchange != "" and not exchange.startswith(RESERVED)


def is_lasting(binding: Binding) -> bool:
    """Whether its queue, if it leads to one, is everybody's."""
    return binding.queue is None or binding.queue.owner_id == 0


def parameters_of(vhost: VHost) -> list[dict[str, object]]:
    """RabbitMQ keeps limits and operators' policies among them."""
    found: list[dict[str, object]] = [
        {"component": one.component, "name": one.name, "value": one.value}
        for one in vhost.parameters
    ]
    if vhost.limits.values:
        limits: dict[str, object] = {**vhost.limits.values}
        found.append({"component": COMPONENT, "name": NAME, "value": limits})
    policies: Policies = vhost.operator_policies
    for policy in policies:
        value = _policy(policy)
        found.append({"component": OPERATOR_POLICY, "name": policy.name, "value": value})
    return found


def _policy(policy: Policy) -> dict[str, object]:
    return {
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "priority": policy.priority,
        "definition": dict(policy.definition),
    }


def _queue(queue: Queue) -> dict[str, object]:
    return {
        "name": queue.name,
        "type": queue.kind,
        "durable": queue.is_durable,
        "auto_delete": queue.is_auto_delete,
        "arguments": arguments_of(queue.arguments),
    }


def _exchange(exchange: Exchange) -> dict[str, object]:
    return {
        "name": exchange.name,
        "type": exchange.kind,
        "durable": exchange.is_durable,
        "auto_delete": exchange.is_auto_delete,
        "internal": exchange.is_internal,
        "arguments": arguments_of(exchange.arguments),
    }


def _binding(binding: Binding) -> dict[str, object]:
    destination: Exchange | Queue | None = binding.queue or binding.exchange
    assert destination is not None
    return {
        "source": binding.source.name,
        "destination": destination.name,
        "destination_type": "queue" if binding.exchange is None else "exchange",
        "routing_key": binding.routing_key,
        "arguments": arguments_of(binding.arguments),
    }


def arguments_of(table: Table) -> dict[str, object]:
    """A field table as JSON can say it, without the wire types."""
    return {name: json_of(field) for name, field in table.items()}


def json_of(field: Field) -> object:
    """A field's value as JSON can say it: octets become text, decimals fractions."""
    value = field.value
    if field.kind == TABLE:
        assert isinstance(value, dict)
        return {name: json_of(inner) for name, inner in value.items()}
    if field.kind == ARRAY:
        assert isinstance(value, list)
        return [json_of(inner) for inner in value]
    if field.kind == BINARY:
        assert isinstance(value, bytes)
        return value.decode("utf-8", "surrogateescape")
    if field.kind == DECIMAL:
        assert isinstance(value, tuple)
        scale, unscaled = value
        return int(unscaled) / 10 ** int(scale)
    return value
