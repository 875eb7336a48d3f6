"""leveret.amqp091.blocking: a session that publishes while something runs low."""

from typing import Any

from pamqp import commands
from tests import wire
from tests.fakes import CAPABILITIES, FakeClock, Talk, frames, handshake, new_node, publish

from leveret.broker.alarms import DISK, MEMORY
from leveret.broker.node import Node
from leveret.sessions.waiting import MAX_INQUIRIES

ALL = (*CAPABILITIES, "connection.blocked")


def opened(node: Node, names: tuple[str, ...] = ALL, heartbeat: int = 0) -> Talk:
    talk = Talk(node)
    talk.feed(handshake(heartbeat, names=names))
    talk.send("channel.open")
    assert isinstance(talk.read()[-1], commands.Channel.OpenOk)
    return talk


def queue_of(node: Node, *bodies: bytes) -> Talk:
    """A queue q with messages in it, and who declared it."""
    talk = opened(node)
    talk.call("queue.declare", queue="q")
    for body in bodies:
        talk.feed(publish("q", body))
    return talk


def names_of(replies: list[Any]) -> list[str]:
    return [reply.name for reply in replies]


def waiting(node: Node) -> int:
    return node.vhosts["/"].queues["q"].ready_count


def low(node: Node) -> None:
    node.alarms.set("test", MEMORY)


def enough(node: Node) -> None:
    node.alarms.clear("test")


def test_the_capability_is_announced() -> None:
    talk = Talk(new_node())
    talk.feed(wire.HEADER)
    (start,) = talk.read()
    assert start.server_properties["capabilities"]["connection.blocked"] is True


def test_a_publisher_is_told_why_and_its_message_waits() -> None:
    node = new_node()
    talk = queue_of(node, b"before")
    low(node)
    assert talk.read() == []
    talk.feed(publish("q", b"meanwhile"))
    (blocked,) = talk.read()
    assert (blocked.name, blocked.reason) == ("Connection.Blocked", "low on memory")
    assert (talk.session.is_full, waiting(node)) == (True, 1)
    enough(node)
    assert names_of(talk.read()) == ["Connection.Unblocked"]
    assert (talk.session.is_full, waiting(node)) == (False, 2)


def test_all_that_came_with_it_is_handled_afterwards_in_order() -> None:
    node = new_node()
    talk = queue_of(node)
    talk.call("confirm.select")
    low(node)
    chunk = publish("q", b"1") + publish("q", b"2") + wire.method(1, "basic.get", queue="q")
    talk.feed(chunk + publish("nowhere", b"3", mandatory=True))
    assert names_of(talk.read()) == ["Connection.Blocked"]
    enough(node)
    replies = [content for channel, content in frames(talk.drain())]
    assert replies[0].name == "Connection.Unblocked"
    methods = [reply for reply in replies if isinstance(getattr(reply, "name", None), str)]
    assert [m.name for m in methods if m.name.startswith("Basic.")] == [
        *("Basic.GetOk", "Basic.Return", "Basic.Ack")
    ]
    assert waiting(node) == 1


def test_who_does_not_publish_is_not_held() -> None:
    node = new_node()
    talk = queue_of(node, b"1", b"2")
    low(node)
    assert talk.read() == []
    talk.send("basic.consume", queue="q")
    assert "Basic.Deliver" in names_of([r for r in talk.read() if hasattr(r, "name")])
    talk.send("basic.ack", delivery_tag=1)
    assert talk.call("queue.declare", queue="other").name == "Queue.DeclareOk"
    assert opened(node).call("basic.qos").name == "Basic.QosOk"
    assert not talk.session.is_full


def test_who_publishes_for_the_first_time_is_held_from_then_on() -> None:
    node = new_node()
    queue_of(node)
    low(node)
    talk = opened(node)
    talk.feed(publish("q", b"first"))
    assert names_of(talk.read()) == ["Connection.Blocked"]
    talk.send("basic.qos")
    assert talk.read() == []
    enough(node)
    assert names_of(talk.read()) == ["Connection.Unblocked", "Basic.QosOk"]


