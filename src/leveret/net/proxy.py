"""The PROXY protocol: what a proxy says first, about the client it speaks for.  No I/O.

::

    version 1, at most 107 octets     PROXY TCP4 192.0.2.7 192.0.2.1 40000 5672 CR LF

    version 2       12          1            1         2
              +-----------+-----------+------------+--------+-----------+------+
              | signature | 2 command | family     | length | addresses | TLVs |
              +-----------+-----------+------------+--------+-----------+------+

Source: "The PROXY protocol, versions 1 & 2", of HAProxy.  Whichever version comes is read, as in
RabbitMQ; what is not well-formed ends the connection.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, final

from leveret.config.addresses import network_of

WAIT: Final = 0
DONE: Final = 1
FAULTY: Final = 2

_V1: Final = b"PROXY "
_V1_MOST: Final = 107
_V2: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD: Final = 16
# Version 2 could have 65,535; certificates in its TLVs are the largest thing anybody sends.
_V2_MOST: Final = 16_384
_INET: Final = 1
_INET6: Final = 2
_UNIX: Final = 3
# How an IPv6 address begins that is an IPv4 address.
_MAPPED: Final = bytes(10) + b"\xff\xff"


@final
class Trusted:
    """The proxies that are believed.  No networks: whoever connects."""

    def __init__(self, sources: list[str]) -> None:
        self._networks: Final[list[IPv4Network | IPv6Network]] = [network_of(s) for s in sources]

    def has(self, host: str) -> bool:
        """Whether a connection from this address begins with a proxy's words."""
        if not self._networks:
            return True
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


@final
class ProxyReader:
    """Reads one header, in as many pieces as it comes.

    After DONE: ``rest`` is what came behind the header; ``is_known`` says whether the proxy told
    the addresses, and ``is_local`` whether it speaks for itself, as for a check of our health.
    After FAULTY: ``fault`` says why.
    """

    def __init__(self) -> None:
        self._octets = b""
        self.rest = b""
        self.fault = ""
        self.is_known = False
        self.is_local = False
        self.host = ""
        self.port = 0
        self.local_host = ""
        self.local_port = 0

    @property
    def has_begun(self) -> bool:
        """Whether anything has come."""
        return bool(self._octets)

    def feed(self, octets: bytes) -> int:
        """Take what came: WAIT for more, DONE, or FAULTY."""
        self._octets += octets
        begin = self._octets
        if begin.startswith(_V1):
            return self._read_v1()
        if begin.startswith(_V2):
            return self._read_v2()
        if _V1.startswith(begin) or _V2.startswith(begin):
            return WAIT
        return self._faulty("it sent no PROXY header, which proxy_protocol = true asks for")

    def _faulty(self, why: str) -> int:
        self.fault = why
        self._octets = b""
        return FAULTY

    def _done(self, size: int) -> int:
        self.rest = self._octets[size:]
        self._octets = b""
        return DONE

    def _read_v1(self) -> int:
        end = self._octets.find(b"\r\n", 0, _V1_MOST)
        if end < 0:
            if len(self._octets) < _V1_MOST:
                return WAIT
            return self._faulty("its PROXY header is too long")
        words = self._octets[:end].decode("latin-1").split(" ")
        if words[1] == "UNKNOWN":
            return self._done(end + 2)
        if len(words) != 6 or words[1] not in ("TCP4", "TCP6") or not self._take_words(words):
            return self._faulty("its PROXY header is malformed")
        return self._done(end + 2)

    def _take_words(self, words: list[str]) -> bool:
        version = 4 if words[1] == "TCP4" else 6
        host = _address_of(words[2], version)
        local_host = _address_of(words[3], version)
        port = _port_of(words[4])
        local_port = _port_of(words[5])
        if not host or not local_host or port < 0 or local_port < 0:
            return False
        self.host, self.port = host, port
        self.local_host, self.local_port = local_host, local_port
        self.is_known = True
        return True

    def _read_v2(self) -> int:
        octets = self._octets
        if len(octets) < _V2_HEAD:
            return WAIT
        size = _V2_HEAD + (octets[14] << 8 | octets[15])
        command = octets[12]
        if command not in (0x20, 0x21) or octets[13] >> 4 > _UNIX or octets[13] & 15 > 2:
            return self._faulty("its PROXY header is malformed")
        if size > _V2_MOST:
            return self._faulty("its PROXY header is too long")
        if len(octets) < size:
            return WAIT
        if command == 0x20:
            self.is_local = True
        elif not self._take_addresses(octets[13] >> 4, octets[_V2_HEAD:size]):
            return self._faulty("its PROXY header is malformed")
        return self._done(size)

    def _take_addresses(self, family: int, octets: bytes) -> bool:
        if family not in (_INET, _INET6):
            # A socket of the proxy's machine, or of no kind that it knows: there is no address.
            return True
        width = 4 if family == _INET else 16
        if len(octets) < 2 * width + 4:
            return False
        self.host = _spelt(octets[:width])
        self.local_host = _spelt(octets[width : 2 * width])
        at = 2 * width
        self.port = octets[at] << 8 | octets[at + 1]
        self.local_port = octets[at + 2] << 8 | octets[at + 3]
        self.is_known = True
        return True


def _spelt(octets: bytes) -> str:
    """An address as people write it; an IPv4 address within IPv6 as what it is."""
    return str(ip_address(octets[12:] if octets.startswith(_MAPPED) else octets))


def _address_of(text: str, version: int) -> str:
    """The address in its usual spelling; empty when it is none."""
    if len(text) > 45 or "%" in text:
        return ""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return _spelt(address.packed) if address.version == version else ""


def _port_of(text: str) -> int:
    """The port; -1 when it is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > 5:
        return -1
    return int(text) if int(text) <= 65535 else -1
