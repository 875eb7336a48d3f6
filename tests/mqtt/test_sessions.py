"""leveret.mqtt.conversation: sessions that outlive connections, takeover, expiry, restarts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mqtt.conftest import Join, until
from tests.mqtt.test_delivery import send
from tests.mqtt_wire import MqttWire

import leveret
from leveret.auth.permissions import Permission
from leveret.broker.node import Node

KEPT = {"clean": False}


def kept(version: int) -> dict[str, object]:
    """What a session is asked for with that lasts, in each version."""
    return {"clean": False, "props": {"session_expiry": 1000}} if version == 5 else KEPT


@pytest.fixture
def client_id(request: pytest.FixtureRequest) -> str:
    """Nobody else's."""
    return request.node.name


def queues(broker: leveret.Broker) -> list[str]:
    return broker.call(lambda node: sorted(node.vhosts["/"].queues))


@pytest.mark.parametrize("version", (4, 5))
def test_messages_wait_for_a_session_that_is_kept(
    broker: leveret.Broker, join: Join, client_id: str, version: int
) -> None:
    reader, writer = join(client_id, version=version, **kept(version)), join("w")
    assert reader.subscribe("w/#", qos=1) == [1]
    reader.disconnect()
    for n in range(3):
        send(writer, "w/x", b"%d" % n, 1 + n % 2)
    again = MqttWire(port=broker.mqtt_port, version=version)
    found = again.connect(client_id, **kept(version))
    assert found.is_session_present
    assert [again.message().body for _ in range(3)] == [b"0", b"1", b"2"]
    again.close()


def test_a_clean_session_leaves_nothing(broker: leveret.Broker, join: Join) -> None:
    reader = join("clean")
    reader.subscribe("a", qos=0)
    reader.subscribe("b", qos=1)
    names = [f"mqtt-subscription-cleanqos{n}" for n in (0, 1)]
    assert set(names) <= set(queues(broker))
    reader.close()
    until(lambda: not set(names) & set(queues(broker)))


@pytest.mark.parametrize("version", (4, 5))
def test_a_clean_start_ends_the_session_before(
    broker: leveret.Broker, join: Join, client_id: str, version: int
) -> None:
    first = join(client_id, version=version, **kept(version))
    first.subscribe("a/#", qos=1)
    first.disconnect()
    second = join(client_id, version=version, clean=True)
    second.subscribe("b", qos=1)
    send(join("w"), "a/b", b"x", 1)
    assert second.messages_before_pong() == []
    second.disconnect()
    third = MqttWire(port=broker.mqtt_port, version=version)
    assert not third.connect(client_id, **kept(version)).is_session_present
    third.close()


def resend(reader: MqttWire, join: Join, client_id: str) -> MqttWire:
    """Lose the connection and come back."""
    reader.close()
    return join(client_id, clean=False)


def test_what_was_not_acknowledged_comes_again_with_the_same_identifiers(
    join: Join, client_id: str
) -> None:
    reader, writer = join(client_id, clean=False), join("w")
    reader.subscribe("t", qos=2)
    for n in range(4):
        send(writer, "t", b"%d" % n, 1 + n % 2)
    first = [reader.need("PUBLISH") for _ in range(4)]
    reader.ack("PUBACK", first[0].packet_id)
    reader.ping()
    reader = resend(reader, join, client_id)
    second = [reader.need("PUBLISH") for _ in range(3)]
    assert [(p.packet_id, p.body, p.qos) for p in second] == [
        (p.packet_id, p.body, p.qos) for p in first[1:]
    ]
    assert all(p.is_duplicate for p in second)
    assert reader.messages_before_pong() == []


def test_a_handshake_of_qos_2_goes_on_where_it_stopped(join: Join, client_id: str) -> None:
    reader, writer = join(client_id, clean=False), join("w")
    reader.subscribe("t", qos=2)
    send(writer, "t", b"x", 2)
    first = reader.need("PUBLISH")
    reader.ack("PUBREC", first.packet_id)
    assert reader.need("PUBREL").packet_id == first.packet_id
    for _ in range(2):
        # Nothing but the PUBREL comes again, until it is answered.
        reader = resend(reader, join, client_id)
        assert reader.need("PUBREL").packet_id == first.packet_id
        assert reader.messages_before_pong() == []
    reader.ack("PUBCOMP", first.packet_id)
    reader.ping()
    reader = resend(reader, join, client_id)
    reader.ping()
    assert reader.set_aside == []


