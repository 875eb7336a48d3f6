"""Connections: all, those of a vhost or of a user, and one.  Reading only."""

from typing import Any, Final, final

from starlette.responses import Response

from leveret.broker.connections import Link
from leveret.broker.definition_export import json_of
from leveret.broker.node import Node
from leveret.management.api import MANAGEMENT, Call, NotAuthorised, NotFound, Route
from leveret.management.lists import Facts, Listing, reply_list, reply_one
from leveret.management.sampler import statistics_of
from leveret.management.samples import read_spans


@final
class Teller:
    """Tells of connections, for one request."""

    def __init__(self, call: Call) -> None:
        self._node: Final = call.node.name
        self._alarms: Final = call.node.alarms
        is_wanted = call.wants_statistics
        self._statistics: Final = statistics_of(call.node) if is_wanted else None
        self._spans: Final = read_spans(call.query)

    def facts(self, link: Link) -> Facts:
        """What lists show of a connection."""
        facts = {"node": self._node, "state": self._state(link), **link_facts(link)}
        if self._statistics is None:
            return facts
        return {**facts, **self._statistics.connection(link, self._spans)}

    def _state(self, link: Link) -> str:
        """Those who would be held if they published are ``blocking``, as in RabbitMQ."""
        if not self._alarms.is_set:
            return "running"
        return "blocked" if link.is_waiting else "blocking"


def link_facts(link: Link) -> Facts:
    """What it is, and where it is from."""
    peer = link.peer
    properties = {name: json_of(field) for name, field in link.client_properties.items()}
    own_name = properties.get("connection_name")
    return {
        "name": link.name,
        # Clients may say anything; what reads this expects a text.
        "user_provided_name": own_name if isinstance(own_name, str) else None,
        "type": "network",
        "host": peer.local_host,
        "port": peer.local_port,
        "peer_host": peer.host,
        "peer_port": peer.port,
        "protocol": link.protocol,
        "auth_mechanism": link.mechanism,
        "user": link.user.name,
        "user_who_performed_action": link.user.name,
        "vhost": link.vhost,
        "timeout": link.heartbeat_s,
        "frame_max": link.frame_max,
        "channel_max": link.channel_max,
        "client_properties": properties,
        "connected_at": link.connected_at_s * 1000,
        "channels": len(link.channels),
        **tls_facts(link),
        **traffic_facts(link),
    }


def tls_facts(link: Link) -> Facts:
    """How it is encrypted."""
    tls = link.peer.tls
    if tls is None:
        tls_fields = ("ssl_protocol", "ssl_key_exchange", "ssl_cipher", "ssl_hash")
        peer_fields = ("peer_cert_subject", "peer_cert_issuer", "peer_cert_validity")
        return {"ssl": False, **dict.fromkeys((*tls_fields, *peer_fields))}
    return {
        "ssl": True,
        "ssl_protocol": tls.protocol,
        # The cipher's name says these two.
        "ssl_key_exchange": None,
        "ssl_cipher": tls.cipher,
        "ssl_hash": None,
        "peer_cert_subject": tls.subject or None,
        "peer_cert_issuer": tls.issuer or None,
        "peer_cert_validity": tls.validity or None,
    }


def traffic_facts(link: Link) -> Facts:
    """What went through its socket."""
    traffic = link.traffic
    return {
        "recv_oct": int(traffic.octets_in),
        "recv_cnt": int(traffic.chunks_in),
        "send_oct": int(traffic.octets_out),
        "send_cnt": int(traffic.chunks_out),
        "send_pend": 0,
    }


KEYS: Final[dict[str, Any]] = {
    "name": lambda link: link.name,
    "user": lambda link: link.user.name,
    "vhost": lambda link: link.vhost,
    "protocol": lambda link: link.protocol,
    "channels": lambda link: len(link.channels),
    "peer_host": lambda link: link.peer.host,
    "connected_at": lambda link: link.connected_at_s,
    "recv_oct": lambda link: int(link.traffic.octets_in),
    "send_oct": lambda link: int(link.traffic.octets_out),
}


async def reply_links(call: Call, links: list[Link]) -> Response:
    """The answer that lists connections."""
    facts = Teller(call).facts
    return await Listing(facts, KEYS, ("vhost", "name")).reply(call, links)


# --- which ---------------------------------------------------------------------------------


def visible_links(call: Call) -> list[Link]:
    """Those that the user may know of: its own, or all."""
    only = call.request.headers.get("x-vhost", "")
    name = call.user.name
    return [
        link
        for link in list(call.node.connections.by_id.values())
        if (call.is_monitor or link.user.name == name) and only in ("", link.vhost)
    ]


def find_link(call: Call, name: str) -> Link:
    """The connection called ``name``.  Raises NotFound, NotAuthorised."""
    link = link_by_name(call.node, name)
    if link is None:
        raise NotFound()
    if not call.is_monitor and link.user.name != call.user.name:
        raise NotAuthorised("User not authorised to access object")
    return link


def link_by_name(node: Node, name: str) -> Link | None:
    """The connection called ``name``."""
    # ``127.0.0.1:54321 -> 127.0.0.1:5672``: of many, few come from the same port.
    port = name.partition(" -> ")[0].rpartition(":")[2]
    if not port.isascii() or not port.isdecimal() or len(port) > 5:
        return None
    number = int(port)
    for link in node.connections.by_id.values():
        if link.peer.port == number and link.name == name:
            return link
    return None


# --- views ---------------------------------------------------------------------------------


async def connections(call: Call) -> Response:
    """All that the user may know of."""
    return await reply_links(call, visible_links(call))


async def in_vhost(call: Call) -> Response:
    """Those to one vhost."""
    vhost = await call.vhost()
    return await reply_links(call, [one for one in visible_links(call) if one.vhost == vhost.name])


async def of_user(call: Call) -> Response:
    """Those of one user, in few words."""
    name = call.names["user"]
    links = [link for link in visible_links(call) if link.user.name == name]
    node = call.node.name
    facts: list[Facts] = [
        {"name": one.name, "vhost": one.vhost, "user": one.user.name, "node": node} for one in links
    ]
    return await reply_list(call, facts, "vhost", "name")


async def connection(call: Call) -> Response:
    """One connection."""
    return await reply_one(call, Teller(call).facts(find_link(call, call.names["name"])))


async def sessions(call: Call) -> Response:
    """The AMQP 1.0 sessions of a connection: none, as nobody speaks that yet."""
    find_link(call, call.names["name"])
    return await reply_list(call, [])


ROUTES: Final = [
    Route("/api/connections", MANAGEMENT, GET=connections),
    Route("/api/connections/{name}", MANAGEMENT, GET=connection),
    Route("/api/connections/{name}/sessions", MANAGEMENT, GET=sessions),
    Route("/api/connections/username/{user}", MANAGEMENT, GET=of_user),
    Route("/api/vhosts/{vhost}/connections", MANAGEMENT, GET=in_vhost),
]
