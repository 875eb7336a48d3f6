"""WebSockets beside those of a real RabbitMQ: what a browser gets for what it sends."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.mqtt_wire import connect as mqtt_connect
from tests.oracle import Oracle, free_port, missing
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import leveret

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

LOGIN = "CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0"
SUBSCRIBE = "SUBSCRIBE\nid:0\ndestination:/queue/q{}\nauto-delete:true\n\n\0"
SEND = "SEND\ndestination:/queue/q{}\n\nm{}\0"
Place = tuple[str, str]
# What no two brokers have in common.
OWN = (r"session-[\w-]+", r"RabbitMQ/[\d.]+")


@pytest.fixture(scope="module")
def places() -> Iterator[list[Place]]:
    """Where MQTT and STOMP are: RabbitMQ's, and ours."""
    web_mqtt, web_stomp = free_port(), free_port()
    lines = (
        f"web_mqtt.tcp.port = {web_mqtt}",
        f"web_stomp.tcp.port = {web_stomp}",
        f"mqtt.listeners.tcp.default = {free_port()}",
        f"stomp.listeners.tcp.default = {free_port()}",
    )
    plugins = ("rabbitmq_web_mqtt", "rabbitmq_web_stomp")
    with Oracle(settings=lines, plugins=plugins) as oracle, leveret.Broker(websockets=True) as ours:
        if len(oracle.plugins) < len(plugins):
            pytest.skip("needs RabbitMQ's plugins for WebSockets")
        yield [
            (f"ws://127.0.0.1:{web_mqtt}/ws", f"ws://127.0.0.1:{web_stomp}/ws"),
            (ours.web_mqtt_url, ours.web_stomp_url),
        ]


def opened(url: str, *subprotocols: str) -> Any:
    names: Any = list(subprotocols) or None
    return connect(url, subprotocols=names, legacy=True, proxy=None, open_timeout=60)


def bare(data: str | bytes) -> str | bytes:
    """Without what is each broker's own."""
    if isinstance(data, bytes):
        return data
    for pattern in OWN:
        data = re.sub(pattern, "…", data)
    return data


def heard(web: Any, count: int) -> list[str | bytes]:
    return [bare(web.recv(60)) for _ in range(count)]


def both(places: list[Place], story: Any) -> None:
    """The story goes the same way with both."""
    theirs, ours = [story(*place) for place in places]
    assert ours == theirs


@pytest.mark.parametrize(
    "offers",
    [
        (),
        ("v12.stomp",),
        ("v10.stomp", "v12.stomp"),
        ("v11.stomp", "v10.stomp"),
        ("x", "v11.stomp"),
    ],
)
def test_the_same_version_of_stomp_is_taken(places: list[Place], offers: tuple[str, ...]) -> None:
    def story(_: str, stomp: str) -> str | None:
        with opened(stomp, *offers) as web:
            return str(web.subprotocol)

    both(places, story)


def test_each_frame_is_a_message_of_text(places: list[Place]) -> None:
    def story(_: str, stomp: str) -> list[str | bytes]:
        with opened(stomp, "v12.stomp") as web:
            web.send(LOGIN)
            web.send(SUBSCRIBE.format("a") + "".join(SEND.format("a", n) for n in range(5)))
            return heard(web, 6)

    both(places, story)


def test_octets_and_fragments_are_taken_too(places: list[Place]) -> None:
    def story(_: str, stomp: str) -> list[str | bytes]:
        with opened(stomp, "v12.stomp") as web:
            web.send([LOGIN[:10], LOGIN[10:20], LOGIN[20:]])
            web.send(SUBSCRIBE.format("b").encode())
            web.send(SEND.format("b", 0).encode()[:9])
            web.send(SEND.format("b", 0)[9:])
            return heard(web, 2)

    both(places, story)


def test_a_heart_beat_is_a_message(places: list[Place]) -> None:
    def story(_: str, stomp: str) -> list[str | bytes]:
        with opened(stomp, "v12.stomp") as web:
            web.send(LOGIN.replace("\n\n", "\nheart-beat:0,1000\n\n"))
            return heard(web, 3)

    both(places, story)


def test_an_error_is_told_before_the_end(places: list[Place]) -> None:
    def story(_: str, stomp: str) -> list[str | bytes]:
        with opened(stomp, "v12.stomp") as web:
            web.send(LOGIN)
            web.send("NONSENSE\n\n\0")
            return heard(web, 2)

    both(places, story)


def test_mqtt_is_binary_and_ends_when_its_client_says_so(places: list[Place]) -> None:
    def story(mqtt: str, _: str) -> list[Any]:
        with opened(mqtt, "mqtt") as web:
            web.send(mqtt_connect("a", 4, user="guest", password="guest"))
            found: list[Any] = [web.subprotocol, *heard(web, 1)]
            web.send(b"\xe0\x00")
            with pytest.raises(ConnectionClosed):
                web.recv(60)
            return [*found, web.close_code]

    both(places, story)


def test_another_path_is_not_found(places: list[Place]) -> None:
    def story(mqtt: str, stomp: str) -> list[int]:
        statuses: list[int] = []
        for url, name in ((mqtt, "mqtt"), (stomp, "v12.stomp")):
            opened(f"{url}/", name).close()
            with pytest.raises(InvalidStatus) as caught:
                opened(f"{url}x", name)
            statuses.append(caught.value.response.status_code)
        return statuses

    both(places, story)
