"""The page about MQTT and STOMP: the same figures beside two rivals."""

from statistics import median
from typing import Final

from bench.brokers import LEVERET, MOSQUITTO, RABBITMQ, peers
from bench.measure import MQTT_CONNECTIONS, WARMUP_S
from bench.report import Rounds, megabytes, middle, ratios, table, values
from bench.scenarios import MQTT, MQTT_IDLE, OTHERS, STOMP, Scenario

_INTRODUCTION: Final = """\
# Benchmarks of MQTT and STOMP

Leveret beside RabbitMQ with its plugins and, for MQTT, beside mosquitto, both from Debian with
their default configurations, on one machine, in one sitting.
`make bench ARGS="--only 'mqtt*' --only 'stomp*'"` repeats it and writes this page. How it is
measured stands in [Benchmarks](benchmarks.md): fresh processes, {rounds} rounds in which the
brokers take turns, {seconds:g} s after {warmup} s that do not count, medians. The load comes from
`leveret perf mqtt` and `leveret perf stomp`, which share no protocol code with the broker. Bodies
have 16 octets; MQTT is 3.1.1, STOMP 1.2.

MQTT has no confirms at QoS 0, and STOMP none unless they are asked for. A publisher that sends all
it can would measure how a broker drowns, so each load is held back while a certain number of
messages is under way (`--under-way`), which is about what suits RabbitMQ and mosquitto best.
"""


def protocol_rates(rounds: Rounds, protocol: str) -> str:
    """The rates and their ratios to each rival."""
    brokers = peers(protocol)
    rows = []
    for each in OTHERS:
        if each.protocol == protocol and ratios(rounds, each):
            shown = [f"{middle(rounds, each.name, one, 'rate'):,.0f}" for one in brokers]
            rows.append([each.title, *shown, *(ratio(rounds, each, one) for one in brokers[:-1])])
    heads = ["messages/s received", *brokers, *[f"beside {one}" for one in brokers[:-1]]]
    return table(heads, rows) if rows else ""


def ratio(rounds: Rounds, scenario: Scenario, rival: str) -> str:
    """The ratio to a rival, with the lowest, the highest and the goal."""
    found = ratios(rounds, scenario, rival)
    if not found:
        return ""
    goal = scenario.goal if rival == RABBITMQ else scenario.mosquitto_goal
    wanted = f", goal {goal:g}" if goal else ""
    return f"**{median(found):.1f}** ({min(found):.1f} - {max(found):.1f}{wanted})"


def protocol_costs(rounds: Rounds, protocol: str) -> str:
    """The processor time that a million messages took."""
    brokers = peers(protocol)
    rows = []
    for each in OTHERS:
        if each.protocol == protocol and values(rounds, each.name, LEVERET, "rate"):
            figure = "broker_cpu_s_per_million"
            shown = [f"{middle(rounds, each.name, one, figure):.2f}" for one in brokers]
            rows.append([each.title, *shown])
    return table(["CPU s per million received", *brokers], rows) if rows else ""


def idle_clients(rounds: Rounds) -> str:
    """Memory with clients that do nothing."""
    brokers = (RABBITMQ, MOSQUITTO, LEVERET)
    rows = []
    for title, figure in (
        ("resident memory, idle", "idle_octets"),
        (f"... with {MQTT_CONNECTIONS:,} MQTT connections", "connected_octets"),
        ("... KB for each of them", "octets_per_connection"),
    ):
        each = [middle(rounds, MQTT_IDLE, broker, figure) for broker in brokers]
        if any(each):
            is_small = figure == "octets_per_connection"
            shown = [f"{one / 1e3:,.1f}" if is_small else megabytes(one) for one in each]
            rows.append([title, *shown])
    return table(["", *brokers], rows) if rows else ""


def others_page(rounds: Rounds, facts: dict[str, str], count: int, seconds: float) -> str:
    """The whole of docs/benchmarks-mqtt-stomp.md."""
    parts = [_INTRODUCTION.format(rounds=count, seconds=seconds, warmup=WARMUP_S)]
    sections = [
        ("MQTT", protocol_rates(rounds, MQTT)),
        ("STOMP", protocol_rates(rounds, STOMP)),
        ("What MQTT costs the machine", protocol_costs(rounds, MQTT)),
        ("What STOMP costs the machine", protocol_costs(rounds, STOMP)),
        ("Clients that do nothing", idle_clients(rounds)),
        ("The machine and the versions", table(["", ""], [[k, v] for k, v in facts.items()])),
    ]
    parts += [f"## {title}\n\n{text}" for title, text in sections if text]
    return "\n".join(parts)
