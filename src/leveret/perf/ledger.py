"""The books of ``--verify``: which numbers of which stream have come, once, twice or not at all.

One ledger per queue, shared by its consumers.  Memory grows only with what is out of order.
"""

from typing import Final, final

from mypy_extensions import i64

from leveret.octets import read_i64
from leveret.perf.batches import NUMBER_BITS, NUMBER_MASK, filler
from leveret.perf.settings import NUMBERED_SIZE


@final
class Stream:
    """What has come of one publisher's messages.  All numbers below ``next`` have."""

    def __init__(self) -> None:
        self.next: i64 = 0
        self.highest: i64 = -1
        self.ahead: Final[set[int]] = set()
        self.duplicates = 0
        self.reordered = 0

    def note(self, number: i64) -> None:
        """Number ``number`` has come."""
        if number == self.next and not self.ahead:
            self.next = number + 1
            self.highest = number
            return
        if number < self.next or int(number) in self.ahead:
            self.duplicates += 1
            return
        if number < self.highest:
            self.reordered += 1
        else:
            self.highest = number
        self.ahead.add(int(number))
        while int(self.next) in self.ahead:
            self.ahead.remove(int(self.next))
            self.next += 1

    def missing(self, sent: int) -> int:
        """How many of the first ``sent`` have not come."""
        return max(0, sent - int(self.next) - len(self.ahead))


@final
class Ledger:
    """The streams that one queue should see, and the bodies that are not what was sent."""

    def __init__(self, size: int) -> None:
        self.streams: Final[dict[int, Stream]] = {}
        self.corrupt = 0
        self._size: Final = size
        self._pattern: Final = filler(size)[NUMBERED_SIZE:]
        self._last_id = -1
        self._last = Stream()

    def check(self, data: bytes, start: i64, end: i64) -> None:
        """Look at the body in ``data[start:end]``."""
        if end - start != self._size or data[start + NUMBERED_SIZE : end] != self._pattern:
            self.corrupt += 1
            return
        word = read_i64(data, start + 8)
        stream_id = int(word >> NUMBER_BITS)
        if stream_id != self._last_id:
            self._last_id = stream_id
            self._last = self.streams.setdefault(stream_id, Stream())
        self._last.note(word & NUMBER_MASK)


@final
class Verdict:
    """What all ledgers of a run come to."""

    def __init__(self) -> None:
        self.lost = 0
        self.duplicated = 0
        self.corrupt = 0
        self.reordered = 0

    def add(self, ledger: Ledger, sent: dict[int, int] | None, ordered: bool) -> None:
        """Close ``ledger``: ``sent`` is what each stream should have brought, if it is known.

        ``ordered``: one consumer read the queue, so that a change of order is the broker's doing.
        """
        self.corrupt += ledger.corrupt
        for stream_id, stream in ledger.streams.items():
            self.duplicated += stream.duplicates
            if ordered:
                self.reordered += stream.reordered
            if sent is None and ordered:
                self.lost += stream.missing(int(stream.highest) + 1)
            elif sent is not None and stream_id not in sent:
                self.corrupt += int(stream.next) + len(stream.ahead)
        if sent is not None:
            for stream_id, count in sent.items():
                came = ledger.streams.get(stream_id)
                self.lost += count if came is None else came.missing(count)

    @property
    def is_fine(self) -> bool:
        """Whether every message came once, whole and in order."""
        return not (self.lost or self.duplicated or self.corrupt or self.reordered)
