"""An MQTT connection: CONNECT and CONNACK, packets, pings instead of goodbyes."""

from typing import Final, final

from mypy_extensions import i64

from leveret.perf.address import Address
from leveret.perf.faults import BrokerFault
from leveret.perf.link import Link, Role, Watch
from leveret.perf.mqtt import wire
from leveret.perf.mqtt.settings import MOST_INFLIGHT


@final
class Connection(Link):
    """A link that speaks MQTT.  To its role, a unit is a packet without the size."""

    def __init__(self, address: Address, role: Role, watch: Watch, level: int) -> None:
        super().__init__(address, role, watch)
        self.level: Final = level
        self.client_id = ""
        self.keeps = False  # the session shall outlive the connection
        self.alive_s = 0
        self.receive_maximum = MOST_INFLIGHT

    def read(self, data: bytes) -> i64:
        """Let the role read what is its own, and read the other packets."""
        at: i64 = 0
        while True:
            now_at = self.role.scan(data, at)
            at = self._read_packet(data, now_at)
            if at == now_at:
                return at

    def _read_packet(self, data: bytes, at: i64) -> i64:
        """Handle the packet at ``at`` if all of it is here; the position after it."""
        if at >= len(data):
            return at
        if self.asked == wire.CONNACK and data[at] != wire.CONNACK:
            heard = data[at : at + 8]
            self.fail(f"{self.address.place} does not speak MQTT (it sent {heard!r})")
            return len(data)
        size, start = wire.read_size(data, at + 1)
        if start == 0:
            return at
        if size < 0:
            self.fail("the broker sent a packet whose size has more than four octets")
            return len(data)
        end = start + size
        if end > len(data):
            self.needed = end - at
            return at
        self._on_packet(int(data[at]), data[start:end])
        return end

    def _on_packet(self, kind: int, content: bytes) -> None:
        if kind == self.asked:
            self.wake(content or b"\0")
        elif kind == wire.DISCONNECT:
            code = content[0] if content else 0
            properties = wire.read_properties(content, 1)
            why = wire.reason(self.level, code, properties)
            self.fail(f"the broker closed the connection while {self.doing}: {why}")
        else:
            self.role.on_unit(kind, content)

    async def handshake(self) -> None:
        """CONNECT, and what came of it."""
        login = self._login()
        hello = wire.connect(self.level, self.client_id, login, self.keeps, self.alive_s)
        doing = f"logging in as {login[0]!r}" if login[0] else "connecting without a user name"
        answer = await self.request(hello, wire.CONNACK, doing)
        self._admitted(answer, doing)

    def _login(self) -> tuple[str, str]:
        address = self.address
        vhost = address.vhost if address.names_vhost else ""
        return f"{vhost}:{address.user}" if vhost else address.user, address.password

    def _admitted(self, answer: bytes, doing: str) -> None:
        """Read a CONNACK.  Raises BrokerFault."""
        code = int(answer[1]) if len(answer) > 1 else 0
        properties = wire.read_properties(answer, 2) if self.level == 5 else {}
        if code:
            why = wire.reason(self.level, code, properties)
            raise BrokerFault(f"the broker refused {doing}: {why}")
        self.receive_maximum = wire.receive_maximum(properties)

    def goodbye(self) -> bytes:
        """A ping: its answer comes after all that was sent before it was read."""
        self.asked = wire.PINGRESP
        return wire.packet(wire.PINGREQ, b"")

    def farewell(self) -> bytes:
        """DISCONNECT."""
        return wire.packet(wire.DISCONNECT, b"")
