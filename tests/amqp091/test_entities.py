"""leveret.amqp091.entities: which right each request needs, and what names mean."""

from typing import Any

import pytest
from tests.fakes import Talk, new_node, publish

from leveret.auth.permissions import Permission, TopicPermission


def opened() -> Talk:
    talk = Talk(new_node()).open()
    talk.call("queue.declare", queue="q")
    talk.call("exchange.declare", exchange="e", type="fanout")
    talk.call("exchange.declare", exchange="f", type="fanout")
    return talk


# What a request needs: (request, its arguments, configure, write, read) - each a pattern.
NEEDS: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("queue.declare", {"queue": "new"}, "^new$", "", ""),
    ("queue.declare", {"queue": "q", "passive": True}, "^q$", "", ""),
    (
        "queue.declare",
        {"queue": "new", "arguments": {"x-dead-letter-exchange": "f"}},
        "^new$",
        "^f$",
        "^new$",
    ),
    ("queue.bind", {"queue": "q", "exchange": "e"}, "", "^q$", "^e$"),
    ("queue.unbind", {"queue": "q", "exchange": "e"}, "", "^q$", "^e$"),
    ("queue.purge", {"queue": "q"}, "", "", "^q$"),
    ("queue.delete", {"queue": "q"}, "^q$", "", ""),
    ("exchange.declare", {"exchange": "new", "type": "direct"}, "^new$", "", ""),
    (
        "exchange.declare",
        {"exchange": "new", "type": "direct", "arguments": {"alternate-exchange": "f"}},
        "^new$",
        "^f$",
        "^new$",
    ),
    ("exchange.delete", {"exchange": "e"}, "^e$", "", ""),
    ("exchange.bind", {"destination": "f", "source": "e"}, "", "^f$", "^e$"),
    ("exchange.unbind", {"destination": "f", "source": "e"}, "", "^f$", "^e$"),
    ("basic.consume", {"queue": "q"}, "", "", "^q$"),
    ("basic.get", {"queue": "q"}, "", "", "^q$"),
]


@pytest.mark.parametrize(("name", "values", "configure", "write", "read"), NEEDS)
def test_the_rights_that_a_request_needs_are_enough(
    name: str, values: dict[str, Any], configure: str, write: str, read: str
) -> None:
    talk = opened()
    talk.node.users.by_name["guest"].grant("/", Permission(configure, write, read))
    assert talk.call(name, **values).name not in ("Channel.Close", "Connection.Close")


LACKING = [
    (name, values, [p if at != lacking else "^$" for at, p in enumerate(patterns)])
    for name, values, *patterns in NEEDS
    for lacking in range(3)
    if patterns[lacking]
]


@pytest.mark.parametrize(("name", "values", "patterns"), LACKING)
def test_without_one_of_them_it_is_refused(
    name: str, values: dict[str, Any], patterns: list[str]
) -> None:
    talk = opened()
    talk.node.users.by_name["guest"].grant("/", Permission(*patterns))
    closed = talk.call(name, **values)
    assert (closed.name, closed.reply_code) == ("Channel.Close", 403)


@pytest.mark.parametrize("pattern", range(3))
def test_any_right_lets_ask_whether_it_exists(pattern: int) -> None:
    talk = opened()
    patterns = ["^[qe]$" if at == pattern else "^$" for at in range(3)]
    talk.node.users.by_name["guest"].grant("/", Permission(*patterns))
    assert talk.call("queue.declare", queue="q", passive=True).name == "Queue.DeclareOk"
    asked = talk.call("exchange.declare", exchange="e", type="", passive=True)
    assert asked.name == "Exchange.DeclareOk"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("exchange.declare", {"exchange": "", "type": "direct"}),
        ("exchange.delete", {"exchange": ""}),
        ("queue.bind", {"queue": "q", "exchange": ""}),
        ("queue.unbind", {"queue": "q", "exchange": ""}),
        ("exchange.bind", {"destination": "", "source": "e"}),
        ("exchange.bind", {"destination": "e", "source": ""}),
    ],
)
def test_the_default_exchange_is_not_to_be_touched(name: str, values: dict[str, Any]) -> None:
    closed = opened().call(name, **values)
    assert closed.reply_text == ("ACCESS_REFUSED - operation not permitted on the default exchange")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("queue.delete", {"queue": "none"}),
        ("exchange.delete", {"exchange": "none"}),
        ("queue.unbind", {"queue": "q", "exchange": "none"}),
        ("queue.unbind", {"queue": "none", "exchange": "e"}),
        ("exchange.unbind", {"destination": "none", "source": "e"}),
    ],
)
def test_ending_what_is_not_there_is_no_error(name: str, values: dict[str, Any]) -> None:
    assert opened().call(name, **values).name.endswith("Ok")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("queue.declare", {"queue": "none", "passive": True}),
        ("exchange.declare", {"exchange": "none", "passive": True}),
        ("queue.bind", {"queue": "none", "exchange": "e"}),
        ("queue.bind", {"queue": "q", "exchange": "none"}),
        ("exchange.bind", {"destination": "none", "source": "e"}),
        ("queue.purge", {"queue": "none"}),
    ],
)
def test_what_must_be_there_is_not_found(name: str, values: dict[str, Any]) -> None:
    assert opened().call(name, **values).reply_code == 404


