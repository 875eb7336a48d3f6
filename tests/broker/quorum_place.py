"""A quorum queue with a keeper, for unit tests."""

from tests.broker.keepers import FakeKeeper
from tests.fakes import message

from leveret.broker.backlog import Waiting
from leveret.broker.message import Message, Origin
from leveret.broker.properties import read_properties
from leveret.broker.quorum import QuorumQueue
from leveret.broker.wishes import QueueWish
from leveret.tables import plain, table_of


def counts(of: Message) -> tuple[object, object]:
    """What its headers say: (failed deliveries, all earlier deliveries); None where absent."""
    headers = of.properties.headers()
    names = ("x-delivery-count", "x-acquired-count")
    failed, acquired = (plain(headers[name]) if name in headers else None for name in names)
    return failed, acquired


def back(waiting: Waiting | None) -> Waiting:
    assert waiting is not None
    return Waiting(waiting.message, waiting.offset, True)


class Place:
    """A quorum queue with a keeper that writes down who died."""

    def __init__(self, arguments: dict[str, object] | None = None) -> None:
        self.keeper = FakeKeeper()
        given = table_of({"x-dead-letter-exchange": "dlx", **(arguments or {})})
        self.queue = QuorumQueue(QueueWish("q", True, False, 0, given), self.keeper)

    def put(self, *bodies: bytes) -> list[bool]:
        return [self.queue.publish(message(body)) for body in bodies]

    def put_expiring(self, body: bytes, milliseconds: int) -> None:
        digits = b"%d" % milliseconds
        octets = b"\x01\x00" + bytes([len(digits)]) + digits
        self.queue.publish(Message(Origin("", "k"), read_properties(octets), body))

    def take(self, count: int = 1) -> list[Waiting]:
        """Messages in somebody's hands."""
        taken = [self.queue.get(False) for _ in range(count)]
        return [one for one in taken if one is not None]

    def give_back(self, *waiting: Waiting, is_failure: bool = False) -> None:
        self.queue.put_back([back(one) for one in waiting], is_failure)

    @property
    def bodies(self) -> list[bytes]:
        """What waits; takes it."""
        found = []
        while (waiting := self.queue.get(True)) is not None:
            found.append(waiting.message.body)
        return found
