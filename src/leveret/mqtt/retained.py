"""Retained messages: the last of each topic, for whoever subscribes later.

By vhost, a trie over the levels of topics, which wildcards walk::

    sensors/kitchen/heat      sensors ─┬─ kitchen ── heat   [message]
    sensors/hall                       └─ hall              [message]

All that is kept is in memory; a store on disk writes it to the catalog, too, and reads it there
when it is made.  Behaviour: MQTT 5.0, section 3.3.1.3; limits: RabbitMQ 4.3, "MQTT Plugin".
Differs from RabbitMQ, which finds none for wildcards.
"""

import binascii
from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.properties import read_properties
from leveret.broker.timetable import Appointee
from leveret.broker.vhost import VHost
from leveret.mqtt.convert import expiry_time
from leveret.store.catalog import Catalog, CatalogError, Commits, Scribe

# Under what the node keeps the store; and its rows in the catalog.
_NAME: Final = "mqtt retained"
_KIND: Final = "retained"
# What a message takes beyond its octets, about.
_OVERHEAD_OCTETS: Final = 200
# How often what has expired is looked for, at most.
_SWEEP_NS: Final = 30_000_000_000
_NEVER_S: Final = 1 << 62


@mypyc_attr(allow_interpreted_subclasses=True)
class RetainedStore(ABC):
    """Where retained messages are kept.  Topics are those of the messages' routing keys."""

    @abstractmethod
    def put(self, vhost: VHost, message: Message) -> bool:
        """Keep ``message`` as that of its topic; an empty one clears the topic.

        False when there is no room for it: the one before it stays.
        """

    @abstractmethod
    def find(self, vhost: VHost, topic_filter: str) -> list[Message]:
        """The messages that have not expired of all topics that a valid filter matches."""

    @abstractmethod
    def count(self, vhost: VHost) -> int:
        """How many there are in ``vhost``."""


@final
class NothingRetained(RetainedStore):
    """Keeps none."""

    def put(self, vhost: VHost, message: Message) -> bool:
        """Keep nothing: clients were told so, those who can be."""
        return True

    def find(self, vhost: VHost, topic_filter: str) -> list[Message]:
        """There is none."""
        return []

    def count(self, vhost: VHost) -> int:
        """There is none."""
        return 0


@final
class Level:
    """One place in the trie."""

    def __init__(self) -> None:
        self.next: Final[dict[str, Level]] = {}
        self.message: Message | None = None


@final
class Topics:
    """The trie of one vhost."""

    def __init__(self, vhost: VHost) -> None:
        self.vhost: Final = vhost
        self.count = 0
        # What is not in the catalog yet, by routing key; None where a topic was cleared.
        self.changes: Final[dict[str, Message | None]] = {}
        self._root: Final = Level()

    def get(self, levels: list[str]) -> Message | None:
        """The message of a topic."""
        place = self._root
        for level in levels:
            found = place.next.get(level)
            if found is None:
                return None
            place = found
        return place.message

    def put(self, levels: list[str], message: Message) -> None:
        """Let ``message`` be that of a topic."""
        place = self._root
        for level in levels:
            found = place.next.get(level)
            if found is None:
                found = Level()
                place.next[level] = found
            place = found
        if place.message is None:
            self.count += 1
        place.message = message

    def remove(self, levels: list[str]) -> None:
        """Let a topic, which has a message, have none."""
        path = [self._root]
        for level in levels:
            path.append(path[-1].next[level])
        path[-1].message = None
        self.count -= 1
        for index in range(len(levels) - 1, -1, -1):
            place = path[index + 1]
            if place.next or place.message is not None:
                return
            del path[index].next[levels[index]]

    def find(self, wanted: list[str]) -> list[Message]:
        """The messages of all topics that match.  Goes to no place twice."""
        places = [self._root]
        for index, level in enumerate(wanted):
            if level == "#":
                return _messages(self._all_below(places, index == 0))
            if level == "+" or level == "*":
                # In AMQP a wildcard, too: what comes later is matched so.
                places = _children(places, index == 0)
            else:
                places = [place.next[level] for place in places if level in place.next]
        return _messages(places)

    def all(self) -> list[Message]:
        """Every message."""
        return _messages(self._all_below([self._root], False))

    def _all_below(self, places: list[Level], is_first: bool) -> list[Level]:
        """``places`` and all that is below them."""
        found = list(places)
        below = _children(places, is_first)
        while below:
            found.extend(below)
            below = _children(below, False)
        return found


