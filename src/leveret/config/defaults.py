"""The settings of what is there from the start: the first user's rights, other users, limits."""

from typing import Final

from leveret.config.kinds import UNLIMITED, Groups, Limit, Names, Secret, Setting, Text

# A field of default_operator_policies that says nothing.
UNSET: Final = UNLIMITED
_MOST: Final = 1_000_000_000_000

_VHOSTS: Final = ".*"

DEFAULTS: Final[list[Setting]] = [
    Names("default_user_tags", ["administrator"], "", "Tags of the default user."),
    Text("default_permissions_configure", ".*", "What the default user may configure.", 0, 4096),
    Text("default_permissions_write", ".*", "What the default user may write to.", 0, 4096),
    Text("default_permissions_read", ".*", "What the default user may read from.", 0, 4096),
    Groups(
        "default_users",
        [
            Secret("password", "", "Password; empty for none, so for a certificate only."),
            Names("tags", [], "", "Tags."),
            Text("vhost_pattern", _VHOSTS, "Virtual hosts that it gets rights in.", 0, 4096),
            Text("configure", ".*", "What it may configure there.", 0, 4096),
            Text("write", ".*", "What it may write to.", 0, 4096),
            Text("read", ".*", "What it may read from.", 0, 4096),
        ],
        "More users, made with each virtual host that they match.",
    ),
    Groups(
        "default_vhost_limits",
        [
            Text("vhost_pattern", _VHOSTS, "Virtual hosts that get them.", 0, 4096),
            Limit("max_connections", UNLIMITED, "", _MOST, "Connections."),
            Limit("max_queues", UNLIMITED, "", _MOST, "Queues."),
        ],
        "Limits of new virtual hosts, the first in the order of their names that matches.",
    ),
    Groups(
        "default_operator_policies",
        [
            Text("vhost_pattern", _VHOSTS, "Virtual hosts that get it.", 0, 4096),
            Text("queue_pattern", ".*", "Queues that it is for.", 0, 4096),
            Limit("expires_ms", UNSET, "milliseconds", _MOST, "As in a policy."),
            Limit("message_ttl_ms", UNSET, "milliseconds", _MOST, "As in a policy."),
            Limit("max_length", UNSET, "messages", _MOST, "As in a policy."),
            Limit("max_length_bytes", UNSET, "octets", _MOST, "As in a policy."),
            Limit("delivery_limit", UNSET, "deliveries", _MOST, "As in a policy."),
        ],
        "Operator policies of new virtual hosts.",
    ),
]
