"""Plays STOMP scenarios on RabbitMQ's plugin and on Leveret, and compares them.

python -m tests.differential.stomp_runner                     start both, play all
python -m tests.differential.stomp_runner --only 'ack*'       some of them
python -m tests.differential.stomp_runner --port 61613 --amqp-port 5672   a RabbitMQ that runs
"""

import argparse
import contextlib
import fnmatch
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.differential import stomp_scenarios
from tests.differential.peer import Trace
from tests.differential.runner import FAILED, PACES, PREFIX, Verdict
from tests.differential.stomp_known import KNOWN
from tests.differential.stomp_stage import StompPlace, StompStage
from tests.oracle import Oracle, free_port, is_installed, missing

import leveret

PLUGIN: Final = "rabbitmq_stomp"

Scenario = Callable[[StompStage], Trace]


def discover() -> dict[str, Scenario]:
    """All scenarios by name."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in vars(stomp_scenarios).items()
        if name.startswith(PREFIX)
    }


def absent() -> str | None:
    """Why RabbitMQ's STOMP cannot run here, in one line; None when it can."""
    return missing() or (None if is_installed(PLUGIN) else f"needs RabbitMQ's plugin {PLUGIN}")


@contextlib.contextmanager
def rabbitmq_stomp() -> Iterator[StompPlace]:
    """A RabbitMQ with the plugin for as long as the ``with`` lasts."""
    port = free_port()
    settings = (
        f"stomp.listeners.tcp.1 = 127.0.0.1:{port}",
        "management_agent.disable_metrics_collector = true",
    )
    with Oracle(settings=settings, plugins=(PLUGIN,)) as oracle:
        yield StompPlace(port, oracle.port)


@contextlib.contextmanager
def leveret_stomp() -> Iterator[StompPlace]:
    """A Leveret in this process for as long as the ``with`` lasts."""
    with leveret.Broker(stomp=True) as broker:
        yield StompPlace(broker.stomp_port, broker.port)


def play(scenario: Scenario, name: str, place: StompPlace, pace: float) -> Trace:
    """The trace of a scenario; a failure is its last line."""
    stage = StompStage(place, name, pace)
    for step, what in ((scenario, ""), (StompStage.finish, " while cleaning up")):
        try:
            step(stage)
        except Exception as error:
            stage.note(f"{FAILED}{what}: {type(error).__name__}: {str(error)[:300]}")
    return stage.trace


def compare(scenario: Scenario, name: str, theirs: StompPlace, mine: StompPlace) -> Verdict:
    """Play on both at once; a disagreement is believed when it shows again with more patience."""
    for pace in PACES:
        with ThreadPoolExecutor(1) as beside:
            other = beside.submit(play, scenario, name, theirs, pace)
            own = play(scenario, name, mine, pace)
        verdict = Verdict(name, other.result(), own, KNOWN)
        if verdict.agrees:
            break
    return verdict


def main() -> int:
    """Run; the exit code is 1 when something disagrees."""
    parser = argparse.ArgumentParser(description="Compare Leveret's STOMP with RabbitMQ's.")
    parser.add_argument("--only", default="*", help="a pattern for scenario names")
    parser.add_argument("--port", type=int, help="the STOMP port of a RabbitMQ that runs")
    parser.add_argument("--amqp-port", type=int, default=0, help="its port for AMQP")
    options = parser.parse_args()
    names = fnmatch.filter(discover(), options.only)
    status = 0
    with contextlib.ExitStack() as stack:
        if options.port:
            theirs = StompPlace(options.port, options.amqp_port)
        else:
            theirs = stack.enter_context(rabbitmq_stomp())
        mine = stack.enter_context(leveret_stomp())
        for name in names:
            verdict = compare(discover()[name], name, theirs, mine)
            print(name, "agrees" if verdict.agrees else "DISAGREES", flush=True)
            if not verdict.agrees:
                status = 1
                print(verdict.explain(), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
