"""leveret.stomp.session, with all that handles its frames; no socket"""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import new_node
from tests.stomp_talk import PEER, StompTalk
from tests.stomp_wire import Frame, encode

from leveret.auth.permissions import Permission
from leveret.broker.alarms import MEMORY
from leveret.broker.node import Node
from leveret.session import Peer, TlsFacts


def error(frame: Frame) -> tuple[str, str]:
    assert frame.command == "ERROR"
    assert (frame["content-type"], frame["version"]) == ("text/plain", "1.0,1.1,1.2")
    return frame["message"], frame.body.decode()


def opened(node: Node | None = None, version: str = "1.2", **headers: str) -> StompTalk:
    return StompTalk(node).open(version, **headers)


def subscribed(talk: StompTalk, destination: str = "/queue/q", **headers: str) -> None:
    given = {"destination": destination, "id": "1", "receipt": "sub"}
    assert talk.call("SUBSCRIBE", **(given | headers)).command == "RECEIPT"


def sent(talk: StompTalk, count: int = 1, destination: str = "/queue/q") -> None:
    for number in range(count):
        talk.send("SEND", destination=destination, body=b"%d" % number)


def ready(node: Node, name: str = "q") -> tuple[int, int]:
    queue = node.vhosts["/"].queues[name]
    return queue.ready_count, queue.unacked_count


# --- opening -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ("1.0", "1.0"),
        ("1.1", "1.1"),
        ("1.0,1.1,1.2", "1.2"),
        ("1.2, 1.1", "1.2"),
        ("2.0,1.1", "1.1"),
    ],
)
@pytest.mark.parametrize("command", ["CONNECT", "STOMP"])
def test_the_highest_version_that_both_know_is_agreed_on(
    command: str, offered: str, agreed: str
) -> None:
    talk = StompTalk()
    reply = talk.call(command, accept_version=offered, host="/", login="guest", passcode="guest")
    assert (reply.command, reply["version"], reply["heart-beat"]) == ("CONNECTED", agreed, "0,0")
    assert reply["session"].startswith("session-") and reply["server"].startswith("RabbitMQ/")
    (link,) = talk.node.connections.by_id.values()
    assert (link.protocol, link.vhost, link.user.name) == (f"STOMP {agreed}", "/", "guest")


