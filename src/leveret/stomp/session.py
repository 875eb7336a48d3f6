"""One STOMP connection: its states, its frames, its faults and its end.

::

    OPENING ─▶ RUNNING ─▶ LEAVING ─▶ closed
       └──────────┴─────▶ DEAF ──────┘
"""

from typing import Final, final

from leveret.auth.rights import Inquiry, Pending
from leveret.broker.connections import Link
from leveret.broker.node import Node
from leveret.errors import BrokerError, PreconditionFailed
from leveret.session import LEVEL, Bell, Peer, Session
from leveret.sessions.holds import CommitHold
from leveret.sessions.output import Output
from leveret.sessions.waiting import Wait
from leveret.stomp.channel import NUMBER, StompChannel
from leveret.stomp.connect import Greeting
from leveret.stomp.faults import VERSIONS, StompFault, fault_of
from leveret.stomp.frames import FrameFault, FrameReader
from leveret.stomp.headers import V1_0, Frame, frame_octets, read_frame
from leveret.stomp.heart import BEAT, DEAD, Heart
from leveret.stomp.messages import split_frames
from leveret.stomp.work import Work
from leveret.tables import table_of

OPENING: Final = 0
RUNNING: Final = 1
# The client has said DISCONNECT; what it sent is not all on the disk yet.
LEAVING: Final = 2
# What comes is not read any more; the client gets a moment to read why.
DEAF: Final = 3

_DEAF_NS: Final = 1_000_000_000
_GREETINGS: Final = ("CONNECT", "STOMP")


