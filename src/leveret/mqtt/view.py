"""An MQTT connection as lists and statistics see it: it has no channels, and is one itself."""

from typing import Final, final

from leveret.broker.tallies import ChannelView, Holding, PublishTally, ReadTally
from leveret.mqtt.state import Client
from leveret.sessions.publisher import Publisher
from leveret.sessions.reading import Reading


@final
class MqttView(ChannelView):
    """Knows who publishes and reads for a connection."""

    def __init__(self, label: str, name: str, user: str, client: Client) -> None:
        super().__init__(label, 1)
        self._name: Final = name
        self.user: Final = user
        self._client: Final = client
        self._publisher: Publisher | None = None
        self._reading: Reading | None = None

    def look_at(self, publisher: Publisher, reading: Reading) -> None:
        """These are the connection's."""
        self._publisher = publisher
        self._reading = reading

    def let_go(self) -> None:
        """The connection is gone: its parts know each other no longer."""
        self._publisher = None
        self._reading = None

    @property
    def name(self) -> str:
        """How people tell connections apart."""
        return self._name

    @property
    def consumer_count(self) -> int:
        """How many consumers it has."""
        return len(self._reading.tallies) if self._reading is not None else 0

    @property
    def unacked_count(self) -> int:
        """How many messages are on their way to the client."""
        return len(self._client.flights)

    @property
    def unconfirmed_count(self) -> int:
        """How many publishes are not answered yet."""
        return 0

    @property
    def uncommitted_count(self) -> int:
        """There are no transactions."""
        return 0

    @property
    def uncommitted_acks_count(self) -> int:
        """There are no transactions."""
        return 0

    def collect(self) -> None:
        """Write what was counted on the way into the tallies."""
        if self._publisher is not None:
            self._publisher.collect()

    def publishes(self) -> list[PublishTally]:
        """What it published, one tally for each exchange."""
        if self._publisher is None:
            return []
        self._publisher.collect()
        return self._publisher.tallies

    def reads(self) -> list[ReadTally]:
        """What it read, one tally for each queue."""
        return self._reading.tallies if self._reading is not None else []

    def holdings(self, queue: object) -> list[Holding]:
        """What is on its way of ``queue`` and not answered for, the oldest first."""
        now_ns = self._client.vhost.now_ns()
        return [
            Holding(flight.message, flight.offset, "mqtt", now_ns)
            for flight in self._client.flights.values()
            if flight.queue is queue and not flight.is_settled
        ]

    def on_time(self, now_ns: int) -> None:
        """Nothing is due here."""
