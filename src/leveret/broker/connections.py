"""The open connections of a node, whatever they speak, and how many there may be.

A connection counts from the moment it is open until it is closed by either side; a channel
likewise.  Behaviour: RabbitMQ 4.3, "Virtual host limits", "User limits", and its texts.
"""

from typing import Final, final

from leveret.auth.users import MAX_CHANNELS, MAX_CONNECTIONS, Bouncer, User
from leveret.broker.facts import typed
from leveret.broker.tallies import ChannelView, NodeTally
from leveret.config.kinds import UNLIMITED
from leveret.errors import LimitReached
from leveret.events import Events
from leveret.session import Peer, Session, Traffic
from leveret.tables import Table


@final
class Link:
    """One open connection: who came from where to which vhost, and how to make it go."""

    def __init__(self, connection_id: int, session: Session, peer: Peer, user: User) -> None:
        self.id: Final = connection_id
        self.peer: Final = peer
        self.user: Final = user
        self._session: Final = session
        # Set by the protocol before the link is added.
        self.vhost = ""
        self.protocol = ""
        self.mechanism = ""
        self.client_properties: Table = {}
        self.frame_max = 0
        self.channel_max = 0
        self.heartbeat_s = 0
        self.connected_at_s = 0
        # None while one is being opened.
        self.channels: Final[dict[int, ChannelView | None]] = {}
        # What it does itself, where its protocol has no channels.
        self.view: ChannelView | None = None

    @property
    def name(self) -> str:
        """How people tell connections apart."""
        return self.peer.name

    @property
    def traffic(self) -> Traffic:
        """What went through its socket."""
        return self._session.traffic

    @property
    def is_waiting(self) -> bool:
        """Whether nothing more is taken from it now."""
        return self._session.is_waiting

    def shut(self, reason: str) -> None:
        """Close it from the broker's side, telling the client why."""
        self._session.shut(reason)