def test_the_log_says_that_it_is_stomp(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leveret")
    opened().call("DISCONNECT", receipt="1")
    StompTalk().call("CONNECT", login="guest", passcode="wrong")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert all(line.startswith(f"STOMP connection {PEER.name}") for line in lines)


def test_without_versions_it_is_the_first() -> None:
    assert StompTalk().call("CONNECT", login="guest", passcode="guest")["version"] == "1.0"


def test_who_carries_the_frames_stands_before_the_name() -> None:
    talk = StompTalk(carrier="Web ").open()
    (link,) = talk.node.connections.by_id.values()
    assert link.protocol == "Web STOMP 1.2"


def test_a_setting_hides_what_the_server_is() -> None:
    assert "server" not in StompTalk(new_node(stomp_hide_server_info=True)).connect().headers


@pytest.mark.parametrize(
    ("headers", "message", "detail"),
    [
        (
            {"accept_version": "1.3"},
            "Version mismatch",
            "Supported versions are 1.0,1.1,1.2\n",
        ),
        ({"passcode": "x"}, "Bad CONNECT", "Access refused for user 'guest'\n"),
        ({"login": "nobody"}, "Bad CONNECT", "Access refused for user 'nobody'\n"),
        ({"host": "nowhere"}, "Bad CONNECT", "Virtual host 'nowhere' access denied"),
        ({"heart_beat": "1"}, "Processing error", "the header 'heart-beat' is not two numbers"),
        ({"heart_beat": "a,b"}, "Processing error", "the header 'heart-beat' is not an integer"),
    ],
)
def test_a_connect_that_cannot_be_is_refused_and_the_connection_closed(
    headers: dict[str, str], message: str, detail: str
) -> None:
    talk = StompTalk()
    assert error(talk.connect(**headers)) == (message, detail)
    assert talk.session.closed
    assert not talk.node.connections.by_id


def test_a_user_without_permissions_may_not_enter() -> None:
    node = new_node()
    node.users.add("alice", "pw", [])
    reply = StompTalk(node).connect(login="alice", passcode="pw")
    assert error(reply) == ("Bad CONNECT", "Virtual host '/' access denied")


def test_the_limits_of_vhosts_count_these_connections() -> None:
    node = new_node()
    node.vhosts["/"].limits.set("max-connections", 1)
    opened(node)
    message, detail = error(StompTalk(node).connect())
    assert message == "Bad CONNECT" and "connection limit (1) is reached" in detail


def test_without_a_name_the_default_user_comes() -> None:
    talk = StompTalk(new_node(stomp_default_user="guest", stomp_default_pass="guest"))
    assert talk.call("CONNECT", accept_version="1.2").command == "CONNECTED"
    nobody = StompTalk(new_node(stomp_default_user=""))
    reply = nobody.call("CONNECT", accept_version="1.2")
    assert error(reply) == ("Bad CONNECT", "Missing login or passcode header(s)\n")


def test_a_certificate_says_who_a_client_is_if_the_settings_let_it() -> None:
    facts = TlsFacts("TLSv1.3", "x")
    facts.is_verified, facts.subject, facts.common_name = True, "CN=guest", "guest"
    peer = Peer("127.0.0.1", 50000, "127.0.0.1", 61614, facts)
    node = new_node(
        stomp_ssl_cert_login=True, ssl_cert_login_from="common_name", stomp_default_user=""
    )
    assert StompTalk(node, peer).call("CONNECT", accept_version="1.2").command == "CONNECTED"
    other = new_node(ssl_cert_login_from="common_name", stomp_default_user="")
    assert error(StompTalk(other, peer).call("CONNECT"))[0] == "Bad CONNECT"


def test_nothing_else_comes_first() -> None:
    reply = StompTalk().call("SEND", destination="/queue/q")
    assert error(reply) == ("Illegal command", "You must log in using CONNECT first")


def test_a_setting_lets_anything_come_first() -> None:
    talk = StompTalk(new_node(stomp_implicit_connect=True))
    talk.version = "1.0"
    reply = talk.call("SEND", destination="/queue/q", receipt="1", body=b"x")
    assert (reply.command, reply["receipt-id"]) == ("RECEIPT", "1")


def test_nobody_connects_twice() -> None:
    assert error(opened().call("CONNECT"))[0] == "Illegal command"


def test_before_the_login_frames_are_small() -> None:
    talk = StompTalk()
    talk.feed(b"SEND\n\n" + b"x" * 70_000)
    (reply,) = talk.read()
    assert error(reply)[0] == "Malformed frame"
    big = opened()
    big.feed(b"SEND\ndestination:/queue/q\n\n" + b"x" * 70_000 + b"\0")
    assert big.read() == []


def test_who_does_not_log_in_in_time_is_cut_off() -> None:
    talk = StompTalk(new_node(stomp_login_timeout_ms=2000))
    talk.pass_s(1.5)
    assert not talk.session.closed
    talk.pass_s(1)
    assert talk.session.closed and talk.read() == []


# --- time --------------------------------------------------------------------------------------


def test_heart_beats_go_both_ways() -> None:
    talk = StompTalk()
    reply = talk.connect(heart_beat="2000,4000")
    assert reply["heart-beat"] == "4000,2000"
    talk.pass_s(2)
    assert talk.take() == b"\n"
    talk.feed(b"\n")
    talk.pass_s(3)
    assert not talk.session.closed
    talk.pass_s(2)
    assert talk.session.closed


def test_who_is_held_need_not_beat() -> None:
    talk = StompTalk().open(heart_beat="1000,0")
    talk.node.alarms.set("test", MEMORY)
    sent(talk)
    talk.pass_s(60)
    assert not talk.session.closed


def test_a_delivery_that_is_out_too_long_ends_the_connection() -> None:
    node = new_node(consumer_timeout_ms=10_000)
    for vhost in node.vhosts.values():
        vhost.consumer_timeout_ms = 10_000
    talk = opened(node)
    subscribed(talk, x_queue_type="quorum", ack="client")
    sent(talk)
    assert talk.read()[0].command == "MESSAGE"
    talk.pass_s(5)
    assert not talk.session.closed
    talk.pass_s(10)
    (reply,) = talk.read()
    message, detail = error(reply)
    assert message == "precondition_failed" and "timed out" in detail
    assert talk.session.closed
    assert ready(node) == (1, 0)


# --- alarms, decisions and room ----------------------------------------------------------------


def test_an_alarm_holds_who_sends_and_nobody_else() -> None:
    node = new_node()
    sender, reader = opened(node), opened(node)
    subscribed(reader)
    node.alarms.set("test", MEMORY)
    sender.send("SEND", destination="/queue/q", receipt="1", body=b"x")
    sender.send("SEND", destination="/queue/q", receipt="2", body=b"y")
    assert sender.read() == [] and sender.session.is_waiting and sender.session.is_full
    assert reader.call("BEGIN", transaction="t", receipt="3").command == "RECEIPT"
    node.alarms.clear("test")
    assert [frame["receipt-id"] for frame in sender.read()] == ["1", "2"]
    assert [frame.body for frame in reader.read()] == [b"x", b"y"]
    assert not sender.session.is_full


def test_who_leaves_while_held_is_forgotten() -> None:
    talk = opened()
    talk.node.alarms.set("test", MEMORY)
    sent(talk)
    talk.session.lost()
    assert talk.node.alarms.held_count == 0


def test_deliveries_wait_for_a_socket_that_is_full() -> None:
    talk = opened()
    subscribed(talk)
    talk.session.pause()
    sent(talk, 3)
    assert talk.read() == []
    talk.session.resume()
    assert [frame.body for frame in talk.read()] == [b"0", b"1", b"2"]


def test_deliveries_stop_when_a_turn_has_enough_and_go_on_in_the_next() -> None:
    node = new_node()
    sent(opened(node), 1)
    filler = opened(node)
    for _ in range(40):
        filler.send("SEND", destination="/queue/q", body=b"x" * 30_000)
    talk = opened(node)
    talk.send("SUBSCRIBE", destination="/queue/q", id="1")
    assert len(talk.take()) < 600_000
    assert len(talk.read()) < 41
    assert ready(node) == (0, 0)


def test_receipts_without_end_stop_the_reading() -> None:
    talk = opened()
    chunk = encode("SEND", destination="/queue/q", receipt="r" * 1000, body=b"") * 500
    for _ in range(4):
        talk.feed(chunk)
    assert talk.session.is_full
    assert len(talk.read()) == 2000
    assert not talk.session.is_full


# --- the end -----------------------------------------------------------------------------------


def test_disconnect_is_answered_and_closes() -> None:
    talk = opened()
    reply = talk.call("DISCONNECT", receipt="bye")
    assert (reply.command, reply["receipt-id"]) == ("RECEIPT", "bye")
    assert talk.session.closed
    talk.session.lost()
    assert not talk.node.connections.by_id


def test_what_was_not_answered_for_goes_back() -> None:
    node = new_node()
    talk = opened(node)
    subscribed(talk, ack="client-individual")
    sent(talk, 2)
    assert len(talk.read()) == 2
    assert ready(node) == (0, 2)
    talk.session.lost()
    assert ready(node) == (2, 0)
    again = opened(node)
    again.send("SUBSCRIBE", destination="/queue/q", id="2")
    assert [frame["redelivered"] for frame in again.read()] == ["true", "true"]


def test_a_broker_that_closes_says_why() -> None:
    talk = opened()
    (link,) = talk.node.connections.by_id.values()
    link.shut("it is late")
    (reply,) = talk.read()
    assert error(reply) == ("connection_forced", "CONNECTION_FORCED - it is late")
    assert talk.session.closed


def test_what_came_behind_a_fault_is_read_away_before_the_end() -> None:
    talk = opened()
    talk.feed(encode("FOO") + encode("SEND", destination="/queue/q") * 3)
    (reply,) = talk.read()
    assert error(reply)[0] == "Bad command"
    assert not talk.session.closed
    talk.feed(b"more of it" * 100)
    talk.pass_s(1.5)
    assert talk.session.closed and talk.read() == []
    assert "q" not in talk.node.vhosts["/"].queues


def test_a_connection_is_listed_as_one_channel() -> None:
    talk = opened()
    subscribed(talk, ack="client", prefetch_count="5", x_priority="3")
    sent(talk, 2)
    talk.read()
    talk.send("BEGIN", transaction="t")
    talk.send("SEND", destination="/queue/q", transaction="t", body=b"")
    (link,) = talk.node.connections.by_id.values()
    assert list(link.channels) == [1]
    view = link.channels[1]
    assert view is not None
    assert view.name == f"{link.name} (1)"
    assert (view.consumer_count, view.unacked_count, view.uncommitted_count) == (1, 2, 1)
    assert [(tally.exchange, tally.published) for tally in view.publishes()] == [("", 2)]
    assert [(tally.queue, tally.deliver) for tally in view.reads()] == [("q", 2)]
    (consumer,) = talk.node.vhosts["/"].queues["q"].consumers
    assert (consumer.tag, consumer.prefetch_count, consumer.priority) == ("T_1", 5, 3)
    assert consumer.channel is view


# --- fuzz --------------------------------------------------------------------------------------

COMMANDS = st.sampled_from(
    [
        "SEND",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "ACK",
        "NACK",
        "BEGIN",
        "COMMIT",
        "ABORT",
        "FOO",
        "CONNECT",
    ]
)
NAMES = st.sampled_from(
    [
        *("destination", "id", "ack", "transaction", "receipt", "message-id", "durable"),
        *(
            "content-length",
            "reply-to",
            "prefetch-count",
            "persistent",
            "x-max-length",
            "expiration",
        ),
        *("user-id", "requeue", "selector", "auto-delete", "exclusive", "priority"),
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *("/queue/q", "/topic/t", "/exchange/amq.direct/k", "/temp-queue/r", "/amq/queue/q"),
            *("true", "false", "1", "client", "auto", "t", "T_1@@session-x@@1", "-1", "guest"),
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=10),
)
FRAMES = st.lists(
    st.tuples(COMMANDS, st.dictionaries(NAMES, VALUES, max_size=4), st.binary(max_size=10)),
    max_size=8,
)


@given(FRAMES, st.sampled_from(["1.0", "1.1", "1.2"]))
def test_frames_of_any_kind_are_done_or_refused(
    frames: list[tuple[str, dict[str, str], bytes]], version: str
) -> None:
    node = new_node()
    other = opened(node)
    subscribed(other, "/queue/safe")
    talk = opened(node, version)
    for command, headers, body in frames:
        talk.send(command, headers, body)
    assert all(
        frame["message"] != "internal_error" for frame in talk.read() if frame.command == "ERROR"
    )
    talk.session.lost()
    sent(other, 1, "/queue/safe")
    assert [frame.body for frame in other.read()] == [b"0"]
    assert list(node.connections.by_id) == [1]


@given(st.binary(max_size=200), st.booleans())
def test_garbage_disturbs_nobody(octets: bytes, is_open: bool) -> None:
    node = new_node()
    other = opened(node)
    talk = opened(node) if is_open else StompTalk(node)
    talk.feed(octets)
    talk.drain()
    talk.session.lost()
    assert other.call("BEGIN", transaction="t", receipt="1").command == "RECEIPT"


def test_permissions_are_asked() -> None:
    node = new_node()
    user = node.users.add("alice", "pw", [])
    user.grant("/", Permission("^mine", "^mine|amq.default", "^mine"))
    for destination, command in [
        ("/queue/yours", "SEND"),
        ("/queue/yours", "SUBSCRIBE"),
        ("/topic/t", "SEND"),
        ("/topic/t", "SUBSCRIBE"),
    ]:
        talk = StompTalk(node, PEER).open(login="alice", passcode="pw")
        talk.send(command, destination=destination, id="1")
        (reply,) = talk.read()
        message, detail = error(reply)
        assert message == "access_refused" and "refused for user 'alice'" in detail
    talk = StompTalk(node, PEER).open(login="alice", passcode="pw")
    subscribed(talk, "/queue/mine")
    sent(talk, 1, "/queue/mine")
    assert len(talk.read()) == 1


def test_an_error_names_no_receipt_of_a_frame_before_it() -> None:
    for octets in (b"SEND\ncontent-length:x\n\n\0", b"ACK\nno colon\n\n\0"):
        talk = opened()
        assert talk.call("SEND", destination="/queue/q", receipt="1").command == "RECEIPT"
        talk.feed(octets)
        (reply,) = talk.read()
        assert error(reply)[0] == "Malformed frame" and "receipt-id" not in reply.headers


def test_limits_of_channels_count_too_and_leave_nothing_behind() -> None:
    node = new_node(channel_max_per_node=1)
    opened(node)
    message, detail = error(StompTalk(node).connect())
    assert message == "not_allowed" and "allowed limit of (1)" in detail
    assert (len(node.connections.by_id), node.connections.channel_count) == (1, 1)
