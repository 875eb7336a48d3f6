"""What the frames of an open connection do, by command; and their receipts."""

from typing import Final, final

from leveret.broker.claims import check_claims
from leveret.stomp.channel import StompChannel
from leveret.stomp.faults import StompFault
from leveret.stomp.headers import Frame
from leveret.stomp.sending import Sending, rejected
from leveret.stomp.settling import Settling
from leveret.stomp.subscribing import Subscriptions
from leveret.stomp.transactions import HeldFrame, Transaction, Transactions


@final
class Work:
    """Handles frames.  Every method raises StompFault, refusals, and Pending.

    After Pending the same frame is to come again, from the start.
    """

    def __init__(self, channel: StompChannel) -> None:
        self.channel: Final = channel
        self.subscriptions: Final = Subscriptions(channel)
        self.sending: Final = Sending(channel, self.subscriptions)
        self._settling: Final = Settling(channel)
        self._transactions: Final = Transactions(channel)
        # The receipt that the frame at hand asks for, for whoever answers that it is refused.
        self._receipt: str | None = None
        self._is_over = False

    def take_receipt(self) -> str | None:
        """The receipt that the frame at hand asked for."""
        raw = self.sending.receipt
        if raw is not None:
            return self.channel.receipts.text(raw)
        return self._receipt

    # --- SEND ------------------------------------------------------------------------------

    def on_send(self, block: bytes, body: bytes) -> None:
        """SEND: at once, or with its transaction.  Hot."""
        sending = self.sending
        self._receipt = None
        plan = sending.plan(block)
        if plan.transaction is None:
            if not sending.send(plan, body):
                raise rejected()
        else:
            self._transactions.hold(plan.transaction, HeldFrame(block, body, None))

    def on_known_ack(self, block: bytes) -> bool:
        """An ACK with nothing but an id, much like the last one; False when it is not.  Hot."""
        self.sending.receipt = None
        self._receipt = None
        return self._settling.settle_known(block)

    # --- all others ------------------------------------------------------------------------

    def on_frame(self, frame: Frame, block: bytes, body: bytes) -> None:
        """Any frame but SEND, DISCONNECT and those that connect."""
        receipt = frame.headers.get("receipt")
        self._receipt = receipt
        command = frame.command
        if command == "ACK" or command == "NACK":
            transaction = frame.headers.get("transaction")
            if transaction is None:
                self._settling.settle(frame)
            else:
                self._transactions.hold(transaction, HeldFrame(block, body, frame))
        elif command == "SUBSCRIBE":
            self.subscriptions.subscribe(frame)
        elif command == "UNSUBSCRIBE":
            self.subscriptions.unsubscribe(frame)
        elif command == "BEGIN":
            self._transactions.begin(frame)
        elif command == "COMMIT":
            self._commit(frame, receipt)
            return
        elif command == "ABORT":
            self._transactions.named_by(frame)
            self._transactions.end(frame)
        else:
            raise StompFault("Bad command", f'Could not interpret command "{command}"\n')
        if receipt is not None:
            self.channel.receipts.tell(self.channel.receipts.octets(receipt))

    # --- transactions ----------------------------------------------------------------------

    def _commit(self, frame: Frame, receipt: str | None) -> None:
        """Let all that the transaction holds happen, in order; the receipt when it is safe."""
        transaction = self._transactions.named_by(frame)
        if transaction.done_count == 0:
            self._check(transaction)
        receipts = self.channel.receipts
        while transaction.done_count < len(transaction.frames):
            if not self._perform(transaction.frames[transaction.done_count]):
                transaction.is_rejected = True
            transaction.done_count += 1
        self._transactions.end(frame)
        self.sending.receipt = None
        if transaction.is_rejected:
            raise rejected()
        if receipt is not None:
            receipts.promise_all(receipts.octets(receipt))

    def _check(self, transaction: Transaction) -> None:
        """Refuse a transaction before anything of it happens."""
        user = self.channel.access.user
        for held in transaction.frames:
            if held.frame is not None:
                self._settling.find(held.frame)
                continue
            properties = self.sending.plan(held.block).properties
            if properties.needs_care:
                check_claims(properties, user)
        self.sending.receipt = None

    def _perform(self, held: HeldFrame) -> bool:
        """False when whoever sent it is to hear that it was refused."""
        frame = held.frame
        if frame is None:
            sending = self.sending
            return sending.send(sending.plan(held.block), held.body)
        if self._settling.is_open(frame):
            # Not so if an ACK before it in the transaction answered for it, too.
            self._settling.settle(frame)
        return True

    # --- the end ---------------------------------------------------------------------------

    def end(self) -> None:
        """The connection is over.  Does nothing the second time."""
        if self._is_over:
            return
        self._is_over = True
        self.subscriptions.end()
        self._transactions.clear()
        self._settling.end()
        self.sending.end()
        self.channel.reading.end()
        self.channel.vhost.call_off(self.channel)
