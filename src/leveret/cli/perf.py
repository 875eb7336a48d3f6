"""``leveret perf``: load generators that measure any broker, this one or another."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any, Final, final

import click

from leveret.cli.main import Suggesting
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
_DEFAULTS: Final = Settings()


@final
class Amount(click.ParamType):  # type: ignore[type-arg]
    """A number that is not negative; click's own ranges make the help twice as long."""

    def __init__(self, name: str, whole: bool, most: int) -> None:
        self.name = name
        self._whole: Final = whole
        self._most: Final = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        """The number that ``value`` is."""
        try:
            number = int(value) if self._whole else float(value)
        except ValueError:
            number = -1
        if not 0 <= number <= self._most:
            self.fail(f"{value!r} is not a {self.name} from 0 to {self._most:,}.", param, ctx)
        return number


def amount(names: str, text: str, most: int = 1_000_000_000) -> Callable[[Any], Any]:
    """An option for a whole number."""
    return _option(names, Amount("number", True, most), "N", text)


def real(names: str, metavar: str, text: str) -> Callable[[Any], Any]:
    """An option for a number that need not be whole."""
    return _option(names, Amount("number", False, 1_000_000_000), metavar, text)


def name(names: str, metavar: str, text: str) -> Callable[[Any], Any]:
    """An option for a name."""
    return _option(names, click.STRING, metavar, text)


def flag(names: str, text: str) -> Callable[[Any], Any]:
    """An option that is there or not."""
    return click.option(*names.split(), is_flag=True, help=text)


def _option(names: str, kind: Any, metavar: str, text: str) -> Callable[[Any], Any]:
    parts = names.split()
    default = getattr(_DEFAULTS, parts[-1].removeprefix("--").replace("-", "_"))
    return click.option(*parts, type=kind, default=default, metavar=metavar, help=text)


@click.group(cls=Suggesting)
def perf() -> None:
    """Measure a broker: offer it load and say what came through, how fast and how late."""


@perf.command()
@name("--url", "URL", "The broker.  [amqp://guest:guest@127.0.0.1:5672/%2F]")
@amount("-x --publishers", "Publishers; 0: only consume, from --queue.  [1]")
@amount("-y --consumers", "Consumers; 0: only publish.  [1]")
@amount("--connections", "Idle connections to hold.  [0]", 65535)
@amount("-s --size", "Octets of a body.  [16]")
@amount("-c --confirm", "Unconfirmed messages per publisher; 0: no confirms.  [0]")
@amount("-a --ack-every", "Acknowledge every N messages; 0: automatically.  [0]")
@amount("-q --prefetch", "Unacknowledged messages per consumer; 0: no limit.  [0]", 65535)
@flag("-p --persistent", "Messages should survive a restart.")
@flag("--mandatory", "Have unroutable messages returned, and count them.")
@real("-r --rate", "PER_SECOND", "Messages/s of each publisher; 0: all it can.  [0]")
@click.option(
    "-d",
    "--duration",
    type=Amount("number", False, 1_000_000_000),
    metavar="SECONDS",
    help="How long; 0: until Ctrl-C.  [10, or 0 with --messages]",
)
@amount("-m --messages", "End after N per publisher (without any: N consumed).  [0: no limit]")
@real("--warmup", "SECONDS", "Time at the start that does not count.  [0]")
@amount("-n --queues", "Queues, each with its own consumers.  [1]", 65535)
@click.option(
    "--pattern",
    type=click.Choice(PATTERNS),
    default=OWN,
    metavar="|".join(PATTERNS),
    help="Publishers for each queue, for all in turn, or each message to all queues.  [own]",
)
@name("--queue", "NAME", "The queue (NAME-1 ... with several).  [made up, deleted afterwards]")
@flag("--existing", "Do not declare the --queue: use it as it is.")
@click.option(
    "--argument",
    "arguments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Argument of the queues, such as x-queue-type=quorum.",
)
@name("--exchange", "NAME", "The exchange.  [the default exchange]")
@name("--exchange-type", "TYPE", "Its type.  [direct, or what --pattern needs]")
@name("--routing-key", "KEY", "Of the messages.  [the queue's name]")
@name("--binding-key", "KEY", "Of the queues.  [the routing key]")
@flag("--verify", "Check every body, and that each came once.")
@flag("--no-latency", "Constant bodies: cheapest, but no latencies.")
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
