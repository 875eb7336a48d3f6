"""STOMP in a WebSocket, as browsers speak it: one frame in each message."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import leveret


@pytest.fixture
def broker() -> Iterator[leveret.Broker]:
    with leveret.Broker(stomp=True, websockets=True, management=True) as broker:
        yield broker


class Browser:
    """A client with frames for messages."""

    def __init__(self, url: str, subprotocol: str = "v12.stomp", **options: Any) -> None:
        names: Any = [subprotocol] if subprotocol else None
        options.setdefault("proxy", None)
        self.web = connect(url, subprotocols=names, legacy=True, open_timeout=60, **options)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()

    def send(self, command: str, body: str = "", **headers: str) -> None:
        lines = [command, *[f"{name.replace('_', '-')}:{text}" for name, text in headers.items()]]
        self.web.send("\n".join(lines) + f"\n\n{body}\0")

    def receive(self) -> str | bytes:
        while True:
            data = self.web.recv(60)
            if data not in ("\n", b"\n"):
                return data

    def open(self, **headers: str) -> str:
        self.send("CONNECT", accept_version="1.2", host="/", **headers)
        reply = self.receive()
        assert isinstance(reply, str)
        return reply


LOGIN = {"login": "guest", "passcode": "guest"}


def test_messages_come_one_by_one_and_as_text(broker: leveret.Broker) -> None:
    with Browser(broker.web_stomp_url) as browser:
        assert browser.web.subprotocol == "v12.stomp"
        assert browser.open(**LOGIN).startswith("CONNECTED\n")
        browser.send("SUBSCRIBE", destination="/queue/q", id="a", receipt="there")
        assert "receipt-id:there" in str(browser.receive())
        # Several frames in one message are fine on the way in.
        browser.web.send("".join(f"SEND\ndestination:/queue/q\n\nn{n}\0" for n in range(20)))
        for number in range(20):
            frame = browser.receive()
            assert isinstance(frame, str)
            assert frame.startswith("MESSAGE\n")
            assert frame.rstrip("\n").endswith(f"\n\nn{number}\0")


def test_what_is_no_text_comes_as_octets(broker: leveret.Broker) -> None:
    with Browser(broker.web_stomp_url) as browser:
        browser.open(**LOGIN)
        browser.send("SUBSCRIBE", destination="/queue/q", id="a")
        browser.web.send(b"SEND\ndestination:/queue/q\ncontent-length:2\n\n\xff\x00\x00")
        frame = browser.receive()
        assert isinstance(frame, bytes)
        assert frame.rstrip(b"\n").endswith(b"\n\n\xff\x00\x00")


def test_all_frames_come_as_octets_where_that_is_set() -> None:
    settings: dict[str, object] = {"web_stomp_ws_frame": "binary"}
    with (
        leveret.Broker(websockets=True, settings=settings) as broker,
        Browser(broker.web_stomp_url, "") as browser,
    ):
        browser.send("CONNECT", accept_version="1.2", host="/", **LOGIN)
        frame = browser.receive()
        assert isinstance(frame, bytes) and frame.startswith(b"CONNECTED\n")


def test_it_is_at_the_port_of_the_http_api_too(broker: leveret.Broker) -> None:
    url = f"ws://127.0.0.1:{broker.management_port}/ws/stomp"
    with Browser(url) as browser:
        assert browser.open(**LOGIN).startswith("CONNECTED\n")
        links = broker.call(lambda node: [one.protocol for one in node.connections.by_id.values()])
        assert links == ["Web STOMP 1.2"]


def test_a_fault_is_told_and_ends_the_websocket(broker: leveret.Broker) -> None:
    with Browser(broker.web_stomp_url) as browser:
        browser.open(**LOGIN)
        browser.send("SEND")
        frame = browser.receive()
        assert isinstance(frame, str) and frame.startswith("ERROR\n")
        with pytest.raises(ConnectionClosed):
            browser.receive()


def test_http_may_say_who_a_client_is() -> None:
    settings: dict[str, object] = {"web_stomp_use_http_auth": True}
    with leveret.Broker(websockets=True, settings=settings) as broker:
        with pytest.raises(InvalidStatus):
            Browser(broker.web_stomp_url)
        credentials = base64.b64encode(b"guest:guest").decode()
        headers = {"Authorization": f"Basic {credentials}"}
        with Browser(broker.web_stomp_url, additional_headers=headers) as browser:
            # What the frame says does not count.
            assert browser.open(login="x", passcode="y").startswith("CONNECTED\n")
        wrong = {"Authorization": f"Basic {base64.b64encode(b'guest:no').decode()}"}
        with Browser(broker.web_stomp_url, additional_headers=wrong) as browser:
            assert browser.open(**LOGIN).startswith("ERROR\n")
