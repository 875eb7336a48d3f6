"""leveret.stomp.settling, leveret.stomp.transactions and leveret.stomp.work"""

import pytest
from tests.fakes import new_node
from tests.stomp_talk import StompTalk
from tests.stomp_wire import Frame

from leveret.broker.node import Node
from leveret.broker.wishes import QueueWish
from leveret.stomp.transactions import MAX_FRAMES, MAX_TRANSACTIONS
from leveret.tables import table_of


def opened(node: Node | None = None, version: str = "1.2") -> StompTalk:
    return StompTalk(node).open(version)


def error(frame: Frame) -> tuple[str, str]:
    assert frame.command == "ERROR"
    return frame["message"], frame.body.decode()


def ready(talk: StompTalk, name: str = "q") -> tuple[int, int]:
    queue = talk.node.vhosts["/"].queues[name]
    return queue.ready_count, queue.unacked_count


def delivered(
    talk: StompTalk, count: int, ack: str = "client", name: str = "q", sub: str = "1"
) -> list[Frame]:
    """So many messages in the client's hands."""
    for number in range(count):
        talk.send("SEND", destination=f"/queue/{name}", body=b"%d" % number)
    talk.send("SUBSCRIBE", destination=f"/queue/{name}", id=sub, ack=ack)
    got = talk.read()
    assert len(got) == count
    return got


def commands(talk: StompTalk) -> list[str]:
    return [frame.command for frame in talk.read()]


# --- ACK and NACK --------------------------------------------------------------------------------


def test_in_mode_auto_nothing_is_to_be_answered_for() -> None:
    talk = opened()
    (got,) = delivered(talk, 1, "auto")
    assert ready(talk) == (0, 0)
    assert error(talk.call("ACK", id=got["message-id"]))[0] == "Message not found"


def test_one_at_a_time() -> None:
    talk = opened()
    got = delivered(talk, 3, "client-individual")
    talk.send("ACK", id=got[1]["ack"])
    assert ready(talk) == (0, 2)
    talk.send("ACK", id=got[0]["ack"], receipt="1")
    assert commands(talk) == ["RECEIPT"]
    assert ready(talk) == (0, 1)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_many_one_after_the_other(version: str) -> None:
    talk = opened(version=version)
    key = "ack" if version == "1.2" else "message-id"
    header = "id" if version == "1.2" else "message-id"
    got = delivered(talk, 12, "client-individual")
    for count, frame in enumerate(got[:11], 1):
        talk.send("ACK", **{header: frame[key]})
        assert ready(talk) == (0, 12 - count)
    again = talk.call("ACK", **{header: got[5][key]})
    assert error(again)[0] == "Message not found"


def test_who_has_two_subscriptions_answers_for_both_in_turn() -> None:
    talk = opened()
    pairs = zip(
        delivered(talk, 3, "client-individual"),
        delivered(talk, 3, "client", "other", "2"),
        strict=True,
    )
    for count, (one, other) in enumerate(pairs, 1):
        talk.send("ACK", id=one["ack"])
        talk.send("ACK", id=other["ack"])
        assert (ready(talk), ready(talk, "other")) == ((0, 3 - count), (0, 3 - count))


@pytest.mark.parametrize("end", ["x", "", "1" * 30, "-1", " 1", "1:2"])
def test_an_id_much_like_the_last_one_is_none(end: str) -> None:
    talk = opened()
    got = delivered(talk, 2, "client-individual")
    talk.send("ACK", id=got[0]["ack"])
    start = got[0]["ack"].rpartition("@@")[0] + "@@"
    assert error(talk.call("ACK", id=start + end))[0] in ("Invalid header", "Message not found")


def test_a_receipt_for_an_ack_like_the_last_one() -> None:
    talk = opened()
    got = delivered(talk, 3)
    talk.send("ACK", id=got[0]["ack"])
    assert talk.call("ACK", id=got[1]["ack"], receipt="r")["receipt-id"] == "r"
    talk.send("ACK", id=got[2]["ack"])
    assert ready(talk) == (0, 0)
    assert commands(talk) == []


