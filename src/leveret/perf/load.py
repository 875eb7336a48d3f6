"""One protocol's part of a run: its connections, what it declares, and what should arrive where."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Final

from leveret.perf.address import Scheme, read_address
from leveret.perf.batches import Target
from leveret.perf.consumer import Consumer
from leveret.perf.gate import Gate
from leveret.perf.ledger import Ledger, Verdict
from leveret.perf.link import Link, Watch
from leveret.perf.meter import Meter
from leveret.perf.publisher import Publisher
from leveret.perf.settings import Settings
from leveret.ports import Clock

_AT_ONCE: Final = 50  # connections opened or closed at the same time


class Load(ABC):
    """The clients of a run.  ``publishing`` are those of ``links`` that send.

    Invariant: a ledger of ``_books`` sees the messages of one place, whose index stands beside it.
    """

    def __init__(self, settings: Settings, scheme: Scheme, clock: Clock) -> None:
        self.settings: Final = settings
        self.clock: Final = clock
        self.address: Final = read_address(settings.url, scheme)
        self.watch: Final = Watch()
        self.meter: Final = Meter()
        limit = settings.under_way
        self.gate: Final = Gate(limit, settings.fan, self.meter) if limit else None
        self.publishers: Final[list[Publisher]] = []
        self.consumers: Final[list[Consumer]] = []
        self.links: Final[list[Link]] = []
        self.publishing: Final[list[Link]] = []
        self.notes: Final[list[str]] = []  # what the reader of the result should know
        self._books: Final[list[tuple[int, Ledger]]] = []

    @property
    @abstractmethod
    def product(self) -> str:
        """What the broker says it is; empty when it does not."""

    @property
    @abstractmethod
    def outlives_the_run(self) -> bool:
        """Whether what was sent can be looked for afterwards."""

    @abstractmethod
    async def prepare(self) -> None:
        """Reach the broker, and declare what the run needs.  Raises BrokerFault."""

    @abstractmethod
    async def clean_up(self) -> None:
        """Delete what was made up for the run.  Raises BrokerFault."""

    @abstractmethod
    async def leave(self) -> None:
        """Give up the last connection, if there is one."""

    @abstractmethod
    async def open_publisher(self, number: int, phase: float) -> None:
        """Open the publisher ``number``, who stays silent until it is told to go."""

    @abstractmethod
    async def open_consumer(self, place: int, ledger: Ledger | None) -> None:
        """Open a consumer of ``place``, whose bodies ``ledger`` looks at."""

    @abstractmethod
    async def open_idle(self, number: int) -> None:
        """Open a connection that does nothing."""

    @property
    def shares_ledgers(self) -> bool:
        """Whether the consumers of a place share its messages: then they share a ledger."""
        return True

    def note(self, sentence: str) -> None:
        """Have ``sentence`` said once with the result."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    async def open_publishers(self) -> None:
        """Open all publishers.  Raises BrokerFault."""
        count = self.settings.publisher_count if self.settings.publishers else 0
        await in_groups([self.open_publisher(number, number / count) for number in range(count)])

    async def open_consumers(self) -> None:
        """Open all consumers.  Raises BrokerFault."""
        settings = self.settings
        steps: list[Coroutine[Any, Any, Any]] = []
        for place in range(settings.place_count):
            ledger: Ledger | None = None
            for _ in range(settings.consumers):
                if ledger is None or not self.shares_ledgers:
                    ledger = self._new_ledger(place)
                steps.append(self.open_consumer(place, ledger))
        await in_groups(steps)

    def _new_ledger(self, place: int) -> Ledger | None:
        if not self.settings.verify:
            return None
        ledger = Ledger(self.settings.size)
        self._books.append((place, ledger))
        return ledger

    async def open_idles(self) -> None:
        """Open the connections that only are there.  Raises BrokerFault."""
        await in_groups([self.open_idle(n) for n in range(self.settings.connections)])

    async def close_all(self, patience_s: float) -> None:
        """Close what is open, except the last connection."""
        await in_groups([link.close(patience_s) for link in self.links])

    def expected(self) -> int:
        """How many messages the consumers should get of what was sent so far."""
        return self.meter.sent * self.settings.fan

    def verdict(self) -> Verdict:
        """What the ledgers say of all that was sent, or of what came when others sent it."""
        verdict = Verdict()
        for place, ledger in self._books:
            sent = self._sent_to(place) if self.publishers else None
            verdict.add(ledger, sent, self.settings.is_single_file)
        return verdict

    def _sent_to(self, place: int) -> dict[int, int]:
        """How many messages of which stream should have come to ``place``."""
        targets = [target for publisher in self.publishers for target in publisher.targets]
        mine = [target for target in targets if self.goes_to(target, place)]
        return {target.stream: int(target.number) for target in mine}

    def goes_to(self, target: Target, place: int) -> bool:
        """Whether the messages of ``target`` should come to ``place``."""
        return target.stream % self.settings.place_count == place


async def in_groups(steps: list[Coroutine[Any, Any, Any]]) -> None:
    """Run all, some dozens at a time.  The first failure is raised when its group has ended."""
    for start in range(0, len(steps), _AT_ONCE):
        outcomes = await asyncio.gather(*steps[start : start + _AT_ONCE], return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                for late in steps[start + _AT_ONCE :]:
                    late.close()
                raise outcome
