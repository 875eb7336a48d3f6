"""Who decides what a user may do, and what to do when the decision must be asked for first.

Nothing in the broker waits.  A decision that somebody else makes, over HTTP say, is not there when
it is wanted: then ``Rights`` raises ``Pending``.  The protocol's session keeps the frame it was
about to handle, hands in no more input, and begins the inquiry; when it is told to go on it handles
the same frame again, from the start, and finds the decision made.  Rights are therefore always
checked before anything is done.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.auth.permissions import Permission
from leveret.auth.users import User


@mypyc_attr(allow_interpreted_subclasses=True)
class Waiter(ABC):
    """Whoever waits for an inquiry."""

    @abstractmethod
    def go_on(self) -> None:
        """The answer is there.  Called once, later, in the broker's own thread."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Inquiry(ABC):
    """A question to somebody outside.  Must be answered: after a time the answer is no."""

    @abstractmethod
    def begin(self, waiter: Waiter) -> None:
        """Ask; remember the answer where it is looked for; then tell ``waiter``.  Never blocks."""

    def abandon(self) -> None:  # noqa: B027 most have nothing to forget
        """Whoever waited is gone."""


class Pending(Exception):
    """The decision must be asked for: begin ``inquiry`` and try again when it is answered."""

    def __init__(self, inquiry: Inquiry) -> None:
        super().__init__("a decision must be asked for")
        self.inquiry: Final = inquiry


@mypyc_attr(allow_interpreted_subclasses=True)
class Rights(ABC):
    """Decides for one user who has logged in.  Each method may raise Pending.

    ``expires_s`` is the Unix time at which the login is void; 0 for never.
    """

    def __init__(self) -> None:
        self.expires_s = 0

    @abstractmethod
    def enters(self, vhost: str) -> bool:
        """Whether the user may open a connection to ``vhost``."""

    @abstractmethod
    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        """Whether ``operation`` (configure, write, read) on the queue or exchange is granted."""

    @abstractmethod
    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        """Whether ``operation`` (write, read) with this routing key is granted."""

    def grow_old(self, now_ns: int) -> bool:
        """Told of the time twice a second; true when what was decided may be decided otherwise."""
        return False


@final
class InternalRights(Rights):
    """The permissions that the broker itself keeps.  Never has to ask."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self._user: Final = user

    def enters(self, vhost: str) -> bool:
        """Any permission will do, even one that grants nothing."""
        return vhost in self._user.permissions

    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        """Whether the pattern for ``operation`` is found in the name."""
        permission: Permission | None = self._user.permissions.get(vhost)
        return permission is not None and permission.allows(operation, name)

    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        """Where nothing is said about an exchange, every key is fine."""
        exchanges = self._user.topic_permissions.get(vhost)
        if exchanges is None:
            return True
        permission = exchanges.get(exchange)
        return permission is None or permission.allows(operation, key, variables)
