"""A raw STOMP client for tests: every octet and frame is in the test's hand.

It shares no code with the broker, so that a mistake in the broker's codec cannot hide here.  A
blocking socket, no thread, no retry.

    with StompWire(port) as wire:
        wire.connect()                                        # 1.2, as guest
        wire.send("SEND", destination="/queue/q", receipt="1", body=b"hello")
        assert wire.expect("RECEIPT")["receipt-id"] == "1"

Headers are keyword arguments, a hyphen written as ``_``; others go into the second argument.
"""

import socket
import time
from typing import Any, Final, Self

_ESCAPES: Final = {"\\n": "\n", "\\c": ":", "\\r": "\r", "\\\\": "\\"}


class Silence(AssertionError):
    """The broker sent nothing in time."""


class Frame:
    """One frame that the broker sent; ``frame["name"]`` is a header."""

    def __init__(self, command: str, pairs: list[tuple[str, str]], body: bytes) -> None:
        self.command = command
        self.pairs = pairs
        self.body = body

    def __getitem__(self, name: str) -> str:
        for key, value in self.pairs:
            if key == name:
                return value
        raise KeyError(f"{name} in {self!r}")

    @property
    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for name, value in self.pairs:
            headers.setdefault(name, value)
        return headers

    def __repr__(self) -> str:
        return f"{self.command} {dict(self.pairs)} {self.body!r}"


def escape(text: str) -> str:
    """As STOMP 1.2 has it."""
    for code, char in (("\\\\", "\\"), ("\\n", "\n"), ("\\c", ":"), ("\\r", "\r")):
        text = text.replace(char, code)
    return text


def unescape(text: str) -> str:
    """As STOMP 1.2 has it."""
    out, at = "", 0
    while at < len(text):
        pair = text[at : at + 2]
        if pair[0] == "\\":
            assert pair in _ESCAPES, f"the broker sent a bad escape: {text!r}"
            out += _ESCAPES[pair]
            at += 2
        else:
            out += pair[0]
            at += 1
    return out


def encode(
    command: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: str
) -> bytes:
    """A frame as it travels."""
    names = {name.replace("_", "-"): value for name, value in more.items()}
    lines = "".join(
        f"{escape(name)}:{escape(value)}\n" for name, value in ((headers or {}) | names).items()
    )
    return f"{command}\n{lines}\n".encode() + body + b"\0"


def take_frame(data: bytes, version: str = "1.2") -> tuple[Frame | None, bytes]:
    """The first frame of ``data``, if all of it is there, and the rest."""
    data = data.lstrip(b"\n")
    head, blank, rest = data.partition(b"\n\n")
    if not blank:
        return None, data
    command, *lines = head.decode("utf-8", "surrogateescape").split("\n")
    pairs = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon, f"the broker sent a header without a colon: {line!r}"
        raw = version == "1.0" or command == "CONNECTED"
        pairs.append((name, value) if raw else (unescape(name), unescape(value)))
    size = dict(pairs).get("content-length")
    end = int(size) if size is not None else rest.find(b"\0")
    if end < 0 or len(rest) <= end:
        return None, data
    assert rest[end] == 0, f"the broker sent no NUL: {data!r}"
    return Frame(command, pairs, rest[:end]), rest[end + 1 :]


class StompWire:
    """One connection.  See the module's docstring."""

    def __init__(self, port: int, host: str = "127.0.0.1", *, timeout: float = 20.0) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.version = "1.2"
        self.buffer = b""
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    # --- writing -----------------------------------------------------------------------------

    def send_octets(self, octets: bytes) -> None:
        """Write octets as they are.  A connection that the broker closed swallows them."""
        try:
            self.socket.sendall(octets)
        except (ConnectionError, TimeoutError):
            pass

    def send(
        self, command: str, headers: dict[str, str] | None = None, body: bytes = b"", **more: str
    ) -> None:
        """Send a frame and wait for nothing."""
        self.send_octets(encode(command, headers, body, **more))

    # --- reading -----------------------------------------------------------------------------

    def read(self, timeout: float | None = None) -> Frame | None:
        """The next frame; None when the connection ended.  Raises Silence."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            frame, self.buffer = take_frame(self.buffer, self.version)
            if frame is not None or self.ended:
                return frame
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                chunk = self.socket.recv(1 << 18)
            except TimeoutError:
                raise Silence(f"nothing came; so far {self.buffer!r}") from None
            except ConnectionError:
                chunk = b""
            finally:
                self.socket.settimeout(self.timeout)
            self.buffer += chunk
            self.ended = not chunk

    def read_all(self, idle: float = 0.3) -> list[Frame]:
        """Every frame until nothing came for ``idle`` seconds or the connection ended."""
        got = []
        while True:
            try:
                one = self.read(idle)
            except Silence:
                return got
            if one is None:
                return got
            got.append(one)

    def expect(self, command: str, timeout: float | None = None) -> Frame:
        """The next frame, which must be ``command``."""
        got = self.read(timeout)
        assert got is not None and got.command == command, f"expected {command}, got {got!r}"
        return got

    def expect_end(self) -> None:
        """Nothing more comes, and the broker closes."""
        got = self.read()
        assert got is None, f"expected the end, got {got!r}"

    # --- the usual beginnings and ends -------------------------------------------------------

    def connect(self, version: str = "1.2", **headers: str) -> Frame | None:
        """Send CONNECT as guest; returns CONNECTED, or whatever came instead."""
        self.version = version
        given = {"accept_version": version, "host": "/", "login": "guest", "passcode": "guest"}
        self.send("CONNECT", **(given | headers))
        return self.read()

    def settle(self, name: str = "settled") -> list[Frame]:
        """A round trip: what came before its RECEIPT."""
        self.send("BEGIN", transaction=name, receipt=name)
        got: list[Frame] = []
        while True:
            one = self.read()
            assert one is not None, f"the connection ended after {got!r}"
            if one.command == "RECEIPT" and one["receipt-id"] == name:
                self.send("ABORT", transaction=name)
                return got
            got.append(one)

    def drop(self) -> None:
        """Close the socket without a word."""
        self.ended = True
        self.socket.close()


def any_headers(frame: Frame, *without: str) -> dict[str, Any]:
    """The headers of ``frame`` but those that differ from run to run."""
    hidden = {"message-id", "ack", "session", *without}
    return {name: value for name, value in frame.headers.items() if name not in hidden}
