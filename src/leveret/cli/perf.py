"""``leveret perf``: load generators that measure any broker, this one or another."""

import asyncio
import signal
from typing import Any, Final

import click

from leveret.perf.faults import BadSetting, BrokerFault
from leveret.perf.report import Result, as_json, live_line, summary
from leveret.perf.run import Run
from leveret.perf.settings import OWN, PATTERNS, Settings
from leveret.ports import Clock

try:
    from uvloop import new_event_loop
except ImportError:  # where it has no wheel
    from asyncio import new_event_loop  # type: ignore[assignment]

VERIFICATION_FAILED: Final = 3
_COUNT: Final = click.IntRange(min=0)
_SIZE: Final = click.IntRange(min=0, max=1 << 30)
_SECONDS: Final = click.FloatRange(min=0)
_DEFAULTS: Final = Settings()


@click.group()
def perf() -> None:
    """Measure a broker: offer it load and say what came through, how fast and how late."""


@perf.command()
@click.option("--url", default=_DEFAULTS.url, show_default=True, help="The broker.")
@click.option(
    "-x", "--publishers", type=_COUNT, default=1, help="Publishers; 0: only consume.  [1]"
)
@click.option("-y", "--consumers", type=_COUNT, default=1, help="Consumers; 0: only publish.  [1]")
@click.option("--connections", type=_COUNT, default=0, help="Idle connections to hold.  [0]")
@click.option("-s", "--size", type=_SIZE, default=16, help="Octets of a body.  [16]")
@click.option(
    "-c",
    "--confirm",
    type=_COUNT,
    default=0,
    help="Unconfirmed messages per publisher; 0: no confirms.  [0]",
)
@click.option(
    "-a",
    "--ack-every",
    type=_COUNT,
    default=0,
    help="Acknowledge every N messages; 0: automatically.  [0]",
)
@click.option(
    "-q",
    "--prefetch",
    type=click.IntRange(0, 65535),
    default=0,
    help="Unacknowledged messages per consumer; 0: no limit.  [0]",
)
@click.option("-p", "--persistent", is_flag=True, help="Messages should survive a restart.")
@click.option(
    "--mandatory", is_flag=True, help="Have unroutable messages returned, and count them."
)
@click.option(
    "-r",
    "--rate",
    type=_SECONDS,
    default=0.0,
    help="Messages/s of each publisher; 0: all it can.  [0]",
)
@click.option(
    "-d",
    "--duration",
    type=_SECONDS,
    default=None,
    help="Seconds; 0: until Ctrl-C.  [10, or 0 with --messages]",
)
@click.option(
    "-m",
    "--messages",
    type=_COUNT,
    default=0,
    help="End after N messages per publisher (without any: N consumed).",
)
@click.option(
    "--warmup", type=_SECONDS, default=0.0, help="Seconds at the start that do not count.  [0]"
)
@click.option(
    "-n",
    "--queues",
    type=click.IntRange(min=1),
    default=1,
    help="Queues, each with its own consumers.  [1]",
)
@click.option(
    "--pattern",
    type=click.Choice(PATTERNS),
    default=OWN,
    help="Publishers for each queue, for all in turn, or every message to all queues.  [own]",
)
@click.option(
    "--queue",
    default="",
    help="Name of the queue (NAME-1 ... with several); kept afterwards.  [made up, and deleted]",
)
@click.option("--existing", is_flag=True, help="Do not declare the --queue: use it as it is.")
@click.option(
    "--argument",
    "arguments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Argument of the queues, such as x-queue-type=quorum.",
)
@click.option("--exchange", default="", help="Name of the exchange.  [the default exchange]")
@click.option("--exchange-type", default="", help="Its type.  [direct, or what --pattern needs]")
@click.option("--routing-key", default="", help="Of the messages.  [the queue's name]")
@click.option("--binding-key", default="", help="Of the queues.  [the routing key]")
@click.option("--verify", is_flag=True, help="Check every body, and that each came once.")
@click.option("--no-latency", is_flag=True, help="Constant bodies: cheapest, but no latencies.")
@click.option("--json", "in_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def amqp(context: click.Context, /, **options: Any) -> None:
    """Measure a broker that speaks AMQP 0-9-1.

    Latencies are right only when publishers and consumers run on one machine.  A live line goes to
    standard error, the result to standard output.

    Exit status: 0 fine, 1 broker out of reach or refusing, 2 bad options, 3 --verify failed.
    """
    in_json = bool(options.pop("in_json"))
    try:
        result = measure(settings_of(options))
    except BadSetting as error:
        raise click.UsageError(error.detail) from None
    except BrokerFault as error:
        raise click.ClickException(error.detail) from None
    click.echo(as_json(result) if in_json else summary(result))
    if result.verdict is not None and not result.verdict.is_fine:
        context.exit(VERIFICATION_FAILED)


def measure(settings: Settings) -> Result:
    """Perform a run in a loop of its own.  Raises PerfError."""
    run = Run(settings, Clock(), live_line(settings))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.get_loop().add_signal_handler(signal.SIGINT, run.interrupt)
        return runner.run(run.perform())


def settings_of(options: dict[str, Any]) -> Settings:
    """The settings that the command line's options mean.  Raises BadSetting."""
    settings = Settings()
    options["stamp"] = not options.pop("no_latency")
    options["arguments"] = dict(read_argument(text) for text in options["arguments"])
    if options["duration"] is None:
        options["duration"] = 0.0 if options["messages"] else settings.duration
    for name, value in options.items():
        setattr(settings, name, value)
    settings.check()
    return settings


def read_argument(text: str) -> tuple[str, object]:
    """The queue argument ``KEY=VALUE``; numbers and true or false are what they look like."""
    key, found, value = text.partition("=")
    if not found or not key:
        raise BadSetting(f"--argument {text!r} should look like x-max-length=1000")
    if value in ("true", "false"):
        return key, value == "true"
    try:
        return key, int(value)
    except ValueError:
        return key, value
