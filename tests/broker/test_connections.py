"""leveret.broker.connections"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import LOCAL, Talk, handshake, new_node
from tests.wire import HEADER, method

from leveret.auth.permissions import Permission
from leveret.broker.connections import Connections, Link
from leveret.broker.node import Node
from leveret.errors import NotAllowed
from leveret.events import Event, Listener


class Heard(Listener):
    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []

    def on_event(self, event: Event) -> None:
        self.told.append((event.name, event.facts))


def link(node: Node, user: str = "guest", vhost: str = "/") -> Link:
    made = Link(node.new_connection_id(), Talk(node).session, LOCAL, node.users.get(user))
    made.vhost = vhost
    return made


def counts(connections: Connections) -> tuple[int, int, int, int]:
    return (
        connections.count_of_user("guest"),
        connections.count_of_vhost("/"),
        connections.channel_count,
        connections.channel_count_of_user("guest"),
    )


# What a client may do next: open a connection, a channel, close either, vanish, be closed, err.
ACTS = ("connect", "open", "close", "say goodbye", "vanish", "be shut", "err", "be refused")


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 9)), max_size=60))
def test_the_counts_are_exact_whatever_happens(acts: list[tuple[str, int]]) -> None:
    node = new_node()
    node.users.set_limits("guest", {"max-connections": 3, "max-channels": 4})
    talks: list[Talk] = []
    for act, index in acts:
        if act == "connect":
            talk = Talk(node)
            talk.feed(handshake())
            talks.append(talk)
        elif talks:
            do(act, talks[index % len(talks)], index)
        for talk in talks:
            talk.drain()
        expected = expectation(node)
        assert counts(node.connections) == expected
        assert expected[0] <= 3 and expected[2] <= 4
    for talk in talks:
        talk.session.lost()
        talk.session.lost()
    assert counts(node.connections) == (0, 0, 0, 0)


def do(act: str, talk: Talk, index: int) -> None:
    if act == "open":
        talk.send("channel.open", 1 + index)
    elif act == "close":
        talk.send("channel.close", 1 + index, reply_code=200)
    elif act == "say goodbye":
        talk.send("connection.close", 0, reply_code=200)
    elif act == "vanish":
        talk.session.lost()
    elif act == "be shut":
        talk.session.shut("enough")
    elif act == "err":
        talk.send("queue.purge", 1 + index, queue="missing")
    else:
        talk.feed(b"nonsense" * 2)


def expectation(node: Node) -> tuple[int, int, int, int]:
    links = list(node.connections.by_id.values())
    channels = sum(len(link.channels) for link in links)
    return (len(links), len(links), channels, channels)


def test_a_channel_that_the_broker_closed_counts_no_more() -> None:
    node = new_node()
    talk = Talk(node).open(1, 2)
    talk.send("queue.purge", 1, queue="missing")
    assert node.connections.channel_count == 1
    talk.send("channel.close-ok", 1)
    assert node.connections.channel_count == 1
    talk.send("channel.open", 1)
    assert node.connections.channel_count == 2


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_user_has_so_many_connections_and_no_more(limit: int) -> None:
    node = new_node()
    node.users.set_limits("guest", {"max-connections": limit})
    for _ in range(limit):
        Talk(node).open()
    talk = Talk(node)
    talk.feed(handshake())
    close = talk.read()[-1]
    assert (close.reply_code, close.reply_text) == (
        530,
        "NOT_ALLOWED - connection refused for user 'guest': "
        f"user connection limit ({limit}) is reached",
    )
    assert (close.class_id, close.method_id) == (10, 40)
    assert node.connections.count_of_user("guest") == limit


def test_a_connection_that_goes_makes_room_for_another() -> None:
    node = new_node()
    node.users.set_limits("guest", {"max-connections": 1})
    first = Talk(node).open()
    first.session.lost()
    Talk(node).open()


def test_a_negative_limit_is_none() -> None:
    node = new_node()
    node.users.set_limits("guest", {"max-connections": -1, "max-channels": -5})
    Talk(node).open(1, 2)
    Talk(node).open()


def test_a_user_has_so_many_channels_in_all_connections() -> None:
    node = new_node()
    node.users.set_limits("guest", {"max-channels": 3})
    Talk(node).open(1, 2)
    talk = Talk(node).open(1)
    close = talk.call("channel.open", 2)
    assert (close.reply_code, close.reply_text) == (
        530,
        "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed "
        "user limit of (3)",
    )
    assert (close.class_id, close.method_id) == (0, 0)
    assert node.connections.channel_count == 2


def test_the_node_has_so_many_connections() -> None:
    node = new_node(max_connections=1)
    Talk(node).open()
    talk = Talk(node)
    talk.feed(handshake())
    assert talk.read()[-1].reply_text == (
        "NOT_ALLOWED - connection refused for user 'guest': node connection limit (1) is reached"
    )


def test_the_node_has_so_many_channels() -> None:
    node = new_node(channel_max_per_node=1)
    talk = Talk(node).open()
    assert talk.call("channel.open", 2).reply_text == (
        "NOT_ALLOWED - number of channels opened on the node has reached the maximum allowed "
        "limit of (1)"
    )


def test_a_vhost_has_so_many_connections() -> None:
    node = new_node()
    node.vhosts["/"].limits.set("max-connections", 1)
    Talk(node).open()
    talk = Talk(node)
    talk.feed(handshake())
    assert talk.read()[-1].reply_text == (
        "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (1) is "
        "reached"
    )


def test_a_channel_has_so_many_consumers_and_room_again_after_a_cancel() -> None:
    talk = Talk(new_node(consumer_max_per_channel=2)).open(1, 2)
    talk.call("queue.declare", queue="q")
    for tag in "ab":
        talk.call("basic.consume", queue="q", consumer_tag=tag)
    talk.call("basic.consume", 2, queue="q", consumer_tag="a")
    talk.call("basic.cancel", consumer_tag="a")
    talk.call("basic.consume", queue="q", consumer_tag="c")
    close = talk.call("basic.consume", queue="q", consumer_tag="d")
    assert (close.reply_code, close.reply_text) == (
        530,
        "NOT_ALLOWED - reached maximum (2) of consumers per channel",
    )


def test_the_connections_of_a_deleted_user_are_closed_and_no_others() -> None:
    node = new_node()
    alice = node.users.add("alice", "pw", [])
    alice.grant("/", Permission(".*", ".*", ".*"))
    hers, ours = Talk(node), Talk(node).open()
    hers.feed(as_user("alice"))
    hers.read()
    assert node.connections.count_of_user("alice") == 1
    node.users.delete("alice")
    (close,) = hers.read()
    assert (close.reply_code, close.reply_text) == (
        320,
        "CONNECTION_FORCED - user 'alice' is deleted",
    )
    assert ours.read() == []
    assert next(iter(node.connections.by_id.values())).user.name == "guest"


def as_user(name: str, password: str = "pw") -> bytes:
    properties = {"capabilities": {"authentication_failure_close": True}}
    return (
        HEADER
        + method(
            0,
            "connection.start-ok",
            client_properties=properties,
            mechanism="PLAIN",
            response=f"\0{name}\0{password}",
            locale="en_US",
        )
        + method(0, "connection.tune-ok", channel_max=2047, frame_max=131072, heartbeat=0)
        + method(0, "connection.open", virtual_host="/")
    )


def test_the_connections_to_a_deleted_vhost_are_closed() -> None:
    node = new_node()
    talk = Talk(node).open()
    node.connections.vhost_deleted("other")
    assert talk.read() == []
    node.connections.vhost_deleted("/")
    assert talk.read()[0].reply_text == "CONNECTION_FORCED - vhost '/' is deleted"
    assert node.connections.by_id == {}


def test_a_link_is_added_once_and_removed_once() -> None:
    node = new_node()
    one = link(node)
    node.connections.add(one)
    node.connections.open_channel(one, 1)
    node.connections.remove(one)
    node.connections.remove(one)
    assert counts(node.connections) == (0, 0, 0, 0)
    with pytest.raises(NotAllowed):
        node.users.set_limits("guest", {"max-connections": 0})
        node.connections.check_user(node.users.get("guest"))


def test_events_tell_of_connections_and_channels() -> None:
    node = new_node()
    heard = Heard()
    node.events.listen(heard)
    talk = Talk(node).open(1)
    talk.send("connection.close", 0, reply_code=200)
    assert [name for name, _ in heard.told] == [
        "user.authentication.success",
        "connection.created",
        "channel.created",
        "channel.closed",
        "connection.closed",
    ]
    facts = heard.told[1][1]
    assert (facts["user"], facts["vhost"], facts["protocol"], facts["auth_mechanism"]) == (
        "guest",
        "/",
        "AMQP 0-9-1",
        "PLAIN",
    )


def test_a_failed_login_is_told_too_and_its_password_is_not() -> None:
    node = new_node()
    heard = Heard()
    node.events.listen(heard)
    Talk(node).feed(as_user("nobody", "hush"))
    ((name, facts),) = heard.told
    assert (name, facts["name"]) == ("user.authentication.failure", "nobody")
    assert "hush" not in str(facts)
