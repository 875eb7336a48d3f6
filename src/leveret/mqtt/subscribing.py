"""SUBSCRIBE and UNSUBSCRIBE: a session's queues, their bindings, and their life beyond it.

::

    mqtt-subscription-<client>qos0      what is sent with QoS 0
    mqtt-subscription-<client>qos1      what is sent with QoS 1 and 2

A session that ends with its connection has them for itself, and they go with it; those of another
are durable, and expire when nobody comes back.
Behaviour: RabbitMQ 4.3, "MQTT Plugin".
"""

from typing import Final, final

from leveret.broker.actor import Actor
from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.broker.wishes import QueueWish
from leveret.errors import AccessRefused, BrokerError, LimitReached, NotFound, PreconditionFailed
from leveret.mqtt.codes import (
    NO_SUBSCRIPTION_EXISTED,
    NOT_AUTHORIZED,
    PROTOCOL_ERROR,
    QUOTA_EXCEEDED,
    SUCCESS,
    UNSPECIFIED_ERROR,
    MqttFault,
)
from leveret.mqtt.delivery import Delivery
from leveret.mqtt.filters import TopicFilter, read_filter
from leveret.mqtt.packets import Wish
from leveret.mqtt.reminders import Reminders
from leveret.mqtt.sharing import Sharing
from leveret.mqtt.state import EXPIRES, Client
from leveret.mqtt.subscriptions import Subscription, read_subscription
from leveret.tables import INT64, LONGSTR, Field, Table

_TYPE: Final = "x-queue-type"
_QOS_1: Final = 1


