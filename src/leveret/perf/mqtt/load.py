"""A run's clients over MQTT, their topics and their sessions."""

import secrets
from typing import Final, final

from leveret.perf.address import MQTT
from leveret.perf.batches import Target
from leveret.perf.consumer import Arrivals
from leveret.perf.faults import BadSetting
from leveret.perf.ledger import Ledger
from leveret.perf.link import Role, connect
from leveret.perf.load import Load, in_groups
from leveret.perf.mqtt import wire
from leveret.perf.mqtt.connection import Connection
from leveret.perf.mqtt.publisher import MqttPublisher
from leveret.perf.mqtt.settings import MqttSettings
from leveret.perf.mqtt.subscriber import Subscriber
from leveret.ports import Clock

_GOODBYE_S: Final = 1.0


@final
class MqttLoad(Load):
    """The clients of a run.  Topics need no declaration; sessions and retained messages may
    remain, and are deleted when their names are made up."""

    def __init__(self, settings: MqttSettings, clock: Clock) -> None:
        super().__init__(settings, MQTT, clock)
        if self.address.names_vhost and self.address.vhost and not self.address.user:
            raise BadSetting("--url: a vhost needs a user, it goes before the user's name")
        self._settings: Final = settings
        made_up = f"leveret-{secrets.token_hex(4)}"
        self._client: Final = settings.client_id or made_up
        self.topics: Final = topic_names(settings, made_up)
        self._sessions: Final[list[str]] = []  # those that outlive their connections
        self._control: Connection | None = None

    @property
    def product(self) -> str:
        """MQTT brokers do not say what they are."""
        return ""

    @property
    def outlives_the_run(self) -> bool:
        """Whether others may look at the topic."""
        return bool(self._settings.topic)

    @property
    def shares_ledgers(self) -> bool:
        """Every subscriber gets every message, unless they share them."""
        return self._settings.shared

    async def prepare(self) -> None:
        """See that the broker lets us in."""
        self._control = await self._connect(Role(), "c0", False)

    async def clean_up(self) -> None:
        """Delete retained messages of made-up topics, and made-up sessions."""
        control, settings = self._control, self._settings
        if control is None or control.failure:
            return
        if settings.retain and not settings.topic:
            no_properties = b"\0" if settings.level == 5 else b""
            for topic in self.topics:
                control.write(wire.publish_start(topic, 1, len(no_properties)) + no_properties)
        if not settings.client_id:
            await in_groups([self._forget(name) for name in self._sessions])

    async def _forget(self, name: str) -> None:
        """Delete a session by beginning a clean one in its place."""
        connection = await self._connect(Role(), name, False)
        await connection.close(_GOODBYE_S)

    async def leave(self) -> None:
        """Close the first connection."""
        if self._control is not None:
            await self._control.close(_GOODBYE_S)

    async def open_publisher(self, number: int, phase: float) -> None:
        """A connection that publishes."""
        publisher = MqttPublisher(
            self._settings, self._targets(number), phase, self.meter, self.clock
        )
        publisher.gate = self.gate
        self.publishers.append(publisher)
        connection = await self._open(publisher, f"p{number}", False)
        self.publishing.append(connection)
        publisher.start(connection)

    def _targets(self, number: int) -> list[Target]:
        count = len(self.topics)
        if self._settings.in_turn:
            return [Target(topic, number * count + n) for n, topic in enumerate(self.topics)]
        return [Target(self.topics[number % count], number)]

    async def open_consumer(self, place: int, ledger: Ledger | None) -> None:
        """A connection that subscribes to one topic."""
        settings = self._settings
        arrivals = Arrivals(settings, self.meter, self.clock, ledger, self.gate)
        subscriber = Subscriber(settings, self.topics[place], arrivals)
        name = f"s{len(self.consumers)}"
        self.consumers.append(subscriber)
        await subscriber.start(await self._open(subscriber, name, settings.persistent))
        if subscriber.granted < settings.granted_qos:
            self.note(
                f"the broker granted subscribers QoS {subscriber.granted}, not the"
                f" {settings.granted_qos} they asked for"
            )

    async def open_idle(self, number: int) -> None:
        """A connection that does nothing."""
        await self._open(Role(), f"i{number}", False)

    async def _open(self, role: Role, name: str, keeps: bool) -> Connection:
        if keeps:
            self._sessions.append(name)
        connection = await self._connect(role, name, keeps)
        self.links.append(connection)
        return connection

    async def _connect(self, role: Role, name: str, keeps: bool) -> Connection:
        settings = self._settings
        connection = Connection(self.address, role, self.watch, settings.level)
        connection.client_id = f"{self._client}-{name}"
        connection.keeps = keeps
        connection.alive_s = settings.keep_alive
        await connect(connection)
        return connection


def topic_names(settings: MqttSettings, made_up: str) -> list[str]:
    """The names of all topics: numbered from 1 on a level of their own, unless there is one."""
    name = settings.topic or f"{made_up}/load"
    if settings.topics == 1:
        return [name]
    return [f"{name}/{number}" for number in range(1, settings.topics + 1)]
