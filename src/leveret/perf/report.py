"""What a run says: a live line each second, a table at the end, or JSON."""

import sys
from typing import Final, TextIO, final

import msgspec

from leveret.perf.latency import Histogram
from leveret.perf.ledger import Verdict
from leveret.perf.meter import Meter, Sample
from leveret.perf.settings import Settings

PERCENTILES: Final = (50.0, 95.0, 99.0, 99.9)


@final
class Result:
    """One finished run.  ``begin`` and ``end`` frame the time that counts."""

    def __init__(self, settings: Settings, product: str, meter: Meter, begin: Sample) -> None:
        self.settings: Final = settings
        self.product: Final = product
        self.meter: Final = meter
        self.begin: Final = begin
        self.end = begin
        self.by_count = False  # ended when all messages were through, not by the clock
        self.latency: Final = Histogram()
        self.confirm_latency: Final = Histogram()
        self.under_way = 0  # sent, and neither received nor known to be refused at the end
        self.opened_s = 0.0  # how long it took to open all connections
        self.verdict: Verdict | None = None
        self.notes: list[str] = []

    @property
    def wall_s(self) -> float:
        """The seconds that count."""
        return (self.end.at_ns - self.begin.at_ns) / 1e9

    @property
    def cpu_s(self) -> float:
        """Our own processor time in those."""
        return self.end.cpu_s - self.begin.cpu_s

    @property
    def sent(self) -> int:
        """Messages published in the time that counts."""
        return self.end.sent - self.begin.sent

    @property
    def confirmed(self) -> int:
        """Of them, answered for by the broker."""
        return self.end.confirmed - self.begin.confirmed

    @property
    def received(self) -> int:
        """Messages consumed in the time that counts."""
        return self.end.received - self.begin.received

    @property
    def sent_s(self) -> float:
        """The seconds that publishing took."""
        return self._until(self.meter.last_sent_ns)

    @property
    def received_s(self) -> float:
        """The seconds that consuming took."""
        return self._until(self.meter.last_received_ns)

    def _until(self, last_ns: int) -> float:
        if self.by_count and last_ns > self.begin.at_ns:
            return (last_ns - self.begin.at_ns) / 1e9
        return self.wall_s

    @property
    def cpu_s_per_million(self) -> float:
        """Our own processor seconds per million messages sent or received."""
        return per(self.cpu_s * 1e6, self.sent + self.received)


def per(amount: float, of: float) -> float:
    """``amount`` per one of ``of``; 0 where there is none."""
    return amount / of if of else 0.0


def span(nanoseconds: int) -> str:
    """A time with a fitting unit."""
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1e3:.0f} µs"
    if nanoseconds < 1_000_000_000:
        return f"{nanoseconds / 1e6:.1f} ms"
    return f"{nanoseconds / 1e9:.2f} s"


@final
class LiveLine:
    """Writes one line a second while a run goes on; the invariant: it never asks the broker."""

    def __init__(self, settings: Settings, out: TextIO) -> None:
        self._settings: Final = settings
        self._out: Final = out
        self._last: Sample | None = None
        self._begun_ns = 0

    def write(self, now: Sample, latency: Histogram, blocked: str) -> None:
        """Say what happened since the last line; ``latency`` is of that time only."""
        last = self._last
        self._last = now
        if last is None:
            self._begun_ns = now.at_ns
            return
        passed = (now.at_ns - last.at_ns) / 1e9
        parts = [f"{(now.at_ns - self._begun_ns) / 1e9:5.0f} s"]
        if self._settings.publishers:
            parts.append(f"sent {per(now.sent - last.sent, passed):,.0f}/s")
        if self._settings.window:
            parts.append(f"confirmed {per(now.confirmed - last.confirmed, passed):,.0f}/s")
        if self._settings.consumers:
            parts.append(f"received {per(now.received - last.received, passed):,.0f}/s")
            if self._settings.publishers:
                waiting = max(0, now.sent * self._settings.fan - now.received)
                parts.append(f"under way {waiting:,}")
        if latency.count:
            parts.append(f"p50 {span(latency.percentile(50))} p99 {span(latency.percentile(99))}")
        if blocked:
            parts.append(f"the broker blocks publishers: {blocked}")
        self.say("  ".join(parts))

    def say(self, sentence: str) -> None:
        """Write a line."""
        self._out.write(sentence + "\n")
        self._out.flush()


