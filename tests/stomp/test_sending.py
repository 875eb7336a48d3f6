"""leveret.stomp.sending"""

import pytest
from tests.fakes import new_node
from tests.stomp_talk import StompTalk
from tests.stomp_wire import Frame

from leveret.broker.message import Message
from leveret.broker.node import Node
from leveret.broker.wishes import QueueWish
from leveret.session import AHEAD, FAR_AHEAD, LEVEL
from leveret.tables import table_of


def opened(version: str = "1.2", **settings: object) -> StompTalk:
    return StompTalk(new_node(**settings)).open(version)


def taken(node: Node, name: str = "q") -> list[Message]:
    """What waits in the queue."""
    queue = node.vhosts["/"].queues[name]
    got = []
    while (waiting := queue.get(True)) is not None:
        got.append(waiting.message)
    return got


def error(frame: Frame) -> tuple[str, str]:
    assert frame.command == "ERROR"
    return frame["message"], frame.body.decode()


def test_the_queue_of_a_destination_is_made_durable() -> None:
    talk = opened()
    talk.send("SEND", destination="/queue/q", body=b"x")
    queue = talk.node.vhosts["/"].queues["q"]
    assert (queue.is_durable, queue.is_auto_delete, queue.owner_id) == (True, False, 0)
    assert [message.body for message in taken(talk.node)] == [b"x"]


def test_a_message_that_is_not_persistent_does_not_make_its_queue_fleeting() -> None:
    talk = opened()
    talk.send("SEND", destination="/queue/q", persistent="false")
    assert talk.node.vhosts["/"].queues["q"].is_durable


def test_headers_say_how_the_queue_is_made() -> None:
    talk = opened()
    headers = {"x_max_length": "5", "x_dead_letter_exchange": " amq.direct "}
    talk.send("SEND", destination="/queue/q", auto_delete="true", **headers)
    queue = talk.node.vhosts["/"].queues["q"]
    assert (queue.is_durable, queue.is_auto_delete) == (True, True)
    assert repr(queue.arguments["x-max-length"]) == "Field(l, 5)"
    assert repr(queue.arguments["x-dead-letter-exchange"]) == "Field(S, 'amq.direct')"


def test_a_queue_that_is_otherwise_is_not_to_be_sent_to() -> None:
    talk = opened()
    talk.node.vhosts["/"].declare_queue(QueueWish("q", False, False, 0, {}), 0)
    reply = talk.call("SEND", destination="/queue/q")
    message, detail = error(reply)
    assert message == "precondition_failed" and "inequivalent arg 'durable'" in detail


def test_but_it_is_by_the_destination_that_makes_nothing() -> None:
    talk = opened()
    talk.node.vhosts["/"].declare_queue(QueueWish("q", False, False, 0, {}), 0)
    talk.send("SEND", destination="/amq/queue/q", body=b"x")
    talk.send("SEND", destination="/reply-queue/q", body=b"y")
    assert [message.body for message in taken(talk.node)] == [b"x", b"y"]


def test_a_queue_that_is_gone_is_not_made_again_by_the_same_connection() -> None:
    talk = opened()
    talk.send("SEND", destination="/queue/q")
    vhost = talk.node.vhosts["/"]
    vhost.delete_queue(vhost.queues["q"], False, False)
    talk.send("SEND", destination="/queue/q")
    assert "q" not in vhost.queues and talk.read() == []


@pytest.mark.parametrize(
    ("destination", "exchange", "key"),
    [
        ("/queue/q", "", "q"),
        ("/topic/a.b", "amq.topic", "a.b"),
        ("/exchange/amq.direct/k", "amq.direct", "k"),
        ("/exchange/amq.fanout", "amq.fanout", ""),
    ],
)
def test_a_message_goes_to_the_exchange_of_its_destination(
    destination: str, exchange: str, key: str
) -> None:
    talk = opened()
    vhost = talk.node.vhosts["/"]
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    if exchange:
        vhost.bind(vhost.exchange(exchange), queue, None, key, {})
    for body in (b"x", b"y"):
        talk.send("SEND", destination=destination, body=body)
    got = taken(talk.node)
    assert [message.body for message in got] == [b"x", b"y"]
    assert (got[0].origin.exchange, got[0].origin.routing_key) == (exchange, key)
    assert got[0].origin is got[1].origin and got[0].properties is got[1].properties


