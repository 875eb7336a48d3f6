"""leveret.net.connection: flow control, with a socket and a loop of the test's own."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes import SECOND_NS, FakeClock

from leveret.net.connection import (
    CHUNK_NS,
    LINGER_TICKS,
    MAX_CHUNK_OCTETS,
    MIN_CHUNK_OCTETS,
    Connection,
    Flusher,
)
from leveret.net.turns import Turns
from leveret.notices import Notices
from leveret.session import AHEAD, FAR_AHEAD, LEVEL, Bell, Peer, Protocol, Session, TurnEnd


class FakeLoop(asyncio.AbstractEventLoop):
    """Runs what was scheduled when the test says so."""

    def __init__(self) -> None:
        self.scheduled: list[Callable[[], object]] = []

    def call_soon(self, callback: Any, *args: Any, **_: Any) -> Any:
        self.scheduled.append(lambda: callback(*args))

    def turn(self) -> None:
        scheduled, self.scheduled = self.scheduled, []
        for callback in scheduled:
            callback()


class FakeTransport:
    """Writes down what is done to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.writes = 0
        self.reads = True
        self.closed = False
        self.aborted = False
        self.peer: tuple[Any, ...] = ("192.0.2.7", 4711)

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert 0 < low < high

    def get_extra_info(self, name: str) -> Any:
        return {"peername": self.peer, "sockname": ("192.0.2.8", 5672)}.get(name)

    def write(self, data: bytes) -> None:
        self.writes += 1
        self.written.append(data)

    def writelines(self, parts: list[bytes]) -> None:
        self.writes += 1
        self.written += parts

    def pause_reading(self) -> None:
        assert self.reads, "paused twice"
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.reads, "resumed twice"
        self.reads = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class FakeSession(Session):
    """Echoes; takes ``cost_ns`` of the clock for each chunk."""

    def __init__(self, bell: Bell, peer: Peer, clock: FakeClock) -> None:
        super().__init__()
        self.bell = bell
        self.peer = peer
        self.clock = clock
        self.cost_ns = 0
        self.cost_per_octet_ns = 0
        self.got: list[bytes] = []
        self.out: list[bytes] = []
        self.told: list[str] = []
        self.fails = ""
        self.when_flushed: Callable[[], None] = lambda: None

    def check(self, call: str) -> None:
        if call == self.fails:
            raise ZeroDivisionError("on purpose")

    def say(self, *parts: bytes) -> None:
        self.out += parts
        self.bell.ring(self)

    def receive(self, chunk: bytes) -> None:
        self.check("receive")
        self.clock.now += self.cost_ns + self.cost_per_octet_ns * len(chunk)
        self.got.append(chunk)

    def tick(self) -> None:
        self.check("tick")
        self.told.append("tick")

    def take_output(self) -> list[bytes]:
        self.check("take_output")
        out, self.out = self.out, []
        return out

    def flushed(self) -> None:
        self.told.append("flushed")
        self.when_flushed()

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.check("resume")
        self.told.append("resume")

    def shut(self, reason: str) -> None:
        self.told.append(reason)

    def lost(self) -> None:
        self.check("lost")
        self.told.append("lost")


class FakeProtocol(Protocol):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.sessions: list[FakeSession] = []

    def open(self, bell: Bell, peer: Peer) -> Session:
        self.sessions.append(FakeSession(bell, peer, self.clock))
        return self.sessions[-1]


class TurnEnds(TurnEnd):
    """Counts the turns that ended."""

    def __init__(self) -> None:
        self.count = 0

    def end_turn(self) -> bool:
        self.count += 1
        return False