def test_an_identifier_of_qos_2_is_remembered_over_connections(join: Join, client_id: str) -> None:
    reader = join("r")
    reader.subscribe("t", qos=1)
    writer = join(client_id, clean=False)
    for is_again in (False, True, True):
        writer.publish("t", b"x", qos=2, packet_id=9, dup=is_again)
        assert writer.need("PUBREC").packet_id == 9
        writer = resend(writer, join, client_id)
    writer.ack("PUBREL", 9)
    assert writer.need("PUBCOMP").packet_id == 9
    assert reader.message().body == b"x"
    assert reader.messages_before_pong() == []


def test_a_new_session_knows_no_old_identifiers(join: Join, client_id: str) -> None:
    reader = join("r")
    reader.subscribe("t", qos=1)
    for _ in range(2):
        writer = join(client_id)
        writer.publish("t", b"x", qos=2, packet_id=9)
        assert writer.need("PUBREC").packet_id == 9
        writer.close()
    assert [reader.message().body, reader.message().body] == [b"x", b"x"]


@pytest.mark.parametrize("version", (4, 5))
def test_the_same_client_takes_over(join: Join, client_id: str, version: int) -> None:
    first = join(client_id, version=version, **kept(version))
    first.subscribe("t", qos=1)
    second = join(client_id, version=version, **kept(version))
    if version == 5:
        assert first.need("DISCONNECT").reason == 0x8E
    assert first.read() is None
    send(join("w"), "t", b"x", 1)
    assert second.message().body == b"x"


def test_the_same_name_in_another_vhost_is_another_client(
    broker: leveret.Broker, join: Join, client_id: str
) -> None:
    broker.call(lambda node: node.add_vhost("other"))
    broker.call(grant_guest)
    first = join(client_id)
    second = join(client_id, user="other:guest", password="guest")
    first.ping()
    first.subscribe("t")
    send(second, "t", b"x", 0)
    second.ping()
    assert first.messages_before_pong() == []


def grant_guest(node: object) -> None:
    assert isinstance(node, Node)
    node.users.by_name["guest"].grant("other", Permission(".*", ".*", ".*"))


def test_a_session_expires(broker: leveret.Broker, join: Join, client_id: str) -> None:
    reader = join(client_id, version=5, clean=False, props={"session_expiry": 1})
    reader.subscribe("t", qos=1)
    name = f"mqtt-subscription-{client_id}qos1"
    assert name in queues(broker)
    reader.disconnect()
    until(lambda: name not in queues(broker))
    again = MqttWire(port=broker.mqtt_port, version=5)
    assert not again.connect(client_id, clean=False).is_session_present
    again.close()


def test_disconnect_may_change_when_a_session_expires(
    broker: leveret.Broker, join: Join, client_id: str
) -> None:
    name = f"mqtt-subscription-{client_id}qos1"
    reader = join(client_id, version=5, clean=False, props={"session_expiry": 1000})
    reader.subscribe("t", qos=1)
    assert expires_ms(broker, name) == 1_000_000
    reader.disconnect(0, {"session_expiry": 2000})
    assert expires_ms(broker, name) == 2_000_000
    reader = join(client_id, version=5, clean=False, props={"session_expiry": 3000})
    assert expires_ms(broker, name) == 3_000_000
    reader.disconnect(0, {"session_expiry": 0})
    until(lambda: name not in queues(broker))
    reader = join(client_id, version=5, clean=False)
    reader.send(b"\xe0\x07\x00\x05\x11\x00\x00\x00\x09")
    assert reader.need("DISCONNECT").reason == 0x82


def expires_ms(broker: leveret.Broker, name: str) -> object:
    return broker.call(lambda node: node.vhosts["/"].queues[name].arguments["x-expires"].value)


