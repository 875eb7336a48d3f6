"""Output cut into its frames, for WebSockets: browsers expect one frame in each message.

Reads only what the broker itself has written.
"""

from typing import Final

_LENGTH: Final = b"\ncontent-length:"
_LF: Final = 10


def split_frames(parts: list[bytes]) -> list[bytes]:
    """Each frame by itself, with the line ends behind it; what comes before the first, too."""
    stream = parts[0] if len(parts) == 1 else b"".join(parts)
    size = len(stream)
    found: list[bytes] = []
    begin = 0
    while begin < size:
        end = begin
        if stream[begin] != _LF:
            end = _end_of_frame(stream, begin)
        while end < size and stream[end] == _LF:
            end += 1
        found.append(stream[begin:end])
        begin = end
    return found


def _end_of_frame(stream: bytes, begin: int) -> int:
    """Where the frame at ``begin`` is over: behind its NUL."""
    body = stream.find(b"\n\n", begin) + 2
    if body < 2:
        return len(stream)
    at = stream.find(_LENGTH, begin, body)
    if at >= 0:
        at += len(_LENGTH)
        body += int(stream[at : stream.find(b"\n", at)])
    nul = stream.find(b"\0", body)
    return nul + 1 if nul >= 0 else len(stream)
