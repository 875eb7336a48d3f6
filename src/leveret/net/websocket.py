"""A WebSocket that carries a protocol: octets in, octets out.  No I/O.

The frames are the ``websockets`` library's; here is who may come, what a message may hold, and
when one that says nothing is gone.  Imported when the first connection comes.

Source: RFC 6455, RFC 7692.
"""

import base64
import binascii
import codecs
import logging
from http import HTTPStatus
from typing import Any, Final, final
from urllib.parse import unquote

from websockets.exceptions import WebSocketException
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Opcode
from websockets.headers import parse_subprotocol
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from leveret.net.carrier import Carrier, Upgrade

# Who says nonsense is told so; the log, where anybody could fill it with that, is not.
_LOG: Final = logging.getLogger("leveret.websockets")
_LOG.setLevel(logging.CRITICAL)
# Clients bound the messages they take, and few below a mebibyte.
_MESSAGE_OCTETS: Final = 256 * 1024
# What a peer may make of so many compressed octets is about a thousand times that.
_INFLATED_AT_ONCE: Final = 4096
_WINDOW_BITS: Final = 12
_SHOWN_LETTERS: Final = 100
_CHALLENGE: Final = 'Basic realm="Leveret", charset="UTF-8"'
_TEXT: Final = Opcode.TEXT
_BINARY: Final = Opcode.BINARY
_CONT: Final = Opcode.CONT


