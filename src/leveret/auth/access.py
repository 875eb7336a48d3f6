"""The check points: one user's rights in one vhost, asked before anything is done.

Behaviour: RabbitMQ 4.3, "Access control", table "How permissions work".
"""

from typing import Final, final

from leveret.auth.rights import InternalRights, Rights
from leveret.auth.users import User
from leveret.errors import AccessRefused, NotAllowed

# Decisions remembered: enough for what a connection uses, small enough for many connections.
_MAX_DECISIONS: Final = 256


@final
class Access:
    """Asks ``user``'s rights in ``vhost``.  Every check raises AccessRefused or returns.

    Any of them may raise Pending where somebody outside decides.  Decisions are remembered until
    the user's epoch changes, so that a change counts at the next operation.  ``variables`` are
    what topic permissions may refer to besides the names of user and vhost.
    """

    def __init__(
        self,
        user: User,
        vhost: str,
        rights: Rights | None = None,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.user: Final = user
        self._vhost: Final = vhost
        self._rights: Rights = InternalRights(user) if rights is None else rights
        self._variables: Final = {"username": user.name, "vhost": vhost}
        if variables is not None:
            self._variables.update(variables)
        self._epoch = user.epoch
        self._decisions: Final[dict[tuple[str, str, str], bool]] = {}

    @property
    def expires_s(self) -> int:
        """The Unix time at which the login is void; 0 for never."""
        return self._rights.expires_s

    def renew(self, rights: Rights) -> None:
        """The user has shown new credentials: decide by these ``rights`` from now on."""
        self._rights = rights
        self.user.epoch += 1

    def grow_old(self, now_ns: int) -> None:
        """Ask again about what may have changed meanwhile.  Called twice a second."""
        if self._rights.grow_old(now_ns):
            self.user.epoch += 1

    # --- what is checked -------------------------------------------------------------------

    def check_vhost(self) -> None:
        """Refuse a user who has no permission at all here.  Raises NotAllowed."""
        if not self._rights.enters(self._vhost):
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

    def write_topic(self, exchange: str, key: str) -> None:
        """May the user publish to this topic exchange with ``key``?"""
        self._check_topic("write", exchange, key)

    def read_topic(self, exchange: str, key: str) -> None:
        """May the user bind to this topic exchange with ``key``?"""
        self._check_topic("read", exchange, key)

    # --- how -------------------------------------------------------------------------------

    def _check(self, operation: str, kind: str, name: str) -> None:
        if not self._allows(operation, kind, name):
            self._refuse(operation, kind, name)

    def _allows(self, operation: str, kind: str, name: str) -> bool:
        if self._epoch != self.user.epoch:
            self._decisions.clear()
            self._epoch = self.user.epoch
        what = (operation, kind, name)
        known = self._decisions.get(what)
        if known is not None:
            return known
        decision = self._rights.allows(operation, kind, self._vhost, _named(kind, name))
        if len(self._decisions) >= _MAX_DECISIONS:
            self._decisions.clear()
        self._decisions[what] = decision
        return decision

    def _check_topic(self, operation: str, exchange: str, key: str) -> None:
        # Not remembered here: whoever publishes keeps the whole route, and keys may be any number.
        rights = self._rights
        if not rights.allows_topic(operation, self._vhost, exchange, key, self._variables):
            raise AccessRefused(
                f"{operation} access to topic '{key}' in exchange '{exchange}' in vhost "
                f"'{self._vhost}' refused for user '{self.user.name}'"
            )

    def _refuse(self, operation: str, kind: str, name: str) -> None:
        raise AccessRefused(
            f"{operation} access to {kind} '{_named(kind, name)}' in vhost '{self._vhost}' "
            f"refused for user '{self.user.name}'"
        )


def _named(kind: str, name: str) -> str:
    """The name under which rights on it are granted: the default exchange has one for this."""
    return "amq.default" if kind == "exchange" and not name else name
