"""Exchanges that choose by a hash: x-consistent-hash and x-modulus-hash.

Each message goes along one binding.  The consistent one weighs every destination against the hash
of the message and takes the best (weighted rendezvous hashing): shares are exactly as the weights
say whatever they are, and who comes or goes moves its own share only.
Behaviour: RabbitMQ 4.3, "Consistent Hashing Exchange", "Modulus Hash Exchange"; which queue gets
which message is ours.
"""

import re
from math import log
from typing import Final, final
from zlib import crc32

from mypy_extensions import i64

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.properties import (
    CORRELATION_ID,
    MESSAGE_ID,
    TIMESTAMP,
    Properties,
    property_octets,
)
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed
from leveret.tables import LONGSTR, Table, plain
from leveret.terms import binary

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_FLAGS: Final = {
    "correlation_id": CORRELATION_ID,
    "message_id": MESSAGE_ID,
    "timestamp": TIMESTAMP,
}


def spread(value: i64) -> i64:
    """32 bits that look nothing like the 32 of ``value``, which must not be negative.

    Multipliers stay below 31 bits, so that no product needs more than 63.
    """
    value = ((value >> 16) ^ value) * 0x7FEB352D & 0xFFFFFFFF
    value = ((value >> 15) ^ value) * 0x45D9F3B & 0xFFFFFFFF
    return (value >> 16) ^ value


def _hash(octets: bytes) -> i64:
    return spread(i64(crc32(octets)))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def destination(binding: Binding) -> str:
    """Where ``binding`` leads to, queues and exchanges of one name apart."""
    if binding.queue is not None:
        return "queue " + binding.queue.name
    assert binding.exchange is not None
    return "exchange " + binding.exchange.name


@final
class Share:
    """One destination's claim: the heavier, the more messages."""

    def __init__(self, binding: Binding) -> None:
        self.binding: Final = binding
        self.seed: Final = int(_hash(_octets(destination(binding))))
        self.scale: Final = 1.0 / float(int(binding.routing_key))


@final
class ConsistentHashExchange(Exchange):
    """The binding's key is its weight.

    Of several bindings to one destination the first counts, until it goes.
    """

    def __init__(self, wish: ExchangeWish) -> None:
        super().__init__(wish)
        self.picks_one = True
        self._header: Final = _text_of(wish.arguments, "hash-header")
        self._flag: Final = _flag_of(_text_of(wish.arguments, "hash-property"))
        if self._header is not None and self._flag != 0:
            raise PreconditionFailed("hash-header and hash-property are mutually exclusive")
        self.is_static = self._header is None and self._flag == 0
        self._shares: list[Share] = []

    def check(self, binding: Binding) -> None:
        """Refuse a key that is no weight.  Raises PreconditionFailed."""
        key = binding.routing_key
        if _INTEGER.fullmatch(key) is None:
            shown = binary(_octets(key))
            raise PreconditionFailed(f"The binding key must be an integer: {shown}")
        if int(key) < 1:
            raise PreconditionFailed("The binding key must be greater than 0")

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The one binding whose turn it is by the hash."""
        shares = self._shares
        if len(shares) < 2:
            return [share.binding for share in shares]
        hashed = _hash(self._hashed(key, properties))
        best = shares[0]
        least = -1.0
        for share in shares:
            mixed = spread(hashed ^ i64(share.seed))
            cost = -log((float(int(mixed)) + 0.5) / 4294967296.0) * share.scale
            if least < 0.0 or cost < least:
                least = cost
                best = share
        return [best.binding]

    def _hashed(self, key: str, properties: Properties) -> bytes:
        """What of a message is hashed; nothing at all is a value like others."""
        if self._flag != 0:
            return property_octets(properties, self._flag)
        if self._header is None:
            return _octets(key)
        field = properties.headers().get(self._header)
        if field is None:
            return b""
        value = plain(field)
        return value if isinstance(value, bytes) else _octets(str(value))

    def added(self, binding: Binding) -> None:
        """Give ``binding`` its share."""
        where = destination(binding)
        if all(destination(share.binding) != where for share in self._shares):
            self._shares.append(Share(binding))

    def removed(self, binding: Binding) -> None:
        """Take the share away, or pass it to the next binding of that destination."""
        kept = [share for share in self._shares if share.binding is not binding]
        if len(kept) == len(self._shares):
            return
        self._shares = kept
        where = destination(binding)
        for other in self.bindings.values():
            if destination(other) == where:
                self._shares.append(Share(other))
                return


def _text_of(arguments: Table, name: str) -> str | None:
    field = arguments.get(name)
    if field is None:
        return None
    if field.kind != LONGSTR:
        raise PreconditionFailed(f"invalid type '{field.kind_name}' for arg '{name}'")
    return str(field.value)


def _flag_of(name: str | None) -> int:
    if name is None:
        return 0
    flag = _FLAGS.get(name)
    if flag is None:
        raise PreconditionFailed(f"Unsupported property: {name}")
    return flag


@final
class ModulusHashExchange(Exchange):
    """Takes the binding that the hash of the routing key, modulo their count, points at."""

    def __init__(self, wish: ExchangeWish) -> None:
        super().__init__(wish)
        self.picks_one = True
        self._in_order: list[Binding] = []

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The one binding."""
        if not self._in_order:
            return []
        return [self._in_order[int(_hash(_octets(key))) % len(self._in_order)]]

    def added(self, binding: Binding) -> None:
        """Count it in."""
        self._sort()

    def removed(self, binding: Binding) -> None:
        """Count it out."""
        self._sort()

    def _sort(self) -> None:
        """By name, so that a restart changes nothing."""
        self._in_order = sorted(self.bindings.values(), key=_order)


def _order(binding: Binding) -> str:
    return binding.identity
