"""What one node holds: its vhosts, its users, and the ids of its connections."""

from typing import Final, final

from leveret.auth.users import Permission, Users
from leveret.broker.timetable import Timetable
from leveret.broker.vhost import VHost
from leveret.config.settings import Settings
from leveret.events import Events
from leveret.notices import Notices
from leveret.ports import Clock, Random


@final
class Node:
    """The broker behind every protocol."""

    def __init__(self, settings: Settings, clock: Clock, random: Random) -> None:
        self.settings: Final = settings
        self.clock: Final = clock
        self.random: Final = random
        self.notices: Final = Notices(clock)
        self.events: Final = Events()
        self.users: Final = Users(random, settings.loopback_users, self.events)
        self.vhosts: Final[dict[str, VHost]] = {}
        self._last_connection_id = 0
        self.timetable: Final = Timetable()
        self.vhosts[settings.default_vhost] = VHost(
            settings.default_vhost, random, clock, self.timetable, self.events
        )
        admin = self.users.add(settings.default_user, settings.default_pass, ["administrator"])
        admin.grant(settings.default_vhost, Permission(".*", ".*", ".*"))

    def keep_time(self) -> None:
        """Do what is due.  Called when the timetable's alarm rings."""
        self.timetable.run(self.clock.now_ns())
        for vhost in self.vhosts.values():
            vhost.hold_funerals()

    def new_connection_id(self) -> int:
        """A number that no connection of this run had before; never 0."""
        self._last_connection_id += 1
        return self._last_connection_id
