"""SASL responses: user name and password out of what the client sent.

Source: RFC 4616 (PLAIN); AMQPLAIN is AMQP 0-9's: a field table without its size.
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.octets import write_u32
from leveret.tables import LONGSTR, Field, TableError, read_table

MECHANISMS: Final = "PLAIN AMQPLAIN"


@final
class Credentials:
    """What a client claims to be."""

    def __init__(self, name: str, password: str) -> None:
        self.name: Final = name
        self.password: Final = password


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
