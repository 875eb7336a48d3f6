"""Plays MQTT scenarios on RabbitMQ's plugin, on mosquitto and on Leveret, and compares them.

python -m tests.differential.mqtt_runner                     start all, play all
python -m tests.differential.mqtt_runner --only 'will*'      some of them
python -m tests.differential.mqtt_runner --with mosquitto    with one of the two only
"""

import argparse
import contextlib
import fnmatch
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.differential import mqtt_scenarios, mqtt_scenarios5
from tests.differential.differences import Known
from tests.differential.mqtt_known import MOSQUITTO, RABBITMQ
from tests.differential.mqtt_stage import MqttPlace, MqttStage
from tests.differential.peer import Trace
from tests.differential.runner import FAILED, PACES, Verdict
from tests.oracle import Oracle, end, free_port, is_installed, missing

import leveret

PLUGIN: Final = "rabbitmq_mqtt"
START_S: Final = 30.0

Scenario = Callable[[MqttStage], Trace]
# What a function's name begins with: on whom it is played, in which version.
KINDS: Final = {
    "scenario_": (("rabbitmq", "mosquitto"), 4),
    "scenario5_": (("mosquitto",), 5),
    "crossing_": (("rabbitmq",), 4),
}
TABLES: Final[dict[str, list[Known]]] = {"rabbitmq": RABBITMQ, "mosquitto": MOSQUITTO}


class Case:
    """A scenario, for one of the brokers to compare with."""

    def __init__(self, name: str, scenario: Scenario, oracle: str, version: int) -> None:
        self.name: Final = name
        self.scenario: Final = scenario
        self.oracle: Final = oracle
        self.version: Final = version


def discover() -> list[Case]:
    """All scenarios, once for each broker that they are to be played on."""
    found = []
    for name, value in {**vars(mqtt_scenarios), **vars(mqtt_scenarios5)}.items():
        for prefix, (oracles, version) in KINDS.items():
            if name.startswith(prefix):
                short = name.removeprefix("scenario_")
                found += [Case(short, value, oracle, version) for oracle in oracles]
    return found


def absent(oracle: str) -> str | None:
    """Why ``oracle`` cannot run here, in one line; None when it can."""
    if oracle == "mosquitto":
        return None if mosquitto_path() else "needs mosquitto (Debian: apt install mosquitto)"
    return missing() or (None if is_installed(PLUGIN) else f"needs RabbitMQ's plugin {PLUGIN}")


def mosquitto_path() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@contextlib.contextmanager
def started(oracle: str) -> Iterator[MqttPlace]:
    """The broker to compare with, for as long as the ``with`` lasts."""
    with _rabbitmq() if oracle == "rabbitmq" else _mosquitto() as place:
        yield place


@contextlib.contextmanager
def _rabbitmq() -> Iterator[MqttPlace]:
    port = free_port()
    settings = (
        f"mqtt.listeners.tcp.1 = 127.0.0.1:{port}",
        "management_agent.disable_metrics_collector = true",
    )
    with Oracle(settings=settings, plugins=(PLUGIN,)) as oracle:
        yield MqttPlace(port, oracle.port)


@contextlib.contextmanager
def _mosquitto() -> Iterator[MqttPlace]:
    port, path = free_port(), mosquitto_path()
    assert path is not None
    with tempfile.TemporaryDirectory(prefix="mosquitto-") as folder:
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "sys_interval 1", ""]
        (Path(folder) / "conf").write_text("\n".join(lines))
        process = subprocess.Popen(
            [path, "-c", f"{folder}/conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(port)
            yield MqttPlace(port)
        finally:
            end(process)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "mosquitto does not listen"
            time.sleep(0.05)


@contextlib.contextmanager
def leveret_mqtt() -> Iterator[MqttPlace]:
    """A Leveret in this process for as long as the ``with`` lasts."""
    with leveret.Broker(mqtt=True) as broker:
        yield MqttPlace(broker.mqtt_port, broker.port)


def play(case: Case, place: MqttPlace, pace: float) -> Trace:
    """The trace of a scenario; a failure is its last line."""
    stage = MqttStage(place, case.name, case.version, pace)
    for step, what in ((case.scenario, ""), (MqttStage.finish, " while cleaning up")):
        try:
            step(stage)
        except Exception as error:
            stage.note(f"{FAILED}{what}: {type(error).__name__}: {str(error)[:300]}")
    return stage.trace


def compare(case: Case, theirs: MqttPlace, mine: MqttPlace) -> Verdict:
    """Play on both at once; a disagreement is believed when it shows again with more patience."""
    for pace in PACES:
        with ThreadPoolExecutor(1) as beside:
            other = beside.submit(play, case, theirs, pace)
            own = play(case, mine, pace)
        verdict = Verdict(case.name, other.result(), own, TABLES[case.oracle])
        if verdict.agrees:
            break
    return verdict


def main() -> int:
    """Run; the exit code is 1 when something disagrees."""
    parser = argparse.ArgumentParser(description="Compare Leveret's MQTT with that of others.")
    parser.add_argument("--only", default="*", help="a pattern for scenario names")
    parser.add_argument("--with", dest="oracle", default="*", help="rabbitmq or mosquitto")
    options = parser.parse_args()
    status = 0
    with leveret_mqtt() as mine:
        for oracle in fnmatch.filter(TABLES, options.oracle):
            cases = [case for case in discover() if case.oracle == oracle]
            with started(oracle) as theirs:
                for case in cases:
                    if fnmatch.fnmatch(case.name, options.only):
                        verdict = compare(case, theirs, mine)
                        print(oracle, case.name, "agrees" if verdict.agrees else "DISAGREES")
                        if not verdict.agrees:
                            status = 1
                            print(verdict.explain())
    return status


if __name__ == "__main__":
    sys.exit(main())
