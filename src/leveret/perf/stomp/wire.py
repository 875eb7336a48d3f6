"""STOMP as a load generator needs it: frames of a client, and the four that it reads.

::

    SEND                    a command
    destination:/queue/a    headers
    content-length:5
                            an empty line
    hello^@                 the body, a NUL, maybe ends of lines

Shares nothing with the broker's own codec, so that a fault there cannot hide behind a twin here.
Source: STOMP 1.2.
"""

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

CONNECTED: Final = 1
RECEIPT: Final = 2
MESSAGE: Final = 3
ERROR: Final = 4
UNKNOWN: Final = 0

GOODBYE: Final = "goodbye"
READY: Final = "ready"
DIGITS: Final = 10  # of a number in a receipt header
_NEWLINE: Final = 10
_RETURN: Final = 13
_ZERO: Final = 48
_NINE: Final = 57
_COMMANDS: Final[dict[bytes, int]] = {
    b"CONNECTED": CONNECTED,
    b"RECEIPT": RECEIPT,
    b"MESSAGE": MESSAGE,
    b"ERROR": ERROR,
}


def frame(command: str, headers: list[tuple[str, str]]) -> bytes:
    """One whole frame without a body; headers with empty values are left out."""
    lines = [f"{name}:{value}\n" for name, value in headers if value]
    return f"{command}\n{''.join(lines)}\n\0".encode()


def escaped(text: str) -> str:
    """``text`` as the value of a header in any frame but those that connect."""
    for plain, written in (("\\", "\\\\"), ("\n", "\\n"), (":", "\\c"), ("\r", "\\r")):
        text = text.replace(plain, written)
    return text


def send_start(destination: str, size: int, more: list[tuple[str, str]]) -> bytes:
    """A SEND up to where its last header, or the empty line before its body, comes."""
    headers = [("destination", destination), *more, ("content-length", str(size))]
    lines = [f"{name}:{value}\n" for name, value in headers if value]
    return f"SEND\n{''.join(lines)}".encode()


def write_number(out: BytesWriter, number: i64) -> None:
    """Append ``number`` in DIGITS decimal digits."""
    divisor: i64 = 1_000_000_000
    for _ in range(DIGITS):
        out.append(int(_ZERO + number // divisor % 10))
        divisor //= 10


def read_number(data: bytes, at: i64) -> i64:
    """The decimal number at ``at``, however long; -1 when there is none or it is huge."""
    number: i64 = 0
    start = at
    length = i64(len(data))
    while at < length and _ZERO <= data[at] <= _NINE:
        number = number * 10 + data[at] - _ZERO
        at += 1
    return number if 0 < at - start < 16 else -1


def skip_line_ends(data: bytes, at: i64) -> i64:
    """The position of the first octet from ``at`` on that ends no line: heartbeats are such."""
    length = i64(len(data))
    while at < length and (data[at] == _NEWLINE or data[at] == _RETURN):
        at += 1
    return at


def find_body(data: bytes, at: i64) -> i64:
    """Where the body of the frame at ``at`` begins; 0 when the headers are not all here."""
    end = i64(data.find(b"\n\n", at))
    if end >= 0:
        return end + 2
    end = i64(data.find(b"\n\r\n", at))
    return end + 3 if end >= 0 else 0


def find_end(data: bytes, at: i64, body: i64) -> tuple[i64, i64]:
    """Where the body that begins at ``body`` ends, and how many octets the frame has.

    The first is 0 when the frame is not all here, the second when nobody knows yet.
    """
    found = i64(data.find(b"\ncontent-length:", at, body))
    if found < 0:
        end = i64(data.find(b"\0", body))
        return (end, end + 1 - at) if end >= 0 else (0, 0)
    size = read_number(data, found + 16)
    if size < 0:
        return 0, 0
    end = body + size
    return (end if end < len(data) else 0), end + 1 - at


def command_of(data: bytes, at: i64) -> int:
    """Which of the four the frame at ``at`` is."""
    end = i64(data.find(b"\n", at, at + 12))
    return _COMMANDS.get(data[at:end].rstrip(b"\r"), UNKNOWN) if end >= 0 else UNKNOWN


def header(head: bytes, name: str) -> str:
    """The header ``name`` of a frame's head as it was sent, still escaped; empty when absent."""
    start = head.find(f"\n{name}:".encode())
    if start < 0:
        return ""
    start += len(name) + 2
    return head[start : head.find(b"\n", start)].rstrip(b"\r").decode("utf-8", "replace")
