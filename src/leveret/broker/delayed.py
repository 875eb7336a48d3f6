"""The exchange that waits: x-delayed-message holds messages for as long as their x-delay says.

It routes as the type in its argument ``x-delayed-type`` does, but later: in a heap by time, with
one appointment in the node's timetable, so that a million messages make no million timers.
Behaviour: RabbitMQ's community plugin, "Delayed Message Plugin"; differs: delays may have 64 bits,
and what is held counts as routed.
A durable one does not forget persistent messages in a restart: the journal has them.
"""

from heapq import heappop, heappush
from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker import backlog
from leveret.broker.deaths import keys_of, with_properties
from leveret.broker.exchange import HOLDS, Binding, Exchange
from leveret.broker.message import Message, blind_keys_of
from leveret.broker.post import Post
from leveret.broker.properties import NO_PROPERTIES, Properties, with_headers
from leveret.broker.record import Holder, QueueRecord
from leveret.broker.timetable import Appointee
from leveret.broker.wishes import ExchangeWish
from leveret.tables import (
    DOUBLE,
    FLOAT,
    INT32,
    INT64,
    INTEGERS,
    LONGSTR,
    TIMESTAMP,
    Field,
    Table,
)

DELAY: Final = "x-delay"
_MS_NS: Final = 1_000_000
_SMALL: Final = 1 << 31
_LARGEST: Final = (1 << 63) - 1
# How many are sent at one go: others want their turn too.
_BATCH: Final = 5000


def delay_of(headers: Table) -> int:
    """The delay in milliseconds that ``headers`` ask for; 0 for none.

    Text and reals count as well.
    """
    field = headers.get(DELAY)
    if field is None:
        return 0
    value = field.value
    if field.kind in INTEGERS and field.kind != TIMESTAMP:
        assert isinstance(value, int)
        return value
    if field.kind == LONGSTR:
        return _whole(str(value))
    if field.kind in (FLOAT, DOUBLE):
        assert isinstance(value, float)
        # Neither infinity nor what is no number at all has an integer.
        return int(value) if abs(value) <= _LARGEST else 0
    return 0


def _whole(words: str) -> int:
    digits = words[1:] if words[:1] in ("-", "+") else words
    if len(digits) > 19 or not digits.isascii() or not digits.isdecimal():
        return 0
    number = int(words)
    # What does not fit 64 bits could not be told to the receivers.
    return number if abs(number) <= _LARGEST else 0


@final
@mypyc_attr(acyclic=True)
class Held:
    """A message until it is due, with the keys to send it on by.  ``number``: order of arrival."""

    def __init__(self, due_ns: int, number: int, message: Message, keys: list[str]) -> None:
        self.due_ns: Final = due_ns
        self.number: Final = number
        self.message: Final = message
        self.keys: Final = keys


@final
class Waiting(Appointee):
    """The messages that ``exchange`` holds, by time, then in the order in which they came."""

    def __init__(self, exchange: Exchange, post: Post) -> None:
        super().__init__()
        self._exchange: Final = exchange
        self._post: Final = post
        self._heap: list[tuple[int, int, Held]] = []
        self._count = 0
        self._is_closed = False
        # What the journal is told; None where nothing outlives the process.
        self.record: QueueRecord | None = None
        if post.shelf is not None and exchange.is_durable:
            self.record = post.shelf.open_holder(Shelved(self), post.number)

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, message: Message, keys: list[str], delay_ms: int) -> None:
        """Send ``message`` on after ``delay_ms`` milliseconds."""
        # A transaction may commit what was routed before the exchange went.
        if self._is_closed:
            return
        due_ns = self._post.clock.now_ns() + delay_ms * _MS_NS
        self._count += 1
        if self.record is not None and self.record.keeps(message):
            self.record.stored(message, self._count, due_ns)
        self._hold(Held(due_ns, self._count, message, keys))

    def _hold(self, held: Held) -> None:
        heappush(self._heap, (held.due_ns, held.number, held))
        self._post.timetable.appoint(self, held.due_ns)

    @property
    def next_number(self) -> int:
        """The number that the next message gets."""
        return self._count + 1

    def hold_again(self, number: int, message: Message, due_ns: int) -> None:
        """After a restart: send ``message`` on at ``due_ns``."""
        keys = keys_of(message) + blind_keys_of(message)
        self._count = max(self._count, number)
        self._hold(Held(due_ns, number, message, keys))

    def held(self) -> list[Held]:
        """All, the next first."""
        return [held for _, _, held in sorted(self._heap, key=_order)]

    def close(self) -> None:
        """Send none of them, and take no more."""
        self._is_closed = True
        self._heap = []
        self._post.timetable.cancel(self)
        if self.record is not None and self._post.shelf is not None:
            self._post.shelf.close_holder(self.record)

    def on_time(self, now_ns: int) -> None:
        """Send what is due."""
        heap = self._heap
        for _ in range(_BATCH):
            if not heap or heap[0][0] > now_ns:
                break
            held = heappop(heap)[2]
            if self.record is not None:
                self.record.dropped(held.message, held.number)
            self._post.send(self._exchange, held.keys, held.message)
        if heap:
            # Not before now_ns, or the timetable would come back at once.
            self._post.timetable.appoint(self, max(heap[0][0], now_ns + 1))


