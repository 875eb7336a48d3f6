"""Where Leveret's STOMP is meant to differ from RabbitMQ 3.10's, and why.

The rules of known.py hold here, too: an entry that no longer fits fails its scenario.
"""

from typing import Final

from tests.differential.differences import Known, differ

_WHICH: Final = "says which header is wrong, where RabbitMQ only says that something is"
_WORDS: Final = "says what is no frame before it closes; RabbitMQ closes without a word"
_END: Final = "STOMP: an ERROR ends the connection; RabbitMQ goes on after most of them"
_RECEIPT: Final = "STOMP: an ERROR names the receipt that will not come"
_UNKNOWN: Final = "4.x: an unknown delivery is an error of STOMP's own"
_OWN: Final = "what a frame tells the broker is no header of the message"


def _error(label: str, message: str, detail: str, receipt: str = "") -> str:
    more = f" receipt-id={receipt!r}" if receipt else ""
    headers = f"content-type='text/plain' message={message!r}{more} version='1.0,1.1,1.2'"
    return f"{label} ERROR {headers} {detail.encode()!r}"


def _wrong(detail: str = "Processing error") -> str:
    """The answer to a value that cannot be: RabbitMQ's says no more than that."""
    return _error("t", "Processing error", detail)


_NO_FRAMES: Final = (
    "the header 'no colon' has no colon",
    "'\\t' in a header means nothing",
    "content-length is not a number of octets",
    "no NUL octet where the content-length says that the body ends",
    "a carriage return that is not at the end of a line",
)
_NOWHERE: Final = (
    "'/nowhere/x' is not a valid destination.\nValid destination types are: /temp-queue, "
    "/exchange, /topic, /queue, /amq/queue, /reply-queue/."
)

KNOWN: Final[list[Known]] = [
    *differ(
        _WHICH,
        "connect_refusals",
        (
            _error("a", "Processing error", "Processing error"),
            _error("a", "Processing error", "the header 'heart-beat' is not two numbers"),
        ),
    ),
    *differ(
        _WORDS,
        "frames_that_are_none",
        (
            "\n".join(["t end of connection"] * len(_NO_FRAMES)),
            "\n".join([_error("t", "Malformed frame", detail) for detail in _NO_FRAMES]),
        ),
    ),
    *differ(
        _WHICH,
        "send_refusals",
        (
            "\n".join(
                [
                    _error("t", "Invalid header", "'message-id' is not allowed on 'SEND'."),
                    _wrong(),
                ]
            ),
            "\n".join(
                [
                    _error("t", "Invalid header", "'message-id' is not allowed on 'SEND'."),
                    _wrong("the header 'priority' is not an integer"),
                ]
            ),
        ),
        (
            _wrong(),
            _wrong("the header 'x-message-ttl' is not an integer"),
        ),
    ),
    *differ(
        _WHICH,
        "subscribe_refusals",
        (
            "\n".join([_wrong()] * 2),
            "\n".join(
                [
                    _wrong("the header 'ack' is none of auto, client and client-individual"),
                    _wrong("the header 'prefetch-count' is not an integer"),
                ]
            ),
        ),
        (
            _wrong(),
            _error("t", "Invalid id", "SUBSCRIBE 'id' may not start with /temp-queue/"),
        ),
    ),
    *differ(
        _END, "an_error_is_the_end", ("a RECEIPT receipt-id='1'\na quiet", "a end of connection")
    ),
    *differ(
        _RECEIPT,
        "an_error_names_the_receipt",
        (
            _error("a", "Unknown destination", _NOWHERE),
            _error("a", "Unknown destination", _NOWHERE, "1"),
        ),
    ),
    *differ(
        _UNKNOWN,
        "ack_twice",
        (
            _error("a", "precondition_failed", "PRECONDITION_FAILED - unknown delivery tag 1"),
            _error("a", "Message not found", "unknown delivery tag 1"),
        ),
    ),
    *differ(_OWN, "transactions", (" transaction='t'", "")),
    *differ(
        _OWN,
        "headers_for_the_broker",
        ("{'headers': {'content-length': '1', 'receipt': '1'}}", "{}"),
    ),
]
