"""What a channel has delivered and the client has not acknowledged yet."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from leveret.broker.consumer import Consumer
from leveret.broker.message import Message
from leveret.broker.queue import Queue

# Settled deliveries are kept until there are this many and they are the most.
_SLACK: Final = 64
# So many moments are remembered.
_MARKS: Final = 64


@final
@mypyc_attr(acyclic=True)
class Delivery:
    """One message in the client's hands.  ``consumer`` is None for one it asked for.

    ``is_held``: answered for in a transaction that is still open, so it counts as out but cannot
    be answered for again.

    Acyclic although its consumer leads back to it: a channel that ends takes all its deliveries.
    """

    def __init__(
        self, tag: int, queue: Queue, consumer: Consumer | None, message: Message, offset: int
    ) -> None:
        self.tag: Final = tag
        self.queue: Final = queue
        self.consumer: Final = consumer
        self.message: Final = message
        self.offset: Final = offset
        self.is_settled = False
        self.is_held = False


@final
class Outstanding:
    """The deliveries of one channel, by ascending tag.

    ``limit`` is the channel's prefetch, 0 for none; ``held_count`` is what counts against it:
    deliveries to consumers, not what the client asked for itself.

    Invariant: the tags in ``_deliveries`` from ``_head`` on ascend, and the first is not settled.
    Settled ones in the middle are dropped when they are the most, so memory follows what is out.
    """

    def __init__(self) -> None:
        self.last_tag = 0
        self.limit = 0
        self.held_count = 0
        self._deliveries: list[Delivery] = []
        self._head = 0
        self._settled_count = 0
        # The last tag at some moments, both ascending: no delivery carries a time.
        self._marks: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._deliveries) - self._head - self._settled_count

    def add(self, delivery: Delivery) -> None:
        """Remember ``delivery``, whose tag is the highest so far."""
        self._deliveries.append(delivery)
        delivery.queue.unacked_octets += len(delivery.message.body)
        if delivery.consumer is not None:
            self.held_count += 1
            delivery.consumer.unacked_count += 1

    def out(self) -> list[Delivery]:
        """Every delivery that is out, free or not."""
        return [each for each in self._deliveries[self._head :] if not each.is_settled]

    def note_time(self, now_ns: int) -> None:
        """Remember when the deliveries so far were out at the latest.  Called now and then."""
        if len(self) == 0:
            if self._marks:
                self._marks = []
            return
        marks = self._marks
        if marks and marks[-1][0] == self.last_tag:
            return
        first = self._deliveries[self._head].tag
        if len(marks) >= _MARKS:
            # Older times need not be as exact.
            marks = marks[: _MARKS // 2 : 2] + marks[_MARKS // 2 :]
        self._marks = [mark for mark in marks if mark[0] >= first]
        self._marks.append((self.last_tag, now_ns))

    def since_ns(self, tag: int, now_ns: int) -> int:
        """When the delivery with ``tag`` was seen to be out, ``now_ns`` if it was not yet."""
        for last_tag, seen_ns in self._marks:
            if tag <= last_tag:
                return seen_ns
        return now_ns

    def take(self, tag: int) -> Delivery | None:
        """The delivery with ``tag``, which is settled now; None when there is none."""
        index = self._find(tag)
        if index < 0:
            return None
        delivery = self._deliveries[index]
        self._settle(delivery)
        self._trim()
        return delivery

    def find_through(self, tag: int) -> list[Delivery] | None:
        """Every free delivery up to the one with ``tag``; None when that one is not free."""
        last = self._find(tag)
        if last < 0:
            return None
        return self._free(last + 1)

    def find_all(self) -> list[Delivery]:
        """Every free delivery."""
        return self._free(len(self._deliveries))

    def find_between(self, after: int, last: int) -> list[Delivery]:
        """Every free delivery with a tag above ``after``, up to ``last``, out or not."""
        first = self._search(after + 1)
        end = self._search(last + 1)
        return [d for d in self._deliveries[first:end] if not d.is_settled and not d.is_held]

    def has_between(self, after: int, last: int) -> bool:
        """Whether a delivery with a tag above ``after``, up to ``last``, is out, free or held."""
        for index in range(self._search(after + 1), len(self._deliveries)):
            delivery = self._deliveries[index]
            if delivery.tag > last:
                return False
            if not delivery.is_settled:
                return True
        return False

    def find(self, tag: int) -> Delivery | None:
        """The free delivery with ``tag``."""
        index = self._find(tag)
        return self._deliveries[index] if index >= 0 else None

    def settle(self, deliveries: list[Delivery]) -> None:
        """These, found before, are out no longer."""
        for delivery in deliveries:
            self._settle(delivery)
        self._trim()

    def _free(self, end: int) -> list[Delivery]:
        found: list[Delivery] = []
        for index in range(self._head, end):
            delivery = self._deliveries[index]
            if not delivery.is_settled and not delivery.is_held:
                found.append(delivery)
        return found

    def _settle(self, delivery: Delivery) -> None:
        delivery.is_settled = True
        self._settled_count += 1
        delivery.queue.unacked_octets -= len(delivery.message.body)
        if delivery.consumer is not None:
            self.held_count -= 1
            delivery.consumer.unacked_count -= 1

    def _find(self, tag: int) -> int:
        """The index of the free delivery with ``tag``, or -1."""
        deliveries = self._deliveries
        low = self._head
        high = len(deliveries)
        if low == high:
            return -1
        # Tags mostly follow one another without a gap: look there first.
        guess = low + tag - deliveries[low].tag
        if not low <= guess < high or deliveries[guess].tag != tag:
            guess = self._search(tag)
        if guess == high:
            return -1
        found = deliveries[guess]
        if found.tag != tag or found.is_settled or found.is_held:
            return -1
        return guess

    def _search(self, tag: int) -> int:
        """The index of the first delivery whose tag is at least ``tag``."""
        deliveries = self._deliveries
        low = self._head
        high = len(deliveries)
        while low < high:
            middle = (low + high) // 2
            if deliveries[middle].tag < tag:
                low = middle + 1
            else:
                high = middle
        return low

    def _trim(self) -> None:
        deliveries = self._deliveries
        head = self._head
        size = len(deliveries)
        while head < size and deliveries[head].is_settled:
            head += 1
            self._settled_count -= 1
        if head == size:
            self._deliveries = []
            head = 0
        elif head > _SLACK and head * 2 > size:
            del deliveries[:head]
            head = 0
        elif self._settled_count > _SLACK and self._settled_count * 2 > size - head:
            self._deliveries = [d for d in deliveries[head:] if not d.is_settled]
            self._settled_count = 0
            head = 0
        self._head = head
