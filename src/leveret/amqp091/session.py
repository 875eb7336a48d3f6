"""One AMQP 0-9-1 connection: its states, its channels, its faults and its end.

::

    AWAIT_HEADER ─▶ OPENING ─▶ RUNNING ─▶ CLOSING ─▶ closed
                       └──────────┴──────▶ DEAF ──────┘

Source: AMQP 0-9-1 specification, sections 2.2.4 and 2.3.7.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.amqp091.arguments import Arguments, MethodFrame
from leveret.amqp091.channel import Channel
from leveret.amqp091.context import Context
from leveret.amqp091.dispatch import on_channel_method
from leveret.amqp091.frames import FrameReader
from leveret.amqp091.handshake import Handshake, LoginRefused
from leveret.amqp091.heart import BEAT, DEAD, Heart
from leveret.amqp091.hold import Hold
from leveret.amqp091.outbox import Outbox
from leveret.amqp091.replies import AmqpFault, FrameFault, reply_code, reply_text
from leveret.amqp091.roster import Roster, close_frame
from leveret.amqp091.spec import (
    BASIC_ACK,
    BASIC_PUBLISH,
    CHANNEL_CLOSE,
    CHANNEL_CLOSE_OK,
    CHANNEL_ERROR,
    CHANNEL_OPEN,
    COMMAND_INVALID,
    CONNECTION_CLOSE,
    CONNECTION_CLOSE_OK,
    CONNECTION_FORCED,
    CONNECTION_UPDATE_SECRET,
    CONNECTION_UPDATE_SECRET_OK,
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_MIN,
    HEADER_0_9,
    HEADER_0_9_1,
    HEARTBEAT,
    INTERNAL_ERROR,
    NOT_ALLOWED,
    SOFT_CODES,
    UNEXPECTED_FRAME,
)
from leveret.amqp091.strangers import looks_like, strange, unknown
from leveret.auth.rights import Inquiry, Pending
from leveret.broker.connections import Link
from leveret.broker.node import Node
from leveret.errors import BrokerError
from leveret.octets import read_i64, read_u32
from leveret.session import LEVEL, Bell, Peer, Session
from leveret.sessions.holds import CommitHold

AWAIT_HEADER: Final = 0
OPENING: Final = 1
RUNNING: Final = 2
# The broker has sent connection.close and waits for close-ok.
CLOSING: Final = 3
# What comes is not understood any more; the peer gets a moment to read why.
DEAF: Final = 4

_SECOND_NS: Final = 1_000_000_000
_CLOSING_NS: Final = 10 * _SECOND_NS
# RabbitMQ's SILENT_CLOSE_DELAY: slows down whoever guesses passwords or sends garbage.
_DEAF_NS: Final = 3 * _SECOND_NS
# Before tuning: RabbitMQ 4.1 and later, so that a long token fits into start-ok.
_FIRST_FRAME_MAX: Final = 8192


@final
class AmqpSession(Session):
    """Feed it ``receive`` and ``tick``; send what ``take_output`` gives; stop at ``closed``.

    While it waits for a decision that is made elsewhere, none of its input is handled.
    """

    def __init__(self, node: Node, bell: Bell, peer: Peer) -> None:
        super().__init__()
        self.is_known = False
        self._node: Final = node
        self._peer: Final = peer
        self._id: Final = node.new_connection_id()
        self._outbox: Final = Outbox(self, bell, FRAME_MIN)
        self._handshake: Final = Handshake(node, peer, self._outbox)
        self._state = AWAIT_HEADER
        self._context: Context | None = None
        # How the node knows the connection; there while it is open.
        self._link: Link | None = None
        self._hold: Final = Hold(self._outbox)
        self._roster: Roster | None = None
        self._method: i64 = 0
        # Eight octets more than agreed are let through, as RabbitMQ does: some clients forget what
        # a frame has around its payload.
        self._reader: Final = FrameReader(_FIRST_FRAME_MAX)
        self._header = b""
        now = node.clock.now_ns()
        self._heart: Final = Heart(now)
        self._was_full = False
        self._deadline_ns = now + node.settings.handshake_timeout_ms * 1_000_000

    # --- the door --------------------------------------------------------------------------

    def receive(self, chunk: bytes) -> None:
        """Handle octets from the peer."""
        self._heart.has_heard = True
        if self.closed or self._state == DEAF:
            return
        if self._state == AWAIT_HEADER:
            self._header += chunk
            if len(self._header) < 8:
                return
            chunk = self._header[8:]
            if not self._begins(self._header[:8]):
                return
        self._reader.feed(chunk)
        self._handle_frames()

    def _handle_frames(self) -> None:
        """Handle what has come, as far as there is room for the replies."""
        commits = self._node.commits
        change_count = 0
        if commits is not None:
            change_count = commits.change_count
        while not self._handled():
            pass
        if self._context is not None:
            self._context.finish()
        if commits is not None and commits.change_count != change_count:
            # What was declared is on the disk before anybody is told that it is there.
            self._outbox.hold()
            commits.wait_for_commit(CommitHold(self._outbox))
        channel = self._roster.last if self._roster is not None else None
        self.lead = channel.publishing.lead() if channel is not None else LEVEL

    def tick(self) -> None:
        """Time out what takes too long, and keep the heart beating."""
        now = self._node.clock.now_ns()
        if self.is_full:
            # It is not read from until it reads itself, so its silence says nothing.
            self._heart.has_heard = True
        if self._roster is not None:
            self._roster.note_time(now)
        due = self._heart.tick(now)
        if self._state != RUNNING:
            if now >= self._deadline_ns:
                if self._state in (AWAIT_HEADER, OPENING):
                    self._notice(
                        "it took too long to open (handshake_timeout_ms), so it is cut off"
                    )
                self.closed = True
                self._outbox.ring()
        elif self._is_expired():
            self.shut("credential expired")
        elif due == DEAD:
            self._notice("nothing was heard for two heartbeats, so it is cut off")
            self.closed = True
            self._outbox.ring()
        elif due == BEAT:
            self._outbox.send_urgent(HEARTBEAT)

    def _is_expired(self) -> bool:
        """Whether the login is void by now; also lets what is known of the user's rights age."""
        access = self._handshake.access
        assert access is not None
        access.grow_old(self._node.clock.now_ns())
        return 0 < access.expires_s <= self._node.clock.unix_s()

    def take_output(self) -> list[bytes]:
        """What to send now."""
        self._was_full = not self._outbox.has_room()
        parts = self._outbox.take()
        if parts:
            self._heart.has_sent = True
        return parts

    def take_urgent(self) -> list[bytes]:
        """What to send though the rest must wait."""
        parts = self._outbox.take_urgent()
        if parts:
            self._heart.has_sent = True
        return parts

    def flushed(self) -> None:
        """Go on, if deliveries or replies stopped because there was enough for one turn."""
        if self._outbox.is_paused:
            return
        if self._was_full:
            self._room_again()
        if self.is_full:
            self._handle_frames()

    def pause(self) -> None:
        """Hold deliveries back."""
        self._outbox.is_paused = True

    def resume(self) -> None:
        """Deliver again."""
        self._outbox.is_paused = False
        self._room_again()

    def _room_again(self) -> None:
        self._was_full = False
        if self._context is not None and self._roster is not None:
            self._roster.room_again()
            self._context.finish()

    @property
    def is_waiting(self) -> bool:
        """Whether a decision is awaited, or the end of an alarm."""
        return self._hold.is_waiting

    def shut(self, reason: str) -> None:
        """Close the connection from the broker's side."""
        if self.closed:
            return
        if self._state == RUNNING:
            self._method = 0
            # Nobody did wrong, so the log is told once by whoever wants them all gone.
            self._say_close(CONNECTION_FORCED, reply_text(CONNECTION_FORCED, reason))
        elif self._state != CLOSING:
            self.closed = True
            self._outbox.ring()

    def lost(self) -> None:
        """Give back what the connection held."""
        if self._state == RUNNING and not self.closed:
            self._notice("the client closed the socket without closing the connection")
        self.closed = True
        self._hold.let_go()
        self._release()
        # Not left to the collector: thousands of connections may end at once.
        self._reader.clear()
        self._outbox.take()

    # --- frames to channels ----------------------------------------------------------------

    def _handled(self) -> bool:
        """Handle frames; False when a fault asks for another go."""
        try:
            self._frames()
            return True
        except LoginRefused as failure:
            # Each clause has its own name: compiled, a name has one type in all of a function.
            self._refuse_login(failure)
        except AmqpFault as fault:
            if fault.method is not None:
                self._method = fault.method
            self._close(fault.code, fault.detail)
            if isinstance(fault, FrameFault):
                self._turn_deaf()
        except BrokerError as refusal:
            self._refuse(refusal)
        except Pending as pending:
            self._wait(pending.inquiry)
            return True
        except Exception:
            self._node.notices.crash(f"connection {self._peer.name}: this is a bug in the broker")
            self._close(INTERNAL_ERROR, "")
        return False

    def _frames(self) -> None:
        reader = self._reader
        self.is_full = False
        if self._hold.is_waiting:
            self.is_full = True
            return
        held = self._hold.take()
        if held is not None:
            self._on_frame(held.kind, held.number, held.payload, 0, len(held.payload))
            self._hold.done()
        while not self.closed and self._state != DEAF:
            if self._outbox.is_overflowing():
                # The rest is handled once the peer has read some of its replies.
                self.is_full = True
                self._outbox.ring()
                return
            if not reader.advance():
                return
            self._on_frame(reader.kind, reader.number, reader.data, reader.start, reader.end)

    def _wait(self, inquiry: Inquiry) -> None:
        """Go on with the frame at hand, and all that follows, once ``inquiry`` is answered."""
        if self._hold.wait(self._reader, inquiry):
            self.is_full = True
        else:
            self._close(NOT_ALLOWED, "one frame asks for too many decisions")

    def _begins(self, header: bytes) -> bool:
        """Whether ``header`` asks for this protocol; if not, the connection is over."""
        if header != HEADER_0_9_1 and header != HEADER_0_9:
            self._notice(f"it is closed: it does not begin as AMQP 0-9-1 does{looks_like(header)}")
            self._outbox.send_octets(HEADER_0_9_1)
            self.closed = True
            return False
        self._state = OPENING
        self._handshake.start()
        return True

    def _on_frame(self, kind: i64, number: i64, data: bytes, at: i64, end: i64) -> None:
        """Hot: publishes, their content and acknowledgements are looked for first."""
        if self._state != RUNNING or number == 0:
            self._on_control_frame(kind, number, data[at:end])
            return
        roster = self._roster
        assert roster is not None
        channel = roster.find(number)
        if channel is None or channel.is_closing:
            self._on_frame_of_no_channel(roster, kind, int(number), data[at:end])
        elif kind == FRAME_METHOD:
            if end - at < 4:
                raise unknown(kind, data[at:end])
            method = read_u32(data, at)
            if channel.publishing.expects_content:
                raise channel.publishing.unexpected()
            self._method = method
            if method == BASIC_PUBLISH:
                channel.publishing.on_method(data[at:end])
            elif method == BASIC_ACK and end - at == 13 and data[at + 4] < 128:
                channel.on_ack(read_i64(data, at + 4), data[at + 12] & 1 == 1)
            else:
                self._on_method(roster, channel, int(method), Arguments(data[at:end]))
        elif kind == FRAME_BODY:
            channel.publishing.on_body(data, at, end)
        elif kind == FRAME_HEADER:
            channel.publishing.on_header(data, at, end)
        else:
            raise strange(kind, data[at:end])

    def _on_control_frame(self, kind: i64, number: i64, payload: bytes) -> None:
        """Frames of channel 0, and all frames while the connection is not running."""
        if kind == FRAME_HEARTBEAT and number == 0:
            if payload:
                raise unknown(kind, payload)
            return
        if self._state == CLOSING and number != 0:
            return
        if kind != FRAME_METHOD or number != 0:
            raise strange(kind, payload)
        if len(payload) < 4:
            raise unknown(kind, payload)
        self._method = read_u32(payload, 0)
        arguments = Arguments(payload)
        if self._state == OPENING:
            self._on_opening(int(self._method), arguments)
        else:
            self._on_connection_method(int(self._method), arguments)

    def _on_opening(self, method: int, arguments: Arguments) -> None:
        if method == CONNECTION_CLOSE:
            self._closed_by_client()
            return
        handshake = self._handshake
        handshake.on_method(method, arguments)
        if not handshake.is_open:
            return
        assert handshake.vhost is not None
        self._reader.payload_max = handshake.frame_max
        self._heart.interval_s = handshake.heartbeat_s
        self._outbox.agree(handshake.frame_max)
        context = handshake.context(self._outbox, self._id)
        self._state = RUNNING
        link = handshake.link(self._id, self)
        self._link = link
        connections = self._node.connections
        context.name = link.name
        roster = Roster(context, link, connections, self._node.notices, self._name())
        context.channels = roster
        self._context = context
        self._roster = roster
        connections.add(link)
        self.is_known = True
        self._tell(f"opened{handshake.client} for vhost '{handshake.vhost.name}'")

    def _on_connection_method(self, method: int, arguments: Arguments) -> None:
        if method == CONNECTION_CLOSE:
            self._closed_by_client()
        elif method == CONNECTION_CLOSE_OK and self._state == CLOSING:
            self.closed = True
        elif self._state == CLOSING:
            return
        elif method == CONNECTION_UPDATE_SECRET:
            self._update_secret(arguments)
        else:
            raise AmqpFault(CHANNEL_ERROR, "unexpected method in connection state running")

    def _update_secret(self, arguments: Arguments) -> None:
        secret = arguments.longstr()
        arguments.shortstr()
        arguments.end()
        self._handshake.renew(secret)
        assert self._roster is not None
        self._roster.cancel_unreadable()
        self._outbox.send(0, MethodFrame(CONNECTION_UPDATE_SECRET_OK))

    def _on_frame_of_no_channel(
        self, roster: Roster, kind: i64, number: int, payload: bytes
    ) -> None:
        """A frame of a channel that is not open, or that the broker has closed."""
        if kind not in (FRAME_METHOD, FRAME_HEADER, FRAME_BODY):
            raise strange(kind, payload)
        if kind == FRAME_METHOD and len(payload) < 4:
            raise unknown(kind, payload)
        method = read_u32(payload, 0) if kind == FRAME_METHOD else 0
        if method == CHANNEL_CLOSE_OK:
            # Also unasked for, or after the client's own close crossed the broker's.
            roster.forget(number)
        elif roster.last is not None:
            # What was under way when the channel was closed is dropped without a word.
            if method == CHANNEL_CLOSE:
                roster.forget(number)
                self._outbox.send(number, MethodFrame(CHANNEL_CLOSE_OK))
            elif method == CHANNEL_OPEN:
                # It must say first that it saw the close.
                self._method = method
                raise AmqpFault(CHANNEL_ERROR, "second 'channel.open' seen")
        elif method == CHANNEL_OPEN:
            # Its refusals name no method.
            self._method = 0
            roster.open(number)
        elif kind != FRAME_METHOD:
            why = "expected method frame, got non method frame instead"
            raise AmqpFault(UNEXPECTED_FRAME, why, 0)
        else:
            self._method = method
            raise AmqpFault(CHANNEL_ERROR, "expected 'channel.open'")

    def _on_method(
        self, roster: Roster, channel: Channel, method: int, arguments: Arguments
    ) -> None:
        if on_channel_method(channel, method, arguments):
            return
        if method == CHANNEL_CLOSE:
            roster.end(channel)
            self._outbox.send(channel.number, MethodFrame(CHANNEL_CLOSE_OK))
        elif method == CHANNEL_CLOSE_OK:
            # Nobody asked, but the client means it.
            roster.end(channel)
        elif method == CHANNEL_OPEN:
            raise AmqpFault(CHANNEL_ERROR, "second 'channel.open' seen")
        else:
            raise AmqpFault(COMMAND_INVALID, "unimplemented method")

    # --- refusals, faults, ends ------------------------------------------------------------

    def _refuse(self, refusal: BrokerError) -> None:
        """Answer a refusal: soft ones close the channel, the others the connection."""
        code = reply_code(refusal)
        roster = self._roster
        channel = roster.last if roster is not None else None
        if self._state != RUNNING or code not in SOFT_CODES or roster is None or channel is None:
            self._close(code, refusal.detail)
        else:
            roster.refuse(channel, code, refusal.detail, int(self._method))

    def _close(self, code: int, detail: str) -> None:
        """Close the connection, telling the peer why."""
        if self._state == CLOSING:
            # It misbehaves even now: nothing is left to be said.
            self.closed = True
            return
        text = reply_text(code, detail)
        self._notice(f"it is closed: {text}")
        self._say_close(code, text)

    def _say_close(self, code: int, text: str) -> None:
        if self._context is not None:
            self._context.send_confirms()
        self._state = CLOSING
        self._deadline_ns = self._node.clock.now_ns() + _CLOSING_NS
        self._hold.let_go()
        self._release()
        self._outbox.send(0, close_frame(CONNECTION_CLOSE, code, text, int(self._method)))

    def _refuse_login(self, refusal: LoginRefused) -> None:
        self._method = 0
        self._notice(f"login refused: {refusal.reason}")
        if self._handshake.has_capability("authentication_failure_close"):
            self._say_close(refusal.code, reply_text(refusal.code, refusal.detail))
        else:
            self._turn_deaf()

    def _turn_deaf(self) -> None:
        self._state = DEAF
        self._hold.let_go()
        self._deadline_ns = self._node.clock.now_ns() + _DEAF_NS

    def _closed_by_client(self) -> None:
        self._tell("closed by the client")
        if self._context is not None:
            self._context.send_confirms()
        self._release()
        self._outbox.send(0, MethodFrame(CONNECTION_CLOSE_OK))
        self.closed = True

    def _release(self) -> None:
        """Give back all that the connection held.  Does nothing the second time."""
        context = self._context
        roster = self._roster
        if context is None or roster is None:
            return
        self._context = None
        context.is_over = True
        self._roster = None
        roster.end_all()
        context.vhost.connection_lost(self._id)
        context.vhost.past.traffic.add(self.traffic)
        if self._link is not None:
            self._node.connections.remove(self._link)
            self._link = None
        context.finish()
        # They know each other, and neither is to be left to the collector.
        context.channels = None

    def _notice(self, text: str) -> None:
        self._node.notices.warn(f"{self._name()}: {text}")

    def _tell(self, text: str) -> None:
        self._node.notices.inform(f"{self._name()}: {text}")

    def _name(self) -> str:
        user = self._handshake.user
        who = f" (user '{user.name}')" if user is not None else ""
        return f"connection {self._peer.name}{who}"
