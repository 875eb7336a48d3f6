"""Every setting: its default, unit and limits, and where its value came from.

Sources, each stronger than the one before: the defaults below, a TOML file, the environment
(``RABBITMQ_DEFAULT_USER``, ``_PASS`` and ``_VHOST`` as RabbitMQ's Docker image has them, then
``LEVERET_<SETTING>``), the command line.  To add a setting: one row in ``TABLE`` and one attribute
in ``Settings``.  Opens no file but the one it is told to read.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from typing import Final, final

MAX_MESSAGE_SIZE_CAP: Final = 536_870_912


class ConfigError(Exception):
    """A setting is wrong.  The text is one sentence: what, where, and what is allowed.

    ``origin`` is where the wrong value came from, in the words of ``Settings.origin``.
    """

    def __init__(self, text: str, origin: str) -> None:
        super().__init__(text)
        self.origin: Final = origin


class Setting:
    """One row of the table.  Subclasses say which values are good."""

    def __init__(self, name: str, default: object, unit: str, text: str) -> None:
        self.name: Final = name
        self.default: Final = default
        self.unit: Final = unit
        self.text: Final = text

    def allowed(self) -> str:
        """What a value may be, to follow the words "it must be"."""
        raise NotImplementedError

    def check(self, value: object) -> object:
        """The value as it is kept.  Raises ValueError for what is not ``allowed``."""
        raise NotImplementedError

    def read(self, text: str) -> object:
        """The value that ``text``, of an option or an environment variable, stands for."""
        return self.check(text)

    def shown(self, value: object) -> str:
        """The value as people may see it."""
        return repr(value)


@final
class Number(Setting):
    """A whole number from ``low`` to ``high``."""

    def __init__(self, name: str, default: int, unit: str, low: int, high: int, text: str) -> None:
        super().__init__(name, default, unit, text)
        self.low: Final = low
        self.high: Final = high

    def allowed(self) -> str:
        """Whole, and between the limits."""
        return f"a whole number from {self.low} to {self.high}"

    def check(self, value: object) -> object:
        """Refuses booleans too: Python takes them for numbers, people do not."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        if not self.low <= value <= self.high:
            raise ValueError
        return value

    def read(self, text: str) -> object:
        """Decimal digits."""
        return self.check(int(text))


class Text(Setting):
    """A string of ``least`` to 255 octets, which is what the protocol's short strings hold."""

    def __init__(self, name: str, default: str, text: str, least: int = 0) -> None:
        super().__init__(name, default, "", text)
        self.least: Final = least

    def allowed(self) -> str:
        """A string, and its length."""
        return f"a string of {self.least} to 255 octets"

    def check(self, value: object) -> object:
        """Counts octets, not characters."""
        if not isinstance(value, str) or not self.least <= len(value.encode()) <= 255:
            raise ValueError
        return value


@final
class Secret(Text):
    """A string that is never shown."""

    def shown(self, value: object) -> str:
        """Nothing of it, not even its length."""
        return "(hidden)"


@final
class Folder(Setting):
    """A path; ``~`` at its start is the home of the user who starts the broker."""

    def allowed(self) -> str:
        """Any path: whether it exists is seen when it is used."""
        return "a path"

    def check(self, value: object) -> object:
        """Expands ``~``."""
        if not isinstance(value, str) or not value or "\0" in value:
            raise ValueError
        return os.path.expanduser(value)


@final
class Choice(Setting):
    """One of a few words."""

    def __init__(self, name: str, default: str, choices: list[str], text: str) -> None:
        super().__init__(name, default, "", text)
        self.choices: Final = choices

    def allowed(self) -> str:
        """The words."""
        return "one of " + ", ".join(self.choices)

    def check(self, value: object) -> object:
        """Upper case is fine."""
        if not isinstance(value, str) or value.lower() not in self.choices:
            raise ValueError
        return value.lower()


@final
class Names(Setting):
    """A list of strings; comma-separated in an option or an environment variable."""

    def allowed(self) -> str:
        """A list of strings."""
        return "a list of strings"

    def check(self, value: object) -> object:
        """Copies the list, so that nobody shares it."""
        if not isinstance(value, list):
            raise ValueError
        for name in value:
            if not isinstance(name, str):
                raise ValueError
        return list(value)

    def read(self, text: str) -> object:
        """``a,b``: blanks around the names do not count."""
        return [name.strip() for name in text.split(",") if name.strip()]


_LEVELS: Final = ["debug", "info", "warning", "error", "critical"]

