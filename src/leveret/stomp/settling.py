"""ACK and NACK: what becomes of deliveries.

Behaviour: RabbitMQ 4.3, "STOMP Plugin", "ACK" and "NACK", and its refusals' texts.
Differs from RabbitMQ: in the mode ``client`` an ACK answers for the messages of its own
subscription only, as STOMP says; RabbitMQ takes those of all the others along, too.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.broker.backlog import Waiting
from leveret.broker.queue import Queue
from leveret.sessions.outstanding import Delivery
from leveret.stomp.channel import StompChannel
from leveret.stomp.consumer import SEPARATOR, StompConsumer
from leveret.stomp.faults import StompFault
from leveret.stomp.headers import V1_2, Frame

# Longer numbers are none of ours.
_MOST_DIGITS: Final = 18
_ZERO: Final = 48
_LF: Final = 10


@final
class Settling:
    """Answers for the deliveries of one connection."""

    def __init__(self, channel: StompChannel) -> None:
        self._channel: Final = channel
        # Whose delivery was last looked up, and how its next ACK will probably begin.
        self._last: StompConsumer | None = None
        self._prefix = b""

    def settle_known(self, block: bytes) -> bool:
        """Do what an ACK says that has nothing but an id, for the subscription of the last one.

        False when it is anything else, or wrong: nothing was done then.  Hot.
        """
        consumer = self._last
        prefix = self._prefix
        start = len(prefix)
        if consumer is None or start == 0 or block[:start] != prefix:
            return False
        tag = _read_tag(block, start)
        if tag < 0:
            return False
        delivery = self._channel.outstanding.find(tag)
        if delivery is None or delivery.consumer is not consumer:
            return False
        self._acknowledge(self._through(delivery, consumer, tag))
        return True

    def settle(self, frame: Frame) -> None:
        """Do what an ACK or NACK says.  Raises StompFault."""
        deliveries = self.find(frame)
        if frame.command == "ACK":
            self._acknowledge(deliveries)
            return
        self._channel.outstanding.settle(deliveries)
        if self._requeues(frame):
            self._put_back(deliveries, False)
        else:
            for delivery in deliveries:
                delivery.queue.discard(delivery.message, delivery.offset)
        for delivery in deliveries:
            self._channel.wake(delivery.consumer, delivery.queue)

    def _acknowledge(self, deliveries: list[Delivery]) -> None:
        channel = self._channel
        channel.outstanding.settle(deliveries)
        for delivery in deliveries:
            delivery.queue.settle(delivery.offset)
            channel.reading.acked(delivery)
        for delivery in deliveries:
            channel.wake(delivery.consumer, delivery.queue)

    def _requeues(self, frame: Frame) -> bool:
        requeue = frame.flag("requeue")
        return self._channel.settings.stomp_default_nack_requeue if requeue is None else requeue

    def find(self, frame: Frame) -> list[Delivery]:
        """The deliveries that a frame answers for.  Raises StompFault."""
        channel = self._channel
        header = "id" if channel.version == V1_2 else "message-id"
        message_id = frame.headers.get(header)
        if message_id is None:
            detail = f'"{frame.command}" must include the "{header}" header\n'
            raise StompFault("Missing header", detail)
        parts = message_id.rsplit(SEPARATOR, 2)
        # An id that this connection did not give, one that a publisher made up say, means nothing.
        if len(parts) != 3 or parts[1] != channel.session_name or not _is_number(parts[2]):
            detail = f'"{frame.command}" must include a valid "{header}" header\n'
            raise StompFault("Invalid header", detail)
        tag = int(parts[2])
        delivery = channel.outstanding.find(tag)
        if delivery is None or delivery.consumer is None or delivery.consumer.tag != parts[0]:
            raise StompFault("Message not found", f"unknown delivery tag {tag}\n")
        consumer = delivery.consumer
        assert isinstance(consumer, StompConsumer)
        self._last = consumer
        self._prefix = consumer.ack_prefix
        return self._through(delivery, consumer, tag)

    def _through(self, delivery: Delivery, consumer: StompConsumer, tag: int) -> list[Delivery]:
        """What an answer for ``delivery`` answers for."""
        if not consumer.is_cumulative:
            return [delivery]
        found = self._channel.outstanding.find_through(tag)
        assert found is not None
        return [each for each in found if each.consumer is consumer]

    def is_open(self, frame: Frame) -> bool:
        """Whether the delivery that a frame names is still out; it was, when it was looked for."""
        message_id = frame.text("id" if self._channel.version == V1_2 else "message-id")
        tag = int(message_id[message_id.rindex(SEPARATOR) + len(SEPARATOR) :])
        return self._channel.outstanding.find(tag) is not None

    def _put_back(self, deliveries: list[Delivery], is_failure: bool) -> None:
        """Give messages back, queue by queue, and let others have them."""
        # By the queue itself: its name may be that of another one by now.
        by_queue: dict[Queue, list[Waiting]] = {}
        for delivery in deliveries:
            waiting = Waiting(delivery.message, delivery.offset, True)
            by_queue.setdefault(delivery.queue, []).append(waiting)
        for queue, back in by_queue.items():
            queue.put_back(back, is_failure)
            self._channel.dispatch_later(queue)

    def end(self) -> None:
        """The connection is over: what is out goes back."""
        deliveries = self._channel.outstanding.find_all()
        self._last = None
        self._channel.outstanding.settle(deliveries)
        self._put_back(deliveries, True)


def _read_tag(block: bytes, at: i64) -> int:
    """The number that is all of ``block`` from ``at`` on, but for its end; -1 when it is not."""
    end = len(block) - 2
    if not 0 < end - at <= _MOST_DIGITS or block[end] != _LF or block[end + 1] != _LF:
        return -1
    tag: i64 = 0
    for index in range(at, end):
        digit = i64(block[index]) - _ZERO
        if digit < 0 or digit > 9:
            return -1
        tag = tag * 10 + digit
    return int(tag)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
