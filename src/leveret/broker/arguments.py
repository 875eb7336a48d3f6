"""What x-arguments of queues and exchanges mean, and what a second declare may say.

Control plane.  Behaviour: RabbitMQ 4.3, texts as its clients' test-suites expect them.
"""

from typing import Final

from leveret.errors import PreconditionFailed
from leveret.tables import LONGSTR, Field, Table, plain
from leveret.terms import atom

MAX_MILLISECONDS: Final = 315_360_000_000  # ten years


def max_priority_of(arguments: Table) -> int:
    """The highest priority of a queue with these checked arguments; 0 for a plain one."""
    field = arguments.get("x-max-priority")
    if field is None:
        return 0
    assert isinstance(field.value, int)
    return field.value


def is_single_active(arguments: Table) -> bool:
    """Whether a queue with these checked arguments serves one consumer at a time."""
    field = arguments.get("x-single-active-consumer")
    return field is not None and field.value is True


def check_alternate(what: str, arguments: Table) -> str:
    """The name of the alternate exchange, "" for none.  Raises PreconditionFailed."""
    field = arguments.get("alternate-exchange")
    if field is None:
        return ""
    if field.kind != LONGSTR:
        raise PreconditionFailed(
            f"invalid type '{field.kind_name}' for arg 'alternate-exchange' in {what}"
        )
    return str(field.value)


def check_same(what: str, name: str, received: object, current: object) -> None:
    """Refuse a second declare that contradicts the first in a flag or type."""
    if received != current:
        raise _inequivalent(what, name, received, current)


def _inequivalent(what: str, name: str, received: object, current: object) -> PreconditionFailed:
    return PreconditionFailed(
        f"inequivalent arg '{name}' for {what}: "
        f"received '{atom(received)}' but current is '{atom(current)}'"
    )


def check_same_argument(what: str, name: str, received: Table, current: Table) -> None:
    """Refuse a second declare that contradicts the first in the argument ``name``."""
    new = received.get(name)
    old = current.get(name)
    if new is None and old is None:
        return
    if new is None or old is None:
        raise PreconditionFailed(
            f"inequivalent arg '{name}' for {what}: "
            f"received {_described(new)} but current is {_described(old)}"
        )
    if not new.same_as(old):
        raise _inequivalent(what, name, plain(new), plain(old))


def _described(field: Field | None) -> str:
    if field is None:
        return "none"
    return f"the value '{atom(plain(field))}' of type '{field.kind_name}'"
