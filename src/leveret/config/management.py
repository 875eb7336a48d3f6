"""The settings of the HTTP API and the web page: where they are, and how much they may take."""

from typing import Final

from leveret.config.addresses import Addresses
from leveret.config.kinds import (
    Choice,
    Duration,
    File,
    Flag,
    Names,
    Number,
    Secret,
    Setting,
    Size,
    Text,
)

MANAGEMENT: Final[list[Setting]] = [
    Number("management_port", 15672, "port", 0, 65535, "Port for HTTP; 0 for any free one."),
    Addresses("management_listen", "Addresses for HTTP, instead of host and management_port."),
    Number(
        "management_tls_port",
        15671,
        "port",
        0,
        65535,
        "Port for HTTPS, once management_tls_certfile is set.",
    ),
    Addresses("management_tls_listen", "Addresses for HTTPS, instead of host and its port."),
    File("management_tls_certfile", "Certificate for HTTPS, and those up to its CA, as PEM."),
    File("management_tls_keyfile", "Private key of it, as PEM; empty if in the same file."),
    Secret("management_tls_password", "", "Password of that private key.", 0, 1024),
    File("management_tls_cacertfile", "CA certificates that browsers' are checked by, as PEM."),
    Choice(
        "management_tls_verify",
        "none",
        ["none", "peer"],
        "Whether browsers are asked for a certificate.",
    ),
    Flag("management_tls_fail_if_no_peer_cert", False, "Whether browsers must have one."),
    Text("management_path_prefix", "", "What all paths begin with, such as /broker."),
    Choice(
        "management_rates_mode",
        "basic",
        ["basic", "detailed", "none"],
        "Whether rates are told; basic and detailed are the same here.",
    ),
    Names("management_cors_allow_origins", [], "", "Other sites whose pages may use the API."),
    Duration(
        "management_cors_max_age_s",
        1800,
        0,
        86_400,
        "How long browsers remember that they may.",
    ),
    Size("management_max_body_size", 10_485_760, 1024, 1 << 30, "Largest body of a request."),
    Number(
        "management_max_connections", 1000, "connections", 1, 1_000_000, "HTTP connections at once."
    ),
    Duration("management_timeout_ms", 30_000, 100, 3_600_000, "Time for a request to arrive."),
    Duration(
        "management_login_session_timeout_s",
        28_800,
        60,
        31_536_000,
        "How long the page keeps somebody logged in who does nothing.",
    ),
]
