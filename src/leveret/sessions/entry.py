"""How a connection comes in: the login, the vhost, the limits; the same for every protocol.

Behaviour: RabbitMQ 4.3, "Connections", "Access control", "Virtual host limits".
"""

from typing import Final, final

from leveret.auth.access import Access
from leveret.auth.backends import Attempt, Login
from leveret.auth.users import LoginFailure, User
from leveret.broker.connections import Link, tls_facts
from leveret.broker.node import Node
from leveret.broker.vhost import VHost
from leveret.errors import NotAllowed
from leveret.session import Peer, Session


@final
class Entry:
    """The way in of one connection.  ``access`` and ``vhost`` are there once it has entered.

    ``protocol`` is what lists call it, ``label`` what metrics do: a protocol whose version is not
    known at once sets them before the login.
    """

    def __init__(self, node: Node, peer: Peer, protocol: str, label: str) -> None:
        self._node: Final = node
        self._peer: Final = peer
        self.protocol = protocol
        self.label = label
        self.mechanism = ""
        self.login: Login | None = None
        self.access: Access | None = None
        self.vhost: VHost | None = None

    @property
    def user(self) -> User | None:
        """Who has logged in; None before."""
        return self.login.user if self.login is not None else None

    def log_in(self, attempt: Attempt) -> LoginFailure | None:
        """Log in as the back ends allow it; what they say if they do not.  Raises Pending.

        After Pending the same ``attempt`` is to be tried again.
        """
        self.mechanism = attempt.mechanism
        found = self._node.logins.login(attempt)
        if isinstance(found, LoginFailure):
            self._node.tally.note_login(self.label, False)
            self._tell("failure", attempt.credentials.name, found.reason)
            return found
        self._node.tally.note_login(self.label, True)
        self._tell("success", found.user.name, "")
        self.login = found
        return None

    def _tell(self, outcome: str, name: str, reason: str) -> None:
        events = self._node.events
        if not events.is_heard:
            return
        peer = self._peer
        facts: dict[str, object] = {
            "connection_type": "network",
            "name": name,
            "host": peer.local_host,
            "connection_name": peer.name,
            "peer_host": peer.host,
            "peer_port": peer.port,
            "protocol": self.protocol,
            "auth_mechanism": self.mechanism,
            "ssl": peer.tls is not None,
        }
        if reason:
            facts["error"] = reason
        events.tell(f"user.authentication.{outcome}", {**facts, **tls_facts(peer)})

    def enter(self, name: str, variables: dict[str, str] | None = None) -> None:
        """Enter the vhost ``name``, if it is there, open to the user, and none of them is full.

        ``variables`` are what topic permissions may refer to.  Raises NotAllowed, Pending.
        """
        assert self.login is not None
        user = self.login.user
        connections = self._node.connections
        connections.check_node(user)
        vhost = self._node.vhosts.get(name)
        if vhost is None:
            raise NotAllowed(f"vhost {name} not found")
        vhost.limits.check_connections(connections.count_of_vhost(name), user.name)
        access = Access(user, name, self.login.rights, variables)
        access.check_vhost()
        connections.check_user(user)
        self.access = access
        self.vhost = vhost

    def link(self, connection_id: int, session: Session) -> Link:
        """How the node knows the connection, which has entered."""
        assert self.login is not None
        assert self.vhost is not None
        link = Link(connection_id, session, self._peer, self.login.user)
        link.vhost = self.vhost.name
        link.protocol = self.protocol
        link.mechanism = self.mechanism
        link.connected_at_s = self._node.clock.unix_s()
        return link

    def renew(self, secret: bytes) -> None:
        """Take new credentials for the same user.  Raises NotAllowed, Pending."""
        login = self.login
        access = self.access
        assert login is not None
        assert access is not None
        rights = login.backend.renew(login, secret.decode("utf-8", "surrogateescape"))
        if rights is None:
            raise NotAllowed("New secret was refused by one of the backends")
        self.login = Login(login.user, rights, login.backend)
        access.renew(rights)
        access.check_vhost()

    @property
    def is_expired(self) -> bool:
        """Whether the login is void by now; also lets what is known of the rights age.

        Call it at each tick of an open connection.
        """
        access = self.access
        if access is None:
            return False
        access.grow_old(self._node.clock.now_ns())
        return 0 < access.expires_s <= self._node.clock.unix_s()
