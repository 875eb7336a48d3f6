"""What the operating system is told about sockets, for a listener and for each connection."""

import errno
import socket
import struct
from ipaddress import ip_address
from typing import Any, Final, final

from leveret.config.settings import Settings

BACKLOG: Final = 1024


@final
class Sockets:
    """The options of a listener's sockets; ``linger_s`` -1 leaves that to the system."""

    def __init__(
        self,
        backlog: int = BACKLOG,
        nodelay: bool = True,
        keepalive: bool = False,
        linger_s: int = -1,
    ) -> None:
        self.backlog: Final = backlog
        self.nodelay: Final = nodelay
        self._keepalive: Final = keepalive
        self._linger_s: Final = linger_s

    @property
    def lingers(self) -> bool:
        """Whether the end of a connection is not left to the system."""
        return self._linger_s >= 0

    def listening(self, sockets: Any) -> None:
        """Set what connections inherit from the listening socket: all but nodelay.

        ``sockets`` are the event loop's, of which not every one has more than ``fileno``.
        """
        for one in sockets:
            with socket.socket(fileno=socket.dup(one.fileno())) as own:
                if self._keepalive:
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if self.lingers:
                    linger = struct.pack("ii", 1, self._linger_s)
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def undelay(transport: Any) -> None:
    """Let small packets wait for more, which the event loops have off."""
    there = transport.get_extra_info("socket")
    with socket.socket(fileno=socket.dup(there.fileno())) as own:
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)


def unlinger(transport: Any) -> None:
    """Leave the end of this connection to the system after all.

    For a polite close: RabbitMQ waits there until the client has closed, so that its linger of 0
    seconds, which many configurations have, resets nobody who still reads.
    """
    there = transport.get_extra_info("socket")
    with socket.socket(fileno=socket.dup(there.fileno())) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))


def sockets_of(settings: Settings) -> Sockets:
    """The options that the settings name."""
    return Sockets(
        settings.tcp_backlog, settings.tcp_nodelay, settings.tcp_keepalive, settings.tcp_linger_s
    )


def hosts(host: str) -> Any:
    """``host`` as the loop's ``create_server`` takes it without loading what other alphabets need.

    The tables of internationalised names are half a megabyte of memory.
    """
    return [host.encode()] if host.isascii() else host


def bound(host: str, port: int) -> socket.socket | None:
    """A socket bound to an address, or to every address where ``host`` is empty.

    None where ``host`` is a name: the loop looks that up, with threads that nothing else needs.
    Raises OSError.
    """
    if not host:
        return _everywhere(port)
    try:
        family = socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6
    except ValueError:
        return None
    return None if "%" in host else _bound(family, host, port)


def _everywhere(port: int) -> socket.socket:
    """One for IPv4 and IPv6, so that both have the same port."""
    if socket.has_dualstack_ipv6():
        try:
            return _bound(socket.AF_INET6, "", port, False)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
    # IPv6 may be compiled in and yet switched off.
    return _bound(socket.AF_INET, "", port)


def _bound(family: int, host: str, port: int, is_alone: bool = True) -> socket.socket:
    # asyncio lets small packets wait on sockets that do not say that they are TCP's.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if is_alone else 0)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
