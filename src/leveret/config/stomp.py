"""The settings of STOMP: where it listens, who comes without a name, and what frames mean."""

from typing import Final

from leveret.config.addresses import Addresses
from leveret.config.kinds import Duration, Flag, Number, Secret, Setting, Size, Text

STOMP: Final[list[Setting]] = [
    Number("stomp_port", 61613, "port", 0, 65535, "Port for STOMP; 0 for any free one."),
    Addresses("stomp_listen", "Addresses for STOMP, instead of host and stomp_port."),
    Number(
        "stomp_tls_port",
        61614,
        "port",
        0,
        65535,
        "Port for STOMP over TLS, once tls_certfile is set.",
    ),
    Addresses(
        "stomp_tls_listen", "Addresses for STOMP over TLS, instead of host and stomp_tls_port."
    ),
    Flag("stomp_proxy_protocol", False, "As proxy_protocol, for STOMP's listeners."),
    Text("stomp_default_user", "guest", "User of frames CONNECT without login; empty: refused."),
    Secret("stomp_default_pass", "guest", "Password of stomp_default_user.", 0, 255),
    Text("stomp_default_vhost", "/", "Virtual host of clients that name none.", 1),
    Text("stomp_default_topic_exchange", "amq.topic", "Exchange of destinations /topic.", 1),
    Flag("stomp_implicit_connect", False, "Whether the first frame may be another than CONNECT."),
    Flag("stomp_ssl_cert_login", False, "Whether a certificate says who a client is."),
    Flag("stomp_default_nack_requeue", True, "Whether NACK puts messages back into the queue."),
    Flag("stomp_hide_server_info", False, "Whether CONNECTED keeps name and version to itself."),
    Duration("stomp_login_timeout_ms", 10_000, 1, 3_600_000, "Time for CONNECT to come."),
    Size("stomp_max_frame_size", 4_194_304, 1024, 536_870_912, "Largest frame."),
    Size(
        "stomp_max_frame_size_unauthenticated",
        65_536,
        1024,
        536_870_912,
        "Largest frame of whom we do not know yet.",
    ),
]
