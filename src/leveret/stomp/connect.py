"""CONNECT: the version, the login, the vhost, the heart-beats.

::

    client                                  broker
    CONNECT or STOMP                    ->
    accept-version:1.1,1.2
    host:/  (the vhost)
    login:guest  passcode:guest
    heart-beat:10000,10000
                                        <-  CONNECTED
                                            version:1.2  session:...  heart-beat:10000,10000

Behaviour: RabbitMQ 4.3, "STOMP Plugin", and its refusals' texts.
"""

from typing import Final, final

from leveret.auth.backends import Attempt
from leveret.auth.sasl import Credentials
from leveret.broker.node import Node
from leveret.errors import LimitReached, NotAllowed
from leveret.session import Peer
from leveret.sessions.entry import Entry
from leveret.stomp.faults import PROCESSING, VERSIONS, StompFault
from leveret.stomp.headers import V1_0, V1_1, V1_2, Frame, frame_octets, number_of

_VERSIONS: Final = {"1.0": V1_0, "1.1": V1_1, "1.2": V1_2}
_SHOWN: Final = {V1_0: "1.0", V1_1: "1.1", V1_2: "1.2"}
# Clients choose their behaviour by the product, as those of AMQP 0-9-1 do.
_SERVER: Final = "RabbitMQ/3.13.7"
_REFUSED: Final = "Bad CONNECT"
# Where the name and password come from, in RabbitMQ's words.
_BY_SETTING: Final = "config"
_BY_HEADERS: Final = "stomp_headers"
_BY_CERTIFICATE: Final = "ssl"


@final
class Greeting:
    """The opening of one connection.  ``version`` is 0 until it is agreed on.

    ``can_send_ms`` and ``wants_ms`` are the client's heart-beats.
    """

    def __init__(self, node: Node, peer: Peer, carrier: str) -> None:
        self._node: Final = node
        self._peer: Final = peer
        self._name: Final = f"{carrier}STOMP"
        self.entry: Final = Entry(node, peer, self._name, "stomp")
        self.version = 0
        self.session_name = ""
        self.can_send_ms = 0
        self.wants_ms = 0
        # Kept while the login waits for a decision from outside.
        self._attempt: Attempt | None = None

    def connect(self, frame: Frame) -> None:
        """Do as CONNECT says.  Raises StompFault, and Pending: then the same must come again."""
        version = _agreed(frame.text("accept-version", "1.0"))
        self.entry.protocol = f"{self._name} {_SHOWN[version]}"
        self._read_heart_beat(frame.text("heart-beat", "0,0"))
        if self.entry.login is None:
            self._log_in(frame)
        self._enter(frame.text("host", self._node.settings.stomp_default_vhost))
        vhost = self.entry.vhost
        assert vhost is not None
        self.session_name = vhost.unused_name("session-")
        self.version = version

    def _read_heart_beat(self, text: str) -> None:
        can_send, comma, wants = text.partition(",")
        if not comma:
            raise StompFault(PROCESSING, "the header 'heart-beat' is not two numbers")
        self.can_send_ms = number_of("heart-beat", can_send)
        self.wants_ms = number_of("heart-beat", wants)

    def _log_in(self, frame: Frame) -> None:
        if self._attempt is None:
            self._attempt = self._begin(frame)
        attempt = self._attempt
        failure = self.entry.log_in(attempt)
        self._attempt = None
        if failure is not None:
            name = attempt.credentials.name
            self._node.notices.warn(
                f"STOMP connection {self._peer.name}: login refused: {failure.reason}"
            )
            raise StompFault(_REFUSED, f"Access refused for user '{name}'\n")

    def _begin(self, frame: Frame) -> Attempt:
        settings = self._node.settings
        tls = self._peer.tls
        if self._peer.login is not None:
            # HTTP has said who it is: what the frame says does not count.
            name, password = self._peer.login
            return Attempt(Credentials(name, password), _BY_SETTING, self._peer)
        mechanism = _BY_HEADERS
        if "login" not in frame.headers:
            if settings.stomp_ssl_cert_login and tls is not None and tls.is_verified:
                name = self._node.sasl.external_name(tls)
                return Attempt(Credentials(name, "", True), _BY_CERTIFICATE, self._peer)
            mechanism = _BY_SETTING
        name = frame.text("login", settings.stomp_default_user)
        password = frame.text("passcode", settings.stomp_default_pass)
        if not name:
            raise StompFault(_REFUSED, "Missing login or passcode header(s)\n")
        return Attempt(Credentials(name, password), mechanism, self._peer)

    def _enter(self, vhost: str) -> None:
        try:
            self.entry.enter(vhost)
        except LimitReached as limit:
            raise StompFault(_REFUSED, f"Connection refused: {limit.detail}") from None
        except NotAllowed:
            raise StompFault(_REFUSED, f"Virtual host '{vhost}' access denied") from None

    def connected(self, send_s: int, receive_s: int) -> bytes:
        """The answer; the intervals are those of the broker's own heart."""
        headers: dict[str, str] = {}
        if not self._node.settings.stomp_hide_server_info:
            headers["server"] = _SERVER
        headers["session"] = self.session_name
        headers["heart-beat"] = f"{send_s * 1000},{receive_s * 1000}"
        headers["version"] = _SHOWN[self.version]
        # No escapes in this frame, and nothing that would need any.
        return frame_octets("CONNECTED", headers, "", V1_0)


def _agreed(offered: str) -> int:
    """The highest version that both sides know.  Raises StompFault."""
    best = 0
    for word in offered.split(","):
        best = max(best, _VERSIONS.get(word.strip(), 0))
    if best == 0:
        raise StompFault("Version mismatch", f"Supported versions are {VERSIONS}\n")
    return best
