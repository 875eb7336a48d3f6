"""TLS of one connection: octets in, octets out.  No I/O: the same on every event loop.

Why not the loops' own TLS: a PROXY header may stand before the handshake, flow control stays in
one place, and what goes wrong can be said in one line of the log.
"""

import ssl
from typing import Any, Final, final

from leveret.net.certificate import tell
from leveret.net.tls import ServerTls, reason_of
from leveret.session import TlsFacts

# OpenSSL gives one record at a time.
_RECORD_OCTETS: Final = 16_384
_ROOM_OCTETS: Final = 20 * _RECORD_OCTETS
_HTTP: Final = (b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"CONN")


@final
class Landing:
    """Where decrypted octets land before they are copied out, within the same call."""

    def __init__(self) -> None:
        self.view: Final = memoryview(bytearray(_ROOM_OCTETS))


@final
class Seal:
    """Encrypts and decrypts.

    ``is_open`` once the handshake is done, ``is_over`` once the peer has said goodbye or something
    went wrong, which is then in ``fault``.  Whatever was called, ``take_output`` must be sent.
    """

    def __init__(self, tls: ServerTls, landing: Landing) -> None:
        self._incoming: Final = ssl.MemoryBIO()
        self._outgoing: Final = ssl.MemoryBIO()
        self._landing: Final = landing.view
        self._depth: Final = tls.depth
        # Any: a call through the class of the standard library is no faster, and it has two.
        self._tls: Final[Any] = tls.context.wrap_bio(
            self._incoming, self._outgoing, server_side=True
        )
        self._begin = b""
        self.is_open = False
        self.is_over = False
        self.fault = ""

    @property
    def has_begun(self) -> bool:
        """Whether the peer has sent anything."""
        return bool(self._begin)

    def handshake(self, octets: bytes) -> None:
        """Go on with the handshake; ``is_open`` or ``is_over`` when that is done."""
        if len(self._begin) < 4:
            self._begin = (self._begin + octets)[:4]
        self._incoming.write(octets)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            self._end(self._why(error))
            return
        if self._is_too_deep():
            self._end(f"more than tls_depth = {self._depth} CAs are between it and the root")
            return
        self.is_open = True

    def _why(self, error: ssl.SSLError) -> str:
        if self._begin == b"AMQP":
            return "it speaks AMQP without TLS to a port for TLS"
        if self._begin in _HTTP:
            return "it speaks HTTP without TLS to a port for AMQP over TLS"
        reason = reason_of(error)
        if " alert " in f" {reason} ":
            return f"the client ended the TLS handshake: {reason}"
        return f"the TLS handshake failed: {reason}"

    def _is_too_deep(self) -> bool:
        """Whether too many stand between the client's certificate and the root."""
        holder = self._tls if hasattr(self._tls, "get_verified_chain") else self._tls._sslobj
        chain = holder.get_verified_chain()
        return chain is not None and len(chain) - 2 > self._depth

    def _end(self, fault: str) -> None:
        self.fault = fault
        self.is_over = True

    def facts(self) -> TlsFacts:
        """What is agreed on, and what the client's certificate says."""
        return facts_of(self._tls)

    def unseal(self, octets: bytes) -> bytes:
        """What ``octets`` decrypt to; empty when no record is complete."""
        self._incoming.write(octets)
        size = 0
        try:
            # What lands is never more than what came, but for one record begun before.
            while size <= _ROOM_OCTETS - _RECORD_OCTETS:
                got = self._tls.read(_RECORD_OCTETS, self._landing[size:])
                if got == 0:
                    self.is_over = True
                    break
                size += got
                if self._incoming.pending == 0 and self._tls.pending() == 0:
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._end(f"TLS failed: {reason_of(error)}")
        return bytes(self._landing[:size])

    def seal(self, parts: list[bytes]) -> bytes:
        """What to send for ``parts``, and for whatever TLS itself wants to say."""
        octets = parts[0] if len(parts) == 1 else b"".join(parts)
        size = len(octets)
        try:
            at = self._tls.write(octets) if size else 0
            while at < size:
                at += self._tls.write(memoryview(octets)[at:])
        except ssl.SSLError as error:
            self._end(f"TLS failed: {reason_of(error)}")
        return self._outgoing.read()

    def take_output(self) -> bytes:
        """What TLS itself has to say; mostly nothing."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def farewell(self) -> bytes:
        """The words after which the peer knows that nothing was cut off: the last there are."""
        self.is_over = True
        try:
            self._tls.unwrap()
        except ssl.SSLError:  # the peer's own farewell, which nobody waits for
            pass
        return self._outgoing.read()


def facts_of(tls: Any) -> TlsFacts:
    """What is agreed on with a peer, and what its certificate says; ``tls`` is Python's object."""
    cipher = tls.cipher()
    facts = TlsFacts(tls.version() or "", cipher[0] if cipher is not None else "")
    # Without verify_mode no certificate is asked for, so that this one was verified.
    der = tls.getpeercert(True)
    if der is not None:
        tell(facts, der)
    return facts
