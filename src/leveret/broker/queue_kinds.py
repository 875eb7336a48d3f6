"""The types of queues: which one a declare asks for, what it may ask, and how it is made.

A new type is one subclass of `Queue` and one line here.
Behaviour: RabbitMQ 4.3, "Queues", "Default Queue Type".
"""

from leveret.broker.classic import ClassicQueue
from leveret.broker.compat import Compat
from leveret.broker.queue import Keeper, Queue
from leveret.broker.queue_arguments import check_queue_arguments, kind_of
from leveret.broker.quorum import QuorumQueue
from leveret.broker.rules import CLASSIC, QUORUM
from leveret.broker.wishes import QueueWish
from leveret.errors import PreconditionFailed
from leveret.tables import LONGSTR, Field


def with_kind(wish: QueueWish, default_kind: str) -> QueueWish:
    """``wish`` with its type named, ``default_kind`` where that can be what is wished for."""
    if "x-queue-type" in wish.arguments:
        return wish
    is_lasting = wish.is_durable and not wish.is_auto_delete and wish.owner_id == 0
    arguments = dict(wish.arguments)
    arguments["x-queue-type"] = Field(LONGSTR, default_kind if is_lasting else CLASSIC)
    return QueueWish(wish.name, wish.is_durable, wish.is_auto_delete, wish.owner_id, arguments)


def check_nameless(wish: QueueWish) -> None:
    """Refuse a type that the client must name.  Raises PreconditionFailed."""
    if kind_of("queue", wish.arguments) != CLASSIC:
        kind = kind_of("queue", wish.arguments)
        raise PreconditionFailed(
            f"Cannot declare a server-named queue for type rabbit_{kind}_queue"
        )


def check_queue(what: str, wish: QueueWish, compat: Compat) -> None:
    """Refuse what no queue of the type can be.  ``what`` names the queue in the refusal.

    Raises PreconditionFailed, Withdrawn.
    """
    check_queue_arguments(what, wish.arguments, compat)
    if kind_of(what, wish.arguments) == QUORUM:
        for name, is_wrong in (
            ("auto-delete", wish.is_auto_delete),
            ("exclusive-owner", wish.owner_id != 0),
            ("non-durable", not wish.is_durable),
        ):
            if is_wrong:
                raise PreconditionFailed(f"invalid property '{name}' for {what}")
    compat.check_transient(wish.is_durable, wish.owner_id != 0)


def new_queue(wish: QueueWish, keeper: Keeper | None) -> Queue:
    """The queue of a ``wish`` that was found good."""
    if kind_of("queue", wish.arguments) == QUORUM:
        return QuorumQueue(wish, keeper)
    # Exclusive queues go with their connection: RabbitMQ stores them as transient.
    is_durable = wish.is_durable and wish.owner_id == 0
    return ClassicQueue(
        QueueWish(wish.name, is_durable, wish.is_auto_delete, wish.owner_id, wish.arguments), keeper
    )
