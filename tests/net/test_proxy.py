"""leveret.net.proxy"""

import struct
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leveret.net.proxy import DONE, FAULTY, WAIT, ProxyReader, Trusted

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672\r\n"


def v2(family: int, content: bytes, command: int = 0x21) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, family, len(content)) + content


def addresses(host: str, local_host: str, port: int = 40000, local_port: int = 5672) -> bytes:
    packed = ip_address(host).packed + ip_address(local_host).packed
    return packed + struct.pack(">HH", port, local_port)


INET = v2(0x11, addresses("192.0.2.7", "192.0.2.1"))
INET6 = v2(0x21, addresses("2001:db8::7", "2001:db8::1"))


def read(octets: bytes, size: int = 1 << 20) -> tuple[int, ProxyReader]:
    """What comes of ``octets`` in pieces of ``size``; what follows the end is not fed."""
    reader = ProxyReader()
    result = WAIT
    for at in range(0, len(octets), size):
        result = reader.feed(octets[at : at + size])
        if result != WAIT:
            break
    return result, reader


def told(reader: ProxyReader) -> tuple[str, int, str, int]:
    return reader.host, reader.port, reader.local_host, reader.local_port


@pytest.mark.parametrize(
    ("octets", "who"),
    [
        (V1, ("192.0.2.7", 40000, "192.0.2.1", 5672)),
        (b"PROXY TCP6 2001:DB8::7 ::1 1 65535\r\n", ("2001:db8::7", 1, "::1", 65535)),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", ("192.0.2.7", 1, "::1", 2)),
        (INET, ("192.0.2.7", 40000, "192.0.2.1", 5672)),
        (INET6, ("2001:db8::7", 40000, "2001:db8::1", 5672)),
        (
            v2(0x21, addresses("::ffff:192.0.2.7", "::1")),
            ("192.0.2.7", 40000, "::1", 5672),
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_client_is_known_however_the_header_is_cut(
    octets: bytes, who: tuple[str, int, str, int], size: int
) -> None:
    result, reader = read(octets, size)
    assert (result, reader.fault) == (DONE, "")
    assert told(reader) == who
    assert reader.is_known and not reader.is_local


@pytest.mark.parametrize("octets", [V1, INET, INET6, b"PROXY UNKNOWN\r\n"])
def test_what_follows_the_header_is_the_clients(octets: bytes) -> None:
    result, reader = read(octets + b"AMQP\0\0\x09\x01")
    assert (result, reader.rest) == (DONE, b"AMQP\0\0\x09\x01")


@pytest.mark.parametrize(
    "octets",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:f...f ffff:f...f 65535 65535\r\n",
        v2(0x00, b""),
        v2(0x00, b"whatever is here"),
        v2(0x31, bytes(216)),
    ],
)
def test_a_client_without_an_address_is_not_known(octets: bytes) -> None:
    result, reader = read(octets)
    assert result == DONE
    assert not reader.is_known and not reader.is_local


def test_a_proxy_may_speak_for_itself() -> None:
    result, reader = read(v2(0x00, b"", command=0x20))
    assert result == DONE
    assert reader.is_local and not reader.is_known


def test_what_else_the_proxy_tells_is_passed_over() -> None:
    extras = b"\x04\x00\x05noop!" + b"\xee\xff\xffcut off"
    result, reader = read(v2(0x11, addresses("192.0.2.7", "192.0.2.1") + extras) + b"AMQP")
    assert (result, reader.host, reader.rest) == (DONE, "192.0.2.7", b"AMQP")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"AMQP\0\0\x09\x01", "no PROXY header"),
        (b"\x16\x03\x01", "no PROXY header"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 40000\r\n", "malformed"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672 \r\n", "malformed"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 65536\r\n", "malformed"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 -1 5672\r\n", "malformed"),
        (b"PROXY TCP4 192.0.2.256 192.0.2.1 40000 5672\r\n", "malformed"),
        (b"PROXY TCP4 2001:db8::7 192.0.2.1 40000 5672\r\n", "malformed"),
        (b"PROXY TCP6 fe80::1%eth0 ::1 40000 5672\r\n", "malformed"),
        (b"PROXY UDP4 192.0.2.7 192.0.2.1 40000 5672\r\n", "malformed"),
        (b"PROXY \r\n", "malformed"),
        (b"PROXY UNKNOWN" + b" " * 200, "too long"),
        (v2(0x11, addresses("192.0.2.7", "192.0.2.1")[:-1]), "malformed"),
        (v2(0x21, addresses("192.0.2.7", "192.0.2.1")), "malformed"),
        (v2(0x41, bytes(36)), "malformed"),
        (v2(0x13, bytes(36)), "malformed"),
        (v2(0x11, bytes(36), command=0x22), "malformed"),
        (v2(0x11, bytes(36), command=0x11), "malformed"),
        (v2(0x11, bytes(65535)), "too long"),
    ],
)
def test_what_is_no_header_ends_the_connection(octets: bytes, why: str) -> None:
    result, reader = read(octets)
    assert result == FAULTY
    assert why in reader.fault
    assert not reader.is_known


def test_a_header_of_the_greatest_length_is_read() -> None:
    line = b"PROXY UNKNOWN " + b"x" * (107 - 16) + b"\r\n"
    assert len(line) == 107
    assert read(line)[0] == DONE
    assert read(line[:-2] + b"x\r\n")[0] == FAULTY


@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]),
    st.binary(max_size=300),
    st.integers(1, 40),
)
@example(SIGNATURE + b"\x21\x11\x00\x00", b"", 1)
def test_nothing_it_is_fed_makes_it_raise_or_grow(begin: bytes, rest: bytes, size: int) -> None:
    octets = begin + rest
    result, reader = read(octets, size)
    whole_result, whole = read(octets)
    assert result == whole_result
    assert (reader.fault, told(reader)) == (whole.fault, told(whole))
    assert result in (WAIT, DONE, FAULTY)
    assert (result == FAULTY) == bool(reader.fault)


@given(st.data())
def test_a_damaged_header_is_refused_or_read(data: st.DataObject) -> None:
    header = data.draw(st.sampled_from([V1, INET, INET6]))
    at = data.draw(st.integers(0, len(header) - 1))
    octet = data.draw(st.binary(min_size=0, max_size=2))
    result, reader = read(header[:at] + octet + header[at + 1 :])
    if reader.is_known:
        assert result == DONE
        ip_address(reader.host)
        assert 0 <= reader.port <= 65535


def test_one_that_never_ends_is_refused_in_time() -> None:
    reader = ProxyReader()
    taken = 0
    assert reader.feed(b"PROXY ") == WAIT
    while reader.feed(b"x") == WAIT:
        taken += 1
    assert taken < 107


def test_it_knows_whether_anything_came() -> None:
    reader = ProxyReader()
    assert not reader.has_begun
    reader.feed(b"P")
    assert reader.has_begun


@pytest.mark.parametrize(
    ("sources", "host", "is_trusted"),
    [
        ([], "198.51.100.7", True),
        (["10.0.0.0/8", "192.0.2.1"], "10.1.2.3", True),
        (["10.0.0.0/8", "192.0.2.1"], "192.0.2.1", True),
        (["10.0.0.0/8", "192.0.2.1"], "192.0.2.2", False),
        (["10.0.0.0/8"], "::1", False),
        (["fd00::/8"], "fd00::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["10.0.0.0/8"], "", False),
    ],
)
def test_proxies_are_believed_by_their_address(
    sources: list[str], host: str, is_trusted: bool
) -> None:
    assert Trusted(sources).has(host) is is_trusted
