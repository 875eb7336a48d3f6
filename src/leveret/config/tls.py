"""The settings of encryption, of proxies, and of the sockets under both."""

from typing import Final

from leveret.config.addresses import Addresses, Networks
from leveret.config.kinds import Choice, Duration, File, Flag, Names, Number, Secret, Setting

VERSIONS: Final = ["tlsv1.2", "tlsv1.3"]

TLS: Final[list[Setting]] = [
    Number("tls_port", 5671, "port", 0, 65535, "Port for AMQP over TLS, once tls_certfile is set."),
    Addresses("tls_listen", "Addresses for AMQP over TLS, instead of host and tls_port."),
    File("tls_certfile", "Certificate of the broker and those between it and its CA, as PEM."),
    File("tls_keyfile", "Private key of the certificate, as PEM; empty if in the same file."),
    Secret("tls_password", "", "Password of the private key.", 0, 1024),
    File("tls_cacertfile", "CA certificates that clients' certificates are checked by, as PEM."),
    Choice("tls_verify", "none", ["none", "peer"], "Whether clients are asked for a certificate."),
    Flag("tls_fail_if_no_peer_cert", False, "Whether clients must have a certificate."),
    Number("tls_depth", 10, "certificates", 0, 255, "CAs allowed between a client and the root."),
    Names("tls_versions", VERSIONS, "", "Versions of TLS to speak.", VERSIONS),
    Names(
        "tls_ciphers", [], "", "Cipher suites up to TLS 1.2, by OpenSSL's names; empty: its own."
    ),
    Duration("tls_handshake_timeout_ms", 5_000, 1, 3_600_000, "Time for TLS to begin."),
]

SOCKETS: Final[list[Setting]] = [
    Addresses("listen", "Addresses for AMQP 0-9-1, instead of host and port."),
    Flag("proxy_protocol", False, "Whether connections come through a proxy, which tells of whom."),
    Networks("proxy_protocol_sources", "Proxies to believe; empty: all.  Others are clients."),
    Number("tcp_backlog", 1024, "connections", 1, 65535, "Connections waiting to be accepted."),
    Flag("tcp_nodelay", True, "Whether small packets are sent at once."),
    Flag("tcp_keepalive", False, "Whether the system looks after connections that are silent."),
    Number(
        "tcp_linger_s",
        -1,
        "seconds",
        -1,
        3600,
        "How long a closed socket may go on sending; -1: as the system has it.",
    ),
]
