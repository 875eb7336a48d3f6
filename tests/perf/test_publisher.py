"""leveret.perf.publisher"""

from hypothesis import given
from hypothesis import strategies as st

from leveret.perf.meter import Meter
from leveret.perf.publisher import Confirms
from leveret.ports import Clock


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=40))
def test_answers_add_up_in_any_order(answers: list[tuple[int, bool]]) -> None:
    confirms = Confirms(Meter(), Clock())
    answered: set[int] = set()
    for tag, multiple in answers:
        if not multiple and tag in answered:
            continue  # no broker answers twice
        confirms.answer(tag, multiple)
        answered |= set(range(1, tag + 1)) if multiple else {tag}
        assert confirms.answered == len(answered)
        assert all(number in answered for number in range(1, int(confirms.low) + 1))
        assert int(confirms.low) + 1 not in answered


def test_a_batch_takes_until_its_last_message_is_answered() -> None:
    meter = Meter()
    confirms = Confirms(meter, Clock())
    confirms.expect(5)
    confirms.expect(9)
    confirms.answer(4, True)
    confirms.note_times()
    assert meter.confirm_latency.count == 0
    confirms.answer(5, False)
    confirms.note_times()
    assert meter.confirm_latency.count == 1
    confirms.answer(9, True)
    confirms.note_times()
    assert meter.confirm_latency.count == 2