@final
class Subscribing:
    """Subscribes for one connection; ``owner_id`` is what it has queues for itself with."""

    def __init__(
        self, node: Node, client: Client, actor: Actor, delivery: Delivery, owner_id: int
    ) -> None:
        self._node: Final = node
        self._client: Final = client
        self._actor: Final = actor
        self._vhost: Final = client.vhost
        self._delivery: Final = delivery
        self._owner_id: Final = owner_id
        self._exchange: Final = node.settings.mqtt_exchange
        # Why what was asked for last was refused, if it was.
        self.why = ""
        # What was retained, to be sent after SUBACK.
        self.reminders: Final = Reminders(node, client, delivery)
        self._sharing: Final = Sharing(node, client, actor, delivery)

    # --- sessions --------------------------------------------------------------------------

    @property
    def is_present(self) -> bool:
        """Whether there is anything of a session that this client had before."""
        if self._client.has_more_than_queues:
            return True
        queues = self._vhost.queues
        return len([name for name in self._client.queue_names if name in queues]) > 0

    def begin_anew(self) -> None:
        """Forget what was of an earlier session.  Raises refusals, Pending."""
        for name in self._client.queue_names:
            if name in self._vhost.queues:
                self._actor.delete_queue(name, False, False)
        self._client.forget_packets()

    def resume(self) -> None:
        """Go on where an earlier session stopped.  Raises refusals, Pending."""
        queues: list[Queue] = []
        for qos in (0, _QOS_1):
            name = self._client.queue_name(qos)
            if name in self._vhost.queues:
                queues.append(self._actor.readable_queue(name))
                self._remember(queues[-1], qos)
        # All is decided before anything is read: who has to wait comes here again.
        self._sharing.check()
        for queue in queues:
            self._delivery.consume(queue, self._is_acked(queue))
        self.change_expiry(self._client.expiry_s)
        self._sharing.resume()

    def _is_acked(self, queue: Queue) -> bool:
        return queue.name == self._client.queue_name(_QOS_1)

    def _remember(self, queue: Queue, qos: int) -> None:
        """Take the session's subscriptions from the bindings of its queue."""
        for binding in self._vhost.bindings_to(queue):
            if binding.source.name == self._exchange:
                found = read_subscription(binding.routing_key, binding.arguments, qos)
                self._delivery.subscriptions.add(found)
                self.reminders.listen(binding.routing_key)

    def _let_expire(self, queue: Queue) -> None:
        """Let ``queue`` last as long as the session does now."""
        wanted = self._client.expires_ms
        field = queue.arguments.get(EXPIRES)
        has = field.value if field is not None else None
        if has != wanted and queue.owner_id == 0 and self._client.expiry_s > 0:
            argument = Field(INT64, wanted) if wanted is not None else None
            self._vhost.give_argument(queue, EXPIRES, argument)

    def change_expiry(self, expiry_s: int) -> None:
        """The session is to last for another time than was said at first."""
        self._client.expiry_s = expiry_s
        for name in self._client.queue_names:
            queue = self._vhost.queues.get(name)
            if queue is not None:
                self._let_expire(queue)

    def end(self, is_over: bool) -> None:
        """The connection is gone: so are the queues if the session ``is_over``, too."""
        self._delivery.end()
        self._sharing.end()
        self.reminders.end()
        if not is_over:
            return
        for name in self._client.queue_names:
            queue = self._vhost.queues.get(name)
            if queue is not None and queue.owner_id in (0, self._owner_id):
                self._vhost.delete_queue(queue, False, False, self._actor.access.user.name)

    # --- SUBSCRIBE -------------------------------------------------------------------------

    def subscribe(self, wish: Wish, identifier: int) -> int:
        """Subscribe to one filter: the QoS that is granted, or why it is refused.

        Raises Pending; then all of the packet is to be handled again.
        """
        try:
            topic_filter = read_filter(wish.filter)
            if topic_filter.is_shared:
                self._sharing.subscribe(topic_filter, wish, identifier)
            else:
                self._subscribe(topic_filter, wish, identifier)
        except MqttFault as fault:
            if fault.reason == PROTOCOL_ERROR:
                raise
            self.why = fault.text
            return fault.reason
        except BrokerError as refusal:
            self.why = refusal.detail
            return reason_of(refusal)
        return wish.qos

    def _subscribe(self, topic_filter: TopicFilter, wish: Wish, identifier: int) -> None:
        new = Subscription(
            topic_filter.key,
            wish.qos,
            wish.is_no_local,
            wish.is_retain_as_published,
            identifier,
        )
        subscriptions = self._delivery.subscriptions
        old = subscriptions.by_key.get(new.key)
        queue = self._queue(new.qos)
        self._actor.bind_queue(self._exchange, queue.name, new.key, new.arguments())
        if old is not None:
            self._drop(old, new)
        subscriptions.add(new)
        self.reminders.note(topic_filter, wish, old is None)

    def _drop(self, old: Subscription, new: Subscription) -> None:
        """Take away the binding of ``old``, in whose place there is ``new``."""
        name = self._client.queue_name(old.qos)
        is_same = name == self._client.queue_name(new.qos)
        if not is_same or old.arguments() != new.arguments():
            self._actor.unbind_queue(self._exchange, name, old.key, old.arguments())

    def _queue(self, qos: int) -> Queue:
        """The session's queue for ``qos``, made and read from if it was not."""
        name = self._client.queue_name(qos)
        access = self._actor.access
        access.configure("queue", name)
        access.write("queue", name)
        access.read("queue", name)
        queue = self._vhost.queues.get(name)
        if queue is None:
            queue = self._new_queue(name, qos)
        else:
            queue = self._vhost.queue(name, self._owner_id)
        if not self._delivery.reads(queue):
            self._delivery.consume(queue, qos > 0)
        return queue

    def _new_queue(self, name: str, qos: int) -> Queue:
        wish = self._wish(name)
        if qos == 0 and self._client.expiry_s == 0:
            limit = self._node.settings.mqtt_mailbox_soft_limit
            return self._vhost.add_mailbox(wish, limit, self._actor.access.user.name)
        return self._actor.declare_queue(wish)

    def _wish(self, name: str) -> QueueWish:
        if self._client.expiry_s == 0:
            return QueueWish(name, False, True, self._owner_id, {})
        kind = self._node.settings.mqtt_durable_queue_type
        arguments: Table = {_TYPE: Field(LONGSTR, kind)}
        expires_ms = self._client.expires_ms
        if expires_ms is not None:
            arguments[EXPIRES] = Field(INT64, expires_ms)
        return QueueWish(name, True, False, 0, arguments)

    # --- UNSUBSCRIBE -----------------------------------------------------------------------

    def unsubscribe(self, text: str) -> int:
        """Give up one filter: whether there was one, or why that is refused.  Raises Pending."""
        try:
            topic_filter = read_filter(text)
            if topic_filter.is_shared:
                was_member = self._sharing.unsubscribe(topic_filter)
                return SUCCESS if was_member else NO_SUBSCRIPTION_EXISTED
            old = self._delivery.subscriptions.by_key.get(topic_filter.key)
            if old is None:
                return NO_SUBSCRIPTION_EXISTED
            name = self._client.queue_name(old.qos)
            self._actor.unbind_queue(self._exchange, name, old.key, old.arguments())
            self._delivery.subscriptions.remove(old.key)
        except MqttFault as fault:
            self.why = fault.text
            return fault.reason
        except BrokerError as refusal:
            self.why = refusal.detail
            return reason_of(refusal)
        return SUCCESS


def reason_of(refusal: BrokerError) -> int:
    """The reason code that says to a client what ``refusal`` does."""
    if isinstance(refusal, (AccessRefused, NotFound)):
        return NOT_AUTHORIZED
    if isinstance(refusal, (LimitReached, PreconditionFailed)):
        # What of a queue or a binding could be wrong here is only their number.
        return QUOTA_EXCEEDED
    return UNSPECIFIED_ERROR
