"""leveret.amqp091.hold, with the session around it"""

from typing import Any

import pytest
from tests import wire
from tests.fakes import FakeClock, Talk, handshake, new_node, publish

from leveret.auth.backends import Attempt, Backend, Login
from leveret.auth.rights import Inquiry, Pending, Rights, Waiter
from leveret.auth.users import LoginFailure, User
from leveret.sessions.waiting import MAX_INQUIRIES


class Asked(Inquiry):
    """A question that is answered when the test says so."""

    def __init__(self, world: "World", what: tuple[str, ...]) -> None:
        super().__init__()
        self.world = world
        self.what = what
        self.waiter: Waiter | None = None

    def begin(self, waiter: Waiter) -> None:
        self.waiter = waiter
        self.world.open.append(self)

    def answer(self, is_yes: bool) -> None:
        if self.world.forgetful:
            self.world.known.clear()
        self.world.known[self.what] = is_yes
        assert self.waiter is not None
        self.waiter.go_on()


class World:
    """What is known outside, and what was asked and not answered yet."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], bool] = {}
        self.open: list[Asked] = []
        self.forgetful = False
        self.talk: Talk | None = None

    def decide(self, *what: str) -> bool:
        if what not in self.known:
            raise Pending(Asked(self, what))
        return self.known[what]

    def answer(self, is_yes: bool = True) -> tuple[str, ...]:
        """Answer the one open question."""
        (asked,) = self.open
        self.open = []
        asked.answer(is_yes)
        # What the bell that was rung leads to.
        self.flush()
        return asked.what

    def flush(self) -> None:
        assert self.talk is not None
        if self.talk.session.rung and not self.talk.session.closed:
            self.talk.session.flushed()

    def answer_all(self, is_yes: bool = True) -> list[tuple[str, ...]]:
        """Answer what is asked until nothing is."""
        asked = []
        while self.open:
            asked.append(self.answer(is_yes))
        return asked


class OutsideRights(Rights):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def enters(self, vhost: str) -> bool:
        return self.world.decide("vhost", vhost)

    def allows(self, operation: str, kind: str, vhost: str, name: str) -> bool:
        return self.world.decide(operation, kind, name)

    def allows_topic(
        self, operation: str, vhost: str, exchange: str, key: str, variables: dict[str, str]
    ) -> bool:
        return self.world.decide(operation, exchange, key)


class Outside(Backend):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def authenticate(self, attempt: Attempt) -> User | LoginFailure:
        if self.world.decide("login", attempt.credentials.name):
            return User(attempt.credentials.name, "", "", [])
        return LoginFailure("the world says no")

    def authorise(self, user: User, attempt: Attempt) -> Login | LoginFailure:
        return Login(user, OutsideRights(self.world), self)

    def renew(self, login: Login, secret: str) -> Rights | None:
        return OutsideRights(self.world) if self.world.decide("renew", secret) else None


def start() -> tuple[World, Talk]:
    """A session that has said everything up to connection.open, and waits."""
    node = new_node(auth_backends=["outside"])
    world = World()
    node.logins.register("outside", Outside(world))
    talk = Talk(node)
    world.talk = talk
    talk.feed(handshake())
    return world, talk


def opened() -> tuple[World, Talk]:
    world, talk = start()
    world.answer_all()
    talk.read()
    assert talk.call("channel.open").name == "Channel.OpenOk"
    return world, talk


def names(replies: list[Any]) -> list[str]:
    return [reply.name for reply in replies]


def test_the_handshake_goes_on_when_the_answers_come() -> None:
    world, talk = start()
    assert names(talk.read()) == ["Connection.Start"]
    assert talk.session.is_full
    assert world.answer() == ("login", "guest")
    assert names(talk.read()) == ["Connection.Tune"]
    assert world.answer() == ("vhost", "/")
    assert names(talk.read()) == ["Connection.OpenOk"]
    assert not talk.session.is_full
    assert talk.node.connections.count_of_user("guest") == 1


def test_a_no_at_login_is_a_refused_login() -> None:
    world, talk = start()
    world.answer(False)
    close = talk.read()[-1]
    assert (close.reply_code, close.class_id) == (403, 0)
    assert talk.node.connections.by_id == {}


def test_a_no_for_the_vhost_closes_the_connection() -> None:
    world, talk = start()
    world.answer()
    talk.read()
    world.answer(False)
    close = talk.read()[-1]
    assert close.reply_text == "NOT_ALLOWED - access to vhost '/' refused for user 'guest'"
    assert talk.node.connections.by_id == {}


def test_an_answer_that_never_comes_ends_with_the_handshakes_time() -> None:
    _, talk = start()
    clock = talk.node.clock
    assert isinstance(clock, FakeClock)
    clock.pass_s(11)
    talk.session.tick()
    assert talk.session.closed


OPERATIONS: list[tuple[str, dict[str, Any], list[tuple[str, ...]]]] = [
    ("queue.declare", {"queue": "new"}, [("configure", "queue", "new")]),
    (
        "queue.declare",
        {"queue": "new", "arguments": {"x-dead-letter-exchange": "x"}},
        [("configure", "queue", "new"), ("read", "queue", "new"), ("write", "exchange", "x")],
    ),
    ("queue.delete", {"queue": "q"}, [("configure", "queue", "q")]),
    ("queue.purge", {"queue": "q"}, [("read", "queue", "q")]),
    (
        "queue.bind",
        {"queue": "q", "exchange": "amq.topic", "routing_key": "k"},
        [("write", "queue", "q"), ("read", "exchange", "amq.topic"), ("read", "amq.topic", "k")],
    ),
    ("exchange.declare", {"exchange": "e", "type": "fanout"}, [("configure", "exchange", "e")]),
    ("exchange.delete", {"exchange": "e"}, [("configure", "exchange", "e")]),
    (
        "exchange.bind",
        {"destination": "amq.fanout", "source": "amq.direct", "routing_key": "k"},
        [("write", "exchange", "amq.fanout"), ("read", "exchange", "amq.direct")],
    ),
    ("basic.consume", {"queue": "q", "consumer_tag": "c"}, [("read", "queue", "q")]),
    ("basic.get", {"queue": "q"}, [("read", "queue", "q")]),
]


def with_queue() -> tuple[World, Talk]:
    world, talk = opened()
    talk.send("queue.declare", queue="q")
    world.answer_all()
    talk.read()
    world.known.clear()
    guest = next(iter(talk.node.connections.by_id.values())).user
    guest.epoch += 1
    return world, talk


@pytest.mark.parametrize(("name", "values", "asked"), OPERATIONS)
def test_an_operation_waits_for_every_decision_and_is_done_once(
    name: str, values: dict[str, Any], asked: list[tuple[str, ...]]
) -> None:
    world, talk = with_queue()
    talk.send(name, **values)
    talk.send("basic.qos", prefetch_count=1)
    assert talk.read() == []
    assert world.answer_all() == asked
    replies = talk.read()
    assert len(replies) == 2
    assert replies[-1].name == "Basic.QosOk"


@pytest.mark.parametrize(("name", "values", "asked"), OPERATIONS)
def test_a_no_refuses_the_operation(
    name: str, values: dict[str, Any], asked: list[tuple[str, ...]]
) -> None:
    world, talk = with_queue()
    talk.send(name, **values)
    world.answer(False)
    (close,) = talk.read()
    assert (close.name, close.reply_code) == ("Channel.Close", 403)
    assert close.reply_text.startswith(f"ACCESS_REFUSED - {asked[0][0]} access to ")
    assert ("new" in talk.node.vhosts["/"].queues, "e" in talk.node.vhosts["/"].exchanges) == (
        False,
        False,
    )


def test_messages_are_not_overtaken_by_what_follows() -> None:
    world, talk = with_queue()
    queue = talk.node.vhosts["/"].queues["q"]
    for number in range(3):
        talk.feed(publish("q", b"%d" % number))
    assert queue.ready_count == 0
    assert world.answer() == ("write", "exchange", "amq.default")
    assert queue.ready_count == 3
    world.known[("read", "queue", "q")] = True
    bodies = [talk_body(talk) for _ in range(3)]
    assert bodies == [b"0", b"1", b"2"]


def talk_body(talk: Talk) -> bytes:
    talk.send("basic.get", queue="q", no_ack=True)
    body = talk.read()[-1].value
    assert isinstance(body, bytes)
    return body


@pytest.mark.parametrize("body", [b"", b"abc"])
@pytest.mark.parametrize("mode", ["plain", "confirm", "tx"])
def test_a_message_with_further_keys_is_published_once_after_all_answers(
    body: bytes, mode: str
) -> None:
    world, talk = with_queue()
    bind_topic(world, talk)
    if mode == "confirm":
        talk.call("confirm.select")
    elif mode == "tx":
        talk.call("tx.select")
    talk.feed(publish("a", body, {"headers": {"CC": ["b"], "BCC": ["c"]}}, "amq.topic"))
    asked = world.answer_all()
    keys = [what[2] for what in asked if what[1] == "amq.topic"]
    assert keys == ["a", "b", "c"]
    if mode == "tx":
        talk.call("tx.commit")
    assert talk.node.vhosts["/"].queues["q"].ready_count == 1
    assert names(talk.read()) == (["Basic.Ack"] if mode == "confirm" else [])


def bind_topic(world: World, talk: Talk) -> None:
    talk.send("queue.bind", queue="q", exchange="amq.topic", routing_key="#")
    world.answer_all()
    talk.read()


def test_a_message_whose_further_key_is_refused_goes_nowhere() -> None:
    world, talk = with_queue()
    bind_topic(world, talk)
    talk.feed(publish("a", b"x", {"headers": {"CC": ["b"]}}, "amq.topic"))
    assert world.answer() == ("write", "exchange", "amq.topic")
    assert world.answer() == ("write", "amq.topic", "a")
    assert world.answer(False) == ("write", "amq.topic", "b")
    (close,) = talk.read()
    assert close.reply_text == (
        "ACCESS_REFUSED - write access to topic 'b' in exchange 'amq.topic' in vhost '/' refused "
        "for user 'guest'"
    )
    assert talk.node.vhosts["/"].queues["q"].ready_count == 0


def test_who_waits_hands_in_more_and_it_waits_too() -> None:
    world, talk = with_queue()
    talk.send("queue.purge", queue="q")
    for _ in range(5):
        talk.send("basic.qos", prefetch_count=1)
    assert talk.read() == []
    world.answer()
    assert names(talk.read()) == ["Queue.PurgeOk"] + ["Basic.QosOk"] * 5


def test_a_connection_that_is_shut_while_it_waits_ends_in_good_order() -> None:
    world, talk = with_queue()
    talk.send("queue.delete", queue="q")
    talk.session.shut("enough")
    assert names(talk.read()) == ["Connection.Close"]
    world.answer()
    assert talk.read() == []
    assert "q" in talk.node.vhosts["/"].queues
    talk.send("connection.close-ok", 0)
    assert talk.session.closed


def test_an_answer_for_who_is_gone_does_nothing() -> None:
    world, talk = with_queue()
    talk.send("queue.delete", queue="q")
    talk.session.lost()
    world.answer()
    assert "q" in talk.node.vhosts["/"].queues


def test_a_heartbeat_while_waiting_keeps_the_connection() -> None:
    world, talk = with_queue()
    talk.send("queue.purge", queue="q")
    talk.feed(wire.frame(wire.HEARTBEAT, 0, b""))
    world.answer()
    assert names(talk.read()) == ["Queue.PurgeOk"]


def test_a_frame_that_asks_for_ever_is_refused() -> None:
    world, talk = with_queue()
    world.forgetful = True
    talk.send("queue.declare", queue="new", arguments={"x-dead-letter-exchange": "x"})
    guest = next(iter(talk.node.connections.by_id.values())).user
    count = 0
    while world.open:
        guest.epoch += 1
        world.answer()
        count += 1
    assert count == MAX_INQUIRIES
    close = talk.read()[-1]
    assert (close.reply_code, close.reply_text) == (
        530,
        "NOT_ALLOWED - one frame asks for too many decisions",
    )


def test_a_new_secret_renews_the_rights_and_ends_what_they_do_not_allow() -> None:
    world, talk = with_queue()
    talk.send("basic.consume", queue="q", consumer_tag="c")
    world.answer_all()
    talk.read()
    world.known.clear()
    talk.send("connection.update-secret", 0, new_secret="s", reason="r")
    assert world.answer() == ("renew", "s")
    assert world.answer() == ("vhost", "/")
    assert world.answer(False) == ("read", "queue", "q")
    replies = talk.read()
    assert names(replies) == ["Basic.Cancel", "Connection.UpdateSecretOk"]
    assert talk.node.vhosts["/"].queues["q"].consumer_count == 0


def test_a_new_secret_that_is_refused_closes_the_connection() -> None:
    world, talk = with_queue()
    talk.send("connection.update-secret", 0, new_secret="s", reason="r")
    world.answer(False)
    (close,) = talk.read()
    assert (close.reply_code, close.reply_text) == (
        530,
        "NOT_ALLOWED - New secret was refused by one of the backends",
    )
    assert (close.class_id, close.method_id) == (10, 70)
