"""Where a node listens, for whoever shows it."""

from typing import Final, final


@final
class Place:
    """One port.  ``protocol`` is RabbitMQ's word for it: ``amqp``, ``amqp/ssl``, ``http``, …"""

    def __init__(self, protocol: str, host: str, port: int) -> None:
        self.protocol: Final = protocol
        # Empty for every interface.
        self.host: Final = host
        self.port: Final = port