def test_one_ack_for_all_so_far_of_its_subscription() -> None:
    talk = opened()
    others = delivered(talk, 2, "client-individual", "other", "2")
    got = delivered(talk, 3, "client")
    talk.send("ACK", id=got[1]["ack"])
    assert ready(talk) == (0, 1)
    assert ready(talk, "other") == (0, 2)
    talk.send("ACK", id=others[0]["ack"])
    assert ready(talk, "other") == (0, 1)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_before_1_2_the_message_id_is_named(version: str) -> None:
    talk = opened(version=version)
    (got,) = delivered(talk, 1)
    talk.send("ACK", {"message-id": got["message-id"], "subscription": "1"})
    assert ready(talk) == (0, 0)
    reply = talk.call("ACK", id="x")
    assert error(reply) == ("Missing header", '"ACK" must include the "message-id" header\n')


def test_nack_gives_back() -> None:
    talk = opened()
    got = delivered(talk, 2, "client-individual")
    talk.send("NACK", id=got[0]["ack"])
    (again,) = talk.read()
    assert (again.body, again["redelivered"]) == (b"0", "true")


def test_nack_gives_back_all_so_far() -> None:
    talk = opened()
    got = delivered(talk, 3)
    talk.send("UNSUBSCRIBE", id="1")
    talk.send("NACK", id=got[1]["ack"])
    assert ready(talk) == (2, 1)


def test_nack_throws_away_if_it_says_so_or_the_settings_do() -> None:
    talk = opened()
    got = delivered(talk, 1)
    talk.send("NACK", id=got[0]["ack"], requeue="false")
    assert ready(talk) == (0, 0) and talk.read() == []
    other = opened(new_node(stomp_default_nack_requeue=False))
    got = delivered(other, 2, "client-individual")
    other.send("NACK", id=got[0]["ack"])
    assert ready(other) == (0, 1)
    other.send("NACK", id=got[1]["ack"], requeue="true")
    assert len(other.read()) == 1


def test_a_message_outlives_its_subscription() -> None:
    talk = opened()
    (got,) = delivered(talk, 1)
    talk.send("UNSUBSCRIBE", id="1")
    assert ready(talk) == (0, 1)
    talk.send("ACK", id=got["ack"], receipt="1")
    assert commands(talk) == ["RECEIPT"] and ready(talk) == (0, 0)


@pytest.mark.parametrize(
    "message_id",
    ["", "x", "T_1@@1", "T_1@@session-of-others@@1", "{session}", "{head}-1", "{head}", "{head}1 "],
)
def test_what_is_no_id_of_this_connection_is_refused(message_id: str) -> None:
    talk = opened()
    (got,) = delivered(talk, 1)
    head = got["ack"][:-1]
    given = message_id.format(session=head.split("@@")[1], head=head)
    reply = talk.call("ACK", id=given)
    assert error(reply) == ("Invalid header", '"ACK" must include a valid "id" header\n')


def test_nobody_answers_for_what_is_not_out() -> None:
    for change in ("twice", "unknown", "other"):
        talk = opened()
        (got,) = delivered(talk, 1)
        given = got["ack"]
        if change == "twice":
            talk.send("ACK", id=given)
        elif change == "unknown":
            given = given[:-1] + "99"
        else:
            given = given.replace("T_1@@", "T_2@@")
        assert error(talk.call("ACK", id=given))[0] == "Message not found"
        assert talk.session.closed


