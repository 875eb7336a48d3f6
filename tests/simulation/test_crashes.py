"""Whatever crashes, what was confirmed is there: many seeds, each a little history of the world."""

import os

import pytest
from tests.simulation.world import World

SEEDS = int(os.environ.get("LEVERET_SEEDS", "200"))
BATCH = 50


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_a_disk_filled_by_the_queues_is_emptied_by_consuming(first: int) -> None:
    for seed in range(first, first + BATCH):
        try:
            world = World(seed)
            world.fill_up()
            world.consume_all()
            world.run(lives=1)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_what_was_confirmed_survives(first: int) -> None:
    for seed in range(first, first + BATCH):
        try:
            World(seed).run()
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
