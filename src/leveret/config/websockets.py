"""The settings of WebSockets, which carry the other protocols into browsers."""

from typing import Final

from leveret.config.addresses import Addresses, Origins
from leveret.config.kinds import Choice, Duration, Flag, Number, Setting, Size, Text

WEBSOCKETS: Final[list[Setting]] = [
    Number("web_mqtt_port", 15675, "port", 0, 65535, "Port for MQTT over WebSockets."),
    Addresses("web_mqtt_listen", "Addresses for that, instead of host and web_mqtt_port."),
    Number(
        "web_mqtt_tls_port", 15676, "port", 0, 65535, "The same over TLS, once tls_certfile is set."
    ),
    Addresses("web_mqtt_tls_listen", "Addresses for that, instead of host and web_mqtt_tls_port."),
    Text("web_mqtt_path", "/ws", "Path of WebSockets at these ports.", 1),
    Flag("web_mqtt_use_http_auth", False, "Whether HTTP says who a client of MQTT is."),
    Flag("web_mqtt_proxy_protocol", False, "As proxy_protocol, for these listeners."),
    Number("web_stomp_port", 15674, "port", 0, 65535, "Port for STOMP over WebSockets."),
    Addresses("web_stomp_listen", "Addresses for that, instead of host and web_stomp_port."),
    Number(
        "web_stomp_tls_port",
        15673,
        "port",
        0,
        65535,
        "The same over TLS, once tls_certfile is set.",
    ),
    Addresses(
        "web_stomp_tls_listen", "Addresses for that, instead of host and web_stomp_tls_port."
    ),
    Text("web_stomp_path", "/ws", "Path of WebSockets at these ports.", 1),
    Choice("web_stomp_ws_frame", "text", ["text", "binary"], "How browsers get STOMP's frames."),
    Flag("web_stomp_use_http_auth", False, "Whether HTTP says who a client of STOMP is."),
    Flag("web_stomp_proxy_protocol", False, "As proxy_protocol, for these listeners."),
    Flag(
        "management_websockets",
        True,
        "Whether /ws/amqp, /ws/mqtt and /ws/stomp are at the port of the HTTP API, too.",
    ),
    Origins("web_allowed_origins", "Other hosts whose pages may open WebSockets; '*' for all."),
    Size("web_max_message_size", 33_554_432, 1024, 536_870_912, "Largest WebSocket message."),
    Duration(
        "web_idle_timeout_ms",
        60_000,
        1000,
        86_400_000,
        "How long a browser may give no sign of life; it is asked for one in time.",
    ),
    Flag("web_compress", False, "Whether messages are compressed for browsers that want it."),
]
