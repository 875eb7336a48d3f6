"""One run from the first connection to the last: opens, declares, lets go, watches, closes."""

import asyncio
import gc
from typing import Final, final

from leveret.perf.faults import BrokerFault
from leveret.perf.latency import Histogram
from leveret.perf.link import Link
from leveret.perf.load import Load, in_groups
from leveret.perf.meter import Sample
from leveret.perf.report import LiveLine, Result

_STEP_S: Final = 0.02  # how often a run without a rate looks around
_SLICE_S: Final = 0.001  # how often one with a rate publishes
_CALM_S: Final = 5.0  # nothing has come for so long: nothing more will
_SURPLUS_S: Final = 0.2  # after all has come, duplicates may still
_GOODBYE_S: Final = 1.0
_ARRIVAL_S: Final = 10.0  # how long the broker may take to read what was sent last
_CLEAN_UP_S: Final = 10.0
_REMAINS: Final = "what was made up for the run may remain"

FINISHED: Final = "finished; closing the connections"

_GOING: Final = 0
_OVER: Final = 1  # the time is up, or somebody pressed Ctrl-C
_THROUGH: Final = 2  # all messages were sent and received


@final
class Run:
    """A measurement.  ``perform`` once."""

    def __init__(self, load: Load, line: LiveLine) -> None:
        self._load: Final = load
        self._settings: Final = load.settings
        self._clock: Final = load.clock
        self._line: Final = line
        self._watch: Final = load.watch
        self._meter: Final = load.meter
        self._cut_short = 0  # publishers that hung up before the broker had read all they sent
        self._latency: Final = Histogram()
        self._next_line_ns = 0
        self._heard_ns = 0  # when the count of what was received last changed
        self._heard = 0

    async def perform(self) -> Result:
        """Run it.  Raises BrokerFault, and BadSetting for what makes no sense."""
        self._settings.check()
        try:
            await self._load.prepare()
            return await self._measure()
        finally:
            await self._clean_up()

    def interrupt(self) -> None:
        """End it as if its time were up."""
        self._watch.interrupted = True

    async def _measure(self) -> Result:
        load = self._load
        opening_ns = self._clock.now_ns()
        await load.open_publishers()
        await load.open_idles()
        gc.collect()
        gc.freeze()  # from here on, nothing is made that the collector must look for
        begin = Sample(self._meter)
        await load.open_consumers()
        opened_s = (self._clock.now_ns() - opening_ns) / 1e9
        if load.publishers:
            begin = Sample(self._meter)
        for publisher in load.publishers:
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
        result = Result(self._settings, load.product, self._meter, begin)
        result.opened_s = opened_s
        result.notes = load.notes
        deadline = warmed.at_ns + int(self._settings.duration * 1e9)
        result.by_count = await self._watch_until(deadline, total)
        await self._finish(result, total)
        return result

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
        return _SLICE_S if self._settings.rate and self._load.publishers else _STEP_S

    def _look_around(self, deadline_ns: int, total: Histogram) -> int:
        """Do what is due, and say whether the run goes on.  Raises BrokerFault."""
        settings = self._settings
        if settings.rate:
            for publisher in self._load.publishers:
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
        if not self._load.publishers:
            return self._meter.received >= self._settings.messages
        if not all(publisher.is_done for publisher in self._load.publishers):
            return False
        if not self._load.consumers or self._meter.received >= self._load.expected():
            return True
        return self._settings.may_lose and self._is_calm()

    def _is_calm(self) -> bool:
        """Whether nothing has come for a while: what was lost will not come."""
        now_ns, received = self._clock.now_ns(), self._meter.received
        if received != self._heard or self._heard_ns == 0:
            self._heard_ns, self._heard = now_ns, received
        return now_ns - self._heard_ns > _CALM_S * 1e9

    # --- the end ---------------------------------------------------------------------------

    async def _finish(self, result: Result, total: Histogram) -> None:
        """Take the last figures; with ``--verify`` wait for what is still under way."""
        result.end = Sample(self._meter)
        result.under_way = self._under_way()
        self._line.say(FINISHED)
        for publisher in self._load.publishers:
            publisher.stop()
        total.take_from(self._meter.latency)
        result.latency.take_from(total)
        result.confirm_latency.take_from(self._meter.confirm_latency)
        if self._settings.verify:
            if self._load.publishers:
                await self._drain()
            result.verdict = self._load.verdict()
        await self._let_arrive()
        for consumer in self._load.consumers:
            consumer.finish()
        if self._watch.failure:
            raise BrokerFault(self._watch.failure)

    def _under_way(self) -> int:
        """How many messages somebody should still receive."""
        if not self._load.consumers or not self._load.publishers:
            return 0
        meter = self._meter
        gone = meter.returned + meter.nacked
        return max(0, self._load.expected() - gone * self._settings.fan - meter.received)

    async def _let_arrive(self) -> None:
        """Hang up publishers only when all they sent was read: it was counted as sent.

        Nobody can tell, and so nothing waits, where the queues are deleted anyway.
        """
        if self._watch.failure or not self._load.outlives_the_run:
            return
        await in_groups([self._hang_up(link) for link in self._load.publishing])
        if self._cut_short:
            self._line.say(
                f"the broker did not read all that {self._cut_short} publishers sent within"
                f" {_ARRIVAL_S:.0f} s: some of what was counted as sent may be missing"
            )

    async def _hang_up(self, link: Link) -> None:
        answered = await link.close(_ARRIVAL_S)
        if not answered:
            self._cut_short += 1

    async def _drain(self) -> None:
        """Wait until everything has come, or nothing does any more."""
        self._line.say("waiting for what is still under way")
        self._heard_ns = 0
        while self._meter.received < self._load.expected():
            await asyncio.sleep(_STEP_S)
            if self._is_calm() or self._watch.failure:
                return
        await asyncio.sleep(_SURPLUS_S)

    async def _clean_up(self) -> None:
        """Close and delete everything, unless a broker that is swamped takes too long over it."""
        try:
            await asyncio.wait_for(self._close_and_delete(), _CLEAN_UP_S)
        except TimeoutError:
            self._line.say(f"gave up cleaning up after {_CLEAN_UP_S:.0f} s; {_REMAINS}")
        except BrokerFault as fault:
            self._line.say(f"{_REMAINS}: {fault.detail}")
        await self._load.leave()

    async def _close_and_delete(self) -> None:
        await self._load.close_all(_GOODBYE_S)
        await self._load.clean_up()
