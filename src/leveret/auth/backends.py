"""Who lets users in: a chain of back ends, each asked until one says yes.

``auth_backends`` lists them.  An item is a name, ``internal``, or two names with a slash between:
``http/internal`` lets HTTP say who somebody is and the broker's own permissions what they may do.
Behaviour: RabbitMQ 4.3, "Authentication and authorisation backends".
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.auth.rights import InternalRights, Rights
from leveret.auth.sasl import Credentials
from leveret.auth.users import LoginFailure, User, Users
from leveret.session import Peer

INTERNAL: Final = "internal"


@final
class Attempt:
    """One login under way: who claims to be whom, and what back ends have said to it so far.

    ``vhost`` is not known yet when somebody logs in.  ``answers`` belongs to the back ends that
    have to ask: each keeps its outcome there, by its own name, for when it is asked again.
    """

    def __init__(self, credentials: Credentials, mechanism: str, peer: Peer) -> None:
        self.credentials: Final = credentials
        self.mechanism: Final = mechanism
        self.peer: Final = peer
        self.answers: Final[dict[str, User | LoginFailure]] = {}


@final
class Login:
    """Somebody is in: who it is, and who decides what they may do.

    ``backend`` is the one that made the rights: it renews them too.
    """

    def __init__(self, user: User, rights: Rights, backend: "Backend") -> None:
        self.user: Final = user
        self.rights: Final = rights
        self.backend: Final = backend


@mypyc_attr(allow_interpreted_subclasses=True)
class Backend(ABC):
    """One way to know users.  Third parties may have others."""

    @abstractmethod
    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        """The user, if it is who it claims to be.  May raise Pending.

        A user of the broker's own is that very object; any other is new for each login.
        """

    @abstractmethod
    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        """Who decides for ``user``, whom this or another back end knows.  May raise Pending."""

    def renew(self, login: Login, secret: str) -> Rights | None:
        """The rights that ``secret`` gives in place of those of ``login``; None to refuse it.

        May raise Pending.  Where logins do not expire there is nothing to renew.
        """
        return login.rights


@final
class InternalBackend(Backend):
    """The users that the broker itself keeps."""

    def __init__(self, users: Users) -> None:
        self._users: Final = users

    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        """By password, or by name alone where that is proven."""
        credentials = attempt.credentials
        is_near = attempt.peer.is_loopback
        if credentials.is_proven:
            return self._users.admit(credentials.name, is_near)
        return self._users.authenticate(credentials.name, credentials.password, is_near)

    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        """By the permissions of the user of that name."""
        known = self._users.admit(user.name, attempt.peer.is_loopback)
        if isinstance(known, LoginFailure):
            return known
        return Login(known, InternalRights(known), self)


@final
class Link:
    """One item of the chain: who says who somebody is, and who says what they may do."""

    def __init__(self, authentication: str, authorisation: str) -> None:
        self.authentication: Final = authentication
        self.authorisation: Final = authorisation


@final
class Logins:
    """The chain of back ends of one node.

    Raises ValueError for an item with more than two names.
    """

    def __init__(self, chain: list[str], users: Users) -> None:
        self._backends: Final[dict[str, Backend]] = {INTERNAL: InternalBackend(users)}
        self._chain: Final = [_link(item) for item in chain]
        self._users: Final = users

    def register(self, name: str, backend: Backend) -> None:
        """Make ``backend`` the one called ``name``."""
        self._backends[name] = backend

    def missing(self) -> list[str]:
        """The names in the chain for which there is no back end."""
        wanted = [link.authentication for link in self._chain]
        wanted += [link.authorisation for link in self._chain]
        return sorted({name for name in wanted if name not in self._backends})

    def login(self, attempt: Attempt) -> Login | LoginFailure:
        """The first yes of the chain, or every no.  May raise Pending: then ask again later."""
        reasons: list[str] = []
        for link in self._chain:
            found = self._try(link, attempt)
            if isinstance(found, Login):
                return self._received(found, attempt)
            reasons.append(found.reason)
        return LoginFailure("; ".join(reasons) if reasons else "auth_backends is empty")

    def _received(self, login: Login, attempt: Attempt) -> Login | LoginFailure:
        """``login``, unless that user must come from this machine and does not.

        The limits that are set here go by the name, whoever vouches for it.
        """
        refusal = self._users.turned_away(login.user.name, attempt.peer.is_loopback)
        if refusal is not None:
            return refusal
        known = self._users.by_name.get(login.user.name)
        if known is not None:
            login.user.limits = known.limits
        return login

    def _try(self, link: Link, attempt: Attempt) -> Login | LoginFailure:
        user = self._backends[link.authentication].authenticate(attempt)
        if isinstance(user, LoginFailure):
            return user
        return self._backends[link.authorisation].authorise(user, attempt)


def _link(item: str) -> Link:
    names = item.split("/")
    if len(names) > 2 or "" in names:
        raise ValueError(f"'{item}' is no item of auth_backends")
    return Link(names[0], names[-1])
