"""Where a node listens, for whoever shows it."""

from typing import Final, final


@final
class Place:
    """One port.  ``protocol`` is RabbitMQ's word for it: ``amqp``, ``amqp/ssl``, ``http``, …

    ``expires`` is when its certificate does, ``2027-01-01T00:00:00Z``; empty without one.
    """

    def __init__(self, protocol: str, host: str, port: int, expires: str = "") -> None:
        self.protocol: Final = protocol
        # Empty for every interface.
        self.host: Final = host
        self.port: Final = port
        self.expires: Final = expires
