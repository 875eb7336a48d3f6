"""What is known of clients beyond their connections: by vhost and client identifier.

A session of MQTT is two things here: queues and bindings, which are the broker's and outlive it
where they must, and the packet identifiers in use, which are kept here.  Knows no packet.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.auth.rights import Waiter
from leveret.broker.arguments import MAX_MILLISECONDS
from leveret.broker.message import Message
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.timetable import Appointee, Timetable
from leveret.broker.vhost import VHost
from leveret.mqtt.subscriptions import Verdict
from leveret.store.catalog import CommitWaiter

# The session never expires.
FOREVER_S: Final = 0xFFFFFFFF
# The argument of queues that says how long they last.
EXPIRES: Final = "x-expires"
_SECOND_NS: Final = 1_000_000_000
_MAX_PACKET_ID: Final = 65535
# Under what the node keeps the clients.
_NAME: Final = "mqtt"

# What a message that was sent waits for.
AWAIT_PUBACK: Final = 1
AWAIT_PUBREC: Final = 2
AWAIT_PUBCOMP: Final = 3


@mypyc_attr(allow_interpreted_subclasses=True)
class Occupant(ABC):
    """The connection that a client has now."""

    @abstractmethod
    def taken_over(self) -> None:
        """Another connection has come with the same client identifier: go."""


@final
class Flight:
    """A message of QoS 1 or 2 on its way to a client, or its PUBREL.

    Invariant: ``queue`` counts it as unacknowledged until it ``is_settled``.
    """

    def __init__(
        self,
        packet_id: int,
        qos: int,
        queue: Queue,
        message: Message,
        offset: int,
        verdict: Verdict,
    ) -> None:
        self.packet_id: Final = packet_id
        self.qos: Final = qos
        self.queue: Final = queue
        self.message: Final = message
        self.offset: Final = offset
        self.verdict: Final = verdict
        self.awaits = AWAIT_PUBACK if qos == 1 else AWAIT_PUBREC
        self.is_settled = False
        # Whether it was sent over the connection that the client has now.
        self.is_out = True
        # Whether others read the queue, too: after a restart any of them may get the message.
        self.is_shared = False

    def settle(self) -> None:
        """The client has the message."""
        if not self.is_settled:
            self.is_settled = True
            self.queue.unacked_octets -= len(self.message.body)
            self.queue.settle(self.offset)


@mypyc_attr(allow_interpreted_subclasses=True)
class Membership(ABC):
    """A session's part in a shared subscription."""

    @abstractmethod
    def leave(self, vhost: VHost) -> None:
        """The session is over."""


@final
class Client(Appointee):
    """One client identifier of one vhost.

    ``number`` is told apart from every other's in this run.  ``incoming`` are the packet
    identifiers of QoS 2 that were taken in and not released, each with the batch of the journal
    that its message is in.  ``flights`` are what was sent and is not done, in the order sent.
    """

    def __init__(self, clients: "Clients", vhost: VHost, client_id: str, number: int) -> None:
        super().__init__()
        self._clients: Final = clients
        self.vhost: Final = vhost
        self.client_id: Final = client_id
        self.number: Final = number
        self.occupant: Occupant | None = None
        # What is published unless the client comes back in time.
        self.will: Appointee | None = None
        # How long the session lasts once the connection is gone.
        self.expiry_s = 0
        self.incoming: Final[dict[int, int]] = {}
        # Where those of them are that are written down: see `received`.
        self.markers: Final[dict[int, int]] = {}
        # While the queue for them is not on the disk yet.
        self.opening: Opening | None = None
        self.flights: Final[dict[int, Flight]] = {}
        # By what the client subscribed to.
        self.memberships: Final[dict[str, Membership]] = {}
        self._last_id = 0

    def queue_name(self, qos: int) -> str:
        """The queue for subscriptions with ``qos``: one for 0, one for all others."""
        return f"mqtt-subscription-{self.client_id}qos{1 if qos > 0 else 0}"

    @property
    def received_name(self) -> str:
        """The queue for the packet identifiers of QoS 2 that came."""
        return f"mqtt-subscription-{self.client_id}qos2"

    @property
    def queue_names(self) -> tuple[str, str, str]:
        """All queues that the session may have."""
        return self.queue_name(0), self.queue_name(1), self.received_name

    @property
    def expires_ms(self) -> int | None:
        """How long a queue of the session lasts without its client; None for ever."""
        if self.expiry_s == FOREVER_S:
            return None
        return min(self.expiry_s * 1000, MAX_MILLISECONDS)

    def packet_id(self, offset: int) -> int:
        """One that is not in use, for the message that is at ``offset`` in its queue.  Hot.

        After a restart of the broker a message that was under way is there again, and so is its
        offset: a client that has it already must know it by its identifier.
        There must be one: see ``flights``.
        """
        flights = self.flights
        packet_id = offset % _MAX_PACKET_ID + 1
        while packet_id in flights:
            # The client reads several queues, or did not answer for long.
            self._last_id = self._last_id % _MAX_PACKET_ID + 1
            packet_id = self._last_id
        return packet_id

    def forget_packets(self) -> None:
        """The session is over: no packet identifier is in use, and it is in no group."""
        self.incoming.clear()
        self.markers.clear()
        for flight in list(self.flights.values()):
            flight.settle()
        self.flights.clear()
        memberships = list(self.memberships.values())
        self.memberships.clear()
        for membership in memberships:
            membership.leave(self.vhost)

    @property
    def has_more_than_queues(self) -> bool:
        """Whether there is anything of its session beside its own queues."""
        has_packets = bool(self.flights or self.incoming)
        return has_packets or bool(self.memberships) or self.opening is not None

    def on_time(self, now_ns: int) -> None:
        """The session has expired, unless the client came back."""
        if self.occupant is None:
            self.forget_packets()
            self._clients.forget(self)


