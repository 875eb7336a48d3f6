"""paho-mqtt against the broker: retained messages, groups, properties, aliases, $SYS topics."""

import queue
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from tests.mqtt.test_paho import PATIENCE_S, Client, Join, paho_join

import leveret

__all__ = ["paho_join"]
VERSIONS = (paho.MQTTv31, paho.MQTTv311, paho.MQTTv5)


@pytest.mark.parametrize("version", VERSIONS)
def test_retained_messages(paho_join: Join, version: int) -> None:
    top = f"paho/retained/{version}"
    writer = paho_join("w", version)
    writer.publish(f"{top}/a", b"1", 1, retain=True)
    writer.publish(f"{top}/b", b"2", 2, retain=True)
    writer.publish(f"{top}/b", b"", 1, retain=True)
    reader = paho_join("r", version)
    assert reader.subscribe(f"{top}/#", 2) == [2]
    message = reader.get()
    assert (message.topic, message.payload, message.qos, message.retain) == (
        *(f"{top}/a", b"1", 1),
        True,
    )
    writer.publish(f"{top}/c", b"3", 2, retain=True)
    message = reader.get()
    assert (message.topic, message.qos, message.retain) == (f"{top}/c", 2, False)


def publish_5(client: Client, topic: str, body: bytes, qos: int, **given: Any) -> None:
    properties = Properties(PacketTypes.PUBLISH)
    for name, value in given.items():
        setattr(properties, name, value)
    info = client.paho.publish(topic, body, qos, properties=properties)
    info.wait_for_publish(PATIENCE_S)
    assert info.is_published()


def test_request_and_response(paho_join: Join) -> None:
    server, client = paho_join("server", paho.MQTTv5), paho_join("client", paho.MQTTv5)
    server.subscribe("paho/requests", 1)
    client.subscribe("paho/answers/7", 1)
    publish_5(
        *(client, "paho/requests", b"1+1", 1),
        ResponseTopic="paho/answers/7",
        CorrelationData=b"\x00\x07",
        UserProperty=[("lang", "en"), ("who", "me"), ("lang", "de")],
        ContentType="text/plain",
        PayloadFormatIndicator=1,
        MessageExpiryInterval=60,
    )
    request = server.get()
    said = request.properties
    assert said.UserProperty == [("lang", "en"), ("who", "me"), ("lang", "de")]
    assert (said.ContentType, said.PayloadFormatIndicator) == ("text/plain", 1)
    assert 0 < said.MessageExpiryInterval <= 60
    publish_5(server, said.ResponseTopic, b"2", 1, CorrelationData=said.CorrelationData)
    answer = client.get()
    assert (answer.payload, answer.properties.CorrelationData) == (b"2", b"\x00\x07")


def test_a_group_shares_the_work(paho_join: Join) -> None:
    workers = [paho_join(f"worker{number}", paho.MQTTv5) for number in range(3)]
    for worker in workers:
        assert worker.subscribe("$share/paho/paho/tasks/+", 1) == [1]
    boss = paho_join("boss", paho.MQTTv5)
    sent = [b"%d" % number for number in range(60)]
    for number, body in enumerate(sent):
        boss.publish(f"paho/tasks/{number}", body, 1)
    got: list[bytes] = []
    while len(got) < len(sent):
        got += [body for worker in workers for body in drain(worker)]
    assert sorted(got) == sorted(sent)


def drain(client: Client) -> list[bytes]:
    """What has come so far, after a little while."""
    got: list[bytes] = []
    try:
        while True:
            got.append(client.messages.get(timeout=0.05).payload)
    except queue.Empty:
        return got


def test_aliases_both_ways(broker: leveret.Broker, paho_join: Join) -> None:
    writer = paho_join("w", paho.MQTTv5)
    reader = Client(broker, "r", paho.MQTTv5)
    properties = Properties(PacketTypes.CONNECT)
    properties.TopicAliasMaximum = 5
    reader.paho.connect("127.0.0.1", broker.mqtt_port, 60, properties=properties)
    reader.paho.loop_start()
    try:
        assert reader.connected.get(timeout=PATIENCE_S)[0] == 0
        reader.subscribe("paho/alias/+", 1)
        publish_5(writer, "paho/alias/long", b"1", 1, TopicAlias=3)
        publish_5(writer, "", b"2", 1, TopicAlias=3)
        first, second = reader.get(), reader.get()
        # paho leaves it to its users to remember.
        assert (first.topic, first.payload) == ("paho/alias/long", b"1")
        assert (second.topic, second.payload) == ("", b"2")
        assert first.properties.TopicAlias == second.properties.TopicAlias
    finally:
        reader.stop()


def test_subscription_options_and_identifiers(paho_join: Join) -> None:
    writer, reader = paho_join("w", paho.MQTTv5), paho_join("r", paho.MQTTv5)
    properties = Properties(PacketTypes.SUBSCRIBE)
    properties.SubscriptionIdentifier = 77
    options = SubscribeOptions(1, noLocal=True, retainAsPublished=True)
    reader.paho.subscribe("paho/options", options=options, properties=properties)
    assert reader.granted.get(timeout=PATIENCE_S) == [1]
    reader.publish("paho/options", b"own", 1)
    writer.publish("paho/options", b"other", 1, retain=True)
    message = reader.get()
    assert (message.payload, message.retain) == (b"other", True)
    assert message.properties.SubscriptionIdentifier == [77]
    assert reader.messages.empty()


@pytest.mark.parametrize("version", VERSIONS)
def test_sys_topics(paho_join: Join, version: int) -> None:
    client = paho_join("c", version)
    client.subscribe("$SYS/broker/uptime", 0)
    message = client.get()
    assert message.payload.endswith(b" seconds")
    assert message.retain
