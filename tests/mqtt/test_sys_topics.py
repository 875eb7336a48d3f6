"""leveret.mqtt.sys_topics: what the broker tells of itself."""

from tests.fakes import FakeClock, FakeRandom

from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.wishes import QueueWish
from leveret.config.settings import Settings
from leveret.mqtt.convert import Plain
from leveret.mqtt.retained import retained_of
from leveret.mqtt.sys_topics import SysListener, SysTopics, is_sys, sys_topics_of
from leveret.version import VERSION


class Ear(SysListener):
    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[str, str] = {}

    def hear(self, message: Message) -> None:
        self.heard[message.origin.routing_key] = message.body.decode()

    def take(self) -> dict[str, str]:
        heard, self.heard = self.heard, {}
        return heard


class Place:
    def __init__(self, interval_s: int = 10) -> None:
        self.clock = FakeClock()
        settings = Settings(mqtt_sys_interval_s=interval_s)
        self.node = Node(settings, self.clock, FakeRandom())
        self.vhost = self.node.vhosts["/"]
        self.topics: SysTopics = sys_topics_of(self.node)

    def find(self, topic_filter: str) -> dict[str, str]:
        found = self.topics.find(self.vhost, topic_filter)
        return {each.origin.routing_key: each.body.decode() for each in found}

    def pass_s(self, seconds: int) -> None:
        self.clock.pass_s(seconds)
        self.node.keep_time()


def test_who_subscribes_finds_what_is() -> None:
    place = Place()
    place.clock.pass_s(5)
    assert place.find("$SYS/broker/version") == {"$SYS.broker.version": f"leveret {VERSION}"}
    found = place.find("$SYS/#")
    assert found["$SYS.broker.uptime"] == "5 seconds"
    assert found["$SYS.broker.clients.connected"] == "0"
    assert set(found) >= {
        *("$SYS.broker.messages.received", "$SYS.broker.messages.sent"),
        *("$SYS.broker.subscriptions.count", "$SYS.broker.retained messages.count"),
    }
    assert place.find("$SYS/+/uptime").keys() == {"$SYS.broker.uptime"}


def test_wildcards_at_the_first_level_find_nothing() -> None:
    place = Place()
    assert place.find("#") == place.find("+/broker/version") == {}


def test_who_listens_is_told_all_and_then_what_has_changed() -> None:
    place, ear = Place(), Ear()
    place.topics.join(ear, place.vhost)
    place.pass_s(9)
    assert ear.take() == {}
    place.pass_s(1)
    assert ear.take() == place.find("$SYS/#")
    place.pass_s(10)
    assert ear.take() == {"$SYS.broker.uptime": "20 seconds"}


def test_subscriptions_and_retained_messages_are_counted() -> None:
    place = Place()
    vhost = place.vhost
    for name in ("mqtt-subscription-aqos0", "mqtt-shared-g/a", "somebody's"):
        queue = vhost.declare_queue(QueueWish(name, False, False, 0, {}), 0)
        vhost.bind(vhost.exchanges["amq.topic"], queue, None, "a", {})
    message = Message(Origin("amq.topic", "t"), Plain().properties(0, True), b"x")
    retained_of(place.node).store.put(vhost, message)
    found = place.find("$SYS/#")
    assert found["$SYS.broker.subscriptions.count"] == "2"
    assert found["$SYS.broker.shared_subscriptions.count"] == "1"
    assert found["$SYS.broker.retained messages.count"] == "1"


def test_nothing_is_looked_up_while_nobody_listens() -> None:
    place, ear = Place(), Ear()
    assert len(place.node.timetable) == 0
    place.topics.join(ear, place.vhost)
    place.topics.join(ear, place.vhost)
    assert len(place.node.timetable) == 1
    place.topics.leave(ear)
    place.topics.leave(ear)
    place.pass_s(10)
    assert ear.take() == {}
    assert len(place.node.timetable) == 0


def test_those_of_a_deleted_vhost_are_told_nothing() -> None:
    place, ear, other = Place(), Ear(), Ear()
    place.topics.join(ear, place.vhost)
    place.topics.join(other, place.node.add_vhost("other"))
    place.node.delete_vhost("other")
    place.pass_s(10)
    assert other.take() == {}
    assert ear.take() != {}


def test_they_can_be_switched_off() -> None:
    place, ear = Place(0), Ear()
    place.topics.join(ear, place.vhost)
    assert place.find("$SYS/#") == {}
    assert len(place.node.timetable) == 0


def test_which_topics_are_ours() -> None:
    assert is_sys("$SYS") and is_sys("$SYS/broker/x") and is_sys("$SYS.x")
    assert not is_sys("$SYSTEM") and not is_sys("a/$SYS") and not is_sys("#")
