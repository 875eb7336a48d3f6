"""leveret.stomp.subscribing and leveret.stomp.consumer"""

import pytest
from tests.fakes import new_node
from tests.stomp_talk import StompTalk
from tests.stomp_wire import Frame

from leveret.broker.node import Node
from leveret.broker.queue import Queue
from leveret.events import Event, Listener
from leveret.stomp.subscribing import durable_name


def opened(node: Node | None = None, version: str = "1.2") -> StompTalk:
    return StompTalk(node).open(version)


def error(frame: Frame) -> tuple[str, str]:
    assert frame.command == "ERROR"
    return frame["message"], frame.body.decode()


def subscribe(talk: StompTalk, destination: str, **headers: str) -> Queue:
    """The queue that the subscription reads."""
    given = {"destination": destination, "id": "1", "receipt": "sub"} | headers
    replies = [frame.command for frame in talk_read(talk, given)]
    assert replies == ["RECEIPT"], replies
    for queue in talk.node.vhosts["/"].queues.values():
        for consumer in queue.consumers:
            if consumer.tag in (f"T_{given['id']}", f"Q_{destination}"):
                return queue
    raise AssertionError("nobody reads")


def talk_read(talk: StompTalk, headers: dict[str, str]) -> list[Frame]:
    talk.send("SUBSCRIBE", **headers)
    return talk.read()


def bindings(node: Node, name: str) -> list[tuple[str, str]]:
    vhost = node.vhosts["/"]
    inbound = vhost.bindings_to(vhost.queues[name])
    return [(binding.source.name, binding.routing_key) for binding in inbound]


def flags(queue: Queue) -> tuple[bool, bool, bool]:
    return queue.is_durable, queue.is_auto_delete, queue.owner_id != 0


@pytest.mark.parametrize(
    ("destination", "headers", "expected"),
    [
        ("/queue/q", {}, (True, False, False)),
        ("/queue/q", {"auto_delete": "true"}, (True, True, False)),
        ("/queue/q", {"exclusive": "true"}, (False, False, True)),
        ("/queue/q", {"durable": "false"}, (False, True, True)),
        ("/queue/q", {"persistent": "false"}, (False, True, True)),
        ("/topic/t", {}, (False, True, True)),
        ("/topic/t", {"auto_delete": "false"}, (False, True, True)),
        ("/topic/t", {"durable": "true"}, (True, True, False)),
        ("/topic/t", {"persistent": "true", "auto_delete": "false"}, (True, False, False)),
        ("/exchange/amq.direct/k", {}, (False, True, True)),
        ("/exchange/amq.direct/k", {"durable": "true"}, (True, True, False)),
    ],
)
def test_headers_say_what_queue_it_is(
    destination: str, headers: dict[str, str], expected: tuple[bool, bool, bool]
) -> None:
    assert flags(subscribe(opened(), destination, **headers)) == expected


@pytest.mark.parametrize(
    ("destination", "bound"),
    [
        ("/queue/q", []),
        ("/topic/a.*", [("amq.topic", "a.*")]),
        ("/exchange/amq.direct/k", [("amq.direct", "k")]),
        ("/exchange/amq.fanout", [("amq.fanout", "")]),
    ],
)
def test_the_queue_is_bound_to_what_the_destination_names(
    destination: str, bound: list[tuple[str, str]]
) -> None:
    talk = opened()
    assert bindings(talk.node, subscribe(talk, destination).name) == bound


def test_names_of_queues_are_random_unless_they_must_be_found_again() -> None:
    talk = opened()
    names = {subscribe(talk, "/topic/t", id=each).name for each in "abc"}
    assert len(names) == 3
    assert all(name.startswith("stomp-subscription-") and len(name) == 41 for name in names)
    assert subscribe(talk, "/topic/t", id="d", x_queue_name="mine").name == "mine"


def test_a_durable_subscription_has_the_name_that_rabbitmq_gives_it() -> None:
    assert durable_name("t1", "1") == "stomp-subscription-euxLsHE656EmQb2iBW6dBg"
    assert durable_name("t2", "1") == "stomp-subscription-d8SRydgxPf3MMQcu5O9dJA"
    assert durable_name("k2", "7") == "stomp-subscription-YQFFZn8BssR4UXobhKLkFA"
    talk = opened()
    queue = subscribe(talk, "/topic/t1", durable="true")
    assert queue.name == "stomp-subscription-euxLsHE656EmQb2iBW6dBg"