def test_topics_may_go_elsewhere() -> None:
    talk = opened(stomp_default_topic_exchange="amq.fanout")
    vhost = talk.node.vhosts["/"]
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    vhost.bind(vhost.exchange("amq.fanout"), queue, None, "", {})
    talk.send("SEND", destination="/topic/a")
    assert len(taken(talk.node)) == 1


def test_messages_follow_bindings_that_come_and_go() -> None:
    talk = opened()
    vhost = talk.node.vhosts["/"]
    queue = vhost.declare_queue(QueueWish("q", True, False, 0, {}), 0)
    for is_bound in (False, True, False):
        if is_bound:
            vhost.bind(vhost.exchange("amq.topic"), queue, None, "t", {})
        elif queue.ready_count:
            vhost.unbind(vhost.exchange("amq.topic"), queue, None, "t", {})
        talk.send("SEND", destination="/topic/t")
    assert len(taken(talk.node)) == 1


def test_the_same_headers_with_other_receipts_and_sizes_are_one_plan() -> None:
    talk = opened()
    replies = []
    for number in range(20):
        body = b"x" * number
        headers = {"destination": "/queue/q", "receipt": f"r:{number}", "own": "1"}
        headers["content-length"] = str(number)
        talk.send("SEND", headers, body)
        replies += talk.read()
    assert [reply["receipt-id"] for reply in replies] == [f"r:{number}" for number in range(20)]
    got = taken(talk.node)
    assert [len(message.body) for message in got] == list(range(20))
    assert all(message.properties is got[0].properties for message in got)


def test_ever_new_headers_are_right_and_old_ones_are_too() -> None:
    talk = opened()
    for number in range(1500):
        own = str(number) if number % 2 else "same"
        talk.send("SEND", destination="/queue/q", own=own)
    got = taken(talk.node)
    values = [str(message.properties.headers()["own"].value) for message in got]
    assert values == [str(n) if n % 2 else "same" for n in range(1500)]


@pytest.mark.parametrize(("version", "told"), [("1.0", "a\\cb"), ("1.2", "a:b")])
def test_a_receipt_is_told_as_it_was_asked_for(version: str, told: str) -> None:
    talk = opened(version)
    talk.feed(b"SEND\r\ndestination:/queue/q\r\nreceipt:a\\cb\r\n\r\nx\0")
    (reply,) = talk.read()
    assert reply["receipt-id"] == told


