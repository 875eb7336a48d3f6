"""leveret.perf.latency"""

from hypothesis import given
from hypothesis import strategies as st

from leveret.perf.latency import Histogram, bucket_of, top_of

times = st.integers(0, 10**13)


@given(times)
def test_a_bucket_is_narrower_than_one_percent(value: int) -> None:
    top = top_of(bucket_of(value))
    assert value <= top <= value + value / 100


@given(times)
def test_buckets_ascend(value: int) -> None:
    assert bucket_of(value) <= bucket_of(value + 1)
    assert bucket_of(top_of(bucket_of(value)) + 1) == bucket_of(value) + 1


@given(st.lists(times, min_size=1), st.sampled_from([0.0, 50.0, 95.0, 99.0, 99.9, 100.0]))
def test_a_percentile_is_that_of_the_sorted_list(values: list[int], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.record(value, 1)
    values.sort()
    exact = values[max(0, -(-len(values) * percent // 100).__trunc__() - 1)]
    assert exact <= histogram.percentile(percent) <= exact * 1.01
    assert histogram.max_ns == values[-1]
    assert histogram.mean_ns() == sum(values) // len(values)


def test_an_empty_one_has_nothing_to_say() -> None:
    histogram = Histogram()
    assert (histogram.count, histogram.percentile(99), histogram.mean_ns()) == (0, 0, 0)


def test_many_at_once_count_as_often() -> None:
    histogram = Histogram()
    histogram.record(10, 99)
    histogram.record(20, 1)
    assert (histogram.count, histogram.percentile(99), histogram.percentile(99.9)) == (100, 10, 20)


def test_a_negative_time_is_not_one() -> None:
    histogram = Histogram()
    histogram.record(-1, 5)
    assert histogram.count == 0


def test_what_is_taken_over_is_gone_from_the_other() -> None:
    total, part = Histogram(), Histogram()
    total.record(5, 1)
    part.record(200, 3)
    total.take_from(part)
    assert (total.count, total.max_ns, part.count, part.max_ns) == (4, 200, 0, 0)
    assert total.percentile(50) == 200


def test_a_time_past_all_reason_falls_into_the_last_bucket() -> None:
    histogram = Histogram()
    histogram.record(1 << 62, 1)
    assert histogram.percentile(50) > 3600 * 10**9
