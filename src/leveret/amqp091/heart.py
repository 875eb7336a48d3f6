"""Heartbeats of one connection, both ways.  A function of time and of what was sent and heard.

Behaviour: RabbitMQ 4.3, "Heartbeats": one is sent when nothing else was for half the interval;
a peer that was not heard for two intervals is gone; any octet counts.
"""

from typing import Final, final

_SECOND_NS: Final = 1_000_000_000

NOTHING: Final = 0
BEAT: Final = 1
DEAD: Final = 2


@final
class Heart:
    """Told of traffic by ``has_heard`` and ``has_sent``; says at each ``tick`` what is due."""

    def __init__(self, now_ns: int) -> None:
        self.interval_s = 0
        self.has_heard = False
        self.has_sent = False
        self._heard_ns = now_ns
        self._sent_ns = now_ns
        self._ticked_ns = now_ns

    def tick(self, now_ns: int) -> int:
        """NOTHING, BEAT when a heartbeat is due, DEAD when the peer is gone."""
        if self.has_heard:
            self.has_heard = False
            self._heard_ns = now_ns
        if self.has_sent:
            self.has_sent = False
            # Some time after the last tick; the earlier, the sooner the next heartbeat.
            self._sent_ns = self._ticked_ns
        self._ticked_ns = now_ns
        if self.interval_s == 0:
            return NOTHING
        interval_ns = self.interval_s * _SECOND_NS
        if now_ns - self._heard_ns > 2 * interval_ns:
            return DEAD
        return BEAT if now_ns - self._sent_ns >= interval_ns // 2 else NOTHING
