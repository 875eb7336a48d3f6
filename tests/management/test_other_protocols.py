"""MQTT and STOMP, plain and in WebSockets, as the HTTP API and ctl show them."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.conftest import call
from tests.management.client import Client
from tests.mqtt.test_websocket import WebMqtt
from tests.mqtt_wire import MqttWire
from tests.stomp.test_websocket import LOGIN, Browser

import leveret


@pytest.fixture
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(mqtt=True, stomp=True, websockets=True, management=True) as broker:
        yield broker


@pytest.fixture
def client(broker: leveret.Broker) -> Client:
    return Client(broker.management_url)


def get(client: Client, path: str) -> Any:
    answer = client.ask("GET", path)
    assert answer.status == 200
    return answer.json


def test_the_listeners_have_rabbitmqs_names(broker: leveret.Broker, client: Client) -> None:
    there = {one["protocol"]: one["port"] for one in get(client, "/api/overview")["listeners"]}
    assert there == {
        "amqp": broker.port,
        "mqtt": broker.mqtt_port,
        "stomp": broker.stomp_port,
        "http/web-mqtt": broker.web_mqtt_port,
        "http/web-stomp": broker.web_stomp_port,
        "http": broker.management_port,
    }
    assert client.ask("GET", "/api/health/checks/protocol-listener/mqtt").status == 200
    assert client.ask("GET", f"/api/health/checks/port-listener/{broker.stomp_port}").status == 200


def test_connections_say_what_they_speak_and_who_they_are(
    broker: leveret.Broker, client: Client
) -> None:
    with (
        MqttWire(port=broker.mqtt_port, version=4) as plain,
        WebMqtt(broker.web_mqtt_url, 5) as web,
        Browser(broker.web_stomp_url) as browser,
    ):
        plain.connect("plain", keep_alive=30)
        web.connect("web")
        browser.open(**LOGIN)
        found = {one["protocol"]: one for one in get(client, "/api/connections")}
        assert set(found) == {"MQTT 3-1-1", "Web MQTT 5-0", "Web STOMP 1.2"}
        assert found["MQTT 3-1-1"]["client_properties"] == {
            "product": "MQTT client",
            "client_id": "plain",
        }
        assert found["MQTT 3-1-1"]["timeout"] == 30
        assert found["Web MQTT 5-0"]["channels"] == 0
        assert found["Web STOMP 1.2"]["client_properties"]["product"] == "STOMP client"
        assert found["Web STOMP 1.2"]["channels"] == 1
        where = {"port": broker.web_stomp_port, "vhost": "/", "user": "guest", "state": "running"}
        assert where.items() <= found["Web STOMP 1.2"].items()
        assert get(client, "/api/overview")["object_totals"]["connections"] == 3


def test_a_consumer_without_a_channel_tells_of_its_connection(
    broker: leveret.Broker, client: Client
) -> None:
    with WebMqtt(broker.web_mqtt_url) as reader:
        reader.connect("reader")
        reader.subscribe("a/b", qos=1)
        reader.publish("a/b", b"x", qos=1, packet_id=1)
        assert reader.read("PUBLISH") is not None
        (link,) = get(client, "/api/connections")
        (consumer,) = get(client, "/api/consumers")
        details = consumer["channel_details"]
        assert details["connection_name"] == link["name"]
        assert "name" not in details
        (queue,) = get(client, "/api/queues/%2F")
        shown = get(client, f"/api/queues/%2F/{queue['name']}")
        assert shown["consumer_details"][0]["channel_details"] == details
        for delivery in shown["deliveries"]:
            assert delivery["channel_details"] == {"connection_name": link["name"]}
        assert get(client, "/api/channels") == []


def test_a_connection_is_closed_through_the_api(broker: leveret.Broker, client: Client) -> None:
    with WebMqtt(broker.web_mqtt_url, 5) as one:
        one.connect("one")
        (link,) = get(client, "/api/connections")
        name = link["name"].replace(" ", "%20").replace(">", "%3E")
        assert client.ask("DELETE", f"/api/connections/{name}").status == 204
        packet = one.read("DISCONNECT")
        assert packet is not None and packet.reason == 0x98


@pytest.mark.parametrize("name", ["mqtt", "web_mqtt", "stomp", "web_stomp"])
def test_ctl_lists_those_of_one_protocol(
    broker: leveret.Broker, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERET_URL", broker.management_url)
    with (
        MqttWire(port=broker.mqtt_port) as plain,
        WebMqtt(broker.web_mqtt_url) as web,
        Browser(broker.web_stomp_url) as browser,
    ):
        plain.connect("plain")
        web.connect("web")
        browser.open(**LOGIN)
        columns = ["client_id", "protocol"] if "mqtt" in name else ["user", "protocol"]
        listed = call(f"list_{name}_connections", "-s", *columns)
    assert (
        listed.lines
        == {
            "mqtt": ["plain\tMQTT 3-1-1"],
            "web_mqtt": ["web\tWeb MQTT 3-1-1"],
            "stomp": [],
            "web_stomp": ["guest\tWeb STOMP 1.2"],
        }[name]
    )


def test_metrics_tell_the_protocols_apart() -> None:
    settings: dict[str, object] = {"prometheus_listen": []}
    with (
        leveret.Broker(mqtt=True, stomp=True, websockets=True, settings=settings) as broker,
        WebMqtt(broker.web_mqtt_url, 5) as device,
        Browser(broker.web_stomp_url) as browser,
    ):
        device.connect("device")
        device.subscribe("a/#", qos=1)
        browser.open(**LOGIN)
        browser.send("SUBSCRIBE", destination="/queue/q", id="0")
        browser.send("SEND", "x", destination="/topic/a.b")
        assert device.read("PUBLISH") is not None
        device.publish("a", b"y", qos=1, packet_id=1)
        assert device.read("PUBLISH") is not None
        text = Client(metrics_url(broker)).ask("GET", "/metrics").octets.decode()
    lines = set(text.splitlines())
    assert {
        "rabbitmq_connections 2",
        "rabbitmq_channels 1",
        "rabbitmq_consumers 2",
        'rabbitmq_auth_attempts_succeeded_total{protocol="mqtt50"} 1',
        'rabbitmq_auth_attempts_succeeded_total{protocol="stomp"} 1',
        'rabbitmq_global_consumers{protocol="mqtt50"} 1',
        'rabbitmq_global_consumers{protocol="stomp12"} 1',
        'rabbitmq_global_publishers{protocol="mqtt50"} 1',
        'rabbitmq_global_publishers{protocol="stomp12"} 1',
    } <= lines


def metrics_url(broker: leveret.Broker) -> str:
    """Where Prometheus finds them: embedded brokers do not say."""
    place = broker.call(
        lambda node: next(one for one in node.places if one.protocol == "http/prometheus")
    )
    return f"http://127.0.0.1:{place.port}"


def test_ctl_says_what_the_listeners_are_for(
    broker: leveret.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERET_URL", broker.management_url)
    listed = call("listeners").out
    for protocol, port, purpose in (
        ("mqtt", broker.mqtt_port, "MQTT"),
        ("stomp", broker.stomp_port, "STOMP"),
        ("http/web-mqtt", broker.web_mqtt_port, "MQTT over WebSockets"),
        ("http/web-stomp", broker.web_stomp_port, "STOMP over WebSockets"),
    ):
        assert f"port: {port}, protocol: {protocol}, purpose: {purpose}\n" in f"{listed}\n"
