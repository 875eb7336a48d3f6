"""Between a socket and a Session: input as it comes, output once per turn of the loop.

Knows no protocol.  This is where flow control is: a peer that does not read is not written to, a
peer that sends more than its share is not read from.  Where there is TLS, ``seal`` stands between,
and a ``carrier`` where the protocol comes in a WebSocket.
"""

import asyncio
from typing import Any, Final, final

from leveret.net.carrier import Carrier
from leveret.net.door import Door, Entrance
from leveret.net.seal import Seal, facts_of
from leveret.net.sockets import undelay, unlinger
from leveret.net.turns import Turns
from leveret.notices import Notices
from leveret.ports import Clock
from leveret.session import Bell, Peer, Protocol, Session

# Above this the session is told to hold deliveries back, below the other to go on.
HIGH_WATER_OCTETS: Final = 256 * 1024
LOW_WATER_OCTETS: Final = 64 * 1024
# How much is read at once from one connection before the others have their turn: at most, and at
# least from one that is not ahead of them, ahead, and far ahead.
MAX_CHUNK_OCTETS: Final = 256 * 1024
MIN_CHUNK_OCTETS: Final = (4 * 1024, 4 * 1024, 1024)
# One chunk should take about this long: small messages cost more time per octet than large ones.
# Those who take away what a session sends that is ahead of them come to their turn sooner.
CHUNK_NS: Final = (200_000, 60_000, 15_000)
# How many ticks a closed connection may take to send what it still has to say.
LINGER_TICKS: Final = 20
# TLS itself may have answers for a peer that does not read: so many octets, and no more.
STUCK_OCTETS: Final = 4 * HIGH_WATER_OCTETS
# What a peer may send in a WebSocket before it is known who it is: a login is less.
UNKNOWN_OCTETS: Final = HIGH_WATER_OCTETS


@final
class Flusher:
    """The connections that have something to do at the end of this turn of the loop.

    ``entrance`` is what they have to pass before.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        notices: Notices,
        entrance: Entrance | None = None,
    ) -> None:
        self._loop: Final = loop
        self.clock: Final = clock
        self.notices: Final = notices
        self.entrance: Final = entrance if entrance is not None else Entrance()
        # Whether small packets may wait for more: the loops have that off.
        self.undelays = False
        # Whether sockets are not closed as the system does it.
        self.lingers = False
        # Where every connection's input lands before it is copied out, within the same call.
        self.landing: Final = memoryview(bytearray(MAX_CHUNK_OCTETS))
        self._ringing: list[Connection] = []
        self._is_scheduled = False
        # What must be done before anything is sent.
        self.turns: Turns | None = None

    def add(self, connection: "Connection") -> None:
        """Flush ``connection`` before the turn ends."""
        self._ringing.append(connection)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Flush them all; what rings meanwhile is for the next turn."""
        if self.turns is not None:
            self.turns.end()
        ringing = self._ringing
        self._ringing = []
        self._is_scheduled = False
        for connection in ringing:
            connection.flush()
        # Only now: what this causes for others is for the next turn, when it is written down.
        for connection in ringing:
            connection.go_on()


@final
class ConnectionBell(Bell):
    """Rings for one connection."""

    def __init__(self, connection: "Connection", flusher: Flusher) -> None:
        self._connection: Final = connection
        self._flusher: Final = flusher

    def ring(self, session: Session) -> None:
        """Have the connection flushed, once."""
        if not session.rung:
            session.rung = True
            self._flusher.add(self._connection)