def test_line_ends_in_names_are_dropped() -> None:
    talk = opened()
    assert talk.call("queue.declare", queue="a\r\nb").queue == "ab"
    talk.call("exchange.declare", exchange="x\ny", type="fanout")
    assert {"ab"} <= set(talk.node.vhosts["/"].queues)
    assert {"xy"} <= set(talk.node.vhosts["/"].exchanges)


def test_a_binding_without_names_takes_the_last_queue_for_both() -> None:
    talk = opened()
    talk.call("queue.declare", queue="last")
    talk.call("queue.bind", queue="", exchange="amq.direct", routing_key="")
    (binding,) = talk.node.vhosts["/"].exchanges["amq.direct"].bindings.values()
    assert (binding.routing_key, binding.queue and binding.queue.name) == ("last", "last")
    talk.call("queue.unbind", queue="", exchange="amq.direct", routing_key="")
    assert talk.node.vhosts["/"].exchanges["amq.direct"].bindings == {}


def test_flags_reach_the_queue_and_the_exchange() -> None:
    talk = opened()
    talk.call("queue.declare", queue="d", durable=True, auto_delete=True)
    talk.call("exchange.declare", exchange="d", type="topic", durable=True, internal=True)
    queue, exchange = talk.node.vhosts["/"].queues["d"], talk.node.vhosts["/"].exchanges["d"]
    assert (queue.is_durable, queue.is_auto_delete, queue.owner_id) == (True, True, 0)
    flags = (exchange.is_durable, exchange.is_auto_delete, exchange.is_internal)
    assert flags == (True, False, True)


def test_direct_reply_to_can_be_asked_for_and_not_bound() -> None:
    talk = opened()
    name = "amq.rabbitmq.reply-to"
    assert talk.call("queue.declare", queue=name, passive=True).consumer_count == 1
    closed = talk.call("queue.bind", queue=name, exchange="e")
    assert (closed.reply_code, name in talk.node.vhosts["/"].queues) == (403, False)


# --------------------------------------------------------------------------- names the broker makes


def test_a_name_that_the_broker_makes_up_needs_the_right_too() -> None:
    talk = opened()
    guest = talk.node.users.by_name["guest"]
    guest.grant("/", Permission("^amq\\.gen-", "", ""))
    assert talk.call("queue.declare", queue="").queue.startswith("amq.gen-")
    guest.grant("/", Permission("^mine", "", ""))
    count = len(talk.node.vhosts["/"].queues)
    closed = talk.call("queue.declare", queue="")
    assert closed.reply_text.startswith("ACCESS_REFUSED - configure access to queue 'amq.gen-")
    assert len(talk.node.vhosts["/"].queues) == count


def test_an_open_channel_sees_a_change_of_rights_with_the_next_request() -> None:
    talk = opened()
    guest = talk.node.users.by_name["guest"]
    queue = talk.node.vhosts["/"].queues["q"]
    talk.feed(publish("q", b"1"))
    assert talk.call("queue.purge", queue="q").message_count == 1
    guest.grant("/", Permission(".*", "^$", ".*"))
    talk.feed(publish("q", b"2"))
    (closed,) = talk.read()
    assert closed.reply_text == (
        "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused for user "
        "'guest'"
    )
    assert queue.ready_count == 0
    guest.grant("/", Permission(".*", ".*", "^$"))
    talk.send("channel.close-ok")
    talk.call("channel.open")
    talk.feed(publish("q", b"3"))
    assert talk.call("queue.purge", queue="q").reply_code == 403
    assert queue.ready_count == 1


def test_topic_rights_count_at_once_for_a_publisher() -> None:
    talk = opened()
    guest = talk.node.users.by_name["guest"]
    queue = talk.node.vhosts["/"].queues["q"]
    talk.call("queue.bind", queue="q", exchange="amq.topic", routing_key="#")
    talk.feed(publish("a.b", b"1", None, "amq.topic"))
    assert queue.ready_count == 1
    guest.grant_topic("/", "amq.topic", TopicPermission("^b", "^b"))
    talk.feed(publish("a.b", b"2", None, "amq.topic"))
    (closed,) = talk.read()
    assert closed.reply_text == (
        "ACCESS_REFUSED - write access to topic 'a.b' in exchange 'amq.topic' in vhost '/' "
        "refused for user 'guest'"
    )
    assert queue.ready_count == 1
