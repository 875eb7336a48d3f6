"""leveret.management.sampler: what it remembers, when it looks, and when it stops."""

from collections.abc import Callable
from typing import Any

from tests.fakes import FakeClock, Talk, new_node, publish

from leveret.broker.node import Node
from leveret.management.sampler import Statistics
from leveret.management.samples import NO_SPANS, Span, Spans


class Timers:
    """Takes the place of the loop: what is called later, and when."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> "Timers":
        self.calls.append((seconds, call))
        return self

    def cancel(self) -> None:
        self.calls.clear()


class Watched:
    """A node with a talk to it, whose statistics somebody looks at."""

    def __init__(self) -> None:
        self.node: Node = new_node()
        self.talk = Talk(self.node).open()
        self.timers = Timers()
        self.statistics = Statistics(self.node, self.timers.later)

    @property
    def clock(self) -> FakeClock:
        clock = self.node.clock
        assert isinstance(clock, FakeClock)
        return clock

    def declare(self, *names: str) -> None:
        for name in names:
            self.talk.call("queue.declare", queue=name)

    def run(self) -> None:
        """Let pass what time the next call waits for, and call it."""
        ((seconds, call),) = self.timers.calls
        self.timers.calls.clear()
        self.clock.pass_s(seconds)
        call()

    def queue(self, name: str, spans: Spans = NO_SPANS) -> dict[str, Any]:
        return self.statistics.queue(self.node.vhosts["/"].queues[name], spans)


def test_the_first_question_is_answered_at_once() -> None:
    watched = Watched()
    watched.declare("q")
    watched.talk.feed(publish("q") * 2)
    watched.statistics.touch()
    assert watched.queue("q") == {
        "messages": 2,
        "messages_details": {"rate": 0.0},
        "messages_ready": 2,
        "messages_ready_details": {"rate": 0.0},
        "messages_unacknowledged": 0,
        "messages_unacknowledged_details": {"rate": 0.0},
        "message_stats": {"publish": 2, "publish_details": {"rate": 0.0}},
    }


def test_a_rate_is_known_after_the_next_look() -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    watched.talk.feed(publish("q") * 10)
    watched.run()
    stats = watched.queue("q")
    assert stats["message_stats"]["publish_details"] == {"rate": 2.0}
    assert stats["messages_ready_details"] == {"rate": 2.0}
    watched.run()
    assert watched.queue("q")["message_stats"]["publish_details"] == {"rate": 0.0}


def test_what_is_made_between_two_looks_began_with_nothing() -> None:
    watched = Watched()
    watched.statistics.touch()
    watched.declare("q")
    watched.talk.feed(publish("q") * 10)
    watched.run()
    assert watched.queue("q")["message_stats"]["publish_details"] == {"rate": 2.0}


def test_what_never_happened_is_not_told() -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    assert "message_stats" not in watched.queue("q")
    watched.talk.send("basic.get", queue="q")
    assert watched.queue("q")["message_stats"]["get_empty"] == 1
    assert "publish" not in watched.queue("q")["message_stats"]


def test_samples_of_a_queue() -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    for _ in range(3):
        watched.talk.feed(publish("q") * 5)
        watched.run()
    details = watched.queue("q", Spans(Span(10, 5)))["messages_details"]
    assert [each["sample"] for each in details["samples"]] == [15, 10, 5]
    assert (details["rate"], details["avg_rate"], details["avg"]) == (1.0, 1.0, 10.0)


def test_nobody_looks_any_more_two_minutes_after_the_last_question() -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    for _ in range(60):
        watched.run()
    assert len(watched.statistics._queues) == 0
    # But the node as a whole is remembered.
    watched.talk.feed(publish("q") * 10)
    watched.run()
    assert watched.statistics.overview()["message_stats"]["publish_details"] == {"rate": 2.0}


def test_the_looking_goes_on_while_somebody_asks() -> None:
    watched = Watched()
    watched.declare("q")
    for _ in range(60):
        watched.statistics.touch()
        watched.run()
    assert len(watched.statistics._queues) == 1


def test_what_is_gone_is_forgotten() -> None:
    watched = Watched()
    watched.declare("q", "r")
    watched.statistics.touch()
    watched.talk.call("queue.delete", queue="q")
    watched.run()
    assert len(watched.statistics._queues) == 1


def test_nothing_is_called_after_the_end() -> None:
    watched = Watched()
    watched.statistics.touch()
    assert watched.timers.calls
    watched.statistics.stop()
    assert not watched.timers.calls


def test_a_look_is_cut_into_slices() -> None:
    watched = Watched()
    watched.declare(*[f"q{number}" for number in range(100)])
    slices = sum(1 for _ in watched.statistics._parts())
    assert slices >= 7
    assert len(watched.statistics._queues) == 100


def test_the_overview_has_what_happened_before_too() -> None:
    watched = Watched()
    watched.declare("q")
    watched.talk.feed(publish("q") + publish("nowhere"))
    watched.talk.send("basic.get", queue="q", no_ack=True)
    watched.talk.session.lost()
    watched.statistics.touch()
    overview = watched.statistics.overview()
    stats = overview["message_stats"]
    assert (stats["publish"], stats["drop_unroutable"], stats["get_no_ack"]) == (2, 1, 1)
    assert overview["churn_rates"]["connection_closed"] == 1
    assert overview["queue_totals"]["messages"] == 0


def test_statistics_of_the_others() -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    watched.talk.feed(publish("q") * 5)
    watched.run()
    vhost = watched.node.vhosts["/"]
    exchange = watched.statistics.exchange(vhost.exchanges[""])
    assert exchange == {
        "message_stats": {
            "publish_in": 5,
            "publish_in_details": {"rate": 1.0},
            "publish_out": 5,
            "publish_out_details": {"rate": 1.0},
        }
    }
    assert watched.statistics.exchange(vhost.exchanges["amq.topic"]) == {}
    (link,) = watched.node.connections.by_id.values()
    channel = link.channels[1]
    assert channel is not None
    stats = watched.statistics.channel(channel)["message_stats"]
    assert (stats["publish"], stats["publish_details"]) == (5, {"rate": 1.0})
    assert watched.statistics.connection(link)["recv_oct_details"] == {"rate": 0.0}
    stats = watched.statistics.vhost(vhost)
    assert stats["message_stats"]["publish_details"] == {"rate": 1.0}
    assert (stats["messages"], stats["recv_oct"]) == (5, 0)


def test_what_rests_says_since_when() -> None:
    watched = Watched()
    watched.declare("q")
    queue = watched.node.vhosts["/"].queues["q"]
    watched.statistics.touch()
    watched.talk.feed(publish("q"))
    watched.run()
    moved_ms = watched.clock.unix_ms() // 5000 * 5000
    assert watched.statistics.idle_ms(queue) == 0
    watched.run()
    watched.run()
    assert watched.statistics.idle_ms(queue) == moved_ms


def test_a_timer_that_rings_a_little_early_does_not_count_one_tick_twice() -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    watched.queue("q", Spans(rates=Span(60, 5)))
    for _ in range(4):
        watched.talk.feed(publish("q") * 5)
        ((seconds, call),) = watched.timers.calls
        watched.timers.calls.clear()
        watched.clock.pass_s(seconds - 0.002)
        call()
    details = watched.queue("q", Spans(rates=Span(15, 5)))["message_stats"]["publish_details"]
    assert [each["sample"] for each in details["samples"]] == [20, 15, 10, 5]


def test_a_part_of_the_node_is_the_sum_of_its_vhosts() -> None:
    watched = Watched()
    watched.declare("q")
    watched.node.add_vhost("other")
    watched.statistics.touch()
    watched.talk.feed(publish("q") * 5)
    watched.run()
    vhosts = watched.node.vhosts
    span = Span(5, 5)
    part = watched.statistics.part([vhosts["/"], vhosts["other"]], Spans(span, span))
    details = part["message_stats"]["publish_details"]
    assert (part["message_stats"]["publish"], details["rate"]) == (5, 1.0)
    assert [each["sample"] for each in details["samples"]] == [5, 0]
    assert part["queue_totals"]["messages_ready"] == 5
    assert watched.statistics.part([vhosts["other"]])["message_stats"] == {}
    assert watched.statistics.part([])["queue_totals"]["messages"] == 0


def test_a_fault_ends_one_look_and_not_all(caplog: Any, monkeypatch: Any) -> None:
    watched = Watched()
    watched.declare("q")
    watched.statistics.touch()
    with monkeypatch.context() as broken:
        broken.setattr(watched.statistics.waits, "look", lambda *_: 1 / 0)
        watched.run()
    assert "ZeroDivisionError" in caplog.text
    watched.talk.feed(publish("q") * 10)
    watched.run()
    assert watched.queue("q")["message_stats"]["publish"] == 10