@pytest.mark.parametrize(
    ("headers", "message", "detail"),
    [
        ({}, "Missing destination", "\"SEND\" must include a 'destination' header\n"),
        (
            {"destination": "/queue/q", "message-id": "1"},
            "Invalid header",
            "'message-id' is not allowed on 'SEND'.\n",
        ),
        (
            {"destination": "/temp-queue/q"},
            "Invalid destination",
            "'/temp-queue/q' is not a valid destination for 'SEND'\n",
        ),
        (
            {"destination": "/exchange/nope"},
            "not_found",
            "NOT_FOUND - no exchange 'nope' in vhost '/'",
        ),
        (
            {"destination": "/queue/q", "expiration": "x"},
            "precondition_failed",
            "PRECONDITION_FAILED - invalid expiration 'x': no_integer",
        ),
        (
            {"destination": "/queue/q", "user-id": "x"},
            "precondition_failed",
            "PRECONDITION_FAILED - user_id property set to 'x' but authenticated user was 'guest'",
        ),
        (
            {"destination": "/queue/" + "q" * 256},
            "Invalid destination",
            "a name or key in a destination has at most 255 octets",
        ),
        (
            {"destination": "/queue/q", "x-message-ttl": "x"},
            "Processing error",
            "the header 'x-message-ttl' is not an integer",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused(headers: dict[str, str], message: str, detail: str) -> None:
    talk = opened()
    assert error(talk.call("SEND", headers)) == (message, detail)
    assert talk.session.closed


def test_an_error_names_the_receipt_that_will_not_come() -> None:
    talk = opened()
    reply = talk.call("SEND", destination="/nowhere/else", receipt="r:1")
    assert reply["receipt-id"] == "r:1"
    other = opened().call("FOO", receipt="2")
    assert other["receipt-id"] == "2"


def test_a_message_may_be_too_large() -> None:
    talk = opened(max_message_size=10)
    reply = talk.call("SEND", destination="/queue/q", body=b"x" * 11)
    assert error(reply) == (
        "precondition_failed",
        "PRECONDITION_FAILED - message size 11 is larger than configured max size 10",
    )


def test_who_asks_for_a_receipt_hears_that_a_queue_is_full() -> None:
    talk = opened()
    arguments = table_of({"x-max-length": 1, "x-overflow": "reject-publish"})
    talk.node.vhosts["/"].declare_queue(QueueWish("q", False, False, 0, arguments), 0)
    talk.send("SEND", destination="/amq/queue/q", body=b"1")
    talk.send("SEND", destination="/amq/queue/q", body=b"2")
    assert talk.read() == []
    reply = talk.call("SEND", destination="/amq/queue/q", receipt="3", body=b"3")
    assert error(reply)[0] == "Message rejected" and reply["receipt-id"] == "3"


def test_a_message_that_leads_nowhere_is_dropped_but_receipted() -> None:
    reply = opened().call("SEND", destination="/topic/nowhere", receipt="1")
    assert reply.command == "RECEIPT"


def test_how_far_a_sender_is_ahead_is_told() -> None:
    talk = opened()
    block = b"SEND\ndestination:/queue/q\n\n\0"
    talk.feed(block)
    assert talk.session.lead == LEVEL
    talk.feed(block * 11_000)
    assert talk.session.lead == AHEAD
    talk.feed(block * 50_000)
    queue = talk.node.vhosts["/"].queues["q"]
    queue.dispatched_count += 1
    talk.feed(block)
    assert talk.session.lead == FAR_AHEAD
    talk.feed(block)
    assert talk.session.lead == AHEAD


def test_answers_come_to_a_queue_of_the_askers_own() -> None:
    node = new_node()
    asker, server = StompTalk(node).open(), StompTalk(node).open()
    server.send("SUBSCRIBE", destination="/queue/service", id="s")
    for number in range(2):
        headers = {"destination": "/queue/service", "reply-to": "/temp-queue/answers"}
        asker.send("SEND", headers | {"correlation-id": str(number)})
        (question,) = server.read()
        assert question["reply-to"].startswith("/reply-queue/amq.gen-")
        server.send("SEND", destination=question["reply-to"], body=b"%d" % number)
        (answer,) = asker.read()
        assert (answer["subscription"], answer.body) == ("/temp-queue/answers", b"%d" % number)
    names = [name for name in node.vhosts["/"].queues if name.startswith("amq.gen-")]
    assert len(names) == 1
    asker.session.lost()
    assert names[0] not in node.vhosts["/"].queues


def test_a_queue_for_answers_that_was_deleted_is_made_anew() -> None:
    node = new_node()
    vhost = node.vhosts["/"]
    talk = StompTalk(node).open()
    seen = []
    for _ in range(2):
        talk.send("SEND", destination="/queue/q", reply_to="/temp-queue/a")
        (name,) = [name for name in vhost.queues if name.startswith("amq.gen-")]
        seen.append(name)
        vhost.delete_queue(vhost.queues[name], False, False)
        (reply,) = talk.read()
        assert error(reply)[0] == "Server cancelled subscription"
    assert seen[0] != seen[1]


def test_who_changes_between_queues_is_not_taken_for_one_whose_consumers_hurry() -> None:
    talk = opened()
    blocks = {name: b"SEND\ndestination:/queue/%s\n\n\0" % name for name in (b"q", b"r")}
    for block in blocks.values():
        talk.feed(block * 50_100)
    talk.node.vhosts["/"].queues["q"].dispatched_count += 1
    talk.feed(blocks[b"q"])
    for name in (b"r", b"q", b"r", b"q"):
        talk.feed(blocks[name])
        assert talk.session.lead == AHEAD, "nobody takes anything"
