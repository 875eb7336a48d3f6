"""A connection that publishes while something runs low: held with the publish in its hand.

::

    client                      broker
    basic.publish           ->
                            <-  connection.blocked (reason)
    (nothing is read, deliveries and heartbeats go on)
                            <-  connection.unblocked
                            <-  (what the publish leads to)

Clients that do not understand connection.blocked are held without a word.
Behaviour: RabbitMQ 4.3, "Blocked connection notifications".
"""

from typing import Final, final

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.context import Context
from leveret.amqp091.spec import CONNECTION_BLOCKED, CONNECTION_UNBLOCKED
from leveret.auth.rights import Inquiry, Waiter


@final
class Block(Inquiry):
    """Waits until no alarm is set."""

    def __init__(self, context: Context) -> None:
        self._context: Final = context
        self._wait: Unblock | None = None

    def begin(self, waiter: Waiter) -> None:
        """Tell the client that it is held, and why."""
        context = self._context
        alarms = context.vhost.alarms
        self._wait = Unblock(context, waiter)
        alarms.hold(self._wait)
        if context.wants_blocked:
            frame = MethodFrame(CONNECTION_BLOCKED).shortstr(alarms.reason)
            context.outbox.send_urgent(frame.octets(0))

    def abandon(self) -> None:
        """The connection ends: nobody is to be told any more."""
        if self._wait is not None:
            self._context.vhost.alarms.forget(self._wait)


@final
class Unblock(Waiter):
    """Tells the client that it is held no longer, and lets it go on."""

    def __init__(self, context: Context, waiter: Waiter) -> None:
        self._context: Final = context
        self._waiter: Final = waiter

    def go_on(self) -> None:
        """The last alarm was cleared."""
        if self._context.wants_blocked:
            # Overtakes as connection.blocked did, so that it never overtakes that.
            self._context.outbox.send_urgent(MethodFrame(CONNECTION_UNBLOCKED).octets(0))
        self._waiter.go_on()