@final
class WebSocket(Carrier):
    """One connection's."""

    def __init__(self, upgrade: Upgrade, now_ns: int) -> None:
        super().__init__()
        self._upgrade: Final = upgrade
        self.has_messages = upgrade.has_messages
        self.most_octets = _INFLATED_AT_ONCE if upgrade.compresses else 0
        extensions: list[Any] = []
        if upgrade.compresses:
            extensions.append(
                ServerPerMessageDeflateFactory(
                    server_max_window_bits=_WINDOW_BITS,
                    client_max_window_bits=_WINDOW_BITS,
                    compress_settings={"memLevel": 5},
                )
            )
        # Any: compiled, every class of the library's would be insisted on.
        self._protocol: Final[Any] = ServerProtocol(
            extensions=extensions, max_size=upgrade.max_size, logger=_LOG
        )
        self._has_begun = False
        # The text that is under way, as its frames may cut a character.
        self._decoder: Any = None
        self._is_heard = False
        self._heard_ns = now_ns
        self._is_pinged = False

    @property
    def has_begun(self) -> bool:
        """Whether the peer has sent anything."""
        return self._has_begun

    # --- the handshake ---------------------------------------------------------------------

    def handshake(self, octets: bytes) -> bytes:
        """Go on with the handshake.  What came behind it, once that ``is_open``."""
        self._has_begun = True
        protocol = self._protocol
        protocol.receive_data(octets)
        events: list[Any] = protocol.events_received()
        if not events:
            if protocol.handshake_exc is not None:
                self._end(f"that is no request of HTTP: {_reason(protocol.handshake_exc)}")
            return b""
        self._answer(events[0])
        return self._payload(events[1:]) if self.is_open else b""

    def _answer(self, request: Request) -> None:
        response = self._refusal(request)
        if response is None:
            response = self._protocol.accept(request)
            if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                self.is_open = True
            else:
                self._end(f"that opens no WebSocket: {_reason(self._protocol.handshake_exc)}")
        response.headers["X-Content-Type-Options"] = "nosniff"
        self._protocol.send_response(response)

    def _refusal(self, request: Request) -> Any:
        """What to answer to who may not come; None for the others."""
        upgrade, headers = self._upgrade, request.headers
        path = unquote(request.path.partition("?")[0])
        if upgrade.path and upgrade.path.rstrip("/") != path.rstrip("/"):
            return self._refuse(
                HTTPStatus.NOT_FOUND,
                f"There is nothing at {_shown(path)}: {upgrade.name} over WebSockets is at"
                f" {upgrade.path}.",
            )
        if "upgrade" not in headers:
            return None  # the library has its words for it
        origin = ",".join(headers.get_all("Origin"))
        if not upgrade.welcomes(origin, ",".join(headers.get_all("Host"))):
            return self._refuse(
                HTTPStatus.FORBIDDEN,
                f"Pages of {_shown(origin)} may not come here: list it in web_allowed_origins if"
                " they may.",
            )
        if upgrade.uses_http_auth and not self._knows(",".join(headers.get_all("Authorization"))):
            refusal = self._refuse(
                HTTPStatus.UNAUTHORIZED,
                "HTTP has to say who you are: send basic credentials in the Authorization header.",
            )
            refusal.headers["WWW-Authenticate"] = _CHALLENGE
            return refusal
        return self._negotiate(headers.get_all("Sec-WebSocket-Protocol"))

    def _negotiate(self, offers: list[str]) -> Any:
        """Take the first of our subprotocols that is offered; else the refusal.

        Behaviour: RabbitMQ 3.10: of STOMP's versions the highest.
        """
        upgrade = self._upgrade
        offered: list[str] = []
        try:
            for offer in offers:
                offered += parse_subprotocol(offer)
        except WebSocketException:
            offered.append("")
        if not offered and not upgrade.must_name:
            return None
        for name in upgrade.subprotocols:
            if name in offered:
                chosen: list[Any] = [name]
                self._protocol.available_subprotocols = chosen
                return None
        known = " or ".join(upgrade.subprotocols)
        return self._refuse(
            HTTPStatus.BAD_REQUEST,
            f"{upgrade.name} over WebSockets is the subprotocol {known}: offer it.",
        )

    def _knows(self, authorization: str) -> bool:
        scheme, _, credentials = authorization.partition(" ")
        try:
            text = base64.b64decode(credentials.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        user, colon, password = text.partition(":")
        if scheme.lower() != "basic" or not colon:
            return False
        self.login = (user, password)
        return True

    def _refuse(self, status: HTTPStatus, sentence: str) -> Any:
        self._end(sentence)
        return self._protocol.reject(status, sentence + "\n")

    def _end(self, fault: str) -> None:
        self.fault = fault
        self.is_over = True

    # --- what is carried -------------------------------------------------------------------

    def unwrap(self, octets: bytes) -> bytes:
        """What ``octets`` carry."""
        self._is_heard = True
        protocol = self._protocol
        protocol.receive_data(octets)
        payload = self._payload(protocol.events_received())
        if protocol.state is not OPEN and not self.is_over:
            self._end("" if protocol.close_rcvd is not None else _reason(protocol.parser_exc))
        return payload

    def _payload(self, frames: list[Any]) -> bytes:
        found: list[bytes] = []
        for frame in frames:
            opcode = frame.opcode
            if opcode is _BINARY:
                found.append(bytes(frame.data))
            elif opcode is _TEXT or opcode is _CONT:
                if not self._takes(frame):
                    break
                found.append(bytes(frame.data))
        return found[0] if len(found) == 1 else b"".join(found)

    def _takes(self, frame: Any) -> bool:
        """Whether text may come here, and whether this is text."""
        if frame.opcode is _TEXT:
            if not self._upgrade.takes_text:
                self._fail(CloseCode.UNSUPPORTED_DATA, f"{self._upgrade.name} is binary")
                return False
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        elif self._decoder is None:
            return True  # goes on with what is binary
        try:
            self._decoder.decode(frame.data, frame.fin)
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "that text is not UTF-8")
            return False
        if frame.fin:
            self._decoder = None
        return True

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._protocol.fail(code, reason)
        self._end(reason)

    def wrap(self, parts: list[bytes]) -> list[bytes]:
        """What to send, so that it carries ``parts``."""
        protocol = self._protocol
        if protocol.state is not OPEN:
            return []
        for message in parts if self.has_messages else _joined(parts):
            if self._upgrade.is_text and _is_text(message):
                protocol.send_text(message)
            else:
                protocol.send_binary(message)
        written: list[bytes] = protocol.data_to_send()
        return written

    # --- control ---------------------------------------------------------------------------

    def take_output(self) -> bytes:
        """What the carrier itself has to say; mostly nothing."""
        written: list[bytes] = self._protocol.data_to_send()
        return b"".join(written)

    def refuse_more(self) -> None:
        """The peer says too much before it is known who it is: end it."""
        self._fail(CloseCode.MESSAGE_TOO_BIG, "too much before the login")

    def farewell(self) -> None:
        """Say goodbye in the carrier's way: nothing is carried any more."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(
                CloseCode.GOING_AWAY if self.is_shut else CloseCode.NORMAL_CLOSURE
            )

    def tick(self, now_ns: int, is_read: bool) -> None:
        """Ask who is silent for a sign of life, and end it when none comes."""
        if self._is_heard or not is_read:
            self._is_heard = False
            self._is_pinged = False
            self._heard_ns = now_ns
            return
        silent_ns = now_ns - self._heard_ns
        if silent_ns >= self._upgrade.idle_ns:
            self._fail(CloseCode.INTERNAL_ERROR, "no sign of life")
        elif silent_ns >= self._upgrade.idle_ns // 2 and not self._is_pinged:
            self._is_pinged = True
            self._protocol.send_ping(b"")


def _joined(parts: list[bytes]) -> list[bytes]:
    """The stream in as few messages as may be: clients bound their size."""
    stream = parts[0] if len(parts) == 1 else b"".join(parts)
    if len(stream) <= _MESSAGE_OCTETS:
        return [stream]
    return [stream[at : at + _MESSAGE_OCTETS] for at in range(0, len(stream), _MESSAGE_OCTETS)]


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(text: str) -> str:
    """What a stranger wrote, for the log too: short, and in one line."""
    return repr(text[:_SHOWN_LETTERS])


def _reason(error: object) -> str:
    """What the library says of a fault; the outermost and the innermost reason."""
    cause = getattr(error, "__cause__", None)
    text = f"{error}" if cause is None else f"{error}: {cause}"
    return text if text.isprintable() else _shown(text)
