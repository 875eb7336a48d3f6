"""STOMP where somebody outside decides: each frame waits, and is handled again from the start."""

from tests.fakes import new_node
from tests.stomp_talk import StompTalk

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


class World:
    """What is known outside, and what was asked and not answered yet."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], bool] = {}
        self.open: list[Asked] = []
        self.is_forgetful = False

    def decide(self, *what: str) -> bool:
        if what not in self.known:
            raise Pending(Asked(self, what))
        return self.known[what]


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


class Asker(StompTalk):
    """A session whose every right is asked for; ``asked`` is what was."""

    def __init__(self) -> None:
        super().__init__(new_node(auth_backends=["outside"]))
        self.world = World()
        self.asked: list[tuple[str, ...]] = []
        self.node.logins.register("outside", Outside(self.world))

    def answer(self, is_yes: bool = True) -> None:
        """Answer all that is asked until nothing is."""
        while self.world.open:
            assert self.session.is_waiting and self.session.is_full
            (asked,) = self.world.open
            self.world.open = []
            self.asked.append(asked.what)
            if self.world.is_forgetful:
                self.world.known.clear()
            self.world.known[asked.what] = is_yes
            assert asked.waiter is not None
            asked.waiter.go_on()
            # What the bell that was rung leads to.
            self.session.flushed()


def opened() -> Asker:
    talk = Asker()
    talk.send("CONNECT", accept_version="1.2", host="/", login="alice", passcode="pw")
    talk.answer()
    assert [frame.command for frame in talk.read()] == ["CONNECTED"]
    assert talk.asked == [("login", "alice"), ("vhost", "/")]
    talk.asked.clear()
    return talk


def test_a_login_may_be_refused_outside() -> None:
    talk = Asker()
    talk.send("CONNECT", accept_version="1.2", host="/", login="alice", passcode="pw")
    assert talk.read() == []
    talk.answer(False)
    assert talk.read()[0]["message"] == "Bad CONNECT"


def test_frames_wait_in_order() -> None:
    talk = opened()
    talk.send("SUBSCRIBE", destination="/queue/q", id="1", receipt="a")
    talk.send("SEND", destination="/queue/q", receipt="b", body=b"x")
    talk.send("BEGIN", transaction="t", receipt="c")
    assert talk.read() == []
    talk.answer()
    got = talk.read()
    assert [frame["receipt-id"] for frame in got if frame.command == "RECEIPT"] == ["a", "b", "c"]
    assert [frame.body for frame in got if frame.command == "MESSAGE"] == [b"x"]
    assert talk.asked == [
        ("configure", "queue", "q"),
        ("read", "queue", "q"),
        ("write", "exchange", "amq.default"),
    ]
    assert not talk.session.is_full


def test_a_subscription_to_topics_is_made_once_however_often_it_waits() -> None:
    talk = opened()
    talk.send("SUBSCRIBE", destination="/topic/t", id="1", receipt="a")
    talk.answer()
    assert [frame.command for frame in talk.read()] == ["RECEIPT"]
    (queue,) = talk.node.vhosts["/"].queues.values()
    assert queue.name.startswith("stomp-subscription-") and queue.consumer_count == 1
    assert talk.asked == [
        ("configure", "queue", queue.name),
        ("write", "queue", queue.name),
        ("read", "exchange", "amq.topic"),
        ("read", "amq.topic", "t"),
        ("read", "queue", queue.name),
    ]


def test_a_queue_for_answers_waits_too() -> None:
    talk = opened()
    talk.send("SEND", destination="/queue/q", reply_to="/temp-queue/a", receipt="1")
    talk.answer()
    assert [frame.command for frame in talk.read()] == ["RECEIPT"]
    assert len(talk.node.vhosts["/"].queues) == 2


def test_a_commit_goes_on_where_it_stood() -> None:
    talk = opened()
    talk.send("BEGIN", transaction="t")
    talk.send("SEND", destination="/topic/a", transaction="t", receipt="1")
    talk.send("SEND", destination="/topic/b", transaction="t", receipt="2")
    talk.send("COMMIT", transaction="t", receipt="3")
    talk.answer()
    assert [frame["receipt-id"] for frame in talk.read()] == ["1", "2", "3"]


def test_what_is_refused_outside_is_refused() -> None:
    talk = opened()
    talk.send("SEND", destination="/queue/q", receipt="1")
    talk.answer(False)
    (reply,) = talk.read()
    assert (reply["message"], reply["receipt-id"]) == ("access_refused", "1")
    assert not talk.node.vhosts["/"].queues


def test_who_leaves_is_answered_no_more() -> None:
    talk = opened()
    talk.send("SEND", destination="/queue/q")
    talk.session.lost()
    (asked,) = talk.world.open
    talk.world.known[asked.what] = True
    assert asked.waiter is not None
    asked.waiter.go_on()
    assert not talk.node.vhosts["/"].queues


def test_one_frame_does_not_ask_for_ever() -> None:
    talk = opened()
    talk.world.is_forgetful = True
    talk.session.receive(b"")
    talk.send("SUBSCRIBE", destination="/topic/t", id="1")
    user = next(iter(talk.node.connections.by_id.values())).user
    for _ in range(MAX_INQUIRIES + 1):
        if not talk.world.open:
            break
        (asked,) = talk.world.open
        talk.world.open = []
        # What was known is known no more: it has to be asked again.
        user.epoch += 1
        talk.world.known = {asked.what: True}
        assert asked.waiter is not None
        asked.waiter.go_on()
        talk.session.flushed()
    (reply,) = talk.read()
    assert reply["message"] == "not_allowed"
