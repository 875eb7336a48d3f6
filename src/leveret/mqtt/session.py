"""One MQTT connection: its states, its faults and its end.

::

    AWAIT_CONNECT ─▶ ENTERING ─▶ RUNNING ─▶ closed
          └─────────────┴───────────────────▶ closed

Source: MQTT 5.0, sections 3.1, 3.14 and 4.13.
"""

from typing import Final, final

from leveret.auth.rights import Inquiry, Pending
from leveret.broker.node import Node
from leveret.mqtt.codes import (
    ADMINISTRATIVE_ACTION,
    CONNECT,
    DISCONNECT,
    KEEP_ALIVE_TIMEOUT,
    MAXIMUM_CONNECT_TIME,
    PROTOCOL_ERROR,
    QUOTA_EXCEEDED,
    SERVER_SHUTTING_DOWN,
    SESSION_TAKEN_OVER,
    UNSPECIFIED_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
    VERSION_5,
    VERSION_311,
    MqttFault,
)
from leveret.mqtt.connect import Greeting
from leveret.mqtt.conversation import Conversation
from leveret.mqtt.packets import connack, disconnect, read_connect, read_disconnect
from leveret.mqtt.reader import PacketReader
from leveret.mqtt.state import Occupant
from leveret.session import LEVEL, Bell, Peer, Session
from leveret.sessions.holds import CommitHold
from leveret.sessions.output import Output
from leveret.sessions.waiting import Wait

AWAIT_CONNECT: Final = 0
ENTERING: Final = 1
RUNNING: Final = 2

_SECOND_NS: Final = 1_000_000_000
_MS_NS: Final = 1_000_000
_CONNECT: Final = bytes((CONNECT << 4,))


