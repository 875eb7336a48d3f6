"""Where the broker is: a URL such as ``amqp://guest:guest@host`` taken apart.  Opens nothing."""

from typing import Final, final
from urllib.parse import SplitResult, unquote, urlsplit

from leveret.perf.faults import BadSetting


@final
class Scheme:
    """What the addresses of one protocol look like.  Immutable."""

    def __init__(self, name: str, port: int, secure_port: int, guest: str, example: str) -> None:
        self.name: Final = name
        self.secure_name: Final = name + "s"
        self.port: Final = port
        self.secure_port: Final = secure_port
        self.guest: Final = guest  # who one is where a URL names nobody; empty: nobody
        self.example: Final = example


AMQP: Final = Scheme("amqp", 5672, 5671, "guest", "amqp://guest:guest@localhost:5672/%2F")
MQTT: Final = Scheme("mqtt", 1883, 8883, "", "mqtt://guest:guest@localhost:1883")
STOMP: Final = Scheme("stomp", 61613, 61614, "guest", "stomp://guest:guest@localhost:61613/%2F")


@final
class Address:
    """A broker's host and port, and who to be there.  Immutable."""

    def __init__(self, split: SplitResult, port: int, scheme: Scheme) -> None:
        secure = split.scheme == scheme.secure_name
        self.scheme: Final = scheme
        self.secure: Final = secure
        self.host: Final = split.hostname or "localhost"
        self.port: Final = port or (scheme.secure_port if secure else scheme.port)
        self.user: Final = unquote(split.username or scheme.guest)
        password = scheme.guest if split.password is None else split.password
        self.password: Final = unquote(password)
        # As in every client: no path at all means "/", a path of one slash means "".
        self.vhost: Final = unquote(split.path[1:]) if split.path else "/"
        self.names_vhost: Final = bool(split.path)

    @property
    def place(self) -> str:
        """Host and port, for sentences; never the password."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(url: str, scheme: Scheme) -> Address:
    """The address that ``url`` names.  Raises BadSetting."""
    try:
        split = urlsplit(url)
        port = split.port or 0
    except ValueError as error:
        raise BadSetting(f"--url {url!r}: {error}") from None
    if split.scheme not in (scheme.name, scheme.secure_name):
        raise BadSetting(f"--url {url!r} should look like {scheme.example}")
    return Address(split, port, scheme)
