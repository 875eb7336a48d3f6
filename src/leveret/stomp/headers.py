"""The text of a frame: command and headers out of a block, and headers into octets.

In STOMP 1.1 and 1.2 a backslash begins an escape: ``\\n``, ``\\c`` for a colon, ``\\\\``, and
``\\r``, which is 1.2's; RabbitMQ has it in both.  1.0 knows none, so a backslash stands for itself;
only what would break the frame is escaped there.  Octets that are no UTF-8 are surrogates in the
strings.

Source: STOMP 1.2, "Value Encoding", "Repeated Header Entries".
Differs from RabbitMQ: it escapes in 1.0, too.
"""

from typing import Final, final

from leveret.stomp.faults import StompFault

V1_0: Final = 10
V1_1: Final = 11
V1_2: Final = 12

MAX_HEADERS: Final = 500
_ESCAPES: Final = {"n": "\n", "c": ":", "\\": "\\", "r": "\r"}
_TRUTHS: Final = {"true": True, "True": True, "false": False, "False": False}
_MALFORMED: Final = "Malformed frame"
# More digits than any number has that means something here.
_MOST_DIGITS: Final = 20


@final
class Frame:
    """What a client sent.  Of headers with the same name the first counts."""

    def __init__(self, command: str, headers: dict[str, str]) -> None:
        self.command: Final = command
        self.headers: Final = headers

    def text(self, name: str, default: str = "") -> str:
        """The header ``name``."""
        return self.headers.get(name, default)

    def flag(self, name: str) -> bool | None:
        """The header ``name`` as true or false, None without it.  Raises StompFault."""
        value = self.headers.get(name)
        if value is None:
            return None
        known = _TRUTHS.get(value)
        if known is None:
            raise StompFault("Processing error", f"the header '{name}' is neither true nor false")
        return known

    def number(self, name: str) -> int | None:
        """The header ``name`` as an integer, None without it.  Raises StompFault."""
        value = self.headers.get(name)
        return None if value is None else number_of(name, value)


def number_of(name: str, value: str) -> int:
    """The integer that the header ``name`` has, blanks around it or not.  Raises StompFault."""
    digits = value.strip()
    if len(digits) > _MOST_DIGITS or not digits.removeprefix("-").isdecimal():
        raise StompFault("Processing error", f"the header '{name}' is not an integer")
    return int(digits)


def read_frame(block: bytes, version: int) -> Frame:
    """The command and headers that ``block`` has.  Raises StompFault.

    Before the version is agreed on, which is ``version`` 0, what is no escape stands for itself:
    passwords were not escaped by all who send CONNECT.
    """
    text = block.decode("utf-8", "surrogateescape")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            raise StompFault(_MALFORMED, "a carriage return that is not at the end of a line")
    lines = text.split("\n")
    if len(lines) > MAX_HEADERS + 3:
        raise StompFault(_MALFORMED, f"a frame has more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for index in range(1, len(lines) - 2):
        line = lines[index]
        name, colon, value = line.partition(":")
        if not colon:
            raise StompFault(_MALFORMED, f"the header '{name[:100]}' has no colon")
        if version == V1_0:
            # Many clients of old put a blank behind the colon.
            value = value.lstrip(" ")
        elif "\\" in line:
            name = unescaped(name, version == 0)
            value = unescaped(value, version == 0)
        if name not in headers:
            headers[name] = value
    return Frame(lines[0], headers)


def unescaped(text: str, is_lenient: bool) -> str:
    """``text`` without its escapes.  Raises StompFault for one that means nothing."""
    at = text.find("\\")
    if at < 0:
        return text
    parts: list[str] = []
    begin = 0
    while at >= 0:
        parts.append(text[begin:at])
        code = text[at + 1 : at + 2]
        meant = _ESCAPES.get(code)
        if meant is None:
            if not is_lenient:
                raise StompFault(_MALFORMED, f"'\\{code}' in a header means nothing")
            meant = "\\" + code
        parts.append(meant)
        begin = at + 2
        at = text.find("\\", begin)
    parts.append(text[begin:])
    return "".join(parts)


def escaped(text: str, version: int) -> str:
    """A header's value as it is sent."""
    if "\\" in text and version != V1_0:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if ":" in text and version != V1_0:
        text = text.replace(":", "\\c")
    return text


def header_line(name: str, value: str, version: int) -> str:
    """One header as it is sent."""
    shown = escaped(name, version)
    if ":" in shown:
        # Only in 1.0, where it would end the name.
        shown = shown.replace(":", "\\c")
    return f"{shown}:{escaped(value, version)}\n"


def frame_octets(command: str, headers: dict[str, str], body: str, version: int) -> bytes:
    """A whole frame, with the LF behind it that RabbitMQ sends."""
    lines = [header_line(name, value, version) for name, value in headers.items()]
    octets = body.encode("utf-8", "surrogateescape")
    if octets:
        lines.append(f"content-length:{len(octets)}\n")
    text = "".join([command, "\n", *lines, "\n"])
    return text.encode("utf-8", "surrogateescape") + octets + b"\0\n"
