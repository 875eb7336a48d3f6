"""What one channel reads from which queue, counted: deliveries, gets and acknowledgements."""

from typing import Final, final

from leveret.broker.backlog import Waiting
from leveret.broker.queue import Queue
from leveret.broker.tallies import ChannelView, ReadTally
from leveret.broker.vhost import VHost
from leveret.sessions.outstanding import Delivery

# Tallies of queues that are gone are swept out when there are so many.
_MANY_TALLIES: Final = 64


@final
class Reading:
    """The tallies of one channel.  A consumer has that of its queue for itself."""

    def __init__(self, vhost: VHost, channel: ChannelView) -> None:
        self._vhost: Final = vhost
        self._channel: Final = channel
        self._tallies: Final[dict[Queue, ReadTally]] = {}
        self._most_tallies = _MANY_TALLIES

    @property
    def tallies(self) -> list[ReadTally]:
        """One for each queue."""
        return list(self._tallies.values())

    def tally(self, queue: Queue) -> ReadTally:
        """Where what is read from ``queue`` is counted."""
        found = self._tallies.get(queue)
        if found is None:
            if len(self._tallies) >= self._most_tallies:
                self._forget(True)
                self._most_tallies = max(2 * len(self._tallies), _MANY_TALLIES)
            found = ReadTally(queue.name, queue.kind, self._channel)
            self._tallies[queue] = found
            queue.readers.join(found)
        return found

    def got(self, queue: Queue, waiting: Waiting | None, no_ack: bool) -> None:
        """The client asked for a message and was given one, or there was none."""
        tally = self.tally(queue)
        if waiting is None:
            tally.get_empty += 1
            return
        if no_ack:
            tally.get_no_ack += 1
        else:
            tally.get += 1
        if waiting.redelivered:
            tally.redeliver += 1

    def acked(self, delivery: Delivery) -> None:
        """The client has acknowledged a delivery.  Hot."""
        consumer = delivery.consumer
        if consumer is not None:
            consumer.tally.ack += 1
        else:
            self.tally(delivery.queue).ack += 1

    def end(self) -> None:
        """The channel is gone."""
        self._forget(False)

    def _forget(self, only_old: bool) -> None:
        """The channel is gone, or these queues are: what was counted stays with the others."""
        flow = self._vhost.past.flow(self._channel.protocol)
        for queue, tally in list(self._tallies.items()):
            if only_old and not queue.is_gone:
                continue
            del self._tallies[queue]
            queue.readers.leave(tally)
            flow.read(tally.kind).add(tally)
