"""leveret.mqtt.retained: the last message of each topic, for whoever subscribes later."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.broker.lives import Life
from tests.fakes import FakeClock, FakeRandom

from leveret.broker.message import Message, Origin
from leveret.broker.node import Node
from leveret.broker.vhost import VHost
from leveret.config.settings import Settings
from leveret.mqtt.convert import Plain, amqp_properties, is_retained, publish_qos
from leveret.mqtt.filters import matches, routing_key
from leveret.mqtt.properties import MESSAGE_EXPIRY, PropertyWriter, read_packet_properties
from leveret.mqtt.retained import Retained, RetainedStore, retained_of
from leveret.store.catalog import CommitWaiter

PLAIN = Plain()


class Waiter(CommitWaiter):
    def __init__(self) -> None:
        self.told = 0

    def on_committed(self, number: int) -> None:
        self.told += 1


class Place:
    """A node with its store."""

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.node = Node(Settings(**settings), self.clock, FakeRandom())
        self.vhost = self.node.vhosts["/"]
        self.store = retained_of(self.node).store

    def put(self, topic: str, body: bytes = b"x", expiry: int = -1) -> bool:
        properties = PLAIN.properties(1, True)
        if expiry >= 0:
            writer = PropertyWriter()
            writer.number(MESSAGE_EXPIRY, expiry)
            given = read_packet_properties(writer.octets(), 3)
            properties = amqp_properties(given, 1, True, self.clock.unix_s())
        origin = Origin("amq.topic", routing_key(topic))
        return self.store.put(self.vhost, Message(origin, properties, body))

    def find(self, topic_filter: str, vhost: VHost | None = None) -> dict[str, bytes]:
        found = self.store.find(vhost or self.vhost, topic_filter)
        return {each.origin.routing_key.replace(".", "/"): each.body for each in found}


def test_the_last_message_of_a_topic_is_kept() -> None:
    place = Place()
    assert place.put("a/b", b"1") and place.put("a/b", b"2") and place.put("a", b"3")
    assert place.find("a/b") == {"a/b": b"2"}
    assert place.store.count(place.vhost) == 2


def test_an_empty_message_clears_the_topic() -> None:
    place = Place()
    place.put("a/b")
    place.put("a/b/c")
    assert place.put("a/b", b"") and place.put("never/there", b"")
    assert place.find("#") == {"a/b/c": b"x"}
    assert place.put("a/b/c", b"")
    assert (place.find("#"), place.store.count(place.vhost)) == ({}, 0)


def test_wildcards_find_what_they_match() -> None:
    place = Place()
    for topic in ("a", "a/b", "a/c", "a/b/c", "/a", "$SYS/a", "$SYS/a/b", "d//e"):
        place.put(topic)
    assert set(place.find("a/+")) == {"a/b", "a/c"}
    assert set(place.find("a/#")) == {"a", "a/b", "a/c", "a/b/c"}
    assert set(place.find("+")) == {"a"}
    assert set(place.find("+/a")) == {"/a"}
    assert set(place.find("d/+/e")) == {"d//e"}
    assert set(place.find("#")) == {"a", "a/b", "a/c", "a/b/c", "/a", "d//e"}
    assert set(place.find("$SYS/#")) == {"$SYS/a", "$SYS/a/b"}
    assert set(place.find("$SYS/+/b")) == {"$SYS/a/b"}
    assert set(place.find("+/+/b")) == set()
    assert set(place.find("a/*")) == {"a/b", "a/c"}


def test_a_dot_is_a_slash() -> None:
    place = Place()
    place.put("a.b", b"1")
    place.put("a/b", b"2")
    assert place.find("a.+") == {"a/b": b"2"}


levels = st.lists(st.sampled_from(["a", "b", "", "$x"]), min_size=1, max_size=4)
wanted = st.lists(st.sampled_from(["a", "b", "", "$x", "+"]), max_size=4)


@given(
    st.lists(st.tuples(levels, st.booleans()), max_size=20), wanted, st.booleans(), st.booleans()
)
def test_the_trie_finds_what_a_look_at_each_finds(
    puts: list[tuple[list[str], bool]], filter_levels: list[str], more: bool, dots: bool
) -> None:
    place = Place()
    model: dict[str, bytes] = {}
    for number, (topic_levels, clears) in enumerate(puts):
        topic = "/".join(topic_levels)
        body = b"" if clears else b"%d" % number
        place.put(topic, body)
        model[topic] = body
        if clears:
            del model[topic]
    topic_filter = ("." if dots else "/").join([*filter_levels, *(["#"] if more else [])])
    if topic_filter:
        expected = {t: b for t, b in model.items() if matches(topic_filter, t)}
        assert place.find(topic_filter) == expected
    assert place.store.count(place.vhost) == len(model)


def test_each_vhost_has_its_own_and_they_go_with_it() -> None:
    place = Place(mqtt_retained_messages=2)
    other = place.node.add_vhost("other")
    place.put("a")
    assert place.find("#", other) == {}
    origin = Origin("amq.topic", "b")
    place.store.put(other, Message(origin, PLAIN.properties(0, True), b"y"))
    assert (place.store.count(place.vhost), place.store.count(other)) == (1, 1)
    assert not place.put("b")
    place.node.delete_vhost("other")
    assert place.put("b") and place.put("b", b"")
    again = place.node.add_vhost("other")
    assert (place.find("#", again), place.store.count(again)) == ({}, 0)
    assert place.find("#") == {"a": b"x"}


def test_there_may_be_so_many_and_no_more() -> None:
    place = Place(mqtt_retained_messages=2)
    assert place.put("a") and place.put("b")
    assert not place.put("c")
    assert place.put("b", b"new")
    assert place.put("a", b"") and place.put("c")
    assert set(place.find("#")) == {"b", "c"}


def test_they_may_take_so_much_and_no_more() -> None:
    place = Place(mqtt_retained_size=2000)
    assert place.put("a", b"x" * 1000)
    assert not place.put("b", b"x" * 1000)
    assert not place.put("a", b"x" * 2000)
    assert place.find("#") == {"a": b"x" * 1000}
    assert place.put("b", b"x" * 200)


def test_what_has_expired_is_not_found_and_makes_room() -> None:
    place = Place(mqtt_retained_messages=2)
    place.put("a", expiry=10)
    place.put("b", expiry=20)
    place.clock.pass_s(9)
    assert set(place.find("#")) == {"a", "b"}
    place.clock.pass_s(1)
    assert set(place.find("#")) == {"b"}
    assert place.put("c")
    assert set(place.find("#")) == {"b", "c"}
    assert not place.put("d")


def test_what_has_expired_goes_by_itself() -> None:
    place = Place()
    place.put("a", expiry=10)
    place.put("b", expiry=100)
    for _ in range(3):
        place.clock.pass_s(31)
        place.node.keep_time()
    assert place.store.count(place.vhost) == 1
    place.clock.pass_s(31)
    place.node.keep_time()
    assert place.store.count(place.vhost) == 0
    assert len(place.node.timetable) == 0


def test_a_message_that_replaces_one_that_expires_need_not_expire() -> None:
    place = Place()
    place.put("a", expiry=10)
    place.put("a", b"stays")
    place.clock.pass_s(40)
    place.node.keep_time()
    assert place.find("a") == {"a": b"stays"}


def test_without_a_store_nothing_is_kept() -> None:
    place = Place(mqtt_retained_store="none")
    assert place.put("a") and place.put("a", b"")
    assert (place.find("#"), place.store.count(place.vhost)) == ({}, 0)


class OneForAll(RetainedStore):
    """A store of somebody else's."""

    def __init__(self) -> None:
        super().__init__()
        self.last: list[Message] = []

    def put(self, vhost: VHost, message: Message) -> bool:
        self.last = [message]
        return True

    def find(self, vhost: VHost, topic_filter: str) -> list[Message]:
        return self.last

    def count(self, vhost: VHost) -> int:
        return len(self.last)