@final
class MqttSession(Session):
    """Feed it ``receive`` and ``tick``; send what ``take_output`` gives; stop at ``closed``.

    While it waits for a decision that is made elsewhere, none of its input is handled.
    ``carrier`` is what goes before the protocol's name in lists.
    """

    def __init__(self, node: Node, bell: Bell, peer: Peer, carrier: str = "") -> None:
        super().__init__()
        self.is_known = False
        self._node: Final = node
        self._peer: Final = peer
        self._carrier: Final = carrier
        self._id: Final = node.new_connection_id()
        self._output: Final = Output(self, bell)
        self._reader: Final = PacketReader(node.settings.mqtt_max_packet_size_unauthenticated)
        self._wait: Final = Wait(self._output)
        # The packet that waits for a decision.
        self._held: PacketReader | None = None
        self._state = AWAIT_CONNECT
        self._greeting: Greeting | None = None
        self._conversation: Conversation | None = None
        self._was_full = False
        self._has_heard = True
        self._heard_ns = node.clock.now_ns()
        timeout_ns = node.settings.mqtt_login_timeout_ms * _MS_NS
        self._deadline_ns = self._heard_ns + timeout_ns
        self._silence_ns = 0

    # --- the door --------------------------------------------------------------------------

    def receive(self, chunk: bytes) -> None:
        """Handle octets from the peer."""
        self._has_heard = True
        if self.closed:
            return
        if self._state == AWAIT_CONNECT and self._is_strange(chunk):
            self._close(PROTOCOL_ERROR, "it does not begin with CONNECT")
            return
        self._reader.feed(chunk)
        self._handle_packets()

    def _is_strange(self, chunk: bytes) -> bool:
        """Whether what comes first is no CONNECT, even if not all of it is there."""
        return self._reader.buffered == 0 and chunk[:1] != _CONNECT

    def _handle_packets(self) -> None:
        """Handle what has come, as far as there is room for the answers."""
        commits = self._node.commits
        change_count = 0
        if commits is not None:
            change_count = commits.change_count
        self._handle()
        conversation = self._conversation
        if conversation is not None:
            conversation.finish()
            self.lead = conversation.lead()
        else:
            self.lead = LEVEL
        if commits is not None and commits.change_count != change_count:
            # What was declared is on the disk before anybody is told that it is there.
            self._output.hold()
            commits.wait_for_commit(CommitHold(self._output))

    def tick(self) -> None:
        """Time out what takes too long."""
        now = self._node.clock.now_ns()
        if self._has_heard or self.is_full:
            # One that is not read from says nothing by its silence.
            self._has_heard = False
            self._heard_ns = now
        if self.closed:
            return
        if self._state != RUNNING:
            if now >= self._deadline_ns:
                self._notice("it took too long to send CONNECT (mqtt_login_timeout_ms)")
                self._hang_up()
            return
        greeting = self._greeting
        assert greeting is not None
        if greeting.entry.is_expired:
            self._close(MAXIMUM_CONNECT_TIME, "credential expired")
        elif self._conversation is not None and self._conversation.has_lost:
            # It would wait for ever for what it has subscribed to.
            self._close(ADMINISTRATIVE_ACTION, "a queue of its session was deleted")
        elif 0 < self._silence_ns < now - self._heard_ns:
            self._close(KEEP_ALIVE_TIMEOUT, "nothing was heard for one and a half keep-alive times")

    def take_output(self) -> list[bytes]:
        """What to send now."""
        self._was_full = not self._output.has_room()
        return self._output.take()

    def take_urgent(self) -> list[bytes]:
        """What to send though the rest must wait."""
        return self._output.take_urgent()

    def flushed(self) -> None:
        """Go on, if deliveries or answers stopped because there was enough for one turn."""
        if self._output.is_paused:
            return
        if self._was_full:
            self._room_again()
        if self.is_full:
            self._handle_packets()

    def pause(self) -> None:
        """Hold deliveries back."""
        self._output.is_paused = True

    def resume(self) -> None:
        """Deliver again."""
        self._output.is_paused = False
        self._room_again()

    def _room_again(self) -> None:
        self._was_full = False
        if self._conversation is not None:
            self._conversation.room_again()

    @property
    def is_waiting(self) -> bool:
        """Whether a decision is awaited, or the end of an alarm."""
        return self._wait.is_waiting

    def shut(self, reason: str) -> None:
        """Close the connection from the broker's side."""
        if self.closed:
            return
        is_end = "shutdown" in reason
        # Nobody did wrong, so the log is told once by whoever wants them all gone.
        self._say_goodbye(SERVER_SHUTTING_DOWN if is_end else ADMINISTRATIVE_ACTION, reason)

    def taken_over(self) -> None:
        """Another connection has come with the same client identifier."""
        self._close(SESSION_TAKEN_OVER, "another connection has the same client identifier")

    def lost(self) -> None:
        """Give back what the connection held."""
        if self._state == RUNNING and not self.closed:
            self._notice("the client closed the socket without DISCONNECT")
        self.closed = True
        self._release()
        # Not left to the collector: thousands of connections may end at once.
        self._reader.clear()
        self._output.take()

    # --- packets ---------------------------------------------------------------------------

    def _handle(self) -> None:
        try:
            self._packets()
        except MqttFault as fault:
            self._close(fault.reason, fault.text)
        except Pending as pending:
            self._hold(pending.inquiry)
        except Exception:
            self._node.notices.crash(f"{self._name()}: this is a bug in the broker")
            self._close(UNSPECIFIED_ERROR, "")

    def _packets(self) -> None:
        reader = self._reader
        self.is_full = False
        if self._wait.is_waiting:
            self.is_full = True
            return
        held = self._held
        if held is not None:
            self._on_packet(held)
            self._held = None
            self._wait.done()
        while not self.closed:
            if self._output.is_overflowing() or self._owes_much():
                # The rest is handled once the peer has read, or the disk has written.
                self.is_full = True
                self._output.ring()
                return
            if not reader.advance():
                return
            self._on_packet(reader)

    def _owes_much(self) -> bool:
        conversation = self._conversation
        return conversation is not None and conversation.owes_much

    def _hold(self, inquiry: Inquiry) -> None:
        """Go on with the packet at hand, and all that follows, once ``inquiry`` is answered."""
        if self._held is None:
            reader = self._reader
            self._held = PacketReader(0)
            self._held.stand_at(reader.kind, reader.flags, reader.data[reader.start : reader.end])
        if self._wait.begin(inquiry):
            self.is_full = True
        else:
            self._close(QUOTA_EXCEEDED, "one packet asks for too many decisions")

    def _on_packet(self, reader: PacketReader) -> None:
        conversation = self._conversation
        if self._state == RUNNING and conversation is not None:
            kind = reader.kind
            if kind == CONNECT:
                raise MqttFault(PROTOCOL_ERROR, "a second CONNECT")
            if kind == DISCONNECT:
                self._on_disconnect(reader, conversation)
            else:
                conversation.on_packet(reader)
        else:
            self._enter(reader)

    def _enter(self, reader: PacketReader) -> None:
        """Let the client in.  Raises MqttFault, Pending."""
        greeting = self._greeting
        if greeting is None:
            connect = read_connect(reader)
            greeting = Greeting(self._node, self._peer, connect, self._carrier)
            self._greeting = greeting
            self._state = ENTERING
        if greeting.entry.access is None:
            greeting.enter()
        conversation = self._conversation
        if conversation is None:
            conversation = Conversation(
                self._node, greeting, self._output, self, Occupation(self), self._id
            )
            self._conversation = conversation
        conversation.open()
        self._state = RUNNING
        self.is_known = True
        self._reader.size_max = self._node.settings.mqtt_max_packet_size
        self._silence_ns = greeting.keep_alive_s * _SECOND_NS * 3 // 2
        vhost = conversation.client.vhost.name
        self._tell(f"opened as '{greeting.client_id}' for vhost '{vhost}'")

    def _on_disconnect(self, reader: PacketReader, conversation: Conversation) -> None:
        greeting = self._greeting
        assert greeting is not None
        conversation.on_disconnect(read_disconnect(reader, greeting.version))
        self._tell("closed by the client")
        self._hang_up()

    # --- faults, ends ----------------------------------------------------------------------

    def _close(self, reason: int, text: str) -> None:
        """End the connection, telling the client why where there are words for it."""
        if self.closed:
            return
        self._notice(f"it is closed: {text}")
        self._say_goodbye(reason, text)

    def _say_goodbye(self, reason: int, text: str) -> None:
        greeting = self._greeting
        if self._state == RUNNING:
            assert greeting is not None
            if greeting.version == VERSION_5:
                properties = greeting.last_reasons.of(text, len(disconnect(reason)))
                self._output.send_octets(disconnect(reason, properties))
        elif greeting is not None:
            version = greeting.version
            properties = greeting.last_reasons.of(text, len(connack(version, False, reason)))
            self._output.send_octets(connack(version, False, reason, properties))
        elif reason == UNSUPPORTED_PROTOCOL_VERSION:
            self._output.send_octets(connack(VERSION_311, False, reason))
        self._hang_up()

    def _hang_up(self) -> None:
        self.closed = True
        self._release()
        self._output.ring()

    def _release(self) -> None:
        """Give back all that the connection held.  Does nothing the second time."""
        self._wait.let_go()
        self._held = None
        conversation = self._conversation
        if conversation is None:
            return
        self._conversation = None
        conversation.client.vhost.past.traffic.add(self.traffic)
        try:
            conversation.end()
        except Exception:
            self._node.notices.crash(f"{self._name()}: it did not end as it should")

    def _notice(self, text: str) -> None:
        self._node.notices.warn(f"{self._name()}: {text}")

    def _tell(self, text: str) -> None:
        self._node.notices.inform(f"{self._name()}: {text}")

    def _name(self) -> str:
        user = self._greeting.entry.user if self._greeting is not None else None
        who = f" (user '{user.name}')" if user is not None else ""
        return f"MQTT connection {self._peer.name}{who}"


@final
class Occupation(Occupant):
    """The session as whoever comes after it sees it."""

    def __init__(self, session: MqttSession) -> None:
        self._session: Final = session

    def taken_over(self) -> None:
        """Go."""
        self._session.taken_over()
