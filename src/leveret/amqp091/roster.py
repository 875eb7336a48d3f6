"""The channels of one open connection: opened, found by their frames, closed by either side.

The end of the connection itself is the session's affair.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.amqp091.arguments import MethodFrame
from leveret.amqp091.channel import Channel
from leveret.amqp091.context import Channels, Context
from leveret.amqp091.replies import AmqpFault, reply_code, reply_text
from leveret.amqp091.spec import CHANNEL_CLOSE, CHANNEL_OPEN_OK, NOT_ALLOWED
from leveret.broker.connections import Connections, Link
from leveret.errors import BrokerError
from leveret.notices import Notices


@final
class Roster(Channels):
    """``last`` is the channel of the last frame, None where that has none.

    ``name`` is how the log calls the connection.
    Invariant: the node counts those channels that are not ``is_closing``.
    """

    def __init__(
        self, context: Context, link: Link, connections: Connections, notices: Notices, name: str
    ) -> None:
        self._context: Final = context
        self._link: Final = link
        self._connections: Final = connections
        self._notices: Final = notices
        self._name: Final = name
        self._channels: Final[dict[int, Channel]] = {}
        self.last: Channel | None = None
        self._last_number: i64 = -1

    # --- what the session asks for ---------------------------------------------------------

    def find(self, number: i64) -> Channel | None:
        """The channel that a frame with ``number`` is for, open or closing.  Hot."""
        if number != self._last_number:
            self.last = self._channels.get(int(number))
            self._last_number = number
        return self.last

    def open(self, number: int) -> None:
        """Open the channel of the frame at hand.  Raises AmqpFault, NotAllowed: there are enough.

        Open channels are counted; their numbers may be any.
        """
        limit = self._link.channel_max
        count = len(self._channels)
        if count >= limit:
            raise AmqpFault(
                NOT_ALLOWED,
                f"number of channels opened ({count}) has reached the negotiated channel_max "
                f"({limit})",
                0,
            )
        self._connections.open_channel(self._link, number)
        channel = Channel(number, self._context)
        self._channels[number] = channel
        self._link.channels[number] = channel
        self.last = channel
        self._last_number = number
        self._context.outbox.send(number, MethodFrame(CHANNEL_OPEN_OK).longstr(b""))

    def end(self, channel: Channel) -> None:
        """The client has closed an open channel."""
        self._context.send_confirms()
        channel.end()
        self.forget(channel.number)

    def forget(self, number: int) -> None:
        """Nothing more comes for the channel, if there is one: its number may be used again."""
        channel = self._channels.pop(number, None)
        if channel is not None and not channel.is_closing:
            self._connections.close_channel(self._link, number)
        self.last = None
        self._last_number = -1

    def refuse(self, channel: Channel, code: int, detail: str, method: int) -> None:
        """Close an open channel, telling the client why; ``method`` is the one it is for, or 0."""
        text = reply_text(code, detail)
        self.notice(f"channel {channel.number} is closed: {text}")
        self._context.send_confirms()
        channel.is_closing = True
        channel.end()
        self._connections.close_channel(self._link, channel.number)
        frame = close_frame(CHANNEL_CLOSE, code, text, method)
        self._context.outbox.send(channel.number, frame)

    def note_time(self, now_ns: int) -> None:
        """Time passes: remember since when deliveries are out."""
        for channel in self._channels.values():
            channel.note_time(now_ns)

    def room_again(self) -> None:
        """The socket takes more: ask all consumers again."""
        for channel in self._channels.values():
            channel.room_again()

    def cancel_unreadable(self) -> None:
        """Cancel the consumers of queues that the user may not read any more.  Raises Pending."""
        for channel in self._channels.values():
            channel.cancel_unreadable()

    def end_all(self) -> None:
        """The connection is over, and all its channels with it.  The node is told by whoever asks.

        One that fails to end does not keep the others.
        """
        channels = list(self._channels.values())
        self._channels.clear()
        self.last = None
        self._last_number = -1
        for channel in channels:
            try:
                channel.end()
            except Exception:
                self._notices.crash(f"channel {channel.number} did not end as it should")

    # --- what happens from inside ----------------------------------------------------------

    def close(self, number: int, refusal: BrokerError) -> None:
        """Close a channel for something the client did not do."""
        channel = self._channels.get(number)
        if channel is not None and not channel.is_closing:
            self.refuse(channel, reply_code(refusal), refusal.detail, 0)

    def retime(self, number: int) -> None:
        """Its consumers may have another time to acknowledge than before."""
        channel = self._channels.get(number)
        if channel is not None:
            channel.retimed()

    def notice(self, text: str) -> None:
        """Warn whoever reads the log."""
        self._notices.warn(f"{self._name}: {text}")


def close_frame(close: int, code: int, text: str, method: int) -> MethodFrame:
    """``close`` of a channel or connection, because of ``method``, or of none if that is 0."""
    frame = MethodFrame(close).short(code).shortstr(text)
    return frame.short(method >> 16).short(method & 0xFFFF)
