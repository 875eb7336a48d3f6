"""The settings of listeners and connections: addresses, limits of the protocol, times."""

from typing import Final

from leveret.config.kinds import Duration, Number, Setting, Size, Text

MAX_MESSAGE_SIZE_CAP: Final = 536_870_912

NETWORK: Final[list[Setting]] = [
    Text("host", "", "Address to listen on; empty for every interface, IPv4 and IPv6."),
    Number("port", 5672, "port", 0, 65535, "Port for AMQP 0-9-1; 0 for any free one."),
    Duration("heartbeat_s", 60, 0, 65535, "Heartbeat offered to clients; 0 for none."),
    Number("channel_max", 2047, "channels", 1, 65535, "Channels a connection may have."),
    Size("frame_max", 131_072, 4096, 134_217_728, "Frame size offered to clients."),
    Size("min_frame_max", 4096, 4096, 134_217_728, "Least frame size accepted."),
    Size("max_message_size", 16_777_216, 1, MAX_MESSAGE_SIZE_CAP, "Largest message body."),
    Duration("handshake_timeout_ms", 10_000, 1, 3_600_000, "Time to open a connection."),
]
