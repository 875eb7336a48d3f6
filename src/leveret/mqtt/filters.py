"""Topics and topic filters: which are valid, what they match, and what they are in AMQP.

::

    topic    sensors/kitchen/heat      routing key   sensors.kitchen.heat
    filter   sensors/+/heat/#          binding key   sensors.*.heat.#
    shared   $share/group/sensors/#    the same filter, read by the members of a group in turn

A dot in a topic is a slash too, as in RabbitMQ: ``a.b`` and ``a/b`` are one.
Source: MQTT 5.0, sections 4.7 and 4.8.2; the mapping: RabbitMQ 4.3, "MQTT Plugin".
"""

import hashlib
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import MAX_KEY_OCTETS
from leveret.mqtt.codes import TOPIC_FILTER_INVALID, TOPIC_NAME_INVALID, MqttFault

SHARE: Final = "$share/"
# What the queue of a shared subscription is called.
SHARED_QUEUE: Final = "mqtt-shared-"


@final
@mypyc_attr(acyclic=True)
class TopicFilter:
    """A valid filter.

    ``text`` is what the client said, ``filter`` what matches topics, ``key`` the binding key, and
    ``group`` the group that shares it, "" for none.
    """

    def __init__(self, text: str, topic_filter: str, group: str) -> None:
        self.text: Final = text
        self.filter: Final = topic_filter
        self.group: Final = group
        self.key: Final = topic_filter.replace("/", ".").replace("+", "*")

    @property
    def is_shared(self) -> bool:
        """Whether each message is for one member of a group."""
        return self.group != ""

    @property
    def has_wildcards(self) -> bool:
        """Whether it is for more than one topic."""
        return is_pattern(self.filter)

    def matches(self, topic: str) -> bool:
        """Whether a message to ``topic`` is for it."""
        return matches(self.filter, topic)

    @property
    def queue_name(self) -> str:
        """The queue that the members of the group read."""
        assert self.group
        name = f"{SHARED_QUEUE}{self.group}/{self.filter}"
        if len(name.encode()) <= MAX_KEY_OCTETS:
            return name
        return SHARED_QUEUE + hashlib.sha256(self.text.encode()).hexdigest()


def read_filter(text: str) -> TopicFilter:
    """``text`` of a SUBSCRIBE or UNSUBSCRIBE, checked.  Raises MqttFault."""
    if not text.startswith(SHARE):
        _check(text, text)
        return TopicFilter(text, text, "")
    group, slash, topic_filter = text[len(SHARE) :].partition("/")
    if not group or not slash or "+" in group or "#" in group:
        raise MqttFault(TOPIC_FILTER_INVALID, f"'{text}' names no group that shares a filter")
    _check(topic_filter, text)
    return TopicFilter(text, topic_filter, group)


def _check(topic_filter: str, text: str) -> None:
    if not topic_filter:
        raise MqttFault(TOPIC_FILTER_INVALID, f"'{text}' is an empty filter")
    if len(topic_filter.encode()) > MAX_KEY_OCTETS:
        raise MqttFault(TOPIC_FILTER_INVALID, "a filter may have 255 octets here")
    if is_pattern(topic_filter):
        levels = topic_filter.split("/")
        for index, level in enumerate(levels):
            is_wrong = len(level) > 1 and is_pattern(level)
            if is_wrong or (level == "#" and index != len(levels) - 1):
                why = "'+' must stand for a whole level, '#' for all levels at the end"
                raise MqttFault(TOPIC_FILTER_INVALID, f"'{text}' is no filter: {why}")


def is_pattern(text: str) -> bool:
    """Whether there is a wildcard in ``text``."""
    return "+" in text or "#" in text


def matches(topic_filter: str, topic: str) -> bool:
    """Whether ``topic_filter``, a valid one, matches ``topic``.

    Wildcards never match the first level of a topic that begins with ``$``.  The dots of both
    count as slashes, as they do on the way through an exchange.
    """
    wanted = topic_filter.replace(".", "/").split("/")
    if topic.startswith("$") and is_pattern(wanted[0]):
        return False
    levels = topic.replace(".", "/").split("/")
    if wanted[-1] == "#":
        del wanted[-1]
        if len(levels) < len(wanted):
            return False
        del levels[len(wanted) :]
    if len(levels) != len(wanted):
        return False
    return all(level in ("+", levels[index]) for index, level in enumerate(wanted))


def routing_key(topic: str) -> str:
    """The routing key that messages to ``topic``, a valid one, are published with.

    Raises MqttFault if there is none: in AMQP it has at most 255 octets.
    """
    if len(topic) > MAX_KEY_OCTETS or len(topic.encode()) > MAX_KEY_OCTETS:
        raise MqttFault(TOPIC_NAME_INVALID, "a topic may have 255 octets here, this one has more")
    return topic.replace("/", ".")


def topic_of(key: str) -> bytes:
    """The topic that a message published with the routing ``key`` has for MQTT clients.

    What no topic may hold, and a routing key may, is an underscore in it: wildcards, U+0000, and
    octets that are not UTF-8.
    """
    topic = key.replace(".", "/")
    if is_pattern(topic) or "\0" in topic:
        topic = topic.replace("+", "_").replace("#", "_").replace("\0", "_")
    try:
        return topic.encode("utf-8")
    except UnicodeEncodeError:
        return "".join(["_" if 0xD800 <= ord(c) <= 0xDFFF else c for c in topic]).encode()
