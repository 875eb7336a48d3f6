"""Reads a rabbitmq.conf into the settings.

Every key is one of three: it is a setting here; it is RabbitMQ's but without effect here, which one
warning tells with the reason; or it is unknown and refused, with the nearest one.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Final, final

from leveret.config.addresses import NOWHERE
from leveret.config.faults import ConfigError
from leveret.config.groups import Groups
from leveret.config.kinds import Choice
from leveret.config.rabbitmq_keys import (
    BYTE_SIZES,
    DURATIONS,
    FIELDS,
    FIELDS_WITHOUT_EFFECT,
    GROUPS,
    LEFT_OUT,
    LISTS,
    ONE,
    SPECIAL,
    WITHOUT_EFFECT,
    WORDS,
)
from leveret.config.rabbitmq_lines import Line, read_lines
from leveret.config.settings import Settings
from leveret.config.sizes import read_size, read_time_ms
from leveret.config.table import BY_NAME

_KNOWN: Final = [*ONE, *LISTS, *GROUPS, *SPECIAL, *WITHOUT_EFFECT]
_LEVELS: Final = ["log.console.level", "log.file.level", "log.default.level"]
# One part of a time such as 1h30m.
_PART: Final = re.compile(r"\d{1,9}(?:ms|s|m|h|d)")

_BYTES: Final = re.compile(r"\d{1,15}[kmgKMG][bB]")

# Which logs there are; to say so changes nothing, and to wish for others has no effect.
_LOGS: Final = {"log.console": "true", "log.file": "false", "log.exchange": "false"}
_NONE: Final = "none"
_NOT_YET: Final = "leveret has nothing of the kind yet"


def take_conf(
    settings: Settings, path: str, text: str, environment: Mapping[str, str]
) -> list[ConfigError]:
    """Set what the file says, and give all that is wrong with it; what is wrong stays unset."""
    faults: list[ConfigError] = []
    conf = Conf(settings, path, faults)
    for line in read_lines(path, text, environment, faults):
        conf.take(line)
    conf.finish()
    return faults


def pattern_of(parts: list[str]) -> str:
    """The key in the tables that a key with these parts is; empty when there is none."""
    key = ".".join(parts)
    if key in ONE or key in SPECIAL:
        return key
    for pattern in (*LISTS, *GROUPS, *SPECIAL):
        if fits(pattern.split("."), parts):
            return pattern
    return ""


def fits(pattern: list[str], parts: list[str]) -> bool:
    """Whether the parts are those of the pattern, where ``$`` is any."""
    if len(pattern) != len(parts):
        return False
    return all(wanted in ("$", part) for wanted, part in zip(pattern, parts, strict=True))


def reason_for(key: str) -> str:
    """Why a key of RabbitMQ's has no effect here; empty when it is not one of those."""
    parts = key.split(".")
    for count in range(len(parts), 0, -1):
        reason = WITHOUT_EFFECT.get(".".join(parts[:count]))
        if reason is not None:
            return reason
    return ""


def nearest_key(key: str) -> str:
    """The key of RabbitMQ's most like ``key``, as people write it; empty when none is."""
    parts = key.split(".")
    known = [filled(pattern, parts) for pattern in _KNOWN]
    found = difflib.get_close_matches(key, known, 1, 0.6)
    return found[0] if found else ""


def filled(pattern: str, parts: list[str]) -> str:
    """The pattern with the names that ``parts`` have in the places of its ``$``.

    One that stands for all that begins like it goes on as ``parts`` do.
    """
    words = pattern.split(".")
    rest = parts[len(words) :] if pattern in WITHOUT_EFFECT else []
    names = parts + ["NAME"] * len(words)
    return ".".join(
        [name if word == "$" else word for word, name in zip(words, names, strict=False)] + rest
    )


