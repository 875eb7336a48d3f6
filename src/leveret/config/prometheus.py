"""The settings of the port for Prometheus."""

from typing import Final

from leveret.config.addresses import Addresses
from leveret.config.kinds import Flag, Number, Setting

PROMETHEUS: Final[list[Setting]] = [
    Number("prometheus_port", 15692, "port", 0, 65535, "Port for metrics; 0 for any free one."),
    Addresses("prometheus_listen", "Addresses for metrics, instead of host and prometheus_port."),
    Flag("prometheus_authentication", False, "Whether metrics are only for users who may monitor."),
    Flag(
        "prometheus_per_object",
        False,
        "Whether /metrics tells of every queue and channel, as /metrics/per-object does.",
    ),
]
