"""Messages as JSON, both ways: properties by name, payloads as text or base64.

Behaviour: RabbitMQ 4.3, "HTTP API", "publish" and "get".  Control plane.
"""

import base64
from collections.abc import Callable
from typing import Any, Final

from leveret.broker.definition_export import arguments_of
from leveret.broker.firehose import told
from leveret.broker.message import Message
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
    PRIORITY,
    REPLY_TO,
    TIMESTAMP,
    TYPE,
    USER_ID,
)
from leveret.management.api import BadRequest
from leveret.management.deeds import Body
from leveret.tables import table_octets

AUTO: Final = "auto"
BASE64: Final = "base64"
TEXT: Final = "string"


def _short(body: Body, name: str) -> bytes:
    octets = body.name(name).encode("utf-8", "surrogateescape")
    return bytes((len(octets),)) + octets


def _headers(body: Body, name: str) -> bytes:
    return table_octets(body.arguments(name))


def _octet(body: Body, name: str) -> bytes:
    return _whole(body, name, 1)


def _seconds(body: Body, name: str) -> bytes:
    return _whole(body, name, 8)


def _whole(body: Body, name: str, size: int) -> bytes:
    value = body.values[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 8 * size:
        raise BadRequest(["not_int", name])
    return value.to_bytes(size, "big")


# In the order in which they travel.
_PROPERTIES: Final[tuple[tuple[str, int, Callable[[Body, str], bytes]], ...]] = (
    ("content_type", CONTENT_TYPE, _short),
    ("content_encoding", CONTENT_ENCODING, _short),
    ("headers", HEADERS, _headers),
    ("delivery_mode", DELIVERY_MODE, _octet),
    ("priority", PRIORITY, _octet),
    ("correlation_id", CORRELATION_ID, _short),
    ("reply_to", REPLY_TO, _short),
    ("expiration", EXPIRATION, _short),
    ("message_id", MESSAGE_ID, _short),
    ("timestamp", TIMESTAMP, _seconds),
    ("type", TYPE, _short),
    ("user_id", USER_ID, _short),
    ("app_id", APP_ID, _short),
    ("cluster_id", CLUSTER_ID, _short),
)


def properties_octets(value: object) -> bytes:
    """The basic properties that an object names; other names in it say nothing.

    Raises BadRequest.
    """
    if value == []:  # an empty Erlang list may be either
        value = {}
    if not isinstance(value, dict):
        raise BadRequest(["not_an_object", "properties"])
    body = Body(value)
    flags = 0
    parts: list[bytes] = []
    for name, flag, write in _PROPERTIES:
        if value.get(name) is not None:
            flags |= flag
            parts.append(write(body, name))
    return flags.to_bytes(2, "big") + b"".join(parts)


def message_facts(message: Message, redelivered: bool) -> dict[str, Any]:
    """What is told of a message beside its payload."""
    return {
        "payload_bytes": len(message.body),
        "redelivered": redelivered,
        "exchange": message.origin.exchange,
        "routing_key": message.origin.routing_key,
        # RabbitMQ tells of none by an empty list.
        "properties": arguments_of(told(message.properties)) or [],
    }


def payload_facts(body: bytes, encoding: str, most: int) -> dict[str, Any]:
    """A payload, ``most`` octets of it; as text where ``encoding`` is auto and it is text."""
    if encoding == AUTO:
        text = _text(body, most)
        if text is not None:
            return {"payload": text, "payload_encoding": TEXT}
    return {"payload": base64.b64encode(body[:most]).decode(), "payload_encoding": BASE64}


def _text(body: bytes, most: int) -> str | None:
    """The beginning of ``body`` if that is text; a character that is cut in two is left out."""
    part = body[:most]
    try:
        return part.decode()
    except UnicodeDecodeError as error:
        is_cut = len(part) < len(body) and error.start >= len(part) - 3
        if is_cut and error.reason == "unexpected end of data":
            return part[: error.start].decode()
    return None