def test_subscriptions_keep_their_options(join: Join, client_id: str) -> None:
    given = {"clean": False, "props": {"session_expiry": 100}}
    reader = join(client_id, version=5, **given)
    reader.subscribe("t", qos=2, options=4 | 8, props={"subscription_identifier": 77})
    reader.disconnect()
    reader = join(client_id, version=5, **given)
    send(reader, "t", b"own", 1)
    send(join("w"), "t", b"x", 2)
    found = reader.message()
    assert (found.body, found.qos, found.props) == (b"x", 2, {"subscription_identifier": [77]})


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Callable[[], leveret.Broker]]:
    """Starts a broker on one folder, again and again."""
    brokers: list[leveret.Broker] = []

    def start() -> leveret.Broker:
        for broker in brokers:
            if broker.running:
                broker.stop()
        brokers.append(leveret.Broker(mqtt=True, data_dir=tmp_path / "data"))
        brokers[-1].start()
        return brokers[-1]

    yield start
    for broker in brokers:
        if broker.running:
            broker.stop()


@pytest.mark.parametrize("version", (4, 5))
def test_a_session_outlives_a_restart(lasting: Callable[[], leveret.Broker], version: int) -> None:
    broker = lasting()
    with MqttWire(port=broker.mqtt_port, version=version) as reader:
        assert reader.connect("r", **kept(version)).reason == 0
        assert reader.subscribe("t/#", qos=2) == [2]
        assert reader.subscribe("u", qos=1) == [1]
        assert reader.unsubscribe("u") == ([0] if version == 5 else [])
        reader.disconnect()
    with MqttWire(port=broker.mqtt_port, version=version) as writer:
        assert writer.connect("w").reason == 0
        for n in range(3):
            send(writer, "t/a", b"%d" % n, n)
        send(writer, "u", b"nobody's", 1)
    broker = lasting()
    with MqttWire(port=broker.mqtt_port, version=version) as reader:
        found = reader.connect("r", **kept(version))
        assert (found.reason, found.is_session_present) == (0, True)
        # QoS 0 promises nothing.
        got = [reader.message() for _ in range(2)]
        assert [(p.body, p.qos) for p in got] == [(b"1", 1), (b"2", 2)]
        with MqttWire(port=broker.mqtt_port) as writer:
            assert writer.connect("w").reason == 0
            send(writer, "t/b", b"new", 2)
        assert (reader.message().body, reader.messages_before_pong()) == (b"new", [])


def test_a_handshake_of_qos_2_outlives_a_restart(lasting: Callable[[], leveret.Broker]) -> None:
    broker = lasting()
    with MqttWire(port=broker.mqtt_port) as reader:
        assert reader.connect("r", **KEPT).reason == 0
        reader.subscribe("t", qos=2)
        send(reader, "t", b"x", 2)
        send(reader, "t", b"y", 2)
        first, second = reader.need("PUBLISH"), reader.need("PUBLISH")
        reader.ack("PUBREC", first.packet_id)
        assert reader.need("PUBREL").packet_id == first.packet_id
    for _ in range(2):
        # As it was after a crash, and after the checkpoint of an orderly end.
        broker = lasting()
        with MqttWire(port=broker.mqtt_port) as reader:
            assert reader.connect("r", **KEPT).is_session_present
            assert reader.need("PUBREL").packet_id == first.packet_id
            again = reader.need("PUBLISH")
            assert (again.packet_id, again.body) == (second.packet_id, b"y")
            assert again.is_duplicate
            assert reader.messages_before_pong() == []
    broker = lasting()
    with MqttWire(port=broker.mqtt_port) as reader:
        assert reader.connect("r", **KEPT).is_session_present
        reader.need("PUBREL")
        reader.ack("PUBCOMP", first.packet_id)
        assert reader.message().body == b"y"
    broker = lasting()
    with MqttWire(port=broker.mqtt_port) as reader:
        assert reader.connect("r", **KEPT).is_session_present
        reader.ping()
        assert reader.set_aside == []
