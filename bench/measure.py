"""One measurement: a fresh broker, one run of ``leveret perf``, and what it cost the broker."""

import json
import subprocess
import sys
import time
from typing import Any, Final

from bench.brokers import Broker, fresh
from bench.processes import cpu_seconds, resident_octets
from bench.scenarios import AMQP, MQTT, Scenario

from leveret.perf.run import FINISHED

WARMUP_S: Final = 2
CALM_S: Final = 1.5  # after its start a broker still tidies up; that belongs to neither
IDLE_CONNECTIONS: Final = 1000
MQTT_CONNECTIONS: Final = 2000
RUN_TIMEOUT_S: Final = 600

Figures = dict[str, float]


class Perf:
    """A run of the load generator, in a process of its own."""

    def __init__(self, broker: Broker, protocol: str, *options: str) -> None:
        """Start it."""
        command = [sys.executable, "-m", "leveret", "perf", protocol, "--json"]
        command += ["--url", broker.urls[protocol]]
        pipe = subprocess.PIPE
        self._process: Final = subprocess.Popen(
            [*command, *options], stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL, text=True
        )
        self._said = ""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def wait_until_measured(self) -> None:
        """Return when the time that counts is over, and only closing and deleting is left."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said += line
            if line.startswith(FINISHED):
                return

    def result(self) -> dict[str, Any]:
        """What it came to.  Ends the benchmark with the load generator's own sentence."""
        out, err = self._process.communicate(timeout=RUN_TIMEOUT_S)
        if self._process.returncode:
            said = (self._said + err)[-2000:]
            raise SystemExit(f"leveret perf failed ({self._process.returncode}):\n{said}")
        result: dict[str, Any] = json.loads(out)
        return result


def started(name: str, protocol: str = AMQP) -> Broker:
    """A fresh broker that has come to rest."""
    broker = fresh(name, protocol)
    try:
        broker.start()
    except BaseException:
        broker.stop()
        raise
    time.sleep(CALM_S)
    return broker


def measure(name: str, scenario: Scenario, seconds: float) -> Figures:
    """Run ``scenario`` against a fresh broker."""
    broker = started(name, scenario.protocol)
    try:
        idle = resident_octets(broker.pid)
        cpu_s = cpu_seconds(broker.pid)
        times = ["--warmup", str(WARMUP_S), "--duration", str(seconds + WARMUP_S)]
        run = Perf(broker, scenario.protocol, *times, *scenario.options)
        run.wait_until_measured()
        cpu_s = cpu_seconds(broker.pid) - cpu_s
        result = run.result()
        after = resident_octets(broker.pid)
    finally:
        broker.stop()
    way = "sent" if scenario.is_publish_only else "received"
    figures = {
        "rate": result[f"{way}_per_s"],
        "broker_cpu_s_per_million": 1e6 * cpu_s / max(1, result[f"{way}_in_all"]),
        "generator_cpu_percent": result["cpu_percent"],
        "idle_octets": idle,
        "after_octets": after,
        "start_s": broker.start_s,
    }
    for percentile, time_us in (result["latency_us"] or {}).items():
        figures[f"latency_{percentile}_us"] = time_us
    return figures


def footprint(name: str, waiting: int) -> Figures:
    """Memory at rest, with many connections, and with many messages waiting."""
    broker = started(name)
    try:
        idle = resident_octets(broker.pid)
        connected = with_connections(broker, AMQP, "--consumers=0", IDLE_CONNECTIONS)
    finally:
        broker.stop()
    figures = {"idle_octets": idle, "connected_octets": connected, "start_s": broker.start_s}
    return figures | _with_waiting(name, waiting)


def with_connections(broker: Broker, protocol: str, none: str, count: int) -> int:
    """The most memory that a broker had while ``count`` connections did nothing."""
    hold = ["--publishers=0", none, f"--connections={count}", "--duration=2"]
    holding = Perf(broker, protocol, *hold)
    most = 0
    while holding.is_running:
        most = max(most, resident_octets(broker.pid))
        time.sleep(0.1)
    holding.result()
    return most


def mqtt_idle(name: str) -> Figures:
    """Memory at rest, and with many MQTT clients that do nothing."""
    broker = started(name, MQTT)
    try:
        idle = resident_octets(broker.pid)
        connected = with_connections(broker, MQTT, "--subscribers=0", MQTT_CONNECTIONS)
    finally:
        broker.stop()
    each = (connected - idle) / MQTT_CONNECTIONS
    return {"idle_octets": idle, "connected_octets": connected, "octets_per_connection": each}


def _with_waiting(name: str, waiting: int) -> Figures:
    broker = started(name)
    try:
        idle = resident_octets(broker.pid)
        fill = Perf(
            broker,
            AMQP,
            "--consumers=0",
            f"--messages={waiting}",
            "--confirm=1000",
            "--queue=waiting",
        )
        fill.result()
        full = resident_octets(broker.pid)
    finally:
        broker.stop()
    return {"waiting_octets": full, "octets_per_message": (full - idle) / waiting}
