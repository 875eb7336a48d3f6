"""What the settings give to every new vhost: limits, policies of the operators, and users.

Behaviour: RabbitMQ 4.3, "default_limits.vhosts", "default_policies.operator", "default_users".
"""

from typing import Final

from leveret.auth.passwords import SHA256
from leveret.auth.permissions import Permission
from leveret.auth.users import User, Users
from leveret.broker.limits import MAX_CONNECTIONS, MAX_QUEUES
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
            scope = str(groups[name]["apply_to"])
            vhost.operator_policies.set(name, pattern, definition, 0, scope)


def give_rights(users: Users, vhost: VHost, settings: Settings) -> None:
    """Let those users in that ``vhost`` is for, made if need be."""
    for name, group in settings.default_users.items():
        if not _is_for(group, vhost):
            continue
        user = users.by_name.get(name)
        if user is None:
            user = _new_user(users, name, group)
        patterns = [str(group[key]) for key in ("configure", "write", "read")]
        user.grant(vhost.name, Permission(*patterns))


def _new_user(users: Users, name: str, group: dict[str, object]) -> User:
    tags, password = group["tags"], str(group["password"])
    assert isinstance(tags, list)
    names = [str(tag) for tag in tags]
    if password:
        return users.add_first(name, password, names)
    return users.add_hashed(name, "", SHA256, names)


def _is_for(group: dict[str, object], vhost: VHost) -> bool:
    return compiled(str(group["vhost_pattern"])).matches(vhost.name)


def _said(group: dict[str, object], names: dict[str, str]) -> dict[str, object]:
    """Those fields that say something, by the names they have outside of settings."""
    return {names[field]: value for field, value in group.items() if field in names and value != -1}
