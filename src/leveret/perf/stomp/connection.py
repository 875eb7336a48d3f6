"""A STOMP connection: CONNECT and CONNECTED, frames, ERROR in words."""

from typing import Final, final

from mypy_extensions import i64

from leveret.perf.address import Address
from leveret.perf.faults import BrokerFault
from leveret.perf.link import Link, Role, Watch
from leveret.perf.stomp import wire


@final
class Connection(Link):
    """A link that speaks STOMP.  To its role, a unit is a frame's head."""

    def __init__(self, address: Address, role: Role, watch: Watch, version: str) -> None:
        super().__init__(address, role, watch)
        self.version: Final = version

    def read(self, data: bytes) -> i64:
        """Let the role read what is its own, and read the other frames."""
        at: i64 = 0
        while True:
            now_at = wire.skip_line_ends(data, self.role.scan(data, at))
            at = self._read_frame(data, now_at)
            if at == now_at:
                return at

    def _read_frame(self, data: bytes, at: i64) -> i64:
        """Handle the frame at ``at`` if all of it is here; the position after it."""
        if self.asked == wire.CONNECTED and len(data) - at > 12:
            if wire.command_of(data, at) == wire.UNKNOWN:
                heard = data[at : at + 8]
                self.fail(f"{self.address.place} does not speak STOMP (it sent {heard!r})")
                return len(data)
        body = wire.find_body(data, at)
        if body == 0:
            return at
        end, size = wire.find_end(data, at, body)
        if end == 0:
            self.needed = size
            return at
        if data[end] != 0:
            self.fail("the broker sent a frame without NUL where its content-length says")
            return len(data)
        self._on_frame(wire.command_of(data, at), data[at:body], data[body:end])
        return end + 1

    def _on_frame(self, command: int, head: bytes, body: bytes) -> None:
        if command == self.asked:
            self.wake(head)
        elif command == wire.ERROR:
            said = wire.header(head, "message")
            more = body.decode("utf-8", "replace").strip().partition("\n")[0]
            why = f"{said}: {more}" if said and more else said or more
            self.fail(f"the broker closed the connection while {self.doing}: {why}")
        else:
            self.role.on_unit(command, head)

    async def handshake(self) -> None:
        """CONNECT, and what came of it."""
        address = self.address
        headers = [
            ("accept-version", "" if self.version == "1.0" else self.version),
            ("host", address.vhost),
            ("login", address.user),
            ("passcode", address.password),
            ("heart-beat", "0,0"),
        ]
        hello = wire.frame("CONNECT", headers)
        doing = f"logging in as {address.user!r} to vhost {address.vhost!r}"
        head = await self.request(hello, wire.CONNECTED, doing)
        self._check(wire.header(head, "version") or "1.0", doing)
        name, _, version = wire.header(head, "server").partition("/")
        self.product = f"{name} {version}".strip()

    def _check(self, spoken: str, doing: str) -> None:
        if spoken != self.version:
            raise BrokerFault(f"the broker chose STOMP {spoken}, not {self.version}, when {doing}")

    async def ask(self, command: str, headers: list[tuple[str, str]], doing: str) -> None:
        """Send a frame and wait for its receipt.  Raises BrokerFault."""
        asked = wire.frame(command, [*headers, ("receipt", wire.READY)])
        await self.request(asked, wire.RECEIPT, doing)

    def goodbye(self) -> bytes:
        """DISCONNECT with a receipt."""
        self.asked = wire.RECEIPT
        return wire.frame("DISCONNECT", [("receipt", wire.GOODBYE)])
