"""What the environment says: leveret's own variables, and those of RabbitMQ and its image."""

import os
from collections.abc import Mapping
from typing import Final

from leveret.config.settings import Settings
from leveret.config.table import BY_NAME, nearest

PREFIX: Final = "LEVERET_"
PAGE: Final = "docs/configuration.md"

# Kubernetes gives every pod beside a service named leveret LEVERET_PORT=tcp://10.0.0.1:5672 and its
# like, and beside one named rabbitmq-node RABBITMQ_NODE_PORT.
_INVENTED: Final = "tcp://"

_RABBITMQS: Final = {
    "RABBITMQ_NODE_IP_ADDRESS": "host",
    "RABBITMQ_NODE_PORT": "port",
    "RABBITMQ_DEFAULT_USER": "default_user",
    "RABBITMQ_DEFAULT_PASS": "default_pass",
    "RABBITMQ_DEFAULT_VHOST": "default_vhost",
}

# What the command line asks a broker with: see leveret.cli.address.
_OF_THE_COMMAND_LINE: Final = ("url", "user", "password")

# Those that RabbitMQ's scripts and its container image read, and that leveret does not.  Not every
# RABBITMQ_…: the clients' programs have such variables too, and Kubernetes invents some.
# fmt: off
_UNREAD: Final = [
    "NODENAME", "USE_LONGNAME", "DIST_PORT", "SERVICENAME",
    "CONFIG_FILES", "CONF_ENV_FILE", "ADVANCED_CONFIG_FILE",
    "ENABLED_PLUGINS_FILE", "PLUGINS_DIR", "MNESIA_BASE", "MNESIA_DIR", "LOG_BASE", "LOGS",
    "SASL_LOGS", "PID_FILE", "FEATURE_FLAGS", "DEFAULT_USER_FILE", "DEFAULT_PASS_FILE",
    "ERLANG_COOKIE", "SERVER_ERL_ARGS", "CTL_ERL_ARGS", "SERVER_ADDITIONAL_ERL_ARGS",
    "SERVER_START_ARGS", "MAX_NUMBER_OF_PROCESSES", "IO_THREAD_POOL_SIZE",
    "VM_MEMORY_HIGH_WATERMARK", "DISK_FREE_LIMIT", "SSL_CACERTFILE", "SSL_CERTFILE",
    "SSL_KEYFILE", "SSL_VERIFY", "SSL_FAIL_IF_NO_PEER_CERT",
]
# fmt: on


def config_file(environment: Mapping[str, str]) -> str:
    """The file that the environment names; empty when it names none.

    RabbitMQ's variable may leave out the ending, as it could in RabbitMQ.
    """
    own = environment.get(f"{PREFIX}CONFIG", "")
    if own:
        return own
    rabbitmqs = environment.get("RABBITMQ_CONFIG_FILE", "")
    if rabbitmqs and not os.path.exists(rabbitmqs) and os.path.exists(rabbitmqs + ".conf"):
        return rabbitmqs + ".conf"
    return rabbitmqs


def take_environment(settings: Settings, environment: Mapping[str, str]) -> None:
    """Set what the environment says; an empty variable says nothing.  Raises ConfigError."""
    for variable, name in _RABBITMQS.items():
        if environment.get(variable) and not environment[variable].startswith(_INVENTED):
            settings.take_text(BY_NAME[name], environment[variable], variable)
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and environment[variable]:
            _take_variable(settings, variable, environment[variable])
    unread = ["RABBITMQ_" + name for name in _UNREAD if environment.get("RABBITMQ_" + name)]
    if unread:
        settings.warnings.append(
            f"Without effect: {', '.join(unread)}.  Which of RabbitMQ's variables leveret reads,"
            f" and its own, are in {PAGE}."
        )


def _take_variable(settings: Settings, variable: str, text: str) -> None:
    name = variable.removeprefix(PREFIX).lower()
    setting = BY_NAME.get(name)
    # An unknown variable must not stop the broker: platforms have some of their own.
    if setting is not None and not text.startswith(_INVENTED):
        settings.take_text(setting, text, variable)
    elif name in _OF_THE_COMMAND_LINE:
        return
    elif setting is None and (near := nearest(name, 0.7)):
        settings.warnings.append(
            f"{variable} means nothing to leveret; did you mean {PREFIX}{near.upper()}?"
        )
