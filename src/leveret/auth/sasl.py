"""SASL: which mechanisms are offered, and the user's name and password out of a response.

Source: RFC 4616 (PLAIN), RFC 4422 (EXTERNAL), RFC 4505 (ANONYMOUS); AMQPLAIN is AMQP 0-9's: a
field table without its size.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.octets import write_u32
from leveret.session import Peer, TlsFacts
from leveret.tables import LONGSTR, Field, TableError, read_table

PLAIN: Final = "PLAIN"
AMQPLAIN: Final = "AMQPLAIN"
EXTERNAL: Final = "EXTERNAL"
ANONYMOUS: Final = "ANONYMOUS"

# What ``ssl_cert_login_from`` may be, besides ``distinguished_name``.
COMMON_NAME: Final = "common_name"
ALTERNATIVE_NAME: Final = "subject_alternative_name"


@final
class Credentials:
    """What a client claims to be.  ``is_proven``: by its certificate, so no password is needed."""

    def __init__(self, name: str, password: str, is_proven: bool = False) -> None:
        self.name: Final = name
        self.password: Final = password
        self.is_proven: Final = is_proven


@final
class Sasl:
    """The mechanisms of one node, as its settings have them."""

    def __init__(
        self,
        mechanisms: list[str],
        anonymous_name: str,
        anonymous_password: str,
        login_from: str,
        san_type: str,
        san_index: int,
    ) -> None:
        self._mechanisms: Final = mechanisms
        self._anonymous: Final = Credentials(anonymous_name, anonymous_password)
        self._login_from: Final = login_from
        self._san_type: Final = san_type
        self._san_index: Final = san_index

    def offered(self, peer: Peer) -> list[str]:
        """The mechanisms for a client that comes as ``peer`` does, in the settings' order."""
        return [name for name in self._mechanisms if self._is_offered(name, peer)]

    def _is_offered(self, mechanism: str, peer: Peer) -> bool:
        if mechanism == EXTERNAL:
            return peer.tls is not None and peer.tls.is_verified
        if mechanism == ANONYMOUS:
            return self._anonymous.name not in ("", "none")
        return True

    def read(self, mechanism: str, response: bytes, peer: Peer) -> Credentials | None:
        """The credentials in ``response``; None when it has another shape than its mechanism has.

        ``mechanism`` is one that is offered.
        """
        if mechanism == PLAIN:
            return read_plain(response)
        if mechanism == AMQPLAIN:
            return read_amqplain(response)
        if mechanism == ANONYMOUS:
            # What the response says is for a log only, so anything will do.
            return self._anonymous
        assert mechanism == EXTERNAL
        return Credentials(self.external_name(peer.tls), "", True)

    def external_name(self, tls: TlsFacts | None) -> str:
        """The user's name in the client's certificate; empty when it has none of that kind."""
        assert tls is not None
        assert tls.is_verified
        if self._login_from == COMMON_NAME:
            return tls.common_name
        if self._login_from != ALTERNATIVE_NAME:
            return tls.subject
        names = [name for kind, name in tls.alternative_names if kind == self._san_type]
        return names[self._san_index] if self._san_index < len(names) else ""


def read_plain(response: bytes) -> Credentials | None:
    """From ``NUL user NUL password``; None when it has another shape.

    Behaviour: RabbitMQ 4.3 wants the first octet to be NUL: no authorization identity.
    """
    parts = response.split(b"\0")
    if len(parts) != 3 or parts[0] != b"":
        return None
    return _credentials(parts[1], parts[2])


def read_amqplain(response: bytes) -> Credentials | None:
    """From a table with LOGIN and PASSWORD; None when it has another shape."""
    sized = BytesWriter()
    write_u32(sized, len(response))
    sized.write(response)
    try:
        table, _ = read_table(sized.getvalue(), 0)
    except TableError:
        return None
    login: Field | None = table.get("LOGIN")
    password: Field | None = table.get("PASSWORD")
    if login is None or password is None or login.kind != LONGSTR or password.kind != LONGSTR:
        return None
    return Credentials(str(login.value), str(password.value))


def _credentials(name: bytes, password: bytes) -> Credentials | None:
    try:
        return Credentials(name.decode(), password.decode())
    except UnicodeDecodeError:
        return None
