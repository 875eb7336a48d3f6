"""leveret.broker.funerals: how many dead letters are sent at one go."""

from tests.fakes import FakeClock, message, new_node

from leveret.broker.funerals import AT_ONCE
from leveret.broker.wishes import QueueWish
from leveret.tables import INT64, LONGSTR, Field


def test_others_have_their_turn_between_many_dead_letters() -> None:
    node = new_node()
    vhost = node.vhosts["/"]
    grave = vhost.declare_queue(QueueWish("grave", True, False, 0, {}), 0)
    arguments = {
        "x-message-ttl": Field(INT64, 1000),
        "x-dead-letter-exchange": Field(LONGSTR, ""),
        "x-dead-letter-routing-key": Field(LONGSTR, "grave"),
    }
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, arguments), 0)
    for number in range(2 * AT_ONCE + 1):
        queue.publish(message(b"%d" % number))
    clock = node.clock
    assert isinstance(clock, FakeClock)
    clock.pass_s(1)
    counts = []
    for _ in range(4):
        node.keep_time()
        counts.append(grave.ready_count)
    assert (queue.ready_count, counts) == (
        0,
        [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1, 2 * AT_ONCE + 1],
    )
    assert len(node.timetable) == 0
    bodies = [waiting.message.body for waiting in iter(lambda: grave.get(True), None)]
    assert bodies == [b"%d" % number for number in range(2 * AT_ONCE + 1)]


def test_the_next_turn_is_asked_for_and_not_waited_for() -> None:
    node = new_node()
    vhost = node.vhosts["/"]
    arguments = {"x-dead-letter-exchange": Field(LONGSTR, "")}
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, arguments), 0)
    for _ in range(AT_ONCE + 1):
        queue.publish(message(b"m"))
    vhost.policies.set("p", "q", {"max-length": 0})
    assert len(vhost.dying) == 1
    assert len(node.timetable) == 1
    node.keep_time()
    assert len(vhost.dying) == 0
    assert len(node.timetable) == 0
