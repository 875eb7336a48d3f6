"""Where a connection waits before its session begins: PROXY header, TLS and WebSocket handshake.

Knows no protocol and no socket.  Who stays silent, or says what does not belong here, goes no
further, and costs nobody else anything.
"""

from typing import Final, final

from leveret.net.carrier import Carrier, Upgrade
from leveret.net.proxy import DONE, WAIT, ProxyReader, Trusted
from leveret.net.seal import Landing, Seal
from leveret.net.tls import ServerTls
from leveret.session import Peer


@final
class Entrance:
    """What one listener asks of every connection; nothing, where it has neither TLS nor proxies.

    With ``upgrade`` it comes in as a WebSocket only.
    """

    def __init__(
        self,
        tls: ServerTls | None = None,
        trusted: Trusted | None = None,
        timeout_ms: int = 10_000,
        upgrade: Upgrade | None = None,
    ) -> None:
        self.tls: Final = tls
        self.trusted: Final = trusted
        self.timeout_ns: Final = timeout_ms * 1_000_000
        self.landing: Final = Landing() if tls is not None else None
        self.upgrade: Final = upgrade

    def door(self, near: Peer, now_ns: int) -> "Door | None":
        """Where a connection from ``near`` has to wait; None if it may come in at once."""
        proxy = None
        if self.trusted is not None and self.trusted.has(near.host):
            proxy = ProxyReader()
        carrier = self.upgrade.carrier(now_ns) if self.upgrade is not None else None
        if proxy is None and self.tls is None and carrier is None:
            return None
        return Door(self, near, proxy, carrier, now_ns + self.timeout_ns)


@final
class Door:
    """One connection's wait.

    Feed it; then send ``take_output``.  ``is_open``: ``peer`` may come in, and ``rest`` is the
    first it says.  ``is_shut``: it may not, because of ``fault``, or has gone without a reason.
    """

    def __init__(
        self,
        entrance: Entrance,
        near: Peer,
        proxy: ProxyReader | None,
        carrier: Carrier | None,
        deadline_ns: int,
    ) -> None:
        self._near: Final = near
        self._proxy = proxy
        self._said: ProxyReader | None = None
        self.seal: Final = _seal(entrance)
        self.carrier: Final = carrier
        self.deadline_ns: Final = deadline_ns
        self.is_open = False
        self.is_shut = False
        self.fault = ""
        self.rest = b""

    @property
    def has_begun(self) -> bool:
        """Whether the other side has said anything: who checks whether we live does not."""
        if self._proxy is not None:
            return self._proxy.has_begun
        if self.seal is not None:
            return self.seal.has_begun
        return self.carrier is not None and self.carrier.has_begun

    @property
    def name(self) -> str:
        """The connection's name as far as it is known."""
        return self.peer().name

    def receive(self, octets: bytes) -> None:
        """Take what came from the socket."""
        if self._proxy is not None:
            result = self._proxy.feed(octets)
            if result == WAIT:
                return
            if result != DONE:
                self._shut(self._proxy.fault)
                return
            octets = self._proxy.rest
            self._said = self._proxy
            self._proxy = None
        if octets:
            self._receive_inside(octets)
        elif self.seal is None and self.carrier is None:
            self.is_open = True

    def _receive_inside(self, octets: bytes) -> None:
        """What comes behind a PROXY header, if there was one."""
        seal = self.seal
        if seal is None:
            self._be_sealed(octets)
        elif seal.is_open:
            self._unseal(seal, octets)
        else:
            self._handshake(seal, octets)

    def _handshake(self, seal: Seal, octets: bytes) -> None:
        seal.handshake(octets)
        if seal.is_open:
            # The first words may have come with the last of the handshake.
            self._unseal(seal, b"")
        elif seal.is_over:
            self._shut(seal.fault)

    def _unseal(self, seal: Seal, octets: bytes) -> None:
        octets = seal.unseal(octets)
        if octets or self.carrier is None:
            self._be_sealed(octets)
        elif seal.is_over:
            self._shut(seal.fault)

    def _be_sealed(self, octets: bytes) -> None:
        """TLS is done, if there is any: ``octets`` came through it."""
        carrier = self.carrier
        if carrier is None:
            self.rest = octets
            self.is_open = True
            return
        self.rest = carrier.handshake(octets)
        if carrier.is_open:
            self.is_open = True
        elif carrier.is_over:
            self._shut(carrier.fault)

    def _shut(self, fault: str) -> None:
        self.fault = fault
        self.is_shut = True

    def take_output(self) -> bytes:
        """What to send now."""
        output = self.carrier.take_output() if self.carrier is not None else b""
        if self.seal is None:
            return output
        return self.seal.seal([output]) if output else self.seal.take_output()

    def late(self) -> str:
        """What was waited for in vain."""
        if self._proxy is not None:
            return "PROXY header"
        is_sealed = self.seal is None or self.seal.is_open
        return "WebSocket handshake" if is_sealed else "TLS handshake"

    def peer(self) -> Peer:
        """Who is at the door, as far as it has told."""
        peer = self._peer()
        if self.carrier is not None:
            peer.login = self.carrier.login
        return peer

    def _peer(self) -> Peer:
        near, said = self._near, self._said
        facts = near.tls
        if self.seal is not None and self.seal.is_open:
            facts = self.seal.facts()
        if said is None or said.is_local:
            return Peer(near.host, near.port, near.local_host, near.local_port, facts)
        if not said.is_known:
            return Peer(near.host, near.port, near.local_host, near.local_port, facts, False)
        # Whoever may connect here may say that he is a proxy, and that his client is local.
        return Peer(said.host, said.port, said.local_host, said.local_port, facts, near.is_loopback)


def _seal(entrance: Entrance) -> Seal | None:
    if entrance.tls is None:
        return None
    assert entrance.landing is not None
    return Seal(entrance.tls, entrance.landing)
