"""leveret.net.websocket: octets in, octets out, with a client that does no I/O either."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import SECOND_NS
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from leveret.config.settings import Settings
from leveret.net.carrier import Carrier, Upgrade

URL = "ws://broker.example:15675/ws"
Request = dict[str, str]


def upgrade(**settings: object) -> Upgrade:
    made = Upgrade(Settings(**settings), "MQTT", "/ws", ["mqtt", "mqttv3.1"])
    made.must_name = True
    return made


def stomp(**settings: object) -> Upgrade:
    made = Upgrade(Settings(**settings), "STOMP", "/ws", ["v12.stomp", "v11.stomp"])
    made.has_messages = made.is_text = made.takes_text = True
    return made


class Client:
    """The other side of a carrier."""

    def __init__(
        self,
        asks: Upgrade,
        subprotocols: list[str] | None = None,
        headers: dict[str, str] | None = None,
        url: str = URL,
        compresses: bool = False,
    ) -> None:
        self.carrier: Carrier = asks.carrier(0)
        offers: Any = ["mqtt"] if subprotocols is None else subprotocols
        extensions = [ClientPerMessageDeflateFactory()] if compresses else None
        self.protocol: Any = ClientProtocol(
            parse_uri(url), subprotocols=offers or None, extensions=extensions, max_size=None
        )
        request = self.protocol.connect()
        request.headers.update(headers or {})
        self.protocol.send_request(request)
        self.rest = self.carrier.handshake(b"".join(self.protocol.data_to_send()))
        self.response = self.hear()[0]

    def hear(self) -> list[Any]:
        self.protocol.receive_data(self.carrier.take_output())
        return list(self.protocol.events_received())

    def say(self, octets: bytes) -> bytes:
        """Octets as they are on the wire; what they carry."""
        return self.carrier.unwrap(octets)

    def send(self, data: bytes, opcode: Opcode = Opcode.BINARY, fin: bool = True) -> bytes:
        """One frame; what it carries."""
        return self.say(Frame(opcode, data, fin).serialize(mask=True))

    def frames(self, parts: list[bytes]) -> list[tuple[Opcode, bytes]]:
        """The frames that carry ``parts``."""
        self.protocol.receive_data(b"".join(self.carrier.wrap(parts)))
        return [(frame.opcode, bytes(frame.data)) for frame in self.protocol.events_received()]

    def closed_with(self) -> tuple[int, str]:
        """Why the carrier has ended it."""
        (frame,) = [one for one in self.hear() if one.opcode is Opcode.CLOSE]
        return int.from_bytes(frame.data[:2], "big"), frame.data[2:].decode()


def said(client: Client) -> tuple[int, str]:
    """Status and sentence of a refusal."""
    return client.response.status_code, client.response.body.decode().rstrip("\n")


# --- the handshake -----------------------------------------------------------------------------


def test_who_offers_the_subprotocol_comes_in() -> None:
    client = Client(upgrade())
    assert client.response.status_code == 101
    assert client.response.headers["Sec-WebSocket-Protocol"] == "mqtt"
    assert client.carrier.is_open
    assert client.protocol.handshake_exc is None


def test_the_best_offer_that_is_known_is_taken() -> None:
    assert Client(upgrade(), ["x", "mqttv3.1", "mqtt"]).protocol.subprotocol == "mqtt"
    assert Client(stomp(), ["x", "v11.stomp", "v12.stomp"]).protocol.subprotocol == "v12.stomp"
    assert Client(stomp(), ["v11.stomp", "x"]).protocol.subprotocol == "v11.stomp"


def test_a_handshake_may_come_octet_by_octet() -> None:
    protocol: Any = ClientProtocol(parse_uri(URL), subprotocols=["mqtt"])  # type: ignore[list-item]
    protocol.send_request(protocol.connect())
    carrier = upgrade().carrier(0)
    assert not carrier.has_begun
    for octet in b"".join(protocol.data_to_send()):
        assert not carrier.is_open
        assert carrier.handshake(bytes([octet])) == b""
    assert carrier.is_open and carrier.has_begun


def test_no_offer_is_fine_where_the_subprotocol_need_not_be_named() -> None:
    client = Client(stomp(), [])
    assert client.response.status_code == 101
    assert "Sec-WebSocket-Protocol" not in client.response.headers
    sentence = "MQTT over WebSockets is the subprotocol mqtt or mqttv3.1: offer it."
    assert said(Client(upgrade(), [])) == (400, sentence)
    assert said(Client(upgrade(), ["amqp"])) == (400, sentence)
    assert said(Client(stomp(), ["amqp"]))[0] == 400


@pytest.mark.parametrize("path", ["/", "/ws/x", "/mqtt", "/%2Fws", "/ws%0A"])
def test_another_path_is_told_the_right_one(path: str) -> None:
    client = Client(upgrade(), url=f"ws://broker.example{path}")
    status, sentence = said(client)
    assert status == 404
    assert sentence.startswith("There is nothing at '/")
    assert sentence.endswith("': MQTT over WebSockets is at /ws.")
    assert client.carrier.is_over and client.carrier.fault == sentence
    assert "\n" not in sentence


def test_neither_a_query_nor_a_slash_at_the_end_counts() -> None:
    assert Client(upgrade(), url=f"{URL}/").response.status_code == 101
    assert Client(upgrade(), url=f"{URL}?a=b").response.status_code == 101


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /ws HTTP/1.1", [], 426),
        ("POST /ws HTTP/1.1", ["Upgrade: websocket", "Connection: Upgrade"], 405),
        ("GET /ws HTTP/1.1", ["Upgrade: h2c", "Connection: Upgrade"], 426),
        (
            "GET /ws HTTP/1.1",
            ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Protocol: mqtt"],
            400,
        ),
    ],
)
def test_what_is_no_upgrade_is_told_so(request_line: str, headers: list[str], status: int) -> None:
    asks = upgrade()
    asks.must_name = False
    carrier = asks.carrier(0)
    lines = [request_line, "Host: broker.example", *headers, "", ""]
    carrier.handshake("\r\n".join(lines).encode())
    answer = carrier.take_output().decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "Failed to open a WebSocket connection: " in answer
    assert carrier.is_over and not carrier.is_open
    assert carrier.fault.startswith("that opens no WebSocket: ")


@pytest.mark.parametrize("octets", [b"AMQP\x00\x00\x09\x01\r\n\r\n", b"\xff" * 9000, b"GET\n\n"])
def test_what_is_no_http_ends_it(octets: bytes) -> None:
    carrier = upgrade().carrier(0)
    carrier.handshake(octets)
    assert carrier.is_over and not carrier.is_open
    assert carrier.fault.startswith("that is no request of HTTP: ")
    assert carrier.fault.isprintable()


# --- who may come ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "allowed", "status"),
    [
        ("https://broker.example", [], 101),
        ("http://broker.example:3000", [], 101),
        ("https://other.example", [], 403),
        ("https://broker.example.evil.example", [], 403),
        ("null", [], 403),
        ("null", ["null"], 101),
        ("https://other.example", ["https://other.example"], 101),
        ("https://other.example:8443", ["https://other.example"], 403),
        ("https://other.example", ["*"], 101),
    ],
)
def test_pages_of_other_hosts_come_only_when_they_are_listed(
    origin: str, allowed: list[str], status: int
) -> None:
    client = Client(upgrade(web_allowed_origins=allowed), headers={"Origin": origin})
    assert client.response.status_code == status
    if status == 403:
        assert said(client)[1] == (
            f"Pages of {origin!r} may not come here: list it in web_allowed_origins if they may."
        )


def test_at_a_port_with_pages_of_its_own_only_those_come() -> None:
    asks = upgrade()
    asks.is_own = True
    same, other = "http://broker.example:15675", "http://broker.example:3000"
    assert Client(asks, headers={"Origin": same}).response.status_code == 101
    assert Client(asks, headers={"Origin": other}).response.status_code == 403
    assert Client(asks).response.status_code == 101


def test_an_address_of_ipv6_is_a_host_like_others() -> None:
    where, origin = "ws://[::1]:15675/ws", "http://[::1]:3000"
    assert Client(upgrade(), url=where, headers={"Origin": origin}).response.status_code == 101
    other = "http://[::2]:3000"
    assert Client(upgrade(), url=where, headers={"Origin": other}).response.status_code == 403


def test_http_says_who_a_client_is_where_that_is_wanted() -> None:
    asks = upgrade()
    asks.uses_http_auth = True
    encoded = base64.b64encode(b"alice:secret:word").decode()
    client = Client(asks, headers={"Authorization": f"Basic {encoded}"})
    assert client.response.status_code == 101
    assert client.carrier.login == ("alice", "secret:word")
    wrong = ["", f"Bearer {encoded}", "Basic !", "Basic " + base64.b64encode(b"alice").decode()]
    for header in wrong:
        refused = Client(asks, headers={"Authorization": header} if header else {})
        assert refused.response.status_code == 401
        assert refused.response.headers["WWW-Authenticate"].startswith("Basic ")
    unasked = Client(upgrade(), headers={"Authorization": f"Basic {encoded}"})
    assert unasked.carrier.login is None


# --- what is carried ---------------------------------------------------------------------------


@given(
    messages=st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=6),
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=20),
    pings=st.booleans(),
)
def test_however_it_is_cut_the_same_octets_come(
    messages: list[list[bytes]], cuts: list[int], pings: bool
) -> None:
    client = Client(upgrade())
    stream = b""
    for pieces in messages:
        for place, piece in enumerate(pieces):
            opcode = Opcode.BINARY if place == 0 else Opcode.CONT
            fin = place == len(pieces) - 1
            stream += Frame(opcode, piece, fin).serialize(mask=True)
            if pings:  # may stand between the frames of a message
                stream += Frame(Opcode.PING, b"?").serialize(mask=True)
    got = b""
    while stream:
        size = cuts[len(got) % len(cuts)]
        got += client.say(stream[:size])
        stream = stream[size:]
    assert got == b"".join([piece for pieces in messages for piece in pieces])
    assert not client.carrier.is_over
    pongs = [one for one in client.hear() if one.opcode is Opcode.PONG]
    assert len(pongs) == (sum(map(len, messages)) if pings else 0)


@given(octets=st.binary(max_size=200))
def test_random_octets_are_awaited_or_end_it(octets: bytes) -> None:
    client = Client(upgrade())
    client.say(octets)
    output = client.carrier.take_output()
    if client.carrier.is_over:
        assert output == b"" or output[0] == 0x80 | Opcode.CLOSE
    assert client.carrier.wrap([b"x"]) == [] or not client.carrier.is_over


@given(octets=st.binary(max_size=2000))
def test_random_octets_instead_of_a_handshake_never_open_it(octets: bytes) -> None:
    carrier = upgrade().carrier(0)
    carrier.handshake(octets)
    carrier.take_output()
    assert not carrier.is_open


def test_what_follows_the_handshake_at_once_is_not_lost() -> None:
    protocol: Any = ClientProtocol(parse_uri(URL), subprotocols=["mqtt"])  # type: ignore[list-item]
    protocol.send_request(protocol.connect())
    request = b"".join(protocol.data_to_send())
    carrier = upgrade().carrier(0)
    assert carrier.handshake(request + Frame(Opcode.BINARY, b"hello").serialize(mask=True)) == (
        b"hello"
    )


def test_a_turns_output_is_one_message_of_a_bounded_size() -> None:
    client = Client(upgrade())
    assert client.frames([b"a", b"b", b"c"]) == [(Opcode.BINARY, b"abc")]
    large = bytes(range(256)) * 4096
    frames = client.frames([large])
    assert b"".join([data for _, data in frames]) == large
    assert {opcode for opcode, _ in frames} == {Opcode.BINARY}
    assert max(len(data) for _, data in frames) == 256 * 1024


def test_a_protocol_with_messages_has_each_in_one_of_its_own() -> None:
    client = Client(stomp(), ["v12.stomp"])
    assert client.carrier.has_messages
    octets = b"MESSAGE\n\n\xff\x00"
    assert client.frames([b"RECEIPT\n\n\x00", "ä".encode(), octets]) == [
        (Opcode.TEXT, b"RECEIPT\n\n\x00"),
        (Opcode.TEXT, "ä".encode()),
        (Opcode.BINARY, octets),  # what is no text cannot come as text
    ]


def test_text_is_taken_where_the_protocol_is_text() -> None:
    client = Client(stomp(), ["v12.stomp"])
    assert client.send(b"SEND\n", Opcode.TEXT) == b"SEND\n"
    assert client.send(b"\xff", Opcode.BINARY) == b"\xff"
    first, second = "ä".encode()[:1], "ä".encode()[1:]
    assert client.send(first, Opcode.TEXT, fin=False) == first
    assert client.send(second, Opcode.CONT) == second
    assert client.send(b"\xff", Opcode.TEXT) == b""
    assert client.closed_with() == (1007, "that text is not UTF-8")


def test_a_binary_protocol_takes_no_text() -> None:
    client = Client(upgrade())
    assert client.send(b"x", Opcode.TEXT) == b""
    assert client.closed_with() == (1003, "MQTT is binary")
    assert client.carrier.is_over
    assert client.send(b"y") == b""


# --- bounds and the end ------------------------------------------------------------------------


def test_a_message_has_a_largest_size_however_many_frames_it_has() -> None:
    client = Client(upgrade(web_max_message_size=1024))
    assert client.send(b"x" * 1024) == b"x" * 1024
    client.send(b"x" * 1000, fin=False)
    assert not client.carrier.is_over
    # The head of the frame is enough to refuse it.
    assert client.say(Frame(Opcode.CONT, b"x" * 25).serialize(mask=True)[:2]) == b""
    assert client.closed_with()[0] == 1009
    assert client.carrier.is_over


def test_a_frame_that_is_not_masked_ends_it() -> None:
    client = Client(upgrade())
    assert client.say(Frame(Opcode.BINARY, b"x").serialize(mask=False)) == b""
    assert client.closed_with()[0] == 1002
    assert client.carrier.fault != ""


def test_the_peers_goodbye_is_answered_and_no_fault() -> None:
    client = Client(upgrade())
    client.protocol.send_close(1000, "done")
    assert client.say(b"".join(client.protocol.data_to_send())) == b""
    assert client.closed_with() == (1000, "done")
    assert client.carrier.is_over and client.carrier.fault == ""
    assert client.carrier.wrap([b"too late"]) == []


@pytest.mark.parametrize(("is_shut", "code"), [(False, 1000), (True, 1001)])
def test_our_goodbye_says_whether_the_node_goes(is_shut: bool, code: int) -> None:
    client = Client(upgrade())
    client.carrier.is_shut = is_shut
    client.carrier.farewell()
    assert client.closed_with() == (code, "")
    client.carrier.farewell()
    assert client.carrier.take_output() == b""


def test_who_says_much_before_the_login_is_ended() -> None:
    client = Client(upgrade())
    client.carrier.refuse_more()
    assert client.closed_with() == (1009, "too much before the login")


def test_who_is_silent_is_asked_and_then_ended() -> None:
    client = Client(upgrade(web_idle_timeout_ms=10_000))
    client.carrier.tick(4 * SECOND_NS, True)
    assert client.hear() == []
    client.carrier.tick(5 * SECOND_NS, True)
    assert [one.opcode for one in client.hear()] == [Opcode.PING]
    client.carrier.tick(6 * SECOND_NS, True)
    assert client.hear() == []
    # The client's protocol has answered by itself.
    client.say(b"".join(client.protocol.data_to_send()))
    client.carrier.tick(7 * SECOND_NS, True)
    client.carrier.tick(12 * SECOND_NS, True)
    assert [one.opcode for one in client.hear()] == [Opcode.PING]
    # While it is not read from, it cannot answer.
    client.carrier.tick(17 * SECOND_NS, False)
    client.carrier.tick(18 * SECOND_NS, True)
    assert client.hear() == []
    client.carrier.tick(27 * SECOND_NS, True)
    assert client.closed_with() == (1011, "no sign of life")
    assert client.carrier.is_over


# --- compression -------------------------------------------------------------------------------


def test_nothing_is_compressed_unless_that_is_wanted() -> None:
    assert "Sec-WebSocket-Extensions" not in Client(upgrade(), compresses=True).response.headers
    client = Client(upgrade(web_compress=True), compresses=True)
    assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
    client.protocol.send_binary(b"x" * 10_000)
    octets = b"".join(client.protocol.data_to_send())
    assert len(octets) < 1000
    assert client.say(octets) == b"x" * 10_000
    assert client.frames([b"y" * 10_000]) == [(Opcode.BINARY, b"y" * 10_000)]
    assert 0 < client.carrier.most_octets < 65_536


def test_what_swells_beyond_bounds_ends_it() -> None:
    client = Client(upgrade(web_compress=True, web_max_message_size=65_536), compresses=True)
    client.protocol.send_binary(bytes(10_000_000))
    assert client.say(b"".join(client.protocol.data_to_send())) == b""
    assert client.closed_with()[0] == 1009
