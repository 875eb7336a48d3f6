"""Every type of exchange, by name: a new one is a class of its own and a line here."""

from typing import Final

from leveret.broker.chance import LocalRandomExchange, RandomExchange
from leveret.broker.delayed import DelayedExchange
from leveret.broker.exchange import DirectExchange, Exchange, FanoutExchange
from leveret.broker.hashing import ConsistentHashExchange, ModulusHashExchange
from leveret.broker.headers import HeadersExchange
from leveret.broker.history import RecentHistoryExchange
from leveret.broker.post import Post
from leveret.broker.topic import TopicExchange
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed
from leveret.tables import LONGSTR

_DELAYED: Final = "x-delayed-message"

KINDS: Final = (
    "direct",
    "fanout",
    "topic",
    "headers",
    "x-consistent-hash",
    "x-modulus-hash",
    "x-random",
    "x-local-random",
    "x-recent-history",
    _DELAYED,
)


def check_kind(kind: str) -> None:
    """Refuse a type that does not exist.  Raises PreconditionFailed."""
    if kind not in KINDS:
        raise PreconditionFailed(f"unknown exchange type '{kind}'")


def shown_kind(kind: str) -> str:
    """How refusals spell a type: in RabbitMQ it is an atom, and a hyphen puts that in quotes."""
    return f"'{kind}'" if "-" in kind else kind


def new_exchange(wish: ExchangeWish, post: Post) -> Exchange:
    """The exchange that ``wish``, whose type was checked, asks for.

    Raises PreconditionFailed for arguments that the type does not take.
    """
    if wish.kind == "direct":
        return DirectExchange(wish)
    if wish.kind == "fanout":
        return FanoutExchange(wish)
    if wish.kind == "topic":
        return TopicExchange(wish)
    if wish.kind == "headers":
        return HeadersExchange(wish)
    if wish.kind == "x-consistent-hash":
        return ConsistentHashExchange(wish)
    if wish.kind == "x-modulus-hash":
        return ModulusHashExchange(wish)
    if wish.kind == "x-random":
        return RandomExchange(wish, post.random)
    if wish.kind == "x-local-random":
        return LocalRandomExchange(wish, post.random)
    if wish.kind == "x-recent-history":
        return RecentHistoryExchange(wish, post)
    assert wish.kind == _DELAYED
    return DelayedExchange(wish, new_exchange(_inner_wish(wish), post), post)


def _inner_wish(wish: ExchangeWish) -> ExchangeWish:
    """What a delayed exchange routes like."""
    field = wish.arguments.get("x-delayed-type")
    if field is None or field.kind != LONGSTR:
        raise PreconditionFailed(
            "Invalid argument, 'x-delayed-type' must be an existing exchange type"
        )
    kind = str(field.value)
    if kind == _DELAYED:
        raise PreconditionFailed(
            "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'"
        )
    check_kind(kind)
    return ExchangeWish(
        wish.name,
        kind,
        wish.is_durable,
        wish.is_auto_delete,
        wish.is_internal,
        wish.arguments,
    )
