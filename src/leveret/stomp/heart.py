"""Heart-beats of one connection, each way with its own interval.  A function of time and traffic.

Behaviour: RabbitMQ 4.3, "STOMP Plugin", "Heartbeats": whole seconds, at least one; a line feed is
sent when nothing else was for half the interval; a client not heard for two of them is gone.
"""

from typing import Final, final

_SECOND_NS: Final = 1_000_000_000

NOTHING: Final = 0
BEAT: Final = 1
DEAD: Final = 2


@final
class Heart:
    """Told of traffic by ``has_heard`` and ``has_sent``; says at each ``tick`` what is due.

    ``send_s`` and ``receive_s`` are the intervals, 0 for none.
    """

    def __init__(self, now_ns: int) -> None:
        self.send_s = 0
        self.receive_s = 0
        self.has_heard = False
        self.has_sent = False
        self._heard_ns = now_ns
        self._sent_ns = now_ns
        self._ticked_ns = now_ns

    def agree(self, can_send_ms: int, wants_ms: int) -> None:
        """The client can send every ``can_send_ms`` and wants to hear every ``wants_ms``."""
        self.send_s = _seconds(wants_ms)
        self.receive_s = _seconds(can_send_ms)

    def tick(self, now_ns: int) -> int:
        """NOTHING, BEAT when a line feed is due, DEAD when the client is gone."""
        if self.has_heard:
            self.has_heard = False
            self._heard_ns = now_ns
        if self.has_sent:
            self.has_sent = False
            # Some time after the last tick; the earlier, the sooner the next beat.
            self._sent_ns = self._ticked_ns
        self._ticked_ns = now_ns
        if self.receive_s > 0 and now_ns - self._heard_ns > 2 * self.receive_s * _SECOND_NS:
            return DEAD
        if self.send_s > 0 and now_ns - self._sent_ns >= self.send_s * _SECOND_NS // 2:
            return BEAT
        return NOTHING


def _seconds(milliseconds: int) -> int:
    if milliseconds <= 0:
        return 0
    return max(milliseconds // 1000, 1)