@final
class Opening(CommitWaiter):
    """The queue for the identifiers of what ``client`` sends is on its way to the disk."""

    def __init__(self, client: Client) -> None:
        self._client: Final = client
        self._waiters: list[Waiter] = []

    def add(self, waiter: Waiter) -> None:
        """Tell ``waiter`` when it is there."""
        self._waiters.append(waiter)

    def on_committed(self, number: int) -> None:
        """It is there."""
        self._client.opening = None
        waiters = self._waiters
        self._waiters = []
        for waiter in waiters:
            waiter.go_on()


@final
class Clients:
    """The clients of one node, by vhost and client identifier.

    One is here while it has a connection, and as long as its session lasts after that.
    """

    def __init__(self, timetable: Timetable) -> None:
        self._timetable: Final = timetable
        self._by_key: Final[dict[tuple[str, str], Client]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, vhost: str, client_id: str) -> Client | None:
        """The client, if it is known."""
        return self._by_key.get((vhost, client_id))

    def come(self, vhost: VHost, client_id: str, occupant: Occupant) -> Client:
        """The client has a new connection: an old one has to go."""
        key = (vhost.name, client_id)
        client = self._by_key.get(key)
        if client is not None and client.occupant is not None:
            client.occupant.taken_over()
            # With the connection the client may have gone, too.
            client = self._by_key.get(key)
        if client is not None and client.vhost is not vhost:
            # That one was deleted, and another has its name.
            self._timetable.cancel(client)
            client = None
        if client is None:
            self._count += 1
            client = Client(self, vhost, client_id, self._count)
            self._by_key[key] = client
        self._timetable.cancel(client)
        if client.will is not None:
            self._timetable.cancel(client.will)
            client.will = None
        client.occupant = occupant
        return client

    def leave(self, client: Client, now_ns: int) -> None:
        """The client's connection is gone; its session stays as long as it is to."""
        client.occupant = None
        if client.expiry_s == 0:
            client.forget_packets()
            self.forget(client)
        elif client.will is None and not client.has_more_than_queues:
            # All there is of its session are queues.
            self.forget(client)
        elif client.expiry_s != FOREVER_S:
            self._timetable.appoint(client, now_ns + client.expiry_s * _SECOND_NS)

    def forget(self, client: Client) -> None:
        """Its session is over."""
        key = (client.vhost.name, client.client_id)
        if self._by_key.get(key) is client:
            del self._by_key[key]


def clients_of(node: Node) -> Clients:
    """The clients of ``node``; all its listeners share them."""
    found = node.belongings.get(_NAME)
    if isinstance(found, Clients):
        return found
    made = Clients(node.timetable)
    node.belongings[_NAME] = made
    return made
