"""What the settings give to every new vhost: limits, and policies of the operators.

Behaviour: RabbitMQ 4.3, "default_limits.vhosts", "default_policies.operator".
"""

from typing import Final

from leveret.broker.limits import MAX_CONNECTIONS, MAX_QUEUES
from leveret.broker.policy import QUEUES
from leveret.broker.vhost import VHost
from leveret.config.settings import Settings
from leveret.patterns import compiled

_LIMITS: Final = {"max_connections": MAX_CONNECTIONS, "max_queues": MAX_QUEUES}
_KEYS: Final = {
    "expires_ms": "expires",
    "message_ttl_ms": "message-ttl",
    "max_length": "max-length",
    "max_length_bytes": "max-length-bytes",
    "delivery_limit": "delivery-limit",
}


def give_defaults(vhost: VHost, settings: Settings) -> None:
    """Give ``vhost`` what is for it.  Raises Invalid, ValueError for a bad pattern."""
    groups = settings.default_vhost_limits
    for name in sorted(groups):
        if _is_for(groups[name], vhost):
            vhost.limits.replace(_said(groups[name], _LIMITS))
            break
    groups = settings.default_operator_policies
    for name in sorted(groups):
        definition = _said(groups[name], _KEYS)
        if definition and _is_for(groups[name], vhost):
            pattern = str(groups[name]["queue_pattern"])
            vhost.operator_policies.set(name, pattern, definition, 0, QUEUES)


def _is_for(group: dict[str, object], vhost: VHost) -> bool:
    return compiled(str(group["vhost_pattern"])).matches(vhost.name)


def _said(group: dict[str, object], names: dict[str, str]) -> dict[str, object]:
    """Those fields that say something, by the names they have outside of settings."""
    return {names[field]: value for field, value in group.items() if field in names and value != -1}
