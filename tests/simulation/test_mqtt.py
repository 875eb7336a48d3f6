"""What MQTT's QoS 1 and 2 promise holds whatever breaks: many seeds, each a history of its own."""

import os

import pytest
from tests.simulation.mqtt_world import run

SEEDS = int(os.environ.get("LEVERET_SEEDS", "200"))
BATCH = 50


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_connections_end_anywhere(first: int) -> None:
    worlds = [run(seed) for seed in range(first, first + BATCH)]
    assert sum(world.cuts for world in worlds) > BATCH
    assert sum(len(world.published) for world in worlds) > BATCH


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_the_process_is_killed_anywhere(first: int) -> None:
    worlds = [run(seed, lasts=True) for seed in range(first, first + BATCH)]
    assert sum(world.crashes for world in worlds) > 0
    assert sum(len(world.published) for world in worlds) > BATCH
