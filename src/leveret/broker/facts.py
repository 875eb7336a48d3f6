"""What events of queues, exchanges, bindings and policies tell, in RabbitMQ's words.

Made only when somebody listens.  Behaviour: RabbitMQ 4.3, "Internal Event Exchange".
"""

from typing import Final

from leveret.broker.consumer import Consumer
from leveret.broker.exchange import Binding, Exchange
from leveret.broker.policy import Policy
from leveret.broker.queue import Queue
from leveret.tables import Table, plain
from leveret.terms import term

# Who does what no user asked for.
INTERNAL: Final = "rmq-internal"


def queue_facts(vhost: str, queue: Queue, by: str) -> dict[str, object]:
    """Of a new queue."""
    return {
        "vhost": vhost,
        "name": queue.name,
        "durable": queue.is_durable,
        "auto_delete": queue.is_auto_delete,
        "arguments": typed(queue.arguments),
        "owner_pid": str(queue.owner_id) if queue.owner_id else "",
        "exclusive": queue.owner_id != 0,
        "user_who_performed_action": by,
    }


def exchange_facts(vhost: str, exchange: Exchange, by: str) -> dict[str, object]:
    """Of a new exchange."""
    return {
        "vhost": vhost,
        "name": exchange.name,
        "type": exchange.kind,
        "durable": exchange.is_durable,
        "auto_delete": exchange.is_auto_delete,
        "internal": exchange.is_internal,
        "arguments": typed(exchange.arguments),
        "policy": exchange.policy.name if exchange.policy is not None else "",
        "user_who_performed_action": by,
    }


def binding_facts(vhost: str, binding: Binding, by: str) -> dict[str, object]:
    """Of a binding that was made or taken away."""
    name = binding.queue.name if binding.queue is not None else ""
    if binding.exchange is not None:
        name = binding.exchange.name
    return {
        "source_name": binding.source.name,
        "source_kind": "exchange",
        "destination_name": name,
        "destination_kind": "queue" if binding.exchange is None else "exchange",
        "routing_key": binding.routing_key,
        "arguments": typed(binding.arguments),
        "vhost": vhost,
        "user_who_performed_action": by,
    }


def consumer_facts(consumer: Consumer, prefetch: int) -> dict[str, object]:
    """Of a new consumer, apart from where it is."""
    return {
        "exclusive": consumer.is_exclusive,
        "ack_required": not consumer.no_ack,
        "prefetch_count": prefetch,
        "arguments": typed(consumer.arguments),
    }


def name_facts(vhost: str, name: str, by: str) -> dict[str, object]:
    """Of something that is gone: where and what it was."""
    return {"vhost": vhost, "name": name, "user_who_performed_action": by}


def policy_facts(policy: Policy, by: str) -> dict[str, object]:
    """Of a policy, apart from its name and vhost: events of what it rules tell it too."""
    return {
        "apply-to": policy.apply_to,
        "priority": policy.priority,
        "definition": dict(policy.definition),
        "pattern": policy.pattern,
        "user_who_performed_action": by,
    }


def typed(table: Table) -> list[object]:
    """``table`` as RabbitMQ's events tell it: a term for each field."""
    return [f"{{{term(n)},{field.kind_name},{term(plain(field))}}}" for n, field in table.items()]
