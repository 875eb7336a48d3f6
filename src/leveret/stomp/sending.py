"""SEND: from headers and a body to messages in queues.

Hot.  A SEND is recognised by the raw octets of its headers, without those two that differ from one
message to the next: the same octets mean the same address and properties, which are kept in a Plan.
See decision 2.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.auth.rights import Pending
from leveret.broker.properties import Properties
from leveret.errors import PreconditionFailed
from leveret.session import LEVEL
from leveret.sessions.routes import Route, Routes
from leveret.sessions.waiting import AlarmWait
from leveret.stomp.channel import StompChannel
from leveret.stomp.destinations import QUEUE, TEMP_PREFIX, TEMP_QUEUE, check_key, read_destination
from leveret.stomp.faults import StompFault
from leveret.stomp.headers import Frame, read_frame
from leveret.stomp.properties import properties_of
from leveret.stomp.subscribing import Subscriptions, destination_of, not_for

# A client with ever new headers must not make the broker remember them all.
_MAX_PLANS: Final = 512
# Larger blocks are not remembered: a plan must stay small.
_MAX_REMEMBERED: Final = 1024
_RECEIPT: Final = b"\nreceipt:"
_LENGTH: Final = b"\ncontent-length:"


@final
class Plan:
    """What the headers of one SEND come to.

    ``transaction`` is the one it belongs to, None for none.  ``reply_name`` is what the client
    called its queue for answers, "" where there is none.
    """

    def __init__(
        self, route: Route, properties: Properties, transaction: str | None, reply_name: str
    ) -> None:
        self.route: Final = route
        self.properties: Final = properties
        self.transaction: Final = transaction
        self.reply_name: Final = reply_name


@final
class Sending:
    """Takes the SEND frames of one connection.

    ``receipt`` is that of the frame at hand, as it is to be told; None for none.
    """

    def __init__(self, channel: StompChannel, subscriptions: Subscriptions) -> None:
        self._channel: Final = channel
        self._subscriptions: Final = subscriptions
        self._alarms: Final = channel.vhost.alarms
        self._publisher: Final = channel.publisher
        self._max_size: Final[int] = channel.settings.max_message_size
        self._routes: Final = Routes()
        # Two generations: when the younger is full the older is forgotten, so what is in use stays.
        self._plans: dict[bytes, Plan] = {}
        self._old_plans: dict[bytes, Plan] = {}
        # The last block without a receipt, and what is left of the last one that is remembered.
        self._last_block = b""
        self._last_key = b""
        self._last_plan: Plan | None = None
        self._last_route: Route | None = None
        self.receipt: bytes | None = None

    def plan(self, block: bytes) -> Plan:
        """What a SEND with these headers is to do.  Raises StompFault, refusals, and Pending.

        Pending also while something runs low: then nobody sends.
        """
        if self._alarms.is_set:
            raise Pending(AlarmWait(self._alarms))
        self.receipt = None
        plan = self._last_plan
        # To compare with the last one is faster than to hash it, and most clients have only one.
        if plan is None or block != self._last_block:
            plan = self._find(block)
        if not self._publisher.is_current(plan.route):
            self._publisher.resolve(plan.route)
        return plan

    def _find(self, block: bytes) -> Plan:
        key = block
        at: i64 = key.find(_RECEIPT)
        if at >= 0:
            end: i64 = key.find(b"\n", at + 1)
            receipt = key[at + len(_RECEIPT) : end]
            self.receipt = self._channel.receipts.cleaned(receipt)
            key = key[:at] + key[end:]
        at = key.find(_LENGTH)
        if at >= 0:
            key = key[:at] + key[key.find(b"\n", at + 1) :]
        plan = self._last_plan
        if plan is not None and key == self._last_key:
            if self.receipt is None:
                self._last_block = block
            return plan
        plan = self._plans.get(key)
        if plan is None:
            plan = self._old_plans.get(key)
            if plan is None:
                plan = self._made(read_frame(block, self._channel.version))
            if plan.reply_name:
                # The queue for answers may be deleted, and then it is made anew.
                return plan
            self._remember(key, plan)
        self._last_key = key
        self._last_block = block if self.receipt is None else b""
        self._last_plan = plan
        return plan

    def _remember(self, key: bytes, plan: Plan) -> None:
        if len(key) > _MAX_REMEMBERED:
            return
        if len(self._plans) >= _MAX_PLANS:
            self._old_plans = self._plans
            self._plans = {}
        self._plans[key] = plan

    def _made(self, frame: Frame) -> Plan:
        if "message-id" in frame.headers:
            raise StompFault("Invalid header", "'message-id' is not allowed on 'SEND'.\n")
        text = destination_of(frame)
        destination = read_destination(text, self._channel.topics)
        if destination.kind == TEMP_QUEUE:
            raise not_for(text, "SEND")
        if destination.kind == QUEUE:
            self._subscriptions.ensure_queue(destination.name, frame)
        address = text.encode("utf-8", "surrogateescape")
        route = self._routes.find(address)
        if route is None:
            check_key(destination.name)
            route = Route(destination.exchange, destination.name, False)
            self._routes.remember(address, route)
        reply_to = frame.headers.get("reply-to")
        reply_name = ""
        if reply_to is not None and reply_to.startswith(TEMP_PREFIX):
            reply_name = read_destination(reply_to, self._channel.topics).name
            reply_to = self._subscriptions.reply_queue(reply_name)
        properties = properties_of(frame, reply_to)
        return Plan(route, properties, frame.headers.get("transaction"), reply_name)

    def send(self, plan: Plan, body: bytes) -> bool:
        """Publish.  Raises refusals, and Pending, before anything is done.

        False when a queue has refused the message, and whoever sent it asked for a receipt.
        """
        if len(body) > self._max_size:
            raise PreconditionFailed(
                f"message size {len(body)} is larger than configured max size {self._max_size}"
            )
        route = plan.route
        self._last_route = route
        publisher = self._publisher
        receipt = self.receipt
        publisher.send(route, plan.properties, body, receipt is not None)
        receipts = self._channel.receipts
        owed = publisher.owed
        if owed != 0:
            receipts.last_owed = owed
        if receipt is None:
            return True
        self._channel.is_confirming = True
        if not publisher.is_accepted:
            return False
        receipts.promise(receipt, owed, publisher.routing.queues)
        return True

    def lead(self) -> int:
        """Whether what was sent last piles up where it goes to."""
        return self._last_route.lead() if self._last_route is not None else LEVEL

    def end(self) -> None:
        """The connection is over."""
        self._publisher.end()
        self._plans = {}
        self._old_plans = {}
        self._last_plan = None
        self._last_route = None
        self._routes.clear()


def rejected() -> StompFault:
    """What a sender is told of a message that a queue has refused."""
    detail = "A queue that is full has refused a message (x-overflow).\n"
    return StompFault("Message rejected", detail)
