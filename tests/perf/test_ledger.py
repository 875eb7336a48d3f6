"""leveret.perf.ledger"""

from hypothesis import given
from hypothesis import strategies as st

from leveret.perf.batches import NUMBER_BITS, filler
from leveret.perf.ledger import Ledger, Stream, Verdict


def body(stream: int, number: int, size: int = 32) -> bytes:
    return bytes(8) + (stream << NUMBER_BITS | number).to_bytes(8, "big") + filler(size)[16:]


def verdict_of(numbers: list[int], sent: int | None, ordered: bool = True) -> Verdict:
    ledger = Ledger(32)
    for number in numbers:
        octets = b"x" + body(0, number)
        ledger.check(octets, 1, len(octets))
    verdict = Verdict()
    verdict.add(ledger, None if sent is None else {0: sent}, ordered)
    return verdict


@given(st.lists(st.integers(0, 20)))
def test_the_books_are_those_of_a_set(numbers: list[int]) -> None:
    stream = Stream()
    for number in numbers:
        stream.note(number)
    assert stream.missing(21) == 21 - len(set(numbers))
    assert stream.duplicates == len(numbers) - len(set(numbers))


@given(st.permutations(range(8)))
def test_memory_is_only_for_what_is_out_of_order(numbers: list[int]) -> None:
    stream = Stream()
    for number in numbers:
        stream.note(number)
    assert not stream.ahead
    assert (stream.reordered == 0) == (numbers == list(range(8)))


def test_all_is_fine_when_all_came_once() -> None:
    assert verdict_of([0, 1, 2], 3).is_fine


def test_the_last_one_is_missed() -> None:
    assert verdict_of([0, 1], 3).lost == 1


def test_a_gap_is_missed_even_when_nobody_knows_how_many_were_sent() -> None:
    assert verdict_of([0, 2, 3], None).lost == 1


def test_a_stream_that_never_came_is_missed() -> None:
    assert verdict_of([], 5).lost == 5


def test_twice_is_once_too_often() -> None:
    assert verdict_of([0, 1, 1], 2).duplicated == 1


def test_order_counts_only_where_one_consumer_reads() -> None:
    assert verdict_of([1, 0], 2).reordered == 1
    assert verdict_of([1, 0], 2, ordered=False).is_fine


def test_a_changed_octet_and_a_missing_one_are_corrupt() -> None:
    ledger = Ledger(32)
    good = body(0, 0)
    for bad in (good[:-1] + b"?", good[:-1], good + b"?", b""):
        ledger.check(bad, 0, len(bad))
    assert ledger.corrupt == 4


def test_a_message_of_a_stranger_is_corrupt() -> None:
    ledger = Ledger(32)
    octets = body(7, 0)
    ledger.check(octets, 0, len(octets))
    verdict = Verdict()
    verdict.add(ledger, {0: 0}, True)
    assert verdict.corrupt == 1
