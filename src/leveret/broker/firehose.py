"""The firehose: copies of all that is published and delivered in a vhost, for those who look on.

They go to ``amq.rabbitmq.trace`` with the keys ``publish.<exchange>`` and ``deliver.<queue>``.
What that exchange leads to is not copied again.
Behaviour: RabbitMQ 4.3, "Message Tracing (Firehose)".
"""

from typing import Final, final

from leveret.broker.deaths import keys_of
from leveret.broker.message import Message, Origin, blind_keys_of
from leveret.broker.post import Post
from leveret.broker.properties import (
    APP_ID,
    CLUSTER_ID,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    CORRELATION_ID,
    DELIVERY_MODE,
    EXPIRATION,
    HEADERS,
    MESSAGE_ID,
    NO_PROPERTIES,
    PRIORITY,
    REPLY_TO,
    TIMESTAMP,
    TYPE,
    USER_ID,
    Properties,
    PropertiesError,
    property_octets,
    with_headers,
)
from leveret.broker.queue import Queue
from leveret.octets import read_u64
from leveret.tables import ARRAY, INT32, LONGSTR, TABLE, Field, Table
from leveret.tables import TIMESTAMP as TIME

TRACE: Final = "amq.rabbitmq.trace"
_MAX_KEY: Final = 255
# In this order RabbitMQ lists them.
_NAMES: Final = (
    (CLUSTER_ID, "cluster_id"),
    (APP_ID, "app_id"),
    (USER_ID, "user_id"),
    (TYPE, "type"),
    (TIMESTAMP, "timestamp"),
    (MESSAGE_ID, "message_id"),
    (EXPIRATION, "expiration"),
    (REPLY_TO, "reply_to"),
    (CORRELATION_ID, "correlation_id"),
    (PRIORITY, "priority"),
    (DELIVERY_MODE, "delivery_mode"),
    (HEADERS, "headers"),
    (CONTENT_ENCODING, "content_encoding"),
    (CONTENT_TYPE, "content_type"),
)


@final
class Firehose:
    """Makes the copies of one vhost.  ``node`` is the name that they tell the node by.

    A copy is sent in the next turn of the loop: it may go to the very queue that is being
    delivered from.
    """

    def __init__(self, vhost: str, post: Post) -> None:
        self._vhost: Final = vhost
        self._post: Final = post
        self.node = "leveret"

    def tap_in(
        self,
        message: Message,
        keys: list[str],
        queues: list[Queue],
        connection: str,
        channel: int,
        user: str,
    ) -> None:
        """``message`` was published with ``keys`` and goes to ``queues``, maybe none."""
        origin = message.origin
        headers = self._headers(message, keys)
        self._tell_who(headers, connection, channel, user)
        # By name, RabbitMQ looks for the queues only later.
        names = keys if origin.exchange == "" else [queue.name for queue in queues]
        headers["routed_queues"] = _texts(sorted(set(names)))
        self._send("publish." + origin.exchange, headers, message.body)

    def tap_out(
        self,
        message: Message,
        queue: str,
        redelivered: bool,
        connection: str,
        channel: int,
        user: str,
    ) -> None:
        """``message`` was delivered from ``queue``, to a consumer or to one who asked."""
        if message.origin.exchange == TRACE:
            return
        headers = self._headers(message, keys_of(message) + blind_keys_of(message))
        headers["redelivered"] = Field(INT32, 1 if redelivered else 0)
        self._tell_who(headers, connection, channel, user)
        self._send("deliver." + queue, headers, message.body)

    def _headers(self, message: Message, keys: list[str]) -> Table:
        return {
            "exchange_name": Field(LONGSTR, message.origin.exchange),
            "routing_keys": _texts(keys),
            "properties": Field(TABLE, told(message.properties)),
            "node": Field(LONGSTR, self.node),
        }

    def _tell_who(self, headers: Table, connection: str, channel: int, user: str) -> None:
        headers["vhost"] = Field(LONGSTR, self._vhost)
        headers["connection"] = Field(LONGSTR, connection)
        headers["channel"] = Field(INT32, channel)
        headers["user"] = Field(LONGSTR, user)

    def _send(self, key: str, headers: Table, body: bytes) -> None:
        octets = key.encode("utf-8", "surrogateescape")
        if len(octets) > _MAX_KEY:
            key = octets[:_MAX_KEY].decode("utf-8", "surrogateescape")
        try:
            properties = with_headers(NO_PROPERTIES, headers)
        except PropertiesError:
            # Tables may be nested only so deep, and those of the message are two deeper here.
            headers["properties"] = Field(TABLE, {})
            properties = with_headers(NO_PROPERTIES, headers)
        self._post.send_later(Message(Origin(TRACE, key), properties, body))


def _texts(words: list[str]) -> Field:
    return Field(ARRAY, [Field(LONGSTR, word) for word in words])


def told(properties: Properties) -> Table:
    """``properties`` by name."""
    table: Table = {}
    for flag, name in _NAMES:
        octets = property_octets(properties, flag)
        if octets:
            table[name] = _field(properties, flag, octets)
    return table


def _field(properties: Properties, flag: int, octets: bytes) -> Field:
    if flag == HEADERS:
        return Field(TABLE, properties.headers())
    if flag == DELIVERY_MODE or flag == PRIORITY:
        return Field(INT32, octets[0])
    if flag == TIMESTAMP:
        seconds = int(read_u64(octets, 0))
        return Field(INT32 if seconds < 1 << 31 else TIME, seconds)
    return Field(LONGSTR, octets[1:].decode("utf-8", "surrogateescape"))
