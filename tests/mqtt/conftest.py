"""A broker that speaks MQTT, for each module; and clients of it, which end with their test."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.mqtt_wire import MqttWire

import leveret


@pytest.fixture(scope="module")
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(mqtt=True) as broker:
        yield broker


Join = Callable[..., MqttWire]


@pytest.fixture
def join(broker: leveret.Broker) -> Iterator[Join]:
    """Connects a client that must be let in: ``join("name", version=5, clean=False, …)``."""
    wires: list[MqttWire] = []

    def joined(client_id: str = "", *, version: int = 4, **given: Any) -> MqttWire:
        wire = MqttWire(port=broker.mqtt_port, version=version)
        wires.append(wire)
        assert wire.connect(client_id, **given).reason == 0
        return wire

    yield joined
    for wire in wires:
        wire.close()


def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so, as long as a slow machine may take."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.005)
