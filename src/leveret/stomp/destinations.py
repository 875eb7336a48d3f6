"""Destinations: what a frame's ``destination`` means in exchanges, keys and queues.

::

    /queue/NAME              the queue NAME, made if need be; by the default exchange
    NAME                     likewise; no slash in it
    /amq/queue/NAME          the queue NAME, whoever made it; by the default exchange
    /reply-queue/NAME        likewise; NAME may have slashes: it is all that follows
    /topic/KEY               the exchange for topics, with the routing key KEY
    /exchange/NAME[/KEY]     the exchange NAME
    /temp-queue/NAME         only in reply-to: a queue of the session's own

``%2F`` stands for a slash inside a name.
Behaviour: RabbitMQ 4.3, "STOMP Plugin", "Destinations", and its refusals' texts.
"""

from typing import Final, final

from leveret.broker.message import MAX_KEY_OCTETS
from leveret.stomp.faults import StompFault

QUEUE: Final = "queue"
AMQ_QUEUE: Final = "amqqueue"
REPLY_QUEUE: Final = "reply_queue"
TOPIC: Final = "topic"
EXCHANGE: Final = "exchange"
TEMP_QUEUE: Final = "temp_queue"

REPLY_PREFIX: Final = "/reply-queue/"
TEMP_PREFIX: Final = "/temp-queue/"
# What a reply-to begins with that is a destination already.
PREFIXES: Final = ("/temp-queue", "/exchange", "/topic", "/queue", "/amq/queue", "/reply-queue/")
# How destinations name the exchange for topics, whatever exchange that is.
DEFAULT_TOPICS: Final = "amq.topic"
_SIMPLE: Final = (
    ("/queue", QUEUE),
    ("/topic", TOPIC),
    ("/amq/queue", AMQ_QUEUE),
    ("/temp-queue", TEMP_QUEUE),
)
# What a destination shows as it is: all of ASCII but these two.
_ESCAPED: Final = b"/%"


@final
class Destination:
    """``name`` is that of a queue, or the routing key; ``exchange`` is "" for the default one."""

    def __init__(self, kind: str, exchange: str, name: str) -> None:
        self.kind: Final = kind
        self.exchange: Final = exchange
        self.name: Final = name

    @property
    def is_queue(self) -> bool:
        """Whether it is one queue, by its name."""
        return self.kind in (QUEUE, AMQ_QUEUE, REPLY_QUEUE)


def read_destination(text: str, topics: str) -> Destination:
    """What ``text`` means; ``topics`` is the exchange of ``/topic``.  Raises StompFault."""
    if "/" not in text:
        if not text:
            raise StompFault("Invalid destination", "Destination cannot be blank")
        return Destination(QUEUE, "", text)
    if text.startswith(REPLY_PREFIX):
        return Destination(REPLY_QUEUE, "", text[len(REPLY_PREFIX) :])
    if text == "/exchange" or text.startswith("/exchange/"):
        return _exchange(text[len("/exchange") :], topics)
    for prefix, kind in _SIMPLE:
        if text == prefix or text.startswith(prefix + "/"):
            rest = text[len(prefix) :]
            name = rest[1:]
            if not name or "/" in name:
                raise _invalid(rest, kind)
            return Destination(kind, topics if kind == TOPIC else "", _unescaped(name))
    raise StompFault(
        "Unknown destination",
        f"'{text}' is not a valid destination.\n"
        f"Valid destination types are: {', '.join(PREFIXES)}.\n",
    )


def check_key(key: str) -> None:
    """Refuse a name or routing key that AMQP could not say.  Raises StompFault."""
    if len(key.encode("utf-8", "surrogateescape")) > MAX_KEY_OCTETS:
        raise StompFault(
            "Invalid destination",
            f"a name or key in a destination has at most {MAX_KEY_OCTETS} octets",
        )


def _exchange(rest: str, topics: str) -> Destination:
    name, _, key = rest[1:].partition("/")
    # The default exchange means something else to who subscribes than to who sends.
    if not name or "/" in key:
        raise _invalid(rest, EXCHANGE)
    name = _unescaped(name)
    return Destination(EXCHANGE, topics if name == DEFAULT_TOPICS else name, _unescaped(key))


def _invalid(rest: str, kind: str) -> StompFault:
    return StompFault("Invalid destination", f"'{rest}' is not a valid {kind} destination\n")


def _unescaped(name: str) -> str:
    return name.replace("%2F", "/") if "%" in name else name


def shown_destination(exchange: str, key: str) -> str:
    """Where a message was sent to, as MESSAGE says it."""
    if not exchange:
        return f"/queue/{_escaped(key)}"
    if exchange == DEFAULT_TOPICS:
        return f"/topic/{_escaped(key)}"
    if not key:
        return f"/exchange/{_escaped(exchange)}"
    return f"/exchange/{_escaped(exchange)}/{_escaped(key)}"


def shown_reply_to(reply_to: str) -> str:
    """A reply-to as a destination that an answer can be sent to."""
    return reply_to if reply_to.startswith(PREFIXES) else REPLY_PREFIX + reply_to


def _escaped(name: str) -> str:
    if name.isascii() and name.isprintable() and "/" not in name and "%" not in name:
        return name
    octets = name.encode("utf-8", "surrogateescape")
    return "".join([_escaped_octet(octet) for octet in octets])


def _escaped_octet(octet: int) -> str:
    if octet < 32 or octet > 127 or octet in _ESCAPED:
        return f"%{octet:02X}"
    return chr(octet)
