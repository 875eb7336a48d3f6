"""The exchange that remembers: x-recent-history gives its last messages to whoever is bound new.

Routes like a fanout.  Behaviour: RabbitMQ 4.3, "Recent History Exchange" (plugin); differs: what
an exchange is replayed comes oldest first there too, and leads nowhere without a refusal.
"""

from collections import deque
from typing import Final, final

from leveret.broker.exchange import PASSES, REMEMBERS, Binding, Exchange
from leveret.broker.message import Message
from leveret.broker.post import Post
from leveret.broker.properties import Properties
from leveret.broker.wishes import ExchangeWish
from leveret.errors import PreconditionFailed
from leveret.tables import BOOL, INT8, INT16, INT32, INT64, LONGLONG, LONGSTR, Table, plain
from leveret.terms import atom, binary

_DEFAULT_LENGTH: Final = 20
_INTEGERS: Final = frozenset({INT8, INT16, INT32, INT64, LONGLONG})


@final
class Remembered:
    """A message and the keys that it came with."""

    def __init__(self, message: Message, keys: list[str]) -> None:
        self.message: Final = message
        self.keys: Final = keys


@final
class RecentHistoryExchange(Exchange):
    """Keeps the last ``x-recent-history-length`` messages, 20 if nobody says how many."""

    def __init__(self, wish: ExchangeWish, post: Post) -> None:
        super().__init__(wish)
        self.is_static = False
        self.is_keeping = True
        self._post: Final = post
        self._length: Final = _length(wish.arguments)
        self._recent: Final[deque[Remembered]] = deque()

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """All of them."""
        return list(self.bindings.values())

    def keeps(self, properties: Properties) -> int:
        """Remembers all but those whose headers say not to."""
        if properties.headers_at == 0:
            return REMEMBERS
        field = properties.headers().get("x-recent-history-no-store")
        if field is not None and field.kind == BOOL and field.value is True:
            return PASSES
        return REMEMBERS

    def keep(self, message: Message, keys: list[str]) -> None:
        """Remember one more, and forget the oldest of too many."""
        self._recent.append(Remembered(message, keys))
        if len(self._recent) > self._length:
            self._recent.popleft()

    def added(self, binding: Binding) -> None:
        """Tell the newcomer what it missed."""
        for each in list(self._recent):
            if binding.queue is not None:
                self._post.put(each.message, [binding.queue])
            elif binding.exchange is not None:
                self._post.send(binding.exchange, each.keys, each.message)

    def removed(self, binding: Binding) -> None:
        """Nothing to do: ``bindings`` is the whole state."""

    def close(self) -> None:
        """Forget everything."""
        self._recent.clear()


def _length(arguments: Table) -> int:
    field = arguments.get("x-recent-history-length")
    if field is None:
        return _DEFAULT_LENGTH
    if field.kind in _INTEGERS:
        assert isinstance(field.value, int)
        if field.value > 0:
            return field.value
    value = plain(field)
    if field.kind == LONGSTR:
        shown = binary(str(value).encode("utf-8", "surrogateescape"))
    else:
        shown = atom(value)
    raise PreconditionFailed(
        f"Invalid argument {shown}, 'x-recent-history-length' must be a positive integer"
    )
