"""Tables, bars and messages for people at a terminal.  Prints nothing by itself."""

import base64
import json
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_UNITS: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_PLAIN: Final = "\x1b[0m"
RIGHT: Final = ">"
LEFT: Final = "<"


def bar(value: float, most: float, size: int) -> str:
    """A bar of at most ``size`` columns, in eighths of one; what is there is never invisible."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(value * size * 8 / most))
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def short(value: float | None) -> str:
    """A number in few signs: 999, 1.2k, 34M."""
    if value is None:
        return ""
    for size, unit in _UNITS:
        if value >= size:
            few = value / size
            return f"{few:.1f}{unit}" if few < 10 else f"{few:.0f}{unit}"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def octets(size: float) -> str:
    """A size for people."""
    return f"{size:.0f} B" if size < 1000 else short(size).replace("k", " k") + "B"


def clean(text: str) -> str:
    """Without what would move the cursor or change the colours: names may hold anything."""
    return "".join([sign if is_shown(sign) else "·" for sign in text])


def clean_lines(text: str) -> str:
    """The same for a text that has lines and tabs of its own."""
    return "".join([sign if is_shown(sign) or sign in "\n\t" else "·" for sign in text])


def is_shown(sign: str) -> bool:
    """Whether a sign stands in one place and does nothing else."""
    return unicodedata.category(sign)[0] != "C"


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    signs = [sign for sign in text if not unicodedata.combining(sign)]
    return sum([2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in signs])


def fit(text: str, size: int, side: str = LEFT) -> str:
    """As wide as ``size`` columns, cut or filled."""
    if columns_of(text) > size:
        while text and columns_of(text) > size - 1:
            text = text[:-1]
        text += "…"
    filler = " " * (size - columns_of(text))
    return filler + text if side == RIGHT else text + filler


def table(
    heads: Sequence[str], sides: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> list[str]:
    """Lines in columns, as wide as they need; the first column gives way where there is no room."""
    rows = [[clean(cell) for cell in row] for row in rows]
    sizes = [max([columns_of(row[at]) for row in [list(heads), *rows]]) for at in range(len(heads))]
    over = sum(sizes) + 2 * (len(sizes) - 1) - width
    if over > 0:
        sizes[0] = max(8, sizes[0] - over)
    return [
        "  ".join(
            [fit(c, size, side) for c, size, side in zip(line, sizes, sides, strict=True)]
        ).rstrip()
        for line in [list(heads), *rows]
    ]


def bold(text: str, is_colourful: bool) -> str:
    """For what is to be seen first."""
    return f"{_BOLD}{text}{_PLAIN}" if is_colourful else text


def dim(text: str, is_colourful: bool) -> str:
    """For what is only beside it."""
    return f"{_DIM}{text}{_PLAIN}" if is_colourful else text


def payload_octets(message: dict[str, Any]) -> bytes:
    """The body of a message as the API gives it."""
    payload = message.get("payload", "")
    if message.get("payload_encoding") == "base64":
        return base64.b64decode(payload)
    return str(payload).encode()


def body_text(message: dict[str, Any]) -> str:
    """The body for people: JSON with indents, text as it is, and the beginning of all else."""
    octets_of_it = payload_octets(message)
    try:
        text = octets_of_it.decode()
    except UnicodeDecodeError:
        return hexes(octets_of_it)
    if text[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except ValueError:
            pass
    return clean_lines(text)


def hexes(data: bytes, most: int = 256) -> str:
    """Octets as numbers and signs, sixteen a line."""
    lines = [
        f"{at:06x}  {data[at : at + 16].hex(' '):47}  "
        + "".join([chr(one) if 32 <= one < 127 else "." for one in data[at : at + 16]])
        for at in range(0, min(len(data), most), 16)
    ]
    return "\n".join(lines + ([f"… {len(data)} octets"] if len(data) > most else []))


def properties_text(message: dict[str, Any]) -> str:
    """Properties and headers in one line."""
    properties = dict(message.get("properties") or {})
    headers = properties.pop("headers", None) or {}
    words = [f"{name}={plain(value)}" for name, value in properties.items()]
    words += [f"{name}: {plain(value)}" for name, value in headers.items()]
    return clean("  ".join(words))


def plain(value: object) -> str:
    """A value without quotes where it is a text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def message_text(message: dict[str, Any], first: str, is_colourful: bool) -> str:
    """A message whole: where it comes from, its properties, its body."""
    exchange = message.get("exchange") or "(default)"
    size = octets(message.get("payload_bytes", 0))
    marks = ["redelivered"] if message.get("redelivered") else []
    if message.get("truncated"):
        marks.append("cut")
    head = clean("  ".join([first, f"{exchange} → {message.get('routing_key', '')}", size, *marks]))
    lines = [bold(head.strip(), is_colourful)]
    properties = properties_text(message)
    if properties:
        lines.append(dim(properties, is_colourful))
    return "\n".join([*lines, body_text(message)])
