"""The headers exchange: bindings match on the message's headers, not on its key.

Behaviour: RabbitMQ 4.3: ``x-match`` is all (default), any, all-with-x or any-with-x; keys that
start with ``x-`` count only with the latter two; a void value asks only that the key be there.
"""

from typing import Final, final

from leveret.broker.exchange import Binding, Exchange
from leveret.broker.properties import Properties
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed
from leveret.tables import LONGSTR, VOID, Field, Table, plain
from leveret.terms import atom, binary

_MODES: Final = ("all", "any", "all-with-x", "any-with-x")


@final
class HeadersExchange(Exchange):
    """A binding matches when all, or any, of its arguments are among the headers."""

    def __init__(self, wish: ExchangeWish) -> None:
        super().__init__(wish)
        self.is_static = False

    def check(self, binding: Binding) -> None:
        """Refuse an unknown x-match.  Raises PreconditionFailed."""
        mode = binding.arguments.get("x-match")
        if mode is None:
            return
        if mode.kind != LONGSTR:
            raise PreconditionFailed(
                f"Invalid x-match field type {mode.kind_name} (value {atom(plain(mode))}); "
                "expected longstr"
            )
        if mode.value not in _MODES:
            octets = str(mode.value).encode("utf-8", "surrogateescape")
            raise PreconditionFailed(
                f"Invalid x-match field value {binary(octets)}; "
                "expected all, any, all-with-x, or any-with-x"
            )

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The bindings whose arguments agree with the headers."""
        headers = properties.headers()
        return [b for b in self.bindings.values() if _agrees(b.arguments, headers)]

    def added(self, binding: Binding) -> None:
        """Nothing to do: ``bindings`` is the whole state."""

    def removed(self, binding: Binding) -> None:
        """Nothing to do: ``bindings`` is the whole state."""


def _agrees(wanted: Table, headers: Table) -> bool:
    mode = wanted.get("x-match")
    word = str(mode.value) if mode is not None else "all"
    with_x = word.endswith("-with-x")
    is_any = word.startswith("any")
    for name, field in wanted.items():
        if name == "x-match" or (not with_x and name.startswith("x-")):
            continue
        if _has(headers.get(name), field) == is_any:
            return is_any
    return not is_any


def _has(header: Field | None, wanted: Field) -> bool:
    if header is None:
        return False
    return wanted.kind == VOID or header.same_as(wanted)
