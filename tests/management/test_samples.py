"""leveret.management.samples"""

import pytest

from leveret.management.api import BadRequest
from leveret.management.samples import (
    BASIC,
    BRIEF,
    GLOBAL,
    TICK_MS,
    Ring,
    Series,
    Span,
    Spans,
    merged,
    read_spans,
)

# A full step of every resolution.
ZERO = 1_800_000 * 1000


def tick(number: int) -> int:
    return ZERO + number * TICK_MS


def test_a_rate_is_that_of_the_last_five_seconds() -> None:
    series = Series()
    for number, value in enumerate([0, 10, 35]):
        series.add(tick(number), (value, 2 * value))
    assert (series.rate(0), series.rate(1)) == (5.0, 10.0)


def test_what_rests_has_no_rate_and_takes_no_room() -> None:
    series = Series()
    for number in range(1000):
        series.add(tick(number), (7,))
    ring = series._rings[0]
    assert (series.rate(0), len(ring.rows)) == (0.0, 1)
    assert series.changed_ms == tick(0)


def test_a_length_may_fall() -> None:
    series = Series()
    series.add(tick(0), (10,))
    series.add(tick(1), (4,))
    assert series.rate(0) == -1.2


def test_the_beginning_is_no_event() -> None:
    series = Series()
    series.add(tick(0), (1_000_000,))
    assert series.details(0, Span(10, 5)) == {
        "rate": 0.0,
        "samples": [{"sample": 1_000_000, "timestamp": tick(n)} for n in (0, -1, -2)],
        "avg_rate": 0.0,
        "avg": 1_000_000.0,
    }


def test_samples_are_the_newest_first_with_their_averages() -> None:
    series = Series()
    for number, value in enumerate([0, 10, 30]):
        series.add(tick(number), (value,))
    assert series.details(0, Span(10, 5)) == {
        "rate": 4.0,
        "samples": [
            {"sample": 30, "timestamp": tick(2)},
            {"sample": 10, "timestamp": tick(1)},
            {"sample": 0, "timestamp": tick(0)},
        ],
        "avg_rate": 3.0,
        "avg": 40 / 3,
    }


def test_without_a_span_there_is_only_the_rate() -> None:
    series = Series()
    series.add(tick(0), (1,))
    assert series.details(0, None) == {"rate": 0.0}


def test_a_ring_forgets_what_is_old_but_for_what_held_at_its_limit() -> None:
    ring = Ring(5, 20)
    for number in range(100):
        ring.add(tick(number), (number,))
    assert ring.times[0] == tick(95)
    assert (ring.find(tick(95)), ring.find(tick(94))) == ((95,), None)


def test_a_ring_of_a_larger_step_keeps_fewer_rows() -> None:
    ring = Ring(60, 3660)
    for number in range(2000):
        ring.add(tick(number), (number,))
    assert len(ring.rows) in (61, 62)
    assert ring.find(tick(1999)) == (1992,)


def test_a_day_takes_few_rows() -> None:
    series = Series(GLOBAL)
    for number in range(24 * 720 + 1):
        series.add(tick(number), (number,))
    assert sum(len(ring.rows) for ring in series._rings) < 300
    day = series.details(0, Span(86_400, 1800))
    samples = day["samples"]
    assert isinstance(samples, list)
    assert len(samples) == 49
    assert [samples[0]["sample"], samples[-1]["sample"]] == [17_280, 0]
    assert day["avg_rate"] == 0.2


def test_what_is_known_stays_when_more_is_to_be_kept() -> None:
    series = Series()
    for number in range(5):
        series.add(tick(number), (number,))
    series.keep(BASIC)
    for number in range(5, 100):
        series.add(tick(number), (number,))
    assert series.at(tick(3)) == (3,)
    series.keep(BRIEF)
    assert series.at(tick(3)) == (3,)


@pytest.mark.parametrize(
    ("age", "step", "policy"),
    [(60, 5, BRIEF), (600, 5, BASIC), (3600, 60, BASIC), (86400, 1800, GLOBAL)],
)
def test_a_span_says_what_must_be_remembered(
    age: int, step: int, policy: tuple[tuple[int, int], ...]
) -> None:
    assert Span(age, step).policy() == policy
    assert Spans(Span(5, 5), Span(age, step)).policy() == policy


def test_spans_are_read_from_the_query() -> None:
    spans = read_spans({"lengths_age": "60", "lengths_incr": "5", "msg_rates_age": "600"})
    assert spans.lengths is not None
    assert (spans.lengths.age_s, spans.lengths.step_s) == (60, 5)
    assert spans.rates is spans.data is spans.node is None


@pytest.mark.parametrize(
    ("age", "step"),
    [("x", "5"), ("60", "0"), ("60", "-5"), ("1e3", "5"), ("99999", "1"), ("", "5")],
)
def test_a_span_that_makes_no_sense_is_refused(age: str, step: str) -> None:
    with pytest.raises(BadRequest):
        read_spans({"data_rates_age": age, "data_rates_incr": step})


def test_several_series_add_up() -> None:
    one, other = Series(), Series()
    for number in range(4):
        one.add(tick(number), (number * 10,))
        if number > 1:
            other.add(tick(number), (number,))
    span = Span(15, 5)
    total = merged([one, None, other, Series()], Spans(span))
    assert total is not None
    details = total.details(0, span)
    assert details["rate"] == 2.2
    assert details["samples"] == [
        {"sample": value, "timestamp": tick(number)}
        for number, value in [(3, 33), (2, 22), (1, 12), (0, 2)]
    ]
    assert merged([], Spans()) is None
