"""How long a channel's deliveries have been out, to find those that took too long.

No delivery carries a time: now and then the last delivery tag is written down with the time, and
what has a tag up to it was delivered then or before.  So a channel that is watched costs one
appointment, whatever it delivers, and one that is not costs nothing.
Behaviour: RabbitMQ 4.3, "Delivery Acknowledgement Timeout".
"""

from typing import Final, final

from leveret.broker.consumer import Consumer
from leveret.broker.queue import Queue
from leveret.broker.rules import CLASSIC
from leveret.broker.vhost import VHost
from leveret.sessions.outstanding import Delivery, Outstanding
from leveret.tables import INTEGERS

_MS_NS: Final = 1_000_000
# A time is kept to this fraction of itself, but nobody looks more seldom than once a minute.
_LOOKS_PER_TIMEOUT: Final = 8
_SELDOM_NS: Final = 60_000_000_000


def timeout_ms(vhost: VHost, consumer: Consumer | None, queue: Queue) -> int:
    """How long a delivery may be out: what consumer, queue or vhost say; 0 for ever.

    ``consumer`` is None for what was asked for by basic.get.
    """
    if queue.kind == CLASSIC and not vhost.compat.has_classic_timeouts:
        return 0
    if consumer is not None:
        field = consumer.arguments.get("x-consumer-timeout")
        if field is not None and field.kind in INTEGERS:
            assert isinstance(field.value, int)
            return max(field.value, 0)
    if queue.rules.consumer_timeout_ms >= 0:
        return queue.rules.consumer_timeout_ms
    return vhost.consumer_timeout_ms


@final
class Lapse:
    """A delivery that took longer than its ``limit_ms``."""

    def __init__(self, delivery: Delivery, limit_ms: int) -> None:
        self.delivery: Final = delivery
        self.limit_ms: Final = limit_ms


@final
class Lapses:
    """The watch over one channel.  ``period_ns`` is how often it wants to look."""

    def __init__(self, vhost: VHost, outstanding: Outstanding) -> None:
        self._vhost: Final = vhost
        self._outstanding: Final = outstanding
        self._shortest_ns = 0
        # (time, last tag) of each look, both ascending.
        self._marks: list[tuple[int, int]] = []
        self.period_ns = _SELDOM_NS

    def expect(self, limit_ms: int) -> None:
        """There are, or will be, deliveries that may be out so long."""
        limit_ns = limit_ms * _MS_NS
        if self._shortest_ns == 0 or limit_ns < self._shortest_ns:
            self._shortest_ns = limit_ns
            self.period_ns = min(max(limit_ns // _LOOKS_PER_TIMEOUT, _MS_NS), _SELDOM_NS)

    @property
    def mark_count(self) -> int:
        """How many moments are remembered."""
        return len(self._marks)

    def look(self, now_ns: int) -> list[Lapse]:
        """Take note of the time, and find what is too late by now."""
        last_tag = self._outstanding.last_tag
        if not self._marks or self._marks[-1][1] < last_tag:
            self._marks.append((now_ns, last_tag))
        self._forget_old()
        found: list[Lapse] = []
        for made_ns, delivery in self._suspects(now_ns):
            limit_ms = timeout_ms(self._vhost, delivery.consumer, delivery.queue)
            if limit_ms > 0 and made_ns + limit_ms * _MS_NS <= now_ns:
                found.append(Lapse(delivery, limit_ms))
        return found

    def _suspects(self, now_ns: int) -> list[tuple[int, Delivery]]:
        """What is out for the shortest time at least, and since when."""
        suspects: list[tuple[int, Delivery]] = []
        before = 0
        for made_ns, tag in self._marks:
            if made_ns + self._shortest_ns > now_ns:
                break
            suspects.extend(
                [(made_ns, delivery) for delivery in self._outstanding.find_between(before, tag)]
            )
            before = tag
        return suspects

    def _forget_old(self) -> None:
        """Forget marks that no delivery needs: there are no more than deliveries, and the last."""
        marks = self._marks
        self._marks = []
        before = 0
        for mark in marks[:-1]:
            if self._outstanding.has_between(before, mark[1]):
                self._marks.append(mark)
            before = mark[1]
        self._marks.append(marks[-1])
