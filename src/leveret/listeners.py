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
from leveret.net.carrier import Upgrade
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
        Sort("MQTT over WebSockets", "http/web-mqtt", "ws", "web_mqtt_", False),
        Sort("MQTT over WebSockets and TLS", "https/web-mqtt", "wss", "web_mqtt_", True),
        Sort("STOMP over WebSockets", "http/web-stomp", "ws", "web_stomp_", False),
        Sort("STOMP over WebSockets and TLS", "https/web-stomp", "wss", "web_stomp_", True),
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
        speaks = _protocol(node, sort.prefix)
        entrance = _entrance(settings, sort, tls)
        for host, port in places_of(settings, sort):
            listener = Listener(sort.title, speaks, host, port, node.clock, node.notices, entrance)
            listener.sockets = sockets
            made.append(listener)
    return made


def _protocol(node: Node, prefix: str) -> Protocol:
    if prefix == "mqtt_":
        return LateProtocol(*_MQTT, node)
    if prefix == "web_mqtt_":
        return LateProtocol(*_MQTT, node, "Web ")
    if prefix == "stomp_":
        return LateProtocol(*_STOMP, node)
    if prefix == "web_stomp_":
        return LateProtocol(*_STOMP, node, "Web ")
    return Amqp091(node)


def _entrance(settings: Settings, sort: Sort, tls: ServerTls | None) -> Entrance:
    trusted: Trusted | None = None
    if getattr(settings, f"{sort.prefix}proxy_protocol"):
        trusted = Trusted(settings.proxy_protocol_sources)
    timeout_ms = settings.tls_handshake_timeout_ms if sort.is_tls else settings.handshake_timeout_ms
    upgrade = _upgrade(settings, sort.prefix) if sort.prefix.startswith("web_") else None
    return Entrance(tls if sort.is_tls else None, trusted, timeout_ms, upgrade)


def _upgrade(settings: Settings, prefix: str) -> Upgrade:
    """How a protocol is asked for at its own port."""
    if prefix == "":
        upgrade = Upgrade(settings, "AMQP 0-9-1", "", ["amqp"])
    elif prefix == "web_mqtt_":
        upgrade = Upgrade(settings, "MQTT", settings.web_mqtt_path, ["mqtt", "mqttv3.1"])
        upgrade.must_name = True
        upgrade.uses_http_auth = settings.web_mqtt_use_http_auth
    else:
        names = ["v12.stomp", "v11.stomp", "v10.stomp"]
        upgrade = Upgrade(settings, "STOMP", settings.web_stomp_path, names)
        upgrade.takes_text = True
        upgrade.has_messages = True
        upgrade.is_text = settings.web_stomp_ws_frame == "text"
        upgrade.uses_http_auth = settings.web_stomp_use_http_auth
    return upgrade


def make_carried(node: Node) -> dict[str, Listener]:
    """Those whose WebSockets come to the port of the HTTP API, by path: of its own pages above all.

    Clients of AMQP come to the root, too, as they do elsewhere.
    """
    settings = node.settings
    if not settings.management_websockets:
        return {}
    prefix = settings.management_path_prefix.strip("/")
    root = f"/{prefix}/" if prefix else "/"
    amqp = _carried(node, "")
    return {
        root: amqp,
        f"{root}ws/amqp": amqp,
        f"{root}ws/mqtt": _carried(node, "web_mqtt_"),
        f"{root}ws/stomp": _carried(node, "web_stomp_"),
    }


def _carried(node: Node, prefix: str) -> Listener:
    upgrade = _upgrade(node.settings, prefix)
    # Whoever hands a connection over has looked at that.
    upgrade.path = ""
    upgrade.is_own = True
    entrance = Entrance(None, None, node.settings.handshake_timeout_ms, upgrade)
    speaks, title = _protocol(node, prefix), f"{upgrade.name} over WebSockets"
    return Listener(title, speaks, "", 0, node.clock, node.notices, entrance)


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