@final
class Connections(Bouncer):
    """The links of one node by id.

    Invariant: the counts are those of the links in ``by_id`` and of their channels; a user or a
    vhost without any has no entry.
    """

    def __init__(self, events: Events, max_connections: int, max_channels: int) -> None:
        self._events: Final = events
        self._max_connections: Final = max_connections
        self._max_channels: Final = max_channels
        self.by_id: Final[dict[int, Link]] = {}
        self.channel_count = 0
        # That of the node, where there is one.
        self.tally = NodeTally()
        self._by_user: Final[dict[str, int]] = {}
        self._by_vhost: Final[dict[str, int]] = {}
        self._channels_by_user: Final[dict[str, int]] = {}

    # --- counts ----------------------------------------------------------------------------

    def count_of_user(self, name: str) -> int:
        """How many connections the user ``name`` has."""
        return self._by_user.get(name, 0)

    def count_of_vhost(self, name: str) -> int:
        """How many connections there are to the vhost ``name``."""
        return self._by_vhost.get(name, 0)

    def channel_count_of_user(self, name: str) -> int:
        """How many channels the user ``name`` has, in all connections."""
        return self._channels_by_user.get(name, 0)

    # --- limits ----------------------------------------------------------------------------

    def check_node(self, user: User) -> None:
        """Refuse one connection more than the node may have.  Raises LimitReached."""
        limit = self._max_connections
        if limit != UNLIMITED and len(self.by_id) >= limit:
            raise LimitReached(
                f"connection refused for user '{user.name}': node connection limit ({limit}) is "
                "reached"
            )

    def check_user(self, user: User) -> None:
        """Refuse one connection more than the user may have.  Raises LimitReached."""
        limit = user.limit(MAX_CONNECTIONS)
        if 0 <= limit <= self.count_of_user(user.name):
            raise LimitReached(
                f"connection refused for user '{user.name}': user connection limit ({limit}) is "
                "reached"
            )

    def _check_channel(self, user: User) -> None:
        limit = user.limit(MAX_CHANNELS)
        if 0 <= limit <= self.channel_count_of_user(user.name):
            raise LimitReached(
                f"number of channels opened for user '{user.name}' has reached the maximum allowed "
                f"user limit of ({limit})"
            )
        limit = self._max_channels
        if limit != UNLIMITED and self.channel_count >= limit:
            raise LimitReached(
                f"number of channels opened on the node has reached the maximum allowed limit of "
                f"({limit})"
            )

    # --- coming and going ------------------------------------------------------------------

    def add(self, link: Link) -> None:
        """A connection is open.  Its limits were checked."""
        assert link.id not in self.by_id
        assert not link.channels
        self.by_id[link.id] = link
        self.tally.connections_opened += 1
        _count(self._by_user, link.user.name, 1)
        _count(self._by_vhost, link.vhost, 1)
        if self._events.is_heard:
            self._events.tell("connection.created", _facts(link))

    def remove(self, link: Link) -> None:
        """A connection is closed, and its channels with it.  Does nothing the second time."""
        if self.by_id.pop(link.id, None) is None:
            return
        for number in list(link.channels):
            self.close_channel(link, number)
        self.tally.connections_closed += 1
        _count(self._by_user, link.user.name, -1)
        _count(self._by_vhost, link.vhost, -1)
        if self._events.is_heard:
            facts = {"name": link.name, "vhost": link.vhost, "user": link.user.name}
            more = {"pid": link.name, "user_who_performed_action": link.user.name}
            self._events.tell("connection.closed", {"connection_id": link.id, **facts, **more})

    def open_channel(self, link: Link, number: int) -> None:
        """Count a channel of ``link``.  Raises LimitReached, and then it is not counted."""
        assert number not in link.channels
        self._check_channel(link.user)
        link.channels[number] = None
        self.channel_count += 1
        self.tally.channels_opened += 1
        _count(self._channels_by_user, link.user.name, 1)
        self._tell_channel("channel.created", link, number)

    def close_channel(self, link: Link, number: int) -> None:
        """A channel that was counted is closed."""
        del link.channels[number]
        self.channel_count -= 1
        self.tally.channels_closed += 1
        _count(self._channels_by_user, link.user.name, -1)
        self._tell_channel("channel.closed", link, number)

    def _tell_channel(self, event: str, link: Link, number: int) -> None:
        if self._events.is_heard:
            facts: dict[str, object] = {
                "pid": f"{link.name} ({number})",
                "name": f"{link.name} ({number})",
                "number": number,
                "connection": link.name,
                "connection_id": link.id,
                "user": link.user.name,
                "vhost": link.vhost,
                "user_who_performed_action": link.user.name,
            }
            self._events.tell(event, facts)

    # --- closing others' -------------------------------------------------------------------

    def user_deleted(self, name: str) -> None:
        """Close every connection of the user called ``name``."""
        for link in list(self.by_id.values()):
            if link.user.name == name:
                link.shut(f"user '{name}' is deleted")

    def vhost_deleted(self, name: str) -> None:
        """Close every connection to the vhost called ``name``."""
        for link in list(self.by_id.values()):
            if link.vhost == name:
                link.shut(f"vhost '{name}' is deleted")


def _count(counts: dict[str, int], name: str, change: int) -> None:
    count = counts.get(name, 0) + change
    assert count >= 0
    if count == 0:
        counts.pop(name, None)
    else:
        counts[name] = count


def _facts(link: Link) -> dict[str, object]:
    """What the event of a new connection tells, by RabbitMQ's names."""
    peer = link.peer
    facts: dict[str, object] = {
        "connection_id": link.id,
        # What events of its channels call it by.
        "pid": link.name,
        "type": "network",
        "name": link.name,
        "host": peer.local_host,
        "port": peer.local_port,
        "peer_host": peer.host,
        "peer_port": peer.port,
        "protocol": link.protocol,
        "auth_mechanism": link.mechanism,
        "user": link.user.name,
        "vhost": link.vhost,
        "ssl": peer.tls is not None,
        "timeout": link.heartbeat_s,
        "frame_max": link.frame_max,
        "channel_max": link.channel_max,
        "client_properties": typed(link.client_properties),
        "connected_at": link.connected_at_s * 1000,
        "user_who_performed_action": link.user.name,
    }
    return {**facts, **tls_facts(peer)}


def tls_facts(peer: Peer) -> dict[str, object]:
    """What events tell of a connection's encryption; nothing when it has none."""
    tls = peer.tls
    if tls is None:
        return {}
    return {
        "ssl_protocol": tls.protocol,
        "ssl_cipher": tls.cipher,
        "peer_cert_subject": tls.subject,
        "peer_cert_issuer": tls.issuer,
        "peer_cert_validity": tls.validity,
    }
