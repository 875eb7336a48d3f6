"""What runs low, and who waits until nothing does.

While an alarm is set, a connection is held at the first message it publishes: its protocol keeps
that message in hand, ``hold``s itself here and reads no more until it is told to go on.  All others
go on, consumers above all, for they make room.

Knows nothing of what is measured, and of no protocol.
Behaviour: RabbitMQ 4.3, "Memory and disk alarms", and its words for the reasons.
"""

from typing import Final, final

from leveret.auth.rights import Waiter
from leveret.events import Events

# What may run low: the words are part of the reason that clients are given.
MEMORY: Final = "memory"
DISK: Final = "disk"


@final
class Alarms:
    """Those of one node.  ``is_set``: whether there is any; publishers ask it at each message.

    A resource may run low for several causes at once; it does until the last is gone.
    ``node_name`` is what events call the node.
    """

    def __init__(self, events: Events, node_name: str = "leveret") -> None:
        self._events: Final = events
        self._node_name: Final = node_name
        self.is_set = False
        # What each cause makes run low.
        self._causes: Final[dict[str, str]] = {}
        self._held: Final[dict[Waiter, None]] = {}

    @property
    def causes(self) -> list[str]:
        """Why something runs low, in the order it came."""
        return list(self._causes)

    @property
    def resources(self) -> list[str]:
        """What runs low, by name."""
        return sorted(set(self._causes.values()))

    @property
    def reason(self) -> str:
        """Why publishers are held: ``low on disk & memory``."""
        return "low on " + " & ".join(self.resources)

    @property
    def held_count(self) -> int:
        """How many connections are held."""
        return len(self._held)

    # --- causes ----------------------------------------------------------------------------

    def has(self, cause: str) -> bool:
        """Whether ``cause`` was set and not cleared."""
        return cause in self._causes

    def set(self, cause: str, resource: str) -> None:
        """``resource`` runs low because of ``cause``."""
        is_new = resource not in self.resources
        self._causes[cause] = resource
        self.is_set = True
        if is_new:
            self._tell("alarm.set", resource)

    def clear(self, cause: str) -> None:
        """``cause`` is gone; with the last one those who were held go on."""
        resource = self._causes.pop(cause, None)
        if resource is None:
            return
        if resource not in self.resources:
            self._tell("alarm.cleared", resource)
        if not self._causes:
            self.is_set = False
            self._let_go()

    def _tell(self, event: str, resource: str) -> None:
        if self._events.is_heard:
            self._events.tell(event, {"node": self._node_name, "source": resource})

    # --- those who are held ----------------------------------------------------------------

    def hold(self, waiter: Waiter) -> None:
        """Tell ``waiter`` when no alarm is set any more."""
        assert self.is_set
        self._held[waiter] = None

    def forget(self, waiter: Waiter) -> None:
        """``waiter`` is gone."""
        self._held.pop(waiter, None)

    def _let_go(self) -> None:
        held = list(self._held)
        self._held.clear()
        for waiter in held:
            waiter.go_on()
