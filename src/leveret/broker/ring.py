"""Whose turn it is: the consumers of one queue, round robin inside the highest priority.

A consumer that has no room is parked and not asked again until somebody unparks it, so a queue
with thousands of busy consumers pays nothing for them.
Behaviour: RabbitMQ 4.3, "Consumer priorities", "Single active consumer".
"""

from typing import Final, final

from leveret.broker.consumer import Consumer


@final
class Level:
    """The consumers of one priority that are not parked, in the order of their turns."""

    def __init__(self, priority: int) -> None:
        self.priority: Final = priority
        self.active: Final[list[Consumer]] = []
        self.cursor = 0
        self.member_count = 0


@final
class Ring:
    """All consumers of a queue.  Invariant: each is in its level's ``active`` or is parked.

    ``is_single``: only the one who came first has turns; the next takes over when it leaves.  With
    ``is_ranked`` the one with the highest priority has them, and takes over from a lower one once
    that has settled all it holds.
    """

    def __init__(self, is_single: bool = False, is_ranked: bool = False) -> None:
        self.is_single: Final = is_single
        self._is_ranked: Final = is_ranked
        # A set that keeps the order: thousands may leave one by one.
        self.consumers: Final[dict[Consumer, None]] = {}
        self._levels: Final[list[Level]] = []
        self._active: Consumer | None = None

    def add(self, consumer: Consumer) -> None:
        """Let ``consumer`` take part; its turn comes last."""
        level = self._level(consumer.priority)
        level.member_count += 1
        level.active.append(consumer)
        consumer.is_parked = False
        self.consumers[consumer] = None

    def remove(self, consumer: Consumer) -> bool:
        """Let ``consumer`` go.  False when it was not here."""
        if consumer not in self.consumers:
            return False
        del self.consumers[consumer]
        if self._active is consumer:
            self._active = None
        level = self._level(consumer.priority)
        if not consumer.is_parked:
            self._drop(level, level.active.index(consumer))
        # Not to be asked again, whoever frees its last messages.
        consumer.is_parked = False
        level.member_count -= 1
        if level.member_count == 0:
            self._levels.remove(level)
        return True

    def unpark(self, consumer: Consumer) -> None:
        """Ask ``consumer`` again: it may have room now."""
        if consumer.is_parked:
            consumer.is_parked = False
            self._level(consumer.priority).active.append(consumer)

    @property
    def active(self) -> Consumer | None:
        """Who has all the turns, if one is to have them."""
        if not self.is_single:
            return None
        return self._active if self._active is not None else self._first()

    @property
    def has_ready(self) -> bool:
        """Whether anybody who may have a turn is not parked."""
        if self.is_single:
            active = self.active
            return active is not None and not active.is_parked
        return any(level.active for level in self._levels)

    def next(self) -> Consumer | None:
        """The consumer whose turn it is and that has room; parks those that have none."""
        if self.is_single:
            return self._next_single()
        for level in self._levels:
            active = level.active
            while active:
                cursor = level.cursor
                if cursor >= len(active):
                    cursor = 0
                consumer = active[cursor]
                if consumer.has_room():
                    level.cursor = cursor + 1
                    return consumer
                consumer.is_parked = True
                self._drop(level, cursor)
        return None

    def _next_single(self) -> Consumer | None:
        consumer = self._active
        if consumer is None:
            consumer = self._first()
            self._active = consumer
        if consumer is None or consumer.is_parked:
            return None
        if self._is_ranked and self._levels[0].priority > consumer.priority:
            if consumer.unacked_count > 0:
                # It gets no more: whoever settles for it unparks it, and asks again.
                self._park(consumer)
                return None
            consumer = self._first()
            assert consumer is not None
            self._active = consumer
            if consumer.is_parked:
                return None
        if consumer.has_room():
            return consumer
        self._park(consumer)
        return None

    def _first(self) -> Consumer | None:
        """Who is to be the single active one: of those in question the one who came first."""
        if not self._is_ranked:
            return next(iter(self.consumers), None)
        for consumer in self.consumers:
            if consumer.priority == self._levels[0].priority:
                return consumer
        return None

    def _park(self, consumer: Consumer) -> None:
        consumer.is_parked = True
        level = self._level(consumer.priority)
        self._drop(level, level.active.index(consumer))

    def _drop(self, level: Level, index: int) -> None:
        del level.active[index]
        if index < level.cursor:
            level.cursor -= 1

    def _level(self, priority: int) -> Level:
        for level in self._levels:
            if level.priority == priority:
                return level
        made = Level(priority)
        self._levels.append(made)
        self._levels.sort(key=_descending)
        return made


def _descending(level: Level) -> int:
    return -level.priority
