"""What a run over MQTT is asked to do, besides what every run is."""

from typing import Final, final

from leveret.perf.faults import BadSetting
from leveret.perf.settings import Settings

VERSIONS: Final = ("3.1", "3.1.1", "5")
LEVELS: Final[dict[str, int]] = {"3.1": 3, "3.1.1": 4, "5": 5}
QOS: Final = ("0", "1", "2")
MOST_INFLIGHT: Final = 65535  # packet identifiers that there are


@final
class MqttSettings(Settings):
    """One run's options; the places are topics."""

    consumers_word = "subscribers"

    def __init__(self) -> None:
        super().__init__()
        self.url = "mqtt://guest:guest@127.0.0.1:1883"
        self.protocol = "3.1.1"
        self.qos = "0"
        self.subscribe_qos = ""  # empty: as ``qos``
        self.inflight = 100  # unanswered messages per publisher; counts from QoS 1 on
        self.topics = 1
        self.topic = ""  # empty: a made-up name
        self.in_turn = False  # each publisher publishes to all topics in turn
        self.retain = False
        self.shared = False  # the subscribers of a topic share its messages
        self.persistent = False  # the subscribers' sessions are
        self.client_id = ""  # of all clients, the first part; empty: made up, sessions are deleted
        self.keep_alive = 0  # seconds

    @property
    def level(self) -> int:
        """The protocol's version as CONNECT says it."""
        return LEVELS[self.protocol]

    @property
    def publish_qos(self) -> int:
        """The quality of service that messages are published with."""
        return int(self.qos)

    @property
    def granted_qos(self) -> int:
        """The quality of service that subscribers ask for."""
        return int(self.subscribe_qos or self.qos)

    @property
    def window(self) -> int:
        """Unanswered messages per publisher; QoS 0 has no answers."""
        return self.inflight if self.publish_qos else 0

    @property
    def place_count(self) -> int:
        """The topics."""
        return self.topics

    @property
    def fan(self) -> int:
        """Every subscriber of a topic gets each message, unless they share them."""
        return min(1, self.consumers) if self.shared else self.consumers

    @property
    def may_lose(self) -> bool:
        """QoS 0 promises nothing, and with any QoS there are brokers whose queues overflow."""
        return True

    @property
    def is_single_file(self) -> bool:
        """Whether each ledger sees what one subscriber got."""
        return not self.shared or self.consumers == 1

    @property
    def publisher_count(self) -> int:
        """All publishers: each topic has its own, unless they publish to all in turn."""
        return self.publishers if self.in_turn else self.publishers * self.topics

    def check(self) -> None:
        """Refuse combinations that cannot work.  Raises BadSetting."""
        if self.topics < 1:
            raise BadSetting("--topics: at least one")
        if self.window > MOST_INFLIGHT or (self.publish_qos and self.inflight < 1):
            raise BadSetting(f"--inflight: 1 to {MOST_INFLIGHT:,} with --qos 1 or 2")
        super().check()
        if self.publishers == 0 and self.consumers and not self.topic:
            raise BadSetting(
                "--publishers 0 needs the --topic where others publish: nobody knows one made up"
                " for the run"
            )
        if "+" in self.topic or "#" in self.topic:
            raise BadSetting("--topic is published to, so it cannot have the wildcards + and #")
        if self.client_id and self.protocol == "3.1" and len(self.client_id) > 16:
            raise BadSetting("--client-id: at most 16 characters, as MQTT 3.1 allows 23 in all")
