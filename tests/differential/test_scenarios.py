"""Every scenario leaves the same trace on Leveret as on RabbitMQ, but for what known.py names."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import pytest
from tests.differential.known import KNOWN
from tests.differential.runner import Place, Verdict, compare, discover

SCENARIOS: Final = discover()

# RabbitMQ waits three seconds before it cuts the line of who does not know how to shake hands.
# These are about nothing else, so that they can wait side by side.
CUT_OFF: Final = (
    "close_during_the_handshake",
    "login_amqplain_malformed",
    "login_plain_malformed",
    "login_unknown_mechanism",
    "login_wrong_password_without_the_capability",
    "open_before_start_ok",
    "open_before_tune_ok",
    "start_ok_malformed",
    "start_ok_on_a_channel",
    "start_ok_too_large",
    "start_ok_twice",
    "tune_channel_max",
    "tune_frame_max_too_high",
    "tune_frame_max_too_low",
)


@pytest.fixture(scope="module")
def cut_off(rabbitmq_place: Place, leveret_place: Place) -> Iterator[dict[str, Future[Verdict]]]:
    """What came of the scenarios that are played side by side."""
    with ThreadPoolExecutor(len(CUT_OFF)) as side_by_side:
        yield {
            name: side_by_side.submit(compare, SCENARIOS[name], name, rabbitmq_place, leveret_place)
            for name in CUT_OFF
        }


@pytest.mark.oracle
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in CUT_OFF])
def test_leveret_does_what_rabbitmq_does(
    name: str, rabbitmq_place: Place, leveret_place: Place
) -> None:
    verdict = compare(SCENARIOS[name], name, rabbitmq_place, leveret_place)
    assert verdict.agrees, verdict.explain()


@pytest.mark.oracle
@pytest.mark.parametrize("name", CUT_OFF)
def test_leveret_cuts_off_whom_rabbitmq_cuts_off(
    name: str, cut_off: dict[str, Future[Verdict]]
) -> None:
    verdict = cut_off[name].result()
    assert verdict.agrees, verdict.explain()


def test_every_known_difference_belongs_to_a_scenario() -> None:
    assert {known.scenario for known in KNOWN} <= {*SCENARIOS, "*"}