def test_deliveries_to_a_held_connection_go_on() -> None:
    node = new_node()
    other = queue_of(node, b"1")
    other.send("basic.get", queue="q")
    other.drain()
    talk = opened(node)
    talk.call("basic.consume", queue="q", no_ack=True)
    low(node)
    talk.feed(publish("nowhere", b"own"))
    assert names_of(talk.read()) == ["Connection.Blocked"]
    other.send("basic.nack", delivery_tag=1, requeue=True)
    assert names_of(talk.read()[:1]) == ["Basic.Deliver"]


def test_a_client_that_would_not_understand_is_held_without_a_word() -> None:
    node = new_node()
    queue_of(node)
    talk = opened(node, CAPABILITIES)
    low(node)
    talk.feed(publish("q", b"1"))
    assert (talk.read(), talk.session.is_full, waiting(node)) == ([], True, 0)
    enough(node)
    assert (talk.read(), talk.session.is_full, waiting(node)) == ([], False, 1)


def test_a_message_that_was_begun_before_is_finished() -> None:
    node = new_node()
    talk = queue_of(node)
    whole = publish("q", b"body")
    method = wire.method(1, "basic.publish", exchange="", routing_key="q")
    talk.feed(whole[: len(method)])
    low(node)
    talk.feed(whole[len(method) :])
    assert (talk.read(), waiting(node)) == ([], 1)
    talk.feed(whole)
    assert names_of(talk.read()) == ["Connection.Blocked"]


def test_another_alarm_is_not_told_to_who_is_held() -> None:
    node = new_node()
    talk = queue_of(node)
    low(node)
    talk.feed(publish("q", b"1"))
    talk.drain()
    node.alarms.set("full", DISK)
    assert talk.read() == []
    late = opened(node)
    late.feed(publish("q", b"2"))
    assert [reply.reason for reply in late.read()] == ["low on disk & memory"]
    enough(node)
    assert talk.read() == []
    node.alarms.clear("full")
    assert names_of(talk.read()) == names_of(late.read()) == ["Connection.Unblocked"]


def test_the_next_alarm_holds_at_the_next_message() -> None:
    node = new_node()
    talk = queue_of(node)
    for count in (1, 2, 3):
        low(node)
        assert talk.call("basic.qos").name == "Basic.QosOk"
        talk.feed(publish("q", b"x"))
        assert names_of(talk.read()) == ["Connection.Blocked"]
        enough(node)
        assert names_of(talk.read()) == ["Connection.Unblocked"]
        assert waiting(node) == count


def test_an_alarm_that_comes_back_at_once_holds_the_same_message_again() -> None:
    node = new_node()
    talk = queue_of(node)
    low(node)
    talk.feed(publish("q", b"x"))
    for _ in range(5):
        assert names_of(talk.read()) == ["Connection.Blocked"]
        enough(node)
        low(node)
        assert talk.take() != b""
    enough(node)
    talk.drain()
    assert waiting(node) == 1


def test_a_transaction_commits_but_takes_no_more() -> None:
    node = new_node()
    talk = queue_of(node)
    talk.call("tx.select")
    talk.feed(publish("q", b"1"))
    low(node)
    assert talk.call("tx.commit").name == "Tx.CommitOk"
    assert waiting(node) == 1
    talk.feed(publish("q", b"2"))
    assert names_of(talk.read()) == ["Connection.Blocked"]


# --- time -----------------------------------------------------------------------------------------


def ticked(talk: Talk, seconds: float) -> list[str]:
    clock = talk.node.clock
    assert isinstance(clock, FakeClock)
    names = []
    for _ in range(round(seconds * 2)):
        clock.pass_s(0.5)
        talk.session.tick()
        names += [reply.name for reply in talk.read()]
    return names


