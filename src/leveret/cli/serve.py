"""``leveret serve``: the broker as a process, until a signal ends it."""

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO, final

import click

from leveret.cli.banner import banner, place
from leveret.cli.hangup import Hangup
from leveret.cli.log import start_log
from leveret.cli.notify import READY, STOPPING, notify
from leveret.cli.refusals import BadConfig, Unavailable
from leveret.config.environment import config_file
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.config.sources import load
from leveret.config.table import find, option_name
from leveret.embedded import SHUTDOWN, cannot_listen, new_loop
from leveret.listeners import SORTS
from leveret.net.listener import Listener
from leveret.net.web import WebListener
from leveret.server import Server
from leveret.vault import VaultError

LOG: Final = logging.getLogger("leveret")
_SIGNALS: Final = [signal.SIGTERM, signal.SIGINT]
# Few objects of a broker are in cycles, and nearly all that live long were there at the start.
_GC_THRESHOLDS: Final = (50_000, 50, 100)
_LARGE_OCTETS: Final = 2 * 1024 * 1024


def setting(name: str, metavar: str) -> Callable[[Any], Any]:
    """A click option for one setting; its value stays text, so that one place judges them all."""
    row = find(name, "")
    text = f"{row.text}  [{row.default}]" if row.default else row.text
    return click.option(option_name(name), name, metavar=metavar, help=text)


@click.command()
@setting("host", "ADDRESS")
@setting("port", "PORT")
@setting("management_port", "PORT")
@setting("data_dir", "FOLDER")
@setting("log_level", "LEVEL")
@click.option(
    "--config", metavar="FILE", help="Read settings from this file: TOML, or a rabbitmq.conf."
)
def serve(config: str | None, **options: str | None) -> None:
    """Run the broker in the foreground, until Ctrl-C or SIGTERM.

    User, password, virtual host and everything else are set by environment variables
    (LEVERET_DEFAULT_USER, LEVERET_DEFAULT_PASS, LEVERET_DEFAULT_VHOST, or RabbitMQ's
    RABBITMQ_DEFAULT_USER, ...) or in the file: docs/configuration.md lists all settings.

    An option is stronger than the environment (LEVERET_PORT, LEVERET_CONFIG, ...), which is
    stronger than the file.

    Exit status: 0 stopped by a signal, 2 bad option, 69 cannot listen, 78 bad configuration.
    """
    settings = settings_of(config, {n: text for n, text in options.items() if text is not None})
    start_log(settings.log_level, settings.log_format)
    allow_many_files()
    for warning in settings.warnings:
        LOG.warning("%s", warning)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(live(settings))


def settings_of(config: str | None, options: dict[str, str]) -> Settings:
    """The settings from every source.  Raises click's exceptions, which end the process."""
    file = config or config_file(os.environ)
    try:
        return load(file, os.environ, options)
    except ConfigError as error:
        if error.origin.startswith("--"):
            raise click.UsageError(str(error)) from None
        raise BadConfig(str(error)) from None


async def live(settings: Settings) -> None:
    """From start to the polite end.  Raises BadConfig and Unavailable."""
    ending = Ending(asyncio.get_running_loop())
    ending.wait_for_signals()
    try:
        server = Server(settings, True)
    except ConfigError as error:
        raise BadConfig(str(error)) from None
    except VaultError as fault:
        raise Unavailable(str(fault)) from None
    try:
        await server.start()
    except OSError as error:
        raise Unavailable(sentence_about(error, server, settings)) from None
    Hangup(server, ending.on_signal).wait(asyncio.get_running_loop())
    settle_memory()
    announce(settings, server)
    notify(READY)
    await ending.signalled.wait()
    notify(STOPPING)
    await server.stop(SHUTDOWN)
    LOG.info("Stopped")