def test_a_durable_subscription_gets_what_came_while_it_was_away() -> None:
    node = new_node()
    headers = {"durable": "true", "auto_delete": "false", "id": "news"}
    first = opened(node)
    subscribe(first, "/topic/t", **headers)
    first.send("DISCONNECT")
    first.session.lost()
    opened(node).send("SEND", destination="/topic/t", body=b"x")
    again = opened(node)
    got = talk_read(again, {"destination": "/topic/t"} | headers)
    assert [frame.body for frame in got] == [b"x"]
    again.send("UNSUBSCRIBE", id="news", durable="true", receipt="1")
    assert [frame.command for frame in again.read()] == ["RECEIPT"]
    assert not node.vhosts["/"].queues


def test_to_unsubscribe_otherwise_leaves_a_durable_queue() -> None:
    talk = opened()
    subscribe(talk, "/topic/t", durable="true", auto_delete="false")
    talk.send("UNSUBSCRIBE", id="1")
    assert talk.read() == [] and len(talk.node.vhosts["/"].queues) == 1


def test_to_unsubscribe_takes_a_fleeting_queue_along() -> None:
    talk = opened()
    subscribe(talk, "/topic/t")
    talk.send("UNSUBSCRIBE", id="1")
    assert not talk.node.vhosts["/"].queues


def test_a_subscription_may_be_known_by_its_destination() -> None:
    talk = opened(version="1.0")
    talk.send("SUBSCRIBE", destination="/queue/q", ack="client")
    talk.send("SEND", destination="/queue/q", body=b"x")
    (got,) = talk.read()
    assert got["message-id"].startswith("Q_/queue/q@@session-")
    assert "subscription" not in got.headers and "ack" not in got.headers
    talk.send("ACK", {"message-id": got["message-id"]})
    talk.send("UNSUBSCRIBE", destination="/queue/q", receipt="1")
    assert [frame.command for frame in talk.read()] == ["RECEIPT"]
    assert talk.node.vhosts["/"].queues["q"].consumer_count == 0


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
@pytest.mark.parametrize("ack", ["auto", "client", "client-individual"])
def test_a_message_has_an_id_and_says_how_to_answer_for_it(version: str, ack: str) -> None:
    talk = StompTalk()
    session = talk.connect(version)["session"]
    subscribe(talk, "/queue/q", id="s", ack=ack)
    talk.send("SEND", {"destination": "/queue/q", "own": "1"}, b"hello")
    (got,) = talk.read()
    expected = {
        "subscription": "s",
        "destination": "/queue/q",
        "message-id": f"T_s@@{session}@@1",
        "redelivered": "false",
        "own": "1",
        "content-length": "5",
    }
    if version == "1.2" and ack != "auto":
        expected["ack"] = f"T_s@@{session}@@1"
    assert (got.command, got.headers, got.body) == ("MESSAGE", expected, b"hello")


def test_ids_of_subscriptions_are_escaped() -> None:
    talk = opened()
    subscribe(talk, "/queue/q", id="a:b\\c@@d", ack="client")
    talk.send("SEND", destination="/queue/q")
    (got,) = talk.read()
    assert got["subscription"] == "a:b\\c@@d"
    talk.send("ACK", id=got["ack"], receipt="1")
    assert talk.read()[0].command == "RECEIPT"


def test_deliveries_of_different_messages_are_each_right() -> None:
    talk = opened()
    subscribe(talk, "/topic/#")
    sent = []
    for number in range(60):
        destination = f"/topic/t{number % 3}"
        headers = {"destination": destination, "own": str(number % 4)}
        body = b"x" * (number % 5) + b"y" * (9000 if number % 7 == 0 else 0)
        talk.send("SEND", headers, body)
        sent.append((destination, str(number % 4), body))
    got = [(frame["destination"], frame["own"], frame.body) for frame in talk.read()]
    assert got == sent


def test_prefetch_holds_back_what_is_not_answered_for() -> None:
    talk = opened()
    subscribe(talk, "/queue/q", ack="client-individual", prefetch_count="2")
    for _ in range(5):
        talk.send("SEND", destination="/queue/q")
    first, second = talk.read()
    talk.send("ACK", id=second["ack"])
    assert len(talk.read()) == 1
    talk.send("NACK", id=first["ack"], requeue="false")
    assert len(talk.read()) == 1


def test_whoever_has_priority_is_served_first() -> None:
    talk = opened()
    subscribe(talk, "/queue/q", id="low")
    subscribe(talk, "/queue/q", id="high", x_priority="5")
    for _ in range(3):
        talk.send("SEND", destination="/queue/q")
    assert [frame["subscription"] for frame in talk.read()] == ["high"] * 3


def test_a_queue_that_is_deleted_cancels_its_subscriptions_and_no_others() -> None:
    talk = opened()
    vhost = talk.node.vhosts["/"]
    gone = subscribe(talk, "/queue/gone", id="a")
    subscribe(talk, "/queue/kept", id="b")
    vhost.delete_queue(gone, False, False)
    (reply,) = talk.read()
    assert error(reply) == (
        "Server cancelled subscription",
        "The server has canceled a subscription.\n"
        "No more messages will be delivered for \"id='a'\".\n",
    )
    assert reply["subscription"] == "a"
    talk.send("SEND", destination="/queue/kept")
    assert [frame["subscription"] for frame in talk.read()] == ["b"]
    # Its id may be had again.
    talk.node.vhosts["/"].queues.pop("gone", None)
    assert subscribe(talk, "/queue/other", id="a").name == "other"


