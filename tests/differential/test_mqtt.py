"""MQTT scenarios leave the same trace on Leveret as on RabbitMQ and on mosquitto, but for what
mqtt_known.py names."""

from collections.abc import Iterator

import pytest
from tests.differential.mqtt_known import MOSQUITTO, RABBITMQ
from tests.differential.mqtt_runner import Case, absent, compare, discover, leveret_mqtt, started
from tests.differential.mqtt_stage import MqttPlace

CASES = discover()


@pytest.fixture(scope="session", params=["rabbitmq", "mosquitto"])
def theirs(request: pytest.FixtureRequest) -> Iterator[tuple[str, MqttPlace]]:
    reason = absent(request.param)
    if reason is not None:
        pytest.skip(reason)
    with started(request.param) as place:
        yield request.param, place


@pytest.fixture(scope="session")
def mine(theirs: tuple[str, MqttPlace]) -> Iterator[MqttPlace]:
    with leveret_mqtt() as place:
        yield place


def of(oracle: str) -> list[Case]:
    return [case for case in CASES if case.oracle == oracle]


@pytest.mark.oracle
@pytest.mark.parametrize("theirs", ["rabbitmq"], indirect=True)
@pytest.mark.parametrize("case", of("rabbitmq"), ids=lambda case: case.name)
def test_leveret_does_what_rabbitmqs_plugin_does(
    case: Case, theirs: tuple[str, MqttPlace], mine: MqttPlace
) -> None:
    verdict = compare(case, theirs[1], mine)
    assert verdict.agrees, verdict.explain()


@pytest.mark.oracle
@pytest.mark.parametrize("theirs", ["mosquitto"], indirect=True)
@pytest.mark.parametrize("case", of("mosquitto"), ids=lambda case: case.name)
def test_leveret_does_what_mosquitto_does(
    case: Case, theirs: tuple[str, MqttPlace], mine: MqttPlace
) -> None:
    verdict = compare(case, theirs[1], mine)
    assert verdict.agrees, verdict.explain()


def test_every_known_difference_belongs_to_a_scenario() -> None:
    for oracle, table in (("rabbitmq", RABBITMQ), ("mosquitto", MOSQUITTO)):
        assert {known.scenario for known in table} <= {case.name for case in of(oracle)}
