"""Every STOMP scenario leaves the same trace on Leveret as on RabbitMQ, but for stomp_known.py."""

from collections.abc import Iterator
from typing import Final

import pytest
from tests.differential.stomp_known import KNOWN
from tests.differential.stomp_runner import (
    absent,
    compare,
    discover,
    leveret_stomp,
    rabbitmq_stomp,
)
from tests.differential.stomp_stage import StompPlace

SCENARIOS: Final = discover()


@pytest.fixture(scope="module")
def theirs() -> Iterator[StompPlace]:
    reason = absent()
    if reason is not None:
        pytest.skip(reason)
    with rabbitmq_stomp() as place:
        yield place


@pytest.fixture(scope="module")
def mine(theirs: StompPlace) -> Iterator[StompPlace]:
    with leveret_stomp() as place:
        yield place


@pytest.mark.oracle
@pytest.mark.parametrize("name", SCENARIOS)
def test_leveret_does_what_rabbitmq_does(name: str, theirs: StompPlace, mine: StompPlace) -> None:
    verdict = compare(SCENARIOS[name], name, theirs, mine)
    assert verdict.agrees, verdict.explain()


def test_every_known_difference_belongs_to_a_scenario() -> None:
    assert {known.scenario for known in KNOWN} <= set(SCENARIOS)
