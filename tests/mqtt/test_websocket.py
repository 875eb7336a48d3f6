"""MQTT in a WebSocket, with packets by hand and with paho."""

import base64
import queue
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest
from tests.mqtt_wire import MqttWire
from tests.websocket_wire import WebSocketPipe
from websockets.exceptions import ConnectionClosed, InvalidStatus

import leveret


@pytest.fixture
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(mqtt=True, websockets=True, management=True) as broker:
        yield broker


class WebMqtt(MqttWire):
    """The raw client, carried."""

    def __init__(self, url: str, version: int = 4, **options: Any) -> None:
        host, _, port = url.partition("://")[2].partition("/")[0].rpartition(":")
        super().__init__(host, int(port), version)
        self.socket.close()
        pipe: Any = WebSocketPipe(url, options.pop("subprotocol", "mqtt"), **options)
        pipe.timeout = 60
        self.web = pipe.web
        self.socket = pipe


@pytest.mark.parametrize("version", [3, 4, 5])
def test_all_versions_are_carried(broker: leveret.Broker, version: int) -> None:
    subprotocol = "mqttv3.1" if version == 3 else "mqtt"
    with (
        WebMqtt(broker.web_mqtt_url, version, subprotocol=subprotocol) as there,
        MqttWire(port=broker.mqtt_port, version=version) as here,
    ):
        assert there.web.subprotocol == subprotocol
        assert there.connect("there").reason == 0
        assert here.connect("here").reason == 0
        assert there.subscribe("a/#", qos=1) == [1]
        here.publish("a/b", b"one", qos=1, packet_id=7)
        packet = there.read("PUBLISH")
        assert packet is not None
        assert (packet.topic, packet.body) == ("a/b", b"one")
        here.subscribe("c")
        there.publish("c", b"x" * 300_000)
        answer = here.read("PUBLISH")
        assert answer is not None and answer.body == b"x" * 300_000


def test_it_has_a_name_of_its_own_in_lists(broker: leveret.Broker) -> None:
    url = f"ws://127.0.0.1:{broker.management_port}/ws/mqtt"
    with WebMqtt(broker.web_mqtt_url, 4) as one, WebMqtt(url, 5) as two:
        one.connect("one")
        two.connect("two")
        names = broker.call(
            lambda node: [each.protocol for each in node.connections.by_id.values()]
        )
    assert sorted(names) == ["Web MQTT 3-1-1", "Web MQTT 5-0"]


def test_packets_may_be_cut_anywhere_and_come_together(broker: leveret.Broker) -> None:
    with WebMqtt(broker.web_mqtt_url) as there:
        there.connect("there")
        there.subscribe("a")
        packet = b"\x30\x05\x00\x01a" + b"hi"
        stream = packet * 40
        for at in range(0, len(stream), 5):
            there.web.send(stream[at : at + 5])
        for _ in range(40):
            got = there.read("PUBLISH")
            assert got is not None and got.body == b"hi"


def test_text_is_refused(broker: leveret.Broker) -> None:
    with WebMqtt(broker.web_mqtt_url) as there:
        there.web.send("text")
        with pytest.raises(ConnectionClosed):
            there.web.recv(60)
        assert there.web.close_code == 1003


def test_who_offers_no_subprotocol_is_told_which(broker: leveret.Broker) -> None:
    with pytest.raises(InvalidStatus) as caught:
        WebSocketPipe(broker.web_mqtt_url)
    assert caught.value.response.status_code == 400
    assert b"is the subprotocol mqtt" in caught.value.response.body


def test_http_may_say_who_a_client_is() -> None:
    settings: dict[str, object] = {"web_mqtt_use_http_auth": True}
    with leveret.Broker(websockets=True, settings=settings) as broker:
        with pytest.raises(InvalidStatus):
            WebMqtt(broker.web_mqtt_url)
        good, bad = (base64.b64encode(text).decode() for text in (b"guest:guest", b"guest:no"))
        with WebMqtt(
            broker.web_mqtt_url, additional_headers={"Authorization": f"Basic {good}"}
        ) as one:
            assert one.connect("a", user="nobody", password=b"x").reason == 0
        with WebMqtt(
            broker.web_mqtt_url, additional_headers={"Authorization": f"Basic {bad}"}
        ) as one:
            assert one.connect("a", user="guest", password=b"guest").reason != 0


def test_a_large_first_message_may_follow_connect_at_once(broker: leveret.Broker) -> None:
    with WebMqtt(broker.web_mqtt_url) as there, MqttWire(port=broker.mqtt_port) as here:
        here.connect("here")
        here.subscribe("big")
        connect = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05there"
        body = b"x" * 2_000_000
        rest = b"\x00\x03big" + body
        length = bytes([len(rest) & 127 | 128, len(rest) >> 7 & 127 | 128, len(rest) >> 14 & 127])
        there.web.send(connect)
        there.web.send(b"\x30" + (length[:2] + bytes([length[2]])) + rest)
        got = here.read("PUBLISH")
        assert got is not None and got.body == body


def test_paho_comes_over_a_websocket(broker: leveret.Broker) -> None:
    got: queue.Queue[bytes] = queue.Queue()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "paho", transport="websockets")
    client.ws_set_options(path="/ws")

    def subscribe(client: paho.Client, *_: Any) -> None:
        client.subscribe("t/#", qos=2)

    def begin(client: paho.Client, *_: Any) -> None:
        for number in range(100):
            client.publish("t/a", b"%d" % number, qos=number % 3)

    client.on_connect = subscribe
    client.on_subscribe = begin
    client.on_message = lambda client, data, message: got.put(message.payload)
    client.connect("127.0.0.1", broker.web_mqtt_port)
    client.loop_start()
    try:
        # Each quality of service has an order of its own.
        assert {got.get(timeout=60) for _ in range(100)} == {b"%d" % n for n in range(100)}
    finally:
        client.disconnect()
        client.loop_stop()
