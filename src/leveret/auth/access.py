"""The check points: one user's rights in one vhost, asked before anything is done.

Behaviour: RabbitMQ 4.3, "Access control", table "How permissions work".
"""

from typing import Final, final

from leveret.auth.users import Permission, User
from leveret.errors import AccessRefused, NotAllowed


@final
class Access:
    """Asks ``user``'s rights in ``vhost``.  Every check raises AccessRefused or returns."""

    def __init__(self, user: User, vhost: str) -> None:
        self.user: Final = user
        self._vhost: Final = vhost

    def check_vhost(self) -> None:
        """Refuse a user who has no permission at all here.  Raises NotAllowed."""
        if self._vhost not in self.user.permissions:
            raise NotAllowed(f"access to vhost '{self._vhost}' refused for user '{self.user.name}'")

    def configure(self, kind: str, name: str) -> None:
        """May the user create, change and delete it?  ``kind`` is queue or exchange."""
        self._check("configure", kind, name)

    def write(self, kind: str, name: str) -> None:
        """May the user put messages in?"""
        self._check("write", kind, name)

    def read(self, kind: str, name: str) -> None:
        """May the user take messages out?"""
        self._check("read", kind, name)

    def any(self, kind: str, name: str) -> None:
        """May the user know that it exists?  Any one right on it will do."""
        for operation in ("configure", "write", "read"):
            if self._allows(operation, kind, name):
                return
        self._refuse("configure", kind, name)

    def _check(self, operation: str, kind: str, name: str) -> None:
        if not self._allows(operation, kind, name):
            self._refuse(operation, kind, name)

    def _allows(self, operation: str, kind: str, name: str) -> bool:
        permission: Permission | None = self.user.permissions.get(self._vhost)
        if permission is None:
            return False
        if name == "" and kind == "exchange":
            name = "amq.default"
        return permission.allows(operation, name)

    def _refuse(self, operation: str, kind: str, name: str) -> None:
        raise AccessRefused(
            f"{operation} access to {kind} '{name}' in vhost '{self._vhost}' "
            f"refused for user '{self.user.name}'"
        )
