"""leveret.sessions.publisher and routes: what a remembered route must not hide."""

import pytest
from tests.fakes import new_node
from tests.wire import encode_header

from leveret.auth.access import Access
from leveret.auth.permissions import Permission
from leveret.broker.node import Node
from leveret.broker.properties import NO_PROPERTIES, read_properties
from leveret.broker.tallies import ChannelView, PublishTally, ReadTally
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.errors import AccessRefused, NotFound, PreconditionFailed
from leveret.sessions.publisher import Publisher
from leveret.sessions.routes import MAX_ROUTES, Route, Routes
from leveret.tables import table_of


class View(ChannelView):
    """Counts nothing of its own."""

    def __init__(self) -> None:
        super().__init__("test", 1)

    name = "view"
    consumer_count = unacked_count = unconfirmed_count = 0
    uncommitted_count = uncommitted_acks_count = 0

    def collect(self) -> None:
        pass

    def publishes(self) -> list[PublishTally]:
        return []

    def reads(self) -> list[ReadTally]:
        return []

    def on_time(self, now_ns: int) -> None:
        pass


class Desk:
    """A publisher in a vhost with the queues a and b, and the topic exchange t."""

    def __init__(self) -> None:
        self.node: Node = new_node()
        self.vhost = self.node.vhosts["/"]
        self.user = self.node.users.by_name["guest"]
        for name in ("a", "b"):
            self.vhost.declare_queue(QueueWish(name, True, False, 0, {}), 0)
        self.vhost.declare_exchange(ExchangeWish("t", "topic", True, False, False, {}))
        self.publisher = Publisher(self.vhost, Access(self.user, "/"), View(), "here")

    def bind(self, queue: str, key: str) -> None:
        self.vhost.bind(self.vhost.exchanges["t"], self.vhost.queues[queue], None, key, {})

    def send(self, route: Route, body: bytes = b"x", **properties: object) -> None:
        if not self.publisher.is_current(route):
            self.publisher.resolve(route)
        found = read_properties(encode_header(0, properties)[12:]) if properties else NO_PROPERTIES
        self.publisher.send(route, found, body, True)

    def ready(self) -> list[int]:
        return [self.vhost.queues[name].ready_count for name in ("a", "b")]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_change_of_the_topology_counts_for_the_next_message(desk: Desk) -> None:
    route = Route("t", "k", False)
    desk.send(route)
    assert (desk.publisher.is_routed, desk.ready()) == (False, [0, 0])
    desk.bind("a", "#")
    desk.send(route)
    assert (desk.publisher.is_routed, desk.ready()) == (True, [1, 0])
    desk.bind("b", "k")
    desk.send(route)
    assert desk.ready() == [2, 1]


def test_a_change_of_the_rights_counts_for_the_next_message(desk: Desk) -> None:
    route = Route("t", "k", False)
    desk.send(route)
    desk.user.grant("/", Permission(".*", "", ".*"))
    with pytest.raises(AccessRefused):
        desk.send(route)


def test_an_exchange_that_is_gone(desk: Desk) -> None:
    route = Route("t", "k", False)
    desk.send(route)
    desk.vhost.delete_exchange(desk.vhost.exchanges["t"], False)
    with pytest.raises(NotFound):
        desk.send(route)


def test_a_queue_that_refuses(desk: Desk) -> None:
    arguments = table_of({"x-max-length": 1, "x-overflow": "reject-publish"})
    desk.vhost.declare_queue(QueueWish("full", True, False, 0, arguments), 0)
    route = Route("", "full", False)
    desk.send(route)
    assert desk.publisher.is_accepted
    desk.send(route)
    assert not desk.publisher.is_accepted


def test_what_a_message_says_of_itself_is_checked(desk: Desk) -> None:
    route = Route("", "a", False)
    for wrong in (
        {"user_id": "somebody"},
        {"expiration": "soon"},
        {"reply_to": "amq.rabbitmq.reply-to"},
    ):
        with pytest.raises(PreconditionFailed):
            desk.send(route, b"x", **wrong)
    assert desk.ready() == [0, 0]


def test_copies_go_elsewhere_too(desk: Desk) -> None:
    desk.send(Route("", "a", False), b"x", headers={"CC": ["b"]})
    assert desk.ready() == [1, 1]
    desk.send(Route("", "a", False), b"x", headers={"BCC": ["b"]})
    waiting = desk.vhost.queues["b"].get(True)
    assert waiting is not None
    assert "CC" in waiting.message.properties.headers()
    waiting = desk.vhost.queues["b"].get(True)
    assert waiting is not None
    assert waiting.message.properties.headers() == {}


def test_what_was_published_is_counted(desk: Desk) -> None:
    route = Route("t", "k", False)
    desk.send(route)
    desk.bind("a", "k")
    desk.bind("b", "k")
    for _ in range(3):
        desk.send(route)
    desk.publisher.collect()
    (tally,) = desk.publisher.tallies
    assert (tally.published, tally.routed, tally.dropped) == (4, 6, 1)
    assert (tally.received_confirm, tally.confirmed) == (4, 4)
    desk.publisher.end()
    total = desk.vhost.exchanges["t"].publishers.total()
    assert (total.published, desk.vhost.past.flow("test").publishes.published) == (4, 4)


def test_routes_in_use_stay_and_others_go() -> None:
    routes = Routes()
    used = Route("", "used", False)
    routes.remember(b"used", used)
    for n in range(3 * MAX_ROUTES):
        routes.remember(b"%d" % n, Route("", str(n), False))
        assert routes.find(b"used") is used
    assert routes.find(b"0") is None
    assert routes.find(b"%d" % (3 * MAX_ROUTES - 1)) is not None
    routes.clear()
    assert routes.find(b"used") is None
