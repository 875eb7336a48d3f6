"""An AMQP 0-9-1 connection with one channel: handshake, methods, frames."""

from typing import Final, final

from mypy_extensions import i64

from leveret.octets import read_u16, read_u32
from leveret.perf.amqp import wire
from leveret.perf.amqp.greeting import client_properties, product_of
from leveret.perf.link import Link, vhost_in_words

FRAME_MAX: Final = 131072
CHANNEL: Final = 1


@final
class Connection(Link):
    """A link that speaks AMQP.  To its role, a unit is a method."""

    frame_max = FRAME_MAX

    def read(self, data: bytes) -> i64:
        """Let the role read what is its own, and read the other frames."""
        at: i64 = 0
        while True:
            now_at = self.role.scan(data, at)
            at = self._read_frame(data, now_at)
            if at == now_at:
                return at

    def _read_frame(self, data: bytes, at: i64) -> i64:
        """Handle the frame at ``at`` if all of it is here; the position after it."""
        if len(data) - at < wire.FRAME_EXTRA:
            return at
        kind = i64(data[at])
        if kind > wire.HEARTBEAT or kind == 0:
            heard = data[at : at + 8]
            self.fail(f"{self.address.place} does not speak AMQP 0-9-1 (it sent {heard!r})")
            return len(data)
        end = at + wire.FRAME_EXTRA + read_u32(data, at + 3)
        if end > len(data):
            return at
        if data[end - 1] != wire.END:
            self.fail("the broker sent a frame without its end octet")
            return len(data)
        if kind == wire.METHOD:
            self._on_method(data[at + wire.FRAME_HEAD : end - 1])
        return end

    def _on_method(self, payload: bytes) -> None:
        method = int(read_u32(payload, 0))
        if method == self.asked:
            self.wake(payload)
        elif method == wire.CONNECTION_CLOSE:
            self._on_close(payload, wire.CONNECTION_CLOSE_OK, 0)
        elif method == wire.CHANNEL_CLOSE:
            self._on_close(payload, wire.CHANNEL_CLOSE_OK, CHANNEL)
        elif method == wire.CONNECTION_BLOCKED:
            self.watch.blocked = wire.read_short_text(payload, 4)[0] or "no reason given"
        elif method == wire.CONNECTION_UNBLOCKED:
            self.watch.blocked = ""
        else:
            self.role.on_unit(method, payload)

    def _on_close(self, payload: bytes, reply: int, channel: int) -> None:
        code, text, method = wire.read_close(payload)
        at = f" at {wire.method_name(method)}" if method else ""
        what = "channel" if channel else "connection"
        self.fail(f"the broker closed the {what}{at} while {self.doing}: {code} {text}")
        self.write(wire.frame(wire.METHOD, channel, wire.bare(reply)))

    async def ask(self, channel: int, payload: bytes, answer: int, doing: str) -> bytes:
        """Send a method and wait for ``answer``.  Raises BrokerFault."""
        return await self.request(wire.frame(wire.METHOD, channel, payload), answer, doing)

    async def handshake(self) -> None:
        """Go from the protocol header to an open channel.  Raises BrokerFault."""
        address = self.address
        hello = await self.request(
            wire.PROTOCOL_HEADER, wire.CONNECTION_START, "waiting for its greeting"
        )
        self.product = product_of(hello)
        login = wire.start_ok(address.user, address.password, client_properties())
        doing = f"logging in as {address.user!r}"
        tune = await self.ask(0, login, wire.CONNECTION_TUNE, doing)
        self._tune(tune)
        doing = f"opening {vhost_in_words(address.vhost)}"
        await self.ask(0, wire.connection_open(address.vhost), wire.CONNECTION_OPEN_OK, doing)
        await self.ask(CHANNEL, wire.channel_open(), wire.CHANNEL_OPEN_OK, "opening a channel")

    def _tune(self, payload: bytes) -> None:
        offered = int(read_u32(payload, 6))
        self.frame_max = min(offered, FRAME_MAX) if offered else FRAME_MAX
        reply = wire.tune_ok(read_u16(payload, 4), self.frame_max)
        self.write(wire.frame(wire.METHOD, 0, reply))

    def goodbye(self) -> bytes:
        """``connection.close``."""
        self.asked = wire.CONNECTION_CLOSE_OK
        return wire.frame(wire.METHOD, 0, wire.close(wire.CONNECTION_CLOSE))
