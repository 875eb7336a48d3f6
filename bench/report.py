"""What the benchmark writes: medians and ratios as a page of Markdown."""

from statistics import median
from typing import Final

from bench.brokers import BOTH, LEVERET, MOSQUITTO, RABBITMQ
from bench.measure import IDLE_CONNECTIONS, WARMUP_S, Figures
from bench.scenarios import (
    FOOTPRINT,
    LATENCY_RATE,
    OTHERS,
    PUBLISH_ONLY_MESSAGES,
    SCENARIOS,
    Scenario,
)

# scenario, broker -> one set of figures per round
Rounds = dict[tuple[str, str], list[Figures]]

_INTRODUCTION: Final = """\
# Benchmarks

Leveret beside RabbitMQ from Debian with its default configuration, on one machine, in one sitting.
`make bench` repeats it and writes this page.

How it is measured: every figure comes from a fresh broker process with an empty data folder. The
brokers take turns (RabbitMQ, Leveret, RabbitMQ, Leveret, ...) in {rounds} rounds; a rate is the
median of its rounds, and a ratio is the median of the rounds' ratios, with the lowest and the
highest beside it. Each run lasts {seconds:g} s after {warmup} s that do not count; publish-only
ends sooner, once its {most:,} messages are sent. The load comes from
`leveret perf amqp`, which shares no protocol code with the broker; broker and load share the
machine, nothing is pinned to a core. Queues are classic and durable, messages transient unless
they are called persistent; those are confirmed when they are on the disk, or acknowledged.
Unless it says otherwise, publishers do not wait for confirms and publish as fast as the broker
takes it, so that a backlog may build up. Processor time and memory are read from `/proc`, for the
broker with all its processes; memory "afterwards" is read once the queues are deleted, with all
that was in them. So for publish-only it tells what a broker gives back, not what the messages took:
that is under Footprint.

The page says what one node does under these loads, and nothing else: RabbitMQ replicates between
nodes, which Leveret does not do yet.
"""


def values(rounds: Rounds, scenario: str, broker: str, figure: str) -> list[float]:
    """One figure of every round."""
    return [each[figure] for each in rounds.get((scenario, broker), []) if figure in each]


def middle(rounds: Rounds, scenario: str, broker: str, figure: str) -> float:
    """Its median; 0 when it was not measured."""
    found = values(rounds, scenario, broker, figure)
    return median(found) if found else 0.0


def ratios(rounds: Rounds, scenario: Scenario, rival: str = RABBITMQ) -> list[float]:
    """How many times better Leveret was, round by round: by rate, or by the rival's latency."""
    figure = "latency_p99_us" if scenario.is_latency else "rate"
    pairs = zip(
        values(rounds, scenario.name, LEVERET, figure),
        values(rounds, scenario.name, rival, figure),
        strict=False,
    )
    if scenario.is_latency:
        return [theirs / max(1, ours) for ours, theirs in pairs]
    return [ours / max(1, theirs) for ours, theirs in pairs]


def span(microseconds: float) -> str:
    """A time with a fitting unit."""
    if microseconds < 1e3:
        return f"{microseconds:.0f} µs"
    return f"{microseconds / 1e3:,.1f} ms"


def megabytes(octets: float) -> str:
    """A size in MB, of a million octets."""
    return f"{octets / 1e6:,.0f} MB"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; the first column to the left, figures to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def rates(rounds: Rounds) -> str:
    """The rates and their ratios."""
    rows = []
    for each in SCENARIOS:
        found = ratios(rounds, each)
        if not found:
            continue
        figure = "latency_p99_us" if each.is_latency else "rate"
        both = [middle(rounds, each.name, broker, figure) for broker in BOTH]
        shown = [span(one) if each.is_latency else f"{one:,.0f}" for one in both]
        ratio = f"**{median(found):.1f}** ({min(found):.1f} - {max(found):.1f})"
        rows.append([each.title, *shown, ratio, f"{each.goal:g}"])
    heads = ["messages/s (or latency)", *BOTH, "ratio (lowest - highest)", "goal"]
    return table(heads, rows) if rows else ""


