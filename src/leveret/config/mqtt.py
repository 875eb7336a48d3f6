"""The settings of MQTT: where it listens, who comes without a name, how much a client may take."""

from typing import Final

from leveret.config.addresses import Addresses
from leveret.config.kinds import (
    Choice,
    Duration,
    Flag,
    Number,
    Secret,
    Setting,
    Size,
    Text,
)

_PACKET_CAP: Final = 268_435_455
_SAN_TYPES: Final = ["dns", "ip", "email", "uri", "other_name"]

MQTT: Final[list[Setting]] = [
    Number("mqtt_port", 1883, "port", 0, 65535, "Port for MQTT; 0 for any free one."),
    Addresses("mqtt_listen", "Addresses for MQTT, instead of host and mqtt_port."),
    Number(
        "mqtt_tls_port", 8883, "port", 0, 65535, "Port for MQTT over TLS, once tls_certfile is set."
    ),
    Addresses("mqtt_tls_listen", "Addresses for MQTT over TLS, instead of host and mqtt_tls_port."),
    Flag("mqtt_proxy_protocol", False, "As proxy_protocol, for MQTT's listeners."),
    Text("mqtt_vhost", "/", "Virtual host of clients that name none.", 1),
    Text("mqtt_exchange", "amq.topic", "Exchange that messages are published to.", 1),
    Flag("mqtt_allow_anonymous", True, "Whether clients may come without user name and password."),
    Text("mqtt_default_user", "", "User of those; empty for that of anonymous_login_user."),
    Secret("mqtt_default_pass", "", "Password of mqtt_default_user.", 0, 255),
    Flag("mqtt_ssl_cert_login", False, "Whether a certificate says who a client is."),
    Choice(
        "mqtt_ssl_cert_client_id_from",
        "none",
        ["none", "distinguished_name", "subject_alternative_name"],
        "What in a certificate the client's id must be.",
    ),
    Choice(
        "mqtt_ssl_cert_login_san_type", "dns", _SAN_TYPES, "Which kind of alternative name that is."
    ),
    Number(
        "mqtt_ssl_cert_login_san_index", 0, "", 0, 255, "Which one of that kind; 0 is the first."
    ),
    Duration("mqtt_login_timeout_ms", 10_000, 1, 3_600_000, "Time for CONNECT to come."),
    Number(
        "mqtt_keep_alive_max_s",
        0,
        "seconds",
        0,
        65535,
        "Longest keep-alive of MQTT 5 clients, who are told so; 0: their own.",
    ),
    Number(
        "mqtt_prefetch",
        10,
        "messages",
        1,
        65535,
        "Messages of QoS 1 and 2 on their way to a client that names no number.",
    ),
    Choice(
        "mqtt_durable_queue_type",
        "classic",
        ["classic", "quorum"],
        "Type of the queues of sessions that outlive their connections.",
    ),
    Duration(
        "mqtt_max_session_expiry_interval_s",
        86_400,
        0,
        4_294_967_295,
        "How long a session may outlive its connection; 4294967295: for ever.",
    ),
    Number("mqtt_topic_alias_maximum", 16, "aliases", 0, 65535, "Topic aliases a client may use."),
    Size("mqtt_max_packet_size", 16_777_216, 1024, _PACKET_CAP, "Largest packet."),
    Size(
        "mqtt_max_packet_size_unauthenticated",
        65_536,
        1024,
        _PACKET_CAP,
        "Largest packet of whom we do not know yet.",
    ),
    Number(
        "mqtt_mailbox_soft_limit",
        200,
        "messages",
        0,
        1_000_000_000,
        "Messages of QoS 0 that wait for a client before more are dropped; 0: any number.",
    ),
    Flag(
        "mqtt_disconnect_on_unauthorized",
        True,
        "Whether a client that publishes what it may not is cut off.",
    ),
    Choice(
        "mqtt_retained_store",
        "disk",
        ["disk", "memory", "none"],
        "Where retained messages are kept.",
    ),
    Number(
        "mqtt_retained_messages", 100_000, "messages", 0, 1_000_000_000, "Retained messages, all."
    ),
    Size("mqtt_retained_size", 1_000_000_000, 0, 1 << 40, "What they may take together."),
    Duration("mqtt_sys_interval_s", 10, 0, 86_400, "How often $SYS topics are told; 0: never."),
]
