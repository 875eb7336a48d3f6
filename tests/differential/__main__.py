"""Plays every scenario on RabbitMQ and on Leveret and prints where they differ.

python -m tests.differential                      start both, play all
python -m tests.differential --only 'queue_*'     some of them
python -m tests.differential --rabbitmq 5672      use a broker that runs already
                                                  (with --management 15672 all of it)
python -m tests.differential --self               RabbitMQ against itself: are they steady?
"""

import argparse
import contextlib
import fnmatch
import sys

from tests.differential.admin import RabbitDoor
from tests.differential.known import KNOWN
from tests.differential.runner import (
    SKIPPED,
    Place,
    Verdict,
    compare,
    discover,
    leveret_broker,
    play,
    rabbitmq,
)
from tests.oracle import missing


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare Leveret with RabbitMQ.")
    parser.add_argument("--only", default="*", help="a pattern for scenario names")
    parser.add_argument("--rabbitmq", type=int, help="port of a running RabbitMQ")
    parser.add_argument("--management", type=int, help="port of that RabbitMQ's HTTP API")
    parser.add_argument("--leveret", type=int, help="port of a running Leveret")
    parser.add_argument("--self", action="store_true", help="RabbitMQ against itself")
    parser.add_argument("--show", action="store_true", help="print RabbitMQ's traces and stop")
    parser.add_argument("--report", help="write the disagreements to this file")
    return parser.parse_args()


def _places(options: argparse.Namespace, stack: contextlib.ExitStack) -> tuple[Place, Place]:
    if options.rabbitmq:
        door = RabbitDoor(options.management) if options.management else None
        theirs = Place(options.rabbitmq, door)
    else:
        theirs = stack.enter_context(rabbitmq())
    if options.self or options.show:
        return theirs, theirs
    if options.leveret:
        return theirs, Place(options.leveret)
    return theirs, stack.enter_context(leveret_broker())


def _summary(verdicts: list[Verdict]) -> list[str]:
    skipped = [verdict for verdict in verdicts if verdict.skipped]
    agreed = [verdict for verdict in verdicts if verdict.agrees and not verdict.skipped]
    differing = [verdict for verdict in verdicts if not (verdict.agrees or verdict.skipped)]
    lines = [f"{len(verdicts)} scenarios, {len(agreed)} agree, {len(differing)} disagree"]
    lines += [f"{SKIPPED}: {verdict.name}" for verdict in skipped]
    lines += [
        f"known: {verdict.name}: {reason}"
        for verdict in agreed
        for reason in dict.fromkeys(known.reason for known in verdict.known)
    ]
    lines += [f"disagrees: {verdict.name}" for verdict in differing]
    return lines


def _report(verdicts: list[Verdict], path: str) -> None:
    parts = _summary(verdicts)
    for verdict in verdicts:
        if not (verdict.agrees or verdict.skipped):
            parts += ["", f"## {verdict.name}", "", "```diff", verdict.explain(), "```"]
    with open(path, "w") as out:
        out.write("\n".join(parts) + "\n")


def main() -> int:
    """Run; the exit code is 1 when something disagrees."""
    options = _options()
    if not options.rabbitmq and (reason := missing()):
        print(reason)
        return 2
    scenarios = {
        name: function
        for name, function in discover().items()
        if fnmatch.fnmatch(name, options.only)
    }
    with contextlib.ExitStack() as stack:
        theirs, mine = _places(options, stack)
        if options.show:
            for name, scenario in scenarios.items():
                print(f"== {name}", *play(scenario, name, theirs), sep="\n")
            return 0
        table = [] if options.self else KNOWN
        verdicts = [
            compare(scenario, name, theirs, mine, table) for name, scenario in scenarios.items()
        ]
    for verdict in verdicts:
        if not (verdict.agrees or verdict.skipped):
            print(f"== {verdict.name}", verdict.explain(), sep="\n")
    print(*_summary(verdicts), sep="\n")
    if options.report:
        _report(verdicts, options.report)
    return 0 if all(verdict.agrees or verdict.skipped for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
