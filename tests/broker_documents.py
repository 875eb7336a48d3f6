"""A document of definitions with everything that one may have, as RabbitMQ writes them."""

from typing import Any

from leveret.auth.passwords import SHA512, hash_password

HASH = hash_password("hare", b"salt", SHA512)

COMPLETE: dict[str, Any] = {
    "users": [
        {
            "name": "alice",
            "password_hash": HASH,
            "hashing_algorithm": SHA512,
            "tags": ["monitoring", "x"],
            "limits": {"max-channels": 5},
        }
    ],
    "vhosts": [
        {
            "name": "v",
            "limits": [["max-queues", 50]],
            "metadata": {"description": "d", "tags": "t1,t2", "default_queue_type": "undefined"},
        }
    ],
    "permissions": [{"user": "alice", "vhost": "v", "configure": "^a", "write": "", "read": ".*"}],
    "topic_permissions": [
        {"user": "alice", "vhost": "v", "exchange": "e", "write": "^w", "read": "^r"}
    ],
    "global_parameters": [{"name": "g", "value": {"a": [1, None]}}],
    "parameters": [
        {
            "vhost": "v",
            "component": "operator_policy",
            "name": "op",
            "value": {
                "pattern": "^q",
                "apply-to": "queues",
                "priority": 1,
                "definition": [["max-length", 7]],
            },
        },
        {
            "vhost": "v",
            "component": "vhost-limits",
            "name": "limits",
            "value": {"max-connections": 9, "max-queues": 50},
        },
    ],
    "policies": [
        {
            "vhost": "v",
            "name": "p",
            "pattern": "^q",
            "apply-to": "all",
            "priority": 3,
            "definition": {"message-ttl": 5},
        }
    ],
    "exchanges": [
        {"name": "e", "vhost": "v", "type": "topic", "durable": True, "auto_delete": False}
        | {"internal": False, "arguments": {"alternate-exchange": "amq.fanout"}},
        {"name": "f", "vhost": "v", "type": "fanout", "durable": False, "auto_delete": True}
        | {"internal": True, "arguments": {}},
    ],
    "queues": [
        {"name": "q", "vhost": "v", "type": "classic", "durable": True, "auto_delete": False}
        | {"arguments": {"x-max-length": 5, "note": "hä", "t": {"l": [1, True]}}},
        {"name": "qq", "vhost": "v", "type": "quorum", "durable": True, "auto_delete": False}
        | {"arguments": {}},
    ],
    "bindings": [
        {"source": "e", "vhost": "v", "destination": "q", "destination_type": "queue"}
        | {"routing_key": "a.#", "arguments": {"x": 1}},
        {"source": "e", "vhost": "v", "destination": "f", "destination_type": "exchange"}
        | {"routing_key": "b", "arguments": {}},
    ],
}
