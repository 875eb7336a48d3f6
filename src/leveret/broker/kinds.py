"""Every type of exchange, by name: a new one is a class of its own and a line here."""

from typing import Final

from leveret.broker.exchange import DirectExchange, Exchange, FanoutExchange
from leveret.broker.headers import HeadersExchange
from leveret.broker.topic import TopicExchange
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed

KINDS: Final = ("direct", "fanout", "topic", "headers")


def check_kind(kind: str) -> None:
    """Refuse a type that does not exist.  Raises PreconditionFailed."""
    if kind not in KINDS:
        raise PreconditionFailed(f"unknown exchange type '{kind}'")


def new_exchange(wish: ExchangeWish) -> Exchange:
    """The exchange that ``wish``, whose type was checked, asks for."""
    if wish.kind == "direct":
        return DirectExchange(wish)
    if wish.kind == "fanout":
        return FanoutExchange(wish)
    if wish.kind == "topic":
        return TopicExchange(wish)
    assert wish.kind == "headers"
    return HeadersExchange(wish)