def test_the_store_can_be_replaced() -> None:
    place = Place()
    held: Retained = retained_of(place.node)
    held.store = OneForAll()
    place.store = retained_of(place.node).store
    place.put("a")
    assert place.find("b") == {"a": b"x"}


# --- across a restart ------------------------------------------------------------------------


def kept(life: Life, topic_filter: str = "#") -> dict[str, bytes]:
    found = retained_of(life.node).store.find(life.vhost, topic_filter)
    return {each.origin.routing_key: each.body for each in found}


def put(life: Life, key: str, body: bytes = b"x") -> bool:
    message = Message(Origin("amq.topic", key), PLAIN.properties(1, True), body)
    return retained_of(life.node).store.put(life.vhost, message)


def begun(folder: Path) -> Life:
    life = Life(folder)
    life.node.commits = life.storage
    return life


def test_they_are_there_after_a_restart(tmp_path: Path) -> None:
    life = begun(tmp_path)
    for key, body in (("a.b", bytes(range(256))), ("ü.$x", b"2"), ("gone", b"3"), ("a.b", b"4")):
        assert put(life, key, body)
    put(life, "gone", b"")
    life.end()
    again = begun(tmp_path)
    assert kept(again) == {"a.b": b"4", "ü.$x": b"2"}
    (message,) = retained_of(again.node).store.find(again.vhost, "a/b")
    assert (publish_qos(message.properties), is_retained(message.properties)) == (1, True)
    put(again, "a.b", b"")
    again.end()
    last = begun(tmp_path)
    assert kept(last) == {"ü.$x": b"2"}
    last.end()


