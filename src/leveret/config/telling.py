"""The settings of what the broker tells, and of what it writes into messages."""

from typing import Final

from leveret.config.kinds import Choice, Flag, Setting, Text

_MARKS: Final = ["off", "keep", "overwrite"]

TELLING: Final[list[Setting]] = [
    Flag(
        "event_exchange", False, "Whether events can be had from the exchange amq.rabbitmq.event."
    ),
    Text("event_exchange_vhost", "", "Its virtual host; empty for the default one."),
    Choice(
        "incoming_timestamp",
        "off",
        _MARKS,
        "Whether messages get the time at which they came, and if they have one.",
    ),
    Choice(
        "incoming_routing_node",
        "off",
        _MARKS,
        "Whether messages get the node's name as x-routed-by, and if they have one.",
    ),
]
