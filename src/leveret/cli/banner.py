"""What ``leveret serve`` says when it is ready: where it listens, and how to begin."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

from leveret import __version__
from leveret.cli.main import is_compiled, remedy
from leveret.config.settings import Settings
from leveret.net.listener import Listener

_LOCAL: Final = ["", "0.0.0.0", "::", "127.0.0.1", "::1"]
_FIRST: Final = (
    "import pika; channel = pika.BlockingConnection(pika.URLParameters('{url}')).channel();"
    " channel.queue_declare('hello'); channel.basic_publish('', 'hello', b'Hello World!');"
    " print(channel.basic_get('hello', auto_ack=True)[2])"
)


def banner(settings: Settings, listeners: Sequence[Listener], to_person: bool) -> str:
    """The lines, of which one for each listener.  Shows no password but the one all know.

    ``to_person``: somebody sits at the terminal, and may want to be shown how to begin.
    """
    build = "compiled" if is_compiled() else "interpreted"
    lines = [f"Leveret {__version__} ({build}) is ready; Ctrl-C stops it."]
    if remedy():
        lines.append(remedy())
    for one in listeners:
        only = f" ({settings.default_user}: from this machine only)"
        limit = only if is_held_back(settings, one) else ""
        lines.append(f"{place(one)}: {url(settings, one)}{limit}")
    lines.append("Nothing is on the disk yet: a restart forgets durable and persistent things too.")
    # Whoever has only TLS has to name certificates, too: no line to begin with.
    if to_person and not listeners[0].is_tls:
        first = _FIRST.format(url=url(settings, listeners[0]))
        lines.append(f'First message (after pip install pika): python3 -c "{first}"')
    return "\n".join(lines)


def place(listener: Listener) -> str:
    """Protocol and address, as the log says it too."""
    where = address(listener) if listener.host else f"every interface, port {listener.port}"
    return f"{listener.protocol} on {where}"


def address(listener: Listener) -> str:
    """Host and port as one word."""
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{host}:{listener.port}"


def is_held_back(settings: Settings, listener: Listener) -> bool:
    """Whether others could reach the listener, but not as the default user."""
    try:
        is_local = ip_address(listener.host).is_loopback
    except ValueError:  # a name, or nothing for every interface
        is_local = listener.host == "localhost"
    return not is_local and settings.default_user in settings.loopback_users


def url(settings: Settings, listener: Listener) -> str:
    """What a client on this machine connects to.  Any but guest's password is left out."""
    known = settings.default_user == "guest" and settings.default_pass == "guest"
    user = quote(settings.default_user, safe="")
    where = f"localhost:{listener.port}" if listener.host in _LOCAL else address(listener)
    vhost = quote(settings.default_vhost, safe="")
    scheme = "amqps" if listener.is_tls else "amqp"
    return f"{scheme}://{user}:{'guest' if known else 'PASSWORD'}@{where}/{vhost}"
