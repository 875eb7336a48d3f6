"""What the scopes of a token grant: ``read:vhost/name``, ``write:vhost/exchange/routing-key``.

Each part may have stars, for any characters, and is percent-encoded.  Routing keys are granted only
where a scope has a part for them.  Behaviour: RabbitMQ 4.3, plugin rabbitmq_auth_backend_oauth2.
"""

import urllib.parse
from typing import Final, final

_OPERATIONS: Final = ("configure", "write", "read")
_TAG: Final = "tag:"


def matches(pattern: str, name: str) -> bool:
    """Whether ``name`` is what ``pattern`` describes, whole."""
    parts = [urllib.parse.unquote(part) for part in pattern.split("*")]
    if len(parts) == 1:
        return name == parts[0]
    first, last = parts[0], parts[-1]
    if len(name) < len(first) + len(last):
        return False
    if not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in parts[1:-1]:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


@final
class Grant:
    """One operation, where it may be done."""

    def __init__(self, operation: str, vhost: str, name: str, key: str | None) -> None:
        self.operation: Final = operation
        self.vhost: Final = vhost
        self.name: Final = name
        self.key: Final = key


def read_grant(scope: str) -> Grant | None:
    """What ``scope`` grants; None when it is about something else."""
    operation, _, where = scope.partition(":")
    parts = where.split("/")
    if operation not in _OPERATIONS or len(parts) not in (2, 3):
        return None
    return Grant(operation, parts[0], parts[1], parts[2] if len(parts) == 3 else None)


@final
class Scopes:
    """All that one token grants.  ``prefix`` is what the scopes of this broker begin with."""

    def __init__(self, scopes: list[str], prefix: str) -> None:
        ours = [scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix)]
        self.tags: Final = sorted({s.removeprefix(_TAG) for s in ours if s.startswith(_TAG)})
        found = [read_grant(scope) for scope in ours]
        self._grants: Final = [grant for grant in found if grant is not None]

    def enters(self, vhost: str) -> bool:
        """Whether anything is granted in ``vhost``."""
        return any(matches(grant.vhost, vhost) for grant in self._grants)

    def allows(self, operation: str, vhost: str, name: str) -> bool:
        """Whether ``operation`` on the queue or exchange ``name`` is granted."""
        return any(
            grant.operation == operation
            and matches(grant.vhost, vhost)
            and matches(grant.name, name)
            for grant in self._grants
        )

    def allows_key(self, operation: str, vhost: str, exchange: str, key: str) -> bool:
        """Whether ``operation`` at ``exchange`` with the routing key ``key`` is granted."""
        return any(
            grant.operation == operation
            and grant.key is not None
            and matches(grant.vhost, vhost)
            and matches(grant.name, exchange)
            and matches(grant.key, key)
            for grant in self._grants
        )
