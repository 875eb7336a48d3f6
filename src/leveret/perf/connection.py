"""One connection to the broker under test, with one channel: handshake, requests, frames.

Bytes come in here; a ``Role`` (publisher, consumer, or neither) says what they mean.  Two phases:
``ask`` sends a request and waits for its answer, which is what setting up needs; afterwards the
role reads what comes in bulk, and writes in bulk.
"""

import asyncio
import ssl
from typing import Final, cast, final

from mypy_extensions import i64, mypyc_attr

from leveret.octets import read_u16, read_u32
from leveret.perf import wire
from leveret.perf.address import Address
from leveret.perf.faults import BrokerFault
from leveret.perf.greeting import client_properties, product_of, unreachable, vhost_in_words

PATIENCE_S: Final = 20.0  # a broker that answers no request for so long is given up
FRAME_MAX: Final = 131072
CHANNEL: Final = 1
_FULL_CHUNK: Final = 262144  # octets that uvloop reads at most at once


@final
class Watch:
    """What the run must hear from its connections: that one failed, or that they are blocked."""

    def __init__(self) -> None:
        self.failure = ""
        self.blocked = ""
        self.interrupted = False

    def fail(self, sentence: str) -> None:
        """End the run; the first reason is the one that counts."""
        if not self.failure:
            self.failure = sentence


@mypyc_attr(allow_interpreted_subclasses=True)
class Role:
    """What a connection is for.  By itself it is for nothing: a connection that only exists."""

    def scan(self, data: bytes, at: i64) -> i64:
        """Read what is yours from ``at`` on; the position after it, ``at`` when nothing is."""
        return at

    def on_method(self, method: int, payload: bytes) -> None:
        """React to a method that is neither an answer nor a matter of the connection."""

    def on_chunk_end(self) -> None:
        """React after all of a chunk has been read: the moment to write."""

    def on_writable(self) -> None:
        """Go on writing: the socket has room again."""


