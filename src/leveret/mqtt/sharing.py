"""Shared subscriptions: one queue for each group and filter, which the members read in turn.

::

    $share/group/a/+      amq.topic ── a.* ──▶ mqtt-shared-group/a/+ ──▶ members

Each member is a binding of that queue, which says who it is and what it asked for: so a session
that outlives its connection stays a member, even across a restart of the broker.  The queue goes
with the last of them, or when no member has come for as long as any session may last.
Source: MQTT 5.0, section 4.8.2.
"""

from typing import Final, final

from leveret.broker.actor import Actor
from leveret.broker.arguments import MAX_MILLISECONDS
from leveret.broker.backlog import Waiting
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.vhost import VHost
from leveret.broker.wishes import QueueWish
from leveret.mqtt.codes import PROTOCOL_ERROR, MqttFault
from leveret.mqtt.delivery import Delivery
from leveret.mqtt.filters import SHARED_QUEUE, TopicFilter
from leveret.mqtt.packets import Wish
from leveret.mqtt.properties import SUBSCRIPTION_IDENTIFIER, PropertyWriter
from leveret.mqtt.reader import REMAINING_MAX
from leveret.mqtt.state import FOREVER_S, Client, Membership
from leveret.mqtt.subscriptions import Verdict
from leveret.tables import BOOL, INT64, LONGSTR, TABLE, UINT8, UINT32, Field, Table

# The argument of a member's binding.
MEMBER: Final = "x-mqtt-shared-subscription"
_CLIENT: Final = "client-id"
_FILTER: Final = "filter"
_QOS: Final = "qos"
_RETAIN: Final = "retain-as-published"
_IDENTIFIER: Final = "id"
# Whether the session outlives its connection.
_LASTS: Final = "lasts"
# Under what the node keeps those whose members did not come back since it was started.
_NAME: Final = "mqtt memberships"


@final
class Share(Membership):
    """One session's part in a group.  ``arguments`` are those of its binding."""

    def __init__(self, exchange: str, queue: str, key: str, arguments: Table) -> None:
        super().__init__()
        self.exchange: Final = exchange
        self.queue: Final = queue
        self.key: Final = key
        self.arguments: Final = arguments

    @property
    def _facts(self) -> Table:
        field = self.arguments[MEMBER]
        assert isinstance(field.value, dict)
        facts: Table = field.value
        return facts

    @property
    def client_id(self) -> str:
        """Whose it is."""
        return str(self._facts[_CLIENT].value)

    @property
    def text(self) -> str:
        """What the client subscribed to."""
        return str(self._facts[_FILTER].value)

    @property
    def qos(self) -> int:
        """The most that messages may have."""
        value = self._facts[_QOS].value
        return max(0, min(value, 2)) if isinstance(value, int) else 0

    @property
    def lasts(self) -> bool:
        """Whether the session outlives its connection."""
        return self._facts[_LASTS].value is True

    def verdict(self) -> Verdict:
        """How messages are sent."""
        facts = self._facts
        writer = PropertyWriter()
        field = facts.get(_IDENTIFIER)
        value = field.value if field is not None else 0
        if isinstance(value, int) and 0 < value <= REMAINING_MAX:
            writer.number(SUBSCRIPTION_IDENTIFIER, value)
        return Verdict(True, self.qos, facts[_RETAIN].value is True, writer.octets())

    def leave(self, vhost: VHost) -> None:
        """The session is no member any more; the last one takes the queue with it."""
        source = vhost.exchanges.get(self.exchange)
        queue = vhost.queues.get(self.queue)
        if source is None or queue is None:
            return
        vhost.unbind(source, queue, None, self.key, self.arguments)
        queue = vhost.queues.get(self.queue)
        if queue is not None and not _shares(vhost, queue):
            vhost.delete_queue(queue, False, False)


