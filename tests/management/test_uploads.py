"""Files that browsers send."""

import pytest

from leveret.management.api import BadRequest
from leveret.management.uploads import form_parts, is_form

TYPE = "multipart/form-data; boundary=xx"


def part(name: str, content: bytes) -> bytes:
    head = f'--xx\r\ncontent-disposition: form-data; name="{name}"; filename="f.json"\r\n\r\n'
    return head.encode() + content + b"\r\n"


def test_parts_are_found_by_name() -> None:
    assert is_form(TYPE) and not is_form("application/json")
    body = part("file", b'{"a":\r\n1}') + part("redirect", b"#/import") + b"--xx--\r\n"
    assert form_parts(TYPE, body) == {"file": b'{"a":\r\n1}', "redirect": b"#/import"}


def test_what_comes_after_the_end_or_after_many_parts_is_nothing() -> None:
    assert form_parts(TYPE, part("a", b"1") + b"--xx--\r\n" + part("b", b"2")) == {"a": b"1"}
    many = b"".join([part(f"p{number}", b"") for number in range(100)])
    assert len(form_parts(TYPE, many + b"--xx--")) == 64


def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(BadRequest):
        form_parts("multipart/form-data", b"")
