"""What a client of MQTT 5 is told in words when something is refused.

Source: MQTT 5.0, sections 3.1.2.11.4 and 3.1.2.11.7: not everybody wants it, nor has room for it.
"""

from typing import Final, final

from leveret.mqtt.properties import REASON_STRING, PropertyWriter

# No reason is worth more octets.
_MOST_OCTETS: Final = 200
# Around the text: what it is, its size, and what the packet's sizes may grow by.
_AROUND_OCTETS: Final = 10


@final
class Reasons:
    """Those for one client: ``size_max`` is the largest packet it takes, 0 for any."""

    def __init__(self, is_wanted: bool, size_max: int) -> None:
        self._is_wanted: Final = is_wanted
        self._size_max: Final = size_max

    def of(self, text: str, size: int) -> bytes:
        """The property that says ``text`` in a packet that has ``size`` octets without it.

        Empty where it is not to be said, or there is no room.
        """
        if not self._is_wanted or not text:
            return b""
        octets = text.encode("utf-8", "replace").replace(b"\0", b"")[:_MOST_OCTETS]
        if 0 < self._size_max < size + len(octets) + _AROUND_OCTETS:
            return b""
        writer = PropertyWriter()
        writer.text(REASON_STRING, octets.decode("utf-8", "ignore"))
        return writer.octets()
