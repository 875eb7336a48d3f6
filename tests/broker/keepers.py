"""What keeps a queue in unit tests, in the place of a vhost."""

from tests.fakes import FakeClock

from leveret.broker.queue import Dying, Keeper, Queue
from leveret.broker.timetable import Appointee, Timetable

MS = 1_000_000


class FakeKeeper(Keeper):
    """Keeps one queue; writes down who died."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.timetable = Timetable()
        self.dying: list[Dying] = []
        self.dead: list[tuple[bytes, str]] = []
        self.abandoned: list[str] = []

    def now_ns(self) -> int:
        return self.clock.now

    def appoint(self, who: Appointee, due_ns: int) -> None:
        self.timetable.appoint(who, due_ns)

    def call_off(self, who: Appointee) -> None:
        self.timetable.cancel(who)

    def bury(self, dying: Dying) -> None:
        self.dying.append(dying)
        self.dead.append((dying.message.body, dying.reason))

    def take_dying(self) -> list[Dying]:
        """Those that are to be buried, once."""
        taken, self.dying = self.dying, []
        return taken

    def abandon(self, queue: Queue) -> None:
        self.abandoned.append(queue.name)

    def pass_ms(self, milliseconds: int) -> None:
        self.clock.now += milliseconds * MS
        self.timetable.run(self.clock.now)
