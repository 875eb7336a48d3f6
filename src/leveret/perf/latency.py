"""A histogram of times in bounded memory, whatever their number and range.

A value falls into the bucket of its leading eight bits, so every bucket is narrower than 1 % of its
values: 256 buckets hold 0..255 ns exactly, then each doubling takes 128 more, up to hours.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

_EXACT: Final = 256
_HALF: Final = 128
_DOUBLINGS: Final = 37  # 256 ns * 2**37: about ten hours
_BUCKETS: Final = _EXACT + _DOUBLINGS * _HALF


def bucket_of(value: i64) -> i64:
    """The index of the bucket for ``value`` >= 0; what is too large falls into the last one."""
    shift: i64 = 0
    while value >= _EXACT:
        value >>= 1
        shift += 1
    index = shift * _HALF + value
    return index if index < _BUCKETS else _BUCKETS - 1


def top_of(index: i64) -> i64:
    """The largest value that falls into the bucket ``index``."""
    if index < _EXACT:
        return index
    shift = (index - _HALF) // _HALF
    return (((index - shift * _HALF) + 1) << shift) - 1


@final
class Histogram:
    """Counts of times in nanoseconds.  ``count`` is always the sum of all buckets."""

    def __init__(self) -> None:
        self._buckets = vec[i64]([0] * _BUCKETS)
        self.count: i64 = 0
        self.total_ns = 0
        self.max_ns: i64 = 0

    def record(self, value: i64, times: i64) -> None:
        """Note ``value`` nanoseconds ``times`` times.  Negative ones are dropped."""
        if value < 0:
            return
        self._buckets[bucket_of(value)] += times
        self.count += times
        self.total_ns += int(value) * int(times)
        if value > self.max_ns:
            self.max_ns = value

    def take_from(self, other: "Histogram") -> None:
        """Add ``other``'s counts to these and empty it."""
        if other.count == 0:
            return
        for index in range(_BUCKETS):
            self._buckets[index] += other._buckets[index]
        self.count += other.count
        self.total_ns += other.total_ns
        self.max_ns = max(self.max_ns, other.max_ns)
        other.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._buckets = vec[i64]([0] * _BUCKETS)
        self.count = 0
        self.total_ns = 0
        self.max_ns = 0

    def percentile(self, percent: float) -> int:
        """The time in nanoseconds that ``percent`` of all did not exceed; 0 when there are none."""
        wanted = float(self.count) * percent / 100.0
        seen: i64 = 0
        for index in range(_BUCKETS):
            seen += self._buckets[index]
            if seen and float(seen) >= wanted:
                return int(min(top_of(index), self.max_ns))
        return int(self.max_ns)

    def mean_ns(self) -> int:
        """The mean in nanoseconds; 0 when there are none."""
        return self.total_ns // int(self.count) if self.count else 0
