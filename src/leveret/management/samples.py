"""The recent past of some numbers, and what charts ask of it: rates, samples, averages.

::

    ring of 5 s     |.|.|.|.|.|.|.|.|.|.|.|.|     the last ten minutes
    ring of 60 s    |.    |.    |.    |.    |     the last hour, and so on

A row that equals the one before is not kept: the past of what rests takes next to nothing.
Behaviour: RabbitMQ 4.3, "HTTP API", "lengths_age" and its like.  Knows no broker and no clock.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, final

from leveret.management.api import BadRequest

TICK_MS: Final = 5000
# Step and age, in seconds: of what is listed; of what is looked at; of the node as a whole.
BRIEF: Final = ((5, 70),)
BASIC: Final = ((5, 605), (60, 3660))
GLOBAL: Final = (*BASIC, (600, 29_400), (1800, 88_200))
# What nobody needs to see at once.
MAX_SAMPLES: Final = 2000

Row = Sequence[int]
Details = dict[str, object]


@final
class Ring:
    """Rows of one resolution; times are milliseconds of Unix, ascending."""

    __slots__ = ("_keep_ms", "_step_ms", "rows", "times")

    def __init__(self, step_s: int, keep_s: int) -> None:
        self._step_ms: Final = step_s * 1000
        self._keep_ms: Final = keep_s * 1000
        self.times: Final[list[int]] = []
        self.rows: Final[list[Row]] = []

    def add(self, time_ms: int, row: Row) -> None:
        """``row`` holds from ``time_ms`` on; only every so many are kept."""
        if self.times and time_ms % self._step_ms != 0:
            return
        if not self.rows or self.rows[-1] != row:
            self.times.append(time_ms)
            self.rows.append(row)
        # One older than the limit says what was at the limit.
        old = bisect_right(self.times, time_ms - self._keep_ms) - 1
        if old > 0:
            del self.times[:old]
            del self.rows[:old]

    def find(self, time_ms: int) -> Row | None:
        """What held at ``time_ms``; None if that is not known."""
        index = bisect_right(self.times, time_ms) - 1
        return self.rows[index] if index >= 0 else None


@final
class Series:
    """The past of one row of numbers.

    What was before the first row is taken to have been the same, so that nothing seems to have
    happened at the moment somebody began to look.
    """

    __slots__ = ("_policy", "_rings", "changed_ms", "last_ms")

    def __init__(self, policy: Iterable[tuple[int, int]] = BRIEF) -> None:
        self._policy: tuple[tuple[int, int], ...] = tuple(policy)
        self._rings: list[Ring] = [Ring(*each) for each in self._policy]
        self.last_ms = 0
        # When a row differed from the one before.
        self.changed_ms = 0

    def add(self, time_ms: int, row: Row) -> None:
        """``row`` holds from ``time_ms`` on."""
        if self.last_ms == 0 or self._rings[0].rows[-1] != row:
            self.changed_ms = time_ms
        self.last_ms = time_ms
        for ring in self._rings:
            ring.add(time_ms, row)

    def keep(self, policy: tuple[tuple[int, int], ...]) -> None:
        """Remember more than before, if ``policy`` asks for it; what is known stays."""
        if len(policy) < len(self._policy) or policy == self._policy:
            return
        known = self._rings[0]
        self._policy = policy
        self._rings = [Ring(*each) for each in policy]
        for ring in self._rings:
            for time_ms, row in zip(known.times, known.rows, strict=True):
                ring.add(time_ms, row)

    def at(self, time_ms: int) -> Row | None:
        """What held at ``time_ms``; None if nothing is known at all."""
        for ring in self._rings:
            found = ring.find(time_ms)
            if found is not None:
                return found
        rows = self._rings[-1].rows
        return rows[0] if rows else None

    def rate(self, index: int) -> float:
        """By how much a number rose each second, between the last two looks at it."""
        last, before = self.at(self.last_ms), self.at(self.last_ms - TICK_MS)
        if last is None or before is None:
            return 0.0
        return (last[index] - before[index]) * 1000 / TICK_MS

    def details(self, index: int, span: "Span | None") -> Details:
        """What RabbitMQ tells beside a number: its rate, and its past if a ``span`` asks for it."""
        if span is None:
            return {"rate": self.rate(index)}
        values = [(at, row[index]) for at in span.times(self.last_ms) if (row := self.at(at))]
        if not values:
            return {"rate": 0.0}
        (newest_ms, newest), (oldest_ms, oldest) = values[0], values[-1]
        seconds = (newest_ms - oldest_ms) / 1000
        return {
            "rate": self.rate(index),
            "samples": [{"sample": value, "timestamp": at} for at, value in values],
            "avg_rate": (newest - oldest) / seconds if seconds else 0.0,
            "avg": sum([value for _, value in values]) / len(values),
        }


@final
class Span:
    """What part of the past is asked for: the last ``age_s`` seconds, each ``step_s``."""

    def __init__(self, age_s: int, step_s: int) -> None:
        self.age_s: Final = age_s
        self.step_s: Final = step_s

    def times(self, last_ms: int) -> list[int]:
        """The newest first, at full steps."""
        step_ms = self.step_s * 1000
        newest = last_ms // step_ms * step_ms
        return [newest - back * step_ms for back in range(self.age_s // self.step_s + 1)]

    def policy(self) -> tuple[tuple[int, int], ...]:
        """What must be remembered for it."""
        for policy in (BRIEF, BASIC):
            if self.age_s <= policy[-1][1]:
                return policy
        return GLOBAL


@final
class Spans:
    """Those of one request: of lengths of queues, rates of messages, octets, and nodes."""

    def __init__(
        self,
        lengths: Span | None = None,
        rates: Span | None = None,
        data: Span | None = None,
        node: Span | None = None,
    ) -> None:
        self.lengths: Final = lengths
        self.rates: Final = rates
        self.data: Final = data
        self.node: Final = node

    def policy(self) -> tuple[tuple[int, int], ...]:
        """What must be remembered for all of them."""
        wanted = [s for s in (self.lengths, self.rates, self.data, self.node) if s is not None]
        return max([span.policy() for span in wanted], key=len, default=BRIEF)


NO_SPANS: Final = Spans()


def merged(some: Iterable[Series | None], spans: Spans) -> Series | None:
    """The sum of several series, as far as ``spans`` and rates need it."""
    known = [series for series in some if series is not None and series.last_ms > 0]
    if not known:
        return None
    last_ms = max([series.last_ms for series in known])
    wanted = [s for s in (spans.lengths, spans.rates, spans.data) if s is not None]
    times = {last_ms, last_ms - TICK_MS}.union(*[span.times(last_ms) for span in wanted])
    # Nothing is thinned out: what is wanted is all there is.
    total = Series([(TICK_MS // 1000, last_ms)])
    for time_ms in sorted(times):
        rows = [row for series in known if (row := series.at(time_ms)) is not None]
        total.add(time_ms, tuple([sum(column) for column in zip(*rows, strict=True)]))
    return total


def read_spans(query: Mapping[str, str]) -> Spans:
    """What the query of a request asks for.  Raises BadRequest."""
    return Spans(
        _read(query, "lengths"),
        _read(query, "msg_rates"),
        _read(query, "data_rates"),
        _read(query, "node_stats"),
    )


def _read(query: Mapping[str, str], name: str) -> Span | None:
    age, step = query.get(f"{name}_age"), query.get(f"{name}_incr")
    if age is None or step is None:
        return None
    for word in (age, step):
        if not (word.isascii() and word.isdecimal() and len(word) < 10 and int(word) > 0):
            raise BadRequest(f"{name}_age and {name}_incr are seconds, not {word!r}")
    if int(age) // int(step) >= MAX_SAMPLES:
        raise BadRequest(f"{name}_age / {name}_incr may be {MAX_SAMPLES - 1} at most")
    return Span(int(age), int(step))
