"""Every scenario leaves the same trace on Leveret as on RabbitMQ, but for what known.py names."""

import pytest
from tests.differential.known import KNOWN
from tests.differential.runner import Place, compare, discover

SCENARIOS = discover()


@pytest.mark.oracle
@pytest.mark.parametrize("name", SCENARIOS)
def test_leveret_does_what_rabbitmq_does(
    name: str, rabbitmq_place: Place, leveret_place: Place
) -> None:
    verdict = compare(SCENARIOS[name], name, rabbitmq_place, leveret_place)
    assert verdict.agrees, verdict.explain()


def test_every_known_difference_belongs_to_a_scenario() -> None:
    assert {known.scenario for known in KNOWN} <= {*SCENARIOS, "*"}