@final
class Ending:
    """Waits for SIGTERM or SIGINT.  The first asks politely; the second kills at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self.signalled: Final = asyncio.Event()

    def wait_for_signals(self) -> None:
        """From now on a signal sets ``signalled``."""
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self.on_signal, number)

    def on_signal(self, number: int) -> None:
        """Give the signals back to the kernel, which needs no cooperation to end a process."""
        for each in _SIGNALS:
            self._loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        self.signalled.set()
        LOG.info("%s: stopping; a second one stops at once", signal.Signals(number).name)


def allow_many_files() -> None:
    """Take as many descriptors as the system gives: each connection and each file needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):  # some systems say unlimited and do not mean it
        LOG.warning("The limit of open files stays as it is: 'ulimit -n' shows it")


def settle_memory() -> None:
    """Keep the collector from walking what will never be garbage, and memory from coming and going.

    glibc gives free memory at the end of its heap back to the system, and a turn of the loop needs
    about a megabyte: it came back page by page, which took as long as all the rest.  glibc keeps
    twice the size of the largest block that had a place of its own and was freed (mallopt(3),
    M_MMAP_THRESHOLD).  Elsewhere this does nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    bytes(_LARGE_OCTETS)


def announce(settings: Settings, server: Server) -> None:
    """Say on standard output that it is ready, and in the log, unless one person reads both."""
    to_person = is_terminal(sys.stdout)
    users, vhosts = server.node.users.by_name, server.node.vhosts
    listeners: list[Listener | WebListener] = [*server.listeners, *server.web]
    say(banner(settings, listeners, to_person, users, vhosts))
    if not (to_person and is_terminal(sys.stderr)):
        # RabbitMQ's words first, as scripts wait for them.
        places = ", ".join([place(one) for one in listeners])
        LOG.info("Server startup complete: %s", places)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits there; the stream is None where the process was started without."""
    return stream is not None and not stream.closed and stream.isatty()


def say(text: str) -> None:
    """Print, unless nobody reads: a closed pipe is no reason to end a broker."""
    try:
        click.echo(text)
    except OSError:
        LOG.warning("Nobody reads standard output")


def sentence_about(error: OSError, server: Server, settings: Settings) -> str:
    """What failed, why, and what to do, for an error of ``Server.start``."""
    failed = server.failed
    if failed is None:
        return f"cannot start: {error}"
    why = cannot_listen(error, failed.host, failed.port)
    port = other_port(failed, settings)
    if error.errno == errno.EADDRINUSE:
        return (
            f"{why}.  Find it with 'ss -ltnp sport = :{failed.port}', or take another port {port}."
        )
    if error.errno == errno.EACCES:
        return f"{why}.  Take another one {port}."
    if settings.listen or settings.tls_listen:
        return f"{why}.  Change it {port}."
    return f"{why}.  Change it with --host; without it, leveret listens on every interface."


def other_port(failed: Listener | WebListener, settings: Settings) -> str:
    """How to have the listener listen elsewhere."""
    if isinstance(failed, WebListener):
        many = "management_tls_listen" if failed.is_tls else "management_listen"
        one = "management_tls_port" if failed.is_tls else "management_port"
        what = "HTTP API"
        if not failed.is_api:
            many, one, what = "prometheus_listen", "prometheus_port", "metrics"
        name = where_set(many if getattr(settings, many) else one, settings)
        return f"with {name}, or have no {what} with {many} = ['none']"
    sort = SORTS[failed.protocol]
    if sort.one == "port" and not settings.listen:
        return "with --port"
    if getattr(settings, sort.many):
        return f"in {where_set(sort.many, settings)}"
    name = where_set(sort.one, settings)
    if not sort.prefix:
        return f"with {name}"
    return f"with {name}, or have no {sort.title} with {sort.many} = ['none']"


def where_set(name: str, settings: Settings) -> str:
    """The setting and where its value came from, which may be a key of another name."""
    origin = settings.origin[name]
    return name if origin == "default" else f"{name} ({origin})"
