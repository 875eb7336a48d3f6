"""``python -m bench``: Leveret beside RabbitMQ and mosquitto, in turn, and pages in docs/."""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.brokers import absent, peers, versions
from bench.machine import machine
from bench.measure import Figures, footprint, measure, mqtt_idle
from bench.others import others_page
from bench.report import Rounds, megabytes, page, span, verdict
from bench.scenarios import AMQP, FOOTPRINT, MQTT_IDLE, NAMES, Scenario, chosen, is_chosen

import leveret.octets

PAGE: Final = Path("docs", "benchmarks.md")
OTHERS_PAGE: Final = Path("docs", "benchmarks-mqtt-stomp.md")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each takes its turn  [3]")
    parser.add_argument("--seconds", type=float, default=6, help="of each run  [6]")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help=f"this scenario, or those that 'mqtt*' fits; may be repeated: {', '.join(NAMES)}",
    )
    parser.add_argument(
        "--waiting", type=int, default=1_000_000, help="messages for the footprint  [1000000]"
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures of all rounds there")
    parser.add_argument(
        "--interpreted", action="store_true", help="measure even if Leveret is not compiled"
    )
    parser.add_argument("--output", type=Path, default=PAGE, help=f"AMQP's page  [{PAGE}]")
    parser.add_argument(
        "--others", type=Path, default=OTHERS_PAGE, help=f"MQTT's and STOMP's  [{OTHERS_PAGE}]"
    )
    options = parser.parse_args()
    for name in options.only:
        if not any(is_chosen(each, [name]) for each in NAMES):
            parser.error(f"--only {name}: no such scenario; there are {', '.join(NAMES)}")
    return options


def describe(figures: Figures) -> str:
    """What one measurement came to, in a few words."""
    if "octets_per_connection" in figures:
        each = figures["octets_per_connection"]
        return f"{megabytes(figures['idle_octets'])} idle, {each:,.0f} octets per connection"
    if "rate" not in figures:
        idle, full = figures["idle_octets"], figures["waiting_octets"]
        return f"{megabytes(idle)} idle, {megabytes(full)} with messages waiting"
    words = f"{figures['rate']:>12,.0f}/s  broker {figures['broker_cpu_s_per_million']:.2f} CPU s/M"
    if "latency_p99_us" in figures:
        words += f"  p99 {span(figures['latency_p99_us'])}"
    return words


def run(options: argparse.Namespace) -> Rounds:
    """All measurements, with a line for each."""
    plan = [
        (step, turn, broker)
        for step in steps(options.only)
        for turn in range(options.rounds)
        for broker in peers(step.protocol)
    ]
    rounds: Rounds = {}
    began = time.monotonic()
    for number, (step, turn, broker) in enumerate(plan, 1):
        head = f"[{number}/{len(plan)} {time.monotonic() - began:4.0f} s] {step.name}, round"
        print(f"{head} {turn + 1}, {broker:<9}", end=" ", flush=True)
        if step.name == FOOTPRINT:
            figures = footprint(broker, options.waiting)
        elif step.name == MQTT_IDLE:
            figures = mqtt_idle(broker)
        else:
            figures = measure(broker, step, options.seconds)
        rounds.setdefault((step.name, broker), []).append(figures)
        print(describe(figures), flush=True)
    return rounds


def steps(names: list[str]) -> list[Scenario]:
    """What is measured: the loads, and memory at rest in two ways."""
    at_rest = [Scenario(name, "", "", 0) for name in (FOOTPRINT, MQTT_IDLE)]
    return chosen(names) + [each for each in at_rest if is_chosen(each.name, names)]


def facts() -> dict[str, str]:
    """Machine, versions, date."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    found = machine() | versions()
    if commit.returncode == 0:
        found["Leveret"] += f", commit {commit.stdout.strip()}"
    found["Date"] = datetime.now(UTC).strftime("%Y-%m-%d")
    return found


def as_json(rounds: Rounds, about: dict[str, str]) -> str:
    """Everything, for machines."""
    tree: dict[str, dict[str, list[Figures]]] = {}
    for (scenario, broker), figures in rounds.items():
        tree.setdefault(scenario, {})[broker] = figures
    return json.dumps({"about": about, "rounds": tree}, indent=1) + "\n"


def main() -> None:
    """Measure, print, write."""
    options = arguments()
    protocols = {step.protocol for step in steps(options.only)}
    if reason := absent(protocols):
        sys.exit(f"The benchmark {reason}")
    if not leveret.octets.__file__.endswith(".so") and not options.interpreted:
        sys.exit("Leveret is not compiled here: make bench compiles it, --interpreted insists")
    rounds = run(options)
    about = facts()
    if options.json:
        Path(options.json).write_text(as_json(rounds, about))
    print(f"\n{verdict(rounds)}\n")
    if AMQP in protocols:
        count, seconds = options.rounds, options.seconds
        options.output.write_text(page(rounds, about, count, seconds, options.waiting))
        print(f"written: {options.output}")
    if protocols - {AMQP}:
        options.others.write_text(others_page(rounds, about, options.rounds, options.seconds))
        print(f"written: {options.others}")


if __name__ == "__main__":
    main()
