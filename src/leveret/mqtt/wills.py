"""The will of a client that is gone without a word: published for it, at once or after a delay.

Source: MQTT 5.0, sections 3.1.2.5 and 3.1.3.2.2.
"""

from typing import Final, final

from leveret.auth.access import Access
from leveret.auth.rights import Inquiry, Pending, Waiter
from leveret.broker.actor import Actor
from leveret.broker.intake import take_in
from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.timetable import Appointee
from leveret.errors import BrokerError
from leveret.mqtt.convert import amqp_properties
from leveret.mqtt.filters import routing_key
from leveret.mqtt.packets import Will
from leveret.mqtt.properties import WILL_DELAY
from leveret.mqtt.retained import retained_of
from leveret.mqtt.state import Client
from leveret.mqtt.sys_topics import is_sys

_SECOND_NS: Final = 1_000_000_000
# No will needs so many decisions from outside.
_MAX_INQUIRIES: Final = 20


@final
class LastWill(Appointee):
    """That of one connection.  Its topic is one that has a routing key."""

    def __init__(self, node: Node, client: Client, access: Access, will: Will, name: str) -> None:
        super().__init__()
        self._node: Final = node
        self._client: Final = client
        self._access: Final = access
        self._will: Final = will
        self._name: Final = name
        self._key: Final = routing_key(will.topic)
        self._inquiry_count = 0

    def fall_due(self) -> None:
        """The client is gone: publish it when its delay is over, or the session, if that is first.

        A client that comes back before has it cancelled.
        """
        delay_s = min(self._will.properties.number(WILL_DELAY, 0), self._client.expiry_s)
        if delay_s == 0:
            self.publish()
            return
        self._client.will = self
        self._node.timetable.appoint(self, self._node.clock.now_ns() + delay_s * _SECOND_NS)

    def on_time(self, now_ns: int) -> None:
        """The delay is over."""
        if self._client.will is self:
            self._client.will = None
        self.publish()

    def publish(self) -> None:
        """Publish it.  Whoever may not, or no more, has left none."""
        will = self._will
        node = self._node
        now_s = node.clock.unix_s()
        properties = amqp_properties(will.properties, will.qos, will.is_retained, now_s)
        vhost = self._client.vhost
        if node.vhosts.get(vhost.name) is not vhost or is_sys(will.topic):
            return
        actor = Actor(vhost, self._access)
        exchange = node.settings.mqtt_exchange
        try:
            take_in(actor, exchange, self._key, properties, will.payload, self._name)
            if will.is_retained:
                message = Message(Origin(exchange, self._key), properties, will.payload)
                retained_of(node).store.put(vhost, message)
        except BrokerError as refusal:
            node.notices.warn(f"connection {self._name}: its will is not published: {refusal}")
        except Pending as pending:
            self._inquiry_count += 1
            if self._inquiry_count <= _MAX_INQUIRIES:
                self._ask(pending.inquiry)

    def _ask(self, inquiry: Inquiry) -> None:
        inquiry.begin(Again(self))


@final
class Again(Waiter):
    """Waits for a decision about a will."""

    def __init__(self, will: LastWill) -> None:
        self._will: Final = will

    def go_on(self) -> None:
        """The decision is there."""
        self._will.publish()
