"""What a connection is about to send, in order, whatever its protocol.  No I/O."""

from typing import Final

from librt.strings import BytesWriter

from leveret.session import Bell, Session

# Deliveries of one turn of the loop stop here, so that no consumer delays the others.
FULL_OCTETS: Final = 256 * 1024
# Replies stop here: what causes more of them is not handled until the peer has read these.
OVERFLOW_OCTETS: Final = 1024 * 1024
# A body this large is sent from where it lies; a smaller one is cheaper to copy.
COPY_OCTETS: Final = 8192
# A buffer that grew beyond this is not kept: thousands of idle connections would keep theirs.
_KEEP_OCTETS: Final = 4096


class Output:
    """Collects output and rings once for it.

    Deliveries stop when it has no room; whoever handles input stops when it is overflowing.

    ``writer`` is open to those who write for themselves, for speed; they call ``ring`` after.
    """

    def __init__(self, session: Session, bell: Bell) -> None:
        self._session: Final = session
        self._bell: Final = bell
        self.writer = BytesWriter()
        self._parts: list[bytes] = []
        self._parts_size = 0
        self.is_paused = False
        # What is not kept waiting with the rest: it makes sense anywhere between the others.
        self._urgent: list[bytes] = []
        # For how many things the output waits to be on the disk.
        self._hold_count = 0

    def has_room(self) -> bool:
        """Whether deliveries may be added."""
        return not self.is_paused and len(self.writer) + self._parts_size < FULL_OCTETS

    def is_overflowing(self) -> bool:
        """Whether there is so much that nothing may be done that would add to it."""
        return len(self.writer) + self._parts_size > OVERFLOW_OCTETS

    def ring(self) -> None:
        """Say that there is something to send."""
        session = self._session
        if not session.rung:
            self._bell.ring(session)

    @property
    def is_held(self) -> bool:
        """Whether nothing but what is urgent is sent now."""
        return self._hold_count > 0

    def hold(self) -> None:
        """Send nothing until ``let_go`` is called as often."""
        self._hold_count += 1
        self._session.is_held = True

    def let_go(self) -> None:
        """One thing less to wait for."""
        self._hold_count -= 1
        if self._hold_count == 0:
            self._session.is_held = False
            self.ring()

    def send_octets(self, octets: bytes) -> None:
        """Add what is encoded already."""
        self.writer.write(octets)
        self.ring()

    def send_urgent(self, octets: bytes) -> None:
        """Add what overtakes all else, even what is held.

        Saying the same once more before it is sent adds nothing: it may be a heartbeat.
        """
        if not self._urgent or self._urgent[-1] != octets:
            self._urgent.append(octets)
            self.ring()

    def write_part(self, part: bytes) -> None:
        """Add a body, or a part of one, that may be large.  Does not ring."""
        if len(part) > COPY_OCTETS:
            self._cut()
            self._parts.append(part)
            self._parts_size += len(part)
        else:
            self.writer.write(part)

    def _cut(self) -> None:
        octets = self.writer.getvalue()
        self._parts.append(octets)
        self._parts_size += len(octets)
        self.writer.truncate(0)

    def take_urgent(self) -> list[bytes]:
        """What was added by ``send_urgent``."""
        urgent = self._urgent
        if urgent:
            self._urgent = []
        return urgent

    def take(self) -> list[bytes]:
        """Everything collected, in order, but first of all what is urgent."""
        parts = self._parts
        if len(self.writer) > 0:
            parts.append(self.writer.getvalue())
            if len(self.writer) > _KEEP_OCTETS:
                self.writer = BytesWriter()
            else:
                self.writer.truncate(0)
        if parts:
            self._parts = []
            self._parts_size = 0
        if self._urgent:
            return self.take_urgent() + parts
        return parts
