"""One connection to the broker under test, whatever it speaks: the socket, requests, failures.

A protocol's subclass reads what comes in and knows how to say hello and goodbye; a ``Role``
(publisher, consumer, or neither) says what the messages mean.  Two phases: ``request`` sends
something and waits for its answer, which is what setting up needs; afterwards the role reads in
bulk what comes, and writes in bulk.
"""

import asyncio
import errno
import os
import re
import ssl
from typing import Final, cast, final

from mypy_extensions import i64, mypyc_attr

from leveret.perf.address import Address
from leveret.perf.faults import BrokerFault

PATIENCE_S: Final = 20.0  # a broker that answers no request for so long is given up
_FULL_CHUNK: Final = 262144  # octets that uvloop reads at most at once
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


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

    def on_unit(self, kind: int, octets: bytes) -> None:
        """React to a frame or packet that is neither an answer nor a matter of the connection."""

    def on_chunk_end(self) -> None:
        """React after all of a chunk has been read: the moment to write."""

    def on_writable(self) -> None:
        """Go on writing: there is room again, in the socket or for messages under way."""


class Link(asyncio.Protocol):
    """The protocol of one socket.  At most one ``request`` waits at a time.

    Invariant: ``_parts`` holds what was received and not yet read, ``_waiting`` is its size.
    """

    def __init__(self, address: Address, role: Role, watch: Watch) -> None:
        self.address: Final = address
        self.role: Final = role
        self.watch: Final = watch
        self.loop: Final = asyncio.get_running_loop()
        self.failure = ""
        self.paused = False
        self.product = ""
        self.asked = 0  # the kind of what answers the request under way
        self.doing = "connecting"
        self.needed: i64 = 0  # octets that make what is here partly a whole; 0: unknown
        self._transport: asyncio.Transport | None = None
        self._parts: Final[list[bytes]] = []
        self._waiting: i64 = 0
        self._answer: asyncio.Future[bytes] | None = None
        self._closing = False

    # --- what a protocol says --------------------------------------------------------------

    def read(self, data: bytes) -> i64:
        """Read all that ``data`` completes; the position of the first octet that is not read."""
        raise NotImplementedError

    async def handshake(self) -> None:
        """Introduce ourselves, until messages may be sent.  Raises BrokerFault."""
        raise NotImplementedError

    def goodbye(self) -> bytes:
        """What the broker answers when it has read all before it; sets ``asked`` to the answer."""
        raise NotImplementedError

    def farewell(self) -> bytes:
        """The very last octets, after the answer to the goodbye."""
        return b""

    # --- asyncio's side --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=65536)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so, unless it was meant to end."""
        if not self._closing:
            why = f" ({exc})" if exc is not None else ""
            self.fail(f"{self.address.place} closed the connection while {self.doing}{why}")
        self._transport = None
        self.wake(b"")

    def pause_writing(self) -> None:
        """Stop the role's writing."""
        self.paused = True

    def resume_writing(self) -> None:
        """Let the role write again."""
        self.paused = False
        self.role.on_writable()

    def data_received(self, data: bytes) -> None:
        """Read all that ``data`` completes, at once or when there is as much as is needed."""
        if len(data) >= _FULL_CHUNK:
            self._give_way()
        parts = self._parts
        if parts:
            parts.append(data)
            self._waiting += len(data)
            if self._waiting < self.needed:
                return
            data = b"".join(parts)
            parts.clear()
        self.needed = 0
        at = self.read(data)
        if at < len(data):
            left = data[at:]
            parts.append(left)
            self._waiting = len(left)
        self.role.on_chunk_end()

    def _give_way(self) -> None:
        """Let the others have their turn: libuv would read on, many chunks in one turn."""
        if self._transport is not None:
            self._transport.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def fail(self, sentence: str) -> None:
        """Give this connection up, and the run with it."""
        if self._closing:
            return
        if not self.failure:
            self.failure = sentence
        self.watch.fail(sentence)
        self.wake(b"")

    # --- requests --------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Send ``octets``; without effect once the connection is gone."""
        if self._transport is not None:
            self._transport.write(octets)

    def write_all(self, pieces: list[bytes]) -> None:
        """Send ``pieces`` one after the other, without joining them first."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    def wake(self, octets: bytes) -> None:
        """The answer to the request under way is here; empty octets: it will not come."""
        answer = self._answer
        self.asked = 0
        self._answer = None
        if answer is not None and not answer.done():
            answer.set_result(octets)

    async def request(self, octets: bytes, answer: int, doing: str) -> bytes:
        """Send ``octets`` and wait for an answer of the kind ``answer``.  Raises BrokerFault."""
        assert self._answer is None
        if self.failure:
            raise BrokerFault(self.failure)
        future: asyncio.Future[bytes] = self.loop.create_future()
        self._answer = future
        self.asked = answer
        self.doing = doing
        self.write(octets)
        try:
            payload = await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError:
            sentence = f"{self.address.place} gave no answer for {PATIENCE_S:.0f} s while {doing}"
            raise BrokerFault(sentence) from None
        if not payload:
            raise BrokerFault(self.watch.failure or "the connection ended")
        self.doing = "running"
        return payload

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
            future: asyncio.Future[bytes] = self.loop.create_future()
            self._answer = future
            self.write(self.goodbye())
            await asyncio.wait([future], timeout=patience_s)
            answered = is_answered(future)
        last = self.farewell()
        if answered and last:
            self.write(last)
            transport.close()  # once that is written
        else:
            transport.abort()
        return answered

    def _can_ask(self) -> bool:
        # Not within the coroutine, for the sake of mypy 2.4.1.
        return not self.failure and self._answer is None


def is_answered(future: "asyncio.Future[bytes]") -> bool:
    """Whether what ``future`` waits for has come; nothing comes when the connection ends."""
    return future.done() and len(future.result()) > 0


async def connect(link: Link) -> None:
    """Open ``link`` and introduce ourselves.  Raises BrokerFault."""
    address = link.address
    loop = asyncio.get_running_loop()
    secure = ssl.create_default_context() if address.secure else None
    try:
        await asyncio.wait_for(
            loop.create_connection(lambda: link, address.host, address.port, ssl=secure),
            PATIENCE_S,
        )
    except TimeoutError:
        raise BrokerFault(f"cannot reach {address.place}: no answer") from None
    except OSError as error:
        raise BrokerFault(unreachable(address, error)) from None
    try:
        await link.handshake()
    except BrokerFault:
        link.drop()
        raise


def vhost_in_words(vhost: str) -> str:
    """How a sentence names a vhost; with a hint where the URL's last slash was probably too few."""
    hint = " (for vhost '/' the URL should end in /%2F)" if not vhost else ""
    return f"vhost {vhost!r}{hint}"


def unreachable(address: Address, error: OSError) -> str:
    """The sentence about a broker that no connection to could be made."""
    start = f"cannot reach a broker at {address.place}: "
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{start}its certificate is not trusted: {error.verify_message}"
    number = error.errno if not isinstance(error, ssl.SSLError) else None
    if number is None and (found := _NUMBER.search(str(error))):  # several addresses were tried
        number = int(found.group(1))
    if number is None and address.secure:
        plain = address.scheme.name
        return f"{start}it does not speak TLS there; without TLS the URL begins with {plain}://"
    if number is None or number < 0:  # not the kernel's, but the name service's
        return start + (error.strerror or str(error) or type(error).__name__).lower()
    why = os.strerror(number).lower()
    hint = "; start one with `leveret serve`" if number == errno.ECONNREFUSED else ""
    return start + why + hint
