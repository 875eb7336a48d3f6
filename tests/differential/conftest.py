"""The two brokers that the scenarios are played on: one pair for each test process."""

from collections.abc import Iterator

import pytest
from tests.differential.runner import Place, leveret_broker, rabbitmq
from tests.oracle import missing


@pytest.fixture(scope="session")
def rabbitmq_place() -> Iterator[Place]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with rabbitmq() as place:
        yield place


@pytest.fixture(scope="session")
def leveret_place(rabbitmq_place: Place) -> Iterator[Place]:
    with leveret_broker() as place:
        yield place
