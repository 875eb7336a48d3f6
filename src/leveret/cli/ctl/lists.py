"""Commands that list queues, exchanges, bindings, connections, channels and consumers, column by
column.

What Erlang has process ids for is named here: a connection's or a channel's name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

from leveret.cli.ctl.asking import of_vhost
from leveret.cli.ctl.command import Answer, BadCall, Call, Command, Rows
from leveret.cli.ctl.erlang import Version

_PROTOCOL: Final = "AMQP 0-9-1"


@final
class Listing:
    """One kind of thing: its columns, and where the API has those it calls otherwise.

    A path with dots leads into an object.
    """

    def __init__(
        self, kind: str, columns: Sequence[str], default: Sequence[str], paths: Mapping[str, str]
    ) -> None:
        self.kind: Final = kind
        self.columns: Final = tuple(columns)
        self.default: Final = tuple(default)
        self.paths: Final = dict(paths)

    def chosen(self, call: Call) -> list[str]:
        """The columns that are asked for.  Raises BadCall for one that there is not."""
        unknown = [name for name in call.arguments if name not in self.columns]
        if unknown:
            raise BadCall(f"Info key(s) {','.join(unknown)} are not supported")
        # RabbitMQ shows each once, however often it is named.
        return list(dict.fromkeys(call.arguments or self.default))

    def fields(self, columns: list[str]) -> str:
        """The keys to ask the API for, and for no others: most cost it something."""
        return ",".join([self.paths.get(name, name) for name in columns])

    def rows(self, columns: list[str], found: list[dict[str, Any]]) -> Rows:
        """The values of these columns."""
        return Rows(columns, [[self.value(one, name) for name in columns] for one in found])

    def value(self, thing: dict[str, Any], column: str) -> object:
        """One column of one thing; None where it has none such."""
        value: Any = thing
        for key in self.paths.get(column, column).split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if column == "protocol" and value == _PROTOCOL:
            return Version([0, 9, 1])
        if column == "arguments" and not value:
            return []
        return value


QUEUES: Final = Listing(
    "queues",
    (
        *("name", "durable", "auto_delete", "arguments", "policy", "operator_policy"),
        *("effective_policy_definition", "pid", "owner_pid", "exclusive"),
        *("exclusive_consumer_pid", "exclusive_consumer_tag", "messages_ready"),
        *("messages_unacknowledged", "messages", "messages_ready_ram"),
        *("messages_unacknowledged_ram", "messages_ram", "messages_persistent", "message_bytes"),
        *("message_bytes_ready", "message_bytes_unacknowledged", "message_bytes_ram"),
        *("message_bytes_persistent", "head_message_timestamp", "disk_reads", "disk_writes"),
        *("consumers", "consumer_utilisation", "consumer_capacity", "memory", "state", "type"),
        *("leader", "members", "online", "slave_pids", "synchronised_slave_pids"),
        *("messages_dlx", "storage_version"),
    ),
    ("name", "messages"),
    {
        "pid": "name",
        "owner_pid": "owner_pid_details.name",
        "disk_reads": "message_stats.disk_reads",
        "disk_writes": "message_stats.disk_writes",
    },
)
EXCHANGES: Final = Listing(
    "exchanges",
    ("name", "type", "durable", "auto_delete", "internal", "arguments", "policy"),
    ("name", "type"),
    {},
)
BINDINGS: Final = Listing(
    "bindings",
    (
        *("source_name", "source_kind", "destination_name", "destination_kind"),
        *("routing_key", "arguments"),
    ),
    (
        *("source_name", "source_kind", "destination_name", "destination_kind"),
        *("routing_key", "arguments"),
    ),
    {
        "source_name": "source",
        "destination_name": "destination",
        "destination_kind": "destination_type",
    },
)
CONNECTIONS: Final = Listing(
    "connections",
    (
        *("pid", "name", "port", "host", "peer_port", "peer_host", "ssl", "ssl_protocol"),
        *("ssl_key_exchange", "ssl_cipher", "ssl_hash", "peer_cert_subject", "peer_cert_issuer"),
        *("peer_cert_serial_number", "peer_cert_validity", "state", "channels", "protocol"),
        *("auth_mechanism", "user", "vhost", "container_id", "timeout", "frame_max"),
        *("channel_max", "client_properties", "recv_oct", "recv_cnt", "send_oct", "send_cnt"),
        *("send_pend", "connected_at"),
    ),
    ("user", "peer_host", "peer_port", "state"),
    {"pid": "name"},
)
# Those of one protocol, with the columns that its plugin of RabbitMQ's has for them.
OF_MQTT: Final = Listing(
    "connections",
    (
        *("pid", "client_id", "conn_name", "name", "user", "vhost", "protocol", "peer_host"),
        *("peer_port", "host", "port", "state", "ssl", "ssl_protocol", "ssl_cipher"),
        *("peer_cert_subject", "peer_cert_issuer", "peer_cert_validity", "keepalive"),
        *("connected_at", "recv_oct", "recv_cnt", "send_oct", "send_cnt"),
    ),
    ("client_id", "conn_name"),
    {
        "pid": "name",
        "conn_name": "name",
        "client_id": "client_properties.client_id",
        "keepalive": "timeout",
    },
)
OF_STOMP: Final = Listing(
    "connections",
    (
        *("session_id", "conn_name", "name", "user", "auth_login", "auth_mechanism", "vhost"),
        *("protocol", "channels", "channel_max", "frame_max", "timeout", "client_properties"),
        *("peer_host", "peer_port", "host", "port", "state", "ssl", "ssl_protocol"),
        *("ssl_cipher", "peer_cert_subject", "peer_cert_issuer", "peer_cert_validity"),
        *("recv_oct", "recv_cnt", "send_oct", "send_cnt"),
    ),
    ("session_id", "conn_name"),
    {"session_id": "name", "conn_name": "name", "auth_login": "user"},
)
CHANNELS: Final = Listing(
    "channels",
    (
        *("pid", "connection", "name", "number", "user", "vhost", "transactional", "confirm"),
        *("consumer_count", "messages_unacknowledged", "messages_uncommitted"),
        *("acks_uncommitted", "messages_unconfirmed", "prefetch_count", "global_prefetch_count"),
    ),
    ("pid", "user", "consumer_count", "messages_unacknowledged"),
    {"pid": "name", "connection": "connection_details.name"},
)
CONSUMERS: Final = Listing(
    "consumers",
    (
        *("queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count"),
        *("active", "activity_status", "arguments"),
    ),
    (
        *("queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count"),
        *("active", "arguments"),
    ),
    {"queue_name": "queue.name", "channel_pid": "channel_details.name"},
)


def list_queues(call: Call) -> Answer:
    """The queues of a virtual host."""
    columns = QUEUES.chosen(call)
    call.say(f"Timeout: {call.api.address.timeout_s} seconds ...")
    call.say(f"Listing queues for vhost {call.vhost} ...")
    fields = QUEUES.fields([*columns, "state"])
    found = of_vhost(call, "queues", call.vhost, columns=fields)
    if call.has("offline"):
        found = [one for one in found if one.get("state") in ("down", "stopped")]
    elif call.has("online"):
        found = [one for one in found if one.get("state") not in ("down", "stopped")]
    return QUEUES.rows(columns, found)


def list_unresponsive_queues(call: Call) -> Answer:
    """Queues that cannot answer: where one process serves all, those that are down."""
    columns = QUEUES.chosen(call)
    call.say(f"Listing unresponsive queues for vhost {call.vhost} ...")
    fields = QUEUES.fields([*columns, "state"])
    found = of_vhost(call, "queues", call.vhost, columns=fields)
    return QUEUES.rows(columns, [one for one in found if one.get("state") == "down"])


def list_exchanges(call: Call) -> Answer:
    """The exchanges of a virtual host."""
    columns = EXCHANGES.chosen(call)
    call.say(f"Listing exchanges for vhost {call.vhost} ...")
    found = of_vhost(call, "exchanges", call.vhost, columns=EXCHANGES.fields(columns))
    return EXCHANGES.rows(columns, found)


def list_bindings(call: Call) -> Answer:
    """What is bound to what in a virtual host."""
    columns = BINDINGS.chosen(call)
    call.say(f"Listing bindings for vhost {call.vhost}...")
    found = of_vhost(call, "bindings", call.vhost)
    for one in found:
        one["source_kind"] = "exchange"
    return BINDINGS.rows(columns, found)


def list_connections(call: Call) -> Answer:
    """Who is connected."""
    columns = CONNECTIONS.chosen(call)
    call.say("Listing connections ...")
    found = call.api.get("connections", columns=CONNECTIONS.fields(columns))
    return CONNECTIONS.rows(columns, found)


def list_mqtt_connections(call: Call) -> Answer:
    """Who is connected by MQTT."""
    return _of_protocol(call, OF_MQTT, "MQTT")


def list_web_mqtt_connections(call: Call) -> Answer:
    """Who is connected by MQTT in a WebSocket."""
    return _of_protocol(call, OF_MQTT, "Web MQTT")


def list_stomp_connections(call: Call) -> Answer:
    """Who is connected by STOMP."""
    return _of_protocol(call, OF_STOMP, "STOMP")


def list_web_stomp_connections(call: Call) -> Answer:
    """Who is connected by STOMP in a WebSocket."""
    return _of_protocol(call, OF_STOMP, "Web STOMP")


def _of_protocol(call: Call, listing: Listing, protocol: str) -> Answer:
    columns = listing.chosen(call)
    call.say(f"Listing {protocol} connections ...")
    fields = listing.fields([*columns, "protocol"])
    found = call.api.get("connections", columns=fields)
    those = [one for one in found if str(one.get("protocol")).startswith(f"{protocol} ")]
    return listing.rows(columns, those)


def list_channels(call: Call) -> Answer:
    """The channels of all connections."""
    columns = CHANNELS.chosen(call)
    call.say("Listing channels ...")
    return CHANNELS.rows(columns, call.api.get("channels", columns=CHANNELS.fields(columns)))


def list_consumers(call: Call) -> Answer:
    """Who consumes from the queues of a virtual host."""
    columns = CONSUMERS.chosen(call)
    call.say(f"Listing consumers in vhost {call.vhost} ...")
    return CONSUMERS.rows(columns, of_vhost(call, "consumers", call.vhost))


_GROUP: Final = "Lists"
_COLUMNS: Final = "[<column> ...]"
COMMANDS: Final = (
    Command(
        "list_queues",
        _COLUMNS,
        list_queues,
        "Lists queues, with the columns that are named",
        ["online", "offline", "local"],
        _GROUP,
    ),
    Command(
        "list_unresponsive_queues",
        _COLUMNS,
        list_unresponsive_queues,
        "Lists queues that do not answer",
        ["local", "all", "queue-timeout="],
        _GROUP,
    ),
    Command("list_exchanges", _COLUMNS, list_exchanges, "Lists exchanges", group=_GROUP),
    Command("list_bindings", _COLUMNS, list_bindings, "Lists bindings", group=_GROUP),
    Command("list_connections", _COLUMNS, list_connections, "Lists connections", group=_GROUP),
    Command(
        "list_mqtt_connections",
        _COLUMNS,
        list_mqtt_connections,
        "Lists connections that speak MQTT",
        group=_GROUP,
    ),
    Command(
        "list_web_mqtt_connections",
        _COLUMNS,
        list_web_mqtt_connections,
        "Lists those that speak it in a WebSocket",
        group=_GROUP,
    ),
    Command(
        "list_stomp_connections",
        _COLUMNS,
        list_stomp_connections,
        "Lists connections that speak STOMP",
        group=_GROUP,
    ),
    Command(
        "list_web_stomp_connections",
        _COLUMNS,
        list_web_stomp_connections,
        "Lists those that speak it in a WebSocket",
        group=_GROUP,
    ),
    Command("list_channels", _COLUMNS, list_channels, "Lists channels", group=_GROUP),
    Command("list_consumers", _COLUMNS, list_consumers, "Lists consumers", group=_GROUP),
)
LISTINGS: Final = {
    "list_queues": QUEUES,
    "list_unresponsive_queues": QUEUES,
    "list_exchanges": EXCHANGES,
    "list_bindings": BINDINGS,
    "list_connections": CONNECTIONS,
    "list_mqtt_connections": OF_MQTT,
    "list_web_mqtt_connections": OF_MQTT,
    "list_stomp_connections": OF_STOMP,
    "list_web_stomp_connections": OF_STOMP,
    "list_channels": CHANNELS,
    "list_consumers": CONSUMERS,
}