def _children(places: list[Level], is_first: bool) -> list[Level]:
    """What is one level below; a wildcard at the first level passes over what begins with $."""
    if is_first:
        return [
            place.next[level]
            for place in places
            for level in place.next
            if not level.startswith("$")
        ]
    return [below for place in places for below in place.next.values()]


def _messages(places: list[Level]) -> list[Message]:
    return [place.message for place in places if place.message is not None]


@final
class Sweeper(Appointee):
    """Has a store swept when it is time."""

    def __init__(self, store: "RetainedInMemory") -> None:
        super().__init__()
        self._store: Final = store

    def on_time(self, now_ns: int) -> None:
        """It is time."""
        self._store.sweep()


@final
class Changes(Scribe):
    """Those of a store that are not in the catalog yet."""

    def __init__(self, store: "RetainedInMemory") -> None:
        super().__init__()
        self._store: Final = store

    def write(self, catalog: Catalog) -> None:
        """Hand them to ``catalog``."""
        self.has_changes = False
        self._store.write(catalog)


@final
class RetainedInMemory(RetainedStore):
    """Keeps them in memory; and in the catalog, if there are ``commits``.

    Invariant: ``_count`` and ``_octets`` are those of all messages in the tries.
    """

    def __init__(self, node: Node, commits: Commits | None) -> None:
        self._node: Final = node
        self._sweeper: Final = Sweeper(self)
        self._commits: Final = commits
        self._most: Final = node.settings.mqtt_retained_messages
        self._most_octets: Final = node.settings.mqtt_retained_size
        self._by_vhost: Final[dict[str, Topics]] = {}
        # Those that expire some day, by vhost and topic, with when.
        self._expiring: Final[dict[tuple[str, str], int]] = {}
        # Not before that need it be looked for.
        self._earliest_s = _NEVER_S
        self._count = 0
        self._octets = 0
        self._changes: Final = Changes(self)
        if commits is not None:
            self._restore(commits)
            commits.enlist(self._changes)

    def put(self, vhost: VHost, message: Message) -> bool:
        """Keep ``message``, or clear its topic.  False when there is no room."""
        levels = _levels(message.origin.routing_key)
        topics = self._topics(vhost)
        before = topics.get(levels)
        if message.body == b"":
            if before is not None:
                self._clear(topics, before, message)
            return True
        if not self._fits(message, before):
            self._forget_vhosts()
            self.sweep()
            before = topics.get(levels)
            if not self._fits(message, before):
                return False
        self._count_in(topics, levels, message, before)
        self._note(topics, message, message)
        return True

    def find(self, vhost: VHost, topic_filter: str) -> list[Message]:
        """The messages of all topics that ``topic_filter`` matches."""
        found = self._topics(vhost).find(_levels(topic_filter.replace("/", ".")))
        if not self._expiring:
            return found
        now_s = self._node.clock.unix_s()
        return [message for message in found if not _has_expired(message, now_s)]

    def count(self, vhost: VHost) -> int:
        """How many there are, some that have just expired too."""
        return self._topics(vhost).count

    # --- the tries -------------------------------------------------------------------------

    def _topics(self, vhost: VHost) -> Topics:
        topics = self._by_vhost.get(vhost.name)
        if topics is not None and topics.vhost is not vhost:
            # That one was deleted, and another has its name.
            self._forget(topics)
            topics = None
        if topics is None:
            topics = Topics(vhost)
            self._by_vhost[vhost.name] = topics
        return topics

    def _forget_vhosts(self) -> None:
        for topics in list(self._by_vhost.values()):
            if self._node.vhosts.get(topics.vhost.name) is not topics.vhost:
                self._forget(topics)

    def _forget(self, topics: Topics) -> None:
        for message in topics.all():
            self._count_out(topics, message)
        del self._by_vhost[topics.vhost.name]

    def _clear(self, topics: Topics, message: Message, why: Message | None) -> None:
        """Let the topic of ``message`` have none, because of ``why`` or of time."""
        topics.remove(_levels(message.origin.routing_key))
        self._count_out(topics, message)
        self._note(topics, message, why)

    def _note(self, topics: Topics, message: Message, why: Message | None) -> None:
        """Have written what is the topic's of ``message`` now: whoever published ``why`` waits."""
        commits = self._commits
        if commits is None:
            return
        key = message.origin.routing_key
        topics.changes[key] = topics.get(_levels(key))
        self._changes.has_changes = True
        if why is not None and why.properties.is_persistent:
            commits.change_count += 1

    def write(self, catalog: Catalog) -> None:
        """Hand to ``catalog`` what it does not have yet."""
        for topics in self._by_vhost.values():
            if self._node.vhosts.get(topics.vhost.name) is topics.vhost:
                for key, message in topics.changes.items():
                    if message is not None:
                        catalog.put(_KIND, (topics.vhost.name, key), _facts(message))
                    else:
                        catalog.remove(_KIND, (topics.vhost.name, key))
            topics.changes.clear()

    def _count_in(
        self, topics: Topics, levels: list[str], message: Message, before: Message | None
    ) -> None:
        if before is not None:
            self._count_out(topics, before)
        topics.put(levels, message)
        self._count += 1
        self._octets += _size(message)
        expires_s = expiry_time(message.properties)
        if expires_s >= 0:
            self._expiring[_key(topics.vhost, message)] = expires_s
            self._earliest_s = min(self._earliest_s, expires_s)
            self._appoint()

    def _count_out(self, topics: Topics, message: Message) -> None:
        self._count -= 1
        self._octets -= _size(message)
        self._expiring.pop(_key(topics.vhost, message), None)

    # --- limits ----------------------------------------------------------------------------

    def _fits(self, message: Message, before: Message | None) -> bool:
        count, octets = self._count + 1, self._octets + _size(message)
        if before is not None:
            count, octets = count - 1, octets - _size(before)
        return count <= self._most and octets <= self._most_octets

    def sweep(self) -> None:
        """Clear what has expired."""
        now_s = self._node.clock.unix_s()
        if self._earliest_s > now_s:
            self._appoint()
            return
        self._earliest_s = _NEVER_S
        for key, expires_s in list(self._expiring.items()):
            topics = self._by_vhost.get(key[0])
            if expires_s > now_s or topics is None:
                self._earliest_s = min(self._earliest_s, expires_s)
                continue
            message = topics.get(_levels(key[1]))
            if message is not None:
                self._clear(topics, message, None)
        self._appoint()

    def _appoint(self) -> None:
        if self._expiring:
            self._node.timetable.appoint(self._sweeper, self._node.clock.now_ns() + _SWEEP_NS)

    # --- the catalog -----------------------------------------------------------------------

    def _restore(self, commits: Commits) -> None:
        try:
            rows = commits.kept(_KIND)
        except CatalogError as error:
            self._node.notices.warn(f"Retained messages cannot be read: {error}")
            return
        wrong = 0
        for key, facts in rows:
            vhost = self._node.vhosts.get(key[0])
            if vhost is None:
                continue
            message = _message(key, facts)
            if message is None:
                wrong += 1
                continue
            self._count_in(self._topics(vhost), _levels(key[1]), message, None)
        if wrong:
            self._node.notices.warn(f"{wrong} retained messages in the catalog make no sense")