@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_many_acks_in_a_row_are_each_for_their_own(mode: str) -> None:
    talk = opened()
    others = delivered(talk, 3, "client-individual", "other", "2")
    got = delivered(talk, 9, mode)
    for frame in (got[0], got[1], others[0], got[2], others[1], others[2], got[3]):
        talk.send("ACK", id=frame["ack"])
    assert talk.read() == []
    assert ready(talk) == (0, 5) and ready(talk, "other") == (0, 0)
    talk.send("ACK", id=got[4]["ack"], receipt="1")
    talk.send("BEGIN", transaction="t")
    talk.send("ACK", id=got[5]["ack"], transaction="t")
    assert commands(talk) == ["RECEIPT"] and ready(talk) == (0, 4)
    # Many digits, none, a sign, and one that is not out: as if they were the first.
    for wrong in ("9" * 30, "", "-1", "x", got[4]["ack"][-1]):
        other = StompTalk(talk.node).open()
        mine = delivered(other, 2, "client-individual", f"w{len(wrong)}{wrong[:1]}", "1")
        other.send("ACK", id=mine[0]["ack"])
        prefix = mine[0]["ack"].rsplit("@@", 1)[0]
        tag = mine[0]["ack"].rsplit("@@", 1)[1] if wrong == got[4]["ack"][-1] else wrong
        reply = other.call("ACK", id=f"{prefix}@@{tag}")
        assert reply.command == "ERROR"


def test_an_ack_may_end_its_lines_with_cr_lf() -> None:
    talk = opened()
    got = delivered(talk, 3, "client-individual")
    talk.send("ACK", id=got[0]["ack"])
    talk.feed(b"ACK\r\nid:" + got[1]["ack"].replace(":", "\\c").encode() + b"\r\n\r\n\0")
    assert talk.read() == [] and ready(talk) == (0, 1)


# --- transactions --------------------------------------------------------------------------------


def test_what_a_transaction_holds_happens_at_its_commit() -> None:
    talk = opened()
    (got,) = delivered(talk, 1)
    talk.send("UNSUBSCRIBE", id="1")
    talk.send("BEGIN", transaction="t")
    talk.send("SEND", destination="/queue/q", transaction="t", receipt="r", body=b"x")
    talk.send("ACK", id=got["ack"], transaction="t", receipt="a")
    assert [frame["receipt-id"] for frame in talk.read()] == ["a"]
    assert ready(talk) == (0, 1)
    talk.send("COMMIT", transaction="t", receipt="c")
    assert [frame["receipt-id"] for frame in talk.read()] == ["r", "c"]
    assert ready(talk) == (1, 0)
    assert error(talk.call("COMMIT", transaction="t"))[0] == "Bad transaction"


def test_what_a_transaction_holds_is_forgotten_when_it_is_aborted() -> None:
    talk = opened()
    (got,) = delivered(talk, 1)
    talk.send("BEGIN", transaction="t")
    talk.send("SEND", destination="/queue/new", transaction="t", body=b"x")
    talk.send("NACK", id=got["ack"], transaction="t")
    talk.send("ABORT", transaction="t", receipt="1")
    assert commands(talk) == ["RECEIPT"]
    assert ready(talk) == (0, 1)
    talk.send("ACK", id=got["ack"])
    assert ready(talk) == (0, 0)


def test_transactions_do_not_mix() -> None:
    talk = opened()
    for name in ("a", "b"):
        talk.send("BEGIN", transaction=name)
    for name in ("a", "b", "a"):
        talk.send("SEND", destination=f"/queue/{name}", transaction=name, body=b"x")
    talk.send("COMMIT", transaction="b")
    assert ready(talk, "b") == (1, 0) and ready(talk, "a") == (0, 0)
    talk.send("COMMIT", transaction="a")
    assert ready(talk, "a") == (2, 0)


def test_an_ack_for_all_so_far_may_stand_before_others_in_a_transaction() -> None:
    talk = opened()
    got = delivered(talk, 3)
    talk.send("BEGIN", transaction="t")
    for frame in (got[2], got[0], got[1]):
        talk.send("ACK", id=frame["ack"], transaction="t")
    talk.send("COMMIT", transaction="t", receipt="1")
    assert commands(talk) == ["RECEIPT"] and ready(talk) == (0, 0)