def costs(rounds: Rounds) -> str:
    """What the broker's process used for it."""
    rows = []
    for each in SCENARIOS:
        if not values(rounds, each.name, LEVERET, "rate"):
            continue
        row = [each.title]
        for figure, form in (("broker_cpu_s_per_million", "{:.2f}"), ("after_octets", "")):
            for broker in BOTH:
                one = middle(rounds, each.name, broker, figure)
                row.append(form.format(one) if form else megabytes(one))
        rows.append(row)
    cpu, memory = "CPU s per million", "resident afterwards"
    heads = ["", *[f"{cpu}, {one}" for one in BOTH], *[f"{memory}, {one}" for one in BOTH]]
    return table(heads, rows) if rows else ""


def latencies(rounds: Rounds) -> str:
    """All percentiles of the scenario that holds a rate."""
    rows = []
    names = ["p50", "p95", "p99", "p99.9", "max"]
    for each in SCENARIOS:
        for broker in BOTH:
            found = [middle(rounds, each.name, broker, f"latency_{name}_us") for name in names]
            if each.is_latency and any(found):
                rows.append([broker, *[span(one) for one in found]])
    return table(["", *names], rows) if rows else ""


def footprint(rounds: Rounds, waiting: int) -> str:
    """Memory and the start."""
    figures = [
        ("from process start to the first accepted connection", "start_s"),
        ("resident memory, idle", "idle_octets"),
        (f"... with {IDLE_CONNECTIONS:,} connections and a channel each", "connected_octets"),
        (f"... with {waiting:,} messages of 16 octets waiting", "waiting_octets"),
        ("... octets for each of them", "octets_per_message"),
    ]
    rows = []
    for title, figure in figures:
        both = [middle(rounds, FOOTPRINT, broker, figure) for broker in BOTH]
        if not any(both):
            continue
        if figure == "start_s":
            rows.append([title, *[f"{one:.2f} s" for one in both]])
        elif figure == "octets_per_message":
            rows.append([title, *[f"{one:,.0f}" for one in both]])
        else:
            rows.append([title, *[megabytes(one) for one in both]])
    return table(["", *BOTH], rows) if rows else ""


def page(rounds: Rounds, facts: dict[str, str], count: int, seconds: float, waiting: int) -> str:
    """The whole of docs/benchmarks.md."""
    most = PUBLISH_ONLY_MESSAGES
    parts = [_INTRODUCTION.format(rounds=count, seconds=seconds, warmup=WARMUP_S, most=most)]
    sections = [
        ("Rates", rates(rounds)),
        (
            f"Latency from send to receive at {LATENCY_RATE:,} messages/s",
            latencies(rounds),
        ),
        ("What it costs the machine", costs(rounds)),
        ("Footprint", footprint(rounds, waiting)),
        ("The machine and the versions", table(["", ""], [[k, v] for k, v in facts.items()])),
    ]
    parts += [f"## {title}\n\n{text}" for title, text in sections if text]
    return "\n".join(parts)


def verdict(rounds: Rounds) -> str:
    """One line per scenario for the terminal."""
    lines = []
    for each in [*SCENARIOS, *OTHERS]:
        for rival, goal in ((RABBITMQ, each.goal), (MOSQUITTO, each.mosquitto_goal)):
            found = ratios(rounds, each, rival)
            if found:
                reached = "reached" if median(found) >= goal else "MISSED"
                beside = "" if rival == RABBITMQ else f" beside {rival}"
                said = f"goal {goal:g} {reached}" if goal else ""
                lines.append(f"{each.name:<18}{median(found):6.2f}{beside}  {said}".rstrip())
    return "\n".join(lines)
