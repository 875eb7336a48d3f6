"""What a run counts, and what it costs the machine it runs on."""

import os
import time
from typing import Final, final

from leveret.perf.latency import Histogram


@final
class Meter:
    """The counters that all publishers and consumers of a run share."""

    def __init__(self) -> None:
        self.sent = 0
        self.confirmed = 0
        self.nacked = 0
        self.returned = 0
        self.received = 0
        self.received_octets = 0
        self.last_sent_ns = 0  # when something was last sent, or confirmed where it should be
        self.last_received_ns = 0
        self.latency: Final = Histogram()  # since the last time the report took it
        self.confirm_latency: Final = Histogram()


@final
class Sample:
    """The counters and the clocks at one moment.  Immutable."""

    def __init__(self, meter: Meter) -> None:
        self.at_ns: Final = time.monotonic_ns()
        self.cpu_s: Final = cpu_seconds()
        self.sent: Final = meter.sent
        self.confirmed: Final = meter.confirmed
        self.received: Final = meter.received
        self.received_octets: Final = meter.received_octets


def cpu_seconds() -> float:
    """The processor time that this process has used, in the program and in the kernel."""
    times = os.times()
    return times.user + times.system