TABLE: Final[list[Setting]] = [
    Text("host", "", "Address to listen on; empty for every interface, IPv4 and IPv6."),
    Number("port", 5672, "port", 0, 65535, "Port for AMQP 0-9-1; 0 for any free one."),
    Folder(
        "data_dir",
        "~/.local/share/leveret",
        "",
        "Folder of what must outlive the process; not used yet.",
    ),
    Text("default_user", "guest", "User that exists at the first start.", 1),
    Secret("default_pass", "guest", "Password of the default user."),
    Text("default_vhost", "/", "Virtual host that exists at the first start.", 1),
    Names("loopback_users", ["guest"], "", "Users who may only connect from this machine."),
    Number("heartbeat_s", 60, "seconds", 0, 65535, "Heartbeat offered to clients; 0 for none."),
    Number("channel_max", 2047, "channels", 1, 65535, "Channels a connection may have."),
    Number("frame_max", 131_072, "octets", 4096, 134_217_728, "Frame size offered to clients."),
    Number("min_frame_max", 4096, "octets", 4096, 134_217_728, "Least frame size accepted."),
    Number(
        "max_message_size", 16_777_216, "octets", 1, MAX_MESSAGE_SIZE_CAP, "Largest message body."
    ),
    Number(
        "handshake_timeout_ms", 10_000, "milliseconds", 1, 3_600_000, "Time to open a connection."
    ),
    Choice("log_level", "info", _LEVELS, "Least important lines that are logged."),
]

_BY_NAME: Final[dict[str, Setting]] = {setting.name: setting for setting in TABLE}

_DOCKER: Final = {
    "RABBITMQ_DEFAULT_USER": "default_user",
    "RABBITMQ_DEFAULT_PASS": "default_pass",
    "RABBITMQ_DEFAULT_VHOST": "default_vhost",
}

# Those that RabbitMQ's scripts and its container image read, and that leveret does not.  Not every
# RABBITMQ_…: the clients' programs have such variables too, and Kubernetes invents some.
# fmt: off
_UNREAD: Final = [
    "NODE_PORT", "NODE_IP_ADDRESS", "NODENAME", "USE_LONGNAME", "DIST_PORT", "SERVICENAME",
    "CONFIG_FILE", "CONFIG_FILES", "CONF_ENV_FILE", "ADVANCED_CONFIG_FILE",
    "ENABLED_PLUGINS_FILE", "PLUGINS_DIR", "MNESIA_BASE", "MNESIA_DIR", "LOG_BASE", "LOGS",
    "SASL_LOGS", "PID_FILE", "FEATURE_FLAGS", "DEFAULT_USER_FILE", "DEFAULT_PASS_FILE",
    "ERLANG_COOKIE", "SERVER_ERL_ARGS", "CTL_ERL_ARGS", "SERVER_ADDITIONAL_ERL_ARGS",
    "SERVER_START_ARGS", "MAX_NUMBER_OF_PROCESSES", "IO_THREAD_POOL_SIZE",
    "VM_MEMORY_HIGH_WATERMARK", "DISK_FREE_LIMIT", "SSL_CACERTFILE", "SSL_CERTFILE",
    "SSL_KEYFILE", "SSL_VERIFY", "SSL_FAIL_IF_NO_PEER_CERT",
]
# fmt: on

_PREFIX: Final = "LEVERET_"
_PAGE: Final = "docs/configuration.md"


_ERLANG: Final = re.compile(r"\s*\[\s*(\{|\]\s*\.)")
_DOTTED: Final = re.compile(r"[A-Za-z_][\w-]*(\.[\w$-]+)+\s*=")
# TOML's values are numbers, true and false, or begin with a quote or a bracket.
_BARE: Final = re.compile(r"\w+\s*=\s*(?!true\b|false\b|inf\b|nan\b)[A-Za-z/]")


