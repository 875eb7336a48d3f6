"""``plugins``: what rabbitmq-plugins is asked for in scripts and images.  Asks no broker.

What RabbitMQ has plugins for is either part of Leveret or not there: nothing can be switched.
"""

import re
from typing import Final

from leveret.cli.ctl.command import UNAVAILABLE, Answer, BadCall, Call, Command
from leveret.cli.refusals import Failure

BUILT_IN: Final = (
    "rabbitmq_auth_backend_http",
    "rabbitmq_auth_backend_oauth2",
    "rabbitmq_auth_mechanism_ssl",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_delayed_message_exchange",
    "rabbitmq_event_exchange",
    "rabbitmq_management",
    "rabbitmq_management_agent",
    "rabbitmq_mqtt",
    "rabbitmq_prometheus",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_stomp",
    "rabbitmq_web_dispatch",
    "rabbitmq_web_mqtt",
    "rabbitmq_web_stomp",
)
_VERBS: Final = ("list", "enable", "disable", "set", "is_enabled")


def plugins(call: Call) -> Answer:
    """One of the things that can be done with plugins."""
    verb, *names = call.arguments
    if verb == "list":
        return listed(names[0] if names else "", call.has("minimal"))
    if verb not in _VERBS:
        raise BadCall(f"there is no {verb!r} of plugins; there are {', '.join(_VERBS)}")
    if verb == "disable":
        raise Failure(
            "what RabbitMQ has plugins for is part of Leveret; the configuration says what listens",
            UNAVAILABLE,
        )
    absent = [name for name in names if name not in BUILT_IN]
    if absent:
        raise Failure(f"Leveret does not do what {', '.join(absent)} does", UNAVAILABLE)
    is_are = "is" if len(names) == 1 else "are"
    return f"{', '.join(names)} {is_are} part of Leveret and always enabled"


def listed(pattern: str, is_minimal: bool) -> str:
    """The names that match."""
    try:
        found = [name for name in BUILT_IN if re.search(pattern, name)]
    except re.error as error:
        raise BadCall(f"{pattern!r} is not a regular expression: {error}") from None
    return "\n".join(found if is_minimal else [f"[E*] {name}" for name in found])


COMMANDS: Final = (
    Command(
        "plugins",
        "<verb> [<plugin> ...]",
        plugins,
        "Says which of RabbitMQ's plugins are part of Leveret: list, enable, is_enabled",
        ["offline", "online", "enabled", "implicitly-enabled", "minimal", "verbose", "all"],
        "Other",
    ),
)
