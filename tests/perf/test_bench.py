"""bench: what the page says of figures that are known."""

import os

import pytest
from bench.brokers import LEVERET, MOSQUITTO, RABBITMQ, peers
from bench.others import others_page
from bench.processes import cpu_seconds, family, resident_octets
from bench.report import Rounds, page, ratios, verdict
from bench.scenarios import MQTT_IDLE, NAMES, OTHERS, SCENARIOS, chosen


def figures(rate: float, p99: float) -> dict[str, float]:
    return {"rate": rate, "latency_p99_us": p99, "broker_cpu_s_per_million": 1, "after_octets": 5e6}


@pytest.fixture
def rounds() -> Rounds:
    made: Rounds = {}
    for each in SCENARIOS:
        made[(each.name, RABBITMQ)] = [figures(100, 9000), figures(200, 9000), figures(100, 9000)]
        made[(each.name, LEVERET)] = [figures(800, 3000), figures(800, 1000), figures(500, 3000)]
    return made


def test_a_ratio_is_that_of_a_round(rounds: Rounds) -> None:
    assert ratios(rounds, SCENARIOS[0]) == [8, 4, 5]


def test_lateness_is_better_when_it_is_less(rounds: Rounds) -> None:
    assert ratios(rounds, SCENARIOS[-1]) == [3, 9, 3]


def test_the_page_shows_medians(rounds: Rounds) -> None:
    text = page(rounds, {"Processor": "a fast one"}, 3, 6, 1000)
    title = SCENARIOS[0].title
    assert f"| {title} | 100 | 800 | **5.0** (4.0 - 8.0) | 6 |" in text
    assert "| Processor | a fast one |" in text
    assert "## Footprint" not in text


def test_mqtt_and_stomp_have_a_page_of_their_own(rounds: Rounds) -> None:
    for each in OTHERS:
        for broker, rate in ((RABBITMQ, 100), (MOSQUITTO, 500), (LEVERET, 1000)):
            if broker in peers(each.protocol):
                rounds[each.name, broker] = [figures(rate, 9)] * 3
    for broker in (RABBITMQ, MOSQUITTO, LEVERET):
        rounds[MQTT_IDLE, broker] = [
            {"idle_octets": 1e6, "connected_octets": 3e6, "octets_per_connection": 1500}
        ]
    text = others_page(rounds, {"Processor": "a fast one"}, 3, 6)
    title = "| QoS 0, 1 publisher, 100 subscribers (deliveries) | 100 | 500 | 1,000 "
    assert title + "| **10.0** (10.0 - 10.0, goal 3) | **2.0** (2.0 - 2.0, goal 1) |" in text
    assert "ack:auto | 100 | 1,000 | **10.0** (10.0 - 10.0, goal 4) |" in text
    assert "| ... KB for each of them | 1.5 | 1.5 | 1.5 |" in text
    assert OTHERS[0].title not in page(rounds, {}, 3, 6, 1000)
    assert "mqtt-0-100          2.00 beside mosquitto  goal 1 reached" in verdict(rounds)


def test_the_terminal_is_told_what_was_missed(rounds: Rounds) -> None:
    assert "goal 6 MISSED" in verdict(rounds)
    assert "goal 4 reached" in verdict(rounds)


def test_scenarios_are_chosen_by_name() -> None:
    assert [each.name for each in chosen(["64k", "latency"])] == ["64k", "latency"]
    assert [each.name for each in chosen(["stomp-[ac]*"])] == ["stomp-auto", "stomp-client"]
    assert len(chosen([])) == 23 == len(NAMES) - 2


def test_the_kernel_is_asked_about_a_process_and_its_children() -> None:
    assert os.getpid() in family(os.getppid())
    assert cpu_seconds(os.getpid()) > 0
    assert resident_octets(os.getpid()) > 1_000_000
