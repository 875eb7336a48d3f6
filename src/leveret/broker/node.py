"""What one node holds: its vhosts, its users, and the ids of its connections."""

from typing import Final, final

from leveret.auth.backends import Logins
from leveret.auth.passwords import PREFIX
from leveret.auth.permissions import Permission
from leveret.auth.sasl import Sasl
from leveret.auth.users import Users
from leveret.auth.validators import validator
from leveret.broker.alarms import Alarms
from leveret.broker.compat import Compat
from leveret.broker.connections import Connections
from leveret.broker.defaults import give_defaults, give_rights
from leveret.broker.facts import INTERNAL, exchange_facts
from leveret.broker.fittings import fit_out
from leveret.broker.limits import Totals
from leveret.broker.parameters import Components, GlobalParameters
from leveret.broker.place import Place
from leveret.broker.shelf import Shelf
from leveret.broker.tallies import NodeTally
from leveret.broker.timetable import Timetable
from leveret.broker.vhost import VHost
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.errors import Invalid, NotFound, PreconditionFailed
from leveret.events import Events
from leveret.notices import Notices
from leveret.ports import Clock, Random
from leveret.store.catalog import Commits

_QUEUE_TYPES: Final = ("", "classic", "quorum", "stream")


@final
class Node:
    """The broker behind every protocol."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        random: Random,
        shelf: Shelf | None = None,
        is_first_start: bool = True,
    ) -> None:
        # Where what is durable is written down; None where nothing outlives the process.
        self.shelf: Final = shelf
        # How those who declare things know when that is on the disk; set by whoever keeps it.
        self.commits: Commits | None = None
        self.settings: Final = settings
        self.clock: Final = clock
        self.random: Final = random
        self.notices: Final = Notices(clock)
        self.events: Final = Events()
        # What runs low; whoever publishes waits while anything does.
        self.alarms: Final = Alarms(self.events, settings.cluster_name)
        # What is counted of everything; and whoever remembers what it was, while somebody looks.
        self.tally: Final = NodeTally()
        self.statistics: object = None
        # What protocols keep for all their connections, each under its own name.
        self.belongings: Final[dict[str, object]] = {}
        self.compat: Final = Compat(settings.compat, settings.denied_features)
        self.users: Final = _users(settings, random, self.events)
        self.logins: Final = _logins(settings, self.users)
        self.sasl: Final = _sasl(settings)
        self.connections: Final = Connections(
            self.events, settings.max_connections, settings.channel_max_per_node
        )
        self.connections.tally = self.tally
        self.users.bouncer = self.connections
        self.components: Final = Components()
        self.global_parameters: Final = GlobalParameters(self.events)
        self.global_parameters.set("cluster_name", settings.cluster_name)
        self.totals: Final = Totals(settings.cluster_queue_limit, settings.cluster_exchange_limit)
        self.vhosts: Final[dict[str, VHost]] = {}
        self._last_connection_id = 0
        # How those who look from outside call it.
        self.name: Final = settings.cluster_name
        # Where it listens; set by whoever opens the ports.
        self.places: Final[list[Place]] = []
        self.started_ns: Final = clock.now_ns()
        self.timetable: Final = Timetable()
        if is_first_start:
            self.add_vhost(settings.default_vhost, "Default virtual host")
            self._add_first_user()

    def _add_first_user(self) -> None:
        settings = self.settings
        user = self.users.by_name.get(settings.default_user)
        if user is None:  # not one of default_users
            user = self.users.add_first(
                settings.default_user, settings.default_pass, settings.default_user_tags
            )
        permission = Permission(
            settings.default_permissions_configure,
            settings.default_permissions_write,
            settings.default_permissions_read,
        )
        user.grant(settings.default_vhost, permission)

    # --- vhosts ----------------------------------------------------------------------------

    def add_vhost(
        self,
        name: str,
        description: str = "",
        tags: list[str] | None = None,
        default_queue_type: str = "",
        is_protected: bool = False,
        is_traced: bool | None = None,
        by: str = INTERNAL,
    ) -> VHost:
        """The vhost called ``name``, made if need be, with what is said of it here.

        ``is_traced`` None leaves the firehose as it is.  Nobody may enter a new one yet.
        Raises Invalid.
        """
        if default_queue_type not in _QUEUE_TYPES:
            raise Invalid("Unsupported default queue type")
        vhost = self.vhosts.get(name)
        event = "vhost.updated"
        if vhost is None:
            vhost = self._new_vhost(name, by)
            event = "vhost.created"
        vhost.description = description
        vhost.tags = tags if tags is not None else []
        vhost.default_queue_type = default_queue_type or self.settings.default_queue_type
        vhost.is_protected = is_protected
        if is_traced is not None and is_traced != vhost.is_traced:
            vhost.trace(is_traced)
        if self.events.is_heard:
            self.events.tell(event, _vhost_facts(vhost, by))
        return vhost

    def _new_vhost(self, name: str, by: str) -> VHost:
        limit = self.settings.vhost_max
        if 0 <= limit <= len(self.vhosts):
            raise Invalid(f"cannot create vhost '{name}': vhost limit of {limit} is reached")
        vhost = VHost(
            name,
            self.random,
            self.clock,
            self.timetable,
            self.events,
            self.components,
            self.totals,
        )
        vhost.compat = self.compat
        vhost.alarms = self.alarms
        vhost.tally = self.tally
        vhost.consumer_timeout_ms = self.settings.consumer_timeout_ms
        if self.shelf is not None:
            vhost.keep_on(self.shelf)
        self.vhosts[name] = vhost
        give_defaults(vhost, self.settings)
        fit_out(vhost, self.settings, self.events, self.clock)
        give_rights(self.users, vhost, self.settings)
        if self.events.is_heard:
            for exchange in vhost.exchanges.values():
                self.events.tell("exchange.created", exchange_facts(name, exchange, by))
        return vhost

    def delete_vhost(self, name: str, by: str = INTERNAL) -> None:
        """Delete the vhost and all that is in it, and close its connections.

        Raises NotFound, PreconditionFailed if it is protected.
        """
        vhost = self.vhosts.get(name)
        if vhost is None:
            raise NotFound(f"no vhost '{name}'")
        if vhost.is_protected:
            raise PreconditionFailed(
                f"cannot delete vhost '{name}': it is protected from deletion, lift that first"
            )
        del self.vhosts[name]
        # In RabbitMQ's order: consumers hear that their queues are gone, then that all is over.
        vhost.close(by)
        self.connections.vhost_deleted(name)
        self.tally.past.add(vhost.past)
        self.users.forget_vhost(name)

    # --- time and numbers ------------------------------------------------------------------

    def keep_time(self) -> None:
        """Do what is due.  Called when the timetable's alarm rings."""
        try:
            self.timetable.run(self.clock.now_ns())
        finally:
            # Whoever failed, the dead letters of the others are not to wait for the next time.
            for vhost in self.vhosts.values():
                vhost.hold_funerals()

    def new_connection_id(self) -> int:
        """A number that no connection of this run had before; never 0."""
        self._last_connection_id += 1
        return self._last_connection_id


def _vhost_facts(vhost: VHost, by: str) -> dict[str, object]:
    tags: list[object] = list(vhost.tags)
    return {
        "name": vhost.name,
        "description": vhost.description,
        "tags": tags,
        "default_queue_type": vhost.default_queue_type,
        "tracing": vhost.is_traced,
        "user_who_performed_action": by,
    }


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
