"""Settings that are network addresses: where to listen, and whom to believe.  Resolves no name."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, final

from leveret.config.kinds import Names, Setting

NOWHERE: Final = "none"
# RFC 6454, section 6.2; browsers write schemes and hosts in small letters, and no port that goes
# without saying.
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\sA-Z/?#@]+")
_ANY_ORIGIN: Final = ("*", "null")


@final
class Addresses(Names):
    """A list of ``host:port``; ``["none"]`` for none at all, empty for what other settings say."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, [], "", text)

    def allowed(self) -> str:
        """The forms of an address."""
        return "a list of 'host:port', '[IPv6]:port' or 'port', or ['none']"

    def check(self, value: object) -> object:
        """Every address is well-formed, or there is only the word for none."""
        names = super().check(value)
        assert isinstance(names, list)
        if names != [NOWHERE]:
            for name in names:
                split_address(name)
        return names


@final
class Origins(Names):
    """Where web pages come from, as browsers put it; ``*`` for anywhere."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, [], "", text)

    def allowed(self) -> str:
        """The form that browsers send: any other would never be met."""
        return (
            "a list of 'https://host' or 'https://host:port', in small letters and without a path,"
            " 'null' or '*'"
        )

    def check(self, value: object) -> object:
        """Every one of them may come from a browser."""
        names = super().check(value)
        assert isinstance(names, list)
        for name in names:
            if name not in _ANY_ORIGIN and _ORIGIN.fullmatch(name) is None:
                raise ValueError
        return names


@final
class Networks(Setting):
    """A list of addresses and of networks, such as ``10.0.0.0/8``."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, [], "", text)

    def allowed(self) -> str:
        """The forms of a network."""
        return "a list of addresses ('10.0.0.7') and networks ('10.0.0.0/8')"

    def check(self, value: object) -> object:
        """Every one of them is well-formed."""
        if not isinstance(value, list):
            raise ValueError
        for name in value:
            if not isinstance(name, str):
                raise ValueError
            network_of(name)
        return list(value)

    def read(self, text: str) -> object:
        """``a,b``: blanks around them do not count."""
        return self.check([name.strip() for name in text.split(",") if name.strip()])


def split_address(text: str) -> tuple[str, int]:
    """Host, empty for every interface, and port.  Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:  # an IPv6 address without its brackets, of which the port is a part
        raise ValueError
    if colon and host == "" and not text.startswith(":"):  # []:5672
        raise ValueError
    if len(host.encode()) > 255:
        raise ValueError
    return ("" if host == "*" else host), int(port)


def network_of(text: str) -> IPv4Network | IPv6Network:
    """The network that a text stands for; bits beyond its mask do not count.  Raises ValueError."""
    return ip_network(text, strict=False)
