"""Topic aliases: numbers that stand for topics, for one connection, in both directions.

Source: MQTT 5.0, section 3.3.2.3.4.
"""

from typing import Final, final

from leveret.mqtt.codes import PROTOCOL_ERROR, TOPIC_ALIAS_INVALID, MqttFault

# A topic this short is not worth an alias, which takes three octets of every packet.
_SHORT: Final = 4
# A client may allow for 65,535; nobody is to make us remember so many.
_MOST_OUT: Final = 1024


@final
class AliasesIn:
    """Those that a client has chosen for what it publishes; ``maximum`` is what it was told."""

    def __init__(self, maximum: int) -> None:
        self._maximum: Final = maximum
        self._topics: Final[dict[int, bytes]] = {}

    def topic(self, alias: int, topic: bytes) -> bytes:
        """The topic of a PUBLISH with ``alias``; one that is not empty is remembered.

        Raises MqttFault for an alias that was not chosen yet, or may not be.
        """
        if alias > self._maximum:
            what = f"topic alias {alias}, at most {self._maximum} is taken"
            raise MqttFault(TOPIC_ALIAS_INVALID, what)
        if topic:
            self._topics[alias] = topic
            return topic
        known = self._topics.get(alias)
        if known is None:
            raise MqttFault(PROTOCOL_ERROR, f"topic alias {alias} stands for no topic")
        return known


@final
class AliasesOut:
    """Those that we choose for what a client gets; ``maximum`` is what it allows for, 0 none.

    The first topics get one each; when all are given away, that of the topic that came least
    lately is given to the next one that comes a second time in a row of its kind: topics that come
    once only must not drive out the others.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum: Final = min(maximum, _MOST_OUT)
        # In the order in which they were last used.
        self._aliases: Final[dict[bytes, int]] = {}
        self._candidate = b""
        # Numbers that were given away, and not told.
        self._free: Final[list[int]] = []
        # Whether the client must be told the topic together with the alias found last.
        self.is_new = False

    def alias(self, topic: bytes) -> int:
        """The alias for ``topic``, 0 for none.  See ``is_new``."""
        aliases = self._aliases
        found = aliases.get(topic)
        if found is not None:
            self.is_new = False
            if len(aliases) == self._maximum:
                # Only then does the order count.
                del aliases[topic]
                aliases[topic] = found
            return found
        if self._maximum == 0 or len(topic) < _SHORT:
            return 0
        number = len(aliases) + len(self._free) + 1
        if self._free:
            number = self._free.pop()
        elif number > self._maximum:
            if topic != self._candidate:
                self._candidate = topic
                return 0
            oldest = next(iter(aliases))
            number = aliases.pop(oldest)
        aliases[topic] = number
        self.is_new = True
        return number

    def forget(self, topic: bytes) -> None:
        """The packet with a new alias for ``topic`` was not sent after all."""
        number = self._aliases.pop(topic, 0)
        if number > 0:
            self._free.append(number)
