"""``leveret perf``: load generators that measure any broker, this one or another."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any, Final

import click

from leveret.cli.main import Suggesting
from leveret.cli.perf_options import Options, flag
from leveret.perf.amqp.load import AmqpLoad
from leveret.perf.amqp.settings import PATTERNS, AmqpSettings
from leveret.perf.faults import BadSetting, BrokerFault
from leveret.perf.load import Load
from leveret.perf.mqtt.load import MqttLoad
from leveret.perf.mqtt.settings import QOS, MqttSettings
from leveret.perf.mqtt.settings import VERSIONS as MQTT_VERSIONS
from leveret.perf.report import Result, as_json, live_line, summary
from leveret.perf.run import Run
from leveret.perf.stomp.load import StompLoad
from leveret.perf.stomp.settings import ACKS, StompSettings
from leveret.perf.stomp.settings import VERSIONS as STOMP_VERSIONS
from leveret.ports import Clock

try:
    from uvloop import new_event_loop
except ImportError:  # where it has no wheel
    from asyncio import new_event_loop  # type: ignore[assignment]

VERIFICATION_FAILED: Final = 3
LoadOf = Callable[[dict[str, Any]], Load]
_AMQP: Final = Options(AmqpSettings())
_STOMP: Final = Options(
    StompSettings(), {"subscribers": "consumers", "protocol_version": "protocol"}
)
_MQTT: Final = Options(MqttSettings(), {"subscribers": "consumers", "protocol_version": "protocol"})


@click.group(cls=Suggesting)
def perf() -> None:
    """Measure a broker: offer it load and say what came through, how fast and how late."""


@perf.command()
@_AMQP.name("--url", "URL", "The broker.  [amqp://guest:guest@127.0.0.1:5672/%2F]")
@_AMQP.amount("-x --publishers", "Publishers; 0: only consume, from --queue.  [1]")
@_AMQP.amount("-y --consumers", "Consumers; 0: only publish.  [1]")
@_AMQP.amount("--connections", "Idle connections to hold.  [0]", 65535)
@_AMQP.amount("-s --size", "Octets of a body.  [16]")
@_AMQP.amount("-c --confirm", "Unconfirmed messages per publisher; 0: no confirms.  [0]")
@_AMQP.amount("-a --ack-every", "Acknowledge every N messages; 0: automatically.  [0]")
@_AMQP.amount("-q --prefetch", "Unacknowledged messages per consumer; 0: no limit.  [0]", 65535)
@flag("-p --persistent", "Messages should survive a restart.")
@flag("--mandatory", "Have unroutable messages returned, and count them.")
@_AMQP.real("-r --rate", "PER_SECOND", "Messages/s of each publisher; 0: all it can.  [0]")
@_AMQP.duration()
@_AMQP.amount(
    "-m --messages", "End after N per publisher (without any: N consumed).  [0: no limit]"
)
@_AMQP.real("--warmup", "SECONDS", "Time at the start that does not count.  [0]")
@_AMQP.amount("-n --queues", "Queues, each with its own consumers.  [1]", 65535)
@_AMQP.choice(
    "--pattern",
    PATTERNS,
    "Publishers for each queue, for all in turn, or each message to all queues.  [own]",
)
@_AMQP.name(
    "--queue", "NAME", "The queue (NAME-1 ... with several).  [made up, deleted afterwards]"
)
@flag("--existing", "Do not declare the --queue: use it as it is.")
@click.option(
    "--argument",
    "arguments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Argument of the queues, such as x-queue-type=quorum.",
)
@_AMQP.name("--exchange", "NAME", "The exchange.  [the default exchange]")
@_AMQP.name("--exchange-type", "TYPE", "Its type.  [direct, or what --pattern needs]")
@_AMQP.name("--routing-key", "KEY", "Of the messages.  [the queue's name]")
@_AMQP.name("--binding-key", "KEY", "Of the queues.  [the routing key]")
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
    run(context, options, amqp_load)


@perf.command()
@_MQTT.name("--url", "URL", "The broker; a path is the vhost.  [mqtt://guest:guest@127.0.0.1:1883]")
@_MQTT.choice("-V --protocol-version", MQTT_VERSIONS, "Of MQTT.  [3.1.1]")
@_MQTT.amount("-x --publishers", "Publishers of each topic; 0: only subscribe, to --topic.  [1]")
@_MQTT.amount("-y --subscribers", "Of each topic, each gets all; 0: only publish.  [1]")
@_MQTT.amount("--connections", "Idle connections to hold.  [0]", 65535)
@_MQTT.amount("-s --size", "Octets of a body.  [16]")
@_MQTT.choice("-Q --qos", QOS, "Quality of service.  [0]")
@_MQTT.choice("--subscribe-qos", QOS, "The subscribers', if it is another.")
@_MQTT.amount("-c --inflight", "Unanswered messages per publisher, from QoS 1 on.  [100]", 65535)
@_MQTT.amount("-w --under-way", "Send only while fewer are sent and not received.  [0: any]")
@_MQTT.real("-r --rate", "PER_SECOND", "Messages/s of each publisher; 0: all it can.  [0]")
@_MQTT.duration()
@_MQTT.amount(
    "-m --messages", "End after N per publisher (without any: N received).  [0: no limit]"
)
@_MQTT.real("--warmup", "SECONDS", "Time at the start that does not count.  [0]")
@_MQTT.amount("-n --topics", "Topics, each with its own clients.  [1]", 65535)
@flag("--in-turn", "Each publisher publishes to all topics in turn.")
@_MQTT.name("--topic", "NAME", "The topic (NAME/1 ... with several).  [made up]")
@flag("--shared", "The subscribers of a topic share its messages.")
@flag("--retain", "Messages are to be retained (deleted when the topic is made up).")
@flag("-p --persistent", "The subscribers' sessions outlive their connections.")
@_MQTT.name("--client-id", "NAME", "First part of all identifiers.  [made up, sessions deleted]")
@_MQTT.amount("--keep-alive", "Seconds that CONNECT says; no pings are sent.  [0]", 65535)
@flag("--verify", "Check every body, and that each came once.")
@flag("--no-latency", "Constant bodies: cheapest, but no latencies.")
@click.option("--json", "in_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def mqtt(context: click.Context, /, **options: Any) -> None:
    """Measure a broker that speaks MQTT.

    Latencies are right only when publishers and subscribers run on one machine.  A live line goes
    to standard error, the result to standard output.

    Exit status: 0 fine, 1 broker out of reach or refusing, 2 bad options, 3 --verify failed.
    """
    run(context, options, mqtt_load)


@perf.command()
@_STOMP.name("--url", "URL", "The broker.  [stomp://guest:guest@127.0.0.1:61613/%2F]")
@_STOMP.choice("-V --protocol-version", STOMP_VERSIONS, "Of STOMP.  [1.2]")
@_STOMP.amount("-x --publishers", "Of each destination; 0: only --destination is read.  [1]")
@_STOMP.amount("-y --subscribers", "Of each destination; 0: only send.  [1]")
@_STOMP.amount("--connections", "Idle connections to hold.  [0]", 65535)
@_STOMP.amount("-s --size", "Octets of a body.  [16]")
@_STOMP.amount("-c --receipts", "Messages per publisher that await a receipt; 0: none asked.  [0]")
@_STOMP.choice("-A --ack", ACKS, "How subscribers acknowledge.  [auto]")
@_STOMP.amount("-a --ack-every", "With client: one ACK for N messages.  [1]")
@_STOMP.amount("-q --prefetch", "Unacknowledged messages per subscriber; 0: unsaid.  [0]", 65535)
@flag("-p --persistent", "Messages should survive a restart.")
@_STOMP.amount("-w --under-way", "Send only while fewer are sent and not received.  [0: any]")
@_STOMP.real("-r --rate", "PER_SECOND", "Messages/s of each publisher; 0: all it can.  [0]")
@_STOMP.duration()
@_STOMP.amount(
    "-m --messages", "End after N per publisher (without any: N received).  [0: no limit]"
)
@_STOMP.real("--warmup", "SECONDS", "Time at the start that does not count.  [0]")
@_STOMP.amount("-n --destinations", "Destinations, each with its own clients.  [1]", 65535)
@flag("--in-turn", "Each publisher sends to all destinations in turn.")
@_STOMP.name("--destination", "NAME", "The destination (NAME-1 ... with several).  [made up]")
@flag("--topic", "A made-up topic: every subscriber gets each message.  [a queue: they share]")
@flag("--verify", "Check every body, and that each came once.")
@flag("--no-latency", "Constant bodies: cheapest, but no latencies.")
@click.option("--json", "in_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def stomp(context: click.Context, /, **options: Any) -> None:
    """Measure a broker that speaks STOMP.

    Latencies are right only when publishers and subscribers run on one machine.  A live line goes
    to standard error, the result to standard output.

    Exit status: 0 fine, 1 broker out of reach or refusing, 2 bad options, 3 --verify failed.
    """
    run(context, options, stomp_load)


def run(context: click.Context, options: dict[str, Any], load_of: LoadOf) -> None:
    """Perform a run with the load that ``load_of`` makes of the options, and print its result."""
    in_json = bool(options.pop("in_json"))
    try:
        result = measure(load_of(options))
    except BadSetting as error:
        raise click.UsageError(error.detail) from None
    except BrokerFault as error:
        raise click.ClickException(error.detail) from None
    click.echo(as_json(result) if in_json else summary(result))
    if result.verdict is not None and not result.verdict.is_fine:
        context.exit(VERIFICATION_FAILED)


def measure(load: Load) -> Result:
    """Perform a run in a loop of its own.  Raises PerfError."""
    run = Run(load, live_line(load.settings))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.get_loop().add_signal_handler(signal.SIGINT, run.interrupt)
        return runner.run(run.perform())


def amqp_load(options: dict[str, Any]) -> Load:
    """What the command line's options mean.  Raises BadSetting."""
    settings = AmqpSettings()
    options["arguments"] = dict(read_argument(text) for text in options["arguments"])
    _AMQP.apply(options, settings)
    return AmqpLoad(settings, Clock())


def mqtt_load(options: dict[str, Any]) -> Load:
    """What the command line's options mean.  Raises BadSetting."""
    settings = MqttSettings()
    _MQTT.apply(options, settings)
    return MqttLoad(settings, Clock())


def stomp_load(options: dict[str, Any]) -> Load:
    """What the command line's options mean.  Raises BadSetting."""
    settings = StompSettings()
    _STOMP.apply(options, settings)
    return StompLoad(settings, Clock())


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