@pytest.mark.parametrize("bad", ["claim", "ack"])
def test_a_commit_does_all_or_nothing(bad: str) -> None:
    talk = opened()
    (got,) = delivered(talk, 1)
    talk.send("BEGIN", transaction="t")
    talk.send("SEND", destination="/queue/q", transaction="t", body=b"x")
    if bad == "claim":
        talk.send("SEND", {"destination": "/queue/q", "user-id": "x", "transaction": "t"})
    else:
        talk.send("ACK", id=got["ack"] + "7", transaction="t")
    assert talk.read() == []
    reply = talk.call("COMMIT", transaction="t", receipt="1")
    assert reply.command == "ERROR"
    # What was out before came back with the end of the connection, and nothing else is there.
    assert ready(talk) == (1, 0)


def test_what_cannot_be_sent_is_refused_before_the_commit() -> None:
    talk = opened()
    talk.send("BEGIN", transaction="t")
    talk.send("SEND", destination="/queue/q", transaction="t", body=b"x")
    reply = talk.call("SEND", destination="/exchange/none", transaction="t")
    assert error(reply)[0] == "not_found"
    assert ready(talk) == (0, 0)


def test_frames_of_unknown_transactions_are_refused() -> None:
    for command in ("SEND", "ACK", "COMMIT", "ABORT"):
        talk = opened()
        (got,) = delivered(talk, 1)
        reply = talk.call(command, destination="/queue/q", id=got["ack"], transaction="zz")
        assert error(reply) == ("Bad transaction", 'Invalid transaction identifier: "zz"\n')


@pytest.mark.parametrize("command", ["BEGIN", "COMMIT", "ABORT"])
def test_a_transaction_has_a_name(command: str) -> None:
    reply = opened().call(command)
    detail = f"\"{command}\" must include a 'transaction' header\n"
    assert error(reply) == ("Missing transaction", detail)


def test_nobody_begins_one_twice() -> None:
    talk = opened()
    talk.send("BEGIN", transaction="t")
    assert error(talk.call("BEGIN", transaction="t"))[0] == "Bad transaction"


def test_there_are_bounds_to_transactions() -> None:
    talk = opened()
    for number in range(MAX_TRANSACTIONS):
        talk.send("BEGIN", transaction=str(number))
    reply = talk.call("BEGIN", transaction="one more")
    assert error(reply)[0] == "Transaction limit exceeded"
    talk = opened()
    talk.send("BEGIN", transaction="t")
    for _ in range(MAX_FRAMES):
        talk.send("SEND", destination="/queue/q", transaction="t")
    reply = talk.call("SEND", destination="/queue/q", transaction="t")
    assert error(reply)[0] == "Transaction too large"


def test_there_is_a_bound_to_what_all_transactions_hold() -> None:
    talk = opened()
    body = b"x" * 4_000_000
    talk.send("BEGIN", transaction="t")
    for _ in range(16):
        talk.send("SEND", destination="/queue/q", transaction="t", body=body)
    reply = talk.call("SEND", destination="/queue/q", transaction="t", body=body)
    assert error(reply)[0] == "Transaction too large"


def test_a_full_queue_refuses_a_message_of_a_transaction_and_the_rest_happens() -> None:
    talk = opened()
    arguments = table_of({"x-max-length": 1, "x-overflow": "reject-publish"})
    talk.node.vhosts["/"].declare_queue(QueueWish("full", False, False, 0, arguments), 0)
    talk.send("BEGIN", transaction="t")
    for number, name in enumerate(("/amq/queue/full", "/amq/queue/full", "/queue/q")):
        talk.send("SEND", destination=name, transaction="t", receipt=str(number), body=b"x")
    talk.send("COMMIT", transaction="t", receipt="c")
    replies = talk.read()
    assert [frame["receipt-id"] for frame in replies] == ["0", "2", "c"]
    assert error(replies[-1])[0] == "Message rejected"
    assert ready(talk, "full") == (1, 0) and ready(talk) == (1, 0)
