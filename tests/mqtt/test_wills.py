"""leveret.mqtt.wills: what is published for clients that are gone without a word."""

import pytest
from tests import mqtt_wire
from tests.fakes import new_node
from tests.mqtt_talk import MqttTalk

from leveret.auth.permissions import Permission
from leveret.broker.node import Node
from leveret.mqtt.state import clients_of

VERSIONS = (3, 4, 5)
WILL = {"will": ("w/t", b"gone")}


def watched() -> tuple[Node, MqttTalk]:
    node = new_node()
    reader = MqttTalk(node, 5).open("reader")
    reader.subscribe("w/#", qos=2)
    return node, reader


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", (0, 1, 2))
def test_a_will_is_published_when_the_client_is_gone(version: int, qos: int) -> None:
    node, reader = watched()
    client = MqttTalk(node, version).open("c", **WILL, will_qos=qos)
    assert reader.read() == []
    client.lose()
    (found,) = reader.read()
    assert (found.topic, found.body, found.qos) == ("w/t", b"gone", qos)


@pytest.mark.parametrize("version", VERSIONS)
def test_who_says_goodbye_leaves_no_will(version: int) -> None:
    node, reader = watched()
    client = MqttTalk(node, version).open("c", **WILL)
    client.feed(mqtt_wire.disconnect())
    client.lose()
    assert reader.read() == []


def test_unless_that_asks_for_it() -> None:
    node, reader = watched()
    client = MqttTalk(node, 5).open("c", **WILL)
    client.feed(mqtt_wire.disconnect(4))
    assert reader.bodies() == [b"gone"]


def test_silence_and_faults_count_too() -> None:
    node, reader = watched()
    client = MqttTalk(node).open("c", **WILL, keep_alive=1)
    client.pass_s(0)
    client.pass_s(2)
    assert reader.bodies() == [b"gone"]
    client = MqttTalk(node).open("c", **WILL)
    client.feed(b"\xff\0")
    assert reader.bodies() == [b"gone"]
    client = MqttTalk(node).open("c", **WILL)
    client.session.shut("admin")
    assert reader.bodies() == [b"gone"]


def test_takeover_counts_too() -> None:
    node, reader = watched()
    MqttTalk(node).open("c", **WILL)
    MqttTalk(node).open("c")
    assert reader.bodies() == [b"gone"]


def test_properties_of_a_will() -> None:
    node, reader = watched()
    props = {"content_type": "text/plain", "user": [("a", "b")], "message_expiry": 100}
    client = MqttTalk(node, 5).open("c", **WILL, will_props=props)
    client.lose()
    (found,) = reader.read()
    assert found.props == {
        "content_type": "text/plain",
        "user": [("a", "b")],
        "message_expiry": 100,
    }


def delayed(node: Node, delay: int = 10, expiry: int = 100) -> MqttTalk:
    props = {"session_expiry": expiry}
    return MqttTalk(node, 5).open("c", **WILL, will_props={"will_delay": delay}, props=props)


def test_a_will_may_wait() -> None:
    node, reader = watched()
    delayed(node).lose()
    reader.pass_s(9)
    assert reader.bodies() == []
    reader.pass_s(2)
    assert reader.bodies() == [b"gone"]
    reader.pass_s(200)
    assert reader.bodies() == []


def test_who_comes_back_in_time_is_not_gone() -> None:
    node, reader = watched()
    delayed(node).lose()
    reader.pass_s(9)
    again = MqttTalk(node, 5).open("c", clean=False, props={"session_expiry": 100})
    reader.pass_s(20)
    assert reader.bodies() == []
    again.feed(mqtt_wire.disconnect())
    reader.pass_s(20)
    assert reader.bodies() == []


def test_a_will_does_not_wait_longer_than_the_session() -> None:
    node, reader = watched()
    delayed(node, 100, 10).lose()
    reader.pass_s(11)
    assert reader.bodies() == [b"gone"]
    delayed(node, 100, 0).lose()
    assert reader.bodies() == [b"gone"]


def test_who_may_not_publish_it_leaves_none() -> None:
    node, reader = watched()
    user = node.users.by_name["guest"]
    client = MqttTalk(node).open("c", **WILL)
    user.grant("/", Permission(".*", "", ".*"))
    client.lose()
    assert reader.bodies() == []


def test_a_will_of_a_vhost_that_is_gone() -> None:
    node = new_node()
    node.add_vhost("v")
    node.users.by_name["guest"].grant("v", Permission(".*", ".*", ".*"))
    given = {"user": "v:guest", "password": "guest"}
    client = MqttTalk(node, 5).open("c", **WILL, **given, will_props={"will_delay": 5})
    node.delete_vhost("v")
    assert client.session.closed
    client.lose()
    client.pass_s(10)


def test_a_will_must_have_a_topic_that_can_be_published_to() -> None:
    node = new_node()
    assert MqttTalk(node, 5).connect("c", will=("t" * 256, b"")).reason == 0x90
    assert len(clients_of(node)) == 0


def test_who_is_refused_for_a_will_drives_nobody_out() -> None:
    node = new_node()
    first = MqttTalk(node, 5).open("c")
    assert MqttTalk(node, 5).connect("c", will=("t" * 256, b"")).reason == 0x90
    assert not first.session.closed


def test_who_was_not_let_in_leaves_none() -> None:
    node, reader = watched()
    MqttTalk(node).open("c", clean=False).subscribe("t", qos=1)
    user = node.users.by_name["guest"]
    user.grant("/", Permission(".*", ".*", "amq.topic"))
    client = MqttTalk(node, 5)
    assert client.connect("c", clean=False, **WILL).reason == 0x87
    client.lose()
    assert reader.bodies() == []
    assert "mqtt-subscription-cqos1" in node.vhosts["/"].queues
