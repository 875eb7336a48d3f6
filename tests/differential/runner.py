"""Finds the scenarios, plays them on a broker, compares the traces."""

import contextlib
import difflib
import importlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.differential.admin import Door, LeveretDoor, RabbitDoor
from tests.differential.differences import Known
from tests.differential.known import KNOWN
from tests.differential.peer import Trace
from tests.differential.stage import NoDoor, Stage
from tests.oracle import Oracle

import leveret

Scenario = Callable[[Stage], Trace]
PREFIX: Final = "scenario_"
# How much longer everything may take, the first time and when a scenario is tried again.
PACES: Final = (1.0, 3.0, 8.0)
FAILED: Final = "failed"
SKIPPED: Final = "skipped: nobody here may administer this broker"
PLUGINS: Final = (
    "rabbitmq_management",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_event_exchange",
    "rabbitmq_federation",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_sharding",
)


class Place:
    """A broker to play on: its port, and who may administer it, if anybody."""

    def __init__(self, port: int, door: Door | None = None) -> None:
        self.port: Final = port
        self.door: Final = door


@contextlib.contextmanager
def rabbitmq() -> Iterator[Place]:
    """A RabbitMQ for as long as the ``with`` lasts."""
    settings = (
        # No statistics: they cost the node time, and nobody asks for them.
        "management_agent.disable_metrics_collector = true",
        # As in RabbitMQ 4.x.
        "max_message_size = 16777216",
    )
    with Oracle(settings=settings, plugins=PLUGINS) as oracle:
        yield Place(oracle.port, RabbitDoor(oracle.management_port, oracle.evaluate))


@contextlib.contextmanager
def leveret_broker() -> Iterator[Place]:
    """A Leveret in this process for as long as the ``with`` lasts."""
    with leveret.Broker(settings={"event_exchange": True}) as broker:
        yield Place(broker.port, LeveretDoor(broker))


def discover() -> dict[str, Scenario]:
    """All scenarios by name: every function `scenario_…` of every file in `scenarios`."""
    found: dict[str, Scenario] = {}
    for path in sorted((Path(__file__).parent / "scenarios").glob("*.py")):
        module = importlib.import_module(f"tests.differential.scenarios.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith(PREFIX):
                short = name.removeprefix(PREFIX)
                assert short not in found, f"two scenarios are called {short}"
                found[short] = value
    return found


def play(scenario: Scenario, name: str, place: Place, pace: float = 1.0) -> Trace:
    """The trace of a scenario on the broker at ``place``; a failure is its last line."""
    stage = Stage(place.port, name, pace, door=place.door)
    try:
        trace = scenario(stage)
        assert trace is stage.trace
    except NoDoor:
        stage.trace[:] = [SKIPPED]
    except Exception as error:
        stage.note(f"{FAILED}: {type(error).__name__}: {str(error)[:300]}")
    try:
        stage.finish()
    except Exception as error:
        stage.note(f"{FAILED} while cleaning up: {type(error).__name__}: {str(error)[:300]}")
    return stage.trace


class Verdict:
    """What the comparison of two traces came to."""

    def __init__(self, name: str, rabbitmq: Trace, leveret: Trace, table: list[Known]) -> None:
        self.name: Final = name
        self.rabbitmq: Final = rabbitmq
        self.leveret: Final = leveret
        self.known: Final[list[Known]] = []
        self.stale: Final[list[Known]] = []
        text = "\n".join(rabbitmq)
        for known in table:
            if known.scenario not in (name, "*"):
                continue
            if known.rabbitmq in text:
                text = text.replace(known.rabbitmq, known.leveret)
                self.known.append(known)
            elif known.scenario == name:
                self.stale.append(known)
        self.expected: Final = text.split("\n") if text else []

    @property
    def _failed(self) -> bool:
        """Whether the scenario itself could not go on: then even the same traces tell nothing."""
        return any(line.startswith(FAILED) for line in (*self.rabbitmq, *self.leveret))

    @property
    def agrees(self) -> bool:
        return self.expected == self.leveret and not self.stale and not self._failed

    @property
    def skipped(self) -> bool:
        """Whether one of the two could not be administered as the scenario wants."""
        return [SKIPPED] in (self.rabbitmq, self.leveret)

    def explain(self) -> str:
        """The two traces as a unified diff: what was expected, what Leveret did."""
        expected, got = self.expected, self.leveret
        lines = difflib.unified_diff(expected, got, "rabbitmq", "leveret", lineterm="", n=99)
        stale = [
            f"known difference does not fit any more: {known.rabbitmq}" for known in self.stale
        ]
        return "\n".join([*lines, *stale])


def compare(
    scenario: Scenario, name: str, rabbitmq: Place, leveret: Place, table: list[Known] = KNOWN
) -> Verdict:
    """Play on both at once.  A disagreement is believed when it shows again with more patience.

    On a busy machine what is on its way may come only after a pause that looked like its end.
    """
    verdict = _once(scenario, name, rabbitmq, leveret, table, PACES[0])
    for pace in PACES[1:]:
        if verdict.agrees or verdict.skipped:
            break
        verdict = _once(scenario, name, rabbitmq, leveret, table, pace)
    return verdict


def _once(
    scenario: Scenario,
    name: str,
    rabbitmq: Place,
    leveret: Place,
    table: list[Known],
    pace: float,
) -> Verdict:
    with ThreadPoolExecutor(1) as beside:
        theirs = beside.submit(play, scenario, name, rabbitmq, pace)
        mine = play(scenario, name, leveret, pace)
    return Verdict(name, theirs.result(), mine, table)
