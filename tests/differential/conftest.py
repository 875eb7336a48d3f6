"""The two brokers that the scenarios are played on: one pair for each test process."""

from collections.abc import Iterator

import pytest
from tests.oracle import Oracle, missing

import leveret


@pytest.fixture(scope="session")
def rabbitmq_port() -> Iterator[int]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with Oracle() as oracle:
        yield oracle.port


@pytest.fixture(scope="session")
def leveret_port(rabbitmq_port: int) -> Iterator[int]:
    with leveret.Broker() as broker:
        yield broker.port