def _levels(key: str) -> list[str]:
    """The levels of a topic, which is given as a routing key.  A dot is a slash."""
    return key.split(".")


def _key(vhost: VHost, message: Message) -> tuple[str, str]:
    return (vhost.name, message.origin.routing_key)


def _size(message: Message) -> int:
    octets = len(message.origin.octets) + len(message.properties.octets) + len(message.body)
    return octets + _OVERHEAD_OCTETS


def _has_expired(message: Message, now_s: int) -> bool:
    expires_s = expiry_time(message.properties)
    return 0 <= expires_s <= now_s


def _facts(message: Message) -> dict[str, object]:
    return {
        "exchange": message.origin.exchange,
        "properties": message.properties.octets.hex(),
        "body": binascii.b2a_base64(message.body, newline=False).decode("ascii"),
    }


def _message(key: list[str], facts: dict[str, object]) -> Message | None:
    """The message of a row, None for one that makes no sense."""
    try:
        origin = Origin(str(facts["exchange"]), key[1])
        properties = read_properties(bytes.fromhex(str(facts["properties"])))
        return Message(origin, properties, binascii.a2b_base64(str(facts["body"])))
    except (LookupError, ValueError):
        return None


@final
class Retained:
    """The store that a node uses.  Whoever wants another puts it here, before clients come."""

    def __init__(self, store: RetainedStore) -> None:
        self.store = store


def retained_of(node: Node) -> Retained:
    """What all MQTT listeners of ``node`` share."""
    found = node.belongings.get(_NAME)
    if isinstance(found, Retained):
        return found
    made = Retained(_made(node))
    node.belongings[_NAME] = made
    return made


def _made(node: Node) -> RetainedStore:
    where = node.settings.mqtt_retained_store
    if where == "none":
        return NothingRetained()
    return RetainedInMemory(node, node.commits if where == "disk" else None)
