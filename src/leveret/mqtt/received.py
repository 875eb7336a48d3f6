"""The packet identifiers of QoS 2 that a client's messages came with, until it lets go of them.

Of a session that outlives its connection they must outlive the broker, too: else a client that
sends a message again, because it saw no PUBREC, would have it taken in twice.  So each is a small
message in a queue of the session's own, ``mqtt-subscription-<client>qos2``, which nobody reads but
this: written together with the message itself, and settled with PUBREL.  The first message of a
session waits until it is on the disk that there is that queue.
"""

from typing import Final, final

from leveret.auth.rights import Inquiry, Pending, Waiter
from leveret.broker.consumer import Consumer
from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.properties import read_properties
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.broker.wishes import QueueWish
from leveret.errors import BrokerError
from leveret.mqtt.state import EXPIRES, Client, Opening
from leveret.mqtt.view import MqttView
from leveret.tables import INT64, LONGSTR, Field, Table

# An identifier is not in use.
UNKNOWN: Final = -1
_PERSISTENT: Final = read_properties(b"\x10\x00\x02")


@final
class Received(Consumer):
    """Those of one client, while it is connected.

    Invariant: what is in ``client.incoming`` and has a place in the queue is in
    ``client.markers``, with that place.
    """

    def __init__(self, node: Node, client: Client, view: MqttView) -> None:
        super().__init__("mqtt-received", False, False, 0, {})
        self.channel = view
        self._node: Final = node
        self._client: Final = client
        self._vhost: Final[VHost] = client.vhost
        self._queue: Queue | None = None

    def resume(self) -> None:
        """Find what was received before a restart.  Raises AccessRefused."""
        queue = self._vhost.queues.get(self._client.received_name)
        if queue is not None and self._queue is None:
            self._read(queue)

    def prepare(self) -> None:
        """Have the queue on the disk before a message is taken in.  Raises Pending.

        Else a crash could leave the message, and nothing that says where it came from.
        """
        client = self._client
        if client.opening is None:
            if self._queue is not None or client.expiry_s == 0 or self._vhost.ledger is None:
                return
            commits = self._node.commits
            if commits is None or self._open() is None:
                # No room for a queue more: then a crash may have the message taken in twice.
                return
            client.opening = Opening(client)
            commits.wait_for_commit(client.opening)
        raise Pending(OpeningWait(client.opening))

    def take(self, packet_id: int, owed: int) -> int:
        """An identifier is in use, of a message that batch ``owed`` has, 0 for none.

        The batch that must be on the disk before the client is told.
        """
        client = self._client
        client.incoming[packet_id] = owed
        ledger = self._vhost.ledger
        queue = self._queue
        if ledger is None or queue is None or queue.is_gone:
            return owed
        message = Message(Origin("", str(packet_id)), _PERSISTENT, b"")
        queue.publish(message)
        owed = max(ledger.published(message, [queue]), owed)
        client.incoming[packet_id] = owed
        return owed

    def release(self, packet_id: int) -> int:
        """The client lets go of an identifier.

        The batch of the journal that must be on the disk before it may use that again, 0 for none,
        or UNKNOWN when it was not in use.
        """
        client = self._client
        if client.incoming.pop(packet_id, None) is None:
            return UNKNOWN
        offset = client.markers.pop(packet_id, -1)
        ledger = self._vhost.ledger
        if offset < 0 or self._queue is None or ledger is None:
            return 0
        self._queue.settle(offset)
        # That is written at the end of this turn.
        return ledger.journal.number

    def end(self) -> None:
        """The connection is gone: the identifiers stay with the client."""
        queue = self._queue
        self._queue = None
        if queue is not None:
            self._vhost.cancel(queue, self)

    def _open(self) -> Queue | None:
        client = self._client
        arguments: Table = {"x-queue-type": Field(LONGSTR, "classic")}
        if client.expires_ms is not None:
            arguments[EXPIRES] = Field(INT64, client.expires_ms)
        wish = QueueWish(client.received_name, True, False, 0, arguments)
        try:
            self._read(self._vhost.declare_queue(wish, 0))
        except BrokerError:
            return None
        return self._queue

    def _read(self, queue: Queue) -> None:
        self._vhost.consume(queue, self)
        self._queue = queue
        queue.dispatch()

    # --- what the queue hands out ----------------------------------------------------------

    def has_room(self) -> bool:
        """There are never more than identifiers."""
        return True

    def deliver(self, message: Message, offset: int, redelivered: bool) -> None:
        """An identifier is in use: of now, or of before a restart."""
        key = message.origin.routing_key
        if not key.isdecimal():
            # Somebody else put it here.
            if self._queue is not None:
                self._queue.settle(offset)
            return
        packet_id = int(key)
        self._client.markers[packet_id] = offset
        if packet_id not in self._client.incoming:
            self._client.incoming[packet_id] = 0

    def cancelled(self) -> None:
        """Somebody deleted the queue."""
        self._queue = None
        self._client.markers.clear()


@final
class OpeningWait(Inquiry):
    """Holds a message of QoS 2 until the queue is there that remembers its identifier."""

    def __init__(self, opening: Opening) -> None:
        self._opening: Final = opening

    def begin(self, waiter: Waiter) -> None:
        """Wait."""
        self._opening.add(waiter)
