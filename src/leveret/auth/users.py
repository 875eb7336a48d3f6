"""Users, their password hashes, tags, limits and permissions, in memory.

Knows no protocol.  Control plane.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.auth.passwords import (
    ALGORITHMS,
    SALT_OCTETS,
    SHA256,
    hash_password,
    is_password,
    is_stored_form,
)
from leveret.auth.permissions import Permission, TopicPermission
from leveret.auth.validators import ACCEPT_EVERYTHING, Validator
from leveret.errors import NotAllowed, NotFound, PreconditionFailed
from leveret.events import Events
from leveret.ports import Random

ADMINISTRATOR: Final = "administrator"
IMPERSONATOR: Final = "impersonator"
# A user with this tag cannot be deleted.
PROTECTED: Final = "protected"
MAX_TAGS: Final = 32
MAX_CONNECTIONS: Final = "max-connections"
MAX_CHANNELS: Final = "max-channels"
# How events say who made a change, and that it was nobody who has logged in.
ACTOR: Final = "user_who_performed_action"
INTERNAL: Final = "rmq-internal"


@final
class User:
    """One user.  ``permissions`` is by vhost name; no entry means no access to that vhost.

    ``topic_permissions`` is by vhost, then exchange; no entry means no restriction.  ``limits``
    has non-negative numbers only; no entry means no limit.  An empty ``password_hash`` lets
    nobody in by password.
    """

    def __init__(
        self,
        name: str,
        password_hash: str,
        algorithm: str,
        tags: list[str],
        events: Events | None = None,
    ) -> None:
        self.name: Final = name
        self.password_hash = password_hash
        self.algorithm = algorithm
        self.tags = tags
        self.permissions: Final[dict[str, Permission]] = {}
        self.topic_permissions: Final[dict[str, dict[str, TopicPermission]]] = {}
        self.limits: dict[str, int] = {}
        self._events: Final = events
        # Raised by every change, so that what was derived from the rights is derived again.
        self.epoch = 0

    def grant(self, vhost: str, permission: Permission, by: str = INTERNAL) -> None:
        """Let the user into ``vhost`` with these rights, in place of earlier ones."""
        self.permissions[vhost] = permission
        self.epoch += 1
        self._tell(
            "permission.created",
            {
                "vhost": vhost,
                "configure": permission.configure,
                "write": permission.write,
                "read": permission.read,
            },
            by,
        )

    def revoke(self, vhost: str, by: str = INTERNAL) -> None:
        """Take every right in ``vhost`` away.  Topic permissions stay, as in RabbitMQ."""
        self.epoch += 1
        if self.permissions.pop(vhost, None) is not None:
            self._tell("permission.deleted", {"vhost": vhost}, by)

    def grant_topic(
        self, vhost: str, exchange: str, permission: TopicPermission, by: str = INTERNAL
    ) -> None:
        """Restrict the routing keys at ``exchange``, in place of an earlier restriction."""
        self.topic_permissions.setdefault(vhost, {})[exchange] = permission
        self.epoch += 1
        facts: dict[str, object] = {"vhost": vhost, "exchange": exchange}
        facts["write"] = permission.write
        facts["read"] = permission.read
        self._tell("topic.permission.created", facts, by)

    def revoke_topic(self, vhost: str, exchange: str | None = None, by: str = INTERNAL) -> None:
        """Lift the restriction at ``exchange``, or at every exchange of ``vhost``."""
        self.epoch += 1
        known = self.topic_permissions.get(vhost)
        if known is None or (exchange is not None and exchange not in known):
            return
        if exchange is not None:
            del known[exchange]
        if exchange is None or not known:
            del self.topic_permissions[vhost]
        self._tell("topic.permission.deleted", {"vhost": vhost}, by)

    def forget_vhost(self, vhost: str, by: str = INTERNAL) -> None:
        """``vhost`` is gone: so is all that was granted there."""
        self.revoke(vhost, by)
        self.revoke_topic(vhost, None, by)

    def limit(self, name: str) -> int:
        """The limit called ``name``; -1 when there is none."""
        return self.limits.get(name, -1)

    def _tell(self, name: str, facts: dict[str, object], by: str) -> None:
        events = self._events
        if events is not None and events.is_heard:
            events.tell(name, {"user": self.name, **facts, ACTOR: by})


@final
class LoginFailure:
    """Why a login was refused: for the log, not for the client."""

    def __init__(self, reason: str) -> None:
        self.reason: Final = reason


@mypyc_attr(allow_interpreted_subclasses=True)
class Bouncer(ABC):
    """Whoever has the connections: asked to close those of a user that is gone."""

    @abstractmethod
    def user_deleted(self, name: str) -> None:
        """Close every connection of the user called ``name``."""


@final
class Users:
    """All users of the node, by name.  ``algorithm`` is how new passwords are hashed."""

    def __init__(
        self,
        random: Random,
        loopback_only: list[str],
        events: Events,
        validator: Validator = ACCEPT_EVERYTHING,
        algorithm: str = SHA256,
    ) -> None:
        self.events: Final = events
        self._random: Final = random
        self._loopback_only: Final = frozenset(loopback_only)
        self._validator: Final = validator
        self._algorithm: Final = algorithm
        self.bouncer: Bouncer | None = None
        self.by_name: Final[dict[str, User]] = {}

    # --- coming and going ------------------------------------------------------------------

    def add(self, name: str, password: str | None, tags: list[str], by: str = INTERNAL) -> User:
        """Make a user; without a password nobody logs in by one.

        Raises PreconditionFailed when there is such a user already, or the password or the tags
        break a rule.
        """
        self._check_new(name)
        self._validator.check(name, password)
        return self._made(name, self._hashed(password), self._algorithm, tags, by)

    def add_hashed(
        self,
        name: str,
        password_hash: str,
        algorithm: str,
        tags: list[str],
        by: str = INTERNAL,
    ) -> User:
        """Make a user, or give the existing one this hash and these tags: for definitions.

        Raises PreconditionFailed for an unknown algorithm or what is no hash.
        """
        check_hash(password_hash, algorithm)
        user = self.by_name.get(name)
        if user is None:
            self._check_new(name)
            return self._made(name, password_hash, algorithm, tags, by)
        self._check_tags(tags)
        self.set_hash(name, password_hash, algorithm, by)
        self.set_tags(name, tags, by)
        return user

    def put(self, name: str, password: str | None, tags: list[str], by: str = INTERNAL) -> User:
        """Make a user, or give the existing one this password and these tags."""
        if name not in self.by_name:
            return self.add(name, password, tags, by)
        self._check_tags(tags)
        if password is None:
            self.clear_password(name, by)
        else:
            self.set_password(name, password, by)
        return self.set_tags(name, tags, by)

    def add_first(self, name: str, password: str, tags: list[str]) -> User:
        """Make a user of the settings, whose password need not please the validator."""
        self._check_new(name)
        return self._made(name, self._hashed(password), self._algorithm, tags, INTERNAL)

    def delete(self, name: str, by: str = INTERNAL) -> None:
        """Delete a user and close its connections.  Raises NotFound, NotAllowed if protected."""
        user = self.get(name)
        if PROTECTED in user.tags:
            raise NotAllowed(f"user '{name}' is tagged as protected and cannot be deleted")
        del self.by_name[name]
        user.permissions.clear()
        user.topic_permissions.clear()
        user.epoch += 1
        self._tell("user.deleted", {"name": name}, by)
        if self.bouncer is not None:
            self.bouncer.user_deleted(name)

    def get(self, name: str) -> User:
        """The user called ``name``.  Raises NotFound."""
        user = self.by_name.get(name)
        if user is None:
            raise NotFound(f"no user '{name}'")
        return user

    def forget_vhost(self, vhost: str, by: str = INTERNAL) -> None:
        """``vhost`` is gone: so is all that anybody was granted there."""
        for user in self.by_name.values():
            user.forget_vhost(vhost, by)

    # --- changes ---------------------------------------------------------------------------

    def set_password(self, name: str, password: str, by: str = INTERNAL) -> User:
        """Change the password.  Raises NotFound, PreconditionFailed for a bad one."""
        user = self.get(name)
        self._validator.check(name, password)
        return self._rehash(user, self._hashed(password), self._algorithm, by)

    def set_hash(self, name: str, password_hash: str, algorithm: str, by: str = INTERNAL) -> User:
        """Change the password to one of which only the hash is known.

        Raises NotFound, PreconditionFailed for an unknown algorithm or what is no hash.
        """
        user = self.get(name)
        check_hash(password_hash, algorithm)
        return self._rehash(user, password_hash, algorithm, by)

    def clear_password(self, name: str, by: str = INTERNAL) -> User:
        """Let nobody in by password any more.  Raises NotFound."""
        user = self.get(name)
        user.password_hash = ""
        user.epoch += 1
        self._tell("user.password.cleared", {"name": name}, by)
        return user

    def set_tags(self, name: str, tags: list[str], by: str = INTERNAL) -> User:
        """Change the tags.  Raises NotFound, PreconditionFailed when there are too many."""
        user = self.get(name)
        self._check_tags(tags)
        user.tags = list(dict.fromkeys(tags))
        user.epoch += 1
        self._tell("user.tags.set", {"name": name, "tags": list(user.tags)}, by)
        return user

    def set_limits(self, name: str, limits: dict[str, int], by: str = INTERNAL) -> User:
        """Change these limits and leave the others; a negative one is no limit.

        Raises NotFound, PreconditionFailed for a limit that does not exist.
        """
        user = self.get(name)
        for limit, value in limits.items():
            if limit not in (MAX_CONNECTIONS, MAX_CHANNELS):
                raise PreconditionFailed(
                    f"there is no user limit '{limit}': there are {MAX_CONNECTIONS} and "
                    f"{MAX_CHANNELS}"
                )
            if isinstance(value, bool):
                raise PreconditionFailed(f"user limit '{limit}' must be a whole number")
        # In place: users of that name whom others vouch for share them.
        user.limits.update(limits)
        self._tell("user.limits.set", {"name": "limits", "username": name, **limits}, by)
        return user

    def clear_limits(self, name: str, limit: str = "", by: str = INTERNAL) -> User:
        """Lift ``limit``, or every limit.  Raises NotFound."""
        user = self.get(name)
        for name_of_limit in [key for key in user.limits if limit in ("", key)]:
            del user.limits[name_of_limit]
        self._tell("user.limits.cleared", {"name": "limits", "username": name}, by)
        return user

    # --- logging in ------------------------------------------------------------------------

    def authenticate(self, name: str, password: str, is_loopback: bool) -> User | LoginFailure:
        """The user, if name and password are right and it may come from where it comes."""
        user = self.by_name.get(name)
        if user is None:
            # Hash all the same, so that the time taken does not tell which names exist.
            hash_password(password, b"\0" * SALT_OCTETS)
            return LoginFailure(f"there is no user '{name}'")
        if password == "":
            return LoginFailure(f"user '{name}' gave a blank password, which never logs in")
        if user.password_hash == "":
            return LoginFailure(f"user '{name}' has no password: it logs in another way")
        if not is_password(password, user.password_hash, user.algorithm):
            return LoginFailure(f"the password of user '{name}' is another one")
        return self.admit(name, is_loopback)

    def admit(self, name: str, is_loopback: bool) -> User | LoginFailure:
        """The user, whose name is proven already, if it may come from where it comes."""
        user = self.by_name.get(name)
        if user is None:
            return LoginFailure(f"there is no user '{name}'")
        refusal = self.turned_away(name, is_loopback)
        return user if refusal is None else refusal

    def turned_away(self, name: str, is_loopback: bool) -> LoginFailure | None:
        """Why whoever is called ``name`` may not come from there, known here or elsewhere."""
        if name in self._loopback_only and not is_loopback:
            return LoginFailure(
                f"user '{name}' may only connect from this machine (setting loopback_users)"
            )
        return None

    # --- the parts of it -------------------------------------------------------------------

    def _check_new(self, name: str) -> None:
        if not name or len(name.encode("utf-8", "surrogateescape")) > 255:
            raise PreconditionFailed("a user's name has 1 to 255 octets")
        if name in self.by_name:
            raise PreconditionFailed(f"user '{name}' already exists")

    def _check_tags(self, tags: list[str]) -> None:
        if len(tags) > MAX_TAGS:
            raise PreconditionFailed(f"{len(tags)} tags are too many: a user has {MAX_TAGS}")

    def _hashed(self, password: str | None) -> str:
        if password is None:
            return ""
        return hash_password(password, self._random.octets(SALT_OCTETS), self._algorithm)

    def _made(self, name: str, stored: str, algorithm: str, tags: list[str], by: str) -> User:
        self._check_tags(tags)
        user = User(name, stored, algorithm, list(dict.fromkeys(tags)), self.events)
        self.by_name[name] = user
        self._tell("user.created", {"name": name}, by)
        if tags:
            self._tell("user.tags.set", {"name": name, "tags": list(user.tags)}, by)
        return user

    def _rehash(self, user: User, stored: str, algorithm: str, by: str) -> User:
        user.password_hash = stored
        user.algorithm = algorithm
        user.epoch += 1
        self._tell("user.password.changed", {"name": user.name}, by)
        return user

    def _tell(self, name: str, facts: dict[str, object], by: str) -> None:
        if self.events.is_heard:
            self.events.tell(name, {**facts, ACTOR: by})


def check_hash(password_hash: str, algorithm: str) -> None:
    """Refuse what no password can be compared with; an empty hash is that of no password."""
    if algorithm not in ALGORITHMS:
        raise PreconditionFailed(
            f"unknown hashing algorithm '{algorithm}': there are {', '.join(ALGORITHMS)}"
        )
    if password_hash and not is_stored_form(password_hash, algorithm):
        raise PreconditionFailed(f"the password hash is no {algorithm} in base64")
