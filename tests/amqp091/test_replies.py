"""leveret.amqp091.replies"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leveret.amqp091.replies import AmqpFault, ContentFault, FrameFault, reply_code, reply_text
from leveret.amqp091.spec import BASIC_PUBLISH, FRAME_ERROR, NOT_FOUND, UNEXPECTED_FRAME
from leveret.errors import (
    AccessRefused,
    BrokerError,
    NotAllowed,
    NotFound,
    NotSupported,
    PreconditionFailed,
    ResourceLocked,
)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (NotFound("x"), 404),
        (PreconditionFailed("x"), 406),
        (AccessRefused("x"), 403),
        (ResourceLocked("x"), 405),
        (NotAllowed("x"), 530),
        (NotSupported("x"), 540),
        (BrokerError("x"), 541),
    ],
)
def test_every_refusal_has_its_code(refusal: BrokerError, code: int) -> None:
    assert reply_code(refusal) == code


@given(st.text(max_size=300))
def test_a_text_fits_into_a_short_string_whatever_is_in_it(detail: str) -> None:
    octets = reply_text(NOT_FOUND, detail).encode()
    assert len(octets) <= 255
    assert octets.startswith(b"NOT_FOUND")


def test_a_text_is_name_and_detail() -> None:
    assert reply_text(NOT_FOUND, "no queue") == "NOT_FOUND - no queue"
    assert reply_text(NOT_FOUND, "") == "NOT_FOUND"
    assert reply_text(NOT_FOUND, "é" * 300).endswith("é...")


def test_faults_know_what_they_close_and_which_method_they_name() -> None:
    assert (AmqpFault(503, "x").method, AmqpFault(503, "x", 0).method) == (None, 0)
    frame_fault = FrameFault("x")
    assert (frame_fault.code, frame_fault.method) == (FRAME_ERROR, 0)
    content = ContentFault("x", True)
    assert (content.code, content.method) == (UNEXPECTED_FRAME, BASIC_PUBLISH)
    assert ContentFault("x", False).method == 0