@final
class Settings:
    """The value of every setting in ``TABLE``, which has their defaults, units and limits.

    ``Settings(port=0)`` takes values from a program; ``load`` takes them from a file, the
    environment and the command line.  ``origin`` says of each where its value came from.
    As in RabbitMQ, naming another ``default_user`` makes that user instead of guest.
    """

    host: str
    port: int
    data_dir: str
    default_user: str
    default_pass: str
    default_vhost: str
    loopback_users: list[str]
    heartbeat_s: int
    channel_max: int
    frame_max: int
    min_frame_max: int
    max_message_size: int
    handshake_timeout_ms: int
    log_level: str

    def __init__(self, **values: object) -> None:
        self.origin: Final[dict[str, str]] = {}
        # What is odd but not wrong; for whoever starts the broker to log.
        self.warnings: Final[list[str]] = []
        for setting in TABLE:
            self._put(setting, setting.check(setting.default), "default")
        self.take(values, "argument")

    def take(self, values: Mapping[str, object], origin: str) -> None:
        """Set typed values by name.  Raises ConfigError, with some of them maybe set."""
        for name, value in values.items():
            setting = find(name, origin)
            try:
                checked = setting.check(value)
            except ValueError:
                raise refusal(setting, value, origin) from None
            self._put(setting, checked, origin)
        self._check_together()

    def take_text(self, setting: Setting, text: str, origin: str) -> None:
        """Set one value that came as text.  Raises ConfigError."""
        try:
            value = setting.read(text)
        except ValueError:
            raise refusal(setting, text, origin) from None
        self._put(setting, value, origin)

    def take_file(self, path: str) -> None:
        """Set what the TOML file says.  Raises ConfigError, also when it cannot be read."""
        try:
            with open(path, "rb") as file:
                octets = file.read()
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigError(f"The config file {path} cannot be read: {why}.", path) from error
        if is_rabbitmqs(path, octets.decode("utf-8", "replace")):
            raise ConfigError(
                f"The config file {path} looks like a rabbitmq.conf; Leveret reads TOML so far,"
                f" see {_PAGE}.",
                path,
            )
        try:
            values = tomllib.loads(octets.decode())
        except ValueError as error:  # not TOML, or not UTF-8
            raise ConfigError(f"The config file {path} is not TOML: {error}.", path) from error
        self.take(values, path)

    def take_environment(self, environment: Mapping[str, str]) -> None:
        """Set what the environment says; an empty variable says nothing.  Raises ConfigError."""
        for variable, name in _DOCKER.items():
            if environment.get(variable):
                self.take_text(_BY_NAME[name], environment[variable], variable)
        for variable in sorted(environment):
            if variable.startswith(_PREFIX) and environment[variable]:
                self._take_variable(variable, environment[variable])
        unread = ["RABBITMQ_" + name for name in _UNREAD if environment.get("RABBITMQ_" + name)]
        if unread:
            self.warnings.append(
                f"Without effect: {', '.join(unread)}.  Of RabbitMQ's variables leveret reads"
                f" {', '.join(_DOCKER)}; its own are in {_PAGE}."
            )

    def _take_variable(self, variable: str, text: str) -> None:
        name = variable.removeprefix(_PREFIX).lower()
        setting = _BY_NAME.get(name)
        # Kubernetes gives every pod beside a service named leveret LEVERET_PORT=tcp://10.0.0.1:5672
        # and its like, so these are not ours, and an unknown variable must not stop the broker.
        if setting is not None and not text.startswith("tcp://"):
            self.take_text(setting, text, variable)
        elif setting is None and (near := nearest(name, 0.7)):
            self.warnings.append(
                f"{variable} means nothing to leveret; did you mean {_PREFIX}{near.upper()}?"
            )

    def _put(self, setting: Setting, value: object, origin: str) -> None:
        setattr(self, setting.name, value)
        self.origin[setting.name] = origin

    def _check_together(self) -> None:
        if self.min_frame_max > self.frame_max:
            raise ConfigError(
                f"min_frame_max = {self.min_frame_max} ({self.origin['min_frame_max']}) is more"
                f" than frame_max = {self.frame_max} ({self.origin['frame_max']}): lower it.",
                self.origin["min_frame_max"],
            )


def load(file: str, environment: Mapping[str, str], options: Mapping[str, str]) -> Settings:
    """The settings from every source.  ``file`` may be empty; ``options`` are texts by name.

    Raises ConfigError.
    """
    settings = Settings()
    if file:
        settings.take_file(file)
    settings.take_environment(environment)
    for name, text in options.items():
        origin = option_name(name)
        settings.take_text(find(name, origin), text, origin)
    settings.take({}, "")
    return settings


def is_rabbitmqs(path: str, text: str) -> bool:
    """Whether this is RabbitMQ's own configuration, as far as one can tell without reading it.

    Its lines are ``key = value`` with dots in the keys and no quotes, or it is one Erlang list.
    """
    if _ERLANG.match(re.sub(r"%.*", "", text)):
        return True
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    if any(_DOTTED.match(line) for line in said):
        return True
    plain = path.endswith((".conf", ".config")) and any(_BARE.match(line) for line in said)
    return plain and not any(line.startswith("[") for line in said)


def option_name(name: str) -> str:
    """How the setting is spelt on the command line."""
    return "--" + name.replace("_", "-")


def find(name: str, origin: str) -> Setting:
    """The setting with this name.  Raises ConfigError, which names the nearest one."""
    setting = _BY_NAME.get(name)
    if setting is not None:
        return setting
    near = nearest(name, 0.5)
    help_text = f"did you mean {near}?" if near else "there are: " + ", ".join(_BY_NAME) + "."
    raise ConfigError(f"There is no setting {name!r} ({origin}); {help_text}", origin)


def nearest(name: str, likeness: float) -> str:
    """The setting's name most like ``name``, or nothing when none is."""
    found = difflib.get_close_matches(name.lower().replace("-", "_"), _BY_NAME, 1, likeness)
    return found[0] if found else ""


def refusal(setting: Setting, value: object, origin: str) -> ConfigError:
    """The sentence about a value that is not allowed."""
    return ConfigError(
        f"{setting.name} = {setting.shown(value)} ({origin}) is not allowed:"
        f" it must be {setting.allowed()}.",
        origin,
    )
