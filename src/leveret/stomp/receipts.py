"""RECEIPT frames: told when what they are for is done, and safe if it was a message."""

from typing import Final, final

from leveret.broker.ledger import Ledger
from leveret.broker.queue import Queue
from leveret.session import Session
from leveret.sessions.output import Output
from leveret.sessions.promises import Promiser, Promises
from leveret.stomp.headers import V1_0, escaped, unescaped

_NO_QUEUES: Final[list[Queue]] = []


@final
class Receipts(Promiser):
    """Those of one connection, by tokens of its own.

    A receipt names its frame as the client wrote it, so it is kept as octets.
    """

    def __init__(
        self, session: Session, output: Output, ledger: Ledger | None, version: int
    ) -> None:
        self._session: Final = session
        self._output: Final = output
        self._version: Final = version
        self._ledger: Final = ledger
        self._promises: Final = Promises(ledger, self)
        self._waiting: dict[int, bytes] = {}
        self._last_token = 0
        # The last of all: when it is given the connection is over.
        self._farewell = 0
        # The batch of the journal that the last message is in that has to be in one, 0 for none.
        self.last_owed = 0

    def __len__(self) -> int:
        """How many are owed."""
        return len(self._promises)

    def tell(self, receipt: bytes) -> None:
        """Send one now: its frame is done."""
        writer = self._output.writer
        writer.write(b"RECEIPT\nreceipt-id:")
        writer.write(receipt)
        writer.write(b"\n\n\0\n")
        self._output.ring()

    def promise(self, receipt: bytes, owed: int, queues: list[Queue]) -> None:
        """Send one once batch ``owed`` of the journal is on the disk, 0 for at once.

        ``queues`` are those that have the message.  Never before those that were promised first.
        """
        if owed == 0 and len(self._promises) == 0:
            self.tell(receipt)
            return
        self._last_token += 1
        self._waiting[self._last_token] = receipt
        self._promises.add(self._last_token, owed, queues)

    def promise_all(self, receipt: bytes) -> None:
        """Send one once all that was sent so far is safe."""
        self.promise(receipt, self._still_owed(), _NO_QUEUES)

    def _still_owed(self) -> int:
        """The batch that is yet to be on the disk for all to be safe; 0 when all is."""
        ledger = self._ledger
        if ledger is None or self.last_owed <= ledger.journal.safe:
            return 0
        return self.last_owed

    def say_farewell(self, receipt: bytes | None) -> None:
        """Close the connection once all that was sent is safe, with this receipt if any."""
        self._last_token += 1
        self._farewell = self._last_token
        if receipt is not None:
            self._waiting[self._last_token] = receipt
        self._promises.add(self._last_token, self._still_owed(), _NO_QUEUES)

    def keep_promise(self, token: int) -> None:
        """What the receipt is for is safe."""
        receipt = self._waiting.pop(token, None)
        if receipt is not None:
            self.tell(receipt)
        if token == self._farewell:
            self._session.closed = True
            self._output.ring()

    def promises_kept(self) -> None:
        """They are written, and the bell was rung."""
        self._output.ring()

    def end(self) -> None:
        """Nobody is left to be told."""
        self._promises.end()
        self._waiting = {}

    def octets(self, text: str) -> bytes:
        """A receipt that was read as text."""
        return escaped(text, self._version).encode("utf-8", "surrogateescape")

    def text(self, octets: bytes) -> str:
        """A receipt as text, which ``cleaned`` gave."""
        text = octets.decode("utf-8", "surrogateescape")
        return text if self._version == V1_0 else unescaped(text, True)

    def cleaned(self, raw: bytes) -> bytes:
        """A receipt as it stands in a header.  Raises StompFault for bad escapes."""
        if raw.endswith(b"\r"):
            raw = raw[:-1]
        if self._version == V1_0:
            return raw.lstrip(b" ")
        if b"\\" in raw or b":" in raw:
            text = raw.decode("utf-8", "surrogateescape")
            return self.octets(unescaped(text, False))
        return raw