def test_the_silence_of_who_is_held_does_not_end_it_and_heartbeats_go_on() -> None:
    node = new_node()
    queue_of(node)
    talk = opened(node, heartbeat=2)
    low(node)
    talk.feed(publish("q", b"1"))
    talk.drain()
    beats = ticked(talk, 60)
    assert beats == ["Heartbeat"] * len(beats)
    assert 30 <= len(beats) <= 60
    enough(node)
    assert names_of(talk.read()) == ["Connection.Unblocked"]
    assert waiting(node) == 1
    # From now on its silence counts again.
    assert "Heartbeat" in ticked(talk, 4)
    ticked(talk, 1)
    assert talk.session.closed


def test_a_held_client_that_never_reads_gathers_no_heartbeats() -> None:
    node = new_node()
    queue_of(node)
    talk = opened(node, heartbeat=2)
    low(node)
    talk.feed(publish("q", b"1"))
    clock = node.clock
    assert isinstance(clock, FakeClock)
    for _ in range(1000):
        clock.pass_s(0.5)
        talk.session.tick()
    assert names_of(talk.read()) == ["Connection.Blocked", "Heartbeat"]


# --- the end --------------------------------------------------------------------------------------


def held(node: Node) -> Talk:
    talk = opened(node)
    talk.feed(publish("q", b"held"))
    assert names_of(talk.read()) == ["Connection.Blocked"]
    return talk


def test_a_lost_connection_is_forgotten_with_its_message() -> None:
    node = new_node()
    queue_of(node)
    low(node)
    for _ in range(10):
        talk = held(node)
        assert node.alarms.held_count == 1
        talk.session.lost()
        assert node.alarms.held_count == 0
    enough(node)
    assert waiting(node) == 0


def test_the_broker_closes_a_held_connection_and_hears_its_answer() -> None:
    node = new_node()
    queue_of(node)
    low(node)
    talk = held(node)
    talk.feed(publish("q", b"and more"))
    talk.session.shut("why not")
    (close,) = talk.read()
    assert (close.name, close.reply_code) == ("Connection.Close", 320)
    assert node.alarms.held_count == 0
    assert not talk.session.is_full
    talk.send("connection.close-ok", 0)
    assert talk.session.closed
    enough(node)
    assert waiting(node) == 0


def test_a_right_that_was_taken_away_meanwhile_counts() -> None:
    node = new_node()
    queue_of(node)
    low(node)
    talk = held(node)
    node.users.get("guest").revoke("/")
    enough(node)
    unblocked, close = talk.read()
    assert (unblocked.name, close.name) == ("Connection.Unblocked", "Channel.Close")
    assert (close.reply_code, waiting(node)) == (403, 0)


def test_what_waits_for_the_disk_does_not_keep_the_client_from_being_told() -> None:
    node = new_node()
    queue_of(node)
    talk = opened(node, heartbeat=2)
    talk.session._outbox.hold()
    talk.send("basic.qos")
    low(node)
    talk.feed(publish("q", b"1"))
    urgent = b"".join(talk.session.take_urgent())
    assert names_of([content for _, content in frames(urgent)]) == ["Connection.Blocked"]
    assert talk.session.take_urgent() == []
    clock = node.clock
    assert isinstance(clock, FakeClock)
    for _ in range(5):
        clock.pass_s(0.5)
        talk.session.tick()
    urgent = b"".join(talk.session.take_urgent())
    assert names_of([content for _, content in frames(urgent)]) == ["Heartbeat"]
    enough(node)
    talk.session._outbox.let_go()
    assert names_of(talk.read()) == ["Connection.Unblocked", "Basic.QosOk"]


def test_many_alarms_while_nothing_is_sent_are_survived() -> None:
    node = new_node()
    talk = queue_of(node)
    low(node)
    talk.feed(publish("q", b"1"))
    for _ in range(MAX_INQUIRIES * 2):
        enough(node)
        low(node)
    enough(node)
    talk.drain()
    assert not talk.session.closed
    assert waiting(node) == 1
