"""``python -m bench``: Leveret beside RabbitMQ, in turn, and docs/benchmarks.md from it."""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.brokers import BOTH, versions
from bench.machine import machine
from bench.measure import Figures, footprint, measure
from bench.report import Rounds, megabytes, page, span, verdict
from bench.scenarios import FOOTPRINT, NAMES, Scenario, chosen
from tests.oracle import missing

import leveret.octets

PAGE: Final = Path("docs", "benchmarks.md")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each takes its turn  [3]")
    parser.add_argument("--seconds", type=float, default=6, help="of each run  [6]")
    parser.add_argument(
        "--only", action="append", default=[], choices=NAMES, help="this scenario; may be repeated"
    )
    parser.add_argument(
        "--waiting", type=int, default=1_000_000, help="messages for the footprint  [1000000]"
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures of all rounds there")
    parser.add_argument(
        "--interpreted", action="store_true", help="measure even if Leveret is not compiled"
    )
    parser.add_argument("--output", type=Path, default=PAGE, help=f"the page  [{PAGE}]")
    return parser.parse_args()


def describe(figures: Figures) -> str:
    """What one measurement came to, in a few words."""
    if "rate" not in figures:
        idle, full = figures["idle_octets"], figures["waiting_octets"]
        return f"{megabytes(idle)} idle, {megabytes(full)} with messages waiting"
    words = f"{figures['rate']:>12,.0f}/s  broker {figures['broker_cpu_s_per_million']:.2f} CPU s/M"
    if "latency_p99_us" in figures:
        words += f"  p99 {span(figures['latency_p99_us'])}"
    return words


def run(options: argparse.Namespace) -> Rounds:
    """All measurements, with a line for each."""
    steps: list[Scenario | None] = list(chosen(options.only))
    if not options.only or FOOTPRINT in options.only:
        steps.append(None)
    rounds: Rounds = {}
    number, count = 0, len(steps) * options.rounds * len(BOTH)
    began = time.monotonic()
    for step in steps:
        name = FOOTPRINT if step is None else step.name
        for turn in range(options.rounds):
            for broker in BOTH:
                number += 1
                head = f"[{number}/{count} {time.monotonic() - began:4.0f} s] {name}, round"
                print(f"{head} {turn + 1}, {broker:<9}", end=" ", flush=True)
                if step is None:
                    figures = footprint(broker, options.waiting)
                else:
                    figures = measure(broker, step, options.seconds)
                rounds.setdefault((name, broker), []).append(figures)
                print(describe(figures), flush=True)
    return rounds


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
    absent = missing()
    if absent:
        sys.exit(f"The benchmark {absent}")
    if not leveret.octets.__file__.endswith(".so") and not options.interpreted:
        sys.exit("Leveret is not compiled here: make bench compiles it, --interpreted insists")
    rounds = run(options)
    about = facts()
    if options.json:
        Path(options.json).write_text(as_json(rounds, about))
    options.output.write_text(page(rounds, about, options.rounds, options.seconds, options.waiting))
    print(f"\n{verdict(rounds)}\n\nwritten: {options.output}")


if __name__ == "__main__":
    main()
