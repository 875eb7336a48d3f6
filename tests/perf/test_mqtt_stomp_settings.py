"""leveret.perf.mqtt.settings, leveret.perf.stomp.settings and their addresses"""

from typing import TypeVar

import pytest

from leveret.perf.address import MQTT, STOMP, read_address
from leveret.perf.faults import BadSetting
from leveret.perf.mqtt.settings import MqttSettings
from leveret.perf.settings import Settings
from leveret.perf.stomp.settings import StompSettings

S = TypeVar("S", bound=Settings)


def changed(made: S, **values: object) -> S:
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"topics": 0}, "--topics"),
        ({"qos": "1", "inflight": 0}, "--inflight"),
        ({"qos": "1", "inflight": 65536}, "--inflight"),
        ({"publishers": 0}, "--topic"),
        ({"topic": "a/#"}, "wildcards"),
        ({"protocol": "3.1", "client_id": "a" * 17}, "--client-id"),
        ({"publishers": 0, "consumers": 0}, "no subscribers"),
        ({"verify": True, "consumers": 0}, "needs subscribers"),
        ({"verify": True, "size": 15}, "--size 16"),
        ({"under_way": 5, "consumers": 0}, "--under-way"),
    ],
    ids=str,
)
def test_what_mqtt_cannot_do_is_refused(values: dict[str, object], word: str) -> None:
    with pytest.raises(BadSetting, match=word):
        changed(MqttSettings(), **values).check()


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"destinations": 0}, "--destinations"),
        ({"ack_every": 0}, "--ack-every"),
        ({"ack_every": 5}, "--ack client"),
        ({"ack_every": 5, "ack": "client-individual"}, "--ack client"),
        ({"ack_every": 5, "ack": "client", "prefetch": 4}, "wait for ever"),
        ({"topic": True, "destination": "/queue/a"}, "--topic"),
        ({"publishers": 0}, "--destination"),
        ({"warmup": 20.0}, "--warmup"),
    ],
    ids=str,
)
def test_what_stomp_cannot_do_is_refused(values: dict[str, object], word: str) -> None:
    with pytest.raises(BadSetting, match=word):
        changed(StompSettings(), **values).check()


def test_who_shares_and_who_gets_copies() -> None:
    assert changed(MqttSettings(), consumers=5).fan == 5
    assert changed(MqttSettings(), consumers=5, shared=True).fan == 1
    assert changed(StompSettings(), consumers=5).fan == 1
    assert changed(StompSettings(), consumers=5, topic=True).fan == 5
    assert changed(StompSettings(), consumers=5, destination="/topic/a").fan == 5
    assert changed(StompSettings(), consumers=5, destination="/amq/queue/a").fan == 1


def test_answers_come_from_qos_1_on() -> None:
    assert changed(MqttSettings(), inflight=7).window == 0
    assert changed(MqttSettings(), inflight=7, qos="1").window == 7


def test_urls_are_taken_apart() -> None:
    somebody = read_address("mqtt://u:p%40@h", MQTT)
    assert (somebody.user, somebody.password, somebody.port) == ("u", "p@", 1883)
    assert (somebody.names_vhost, read_address("mqtt://h/v", MQTT).vhost) == (False, "v")
    nobody = read_address("mqtts://h", MQTT)
    assert (nobody.user, nobody.password, nobody.port, nobody.secure) == ("", "", 8883, True)
    guest = read_address("stomp://h", STOMP)
    assert (guest.user, guest.password, guest.port, guest.vhost) == ("guest", "guest", 61613, "/")
    assert read_address("stomps://h", STOMP).port == 61614


@pytest.mark.parametrize("url", ["amqp://h", "h:1883", ""])
def test_a_url_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="should look like mqtt://"):
        read_address(url, MQTT)