@final
class Shelved(Holder):
    """What the journal must know of the messages that wait."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting: Final = waiting

    def held_messages(self) -> list[backlog.Waiting]:
        """Those that wait, in the order of their arrival."""
        ordered = sorted([(held.number, held) for held in self._waiting.held()], key=_number)
        return [
            backlog.Waiting(held.message, number, False, held.due_ns) for number, held in ordered
        ]

    @property
    def next_offset(self) -> int:
        """The number that the next message gets."""
        return self._waiting.next_number

    def hold_again(self, offset: int, message: Message, due_ns: int) -> None:
        """After a restart: send ``message`` on at ``due_ns``."""
        self._waiting.hold_again(offset, message, due_ns)


def _number(entry: tuple[int, Held]) -> int:
    return entry[0]


def _order(entry: tuple[int, int, Held]) -> tuple[int, int]:
    return entry[0], entry[1]


@final
class DelayedExchange(Exchange):
    """Routes like ``inner``, but holds messages with an x-delay first.

    The delay is negated in the copy that goes on: it is not delayed twice, and whoever gets it
    sees what the delay was.
    """

    def __init__(self, wish: ExchangeWish, inner: Exchange, post: Post) -> None:
        super().__init__(wish)
        self.is_static = False
        self.is_keeping = True
        self.picks_one = inner.picks_one
        self._inner: Final = inner
        self._waiting: Final = Waiting(self, post)
        # Many messages in a row have the very same properties: what they say is looked up once.
        self._seen: Properties = NO_PROPERTIES
        self._delay_ms = 0
        self._negated: Properties = NO_PROPERTIES

    @property
    def number(self) -> int:
        """By which the journal knows it; 0 where nothing outlives the process."""
        record = self._waiting.record
        return record.number if record is not None else 0

    @property
    def held_count(self) -> int:
        """How many messages wait for their time."""
        return len(self._waiting)

    def held(self) -> list[Held]:
        """The messages that wait for their time, the next first."""
        return self._waiting.held()

    def check(self, binding: Binding) -> None:
        """Refuse what the inner type refuses.  Raises PreconditionFailed."""
        self._inner.check(binding)

    def matches(self, key: str, properties: Properties) -> list[Binding]:
        """The bindings that the inner type says."""
        return self._inner.matches(key, properties)

    def keeps(self, properties: Properties) -> int:
        """Holds what has a delay; the rest is the inner type's affair."""
        if self._delay_of(properties) > 0:
            return HOLDS
        return self._inner.keeps(properties)

    def _delay_of(self, properties: Properties) -> int:
        """The delay that ``properties`` ask for, with ``_negated`` telling it when there is one."""
        if properties is not self._seen:
            headers = properties.headers()
            delay_ms = delay_of(headers)
            if delay_ms > 0:
                headers[DELAY] = Field(INT32 if delay_ms < _SMALL else INT64, -delay_ms)
                self._negated = with_headers(properties, headers)
            self._delay_ms = delay_ms
            self._seen = properties
        return self._delay_ms

    def keep(self, message: Message, keys: list[str]) -> None:
        """Hold ``message`` for its delay, or let the inner type have it."""
        delay_ms = self._delay_of(message.properties)
        if delay_ms > 0:
            self._waiting.add(with_properties(message, self._negated), keys, delay_ms)
        else:
            self._inner.keep(message, keys)

    def added(self, binding: Binding) -> None:
        """The inner type knows the bindings too."""
        self._inner.bindings[binding.identity] = binding
        self._inner.added(binding)

    def removed(self, binding: Binding) -> None:
        """The inner type knows the bindings too."""
        self._inner.bindings.pop(binding.identity, None)
        self._inner.removed(binding)

    def close(self) -> None:
        """Send none of the messages that wait."""
        self._waiting.close()
        self._inner.close()