@final
class StompSession(Session):
    """Feed it ``receive`` and ``tick``; send what ``take_output`` gives; stop at ``closed``.

    ``carrier`` is what goes before the protocol's name in lists.
    While it waits for a decision that is made elsewhere, none of its input is handled.
    """

    def __init__(self, node: Node, bell: Bell, peer: Peer, carrier: str = "") -> None:
        super().__init__()
        self.is_known = False
        settings = node.settings
        self._node: Final = node
        self._peer: Final = peer
        self._output: Final = Output(self, bell)
        self._greeting: Final = Greeting(node, peer, carrier)
        self._reader: Final = FrameReader(settings.stomp_max_frame_size_unauthenticated)
        self._wait: Final = Wait(self._output)
        # The frame that waits is the one the reader stands at.
        self._is_frame_held = False
        self._state = OPENING
        self._work: Work | None = None
        self._link: Link | None = None
        now = node.clock.now_ns()
        self._heart: Final = Heart(now)
        self._was_full = False
        self._deadline_ns = now + settings.stomp_login_timeout_ms * 1_000_000

    # --- the door --------------------------------------------------------------------------

    def receive(self, chunk: bytes) -> None:
        """Handle octets from the peer."""
        self._heart.has_heard = True
        if self.closed or self._state >= LEAVING:
            return
        self._reader.feed(chunk)
        self._handle_frames()

    def _handle_frames(self) -> None:
        """Handle what has come, as far as there is room for the replies."""
        commits = self._node.commits
        change_count = 0
        if commits is not None:
            change_count = commits.change_count
        self._try_frames()
        work = self._work
        if work is not None:
            work.channel.finish()
        if commits is not None and commits.change_count != change_count:
            # What was declared is on the disk before anybody is told that it is there.
            self._output.hold()
            commits.wait_for_commit(CommitHold(self._output))
        self.lead = work.sending.lead() if work is not None else LEVEL

    def _try_frames(self) -> None:
        try:
            self._frames()
        except FrameFault as malformed:
            self._fail(StompFault("Malformed frame", f"{malformed.detail}\n"))
        except StompFault as fault:
            self._fail(fault, self._receipt())
        except BrokerError as refusal:
            self._fail(fault_of(refusal), self._receipt())
        except Pending as pending:
            self._hold(pending.inquiry)
        except Exception:
            self._node.notices.crash(f"{self._name()}: this is a bug in the broker")
            self._fail(StompFault("internal_error", "INTERNAL_ERROR"))

    def _frames(self) -> None:
        reader = self._reader
        self.is_full = False
        if self._wait.is_waiting:
            self.is_full = True
            return
        if self._is_frame_held:
            self._on_frame(reader.block, reader.body)
            self._is_frame_held = False
            self._wait.done()
        while not self.closed and self._state < LEAVING:
            if self._output.is_overflowing():
                # The rest is handled once the peer has read some of its replies.
                self.is_full = True
                self._output.ring()
                return
            if not reader.advance():
                return
            self._on_frame(reader.block, reader.body)

    def _hold(self, inquiry: Inquiry) -> None:
        """Go on with the frame at hand, and all that follows, once ``inquiry`` is answered."""
        self._is_frame_held = True
        if self._wait.begin(inquiry):
            self.is_full = True
        else:
            self._fail(StompFault("not_allowed", "NOT_ALLOWED - a frame asks for too much"))

    def _on_frame(self, block: bytes, body: bytes) -> None:
        """Hot: SEND is looked for first."""
        work = self._work
        if work is None:
            self._on_opening(block, body)
        elif self._reader.is_send:
            work.on_send(block, body)
        elif not work.on_known_ack(block):
            frame = read_frame(block, self._greeting.version)
            if frame.command in _GREETINGS:
                raise StompFault("Illegal command", "You are connected already\n")
            if frame.command == "DISCONNECT":
                self._leave(work, frame)
            else:
                work.on_frame(frame, block, body)

    # --- opening ---------------------------------------------------------------------------

    def _on_opening(self, block: bytes, body: bytes) -> None:
        frame = read_frame(block, 0)
        if frame.command in _GREETINGS:
            self._connect(frame)
            self._output.send_octets(
                self._greeting.connected(self._heart.send_s, self._heart.receive_s)
            )
        elif self._node.settings.stomp_implicit_connect or self._peer.login is not None:
            self._connect(Frame("CONNECT", {}))
            self._on_frame(block, body)
        else:
            raise StompFault("Illegal command", "You must log in using CONNECT first")

    def _connect(self, frame: Frame) -> None:
        greeting = self._greeting
        greeting.connect(frame)
        link = greeting.entry.link(self._node.new_connection_id(), self)
        link.channel_max = 1
        link.client_properties = table_of({"product": "STOMP client"})
        self._heart.agree(greeting.can_send_ms, greeting.wants_ms)
        link.heartbeat_s = self._heart.receive_s
        channel = StompChannel(
            self,
            self._output,
            greeting.entry,
            self._node.settings,
            link.id,
            (link.name, greeting.session_name),
            greeting.version,
        )
        self._node.connections.add(link)
        self._link = link
        self._work = Work(channel)
        self._state = RUNNING
        self.is_known = True
        self._node.connections.open_channel(link, NUMBER)
        link.channels[NUMBER] = channel
        self._reader.frame_max = self._node.settings.stomp_max_frame_size
        self._node.notices.inform(f"{self._name()}: opened for vhost '{channel.vhost.name}'")

    # --- time and room ---------------------------------------------------------------------

    def tick(self) -> None:
        """Time out what takes too long, and keep the heart beating."""
        now = self._node.clock.now_ns()
        if self.is_full:
            # It is not read from, so its silence says nothing.
            self._heart.has_heard = True
        work = self._work
        if work is not None:
            work.channel.outstanding.note_time(now)
        due = self._heart.tick(now)
        if self._state == OPENING or self._state == DEAF:
            if now >= self._deadline_ns:
                if self._state == OPENING:
                    self._notice("it took too long to log in (stomp_login_timeout_ms)")
                self._end()
        elif self._greeting.entry.is_expired:
            self._fail(
                StompFault(
                    "Credential expired",
                    "The credential used to authenticate this connection has expired",
                )
            )
        elif work is not None and work.channel.lapsed_ms > 0:
            self._fail(fault_of(PreconditionFailed(_too_late(work.channel.lapsed_ms))))
        elif due == DEAD:
            self._notice("nothing was heard for two heart-beats, so it is cut off")
            self._end()
        elif due == BEAT:
            self._output.send_urgent(b"\n")

    def take_output(self) -> list[bytes]:
        """What to send now."""
        self._was_full = not self._output.has_room()
        parts = self._output.take()
        if parts:
            self._heart.has_sent = True
        return parts

    def take_messages(self) -> list[bytes]:
        """The same, with one frame in each: browsers expect no more in a message."""
        return split_frames(self.take_output())

    def take_urgent(self) -> list[bytes]:
        """What to send though the rest must wait."""
        parts = self._output.take_urgent()
        if parts:
            self._heart.has_sent = True
        return parts

    def flushed(self) -> None:
        """Go on, if deliveries or replies stopped because there was enough for one turn."""
        if self._output.is_paused:
            return
        if self._was_full:
            self._room_again()
        if self.is_full:
            self._handle_frames()

    def pause(self) -> None:
        """Hold deliveries back."""
        self._output.is_paused = True

    def resume(self) -> None:
        """Deliver again."""
        self._output.is_paused = False
        self._room_again()

    def _room_again(self) -> None:
        self._was_full = False
        work = self._work
        if work is not None:
            work.subscriptions.room_again()
            work.channel.finish()

    @property
    def is_waiting(self) -> bool:
        """Whether a decision is awaited, or the end of an alarm."""
        return self._wait.is_waiting

    # --- ends ------------------------------------------------------------------------------

    def _leave(self, work: Work, frame: Frame) -> None:
        """DISCONNECT: once all that was sent is safe the client is told, and it is over."""
        receipt = frame.headers.get("receipt")
        receipts = work.channel.receipts
        work.end()
        self._state = LEAVING
        self._node.notices.inform(f"{self._name()}: closed by the client")
        receipts.say_farewell(receipts.octets(receipt) if receipt is not None else None)

    def shut(self, reason: str) -> None:
        """Close the connection from the broker's side."""
        if not self.closed and self._state != DEAF:
            # Nobody did wrong, so the log is told once by whoever wants them all gone.
            self._say(StompFault("connection_forced", f"CONNECTION_FORCED - {reason}"), None)
            self._end()

    def _receipt(self) -> str | None:
        """That of the frame at hand, if it asks for one."""
        return self._work.take_receipt() if self._work is not None else None

    def _fail(self, fault: StompFault, receipt: str | None = None) -> None:
        """Answer what is wrong, and close: STOMP knows no smaller unit.

        ``receipt`` is that of the frame that is answered, if it is one.
        """
        self._notice(f"it is closed: {fault.message}: {fault.detail.strip()}")
        self._say(fault, receipt)
        self._is_frame_held = False
        self.is_full = False
        self._wait.let_go()
        self._release()
        if self._reader.is_empty:
            self._end()
        else:
            # Closed at once, what is still to be read would take the ERROR with it.
            self._state = DEAF
            self._deadline_ns = self._node.clock.now_ns() + _DEAF_NS
        self._reader.clear()

    def _say(self, fault: StompFault, receipt: str | None) -> None:
        headers = {"message": fault.message}
        if receipt is not None:
            headers["receipt-id"] = receipt
        headers["content-type"] = "text/plain"
        headers["version"] = VERSIONS
        version = self._greeting.version or V1_0
        self._output.send_octets(frame_octets("ERROR", headers, fault.detail, version))

    def _end(self) -> None:
        self.closed = True
        self._output.ring()

    def lost(self) -> None:
        """Give back what the connection held."""
        if self._state == RUNNING and not self.closed:
            self._notice("the client closed the socket without DISCONNECT")
        self.closed = True
        self._is_frame_held = False
        self._wait.let_go()
        self._release()
        # Not left to the collector: thousands of connections may end at once.
        self._reader.clear()
        self._output.take()

    def _release(self) -> None:
        """Give back all that the connection held.  Does nothing the second time."""
        work = self._work
        if work is None:
            return
        self._work = None
        channel = work.channel
        try:
            work.end()
        except Exception:
            self._node.notices.crash(f"{self._name()}: it did not end as it should")
        channel.receipts.end()
        channel.vhost.connection_lost(channel.owner_id)
        channel.vhost.past.traffic.add(self.traffic)
        if self._link is not None:
            self._node.connections.remove(self._link)
            self._link = None
        channel.finish()

    def _notice(self, text: str) -> None:
        self._node.notices.warn(f"{self._name()}: {text}")

    def _name(self) -> str:
        user = self._greeting.entry.user
        who = f" (user '{user.name}')" if user is not None else ""
        return f"STOMP connection {self._peer.name}{who}"


def _too_late(limit_ms: int) -> str:
    return (
        f"delivery acknowledgement on channel {NUMBER} timed out. Timeout value used: {limit_ms} "
        "ms. This timeout value can be configured, see consumers doc guide to learn more"
    )
