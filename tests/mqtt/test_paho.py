"""paho-mqtt against the broker: QoS, sessions that are kept, takeover, wills, in both versions."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tests.mqtt.conftest import until

import leveret

PATIENCE_S = 60


class Client:
    """A paho client whose callbacks end in queues."""

    def __init__(self, broker: leveret.Broker, client_id: str, version: int, **given: Any) -> None:
        self.broker = broker
        self.is_5 = version == paho.MQTTv5
        self.expiry = given.pop("expiry", 0)
        self.is_clean = given.pop("clean", True)
        if not self.is_5:
            given["clean_session"] = self.is_clean
        self.paho = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id, protocol=version, **given
        )
        self.paho.username_pw_set("guest", "guest")
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.connected: queue.Queue[tuple[int, bool]] = queue.Queue()
        self.gone: queue.Queue[int] = queue.Queue()
        self.granted: queue.Queue[list[int]] = queue.Queue()
        self.paho.on_message = lambda client, data, message: self.messages.put(message)
        self.paho.on_connect = self.on_connect
        self.paho.on_subscribe = lambda client, data, mid, codes, props: self.granted.put(
            [code.value for code in codes]
        )
        self.paho.on_disconnect = lambda client, data, flags, code, props: self.gone.put(code.value)

    def on_connect(self, client: Any, data: Any, flags: Any, code: Any, props: Any) -> None:
        self.connected.put((code.value, flags.session_present))

    def start(self) -> "Client":
        given: dict[str, Any] = {}
        if self.is_5:
            given["clean_start"] = self.is_clean
            given["properties"] = Properties(PacketTypes.CONNECT)
            given["properties"].SessionExpiryInterval = self.expiry
        self.paho.connect("127.0.0.1", self.broker.mqtt_port, 60, **given)
        self.paho.loop_start()
        code, self.is_session_present = self.connected.get(timeout=PATIENCE_S)
        assert code == 0
        return self

    def subscribe(self, topic: str, qos: int) -> list[int]:
        self.paho.subscribe(topic, qos)
        return self.granted.get(timeout=PATIENCE_S)

    def publish(self, topic: str, body: bytes, qos: int, retain: bool = False) -> None:
        info = self.paho.publish(topic, body, qos, retain)
        info.wait_for_publish(PATIENCE_S)
        assert info.is_published()

    def get(self) -> paho.MQTTMessage:
        return self.messages.get(timeout=PATIENCE_S)

    def stop(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def lose(self) -> None:
        """As if the cable was pulled."""
        self.paho.loop_stop()
        socket = self.paho.socket()
        assert socket is not None
        socket.close()


Join = Callable[..., Client]


@pytest.fixture
def paho_join(broker: leveret.Broker) -> Iterator[Join]:
    clients: list[Client] = []

    def joined(client_id: str, version: int, **given: Any) -> Client:
        clients.append(Client(broker, client_id, version, **given).start())
        return clients[-1]

    yield joined
    for client in clients:
        client.stop()


both = pytest.mark.parametrize("version", (paho.MQTTv311, paho.MQTTv5), ids=("3.1.1", "5.0"))


@both
@pytest.mark.parametrize("qos", (0, 1, 2))
def test_a_thousand_messages_come_in_order(paho_join: Join, version: int, qos: int) -> None:
    reader, writer = paho_join("paho-r", version), paho_join("paho-w", version)
    assert reader.subscribe("paho/#", qos) == [qos]
    infos = [writer.paho.publish(f"paho/{n % 7}", b"%d" % n, qos) for n in range(1000)]
    for info in infos:
        info.wait_for_publish(PATIENCE_S)
    got = [reader.get() for _ in range(1000)]
    assert [int(m.payload) for m in got] == list(range(1000))
    assert {m.qos for m in got} == {qos}
    assert {m.topic for m in got} == {f"paho/{n}" for n in range(7)}


@both
def test_mqtt_31_is_spoken_too(paho_join: Join, version: int) -> None:
    reader, writer = paho_join("old", paho.MQTTv31), paho_join("new", version)
    assert reader.subscribe("old", 1) == [1]
    writer.publish("old", b"x", 2)
    assert reader.get().payload == b"x"


@both
def test_a_session_is_kept_while_the_cable_is_out(
    broker: leveret.Broker, paho_join: Join, version: int
) -> None:
    given = {"clean": False, "expiry": 1000}
    reader = paho_join(f"kept-{version}", version, **given)
    assert not reader.is_session_present
    reader.subscribe("kept/#", 2)
    reader.lose()
    writer = paho_join("kept-w", version)
    for n in range(20):
        writer.publish("kept/x", b"%d" % n, n % 3)
    again = paho_join(f"kept-{version}", version, **given)
    assert again.is_session_present
    got = sorted(int(again.get().payload) for _ in range(20))
    assert got == list(range(20))


@both
def test_a_reconnecting_client_takes_over(paho_join: Join, version: int) -> None:
    first = paho_join(f"twice-{version}", version)
    # It would come back at once, and take over in its turn.
    first.paho.on_disconnect = lambda client, data, flags, code, props: (
        first.gone.put(code.value),
        client.disconnect(),
    )
    second = paho_join(f"twice-{version}", version)
    code = first.gone.get(timeout=PATIENCE_S)
    assert (code == 0x8E) == (version == paho.MQTTv5)
    second.subscribe("twice", 1)
    second.publish("twice", b"x", 1)
    assert second.get().payload == b"x"


@both
def test_a_will_is_published(paho_join: Join, version: int) -> None:
    reader = paho_join("will-r", version)
    reader.subscribe("will", 2)
    client = Client(reader.broker, "will-c", version)
    client.paho.will_set("will", b"gone", 1)
    client.start()
    client.lose()
    found = reader.get()
    assert (found.payload, found.qos) == (b"gone", 1)


def test_a_session_expires(broker: leveret.Broker, paho_join: Join) -> None:
    reader = paho_join("expires", paho.MQTTv5, clean=False, expiry=1)
    reader.subscribe("expires", 1)
    reader.stop()
    name = "mqtt-subscription-expiresqos1"
    until(lambda: broker.call(lambda node: name not in node.vhosts["/"].queues))
    assert not paho_join("expires", paho.MQTTv5, clean=False, expiry=1).is_session_present


def test_exactly_once_over_a_flapping_connection(paho_join: Join, broker: leveret.Broker) -> None:
    """Every message of QoS 2 comes, and comes once, though the broker cuts the client off."""
    count = 300
    reader = paho_join("flap-r", paho.MQTTv311, clean=False)
    writer = paho_join("flap-w", paho.MQTTv311, clean=False)
    for client in (reader, writer):
        client.paho.reconnect_delay_set(0, 1)
    reader.subscribe("flap", 2)
    for n in range(count):
        writer.paho.publish("flap", b"%d" % n, 2)
        if n % 30 == 0:
            broker.call(lambda node: cut(node, "flap-"))
    got = [int(reader.get().payload) for _ in range(count)]
    assert sorted(got) == list(range(count))
    writer.publish("flap", b"-1", 2)
    assert reader.get().payload == b"-1"


def cut(node: Any, prefix: str) -> None:
    for link in list(node.connections.by_id.values()):
        client_id = link.client_properties.get("client_id")
        if client_id is not None and str(client_id.value).startswith(prefix):
            link.shut("flapping")
