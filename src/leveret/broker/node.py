"""What one node holds: its vhosts, its users, and the ids of its connections."""

from typing import Final, final

from leveret.auth.backends import Logins
from leveret.auth.passwords import PREFIX
from leveret.auth.permissions import Permission
from leveret.auth.sasl import Sasl
from leveret.auth.users import Users
from leveret.auth.validators import validator
from leveret.broker.connections import Connections
from leveret.broker.timetable import Timetable
from leveret.broker.vhost import VHost
from leveret.config.faults import ConfigError
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
        self.users: Final = _users(settings, random, self.events)
        self.logins: Final = _logins(settings, self.users)
        self.sasl: Final = _sasl(settings)
        self.connections: Final = Connections(
            self.events, settings.max_connections, settings.channel_max_per_node
        )
        self.users.bouncer = self.connections
        self.vhosts: Final[dict[str, VHost]] = {}
        self._last_connection_id = 0
        self.timetable: Final = Timetable()
        self.vhosts[settings.default_vhost] = VHost(
            settings.default_vhost, random, clock, self.timetable, self.events
        )
        admin = self.users.add_first(
            settings.default_user, settings.default_pass, ["administrator"]
        )
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


def _users(settings: Settings, random: Random, events: Events) -> Users:
    try:
        rule = validator(
            settings.credential_validator,
            settings.credential_validator_min_length,
            settings.credential_validator_regexp,
        )
    except ValueError as error:
        raise _wrong(settings, "credential_validator_regexp", error) from None
    algorithm = PREFIX + settings.password_hashing
    return Users(random, settings.loopback_users, events, rule, algorithm)


def _logins(settings: Settings, users: Users) -> Logins:
    try:
        return Logins(settings.auth_backends, users)
    except ValueError as error:
        raise _wrong(settings, "auth_backends", error) from None


def _wrong(settings: Settings, name: str, error: ValueError) -> ConfigError:
    origin = settings.origin[name]
    return ConfigError(f"{name} ({origin}) is not allowed: {error}.", origin)


def _sasl(settings: Settings) -> Sasl:
    return Sasl(
        settings.auth_mechanisms,
        settings.anonymous_login_user,
        settings.anonymous_login_pass,
        settings.ssl_cert_login_from,
        settings.ssl_cert_login_san_type,
        settings.ssl_cert_login_san_index,
    )
