"""Retained messages, and the present values of $SYS topics, for who has just subscribed.

They go through the session's own queues, so that they are sent, acknowledged and sent again as all
others are, and nothing is lost where there is no room for all of them at once.
Source: MQTT 5.0, sections 3.3.1.3 and 3.8.3.1.
"""

from typing import Final, final

from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.properties import EXPIRATION, with_property
from leveret.mqtt.convert import expiry_time
from leveret.mqtt.delivery import RETAINED, Delivery
from leveret.mqtt.filters import TopicFilter
from leveret.mqtt.packets import Wish
from leveret.mqtt.retained import retained_of
from leveret.mqtt.state import Client
from leveret.mqtt.sys_topics import SysListener, is_sys, sys_topics_of

_IF_NEW: Final = 1
_NEVER: Final = 2


@final
class Ear(SysListener):
    """Sends a session what it has subscribed to of $SYS topics.  What has no room is not sent."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self._delivery: Final = delivery

    def hear(self, message: Message) -> None:
        """One topic has a new value."""
        delivery = self._delivery
        verdict = delivery.verdict(message)
        if verdict.is_wanted and delivery.output.has_room():
            delivery.send_unacked(message, verdict)


@final
class Reminders:
    """Those of one session.  ``note`` what is subscribed to, and ``send`` after the answer.

    ``_waiting`` from ``_head`` on is what there was no room for yet.
    """

    def __init__(self, node: Node, client: Client, delivery: Delivery) -> None:
        self._node: Final = node
        self._client: Final = client
        self._delivery: Final = delivery
        self._filters: dict[str, TopicFilter] = {}
        self._waiting: list[Message] = []
        self._head = 0
        self._ear: Ear | None = None

    def note(self, topic_filter: TopicFilter, wish: Wish, is_new: bool) -> None:
        """The session has subscribed.  Noting it twice is noting it once."""
        handling = wish.retain_handling
        if handling != _NEVER and (is_new or handling != _IF_NEW):
            self._filters[topic_filter.text] = topic_filter
        self.listen(topic_filter.filter)

    def listen(self, topic_filter: str) -> None:
        """Tell the session what changes, if it has subscribed to $SYS topics."""
        if self._ear is None and is_sys(topic_filter):
            self._ear = Ear(self._delivery)
            sys_topics_of(self._node).join(self._ear, self._client.vhost)

    def end(self) -> None:
        """The connection is gone."""
        self._filters = {}
        self._waiting = []
        if self._ear is not None:
            sys_topics_of(self._node).leave(self._ear)
            self._ear = None

    def send(self) -> None:
        """Send what there is for all that was noted, as far as there is room.

        What was noted since is looked for when all that was found before is sent: who subscribes
        again and again, and does not read, must not make it ever more.
        """
        while True:
            waiting = self._waiting
            while self._head < len(waiting):
                if not self._delivery.output.has_room():
                    return
                self._head += 1
                self._send(waiting[self._head - 1])
            self._waiting = []
            self._head = 0
            if not self._filters:
                return
            self._find()

    def _find(self) -> None:
        filters = self._filters
        self._filters = {}
        vhost = self._client.vhost
        retained = retained_of(self._node).store
        topics = sys_topics_of(self._node)
        for topic_filter in filters.values():
            for message in retained.find(vhost, topic_filter.filter):
                self._add(message)
            for message in topics.find(vhost, topic_filter.filter):
                self._add(message)

    def _add(self, message: Message) -> None:
        """Send ``message`` when there is room, or at once if its queue keeps it until then."""
        verdict = self._delivery.subscriptions.verdict(message.origin.routing_key, False)
        if verdict.qos > 0:
            self._send(message)
        else:
            self._waiting.append(message)

    def _send(self, message: Message) -> None:
        origin = Origin(message.origin.exchange, message.origin.routing_key, RETAINED)
        verdict = self._delivery.subscriptions.verdict(origin.routing_key, False)
        vhost = self._client.vhost
        queue = vhost.queues.get(self._client.queue_name(verdict.qos))
        if not verdict.is_wanted or queue is None:
            return
        message = Message(origin, message.properties, message.body)
        expires_s = expiry_time(message.properties)
        if expires_s >= 0:
            # It has waited here already.
            left_ms = b"%d" % (max(0, expires_s - self._node.clock.unix_s()) * 1000)
            octets = bytes((len(left_ms),)) + left_ms
            properties = with_property(message.properties, EXPIRATION, octets)
            message = Message(origin, properties, message.body)
        queue.publish(message)
        if vhost.ledger is not None and message.properties.is_persistent:
            vhost.ledger.published(message, [queue])