@pytest.mark.parametrize(
    ("headers", "message", "detail"),
    [
        ({}, "Missing destination", "\"SUBSCRIBE\" must include a 'destination' header\n"),
        (
            {"destination": "/topic/t", "durable": "true"},
            "Missing Header",
            "Header 'id' is required for durable subscriptions",
        ),
        (
            {"destination": "/queue/q", "id": "/temp-queue/x"},
            "Invalid id",
            "SUBSCRIBE 'id' may not start with /temp-queue/\n",
        ),
        (
            {"destination": "/temp-queue/x", "id": "1"},
            "Invalid destination",
            "'/temp-queue/x' is not a valid destination for 'SUBSCRIBE'\n",
        ),
        (
            {"destination": "/amq/queue/none", "id": "1"},
            "not_found",
            "NOT_FOUND - no queue 'none' in vhost '/'",
        ),
        (
            {"destination": "/exchange/none/k", "id": "1"},
            "not_found",
            "NOT_FOUND - no exchange 'none' in vhost '/'",
        ),
        (
            {"destination": "/queue/q", "id": "1", "ack": "maybe"},
            "Processing error",
            "the header 'ack' is none of auto, client and client-individual",
        ),
        (
            {"destination": "/queue/q", "id": "1", "prefetch-count": "-1"},
            "Processing error",
            "the header 'prefetch-count' is not from 0 to 65535",
        ),
        (
            {"destination": "/queue/q", "id": "1", "x-priority": "99999999999"},
            "Processing error",
            "the header 'x-priority' is not a 32-bit integer",
        ),
    ],
)
def test_what_nobody_can_subscribe_to_is_refused(
    headers: dict[str, str], message: str, detail: str
) -> None:
    talk = opened()
    assert error(talk.call("SUBSCRIBE", headers)) == (message, detail)
    assert talk.session.closed
    assert not talk.node.vhosts["/"].queues


def test_an_id_is_had_once() -> None:
    talk = opened()
    subscribe(talk, "/queue/q")
    reply = talk.call("SUBSCRIBE", destination="/queue/q", id="1")
    assert error(reply) == (
        "Duplicated subscription identifier",
        "A subscription identified by 'T_1' already exists.",
    )


def test_there_may_be_so_many_and_no_more() -> None:
    asks_for_one = ("SUBSCRIBE", {"id": "2"}), ("SEND", {"reply_to": "/temp-queue/a"})
    for command, headers in asks_for_one:
        talk = StompTalk(new_node(consumer_max_per_channel=1)).open()
        subscribe(talk, "/queue/q")
        reply = talk.call(command, destination="/queue/q", **headers)
        assert error(reply)[0] == "not_allowed"


@pytest.mark.parametrize("address", ["/topic/", "/exchange/amq.topic/"])
def test_a_key_has_255_octets_at_most(address: str) -> None:
    talk = StompTalk().open()
    subscribe(talk, address + 255 * "k")
    reply = talk.call("SUBSCRIBE", destination=address + 256 * "k", id="2")
    assert error(reply)[0] == "Invalid destination"


@pytest.mark.parametrize(
    ("headers", "message", "detail"),
    [
        (
            {},
            "Missing destination or id",
            "UNSUBSCRIBE must include a 'destination' or 'id' header",
        ),
        (
            {"id": "4"},
            "No subscription found",
            "UNSUBSCRIBE must refer to an existing subscription.\n"
            "Subscription to \"id='4'\" not found.\n",
        ),
        (
            {"id": "/temp-queue/4"},
            "Invalid id",
            "UNSUBSCRIBE 'id' may not start with /temp-queue/\n",
        ),
    ],
)
def test_what_nobody_subscribed_to_cannot_end(
    headers: dict[str, str], message: str, detail: str
) -> None:
    assert error(opened().call("UNSUBSCRIBE", headers)) == (message, detail)


class Ear(Listener):
    """Writes down what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def on_event(self, event: Event) -> None:
        self.told.append(event.name)


def test_events_tell_of_subscriptions() -> None:
    node, ear = new_node(), Ear()
    node.events.listen(ear)
    talk = opened(node)
    subscribe(talk, "/queue/q")
    talk.send("UNSUBSCRIBE", id="1")
    assert [event for event in ear.told if event.startswith("consumer.")] == [
        "consumer.created",
        "consumer.deleted",
    ]
