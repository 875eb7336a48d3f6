"""One message, as every protocol publishes and receives it.  Knows no protocol and no queue."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.properties import NO_PROPERTIES, Properties

MAX_KEY_OCTETS: Final = 255


def is_routing_key(text: str) -> bool:
    """Whether ``text`` can be the routing key of a message: it must fit into a short string."""
    try:
        return len(text.encode("utf-8", "surrogateescape")) <= MAX_KEY_OCTETS
    except UnicodeEncodeError:  # half a character, as JSON can say it
        return False


@final
@mypyc_attr(acyclic=True)
class Origin:
    """Where messages were published: exchange and routing key.  Shared by all of one route.

    Neither need be UTF-8: other octets are surrogates in the strings.  ``octets`` are both as
    short strings, as basic.deliver, get-ok and return carry them.  ``sender`` is a client whose
    messages are not to come back to it, 0 for nobody; it is forgotten on the disk.
    """

    def __init__(self, exchange: str, routing_key: str, sender: int = 0) -> None:
        self.sender: Final = sender
        self.exchange: Final = exchange
        self.routing_key: Final = routing_key
        first = exchange.encode("utf-8", "surrogateescape")
        second = routing_key.encode("utf-8", "surrogateescape")
        self.octets: Final = bytes((len(first),)) + first + bytes((len(second),)) + second


@mypyc_attr(acyclic=True)
class Message:
    """An immutable message; all queues that hold it share the one object."""

    def __init__(self, origin: Origin, properties: Properties, body: bytes) -> None:
        self.origin: Final = origin
        self.properties: Final = properties
        self.body: Final = body


# Stands where no message is: taken already, or lost with a crash as transient ones are.
NOTHING: Final = Message(Origin("", ""), NO_PROPERTIES, b"")


@mypyc_attr(acyclic=True)
class BlindMessage(Message):
    """A message with routing keys that its receivers must not see (BCC), but dead letters use."""

    def __init__(
        self, origin: Origin, properties: Properties, body: bytes, blind_keys: list[str]
    ) -> None:
        super().__init__(origin, properties, body)
        self.blind_keys: Final = blind_keys


def blind_keys_of(message: Message) -> list[str]:
    """The routing keys that the receivers of ``message`` must not see."""
    return message.blind_keys if isinstance(message, BlindMessage) else []
