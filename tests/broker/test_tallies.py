"""leveret.broker.tallies"""

import pytest

from leveret.broker.tallies import (
    SIZES,
    Flow,
    Losses,
    NodeTally,
    Past,
    Publishers,
    PublishTally,
    Readers,
    ReadTally,
    Sizes,
)


def published(count: int) -> PublishTally:
    tally = PublishTally("x")
    tally.published += count
    tally.routed += 2 * count
    return tally


def read(count: int) -> ReadTally:
    tally = ReadTally("q")
    tally.deliver += count
    tally.ack += count
    return tally


def test_what_publishers_left_stays_when_they_are_gone() -> None:
    publishers = Publishers()
    one, other = published(3), published(4)
    publishers.join(one)
    publishers.join(other)
    publishers.leave(one)
    other.published += 10
    total = publishers.total()
    assert (total.published, total.routed) == (17, 14)


def test_who_leaves_twice_counts_once() -> None:
    publishers, readers = Publishers(), Readers()
    writer, reader = published(3), read(5)
    publishers.join(writer)
    readers.join(reader)
    for _ in range(2):
        publishers.leave(writer)
        readers.leave(reader)
    assert publishers.total().published == 3
    assert readers.total().deliver == 5


def test_readers_add_up() -> None:
    readers = Readers()
    gone, here = read(1), read(2)
    readers.join(gone)
    readers.leave(gone)
    readers.join(here)
    here.get_no_ack += 7
    total = readers.total()
    assert (total.deliver, total.ack, total.get_no_ack, total.deliver_get) == (3, 3, 7, 10)


@pytest.mark.parametrize("index", range(len(SIZES)))
def test_a_size_counts_up_to_its_bound(index: int) -> None:
    sizes = Sizes()
    sizes.note(SIZES[index])
    sizes.note(SIZES[index] + 1)
    expected = [0] * (len(SIZES) + 1)
    expected[index] = expected[index + 1] = 1
    assert sizes.counts() == expected
    assert sizes.octets == 2 * SIZES[index] + 1


def test_a_deleted_vhost_leaves_what_it_counted() -> None:
    tally, past = NodeTally(), Past()
    past.traffic.octets_in += 9
    past.flow("amqp091").read("quorum").add(read(4))
    past.flow("amqp091").publishes.add(published(2))
    past.flow("amqp091").sizes.note(50)
    tally.past.add(past)
    tally.past.add(past)
    flow = tally.past.flow("amqp091")
    assert tally.past.traffic.octets_in == 18
    assert (flow.publishes.published, flow.reads["quorum"].ack) == (4, 8)
    assert flow.sizes.counts()[0] == 2


def test_flows_keep_types_of_queues_apart() -> None:
    flow = Flow()
    flow.read("classic").add(read(1))
    flow.read("quorum").add(read(2))
    assert {kind: tally.deliver for kind, tally in flow.reads.items()} == {
        "classic": 1,
        "quorum": 2,
    }


def test_losses_are_counted_by_reason() -> None:
    losses = Losses()
    losses.note_dead("classic", "expired", "disabled")
    losses.note_dead("classic", "expired", "disabled", 2)
    losses.note_dropped("purged", 5)
    losses.note_dropped("purged", 0)
    assert losses.dead == {("classic", "expired", "disabled"): 3}
    assert losses.dropped == {"purged": 5}
