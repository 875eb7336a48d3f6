"""Refusals and faults as AMQP 0-9-1 tells them: reply code, text, and whom they close.

The one place where the broker's refusals get their numbers.
Behaviour: RabbitMQ 4.3: the text is ``NAME - detail``, at most 255 octets.
"""

from typing import Final

from leveret.amqp091.spec import (
    ACCESS_REFUSED,
    BASIC_PUBLISH,
    CODE_NAMES,
    FRAME_ERROR,
    INTERNAL_ERROR,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    PRECONDITION_FAILED,
    RESOURCE_LOCKED,
    UNEXPECTED_FRAME,
)
from leveret.errors import (
    AccessRefused,
    BrokerError,
    NotAllowed,
    NotFound,
    NotSupported,
    PreconditionFailed,
    ResourceLocked,
)


class AmqpFault(Exception):
    """The peer broke the protocol.  ``code`` is one of the hard reply codes.

    ``method`` is the one that the close names: None for the one being handled, 0 for none.
    """

    def __init__(self, code: int, detail: str, method: int | None = None) -> None:
        super().__init__(detail)
        self.code: Final = code
        self.detail: Final = detail
        self.method: Final = method


class FrameFault(AmqpFault):
    """The octets are no frames any more: nothing after them can be understood."""

    def __init__(self, detail: str) -> None:
        super().__init__(FRAME_ERROR, detail, 0)


class ContentFault(AmqpFault):
    """A frame that belongs to no message, or not here."""

    def __init__(self, detail: str, is_publishing: bool) -> None:
        super().__init__(UNEXPECTED_FRAME, detail, BASIC_PUBLISH if is_publishing else 0)


def reply_code(refusal: BrokerError) -> int:
    """The code to send for ``refusal``."""
    if isinstance(refusal, NotFound):
        return NOT_FOUND
    if isinstance(refusal, PreconditionFailed):
        return PRECONDITION_FAILED
    if isinstance(refusal, AccessRefused):
        return ACCESS_REFUSED
    if isinstance(refusal, ResourceLocked):
        return RESOURCE_LOCKED
    if isinstance(refusal, NotAllowed):
        return NOT_ALLOWED
    if isinstance(refusal, NotSupported):
        return NOT_IMPLEMENTED
    return INTERNAL_ERROR


def reply_text(code: int, detail: str) -> str:
    """What goes into the reply-text field, cut to what a short string holds."""
    text = f"{CODE_NAMES[code]} - {detail}" if detail else CODE_NAMES[code]
    octets = text.encode("utf-8", "replace")
    if len(octets) <= 255:
        # With question marks for what was no UTF-8 in a name.
        return octets.decode()
    return octets[:252].decode("utf-8", "ignore") + "..."
