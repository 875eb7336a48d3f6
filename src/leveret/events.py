"""What happens in the broker, told to whoever listens: the event exchange, an audit log, metrics.

Names and facts are those of RabbitMQ's event exchange: "queue.created" and the like.
Nothing on the way of a message tells events.
"""

from abc import ABC, abstractmethod
from typing import Final, final

from mypy_extensions import mypyc_attr


@final
class Event:
    """Something that happened.  ``facts`` are strings, integers, booleans, lists and dicts.

    ``subject`` is the thing itself that it happened to, where a listener may need it.
    """

    def __init__(self, name: str, facts: dict[str, object], subject: object) -> None:
        self.name: Final = name
        self.facts: Final = facts
        self.subject: Final = subject


@mypyc_attr(allow_interpreted_subclasses=True)
class Listener(ABC):
    """Whoever wants to hear of events."""

    @abstractmethod
    def on_event(self, event: Event) -> None:
        """Take note.  Called in the middle of what happens: must not block, raise or change it."""


@final
class Events:
    """The listeners of one node.  ``is_heard``: whether there is any, so that telling pays."""

    def __init__(self) -> None:
        self._listeners: Final[list[Listener]] = []
        self.is_heard = False

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` from now on."""
        self._listeners.append(listener)
        self.is_heard = True

    def forget(self, listener: Listener) -> None:
        """Tell ``listener`` no more."""
        self._listeners.remove(listener)
        self.is_heard = bool(self._listeners)

    def tell(self, name: str, facts: dict[str, object], subject: object = None) -> None:
        """Tell everybody.  Ask ``is_heard`` first where making the facts costs something."""
        if self._listeners:
            event = Event(name, facts, subject)
            for listener in list(self._listeners):
                listener.on_event(event)
