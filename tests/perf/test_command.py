"""leveret.cli.perf"""

import msgspec
import pika
import pytest
from click.testing import CliRunner

from leveret import Broker
from leveret.cli.perf import perf


def test_a_run_prints_a_table(broker: Broker) -> None:
    outcome = CliRunner().invoke(perf, ["amqp", "--url", broker.url, "-m", "100", "--verify"])
    assert outcome.exit_code == 0
    assert "received" in outcome.stdout
    assert "verified: 100 bodies; lost 0" in outcome.stdout


def test_json_is_all_that_goes_to_standard_output(broker: Broker) -> None:
    outcome = CliRunner().invoke(perf, ["amqp", "--url", broker.url, "-m", "100", "--json"])
    assert msgspec.json.decode(outcome.stdout)["received"] == 100


def test_no_broker_is_one() -> None:
    outcome = CliRunner().invoke(perf, ["amqp", "--url", "amqp://127.0.0.1:1"])
    assert outcome.exit_code == 1
    assert "cannot reach a broker at 127.0.0.1:1" in outcome.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--url", "nonsense"],
        ["--verify", "-s", "8"],
        ["--argument", "x"],
        ["--pattern", "zigzag"],
        ["-x", "-1"],
        ["-x", "many"],
        ["-q", "65536"],
        ["-n", "0"],
        ["--nonsense"],
    ],
    ids=str,
)
def test_bad_options_are_two(options: list[str]) -> None:
    assert CliRunner().invoke(perf, ["amqp", *options]).exit_code == 2


def test_lost_messages_are_three(broker: Broker) -> None:
    fill = ["amqp", "--url", broker.url, "--queue", "q", "-y", "0", "-m", "5", "-c", "1"]
    assert CliRunner().invoke(perf, fill).exit_code == 0
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as thief:
        thief.channel().basic_get("q", auto_ack=True)
    drain = ["amqp", "--url", broker.url, "--queue", "q", "-x", "0", "-m", "4", "--verify"]
    outcome = CliRunner().invoke(perf, drain)
    assert outcome.exit_code == 3
    assert "VERIFICATION FAILED: 4 bodies; lost 1" in outcome.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["mqtt", "--qos", "3"], "--qos"),
        (["mqtt", "-V", "4"], "3.1.1"),
        (["mqtt", "--topic", "a/#"], "wildcards"),
        (["mqtt", "--url", "amqp://h"], "mqtt://"),
        (["mqtt", "--consumers", "1"], "--consumers"),
        (["stomp", "--ack", "never"], "client-individual"),
        (["stomp", "-a", "5"], "--ack client"),
        (["stomp", "--url", "http://h"], "stomp://"),
        (["amqq"], "Did you mean amqp"),
    ],
    ids=str,
)
def test_bad_options_are_named(options: list[str], words: str) -> None:
    outcome = CliRunner().invoke(perf, options)
    assert outcome.exit_code == 2
    assert words in outcome.stderr


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("mqtt", ["-V", "5", "-Q", "1", "--subscribe-qos", "2", "-y", "2", "-c", "10"]),
        ("mqtt", ["-w", "10", "--no-latency"]),
        ("stomp", ["-V", "1.1", "-A", "client", "-a", "5", "-q", "10", "-c", "10"]),
        ("stomp", ["--topic", "-y", "2", "--no-latency"]),
    ],
)
def test_other_protocols_are_measured_too(protocol: str, options: list[str]) -> None:
    with Broker(mqtt=True, stomp=True) as broker:
        url = broker.mqtt_url if protocol == "mqtt" else broker.stomp_url
        command = [protocol, "--url", url, "-m", "100", "--json", *options]
        outcome = CliRunner().invoke(perf, command)
    assert outcome.exit_code == 0, outcome.stderr
    tree = msgspec.json.decode(outcome.stdout)
    assert tree["received"] == (200 if "-y" in options else 100)


@pytest.mark.parametrize("protocol", ["amqp", "mqtt", "stomp"])
def test_the_help_fits_a_screen_and_names_the_defaults(protocol: str) -> None:
    text = CliRunner().invoke(perf, [protocol, "--help"], terminal_width=100).stdout
    assert len(text.splitlines()) < 55
    assert "[16]" in text