@final
class Connection(asyncio.Protocol):
    """The protocol of one socket.  At most one ``ask`` waits at a time."""

    def __init__(self, address: Address, role: Role, watch: Watch) -> None:
        self._address: Final = address
        self._role: Final = role
        self._watch: Final = watch
        self._transport: asyncio.Transport | None = None
        self._loop: Final = asyncio.get_running_loop()
        self._rest = b""
        self._asked = 0  # the method that answers the request under way
        self._answer: asyncio.Future[bytes] | None = None
        self._doing = "connecting"
        self._closing = False
        self.failure = ""
        self.paused = False
        self.frame_max = FRAME_MAX
        self.product = ""

    # --- asyncio's side --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=65536)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so, unless it was meant to end."""
        if not self._closing:
            why = f" ({exc})" if exc is not None else ""
            self.fail(f"{self._address.place} closed the connection while {self._doing}{why}")
        self._transport = None
        self._wake(b"")

    def pause_writing(self) -> None:
        """Stop the role's writing."""
        self.paused = True

    def resume_writing(self) -> None:
        """Let the role write again."""
        self.paused = False
        self._role.on_writable()

    def data_received(self, data: bytes) -> None:
        """Read all that ``data`` completes."""
        if len(data) >= _FULL_CHUNK:
            self._give_way()
        if self._rest:
            data = self._rest + data
        at: i64 = 0
        while True:
            now_at = self._role.scan(data, at)
            at = self._read_frame(data, now_at)
            if at == now_at:
                break
        self._rest = data[at:] if at < len(data) else b""
        self._role.on_chunk_end()

    def _give_way(self) -> None:
        """Let the others have their turn: libuv would read on, many chunks in one turn."""
        if self._transport is not None:
            self._transport.pause_reading()
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # --- frames ----------------------------------------------------------------------------

    def _read_frame(self, data: bytes, at: i64) -> i64:
        """Handle the frame at ``at`` if all of it is here; the position after it."""
        if len(data) - at < wire.FRAME_EXTRA:
            return at
        kind = i64(data[at])
        if kind > wire.HEARTBEAT or kind == 0:
            heard = data[at : at + 8]
            self.fail(f"{self._address.place} does not speak AMQP 0-9-1 (it sent {heard!r})")
            return len(data)
        end = at + wire.FRAME_EXTRA + read_u32(data, at + 3)
        if end > len(data):
            return at
        if data[end - 1] != wire.END:
            self.fail("the broker sent a frame without its end octet")
            return len(data)
        if kind == wire.METHOD:
            self._on_method(data[at + wire.FRAME_HEAD : end - 1])
        return end

    def _on_method(self, payload: bytes) -> None:
        method = int(read_u32(payload, 0))
        if method == self._asked:
            self._wake(payload)
        elif method == wire.CONNECTION_CLOSE:
            self._on_close(payload, wire.CONNECTION_CLOSE_OK, 0)
        elif method == wire.CHANNEL_CLOSE:
            self._on_close(payload, wire.CHANNEL_CLOSE_OK, CHANNEL)
        elif method == wire.CONNECTION_BLOCKED:
            self._watch.blocked = wire.read_short_text(payload, 4)[0] or "no reason given"
        elif method == wire.CONNECTION_UNBLOCKED:
            self._watch.blocked = ""
        else:
            self._role.on_method(method, payload)

    def _on_close(self, payload: bytes, reply: int, channel: int) -> None:
        code, text, method = wire.read_close(payload)
        at = f" at {wire.method_name(method)}" if method else ""
        what = "channel" if channel else "connection"
        self.fail(f"the broker closed the {what}{at} while {self._doing}: {code} {text}")
        self.write(wire.frame(wire.METHOD, channel, wire.bare(reply)))

    def fail(self, sentence: str) -> None:
        """Give this connection up, and the run with it."""
        if self._closing:
            return
        if not self.failure:
            self.failure = sentence
        self._watch.fail(sentence)
        self._wake(b"")

    def _wake(self, payload: bytes) -> None:
        answer = self._answer
        self._asked = 0
        self._answer = None
        if answer is not None and not answer.done():
            answer.set_result(payload)

    # --- requests --------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Send ``octets``; without effect once the connection is gone."""
        if self._transport is not None:
            self._transport.write(octets)

    def write_all(self, pieces: list[bytes]) -> None:
        """Send ``pieces`` one after the other, without joining them first."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    async def ask(self, channel: int, payload: bytes, answer: int, doing: str) -> bytes:
        """Send a method and wait for ``answer``.  Raises BrokerFault."""
        return await self._ask_raw(wire.frame(wire.METHOD, channel, payload), answer, doing)

    async def _ask_raw(self, octets: bytes, answer: int, doing: str) -> bytes:
        assert self._answer is None
        if self.failure:
            raise BrokerFault(self.failure)
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._answer = future
        self._asked = answer
        self._doing = doing
        self.write(octets)
        try:
            payload = await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError:
            sentence = f"{self._address.place} gave no answer for {PATIENCE_S:.0f} s while {doing}"
            raise BrokerFault(sentence) from None
        if not payload:
            raise BrokerFault(self._watch.failure or "the connection ended")
        self._doing = "running"
        return payload

    async def handshake(self) -> None:
        """Go from the protocol header to an open channel.  Raises BrokerFault."""
        address = self._address
        hello = await self._ask_raw(
            wire.PROTOCOL_HEADER, wire.CONNECTION_START, "waiting for its greeting"
        )
        self.product = product_of(hello)
        login = wire.start_ok(address.user, address.password, client_properties())
        doing = f"logging in as {address.user!r}"
        tune = await self.ask(0, login, wire.CONNECTION_TUNE, doing)
        self._tune(tune)
        doing = f"opening {vhost_in_words(address.vhost)}"
        await self.ask(0, wire.connection_open(address.vhost), wire.CONNECTION_OPEN_OK, doing)
        await self.ask(CHANNEL, wire.channel_open(), wire.CHANNEL_OPEN_OK, "opening a channel")

    def _tune(self, payload: bytes) -> None:
        offered = int(read_u32(payload, 6))
        self.frame_max = min(offered, FRAME_MAX) if offered else FRAME_MAX
        reply = wire.tune_ok(read_u16(payload, 4), self.frame_max)
        self.write(wire.frame(wire.METHOD, 0, reply))

    def drop(self) -> None:
        """End at once, without a word."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    async def close(self, patience_s: float) -> bool:
        """Say goodbye and hang up, at once when the broker does not answer in time.

        True when it answered, and so has read all that was sent.
        """
        transport = self._transport
        self._closing = True
        if transport is None or transport.is_closing():
            return False
        answered = False
        if self._can_ask():
            future: asyncio.Future[bytes] = self._loop.create_future()
            self._answer = future
            self._asked = wire.CONNECTION_CLOSE_OK
            goodbye = wire.close(wire.CONNECTION_CLOSE)
            self.write(wire.frame(wire.METHOD, 0, goodbye))
            await asyncio.wait([future], timeout=patience_s)
            answered = is_answered(future)
        transport.abort()
        return answered

    def _can_ask(self) -> bool:
        # Not within the coroutine, for the sake of mypy 2.4.1.
        return not self.failure and self._answer is None


def is_answered(future: "asyncio.Future[bytes]") -> bool:
    """Whether what ``future`` waits for has come; nothing comes when the connection ends."""
    return future.done() and len(future.result()) > 0


async def connect(address: Address, role: Role, watch: Watch) -> Connection:
    """An open connection with an open channel.  Raises BrokerFault."""
    connection = Connection(address, role, watch)
    loop = asyncio.get_running_loop()
    secure = ssl.create_default_context() if address.secure else None
    try:
        await asyncio.wait_for(
            loop.create_connection(lambda: connection, address.host, address.port, ssl=secure),
            PATIENCE_S,
        )
    except TimeoutError:
        raise BrokerFault(f"cannot reach {address.place}: no answer") from None
    except OSError as error:
        raise BrokerFault(unreachable(address, error)) from None
    try:
        await connection.handshake()
    except BrokerFault:
        connection.drop()
        raise
    return connection
