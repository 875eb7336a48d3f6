"""What is answered with an ERROR frame, and in which words.

Behaviour: RabbitMQ 4.3's texts.  Differs from RabbitMQ: every ERROR that answers a frame ends the
connection, as STOMP demands; RabbitMQ goes on after most of them.
"""

from typing import Final

from leveret.errors import (
    AccessRefused,
    BrokerError,
    NotAllowed,
    NotFound,
    NotSupported,
    PreconditionFailed,
    ResourceLocked,
)

# What the header `version` of every ERROR says.
VERSIONS: Final = "1.0,1.1,1.2"
PROCESSING: Final = "Processing error"


class StompFault(Exception):
    """A frame is refused: ``message`` is its header's text, ``detail`` the body's."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.message: Final = message
        self.detail: Final = detail


def fault_of(refusal: BrokerError) -> StompFault:
    """How STOMP says what the broker refuses: AMQP's name for it, as RabbitMQ does."""
    name = _name_of(refusal)
    return StompFault(name, f"{name.upper()} - {refusal.detail}")


def _name_of(refusal: BrokerError) -> str:
    if isinstance(refusal, NotFound):
        return "not_found"
    if isinstance(refusal, PreconditionFailed):
        return "precondition_failed"
    if isinstance(refusal, AccessRefused):
        return "access_refused"
    if isinstance(refusal, ResourceLocked):
        return "resource_locked"
    if isinstance(refusal, NotAllowed):
        return "not_allowed"
    if isinstance(refusal, NotSupported):
        return "not_implemented"
    return "internal_error"
