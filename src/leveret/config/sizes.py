"""Sizes and times as people write them: ``64MB``, ``1GiB``, ``30s``, ``1h``."""

import re
from typing import Final

_SIZE: Final = re.compile(r"(\d{1,18})\s*(?:([kmgtp])(i|b|ib)?)?", re.IGNORECASE)
_POWERS: Final = "kmgtp"

_TIME: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*(ms|s|min|m|h|d)")
_MILLISECONDS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}


def read_size(text: str) -> int:
    """Octets.  ``k``, ``Ki``, ``KiB``, ``M``, … are powers of 1024, ``KB``, ``MB``, … of 1000.

    Capitals make no difference.  Raises ValueError.  Behaviour: RabbitMQ's "information units".
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError
    number, power, ending = found.groups()
    if power is None:
        return int(number)
    step = 1000 if ending is not None and ending.lower() == "b" else 1024
    return int(number) * int(step ** (_POWERS.index(power.lower()) + 1))


def size_text(octets: int) -> str:
    """As people say it: ``1.3 GB``; in powers of 1000."""
    size = float(octets)
    for unit in ("octets", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "octets" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def read_time_ms(text: str) -> int:
    """Milliseconds, of a number with its unit: ``250ms``, ``30s``, ``5min`` or ``5m``, ``1h``,
    ``2d``.  Raises ValueError, also for what is not whole milliseconds.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError
    number, unit = found.groups()
    milliseconds = float(number) * _MILLISECONDS[unit]
    if milliseconds != int(milliseconds):
        raise ValueError
    return int(milliseconds)