@final
class Sharing:
    """The memberships of one session, as long as it has a connection."""

    def __init__(self, node: Node, client: Client, actor: Actor, delivery: Delivery) -> None:
        self._node: Final = node
        self._client: Final = client
        self._vhost: Final = client.vhost
        self._actor: Final = actor
        self._delivery: Final = delivery
        self._exchange: Final = node.settings.mqtt_exchange
        for share in absent_of(node).take(client.vhost, client.client_id):
            client.memberships[share.text] = share

    def subscribe(self, topic_filter: TopicFilter, wish: Wish, identifier: int) -> None:
        """Become a member, or ask for other things than before.  Raises refusals, Pending."""
        if wish.is_no_local:
            raise MqttFault(PROTOCOL_ERROR, "a shared subscription with 'no local'")
        arguments = self._arguments(topic_filter, wish, identifier)
        name = topic_filter.queue_name
        share = Share(self._exchange, name, topic_filter.key, arguments)
        access = self._actor.access
        access.configure("queue", name)
        access.write("queue", name)
        access.read("queue", name)
        if name not in self._vhost.queues:
            self._actor.declare_queue(self._wish(name))
        self._actor.bind_queue(self._exchange, name, share.key, arguments)
        before = self._client.memberships.get(share.text)
        self._client.memberships[share.text] = share
        if isinstance(before, Share):
            self._delivery.cancel(self._vhost.queues[name])
            if not _is_same(before.arguments, arguments):
                before.leave(self._vhost)
        self._consume(share)
        self._recount(name)

    def _arguments(self, topic_filter: TopicFilter, wish: Wish, identifier: int) -> Table:
        facts: Table = {
            _CLIENT: Field(LONGSTR, self._client.client_id),
            _FILTER: Field(LONGSTR, topic_filter.text),
            _QOS: Field(UINT8, wish.qos),
            _RETAIN: Field(BOOL, wish.is_retain_as_published),
            _LASTS: Field(BOOL, self._client.expiry_s > 0),
        }
        if identifier:
            facts[_IDENTIFIER] = Field(UINT32, identifier)
        return {MEMBER: Field(TABLE, facts)}

    def _wish(self, name: str) -> QueueWish:
        arguments: Table = {}
        longest_s = self._node.settings.mqtt_max_session_expiry_interval_s
        if 0 < longest_s < FOREVER_S:
            arguments["x-expires"] = Field(INT64, min(longest_s * 1000, MAX_MILLISECONDS))
        return QueueWish(name, True, False, 0, arguments)

    def _consume(self, share: Share) -> None:
        queue = self._vhost.queues.get(share.queue)
        if queue is not None:
            self._delivery.consume(queue, share.qos > 0, share.verdict())

    def _recount(self, name: str) -> None:
        """Count for a new consumer what was sent for the one before it."""
        flights = self._client.flights.values()
        count = len([each for each in flights if each.queue.name == name and not each.is_settled])
        for consumer in self._delivery.consumers:
            if consumer.queue.name == name:
                consumer.unacked_count = count

    def unsubscribe(self, topic_filter: TopicFilter) -> bool:
        """Be no member any more.  False if it was none.  Raises Pending, AccessRefused.

        What is under way stays so until the client answers for it.
        """
        share = self._client.memberships.get(topic_filter.text)
        if not isinstance(share, Share):
            return False
        self._actor.access.write("queue", share.queue)
        del self._client.memberships[topic_filter.text]
        queue = self._vhost.queues.get(share.queue)
        if queue is not None:
            self._delivery.cancel(queue)
        share.leave(self._vhost)
        return True

    def check(self) -> None:
        """See whether the client may take part as before.  Raises refusals, Pending."""
        for share in self._client.memberships.values():
            assert isinstance(share, Share)
            if share.queue in self._vhost.queues:
                self._actor.access.read("queue", share.queue)

    def resume(self) -> None:
        """The client is back: take part again.  Raises AccessRefused."""
        for share in list(self._client.memberships.values()):
            assert isinstance(share, Share)
            queue = self._vhost.queues.get(share.queue)
            if queue is None:
                del self._client.memberships[share.text]
            elif not self._delivery.reads(queue):
                self._consume(share)

    def end(self) -> None:
        """The connection is gone, consumers too: others get what this client did not answer for.

        But for QoS 2: nobody else may get what the client has perhaps.
        """
        flights = self._client.flights
        by_queue: dict[Queue, list[Waiting]] = {}
        for flight in list(flights.values()):
            queue = flight.queue
            # Of groups that it has given up, too.
            if flight.is_shared and flight.qos == 1 and not (flight.is_settled or queue.is_gone):
                del flights[flight.packet_id]
                flight.is_settled = True
                queue.unacked_octets -= len(flight.message.body)
                waiting = Waiting(flight.message, flight.offset, True)
                by_queue.setdefault(queue, []).append(waiting)
        for queue, back in by_queue.items():
            queue.put_back(back, True)
            queue.dispatch()


@final
class Absent:
    """The memberships of sessions that nobody has come back to since the node was started."""

    def __init__(self, node: Node) -> None:
        self._by_client: Final[dict[tuple[str, str], list[Share]]] = {}
        for vhost in node.vhosts.values():
            for queue in list(vhost.queues.values()):
                if queue.name.startswith(SHARED_QUEUE):
                    self._look(vhost, queue)

    def _look(self, vhost: VHost, queue: Queue) -> None:
        for share in _shares(vhost, queue):
            if share.lasts:
                self._by_client.setdefault((vhost.name, share.client_id), []).append(share)
            else:
                # The broker has ended before the connection.
                share.leave(vhost)

    def take(self, vhost: VHost, client_id: str) -> list[Share]:
        """Those of a client that has come."""
        return self._by_client.pop((vhost.name, client_id), [])


def absent_of(node: Node) -> Absent:
    """Those of ``node``: looked for once, when its first client comes."""
    found = node.belongings.get(_NAME)
    if isinstance(found, Absent):
        return found
    made = Absent(node)
    node.belongings[_NAME] = made
    return made


def _shares(vhost: VHost, queue: Queue) -> list[Share]:
    """The members of a group, by its queue."""
    return [
        Share(binding.source.name, queue.name, binding.routing_key, binding.arguments)
        for binding in vhost.bindings_to(queue)
        if _is_member(binding.arguments)
    ]


def _is_member(arguments: Table) -> bool:
    """Whether a binding is one that we made, or looks the same."""
    field = arguments.get(MEMBER)
    if field is None or not isinstance(field.value, dict):
        return False
    facts: Table = field.value
    return {_CLIENT, _FILTER, _QOS, _RETAIN, _LASTS} <= set(facts)


def _is_same(first: Table, second: Table) -> bool:
    return first[MEMBER].same_as(second[MEMBER])
