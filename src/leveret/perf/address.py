"""Where the broker is: an ``amqp://`` URL taken apart.  Opens nothing."""

from typing import Final, final
from urllib.parse import SplitResult, unquote, urlsplit

from leveret.perf.faults import BadSetting

AMQP_PORT: Final = 5672
AMQPS_PORT: Final = 5671


@final
class Address:
    """A broker's host and port, and who to be there.  Immutable."""

    def __init__(self, split: SplitResult, port: int) -> None:
        secure = split.scheme == "amqps"
        self.secure: Final = secure
        self.host: Final = split.hostname or "localhost"
        self.port: Final = port or (AMQPS_PORT if secure else AMQP_PORT)
        self.user: Final = unquote(split.username or "guest")
        self.password: Final = unquote("guest" if split.password is None else split.password)
        # As in every client: no path at all means "/", a path of one slash means "".
        self.vhost: Final = unquote(split.path[1:]) if split.path else "/"

    @property
    def place(self) -> str:
        """Host and port, for sentences; never the password."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(url: str) -> Address:
    """The address that ``url`` names.  Raises BadSetting."""
    try:
        split = urlsplit(url)
        port = split.port or 0
    except ValueError as error:
        raise BadSetting(f"--url {url!r}: {error}") from None
    if split.scheme not in ("amqp", "amqps"):
        raise BadSetting(f"--url {url!r} should look like amqp://guest:guest@localhost:5672/%2F")
    return Address(split, port)
