"""Output that waits for the disk: what it tells of must be safe before anybody hears of it."""

from typing import Final, final

from leveret.sessions.output import Output
from leveret.store.catalog import CommitWaiter
from leveret.store.journal import Waiter


@final
class HoldWaiter(Waiter):
    """Lets a connection's output go when the messages it tells of are on the disk."""

    def __init__(self, output: Output) -> None:
        self._output: Final = output

    def on_synced(self, number: int) -> None:
        """Let it go."""
        self._output.let_go()


@final
class CommitHold(CommitWaiter):
    """Lets a connection's output go when what it declared is on the disk."""

    def __init__(self, output: Output) -> None:
        self._output: Final = output

    def on_committed(self, number: int) -> None:
        """Let it go."""
        self._output.let_go()
