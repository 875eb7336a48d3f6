"""$SYS topics: what the broker tells of itself, to those who subscribe to them.

The names are mosquitto's, the numbers those of the subscriber's vhost.  They go through no
exchange and lie in no queue: who listens is told what has changed, and who subscribes what is.
Nothing is looked up while nobody listens.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.tallies import Flow, Past
from leveret.broker.timetable import Appointee
from leveret.broker.totals import pasts_of, read_of
from leveret.broker.vhost import VHost
from leveret.mqtt.convert import Plain
from leveret.mqtt.filters import SHARED_QUEUE, matches
from leveret.mqtt.retained import retained_of
from leveret.version import VERSION

SYS: Final = "$SYS"
_BROKER: Final = "$SYS/broker/"
# Under what the node keeps them.
_NAME: Final = "mqtt sys topics"
_SECOND_NS: Final = 1_000_000_000
# How queues of subscriptions, and metrics of the protocol, are called.
_QUEUE: Final = "mqtt-subscription-"
_LABEL: Final = "mqtt"


def is_sys(text: str) -> bool:
    """Whether a topic, or a filter, is one of ours, where no client may publish."""
    return text == SYS or text.startswith(("$SYS/", "$SYS."))


@mypyc_attr(allow_interpreted_subclasses=True)
class SysListener(ABC):
    """Who is told what has changed."""

    @abstractmethod
    def hear(self, message: Message) -> None:
        """One topic has a new value; maybe not one that was asked for."""


@final
class SysTopics:
    """Those of one node."""

    def __init__(self, node: Node) -> None:
        self._node: Final = node
        self._interval_ns: Final = node.settings.mqtt_sys_interval_s * _SECOND_NS
        self._listeners: Final[dict[SysListener, VHost]] = {}
        # What was told last, by vhost.
        self._told: Final[dict[str, dict[str, str]]] = {}
        self._pulse: Final = Pulse(self)
        self._properties: Final = Plain().properties(0, True)

    def join(self, listener: SysListener, vhost: VHost) -> None:
        """Tell ``listener`` from now on what changes in ``vhost``.  Once is enough."""
        if self._interval_ns > 0:
            self._listeners[listener] = vhost
            self._appoint()

    def leave(self, listener: SysListener) -> None:
        """Tell it no more; it need not have joined."""
        self._listeners.pop(listener, None)

    def find(self, vhost: VHost, topic_filter: str) -> list[Message]:
        """The present values of all topics that ``topic_filter``, a valid one, matches."""
        if self._interval_ns == 0 or not is_sys(topic_filter):
            return []
        past = pasts_of(self._node).get(vhost.name)
        if past is None:
            return []
        values = _values(self._node, vhost, past)
        found = [topic for topic in values if matches(topic_filter, topic)]
        return [self._message(topic, values[topic]) for topic in found]

    def tell(self) -> None:
        """Tell the listeners what has changed since the last time."""
        if not self._listeners:
            self._told.clear()
            return
        pasts = pasts_of(self._node)
        changed: dict[str, list[Message]] = {}
        for vhost in {vhost.name: vhost for vhost in self._listeners.values()}.values():
            past = pasts.get(vhost.name)
            if past is not None:
                changed[vhost.name] = self._changed(vhost, past)
        for listener, vhost in list(self._listeners.items()):
            for message in changed.get(vhost.name, []):
                listener.hear(message)
        self._appoint()

    def _changed(self, vhost: VHost, past: Past) -> list[Message]:
        values = _values(self._node, vhost, past)
        told = self._told.get(vhost.name, {})
        self._told[vhost.name] = values
        changed = [topic for topic in values if told.get(topic) != values[topic]]
        return [self._message(topic, values[topic]) for topic in changed]

    def _message(self, topic: str, value: str) -> Message:
        origin = Origin(self._node.settings.mqtt_exchange, topic.replace("/", "."))
        return Message(origin, self._properties, value.encode())

    def _appoint(self) -> None:
        now_ns = self._node.clock.now_ns()
        self._node.timetable.appoint(self._pulse, now_ns + self._interval_ns)


@final
class Pulse(Appointee):
    """Has the topics told when it is time."""

    def __init__(self, topics: SysTopics) -> None:
        super().__init__()
        self._topics: Final = topics

    def on_time(self, now_ns: int) -> None:
        """It is time."""
        self._topics.tell()


def _values(node: Node, vhost: VHost, past: Past) -> dict[str, str]:
    """Every topic with its value."""
    uptime_s = (node.clock.now_ns() - node.started_ns) // _SECOND_NS
    flow = Flow()
    for label, each in past.flows.items():
        if label.startswith(_LABEL):
            flow.add(each)
    subscriptions, shared = _subscriptions(node, vhost)
    values: dict[str, str] = {"version": f"leveret {VERSION}", "uptime": f"{uptime_s} seconds"}
    counts: dict[str, int] = {
        "clients/connected": _connected(node, vhost),
        "messages/received": int(flow.publishes.published),
        "messages/sent": read_of(flow).deliver_get,
        "publish/messages/received": int(flow.publishes.published),
        "publish/messages/sent": read_of(flow).deliver_get,
        "publish/messages/dropped": int(flow.publishes.dropped),
        "bytes/received": int(past.traffic.octets_in),
        "bytes/sent": int(past.traffic.octets_out),
        "subscriptions/count": subscriptions,
        "shared_subscriptions/count": shared,
        "retained messages/count": retained_of(node).store.count(vhost),
    }
    for name, count in counts.items():
        values[name] = str(count)
    return {_BROKER + name: value for name, value in values.items()}


def _connected(node: Node, vhost: VHost) -> int:
    return len(
        [
            link
            for link in node.connections.by_id.values()
            if link.vhost == vhost.name and "MQTT" in link.protocol
        ]
    )


def _subscriptions(node: Node, vhost: VHost) -> tuple[int, int]:
    """How many there are, that of a whole group counted once; and how many are of groups."""
    exchange = vhost.exchanges.get(node.settings.mqtt_exchange)
    if exchange is None:
        return 0, 0
    count, shared = 0, 0
    for binding in exchange.bindings.values():
        name = binding.queue.name if binding.queue is not None else ""
        if name.startswith(SHARED_QUEUE):
            shared += 1
        if name.startswith((SHARED_QUEUE, _QUEUE)):
            count += 1
    return count, shared


def sys_topics_of(node: Node) -> SysTopics:
    """What all MQTT listeners of ``node`` share."""
    found = node.belongings.get(_NAME)
    if isinstance(found, SysTopics):
        return found
    made = SysTopics(node)
    node.belongings[_NAME] = made
    return made
