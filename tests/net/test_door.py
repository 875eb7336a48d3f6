"""leveret.net.door, alone and as net.connection uses it, without a socket."""

from pathlib import Path

import pytest
from tests.certificates import Certificates
from tests.fakes import SECOND_NS
from tests.net.test_connection import FakeTransport, Rig, arrive

from leveret.config.settings import Settings
from leveret.net.connection import Connection, Flusher
from leveret.net.door import Door, Entrance
from leveret.net.proxy import Trusted
from leveret.net.tls import ServerTls
from leveret.notices import Notices
from leveret.session import Peer

NEAR = Peer("127.0.0.1", 50000, "127.0.0.1", 5672)
FAR = Peer("198.51.100.9", 50000, "198.51.100.1", 5672)
HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672\r\n"
LOCAL = b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 5672\r\n"


class DoorRig(Rig):
    """Connections that have to pass an entrance."""

    def __init__(self, entrance: Entrance) -> None:
        super().__init__()
        self.flusher = Flusher(self.loop, self.clock, Notices(self.clock), entrance)

    def arrive_at_door(self) -> tuple[Connection, FakeTransport]:
        connection = Connection(self.protocol, self.flusher, self.registry)
        transport = FakeTransport()
        connection.connection_made(transport)
        return connection, transport


def door(near: Peer = NEAR, *sources: str) -> Door:
    made = Entrance(None, Trusted(list(sources))).door(near, 0)
    assert made is not None
    return made


def come_in(octets: bytes, near: Peer = NEAR) -> Peer:
    one = door(near)
    one.receive(octets)
    assert one.is_open and not one.is_shut
    return one.peer()


def test_without_tls_and_proxies_there_is_no_door() -> None:
    assert Entrance().door(NEAR, 0) is None
    assert Entrance(None, Trusted(["10.0.0.0/8"])).door(NEAR, 0) is None
    assert Entrance(None, Trusted(["127.0.0.0/8"])).door(NEAR, 0) is not None


def test_the_peer_is_whom_the_proxy_names() -> None:
    peer = come_in(HEADER)
    assert peer.name == "192.0.2.7:40000 -> 192.0.2.1:5672"
    assert not peer.is_loopback


def test_nobody_becomes_local_by_the_word_of_a_proxy_elsewhere() -> None:
    assert come_in(LOCAL, NEAR).is_loopback
    assert not come_in(LOCAL, FAR).is_loopback


def test_who_has_no_address_is_named_by_the_proxys_and_is_not_local() -> None:
    peer = come_in(b"PROXY UNKNOWN\r\n")
    assert peer.name == NEAR.name
    assert not peer.is_loopback


def test_a_proxy_that_speaks_for_itself_is_a_client() -> None:
    peer = come_in(b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00")
    assert peer.name == NEAR.name
    assert peer.is_loopback


def test_what_is_no_header_shuts_the_door() -> None:
    one = door()
    one.receive(b"AMQP\0\0\x09\x01")
    assert one.is_shut and not one.is_open
    assert one.fault == "it sent no PROXY header, which proxy_protocol = true asks for"


def test_the_first_words_reach_the_session() -> None:
    rig = DoorRig(Entrance(None, Trusted([])))
    connection, transport = rig.arrive_at_door()
    arrive(connection, HEADER[:9])
    assert rig.protocol.sessions == []
    arrive(connection, HEADER[9:] + b"hello")
    arrive(connection, b"there")
    (session,) = rig.protocol.sessions
    assert session.got == [b"hello", b"there"]
    assert session.peer.host == "192.0.2.7"
    assert not transport.closed


@pytest.mark.parametrize("begun", [b"", HEADER[:9]])
def test_who_takes_too_long_is_cut_off_with_one_line(
    begun: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    rig = DoorRig(Entrance(None, Trusted([]), timeout_ms=2000))
    connection, transport = rig.arrive_at_door()
    if begun:
        arrive(connection, begun)
    rig.clock.now += 2 * SECOND_NS - 1
    connection.tick()
    assert not transport.aborted
    rig.clock.now += 1
    connection.tick()
    connection.tick()
    assert transport.aborted
    connection.connection_lost(None)
    assert rig.registry == {}
    assert [record.getMessage() for record in caplog.records] == [
        "connection 192.0.2.7:4711 -> 192.0.2.8:5672: not let in:"
        " no PROXY header within the time for it"
    ]


def test_who_is_not_let_in_is_told_to_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    rig = DoorRig(Entrance(None, Trusted([])))
    connection, transport = rig.arrive_at_door()
    arrive(connection, b"GET / HTTP/1.1")
    assert transport.closed
    arrive(connection, b"more")
    connection.tick()
    connection.eof_received()
    connection.connection_lost(None)
    assert len(caplog.records) == 1
    assert rig.protocol.sessions == []


@pytest.mark.parametrize(("said", "lines"), [(b"", 0), (b"PROXY", 1)])
def test_who_says_nothing_and_leaves_is_not_worth_a_line(
    said: bytes, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    rig = DoorRig(Entrance(None, Trusted([])))
    connection, _ = rig.arrive_at_door()
    if said:
        arrive(connection, said)
    assert connection.eof_received() is False
    connection.connection_lost(None)
    assert len(caplog.records) == lines


def test_a_broker_that_stops_waits_for_nobody_at_the_door() -> None:
    rig = DoorRig(Entrance(None, Trusted([])))
    connection, transport = rig.arrive_at_door()
    connection.shut("shutdown")
    assert transport.aborted


def test_behind_a_proxy_the_header_comes_before_tls(tmp_path: Path) -> None:
    tls = ServerTls(Settings(**Certificates(tmp_path).settings))
    one = Entrance(tls, Trusted([])).door(NEAR, 0)
    assert one is not None
    assert (one.late(), one.has_begun) == ("PROXY header", False)
    one.receive(HEADER + b"\x16\x03\x01")
    assert (one.late(), one.has_begun) == ("TLS handshake", True)
    assert one.name == "192.0.2.7:40000 -> 192.0.2.1:5672"
    assert not one.is_open and not one.is_shut
    one.receive(b"hello")
    assert one.is_shut
    assert one.take_output()
