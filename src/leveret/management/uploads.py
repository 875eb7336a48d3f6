"""Files that browsers send: the parts of a form, as multipart/form-data.

Source: RFC 7578.  Control plane.
"""

from email.message import Message
from typing import Final

from leveret.management.api import BadRequest

_FORM: Final = "multipart/form-data"
_MOST_PARTS: Final = 64


def is_form(content_type: str) -> bool:
    """Whether a body of this type has parts."""
    return content_type.partition(";")[0].strip().lower() == _FORM


def form_parts(content_type: str, body: bytes) -> dict[str, bytes]:
    """The parts of a form by name.  Raises BadRequest."""
    boundary = _parameter(content_type, "boundary")
    if not boundary:
        raise BadRequest("the form has no boundary")
    parts: dict[str, bytes] = {}
    mark = b"\r\n--" + boundary.encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(mark, _MOST_PARTS + 1)
    for piece in pieces[1 : _MOST_PARTS + 1]:
        if piece.startswith(b"--"):
            break
        head, _, content = piece.partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip().lower() == "content-disposition":
                parts.setdefault(_parameter(value, "name"), content)
    return parts


def _parameter(value: str, name: str) -> str:
    """The parameter ``name`` of a header's value; empty when there is none."""
    message = Message()
    message["content-type"] = value.replace("\r", "").replace("\n", "")
    found = message.get_param(name)
    return found if isinstance(found, str) else ""
