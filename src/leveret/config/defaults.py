"""The settings of what is there from the start: the first user's rights, other users, limits."""

from typing import Final, final

from leveret.config.groups import Groups
from leveret.config.kinds import (
    UNLIMITED,
    Choice,
    Limit,
    Names,
    Secret,
    Setting,
    Text,
    Wrong,
)
from leveret.patterns import MAX_PATTERN, compiled

# A field of default_operator_policies that says nothing.
UNSET: Final = UNLIMITED
_MOST: Final = 1_000_000_000_000

_VHOSTS: Final = ".*"
_SCOPES: Final = ["queues", "classic_queues", "quorum_queues", "streams", "all"]


@final
class Pattern(Text):
    """A pattern over names."""

    def __init__(self, name: str, default: str, text: str) -> None:
        super().__init__(name, default, text, 0, MAX_PATTERN)

    def allowed(self) -> str:
        """What patterns are."""
        return "a regular expression"

    def check(self, value: object) -> object:
        """Compiles it, to see whether that can be done."""
        checked = super().check(value)
        assert isinstance(checked, str)
        try:
            compiled(checked)
        except ValueError as error:
            raise Wrong(f"{checked!r} is no pattern: {error}") from None
        return checked


DEFAULTS: Final[list[Setting]] = [
    Names("default_user_tags", ["administrator"], "", "Tags of the default user."),
    Pattern("default_permissions_configure", ".*", "What the default user may configure."),
    Pattern("default_permissions_write", ".*", "What the default user may write to."),
    Pattern("default_permissions_read", ".*", "What the default user may read from."),
    Groups(
        "default_users",
        [
            Secret("password", "", "Password; empty for none, so for a certificate only."),
            Names("tags", [], "", "Tags."),
            Pattern("vhost_pattern", _VHOSTS, "Virtual hosts that it gets rights in."),
            Pattern("configure", ".*", "What it may configure there."),
            Pattern("write", ".*", "What it may write to."),
            Pattern("read", ".*", "What it may read from."),
        ],
        "More users, made with each virtual host that they match.",
    ),
    Groups(
        "default_vhost_limits",
        [
            Pattern("vhost_pattern", _VHOSTS, "Virtual hosts that get them."),
            Limit("max_connections", UNLIMITED, "", _MOST, "Connections."),
            Limit("max_queues", UNLIMITED, "", _MOST, "Queues."),
        ],
        "Limits of new virtual hosts, the first in the order of their names that matches.",
    ),
    Groups(
        "default_operator_policies",
        [
            Pattern("vhost_pattern", _VHOSTS, "Virtual hosts that get it."),
            Pattern("queue_pattern", ".*", "Queues that it is for."),
            Choice("apply_to", "queues", _SCOPES, "Types of queues that it is for."),
            Limit("expires_ms", UNSET, "milliseconds", _MOST, "As in a policy."),
            Limit("message_ttl_ms", UNSET, "milliseconds", _MOST, "As in a policy."),
            Limit("max_length", UNSET, "messages", _MOST, "As in a policy."),
            Limit("max_length_bytes", UNSET, "octets", _MOST, "As in a policy."),
            Limit("delivery_limit", UNSET, "deliveries", _MOST, "As in a policy."),
        ],
        "Operator policies of new virtual hosts; what is unlimited is left out.",
    ),
]
