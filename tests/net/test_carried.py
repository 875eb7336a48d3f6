"""leveret.net.connection with a carrier: a session in a WebSocket is driven as any other."""

from typing import Any

from tests.fakes import SECOND_NS
from tests.net.test_connection import FakeSession, FakeTransport, Rig, arrive
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from leveret.config.settings import Settings
from leveret.net.carrier import Upgrade
from leveret.net.connection import LINGER_TICKS, UNKNOWN_OCTETS, Connection, Flusher
from leveret.net.door import Entrance
from leveret.notices import Notices


class Transport(FakeTransport):
    """Knows how much waits: all that was written since the test looked."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.ended = False

    def get_write_buffer_size(self) -> int:
        return self.waits

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def take(self) -> bytes:
        written, self.written = b"".join(self.written), []
        return written


class Carried:
    """A connection whose client has opened its WebSocket."""

    def __init__(self, upgrade: Upgrade) -> None:
        self.rig = rig = Rig()
        entrance = Entrance(None, None, 10_000, upgrade)
        rig.flusher = Flusher(rig.loop, rig.clock, Notices(rig.clock), entrance)
        self.connection = Connection(rig.protocol, rig.flusher, rig.registry)
        self.transport = Transport()
        self.connection.connection_made(self.transport)
        self.client: Any = ClientProtocol(parse_uri("ws://192.0.2.8/ws"), max_size=None)
        self.client.send_request(self.client.connect())
        assert rig.protocol.sessions == []
        arrive(self.connection, b"".join(self.client.data_to_send()))
        self.hear()

    @property
    def session(self) -> FakeSession:
        (session,) = self.rig.protocol.sessions
        return session

    def send(self, data: bytes) -> None:
        octets = Frame(Opcode.BINARY, data).serialize(mask=True)
        while octets:
            octets = octets[arrive(self.connection, octets) :]

    def hear(self) -> list[tuple[Opcode, bytes]]:
        self.client.receive_data(self.transport.take())
        frames = [one for one in self.client.events_received() if isinstance(one, Frame)]
        return [(frame.opcode, bytes(frame.data)) for frame in frames]


def carried(has_messages: bool = False, **settings: object) -> Carried:
    upgrade = Upgrade(Settings(**settings), "MQTT", "/ws", ["mqtt"])
    upgrade.has_messages = upgrade.is_text = has_messages
    return Carried(upgrade)


def test_the_session_begins_when_the_websocket_is_open() -> None:
    one = carried()
    one.send(b"hello")
    assert one.session.got == [b"hello"]


def test_what_a_turn_has_to_say_is_one_write_and_one_message() -> None:
    one = carried()
    one.transport.writes = 0
    one.session.say(b"a")
    one.session.say(b"b", b"c")
    one.rig.loop.turn()
    assert one.transport.writes == 1
    assert one.hear() == [(Opcode.BINARY, b"abc")]


def test_a_protocol_with_messages_gives_each_by_itself() -> None:
    one = carried(has_messages=True)
    one.transport.writes = 0
    one.session.say(b"a", b"b")
    one.rig.loop.turn()
    assert one.transport.writes == 1
    assert one.hear() == [(Opcode.TEXT, b"a"), (Opcode.TEXT, b"b")]


def test_a_ping_is_answered_at_once() -> None:
    one = carried()
    arrive(one.connection, Frame(Opcode.PING, b"there?").serialize(mask=True))
    assert one.hear() == [(Opcode.PONG, b"there?")]
    assert one.session.got == []


def test_who_pings_and_does_not_read_is_cut_off() -> None:
    one = carried()
    one.transport.waits = 1 << 30
    arrive(one.connection, Frame(Opcode.PING, b"there?").serialize(mask=True))
    assert one.transport.aborted


def test_while_the_peer_does_not_read_its_output_waits_in_the_session() -> None:
    one = carried()
    one.connection.pause_writing()
    one.session.say(b"later")
    one.rig.loop.turn()
    assert one.hear() == []
    one.connection.resume_writing()
    one.rig.loop.turn()
    assert one.hear() == [(Opcode.BINARY, b"later")]


def test_a_session_that_is_held_says_nothing_but_what_is_urgent() -> None:
    one = carried()
    one.session.is_held = True
    one.session.say(b"later")
    one.rig.loop.turn()
    assert one.hear() == []


def test_a_session_that_ends_says_goodbye_in_both_ways() -> None:
    one = carried()
    one.session.closed = True
    one.session.say(b"bye")
    one.rig.loop.turn()
    assert one.hear() == [(Opcode.BINARY, b"bye"), (Opcode.CLOSE, b"\x03\xe8")]
    assert one.transport.closed


def test_a_node_that_goes_says_so() -> None:
    one = carried()
    one.connection.shut("shutdown")
    assert one.session.told == ["shutdown"]
    one.session.closed = True
    one.session.say(b"bye")
    one.rig.loop.turn()
    assert one.hear()[-1] == (Opcode.CLOSE, b"\x03\xe9")


def test_whoever_is_not_known_yet_may_say_little() -> None:
    one = carried()
    one.session.is_known = False
    one.send(bytes(UNKNOWN_OCTETS // 2))
    assert not one.transport.closed
    one.send(bytes(UNKNOWN_OCTETS))
    assert one.transport.ended and not one.transport.closed
    assert one.hear()[-1][0] is Opcode.CLOSE


def test_whoever_is_known_may_say_much() -> None:
    one = carried()
    one.send(bytes(UNKNOWN_OCTETS * 4))
    assert not one.transport.closed
    assert sum(map(len, one.session.got)) == UNKNOWN_OCTETS * 4


def test_the_end_of_the_websocket_is_that_of_the_connection() -> None:
    one = carried()
    one.client.send_close(1000)
    arrive(one.connection, b"".join(one.client.data_to_send()))
    assert one.transport.closed
    one.connection.connection_lost(None)
    assert one.session.told[-1] == "lost"


def test_time_passes_for_both() -> None:
    one = carried(web_idle_timeout_ms=10_000)
    one.rig.clock.now += 6 * SECOND_NS
    one.connection.tick()
    assert one.session.told == ["tick"]
    assert one.hear() == [(Opcode.PING, b"")]
    one.rig.clock.now += 6 * SECOND_NS
    one.connection.tick()
    assert one.hear()[-1][0] is Opcode.CLOSE
    assert one.session.told[-1] == "lost"


def test_after_a_fault_what_comes_is_read_but_not_heard_until_the_peer_goes() -> None:
    one = carried()
    arrive(one.connection, Frame(Opcode.BINARY, b"x").serialize(mask=False))
    assert one.session.told == ["lost"]
    assert one.transport.ended and not one.transport.closed
    one.send(b"y" * 1_000_000)
    assert one.session.got == [] and one.transport.reads
    for _ in range(LINGER_TICKS):
        one.connection.tick()
    assert not one.transport.aborted
    one.connection.tick()
    assert one.transport.aborted
    one.connection.connection_lost(None)
    assert one.session.told == ["lost"]


def test_who_is_not_read_from_need_not_show_that_it_lives() -> None:
    one = carried(web_idle_timeout_ms=10_000)
    one.session.is_full = True
    one.send(b"x")
    assert not one.transport.reads
    for _ in range(10):
        one.rig.clock.now += 6 * SECOND_NS
        one.connection.tick()
    assert one.hear() == []
    assert not one.transport.closed


def test_who_opens_no_websocket_in_time_is_cut_off() -> None:
    upgrade = Upgrade(Settings(), "MQTT", "/ws", ["mqtt"])
    rig = Rig()
    entrance = Entrance(None, None, 10_000, upgrade)
    rig.flusher = Flusher(rig.loop, rig.clock, Notices(rig.clock), entrance)
    connection = Connection(rig.protocol, rig.flusher, rig.registry)
    transport = Transport()
    connection.connection_made(transport)
    arrive(connection, b"GET /ws HTTP/1.1\r\n")
    rig.clock.now += 11 * SECOND_NS
    connection.tick()
    assert transport.aborted and rig.protocol.sessions == []
