"""How a run and a broker introduce themselves, and why they do not get that far.  Opens nothing."""

import errno
import os
import re
import ssl
from typing import Final

from leveret.perf.address import Address
from leveret.tables import Table, TableError, field_of, read_table, table_of

_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


def client_properties() -> Table:
    """Who we are, and that we understand a refused login and a blocked connection."""
    can: dict[str, object] = {
        "authentication_failure_close": True,
        "basic.nack": True,
        "connection.blocked": True,
        "consumer_cancel_notify": True,
        "publisher_confirms": True,
    }
    names: dict[str, object] = {"product": "leveret perf", "platform": "Python"}
    properties = table_of(names)
    properties["capabilities"] = field_of(can)
    return properties


def product_of(hello: bytes) -> str:
    """What ``connection.start`` says the broker is: product and version, maybe empty.

    Leveret names itself beside the RabbitMQ that it takes the part of.
    """
    try:
        properties, _ = read_table(hello, 6)
    except TableError:
        return ""
    words = [properties[name].value for name in ("product", "version") if name in properties]
    said = " ".join([word for word in words if isinstance(word, str)])
    own = properties["leveret"].value if "leveret" in properties else None
    return f"Leveret {own} (as {said})" if isinstance(own, str) else said


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
        return f"{start}it does not speak TLS there; without TLS the URL begins with amqp://"
    if number is None or number < 0:  # not the kernel's, but the name service's
        return start + (error.strerror or str(error) or type(error).__name__).lower()
    why = os.strerror(number).lower()
    hint = "; start one with `leveret serve`" if number == errno.ECONNREFUSED else ""
    return start + why + hint
