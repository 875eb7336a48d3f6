"""A vhost of its own with short ways to say things, for the tests of exchange types."""

from typing import Any

from tests import wire
from tests.fakes import FakeClock, new_node

from leveret.broker.exchange import Exchange
from leveret.broker.message import Message, Origin
from leveret.broker.properties import Properties, read_properties
from leveret.broker.queue import Queue
from leveret.broker.routing import Routing
from leveret.broker.wishes import ExchangeWish, QueueWish
from leveret.tables import Table, read_table


def table(values: dict[str, Any]) -> Table:
    return read_table(wire.encode_table(values), 0)[0]


def properties(**values: Any) -> Properties:
    return read_properties(wire.encode_header(0, values)[12:])


def headers(**values: Any) -> Properties:
    """Properties with these headers alone; underscores in names are hyphens."""
    return properties(headers={key.replace("_", "-"): value for key, value in values.items()})


class World:
    """Exchanges and queues are called by their names."""

    def __init__(self) -> None:
        self.node = new_node()
        self.vhost = self.node.vhosts["/"]
        assert isinstance(self.node.clock, FakeClock)
        self.clock = self.node.clock

    def exchange(self, name: str, kind: str, **arguments: Any) -> Exchange:
        given = {key.replace("_", "-"): value for key, value in arguments.items()}
        wish = ExchangeWish(name, kind, True, False, False, table(given))
        return self.vhost.declare_exchange(wish)

    def queue(self, name: str, **arguments: Any) -> Queue:
        given = {key.replace("_", "-"): value for key, value in arguments.items()}
        return self.vhost.declare_queue(QueueWish(name, True, False, 0, table(given)), 1)

    def bind(self, source: str, target: str, key: str = "", **arguments: Any) -> None:
        v = self.vhost
        queue, exchange = v.queues.get(target), v.exchanges.get(target)
        v.bind(v.exchange(source), queue, None if queue else exchange, key, table(arguments))

    def unbind(self, source: str, target: str, key: str = "", **arguments: Any) -> None:
        v = self.vhost
        queue, exchange = v.queues.get(target), v.exchanges.get(target)
        v.unbind(v.exchange(source), queue, None if queue else exchange, key, table(arguments))

    def route(self, exchange: str, *keys: str, having: Properties | None = None) -> Routing:
        given = having if having is not None else properties()
        return self.vhost.route(self.vhost.exchange(exchange), list(keys or ("",)), given)

    def reached(self, exchange: str, *keys: str, having: Properties | None = None) -> list[str]:
        """The names of the queues that a message is led to at once."""
        return [queue.name for queue in self.route(exchange, *keys, having=having).queues]

    def publish(
        self,
        exchange: str,
        body: bytes = b"",
        key: str = "",
        having: Properties | None = None,
    ) -> None:
        given = having if having is not None else properties()
        message = Message(Origin(exchange, key), given, body)
        self.vhost.post.send(self.vhost.exchange(exchange), [key], message)

    def wait_s(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        self.node.keep_time()

    def take(self, queue: str) -> list[Message]:
        """All that waits in ``queue``."""
        taken = []
        while (waiting := self.vhost.queues[queue].get(True)) is not None:
            taken.append(waiting.message)
        return taken

    def bodies(self, queue: str) -> list[bytes]:
        return [message.body for message in self.take(queue)]