class Rig:
    """Connections on one flusher, each with its transport and session."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.clock = FakeClock()
        self.flusher = Flusher(self.loop, self.clock, Notices(self.clock))
        self.protocol = FakeProtocol(self.clock)
        self.registry: dict[Connection, None] = {}

    def connect(self) -> tuple[Connection, FakeTransport, FakeSession]:
        connection, transport = (
            Connection(self.protocol, self.flusher, self.registry),
            FakeTransport(),
        )
        connection.connection_made(transport)
        return connection, transport, self.protocol.sessions[-1]


def arrive(connection: Connection, octets: bytes) -> int:
    """As the loop does it; returns how many octets found room."""
    buffer = connection.get_buffer(-1)
    size = min(len(buffer), len(octets))
    buffer[:size] = octets[:size]
    connection.buffer_updated(size)
    return size


def test_a_session_is_opened_for_the_peer() -> None:
    rig = Rig()
    connection, _, session = rig.connect()
    assert session.peer.name == "192.0.2.7:4711 -> 192.0.2.8:5672"
    assert list(rig.registry) == [connection]


def test_a_chunk_reaches_the_session_as_bytes_of_its_own() -> None:
    rig = Rig()
    connection, _, session = rig.connect()
    arrive(connection, b"first")
    arrive(connection, b"other")
    assert session.got == [b"first", b"other"]


def test_output_is_written_once_a_turn() -> None:
    rig = Rig()
    _, transport, session = rig.connect()
    for number in range(100):
        session.say(b"%d" % number)
    assert transport.writes == 0
    rig.loop.turn()
    assert transport.writes == 1
    assert b"".join(transport.written) == b"".join([b"%d" % number for number in range(100)])
    assert session.told == ["flushed"]
    rig.loop.turn()
    assert transport.writes == 1


def test_what_rings_while_others_are_flushed_waits_for_the_next_turn() -> None:
    rig = Rig()
    _, transport, session = rig.connect()
    session.say(b"a")
    rig.loop.turn()
    session.say(b"b")
    assert len(rig.loop.scheduled) == 1
    rig.loop.turn()
    assert transport.written == [b"a", b"b"]


def test_a_whole_chunk_lets_the_others_go_first() -> None:
    rig = Rig()
    connection, transport, _ = rig.connect()
    arrive(connection, bytes(MAX_CHUNK_OCTETS))
    assert not transport.reads
    rig.loop.turn()
    assert transport.reads


def test_less_than_a_chunk_reads_on() -> None:
    rig = Rig()
    connection, transport, _ = rig.connect()
    arrive(connection, bytes(MAX_CHUNK_OCTETS - 1))
    assert transport.reads


def test_chunks_that_take_long_become_smaller_and_grow_again() -> None:
    rig = Rig()
    connection, _, session = rig.connect()
    session.cost_ns = 2 * CHUNK_NS[LEVEL]
    sizes = []
    for _ in range(8):
        sizes.append(arrive(connection, bytes(MAX_CHUNK_OCTETS)))
        rig.loop.turn()
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == MIN_CHUNK_OCTETS[LEVEL]
    session.cost_ns = 0
    for _ in range(8):
        sizes.append(arrive(connection, bytes(MAX_CHUNK_OCTETS)))
        rig.loop.turn()
    assert sizes[-1] == MAX_CHUNK_OCTETS


def test_who_is_ahead_of_the_others_has_a_smaller_share() -> None:
    rig = Rig()
    connection, _, session = rig.connect()

    def settle() -> int:
        for _ in range(12):
            arrive(connection, bytes(MAX_CHUNK_OCTETS))
            rig.loop.turn()
        return arrive(connection, bytes(MAX_CHUNK_OCTETS))

    # As much for each octet, whatever the size: a share is a size then.
    session.cost_per_octet_ns = 8
    sizes = []
    for session.lead in (LEVEL, AHEAD, FAR_AHEAD):
        sizes.append(settle())
        rig.loop.turn()
    assert sizes[0] > sizes[1] > sizes[2]
    session.cost_per_octet_ns = 1_000
    assert settle() == MIN_CHUNK_OCTETS[FAR_AHEAD]


def test_a_full_socket_pauses_the_session_and_an_empty_one_resumes_it() -> None:
    rig = Rig()
    connection, _, session = rig.connect()
    connection.pause_writing()
    connection.resume_writing()
    assert session.told == ["pause", "resume"]


def test_while_the_socket_is_full_output_waits_in_the_session() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    connection.pause_writing()
    session.say(b"a")
    rig.loop.turn()
    session.say(b"b")
    rig.loop.turn()
    assert (transport.writes, session.out) == (0, [b"a", b"b"])
    connection.resume_writing()
    rig.loop.turn()
    assert b"".join(transport.written) == b"ab"


def test_a_full_session_is_not_read_from_until_it_is_not() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    session.is_full = True
    arrive(connection, b"a request")
    assert not transport.reads
    session.say(b"reply")
    rig.loop.turn()
    assert not transport.reads
    session.is_full = False
    session.say(b"reply")
    rig.loop.turn()
    assert transport.reads


def test_a_session_that_becomes_full_by_what_was_flushed_is_not_read_from() -> None:
    rig = Rig()
    _, transport, session = rig.connect()
    session.is_full = True
    session.say(b"reply")
    rig.loop.turn()
    assert not transport.reads


def test_what_a_session_does_once_it_has_room_ends_a_turn_of_its_own() -> None:
    """It handles the input that waited after the turn has ended: that is to be written, too."""
    rig = Rig()
    ends = TurnEnds()
    rig.flusher.turns = Turns(rig.loop, ends, Notices(rig.clock))
    _, _, session = rig.connect()
    session.say(b"reply")
    rig.loop.turn()
    assert (ends.count, rig.loop.scheduled) == (1, [])
    session.is_full = True
    session.say(b"reply")
    rig.loop.turn()
    assert session.told == ["flushed", "flushed"]
    rig.loop.turn()
    assert ends.count == 3


def test_what_a_session_does_once_it_has_room_is_written_down_before_others_are_told() -> None:
    """Even if they are flushed in the same turn, and after it."""
    rig = Rig()
    ends = TurnEnds()
    rig.flusher.turns = Turns(rig.loop, ends, Notices(rig.clock))
    _, _, session = rig.connect()
    _, transport, other = rig.connect()
    session.when_flushed = lambda: other.say(b"delivery")
    session.say(b"reply")
    other.say(b"reply")
    rig.loop.turn()
    assert (ends.count, transport.written) == (1, [b"reply"])
    rig.loop.turn()
    assert (ends.count, transport.written) == (2, [b"reply", b"delivery"])


def test_a_client_that_is_merely_slow_is_read_from() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    connection.pause_writing()
    session.say(b"reply")
    rig.loop.turn()
    arrive(connection, b"request")
    assert transport.reads
    assert session.got == [b"request"]


@pytest.mark.parametrize("call", ["receive", "tick", "take_output", "resume", "lost"])
def test_a_session_that_fails_costs_its_own_connection_only(
    call: str, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    _, _, other = rig.connect()
    session.fails = call
    session.say(b"x")
    other.say(b"y")
    arrive(connection, b"x")
    connection.tick()
    connection.resume_writing()
    rig.loop.turn()
    connection.connection_lost(None)
    assert transport.aborted or call == "lost"
    assert other.told == ["flushed"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "on purpose" in caplog.text


def test_an_ipv4_client_of_an_ipv6_socket_is_called_by_its_ipv4_address() -> None:
    rig = Rig()
    connection, transport = Connection(rig.protocol, rig.flusher, rig.registry), FakeTransport()
    transport.peer = ("::ffff:127.0.0.1", 4711, 0, 0)
    connection.connection_made(transport)
    assert rig.protocol.sessions[-1].peer.host == "127.0.0.1"
    assert rig.protocol.sessions[-1].peer.is_loopback


def test_a_closed_session_says_its_last_words_and_hangs_up() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    session.out = [b"goodbye"]
    session.closed = True
    arrive(connection, b"x")
    rig.loop.turn()
    assert transport.written == [b"goodbye"]
    assert transport.closed
    assert "flushed" not in session.told


def test_a_client_that_never_reads_the_goodbye_is_cut_off_in_time() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    session.closed = True
    arrive(connection, b"x")
    rig.loop.turn()
    for _ in range(LINGER_TICKS):
        connection.tick()
    assert not transport.aborted
    connection.tick()
    assert transport.aborted
    assert "tick" not in session.told


def test_ticks_and_farewells_reach_the_session() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    connection.tick()
    connection.shut("enough")
    assert session.told == ["tick", "enough"]
    connection.abort()
    assert transport.aborted


def test_a_lost_connection_tells_the_session_once_and_is_forgotten() -> None:
    rig = Rig()
    connection, transport, session = rig.connect()
    session.say(b"too late")
    connection.connection_lost(None)
    rig.loop.turn()
    for late in (connection.tick, connection.flush, connection.abort, connection.pause_writing):
        late()
    connection.resume_writing()
    connection.shut("x")
    arrive(connection, b"late")
    assert session.told == ["lost"]
    assert rig.registry == {}
    assert transport.written == []


def test_the_end_of_the_input_closes() -> None:
    connection, _, _ = Rig().connect()
    assert connection.eof_received() is False


def test_time_is_asked_of_the_clock_only() -> None:
    rig = Rig()
    connection, _, session = rig.connect()
    session.cost_ns = SECOND_NS
    arrive(connection, bytes(MAX_CHUNK_OCTETS))
    assert len(connection.get_buffer(-1)) == MAX_CHUNK_OCTETS // 2


def test_what_goes_through_the_socket_is_counted() -> None:
    rig = Rig()
    connection, _, session = rig.connect()
    arrive(connection, b"12345")
    arrive(connection, b"678")
    session.say(b"one", b"four")
    rig.loop.turn()
    session.say(b"!")
    rig.loop.turn()
    traffic = session.traffic
    assert (traffic.octets_in, traffic.chunks_in) == (8, 2)
    assert (traffic.octets_out, traffic.chunks_out) == (8, 2)
