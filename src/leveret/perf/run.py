"""One run from the first connection to the last: opens, declares, lets go, watches, closes."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, Final, final

from leveret.perf.address import read_address
from leveret.perf.body import Target
from leveret.perf.connection import Connection, Role, Watch, connect
from leveret.perf.consumer import Consumer
from leveret.perf.deliveries import Deliveries
from leveret.perf.faults import BrokerFault
from leveret.perf.latency import Histogram
from leveret.perf.ledger import Ledger, Verdict
from leveret.perf.meter import Meter, Sample
from leveret.perf.publisher import Publisher
from leveret.perf.report import LiveLine, Result
from leveret.perf.settings import Settings
from leveret.perf.topology import Topology
from leveret.ports import Clock

_AT_ONCE: Final = 50  # connections opened or closed at the same time
_STEP_S: Final = 0.02  # how often a run without a rate looks around
_SLICE_S: Final = 0.001  # how often one with a rate publishes
_CALM_S: Final = 5.0  # nothing has come for so long: nothing more will
_SURPLUS_S: Final = 0.2  # after all has come, duplicates may still
_GOODBYE_S: Final = 1.0
_ARRIVAL_S: Final = 10.0  # how long the broker may take to read what was sent last
_CLEAN_UP_S: Final = 10.0

FINISHED: Final = "finished; closing the connections"

_GOING: Final = 0
_OVER: Final = 1  # the time is up, or somebody pressed Ctrl-C
_THROUGH: Final = 2  # all messages were sent and received


@final
class Run:
    """A measurement.  ``perform`` once."""

    def __init__(self, settings: Settings, clock: Clock, line: LiveLine) -> None:
        self._settings: Final = settings
        self._clock: Final = clock
        self._line: Final = line
        self._address: Final = read_address(settings.url)
        self._watch: Final = Watch()
        self._meter: Final = Meter()
        self._topology: Final = Topology(settings)
        self._ledgers: Final[list[Ledger]] = []
        self._publishers: Final[list[Publisher]] = []
        self._consumers: Final[list[Consumer]] = []
        self._connections: Final[list[Connection]] = []
        self._publishing: Final[list[Connection]] = []
        self._cut_short = 0  # publishers that hung up before the broker had read all they sent
        self._latency: Final = Histogram()
        self._next_line_ns = 0

    async def perform(self) -> Result:
        """Run it.  Raises BrokerFault, and BadSetting for an unusable URL."""
        self._settings.check()
        control = await connect(self._address, Role(), self._watch)
        try:
            return await self._measure(control)
        finally:
            await self._clean_up(control)

    def interrupt(self) -> None:
        """End it as if its time were up."""
        self._watch.interrupted = True

    async def _measure(self, control: Connection) -> Result:
        opening_ns = self._clock.now_ns()
        if self._settings.publishers + self._settings.consumers:
            await self._topology.declare(control)
        await self._open_publishers()
        await self._open_idle()
        gc.collect()
        gc.freeze()  # from here on, nothing is made that the collector must look for
        begin = Sample(self._meter)
        await self._open_consumers()
        opened_s = (self._clock.now_ns() - opening_ns) / 1e9
        if self._publishers:
            begin = Sample(self._meter)
        for publisher in self._publishers:
            publisher.go()
        self._line.write(begin, self._latency, "")
        self._next_line_ns = begin.at_ns + 1_000_000_000
        total = Histogram()
        if self._settings.warmup:
            await self._watch_until(begin.at_ns + int(self._settings.warmup * 1e9), total)
            total.clear()
            self._meter.confirm_latency.clear()
            begin, warmed = Sample(self._meter), begin
        else:
            warmed = begin
        result = Result(self._settings, control.product, self._meter, begin)
        result.opened_s = opened_s
        deadline = warmed.at_ns + int(self._settings.duration * 1e9)
        result.by_count = await self._watch_until(deadline, total)
        await self._finish(result, total)
        return result

    # --- opening ---------------------------------------------------------------------------

    async def _open_publishers(self) -> None:
        settings = self._settings
        count = settings.publisher_count if settings.publishers else 0
        for number in range(count):
            targets = self._topology.targets(number)
            self._publishers.append(
                Publisher(settings, targets, number / count, self._meter, self._clock)
            )
        await in_groups([self._open_publisher(publisher) for publisher in self._publishers])

    async def _open_publisher(self, publisher: Publisher) -> None:
        connection = await self._open(publisher)
        self._publishing.append(connection)
        await publisher.start(connection)

    async def _open_consumers(self) -> None:
        settings = self._settings
        if not settings.consumers:
            return
        for queue in self._topology.queues:
            ledger = Ledger(settings.size) if settings.verify else None
            if ledger is not None:
                self._ledgers.append(ledger)
            for _ in range(settings.consumers):
                deliveries = Deliveries(
                    self._meter, self._clock, settings.ack_every, settings.is_stamped, ledger
                )
                self._consumers.append(Consumer(settings, queue, deliveries))
        await in_groups([self._open_consumer(consumer) for consumer in self._consumers])

    async def _open_consumer(self, consumer: Consumer) -> None:
        await consumer.start(await self._open(consumer))

    async def _open_idle(self) -> None:
        await in_groups([self._open_one_idle() for _ in range(self._settings.connections)])

    async def _open_one_idle(self) -> None:
        await self._open(Role())

    async def _open(self, role: Role) -> Connection:
        connection = await connect(self._address, role, self._watch)
        self._connections.append(connection)
        return connection

    # --- watching --------------------------------------------------------------------------

    async def _watch_until(self, deadline_ns: int, total: Histogram) -> bool:
        """Let it run; whether it ended because all messages were through."""
        step_s = self._step_s()
        state = _GOING
        while state == _GOING:
            await asyncio.sleep(step_s)
            state = self._look_around(deadline_ns, total)
        return state == _THROUGH

    def _step_s(self) -> float:
        # Not within the coroutine: mypy 2.4.1 compiles such a condition there to a crash.
        return _SLICE_S if self._settings.rate and self._publishers else _STEP_S

    def _look_around(self, deadline_ns: int, total: Histogram) -> int:
        """Do what is due, and say whether the run goes on.  Raises BrokerFault."""
        settings = self._settings
        if settings.rate:
            for publisher in self._publishers:
                publisher.tick()
        now_ns = self._clock.now_ns()
        if now_ns >= self._next_line_ns:
            self._report(total)
        if self._watch.failure:
            raise BrokerFault(self._watch.failure)
        if settings.messages and self._is_through():
            return _THROUGH
        if self._watch.interrupted or (settings.duration and now_ns >= deadline_ns):
            return _OVER
        return _GOING

    def _report(self, total: Histogram) -> None:
        meter = self._meter
        self._line.write(Sample(meter), meter.latency, self._watch.blocked)
        total.take_from(meter.latency)
        self._next_line_ns += 1_000_000_000

    def _is_through(self) -> bool:
        """Whether all messages asked for were sent, and received if somebody receives."""
        if not self._publishers:
            return self._meter.received >= self._settings.messages
        if not all(publisher.is_done for publisher in self._publishers):
            return False
        return not self._consumers or self._meter.received >= self._expected()

    def _expected(self) -> int:
        """How many messages the consumers should get of what was sent so far."""
        return self._meter.sent * self._settings.fan

    # --- the end ---------------------------------------------------------------------------

    async def _finish(self, result: Result, total: Histogram) -> None:
        """Take the last figures; with ``--verify`` wait for what is still under way."""
        result.end = Sample(self._meter)
        result.under_way = self._under_way()
        self._line.say(FINISHED)
        for publisher in self._publishers:
            publisher.stop()
        total.take_from(self._meter.latency)
        result.latency.take_from(total)
        result.confirm_latency.take_from(self._meter.confirm_latency)
        if self._settings.verify:
            if self._publishers:
                await self._drain()
            result.verdict = self._verdict()
        await self._let_arrive()
        for consumer in self._consumers:
            consumer.finish()
        if self._watch.failure:
            raise BrokerFault(self._watch.failure)

    def _under_way(self) -> int:
        """How many messages somebody should still receive."""
        if not self._consumers or not self._publishers:
            return 0
        meter = self._meter
        gone = meter.returned + meter.nacked
        return max(0, self._expected() - gone * self._settings.fan - meter.received)

    async def _let_arrive(self) -> None:
        """Hang up publishers only when all they sent was read: it was counted as sent.

        Nobody can tell, and so nothing waits, where the queues are deleted anyway.
        """
        if self._watch.failure or not self._topology.outlives_the_run:
            return
        await in_groups([self._hang_up(connection) for connection in self._publishing])
        if self._cut_short:
            self._line.say(
                f"the broker did not read all that {self._cut_short} publishers sent within"
                f" {_ARRIVAL_S:.0f} s: some of what was counted as sent may be missing"
            )

    async def _hang_up(self, connection: Connection) -> None:
        answered = await connection.close(_ARRIVAL_S)
        if not answered:
            self._cut_short += 1

    async def _drain(self) -> None:
        """Wait until everything has come, or nothing does any more."""
        self._line.say("waiting for what is still under way")
        heard_ns, received = self._clock.now_ns(), self._meter.received
        while received < self._expected():
            await asyncio.sleep(_STEP_S)
            if self._meter.received != received:
                heard_ns, received = self._clock.now_ns(), self._meter.received
            if self._clock.now_ns() - heard_ns > _CALM_S * 1e9 or self._watch.failure:
                return
        await asyncio.sleep(_SURPLUS_S)

    def _verdict(self) -> Verdict:
        settings = self._settings
        verdict = Verdict()
        targets: list[Target] = []
        for publisher in self._publishers:
            targets += publisher.targets
        for number, ledger in enumerate(self._ledgers):
            sent: dict[int, int] | None = None
            if self._publishers:
                mine = self._topology.streams_of(number, targets)
                sent = {target.stream: int(target.number) for target in mine}
            verdict.add(ledger, sent, settings.consumers == 1)
        return verdict

    async def _clean_up(self, control: Connection) -> None:
        """Close and delete everything, unless a broker that is swamped takes too long over it."""
        try:
            await asyncio.wait_for(self._close_and_delete(control), _CLEAN_UP_S)
        except TimeoutError:
            self._line.say(f"gave up cleaning up after {_CLEAN_UP_S:.0f} s: queues may remain")
        except BrokerFault as fault:
            self._line.say(f"queues may remain: {fault.detail}")
        await control.close(_GOODBYE_S)

    async def _close_and_delete(self, control: Connection) -> None:
        await self._close_all()
        if not control.failure:
            await self._topology.delete(control)

    async def _close_all(self) -> None:
        await in_groups([connection.close(_GOODBYE_S) for connection in self._connections])


async def in_groups(steps: list[Coroutine[Any, Any, Any]]) -> None:
    """Run all, some dozens at a time.  The first failure is raised when its group has ended."""
    for start in range(0, len(steps), _AT_ONCE):
        outcomes = await asyncio.gather(*steps[start : start + _AT_ONCE], return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                for late in steps[start + _AT_ONCE :]:
                    late.close()
                raise outcome
