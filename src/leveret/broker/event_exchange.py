"""The event exchange: what happens in the broker, as messages for whoever binds a queue to it.

``amq.rabbitmq.event`` is a topic exchange; the key is the event's name, the facts are headers, the
body is empty.  As long as nothing is bound to it nobody listens, and events cost nothing.
Behaviour: RabbitMQ 4.3, "Internal Event Exchange" (plugin).
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.message import Message, Origin
from leveret.broker.post import Post
from leveret.broker.properties import (
    DELIVERY_MODE,
    HEADERS,
    PERSISTENT,
    TIMESTAMP,
    Properties,
    PropertiesError,
    read_properties,
)
from leveret.broker.topic import TopicExchange
from leveret.broker.wishes import ExchangeWish
from leveret.events import Event, Events, Listener
from leveret.octets import write_u16, write_u64
from leveret.tables import (
    ARRAY,
    BINARY,
    BOOL,
    DOUBLE,
    INT64,
    LONGSTR,
    TABLE,
    Field,
    Table,
    table_octets,
)

EVENTS: Final = "amq.rabbitmq.event"
_NAME_OCTETS: Final = 255
# Tables may not be nested so deep anyway; without an end the stack would be it.
_DEEPEST: Final = 100
_TOO_DEEP: Final = "..."


@final
class EventExchange(Exchange):
    """A topic exchange that listens to ``events`` while something is bound to it."""

    def __init__(self, events: Events, post: Post) -> None:
        wish = ExchangeWish(EVENTS, "topic", True, False, True, {})
        super().__init__(wish)
        self._events: Final = events
        self._mail: Final = EventMail(post)
        self._topic: Final = TopicExchange(wish)

    def check(self, binding: Binding) -> None:
        """Refuse what topic exchanges refuse.  Raises PreconditionFailed."""
        self._topic.check(binding)

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The bindings whose pattern matches ``key``."""
        return self._topic.matches(key, properties)

    def added(self, binding: Binding) -> None:
        """Take ``binding`` into account, and listen."""
        self._topic.added(binding)
        if len(self.bindings) == 1:
            self._events.listen(self._mail)

    def removed(self, binding: Binding) -> None:
        """Forget ``binding``, and listen no more when it was the last."""
        self._topic.removed(binding)
        if not self.bindings:
            self._events.forget(self._mail)

    def close(self) -> None:
        """The vhost is deleted: listen no more."""
        if self.bindings:
            self._events.forget(self._mail)


@final
class EventMail(Listener):
    """Makes messages of events.  They are sent in the next turn of the loop, when all is done."""

    def __init__(self, post: Post) -> None:
        self._post: Final = post

    def on_event(self, event: Event) -> None:
        """Send it."""
        headers: Table = {name: field_of(value) for name, value in event.facts.items()}
        unix_ms = self._post.clock.unix_ms()
        headers["timestamp_in_ms"] = Field(INT64, unix_ms)
        message = Message(Origin(EVENTS, event.name), _properties(headers, unix_ms // 1000), b"")
        self._post.send_later(message)


def field_of(value: object, depth: int = 1) -> Field:
    """A fact as RabbitMQ's event exchange tells it: every whole number has 64 bits.

    Never fails: what somebody wrote as JSON may be more than a table can carry.
    """
    if isinstance(value, Field):
        return value
    if isinstance(value, bool):
        return Field(BOOL, value)
    if isinstance(value, int):
        return Field(INT64, value) if -(1 << 63) <= value < 1 << 63 else Field(LONGSTR, str(value))
    if isinstance(value, float):
        return Field(DOUBLE, value)
    if isinstance(value, bytes):
        return Field(BINARY, value)
    if isinstance(value, dict):
        if depth > _DEEPEST:
            return Field(LONGSTR, _TOO_DEEP)
        inner = {_name(str(name)): field_of(one, depth + 1) for name, one in value.items()}
        return Field(TABLE, inner)
    if isinstance(value, list | tuple | set | frozenset):
        if depth > _DEEPEST:
            return Field(LONGSTR, _TOO_DEEP)
        return Field(ARRAY, [field_of(one, depth + 1) for one in value])
    return Field(LONGSTR, "" if value is None else _text(str(value)))


def _text(text: str) -> str:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Half a character, as JSON can say it.
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _name(text: str) -> str:
    octets = _text(text).encode("utf-8", "surrogateescape")
    return octets[:_NAME_OCTETS].decode("utf-8", "surrogateescape")


def _properties(headers: Table, unix_s: int) -> Properties:
    try:
        return read_properties(_octets(headers, unix_s))
    except PropertiesError:
        # Nested too deep, which only what somebody put into a definition can be.
        flat: Table = {
            name: field if field.kind not in (TABLE, ARRAY) else Field(LONGSTR, repr(field))
            for name, field in headers.items()
        }
        return read_properties(_octets(flat, unix_s))


def _octets(headers: Table, unix_s: int) -> bytes:
    out = BytesWriter()
    write_u16(out, HEADERS | DELIVERY_MODE | TIMESTAMP)
    out.write(table_octets(headers))
    out.append(PERSISTENT)
    write_u64(out, unix_s)
    return out.getvalue()
