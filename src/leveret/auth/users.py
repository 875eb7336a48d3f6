"""Users, their password hashes, tags and permissions, in memory.

Knows no protocol.  Control plane.
"""

import re
from typing import Final, final

from leveret.auth.passwords import SALT_OCTETS, SHA256, hash_password, is_password
from leveret.events import Events
from leveret.ports import Random


@final
class Permission:
    """What one user may do in one vhost: three patterns over names of queues and exchanges.

    A pattern is searched for, not anchored; the empty one matches nothing but the empty name.
    Behaviour: RabbitMQ 4.3, "Access control".  Raises re.error for a bad pattern.
    """

    def __init__(self, configure: str, write: str, read: str) -> None:
        self.configure: Final = configure
        self.write: Final = write
        self.read: Final = read
        self._configure: Final = _compiled(configure)
        self._write: Final = _compiled(write)
        self._read: Final = _compiled(read)

    def allows(self, operation: str, name: str) -> bool:
        """Whether ``operation`` (configure, write or read) on ``name`` is granted."""
        if operation == "configure":
            return self._configure.search(name) is not None
        if operation == "write":
            return self._write.search(name) is not None
        assert operation == "read"
        return self._read.search(name) is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern if pattern else "^$")


@final
class User:
    """One user.  ``permissions`` is by vhost name; no entry means no access to that vhost."""

    def __init__(self, name: str, password_hash: str, algorithm: str, tags: list[str]) -> None:
        self.name: Final = name
        self.password_hash = password_hash
        self.algorithm = algorithm
        self.tags = tags
        self.permissions: Final[dict[str, Permission]] = {}
        # Raised by every change, so that what was derived from the rights is derived again.
        self.epoch = 0

    def grant(self, vhost: str, permission: Permission) -> None:
        """Let the user into ``vhost`` with these rights, in place of earlier ones."""
        self.permissions[vhost] = permission
        self.epoch += 1

    def revoke(self, vhost: str) -> None:
        """Take every right in ``vhost`` away."""
        self.permissions.pop(vhost, None)
        self.epoch += 1


@final
class LoginFailure:
    """Why a login was refused: for the log, not for the client."""

    def __init__(self, reason: str) -> None:
        self.reason: Final = reason


@final
class Users:
    """All users of the node, by name."""

    def __init__(self, random: Random, loopback_only: list[str], events: Events) -> None:
        self.events: Final = events
        self._random: Final = random
        self._loopback_only: Final = frozenset(loopback_only)
        self.by_name: Final[dict[str, User]] = {}

    def add(self, name: str, password: str, tags: list[str]) -> User:
        """Make a user, or give the existing one this password and these tags."""
        stored = hash_password(password, self._random.octets(SALT_OCTETS), SHA256)
        user = self.by_name.get(name)
        if user is None:
            user = User(name, stored, SHA256, tags)
            self.by_name[name] = user
            return user
        user.password_hash = stored
        user.algorithm = SHA256
        user.tags = tags
        user.epoch += 1
        return user

    def authenticate(self, name: str, password: str, is_loopback: bool) -> User | LoginFailure:
        """The user, if name and password are right and it may come from where it comes."""
        user = self.by_name.get(name)
        if user is None:
            # Hash all the same, so that the time taken does not tell which names exist.
            hash_password(password, b"\0" * SALT_OCTETS)
            return LoginFailure(f"there is no user '{name}'")
        if not is_password(password, user.password_hash, user.algorithm):
            return LoginFailure(f"the password of user '{name}' is another one")
        if name in self._loopback_only and not is_loopback:
            return LoginFailure(
                f"user '{name}' may only connect from this machine (setting loopback_users)"
            )
        return user
