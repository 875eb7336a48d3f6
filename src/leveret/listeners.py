"""Which listeners the settings ask for: what each is called, where it is and what it speaks.

Opens none of them.
"""

from collections.abc import Callable
from typing import Final, final

from leveret.amqp091.protocol import Amqp091
from leveret.broker.node import Node
from leveret.broker.place import Place
from leveret.config.addresses import NOWHERE, split_address
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.net.door import Entrance
from leveret.net.late import LateProtocol
from leveret.net.listener import Listener
from leveret.net.proxy import Trusted
from leveret.net.sockets import sockets_of
from leveret.net.tls import ServerTls
from leveret.net.web import (
    MANAGEMENT,
    METRICS,
    WebListener,
    WebTls,
    management_places,
    management_tls_places,
    metrics_places,
)
from leveret.session import Protocol

_MQTT: Final = ("leveret.mqtt.protocol", "Mqtt")
_STOMP: Final = ("leveret.stomp.protocol", "Stomp")


@final
class Sort:
    """What is said of listeners of one sort.

    ``title`` is for people, ``place`` RabbitMQ's word for the protocol, ``scheme`` begins their
    URLs.  ``prefix`` is what the names of its settings begin with, those of its address and port.
    """

    def __init__(self, title: str, place: str, scheme: str, prefix: str, is_tls: bool) -> None:
        self.title: Final = title
        self.place: Final = place
        self.scheme: Final = scheme
        self.is_tls: Final = is_tls
        self.prefix: Final = prefix
        kind = "tls_" if is_tls else ""
        self.many: Final = f"{prefix}{kind}listen"
        self.one: Final = f"{prefix}{kind}port"


_AMQP: Final = Sort("AMQP 0-9-1", "amqp", "amqp", "", False)
_AMQPS: Final = Sort("AMQP 0-9-1 over TLS", "amqp/ssl", "amqps", "", True)

# Of everything but HTTP, by title.
SORTS: Final[dict[str, Sort]] = {
    sort.title: sort
    for sort in (
        _AMQP,
        _AMQPS,
        Sort("MQTT", "mqtt", "mqtt", "mqtt_", False),
        Sort("MQTT over TLS", "mqtt/ssl", "mqtts", "mqtt_", True),
        Sort("STOMP", "stomp", "stomp", "stomp_", False),
        Sort("STOMP over TLS", "stomp/ssl", "stomps", "stomp_", True),
    )
}


def needs_tls(settings: Settings) -> bool:
    """Whether any of them speaks TLS."""
    return any(sort.is_tls and places_of(settings, sort) for sort in SORTS.values())


def make_listeners(node: Node, tls: ServerTls | None) -> list[Listener]:
    """Every listener that is no HTTP, AMQP's first.  Raises ConfigError if AMQP has none at all."""
    settings = node.settings
    sockets = sockets_of(settings)
    made: list[Listener] = []
    for sort in SORTS.values():
        speaks = _protocol(node, sort)
        entrance = _entrance(settings, sort, tls)
        for host, port in places_of(settings, sort):
            listener = Listener(sort.title, speaks, host, port, node.clock, node.notices, entrance)
            listener.sockets = sockets
            made.append(listener)
    return made


def _protocol(node: Node, sort: Sort) -> Protocol:
    if sort.prefix == "mqtt_":
        return LateProtocol(*_MQTT, node)
    if sort.prefix == "stomp_":
        return LateProtocol(*_STOMP, node)
    return Amqp091(node)


def _entrance(settings: Settings, sort: Sort, tls: ServerTls | None) -> Entrance:
    trusted: Trusted | None = None
    if getattr(settings, f"{sort.prefix}proxy_protocol"):
        trusted = Trusted(settings.proxy_protocol_sources)
    if sort.is_tls:
        return Entrance(tls, trusted, settings.tls_handshake_timeout_ms)
    return Entrance(None, trusted, settings.handshake_timeout_ms)


def make_web(node: Node, tls: WebTls | None, wake: Callable[[], None]) -> list[WebListener]:
    """Every listener of HTTP, the API's first; ``wake`` is called when a request changed things."""
    settings = node.settings
    made = [
        WebListener("HTTP API", MANAGEMENT, node, host, port, None, wake)
        for host, port in management_places(settings)
    ]
    if tls is not None:
        made += [
            WebListener("HTTP API over TLS", MANAGEMENT, node, host, port, tls.context, wake)
            for host, port in management_tls_places(settings)
        ]
    return made + [
        WebListener("metrics", METRICS, node, host, port, None, wake)
        for host, port in metrics_places(settings)
    ]


def place_of(listener: Listener, tls: ServerTls | None) -> Place:
    """What is told of an open listener."""
    sort = SORTS[listener.protocol]
    expires = tls.expires if sort.is_tls and tls is not None else ""
    return Place(sort.place, listener.host, listener.port, expires)


def web_place_of(listener: WebListener, tls: WebTls | None) -> Place:
    """What is told of an open listener of HTTP."""
    if listener.is_tls and tls is not None:
        return Place("https", listener.host, listener.port, tls.expires)
    protocol = "http" if listener.is_api else "http/prometheus"
    return Place(protocol, listener.host, listener.port)


def places_of(settings: Settings, sort: Sort) -> list[tuple[str, int]]:
    """Host and port of every listener of a sort.  Raises ConfigError if AMQP has none at all."""
    listen: list[str] = getattr(settings, sort.many)
    if listen and listen != [NOWHERE]:
        return [split_address(text) for text in listen]
    if sort.is_tls and not settings.tls_certfile:
        return []
    if not listen:
        return [(settings.host, getattr(settings, sort.one))]
    if sort is _AMQP and not places_of(settings, _AMQPS):
        raise ConfigError(
            f"listen = ['none'] ({settings.origin['listen']}) leaves nothing to listen on; set"
            " tls_certfile and tls_keyfile, too.",
            settings.origin["listen"],
        )
    return []