@final
class Connection(asyncio.BufferedProtocol):
    """One accepted socket.  ``registry`` holds it as long as the socket is open.

    ``_chunk_size`` follows the time that chunks take, so that a flood of tiny messages does not
    make the others wait longer than a few large ones would.
    """

    def __init__(
        self, protocol: Protocol, flusher: Flusher, registry: "dict[Connection, None]"
    ) -> None:
        self._protocol: Final = protocol
        self._flusher: Final = flusher
        self._registry: Final = registry
        self._bell: Final = ConnectionBell(self, flusher)
        # Any: compiled, asyncio.Transport is insisted on, and uvloop's own is no subclass of it.
        self._transport: Any = None
        # Of these two at most one: first it waits at the door, then there is a session.
        self._door: Door | None = None
        self._session: Session | None = None
        self._seal: Seal | None = None
        self._carrier: Carrier | None = None
        self._is_write_paused = False
        self._is_read_paused = False
        # The session has given its output, and is to be told.
        self._is_flushed = False
        self._gathers = False
        self._closing_ticks = 0
        self._chunk_size = MAX_CHUNK_OCTETS

    # --- called by the loop ----------------------------------------------------------------
    #
    # A session never raises.  If one does all the same, that is a bug of ours, and only this
    # connection pays for it: the loop and the other connections must not notice.

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        self._transport = transport
        self._transport.set_write_buffer_limits(HIGH_WATER_OCTETS, LOW_WATER_OCTETS)
        # Before 3.12.9 and 3.13.2, asyncio's writelines forgot to say that the socket is full.
        self._gathers = type(transport).__module__.startswith("uvloop")
        if self._flusher.undelays:
            undelay(transport)
        self._registry[self] = None
        peer = _peer(transport)
        self._door = self._flusher.entrance.door(peer, self._flusher.clock.now_ns())
        if self._door is None:
            self._session = self._protocol.open(self._bell, peer)

    def take_over(self, transport: Any, early: bytes) -> None:
        """Go on with a connection that was somebody else's, and had said ``early``."""
        transport.pause_reading()
        transport.set_protocol(self)
        self.connection_made(transport)
        try:
            self._receive_at_door(early)
        except Exception:
            self._broken()
        if not transport.is_closing():
            transport.resume_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next chunk goes."""
        return self._flusher.landing[: self._chunk_size]

    def buffer_updated(self, nbytes: int) -> None:
        """A chunk has come."""
        chunk = bytes(self._flusher.landing[:nbytes])
        try:
            session = self._session
            if session is None:
                self._receive_at_door(chunk)
                return
            traffic = session.traffic
            traffic.octets_in += nbytes
            traffic.chunks_in += 1
            if self._seal is not None:
                chunk = self._unsealed(self._seal, chunk)
                if not chunk:
                    return
            if nbytes < self._chunk_size:
                self._feed(session, chunk)
            else:
                self._receive_share(session, chunk)
        except Exception:
            self._broken()
            return
        self._received(session)

    def _feed(self, session: Session, chunk: bytes) -> None:
        if self._carrier is None:
            session.receive(chunk)
        else:
            self._unwrap(session, self._carrier, chunk)

    def _unwrap(self, session: Session, carrier: Carrier, chunk: bytes) -> None:
        """Hand over what the chunk carries, piece by piece where it may be much more."""
        most = carrier.most_octets or len(chunk)
        for at in range(0, len(chunk), most):
            payload = carrier.unwrap(chunk[at : at + most])
            if payload and not session.closed:
                session.receive(payload)
        if not session.is_known and session.traffic.octets_in > UNKNOWN_OCTETS:
            carrier.refuse_more()
        self._carry_on(carrier)

    def _carry_on(self, carrier: Carrier) -> None:
        """Send what the carrier has to say; the connection ends if that is the last."""
        if output := carrier.take_output():
            self._write_sealed([output])
            if self._transport.get_write_buffer_size() > STUCK_OCTETS:
                self._transport.abort()
        if not carrier.is_over:
            return
        if not carrier.fault:
            self._transport.close()
            return
        name = _peer(self._transport).name
        self._flusher.notices.warn(f"connection {name}: WebSocket: {carrier.fault}")
        self._end_deaf()

    def _end_deaf(self) -> None:
        """End the session, but not the socket before the peer does, or has had time to.

        Closed at once, what is still to be read would take our last words with it.
        """
        session, self._session = self._session, None
        if session is not None:
            session.lost()
            if self._flusher.turns is not None:
                self._flusher.turns.wake()
        if self._is_read_paused:
            self._is_read_paused = False
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _received(self, session: Session) -> None:
        if self._flusher.turns is not None:
            self._flusher.turns.wake()
        if self._session is None:
            return
        if session.closed:
            self._bell.ring(session)
        elif session.is_full:
            self._pause_reading()

    def _receive_share(self, session: Session, chunk: bytes) -> None:
        """More is waiting, but the others go first: the loop would read on and on from here."""
        clock = self._flusher.clock
        begin_ns = clock.cpu_ns()
        self._feed(session, chunk)
        if self._session is None:
            return
        took_ns = clock.cpu_ns() - begin_ns
        self._pause_reading()
        self._bell.ring(session)
        share_ns = CHUNK_NS[session.lead]
        if took_ns > share_ns:
            self._chunk_size = max(self._chunk_size // 2, MIN_CHUNK_OCTETS[session.lead])
        elif took_ns < share_ns // 2:
            self._chunk_size = min(self._chunk_size * 2, MAX_CHUNK_OCTETS)

    def _receive_at_door(self, chunk: bytes) -> None:
        door = self._door
        if door is None:
            return
        door.receive(chunk)
        if output := door.take_output():
            self._transport.write(output)
        if door.is_shut:
            self._turn_away(door, door.fault)
            self._transport.close()
        elif door.is_open:
            self._come_in(door)

    def _come_in(self, door: Door) -> None:
        self._door = None
        self._seal = door.seal
        self._carrier = door.carrier
        session = self._protocol.open(self._bell, door.peer())
        self._session = session
        if door.rest:
            session.traffic.octets_in += len(door.rest)
            session.receive(door.rest)
            self._received(session)

    def _turn_away(self, door: Door, why: str) -> None:
        self._door = None
        self._flusher.notices.warn(f"connection {door.name}: not let in: {why}")

    def _unsealed(self, seal: Seal, chunk: bytes) -> bytes:
        """What the chunk decrypts to; the transport closes if it is the last."""
        chunk = seal.unseal(chunk)
        if output := seal.take_output():
            self._transport.write(output)
            if self._transport.get_write_buffer_size() > STUCK_OCTETS:
                self._transport.abort()
        if seal.is_over:
            if seal.fault:
                self._flusher.notices.warn(
                    f"connection {_peer(self._transport).name}: {seal.fault}"
                )
            self._transport.close()
        return chunk

    def eof_received(self) -> bool:
        """The client will send no more: close."""
        return False

    def pause_writing(self) -> None:
        """The socket is full."""
        self._is_write_paused = True
        if self._session is not None:
            self._session.pause()

    def resume_writing(self) -> None:
        """The socket takes more."""
        self._is_write_paused = False
        session = self._session
        if session is None:
            return
        try:
            session.resume()
        except Exception:
            self._broken()
            return
        # What waited in the session goes out with the next flush.
        self._bell.ring(session)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._registry.pop(self, None)
        session, door = self._session, self._door
        if door is not None and door.has_begun:
            self._turn_away(door, f"it left before the end of its {door.late()}")
        self._transport = None
        self._session = None
        self._door = None
        self._seal = None
        if session is None:
            return
        try:
            session.lost()
        except Exception:
            self._broken()
        if self._flusher.turns is not None:
            self._flusher.turns.wake()

    # --- called by the flusher and the listener --------------------------------------------

    def flush(self) -> None:
        """Send what the session has."""
        session = self._session
        if session is None:
            return
        session.rung = False
        try:
            self._flush(session)
        except Exception:
            self._broken()

    def _flush(self, session: Session) -> None:
        # While the socket is full everything waits in the session, which knows its bounds; and so
        # it does while what it tells of is not on the disk.
        if not session.is_held and (not self._is_write_paused or session.closed):
            self._write(session, self._taken(session))
            if session.closed:
                self._close()
            else:
                self._is_flushed = True
        elif session.is_held and not self._is_write_paused:
            self._write(session, session.take_urgent())

    def go_on(self) -> None:
        """After ``flush``: let the session go on, and go on reading if that was stopped."""
        session = self._session
        if session is None or session.closed:
            return
        try:
            self._go_on(session)
        except Exception:
            self._broken()

    def _go_on(self, session: Session) -> None:
        if self._is_flushed:
            self._is_flushed = False
            if session.is_full and self._flusher.turns is not None:
                # What it does now comes after the end of this turn.
                self._flusher.turns.wake()
            session.flushed()
        if session.is_full:
            self._pause_reading()
        elif self._is_read_paused:
            self._is_read_paused = False
            self._transport.resume_reading()

    def _taken(self, session: Session) -> list[bytes]:
        if self._carrier is None:
            return session.take_output()
        has_messages = self._carrier.has_messages
        return session.take_messages() if has_messages else session.take_output()

    def _close(self) -> None:
        if self._carrier is not None and not self._carrier.is_over:
            self._carrier.farewell()
            self._write_sealed([self._carrier.take_output()])
        if self._seal is not None and not self._seal.is_over:
            self._transport.write(self._seal.farewell())
        if self._flusher.lingers and not self._transport.is_closing():
            unlinger(self._transport)
        self._transport.close()

    def _write(self, session: Session, parts: list[bytes]) -> None:
        if self._carrier is not None and parts:
            parts = self._carrier.wrap(parts)
        if parts:
            traffic = session.traffic
            traffic.chunks_out += 1
            for part in parts:
                traffic.octets_out += len(part)
        self._write_sealed(parts)

    def _write_sealed(self, parts: list[bytes]) -> None:
        if self._seal is not None:
            if parts:
                self._transport.write(self._seal.seal(parts))
        elif len(parts) == 1:
            self._transport.write(parts[0])
        elif parts and self._gathers:
            self._transport.writelines(parts)
        elif parts:
            self._transport.write(b"".join(parts))

    def _pause_reading(self) -> None:
        if not self._is_read_paused:
            self._is_read_paused = True
            self._transport.pause_reading()

    def tick(self) -> None:
        """Let time pass for the session; cut off a closed one that the client does not read."""
        session = self._session
        if session is None:
            self._tick_at_door()
            return
        if session.closed:
            self._closing_ticks += 1
            if self._closing_ticks > LINGER_TICKS:
                self._transport.abort()
            return
        try:
            session.tick()
            if self._carrier is not None:
                self._carrier.tick(self._flusher.clock.now_ns(), not self._is_read_paused)
                self._carry_on(self._carrier)
        except Exception:
            self._broken()

    def _tick_at_door(self) -> None:
        door = self._door
        if door is None:
            self._tick_deaf()
        elif self._flusher.clock.now_ns() >= door.deadline_ns:
            self._turn_away(door, f"no {door.late()} within the time for it")
            self._transport.abort()

    def _tick_deaf(self) -> None:
        self._closing_ticks += 1
        if self._closing_ticks > LINGER_TICKS:
            self._transport.abort()

    def shut(self, reason: str) -> None:
        """Ask the session to say goodbye; without one there is nobody to say it to."""
        if self._carrier is not None:
            self._carrier.is_shut = True
        if self._session is not None:
            self._session.shut(reason)
        elif self._door is not None:
            self.abort()

    def abort(self) -> None:
        """Close the socket without another word."""
        self._door = None
        if self._transport is not None:
            self._transport.abort()

    def _broken(self) -> None:
        """Called while handling an exception that should not have come."""
        self._flusher.notices.crash("a connection is cut off: this is a bug in the broker")
        self.abort()


def _peer(transport: Any) -> Peer:
    peer = transport.get_extra_info("peername") or ("", 0)
    local = transport.get_extra_info("sockname") or ("", 0)
    # Only where the loop does TLS: connections that came to a port for HTTPS.
    tls: Any = transport.get_extra_info("ssl_object")
    facts = facts_of(tls) if tls is not None else None
    return Peer(_plain(str(peer[0])), int(peer[1]), _plain(str(local[0])), int(local[1]), facts)


def _plain(host: str) -> str:
    """An IPv4 address that came to an IPv6 socket, as people know it."""
    return host.removeprefix("::ffff:")
