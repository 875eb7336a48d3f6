"""Publisher confirms of one channel: which publishes are done, told in as few frames as possible.

Behaviour: RabbitMQ 4.3, "Publisher confirms": tags count from 1 after confirm.select; one
basic.ack with ``multiple`` speaks for all up to its tag.
"""

from typing import Final, final

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.spec import BASIC_ACK, BASIC_NACK


@final
class Confirms:
    """Counts publishes and collects what became of them.

    Publishes are settled in the order of their tags.  Invariant: every tag up to ``_told`` was
    told; those after it, up to ``_last_tag``, are told by the next ``take_frames``.
    """

    def __init__(self, channel: int) -> None:
        self._channel: Final = channel
        self._last_tag = 0
        self._told = 0
        self._refused: list[int] = []
        # Owned by the channel: whether this is on the list of those with something to tell.
        self.is_listed = False

    def settle(self, is_accepted: bool) -> None:
        """The next publish is done: the broker answers for it, or has refused it."""
        self._last_tag += 1
        if not is_accepted:
            self._refused.append(self._last_tag)

    def take_frames(self) -> bytes:
        """What to tell the publisher now."""
        refused = self._refused
        self._refused = []
        frames = b"".join([self._frame(BASIC_NACK, tag, False) for tag in refused])
        count = self._last_tag - self._told
        if count > len(refused):
            # The refused among them were told just before, so the client no longer waits for them.
            frames += self._frame(BASIC_ACK, self._last_tag, count > 1)
        self._told = self._last_tag
        return frames

    def _frame(self, method: int, tag: int, multiple: bool) -> bytes:
        frame = MethodFrame(method).longlong(tag).octet(1 if multiple else 0)
        return frame.octets(self._channel)
