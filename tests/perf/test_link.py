"""leveret.perf.link and leveret.perf.amqp.greeting: what is said of a broker"""

import errno
import socket
import ssl

import pytest

from leveret.perf.address import AMQP, read_address
from leveret.perf.amqp.greeting import product_of
from leveret.perf.link import unreachable, vhost_in_words
from leveret.tables import table_octets, table_of

SEVERAL = OSError(
    "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0),"
    " [Errno 111] Connect call failed ('127.0.0.1', 1)"
)


def hello(**properties: object) -> bytes:
    """The payload of a ``connection.start``, as far as it matters."""
    return bytes(6) + table_octets(table_of(properties))


def test_a_broker_is_called_what_it_says() -> None:
    assert product_of(hello(product="RabbitMQ", version="4.3.0")) == "RabbitMQ 4.3.0"
    assert product_of(hello(product="Something")) == "Something"
    assert product_of(hello()) == ""
    assert product_of(bytes(6) + b"\x00\x00\x00\x09") == ""


def test_leveret_is_called_by_its_own_name() -> None:
    said = hello(product="RabbitMQ", version="3.13.7", leveret="0.1.0")
    assert product_of(said) == "Leveret 0.1.0 (as RabbitMQ 3.13.7)"


def test_a_lone_slash_gets_a_hint() -> None:
    assert vhost_in_words(read_address("amqp://h/", AMQP).vhost) == (
        "vhost '' (for vhost '/' the URL should end in /%2F)"
    )
    assert vhost_in_words(read_address("amqp://h/a", AMQP).vhost) == "vhost 'a'"


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        (
            "amqp://h:1",
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('h', 1)"),
            "h:1: connection refused; start one with `leveret serve`",
        ),
        ("amqp://h", SEVERAL, "h:5672: connection refused; start one with `leveret serve`"),
        ("amqp://h", OSError(errno.EHOSTUNREACH, "x"), "h:5672: no route to host"),
        ("amqp://h", socket.gaierror(-2, "Name or service not known"), "name or service not known"),
        ("amqp://h", ConnectionResetError(), "h:5672: connectionreseterror"),
        (
            "amqps://h",
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)"),
            "h:5671: it does not speak TLS there; without TLS the URL begins with amqp://",
        ),
        ("amqps://h", ConnectionResetError(), "h:5671: it does not speak TLS there"),
        (
            "amqps://h:1",
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            "h:1: connection refused; start one",
        ),
    ],
)
def test_why_a_broker_is_out_of_reach_is_said_in_words(url: str, error: OSError, said: str) -> None:
    sentence = unreachable(read_address(url, AMQP), error)
    assert sentence.startswith("cannot reach a broker at h:")
    assert said in sentence


def test_a_certificate_that_is_not_trusted_is_not_taken_for_no_tls() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    sentence = unreachable(read_address("amqps://h", AMQP), error)
    assert sentence.endswith("its certificate is not trusted: self-signed certificate")