def test_nobody_is_told_that_one_is_kept_before_it_is_on_the_disk(tmp_path: Path) -> None:
    life = begun(tmp_path)
    before = life.storage.change_count
    put(life, "a")
    assert life.storage.change_count > before
    waiter = Waiter()
    life.storage.wait_for_commit(waiter)
    life.storage.end_turn()
    assert waiter.told == 0
    life.worker.work()
    assert waiter.told == 1
    life.end()


def test_those_of_a_deleted_vhost_do_not_come_back(tmp_path: Path) -> None:
    life = begun(tmp_path)
    other = life.node.add_vhost("other")
    store = retained_of(life.node).store
    store.put(other, Message(Origin("amq.topic", "old"), PLAIN.properties(1, True), b"x"))
    life.node.delete_vhost("other")
    again = life.node.add_vhost("other")
    store.put(again, Message(Origin("amq.topic", "new"), PLAIN.properties(1, True), b"x"))
    life.end()
    after = begun(tmp_path)
    found = retained_of(after.node).store.find(after.node.vhosts["other"], "#")
    assert [each.origin.routing_key for each in found] == ["new"]
    after.end()


def test_those_in_memory_only_are_gone_after_a_restart(tmp_path: Path) -> None:
    life = Life(tmp_path)
    put(life, "a")
    assert kept(life) == {"a": b"x"}
    life.end()
    again = begun(tmp_path)
    assert kept(again) == {}
    again.end()


def test_what_makes_no_sense_in_the_catalog_is_passed_over(tmp_path: Path) -> None:
    life = begun(tmp_path)
    put(life, "good")
    life.catalog.put("retained", ("/", "bad"), {"body": "x"})
    life.catalog.put("retained", ("nowhere", "lost"), {"body": ""})
    life.end()
    again = begun(tmp_path)
    assert kept(again) == {"good": b"x"}
    again.end()


def test_of_what_changes_too_often_only_the_last_is_written(tmp_path: Path) -> None:
    """So that whoever publishes without waiting does not fill the memory."""
    life = begun(tmp_path)
    life.storage.end_turn()
    life.worker.work()
    before, owed = life.storage.change_count, life.catalog.owed
    properties = PLAIN.properties(0, True)
    store = retained_of(life.node).store
    store.put(life.vhost, Message(Origin("amq.topic", "a"), properties, b"first"))
    life.storage.end_turn()
    # The first is on its way to the disk.
    for number in range(100):
        store.put(life.vhost, Message(Origin("amq.topic", "a"), properties, b"%d" % number))
        life.storage.end_turn()
    assert life.catalog.owed == owed + 1
    assert not life.storage.is_idle
    life.worker.work()
    life.worker.work()
    assert [row[0] for row in life.catalog.rows("retained")] == [["/", "a"]]
    assert life.storage.change_count == before
    life.end()
    again = begun(tmp_path)
    assert kept(again) == {"a": b"99"}
    again.end()


def test_changes_wait_for_a_disk_that_fails(tmp_path: Path) -> None:
    life = begun(tmp_path)
    life.storage.end_turn()
    life.worker.work()
    owed = life.catalog.owed
    put(life, "a")
    life.catalog.is_failing = True
    for _ in range(3):
        life.storage.end_turn()
    assert life.catalog.owed == owed
    life.catalog.is_failing = False
    life.end()
    again = begun(tmp_path)
    assert kept(again) == {"a": b"x"}
    again.end()
