"""A listener that writes down what happened."""

from typing import Any

from leveret.events import Event, Listener


class Notes(Listener):
    """Names and facts of the events, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, dict[str, Any]]] = []

    def on_event(self, event: Event) -> None:
        self.events.append((event.name, dict(event.facts)))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """What there is, forgotten."""
        events, self.events = self.events, []
        return events

    def clear(self) -> None:
        self.events = []
