"""leveret.broker.chance"""

from collections import Counter

import pytest
from tests.broker.exchanges import World

from leveret.errors import PreconditionFailed
from leveret.tables import LONGSTR, Field


def bound(kind: str, count: int) -> World:
    world = World()
    world.exchange("x", kind)
    for number in range(count):
        world.queue(f"q{number}")
        world.bind("x", f"q{number}")
    return world


@pytest.mark.parametrize("kind", ["x-random", "x-local-random"])
def test_any_one_queue_gets_a_message(kind: str) -> None:
    world = bound(kind, 5)
    assert not world.route("x").is_static
    found = [world.reached("x", "k", "l") for _ in range(5000)]
    assert {len(names) for names in found} == {1}
    counts = Counter(names[0] for names in found)
    assert min(counts.values()) > 850
    assert max(counts.values()) < 1150


@pytest.mark.parametrize("kind", ["x-random", "x-local-random"])
def test_few_and_none(kind: str) -> None:
    world = bound(kind, 1)
    assert world.reached("x") == ["q0"]
    world.unbind("x", "q0")
    assert world.reached("x") == []


def test_the_key_of_a_binding_counts_for_nothing_with_one_and_is_refused_by_the_other() -> None:
    world = bound("x-random", 0)
    world.queue("q")
    world.bind("x", "q", "key")
    assert world.reached("x", "other") == ["q"]
    world = bound("x-local-random", 0)
    world.queue("q")
    with pytest.raises(PreconditionFailed, match="Non empty binding 'key' key not permitted"):
        world.bind("x", "q", "key")


def test_local_random_leads_to_classic_queues_only() -> None:
    world = bound("x-local-random", 0)
    with pytest.raises(PreconditionFailed, match="Destination not found"):
        world.bind("x", "amq.fanout")
    world.queue("q").arguments["x-queue-type"] = Field(LONGSTR, "quorum")
    with pytest.raises(PreconditionFailed) as refused:
        world.bind("x", "q")
    assert refused.value.detail == (
        "Queue type rabbit_quorum_queue not valid for this exchange type"
    )
    assert world.reached("x") == []
