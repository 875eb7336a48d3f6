"""What the client tests share: the broker they talk to, and names that no other test uses.

``LEVERET_ORACLE=1 pytest tests/clients`` runs them against a real RabbitMQ: what a test expects is
right only if that passes, too.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.clients.processes import bunny_missing
from tests.oracle import Oracle, missing

from leveret.broker.alarms import MEMORY


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[Oracle]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with Oracle() as oracle:
        yield oracle


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Any:
    """The broker under test: Leveret's, or RabbitMQ when LEVERET_ORACLE is 1."""
    if os.environ.get("LEVERET_ORACLE") == "1":
        return request.getfixturevalue("rabbitmq")
    return request.getfixturevalue("broker")


@pytest.fixture
def low_memory(broker: Any) -> Iterator[Callable[[bool], None]]:
    """Sets and clears the broker's memory alarm; there is none after the test."""

    def set_alarm(is_low: bool) -> None:
        if isinstance(broker, Oracle):
            mark = "0.0000001" if is_low else "0.6"
            broker.evaluate(f"vm_memory_monitor:set_vm_memory_high_watermark({mark})")
        elif is_low:
            broker.call(lambda node: node.alarms.set("test", MEMORY))
        else:
            broker.call(lambda node: node.alarms.clear("test"))

    yield set_alarm
    set_alarm(False)


@pytest.fixture
def restartable(broker: Any) -> Iterator[Any]:
    """A broker of the test's own, which it may stop and start again: the port stays."""
    own = type(broker)()
    own.start()
    yield own
    getattr(own, "close", own.stop)()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for the queue or exchange of this test."""
    return f"{request.module.__name__.rpartition('.')[2]}.{request.node.name}.{os.urandom(4).hex()}"


@pytest.fixture(scope="session")
def bunny() -> None:
    """Skip the test where Ruby or Bunny is missing."""
    reason = bunny_missing()
    if reason is not None:
        pytest.skip(reason)
