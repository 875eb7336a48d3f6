"""leveret.amqp091.strangers"""

import pytest

from leveret.amqp091.strangers import looks_like


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"GET / HT", ", but as HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", ", but as TLS, which this port does not speak"),
        (b"AMQP\x03\x01\x00\x00", ", but as AMQP 3-1-0-0"),
        (b"PROXY TC", ", but with a PROXY header: proxy_protocol is false, or its address is not"),
        (b"\r\n\r\n\x00\r\nQ", ", but with a PROXY header: proxy_protocol is false, or its "),
        (b"\x10\x20\x00\x04MQTT", ", but as MQTT"),
        (b"\x10\xff\x01\x00\x04MQT", ", but as MQTT"),
        (b"CONNECT\n", ", but as STOMP"),
        (b"STOMP\nac", ", but as STOMP"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07", ""),
        (b"\r\n\r\n\r\n\r\n", ""),
    ],
)
def test_the_log_says_what_a_stranger_looks_like(header: bytes, text: str) -> None:
    assert looks_like(header).startswith(text)
    assert bool(looks_like(header)) == bool(text)
