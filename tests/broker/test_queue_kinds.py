"""leveret.broker.queue_kinds, and what depends on which RabbitMQ to be like (compat)"""

from typing import Any

import pytest

from leveret.broker.classic import ClassicQueue
from leveret.broker.compat import STRICT, Compat
from leveret.broker.queue_kinds import check_nameless, check_queue, new_queue, with_kind
from leveret.broker.quorum import QuorumQueue
from leveret.broker.wishes import QueueWish
from leveret.errors import PreconditionFailed, Withdrawn
from leveret.tables import plain, table_of

WHAT = "queue 'q' in vhost '/'"


def wish(
    *, durable: bool = True, auto_delete: bool = False, owner: int = 0, **given: Any
) -> QueueWish:
    return QueueWish("q", durable, auto_delete, owner, table_of({**given}))


QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


def test_the_type_is_what_was_asked_for() -> None:
    assert isinstance(new_queue(wish(**QUORUM), None), QuorumQueue)
    assert isinstance(new_queue(wish(**{"x-queue-type": "classic"}), None), ClassicQueue)
    assert [new_queue(wish(**given), None).kind for given in (QUORUM, {})] == ["quorum", "classic"]


def test_a_queue_that_goes_with_its_connection_is_not_durable() -> None:
    assert not new_queue(wish(owner=7), None).is_durable
    assert new_queue(wish(), None).is_durable


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (wish(), "quorum"),
        (wish(**{"x-queue-type": "classic"}), "classic"),
        (wish(durable=False), "classic"),
        (wish(auto_delete=True), "classic"),
        (wish(owner=7), "classic"),
    ],
)
def test_the_default_is_for_lasting_queues_that_ask_for_none(
    asked: QueueWish, expected: str
) -> None:
    assert plain(with_kind(asked, "quorum").arguments["x-queue-type"]) == expected


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (wish(auto_delete=True, **QUORUM), "auto-delete"),
        (wish(owner=7, **QUORUM), "exclusive-owner"),
        (wish(durable=False, **QUORUM), "non-durable"),
        (wish(durable=False, owner=7, auto_delete=True, **QUORUM), "auto-delete"),
    ],
)
def test_a_quorum_queue_is_durable_and_shared(asked: QueueWish, name: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check_queue(WHAT, asked, Compat())
    assert refused.value.detail == f"invalid property '{name}' for {WHAT}"
    check_queue(WHAT, wish(**QUORUM), Compat())


def test_a_quorum_queue_has_a_name() -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check_nameless(wish(**QUORUM))
    expected = "Cannot declare a server-named queue for type rabbit_quorum_queue"
    assert refused.value.detail == expected
    check_nameless(wish())


def test_strictly_queues_are_durable_or_exclusive() -> None:
    with pytest.raises(Withdrawn) as refused:
        check_queue(WHAT, wish(durable=False), Compat(STRICT))
    assert refused.value.detail.startswith("Feature `transient_nonexcl_queues` is deprecated.")
    check_queue(WHAT, wish(durable=False, owner=7), Compat(STRICT))
    check_queue(WHAT, wish(), Compat(STRICT))
    check_queue(WHAT, wish(durable=False), Compat())
