"""What ``leveret serve`` says when it is ready: where it listens, and how to begin."""

from collections.abc import Collection, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

from leveret import __version__
from leveret.cli.main import is_compiled, remedy
from leveret.config.settings import Settings
from leveret.listeners import SORTS
from leveret.net.listener import Listener
from leveret.net.web import WebListener

_LOCAL: Final = ["", "0.0.0.0", "::", "127.0.0.1", "::1"]
_FIRST: Final = (
    "import pika; channel = pika.BlockingConnection(pika.URLParameters('{url}')).channel();"
    " channel.queue_declare('hello'); channel.basic_publish('', 'hello', b'Hello World!');"
    " print(channel.basic_get('hello', auto_ack=True)[2])"
)


def banner(
    settings: Settings,
    listeners: Sequence[Listener | WebListener],
    to_person: bool,
    users: Collection[str] | None = None,
    vhosts: Collection[str] | None = None,
) -> str:
    """The lines, of which one for each listener.  Shows no password but the one all know.

    ``to_person``: somebody sits at the terminal, and may want to be shown how to begin.
    ``users`` and ``vhosts`` are those there are, if they need not be the default ones.
    """
    user_is_there = users is None or settings.default_user in users
    vhost_is_there = vhosts is None or settings.default_vhost in vhosts
    build = "compiled" if is_compiled() else "interpreted"
    lines = [f"Leveret {__version__} ({build}) is ready; Ctrl-C stops it."]
    if remedy():
        lines.append(remedy())
    for one in listeners:
        only = f" ({settings.default_user}: from this machine only)"
        limit = only if user_is_there and is_held_back(settings, one) else ""
        shown = url(settings, one, user_is_there, vhost_is_there)
        lines.append(f"{place(one)}: {shown}{limit}")
    lines.append(f"What is durable is kept in {settings.data_dir}")
    # Whoever has only TLS has to name certificates, too: no line to begin with.
    if to_person and user_is_there and vhost_is_there and not listeners[0].is_tls:
        first = _FIRST.format(url=url(settings, listeners[0]))
        lines.append(f'First message (after pip install pika): python3 -c "{first}"')
    return "\n".join(lines)


def place(listener: Listener | WebListener) -> str:
    """Protocol and address, as the log says it too."""
    where = address(listener) if listener.host else f"every interface, port {listener.port}"
    return f"{listener.protocol} on {where}"


def address(listener: Listener | WebListener) -> str:
    """Host and port as one word."""
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{host}:{listener.port}"


def is_held_back(settings: Settings, listener: Listener | WebListener) -> bool:
    """Whether others could reach the listener, but not as the default user."""
    try:
        is_local = ip_address(listener.host).is_loopback
    except ValueError:  # a name, or nothing for every interface
        is_local = listener.host == "localhost"
    return not is_local and settings.default_user in settings.loopback_users


def url(
    settings: Settings,
    listener: Listener | WebListener,
    user_is_there: bool = True,
    vhost_is_there: bool = True,
) -> str:
    """What a client on this machine connects to.  Any but guest's password is left out.

    So are a default user and a default vhost that were not made, as definitions have others.
    """
    if isinstance(listener, WebListener):
        return web_url(settings, listener)
    known = settings.default_user == "guest" and settings.default_pass == "guest"
    user = quote(settings.default_user, safe="") if user_is_there else "USER"
    password = "guest" if known and user_is_there else "PASSWORD"
    where = f"localhost:{listener.port}" if listener.host in _LOCAL else address(listener)
    sort = SORTS[listener.protocol]
    if sort.prefix.startswith("web_"):
        path = str(getattr(settings, f"{sort.prefix}path"))
        return f"{sort.scheme}://{where}/{path.lstrip('/')}"
    if sort.prefix:
        return f"{sort.scheme}://{user}:{password}@{where}"
    vhost = quote(settings.default_vhost, safe="") if vhost_is_there else "VHOST"
    return f"{sort.scheme}://{user}:{password}@{where}/{vhost}"


def web_url(settings: Settings, listener: WebListener) -> str:
    """What a browser on this machine opens."""
    where = f"localhost:{listener.port}" if listener.host in _LOCAL else address(listener)
    prefix = settings.management_path_prefix.strip("/")
    scheme = "https" if listener.is_tls else "http"
    if not listener.is_api:
        prefix = f"{prefix}/metrics".lstrip("/")
    return f"{scheme}://{where}/{prefix}"
