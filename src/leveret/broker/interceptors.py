"""What the broker writes into every message that comes in, if it is told to: when, and where.

Off by default.  Behaviour: RabbitMQ 4.3, "Message Interceptors".
"""

from typing import Final, final

from librt.strings import BytesWriter

from leveret.broker.properties import HEADERS, TIMESTAMP, Properties, with_property
from leveret.octets import write_u64
from leveret.ports import Clock
from leveret.tables import INT64, LONGSTR, Field, table_octets

# What the settings say of each: nothing is done, what is there already is kept, or not.
OFF: Final = "off"
KEEP: Final = "keep"
OVERWRITE: Final = "overwrite"

_TIMESTAMP: Final = "timestamp_in_ms"
_NODE: Final = "x-routed-by"


@final
class Interceptors:
    """Writes the time of arrival and the name of this ``node`` into messages."""

    def __init__(self, timestamp: str, routing_node: str, node: str, clock: Clock) -> None:
        self._timestamp: Final = timestamp
        self._routing_node: Final = routing_node
        self._node: Final = node
        self._clock: Final = clock

    def intercept(self, properties: Properties) -> Properties:
        """``properties`` with what is to be written into them."""
        headers = properties.headers()
        unix_ms = -1
        if self._timestamp == OVERWRITE or (self._timestamp == KEEP and _TIMESTAMP not in headers):
            unix_ms = self._clock.unix_ms()
            headers[_TIMESTAMP] = Field(INT64, unix_ms)
        if self._routing_node == OVERWRITE or (self._routing_node == KEEP and _NODE not in headers):
            headers[_NODE] = Field(LONGSTR, self._node)
        done = with_property(properties, HEADERS, table_octets(headers))
        if unix_ms < 0:
            return done
        out = BytesWriter()
        write_u64(out, unix_ms // 1000)
        return with_property(done, TIMESTAMP, out.getvalue())