@final
class Conf:
    """One rabbitmq.conf on its way into the settings."""

    def __init__(self, settings: Settings, path: str, faults: list[ConfigError]) -> None:
        self._settings: Final = settings
        self._path: Final = path
        self._faults: Final = faults
        self._without_effect: Final[dict[str, list[str]]] = {}
        # Lines that are understood together, by the pattern of their keys.
        self._together: Final[dict[str, list[Line]]] = {}

    def take(self, line: Line) -> None:
        """Set what the line says, or keep it for ``finish``, or find fault with it."""
        if line.is_cut:
            self._settings.warnings.append(
                f"{line.key} ({line.origin}) ends where its # begins a comment; if that belongs to"
                " the value, put quotes like 'these' around it."
            )
        pattern = pattern_of(line.parts)
        setting = ONE.get(pattern, "")
        if setting in BY_NAME:
            self._set_text(setting, line)
        elif pattern in LISTS or pattern in GROUPS or pattern in SPECIAL:
            self._together.setdefault(pattern, []).append(line)
        else:
            self._refuse(line)

    def finish(self) -> None:
        """Set what several lines say together, and warn of what says nothing here."""
        for pattern, setting in LISTS.items():
            self._take_list(setting, self._lines(pattern))
        for pattern, setting in GROUPS.items():
            self._take_groups(setting, self._lines(pattern))
        self._take_listeners("listeners.tcp", "listen", "port")
        self._take_listeners("listeners.ssl", "tls_listen", "tls_port")
        for name in ("mqtt", "stomp"):
            self._take_listeners(f"{name}.listeners.tcp", f"{name}_listen", f"{name}_port")
            self._take_listeners(f"{name}.listeners.ssl", f"{name}_tls_listen", f"{name}_tls_port")
        for name in ("web_mqtt", "web_stomp"):
            self._take_socket(f"{name}.tcp", f"{name}_listen", f"{name}_port")
            self._take_socket(f"{name}.ssl", f"{name}_tls_listen", f"{name}_tls_port")
        self._take_web("management.tcp.ip", "management_listen", "management_port")
        self._take_web("management.ssl.ip", "management_tls_listen", "management_tls_port")
        self._take_web("prometheus.tcp.ip", "prometheus_listen", "prometheus_port")
        self._take_only_https()
        self._take_names("loopback_users")
        self._take_names("default_user_tags")
        self._take_backends()
        self._take_log()
        self._take_linger()
        self._take_amount("vm_memory_high_watermark")
        self._take_amount("disk_free_limit")
        self._take_odds()
        self._take_times()
        self._warn()

    def _refuse(self, line: Line) -> None:
        """The line is RabbitMQ's but without effect, or nobody's."""
        reason = reason_for(line.key) or (_NOT_YET if pattern_of(line.parts) else "")
        if reason:
            self._without_effect.setdefault(reason, []).append(line.key)
            return
        self._unknown(line)

    def _unknown(self, line: Line) -> None:
        near = nearest_key(line.key)
        cure = f"; did you mean {near}?" if near else "."
        self._faults.append(
            ConfigError(f"There is no key {line.key!r} ({line.origin}){cure}", line.origin)
        )

    def _warn(self) -> None:
        if not self._without_effect:
            return
        groups = [f"{', '.join(keys)} ({reason})" for reason, keys in self._without_effect.items()]
        self._settings.warnings.append(f"Without effect in {self._path}: {'; '.join(groups)}.")

    def _lines(self, pattern: str) -> list[Line]:
        """The lines with such a key, in the order of their names: 2 comes before 10."""
        lines = self._together.pop(pattern, [])
        return sorted(lines, key=order_of)

    def _set_text(self, setting: str, line: Line, text: str = "") -> None:
        """Set one value that is text; ``text`` is it when the line's own value is not."""
        value = in_our_words(setting, text or line.value)
        try:
            self._settings.take_text(BY_NAME[setting], value, line.origin)
        except ConfigError as fault:
            if words := their_words(setting):
                self._fault(line, f"it must be one of {', '.join(words)}")
            else:
                self._faults.append(fault)

    def _set(self, setting: str, value: object, origin: str) -> None:
        try:
            self._settings.take_value(BY_NAME[setting], value, origin)
        except ConfigError as fault:
            self._faults.append(fault)

    def _take_list(self, setting: str, lines: list[Line]) -> None:
        if setting not in BY_NAME:
            for line in lines:
                self._refuse(line)
            return
        kept = [line for line in lines if not self._is_left_out(setting, line)]
        if kept:
            self._set(setting, [line.value for line in kept], kept[0].origin)

    def _is_left_out(self, setting: str, line: Line) -> bool:
        beginnings, reason = LEFT_OUT.get(setting, ((), ""))
        whole = setting == "tls_versions"
        for beginning in beginnings:
            if line.value == beginning or (not whole and line.value.startswith(beginning)):
                self._without_effect.setdefault(reason, []).append(line.key)
                return True
        return False

    def _take_groups(self, setting: str, lines: list[Line]) -> None:
        """One group for each name; the fields are read by their own kinds."""
        if not lines:
            return
        row = BY_NAME[setting]
        assert isinstance(row, Groups)
        groups: dict[str, dict[str, object]] = {}
        for line in lines:
            name, key = line.parts[-2:]
            field = row.fields.get(FIELDS.get(setting, {}).get(key, key))
            if field is None:
                self._refuse_field(line)
                continue
            try:
                value = in_our_words(field.name, line.value)
                groups.setdefault(name, {})[field.name] = field.read(value)
            except ValueError:
                text = f"{line.key} ({line.origin}) is not allowed: it must be {field.allowed()}."
                self._faults.append(ConfigError(text, line.origin))
        self._set(setting, groups, lines[0].origin)

    def _refuse_field(self, line: Line) -> None:
        reason = FIELDS_WITHOUT_EFFECT.get(line.parts[-1])
        if reason is None:
            self._unknown(line)
        else:
            self._without_effect.setdefault(reason, []).append(line.key)

    def _take_listeners(self, key: str, many: str, one: str) -> None:
        """A single port is the simple setting, so that it can be overridden simply."""
        none = [line for line in self._lines(key) if line.value == _NONE]
        lines = self._lines(f"{key}.$")
        if none:
            self._set(many, [_NONE], none[0].origin)
        elif len(lines) == 1 and lines[0].value.isdecimal():
            self._set_text(one, lines[0])
        elif lines:
            self._set(many, [address(line.value) for line in lines], lines[0].origin)
        elif one.endswith("tls_port") and self._settings.tls_certfile:
            # Naming a certificate opens no port in RabbitMQ.
            self._set(many, [_NONE], self._settings.origin["tls_certfile"])

    def _take_socket(self, key: str, many: str, one: str) -> None:
        """A listener of WebSockets: address and port in one key, or in two, or none at all."""
        self._take_web(f"{key}.ip", many, one)
        for line in self._lines(f"{key}.listener"):
            places = [_NONE] if line.value == _NONE else [address(line.value)]
            self._set(many, places, line.origin)
        settings = self._settings
        said = [settings.origin[many], settings.origin[one]] != ["default", "default"]
        if one.endswith("tls_port") and settings.tls_certfile and not said:
            self._set(many, [_NONE], settings.origin["tls_certfile"])

    def _take_web(self, key: str, many: str, one: str) -> None:
        """An address goes together with its port, which has a key of its own."""
        for line in self._lines(key):
            self._set(many, [address(f"{line.value}:{getattr(self._settings, one)}")], line.origin)

    def _take_only_https(self) -> None:
        """Whoever sets HTTPS up, and says nothing about HTTP, wants no HTTP."""
        origin = self._settings.origin
        plain = [origin["management_port"], origin["management_listen"]]
        if self._settings.management_tls_certfile and plain == ["default", "default"]:
            self._set("management_listen", [NOWHERE], origin["management_tls_certfile"])

    def _take_names(self, setting: str) -> None:
        """Names that are each said to be in the list or not; those in it replace the default."""
        none = self._lines(setting)
        lines = self._lines(f"{setting}.$")
        for line in [line for line in none if line.value != _NONE]:
            self._fault(line, "it must be none")
        for line in [line for line in lines if line.value not in ("true", "false")]:
            self._fault(line, "it must be true or false")
        if none:
            self._set(setting, [], none[0].origin)
        elif lines:
            names = [line.parts[-1] for line in lines if line.value == "true"]
            self._set(setting, names, lines[0].origin)

    def _fault(self, line: Line, why: str) -> None:
        text = f"{line.key} = {line.value!r} ({line.origin}) is not allowed: {why}."
        self._faults.append(ConfigError(text, line.origin))

    def _take_backends(self) -> None:
        """``x`` knows users and their rights; ``x/y``: x the users, y their rights."""
        whole = {line.parts[1]: line for line in self._lines("auth_backends.$")}
        users = {line.parts[1]: line for line in self._lines("auth_backends.$.authn")}
        rights = {line.parts[1]: line for line in self._lines("auth_backends.$.authz")}
        cached = [backend(line.value) for line in self._lines("auth_cache.cached_backend")]
        first: Line | None = None
        names: list[str] = []
        for place in sorted({*whole, *users, *rights}, key=number_of):
            found = [lines[place] for lines in (whole, users, rights) if place in lines]
            first = first or found[0]
            parts = [backend(line.value) for line in found]
            # Answers are always cached here: what counts is the back end behind the cache.
            parts = [cached[0] if part == "cache" and cached else part for part in parts]
            names.append("/".join(parts if len(set(parts)) > 1 else parts[:1]))
        if first is not None:
            self._set("auth_backends", names, first.origin)

    def _take_log(self) -> None:
        """There is one log here, so the most particular level is its level."""
        for key in _LEVELS:
            for line in self._lines(key):
                if self._settings.origin["log_level"] == "default":
                    self._set_text("log_level", line)
        for key, value in _LOGS.items():
            for line in self._lines(key):
                if line.value != value:
                    self._refuse(line)

    def _take_linger(self) -> None:
        switches = self._lines("tcp_listen_options.linger.on")
        times = self._lines("tcp_listen_options.linger.timeout")
        is_on = bool(switches) and switches[0].value == "true"
        for line in times:
            if is_on:
                self._set_text("tcp_linger_s", line)
        if is_on and not times:
            self._set("tcp_linger_s", 0, switches[0].origin)

    def _take_amount(self, setting: str) -> None:
        """A share of the memory, or a size; where both are said the share counts."""
        shares = self._lines(f"{setting}.relative")
        sizes = self._lines(f"{setting}.absolute")
        for line in shares or sizes:
            is_whole = line.value.isdecimal()
            self._set_text(setting, line, f"{line.value}.0" if shares and is_whole else "")

    def _take_odds(self) -> None:
        """What is fine with one value, and without effect with every other."""
        for line in self._lines("definitions.import_backend"):
            if line.value != "local_filesystem":
                self._refuse(line)
        denied: list[str] = []
        for line in self._lines("deprecated_features.permit.$"):
            feature = BY_NAME["denied_features"]
            if line.value == "false" and line.parts[-1] in feature.allowed():
                denied.append(line.parts[-1])
                self._set("denied_features", denied, line.origin)
            elif line.value != "true":
                self._refuse(line)
        keys = self._lines("auth_oauth2.signing_keys.$")
        if keys:
            self._set_text("auth_oauth2_key_file", keys[0])
        for line in keys[1:]:
            self._fault(line, "put all keys into one file, a JWKS, and name that alone")
        for line in self._lines("event_exchange.vhost"):  # who says where has the plugin
            self._set_text("event_exchange_vhost", line)
            self._set("event_exchange", True, line.origin)

    def _take_times(self) -> None:
        """Times that have another unit here."""
        for line in self._lines("management.login_session_timeout"):  # in minutes
            self._set_text("management_login_session_timeout_s", line, f"{line.value}m")
        for line in self._lines("mqtt.subscription_ttl"):  # in milliseconds
            is_number = line.value.isdecimal()
            seconds = str(int(line.value) // 1000) if is_number else "infinity"
            self._set_text("mqtt_max_session_expiry_interval_s", line, seconds)


def in_our_words(name: str, value: str) -> str:
    """A value as the setting or field called ``name`` reads it."""
    value = WORDS.get(name, {}).get(value, value)
    if name in BYTE_SIZES and _BYTES.fullmatch(value):
        return str(read_size(value.rstrip("bB")))
    if name in DURATIONS and (parts := _PART.findall(value)) and "".join(parts) == value:
        return str(sum([read_time_ms(part) for part in parts]))
    return value


def their_words(name: str) -> list[str]:
    """RabbitMQ's words for all that a setting may be; none where they are not others than ours."""
    setting, words = BY_NAME[name], WORDS.get(name, {})
    if isinstance(setting, Choice) and set(words.values()) == set(setting.choices):
        return list(words)
    return []


def order_of(line: Line) -> tuple[int, str]:
    """Where a line belongs among those like it."""
    return number_of(line.parts[-1])


def number_of(name: str) -> tuple[int, str]:
    """Numbers in their order, then the other names in theirs."""
    return (int(name), "") if name.isdecimal() and len(name) < 10 else (1_000_000_000, name)


def address(text: str) -> str:
    """RabbitMQ's ``::1:5672`` with the brackets that an IPv6 address needs here."""
    host, colon, port = text.rpartition(":")
    return f"[{host}]:{port}" if colon and ":" in host and not host.startswith("[") else text


def backend(name: str) -> str:
    """A back end by our name; RabbitMQ takes the short and the long one."""
    return WORDS["auth_backends"].get(name, name)