def summary(result: Result) -> str:
    """The table for people."""
    lines = _rates(result) + _under_way(result) + _latencies(result)
    busy = per(100 * result.cpu_s, result.wall_s)
    lines.append(
        f"load generator: {result.cpu_s:.2f} s of processor time in {result.wall_s:.1f} s"
        f" ({busy:.0f} %), {result.cpu_s_per_million:.2f} s per million messages sent or received"
    )
    meter = result.meter
    if result.settings.connections:
        lines.append(
            f"{result.settings.connections:,} idle connections; all were open after"
            f" {result.opened_s:.2f} s"
        )
    if meter.nacked or meter.returned:
        lines.append(f"refused (nack) {meter.nacked:,}, returned as unroutable {meter.returned:,}")
    verdict = result.verdict
    if verdict is not None:
        fine = "verified" if verdict.is_fine else "VERIFICATION FAILED"
        lines.append(
            f"{fine}: {meter.received:,} bodies; lost {verdict.lost:,}, duplicated"
            f" {verdict.duplicated:,}, corrupt {verdict.corrupt:,}, out of order"
            f" {verdict.reordered:,}"
        )
    return "\n".join(lines + result.notes)


def _rates(result: Result) -> list[str]:
    settings = result.settings
    lines = [f"{result.product or 'broker':<24}{'messages':>16}{'per second':>14}{'MB/s':>10}"]
    if settings.publishers:
        octets = result.sent * settings.size
        lines.append(_rate("sent", result.sent, result.sent_s, octets))
    if settings.window and settings.publishers:
        octets = result.confirmed * settings.size
        lines.append(_rate("confirmed", result.confirmed, result.sent_s, octets))
    if settings.consumers:
        octets = result.end.received_octets - result.begin.received_octets
        lines.append(_rate("received", result.received, result.received_s, octets))
    return lines if len(lines) > 1 else []


def _under_way(result: Result) -> list[str]:
    if not result.under_way:
        return []
    hint = "" if result.verdict is not None else "; --verify waits for them"
    if hint and result.settings.may_lose:
        hint += ", unless the broker dropped them"
    said = f"{result.under_way:,} messages, sent but not yet received{hint}"
    return [f"still under way at the end: {said}"]


def _rate(name: str, count: int, seconds: float, octets: int) -> str:
    rate, flow = per(count, seconds), per(octets / 1e6, seconds)
    return f"{name:<24}{count:>16,}{rate:>14,.0f}{flow:>10,.1f}"


def _latencies(result: Result) -> list[str]:
    rows = [("send to receive", result.latency), ("send to confirm", result.confirm_latency)]
    rows = [(name, histogram) for name, histogram in rows if histogram.count]
    if not rows:
        return []
    heads = [f"p{percent:g}" for percent in PERCENTILES] + ["max"]
    lines = [f"{'latency':<24}" + "".join(f"{head:>12}" for head in heads)]
    for name, histogram in rows:
        times = [histogram.percentile(percent) for percent in PERCENTILES] + [int(histogram.max_ns)]
        lines.append(f"{name:<24}" + "".join(f"{span(time):>12}" for time in times))
    return lines


def as_json(result: Result) -> str:
    """The same for machines; times of latencies in microseconds."""
    meter, verdict = result.meter, result.verdict
    tree: dict[str, object] = {
        "broker": result.product,
        "seconds": round(result.wall_s, 4),
        "sent": result.sent,
        "sent_per_s": round(per(result.sent, result.sent_s), 1),
        "confirmed": result.confirmed,
        "confirmed_per_s": round(per(result.confirmed, result.sent_s), 1),
        "received": result.received,
        "received_per_s": round(per(result.received, result.received_s), 1),
        "received_octets": result.end.received_octets - result.begin.received_octets,
        "sent_in_all": meter.sent,  # with warming up and what came after the time was up
        "received_in_all": meter.received,
        "under_way": result.under_way,
        "nacked": meter.nacked,
        "returned": meter.returned,
        "latency_us": _percentiles(result.latency),
        "confirm_latency_us": _percentiles(result.confirm_latency),
        "opened_s": round(result.opened_s, 4),
        "cpu_s": round(result.cpu_s, 3),
        "cpu_percent": round(per(100 * result.cpu_s, result.wall_s), 1),
        "cpu_s_per_million": round(result.cpu_s_per_million, 4),
    }
    if result.notes:
        tree["notes"] = result.notes
    if verdict is not None:
        tree["verified"] = verdict.is_fine
        tree["lost"] = verdict.lost
        tree["duplicated"] = verdict.duplicated
        tree["corrupt"] = verdict.corrupt
        tree["reordered"] = verdict.reordered
    return msgspec.json.format(msgspec.json.encode(tree)).decode()


def _percentiles(histogram: Histogram) -> dict[str, float] | None:
    if not histogram.count:
        return None
    times = {f"p{percent:g}": histogram.percentile(percent) / 1e3 for percent in PERCENTILES}
    times["max"] = int(histogram.max_ns) / 1e3
    times["mean"] = histogram.mean_ns() / 1e3
    return {name: round(time, 1) for name, time in times.items()}


def live_line(settings: Settings) -> LiveLine:
    """The live line on standard error, where it does not mix with the result."""
    return LiveLine(settings, sys.stderr)
