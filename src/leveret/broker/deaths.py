"""Dead letters: the history that travels with a message, and the headers that tell it.

Behaviour: RabbitMQ 4.3, "Dead letter exchanges": newest death first, one entry for each queue and
reason.  What a client publishes under these names is not believed: the history is the broker's
own, kept beside the message.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.message import BlindMessage, Message, Origin, blind_keys_of
from leveret.broker.properties import Properties, without_expiration
from leveret.tables import ARRAY, INT64, LONGSTR, TABLE, TIMESTAMP, Field, Table

REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
MAXLEN: Final = "maxlen"
DELIVERY_LIMIT: Final = "delivery_limit"


@final
@mypyc_attr(acyclic=True)
class Death:
    """That messages died in ``queue`` for ``reason``: how often, and how it was the first time.

    ``unix_s`` is the first time; ``keys`` are all routing keys it was published with but BCC's.
    """

    def __init__(
        self,
        queue: str,
        reason: str,
        count: int,
        unix_s: int,
        exchange: str,
        keys: list[str],
        expiration: str | None,
    ) -> None:
        self.queue: Final = queue
        self.reason: Final = reason
        self.count: Final = count
        self.unix_s: Final = unix_s
        self.exchange: Final = exchange
        self.keys: Final = keys
        self.expiration: Final = expiration

    def again(self) -> "Death":
        """The same, once more."""
        return Death(
            self.queue,
            self.reason,
            self.count + 1,
            self.unix_s,
            self.exchange,
            self.keys,
            self.expiration,
        )


@final
@mypyc_attr(acyclic=True)
class DeadMessage(BlindMessage):
    """A message that died before, with its deaths, the newest first."""

    def __init__(
        self,
        origin: Origin,
        properties: Properties,
        body: bytes,
        blind_keys: list[str],
        deaths: list[Death],
        first: Death,
    ) -> None:
        super().__init__(origin, properties, body, blind_keys)
        self.deaths: Final = deaths
        self.first: Final = first


def deaths_of(message: Message) -> list[Death]:
    """The deaths of ``message`` so far, the newest first."""
    return message.deaths if isinstance(message, DeadMessage) else []


def is_cycle(message: Message, queue: str) -> bool:
    """Whether ``message`` comes back to ``queue`` with nobody having had a hand in it since.

    Behaviour: RabbitMQ 4.3, "Automatically dead-lettered message cycles".
    """
    for death in deaths_of(message):
        if death.reason == REJECTED:
            return False
        if death.queue == queue:
            return True
    return False


def bury(message: Message, queue: str, reason: str, unix_s: int, origin: Origin) -> DeadMessage:
    """``message`` as it leaves ``queue``: from ``origin``, without expiration, with its history."""
    headers = message.properties.headers()
    died = Death(
        queue,
        reason,
        1,
        unix_s,
        message.origin.exchange,
        keys_of(message),
        message.properties.expiration,
    )
    deaths: list[Death] = []
    for death in deaths_of(message):
        if death.queue == queue and death.reason == reason:
            died = death.again()
        else:
            deaths.append(death)
    deaths.insert(0, died)
    first = message.first if isinstance(message, DeadMessage) else died
    _tell(headers, deaths, first)
    properties = without_expiration(message.properties, headers)
    blind_keys = blind_keys_of(message)
    return DeadMessage(origin, properties, message.body, blind_keys, deaths, first)


def with_properties(message: Message, properties: Properties) -> Message:
    """``message`` with other properties, and with all else that it is."""
    if isinstance(message, DeadMessage):
        blind_keys = message.blind_keys
        return DeadMessage(
            message.origin, properties, message.body, blind_keys, message.deaths, message.first
        )
    if isinstance(message, BlindMessage):
        return BlindMessage(message.origin, properties, message.body, message.blind_keys)
    return Message(message.origin, properties, message.body)


def keys_of(message: Message) -> list[str]:
    """The routing keys of ``message`` that everybody may see: its own and those of CC."""
    keys = [message.origin.routing_key]
    field = message.properties.headers().get("CC")
    if field is not None and field.kind == ARRAY:
        assert isinstance(field.value, list)
        keys.extend([str(key.value) for key in field.value if key.kind == LONGSTR])
    return keys


def _tell(headers: Table, deaths: list[Death], first: Death) -> None:
    """Write the history into ``headers``."""
    headers["x-death"] = Field(ARRAY, [Field(TABLE, _entry(death)) for death in deaths])
    for when, death in (("first", first), ("last", deaths[0])):
        headers[f"x-{when}-death-reason"] = Field(LONGSTR, death.reason)
        headers[f"x-{when}-death-queue"] = Field(LONGSTR, death.queue)
        headers[f"x-{when}-death-exchange"] = Field(LONGSTR, death.exchange)


def _entry(death: Death) -> Table:
    entry: Table = {}
    if death.expiration is not None:
        entry["original-expiration"] = Field(LONGSTR, death.expiration)
    entry["count"] = Field(INT64, death.count)
    entry["reason"] = Field(LONGSTR, death.reason)
    entry["queue"] = Field(LONGSTR, death.queue)
    entry["time"] = Field(TIMESTAMP, death.unix_s)
    entry["exchange"] = Field(LONGSTR, death.exchange)
    entry["routing-keys"] = Field(ARRAY, [Field(LONGSTR, key) for key in death.keys])
    return entry
