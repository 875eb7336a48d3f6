"""What ``leveret serve`` says when it is ready: where it listens, and how to begin."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from leveret import __version__
from leveret.cli.main import is_compiled
from leveret.config import Settings
from leveret.net.listener import Listener

_LOCAL: Final = ["", "0.0.0.0", "::", "127.0.0.1", "::1"]
_FIRST: Final = (
    "import pika; channel = pika.BlockingConnection(pika.URLParameters('{url}')).channel();"
    " channel.queue_declare('hello'); channel.basic_publish('', 'hello', b'Hello World!')"
)


def banner(settings: Settings, listeners: Sequence[Listener]) -> str:
    """The lines, of which one for each listener.  Shows no password but the one all know."""
    build = "compiled" if is_compiled() else "interpreted, so slower than it can be"
    lines = [f"Leveret {__version__} ({build}) is ready; Ctrl-C stops it."]
    for one in listeners:
        where = address(one) if one.host else f"port {one.port} of every interface"
        lines.append(f"{one.protocol} on {where}: {url(settings, one)}")
    first = _FIRST.format(url=url(settings, listeners[0]))
    lines.append(f'First message (after pip install pika): python3 -c "{first}"')
    lines.append(
        "Not yet durable: durable queues and persistent messages are accepted, but nothing is"
        " written to the disk, and a restart loses them."
    )
    return "\n".join(lines)


def address(listener: Listener) -> str:
    """Host and port as one word."""
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{host}:{listener.port}"


def url(settings: Settings, listener: Listener) -> str:
    """What a client on this machine connects to.  Any but guest's password is left out."""
    known = settings.default_user == "guest" and settings.default_pass == "guest"
    user = quote(settings.default_user, safe="")
    where = f"localhost:{listener.port}" if listener.host in _LOCAL else address(listener)
    vhost = quote(settings.default_vhost, safe="")
    return f"amqp://{user}:{'guest' if known else 'PASSWORD'}@{where}/{vhost}"
