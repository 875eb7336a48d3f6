"""Where a broker's HTTP API is, and who asks: from options, the environment, or a file.

Talks to nobody.  Options are stronger than LEVERET_URL, LEVERET_USER and LEVERET_PASSWORD, which
are stronger than the file ctl.toml in the user's folder for settings.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final
from urllib.parse import SplitResult, unquote, urlsplit

from leveret.cli.refusals import BadConfig, Failure

USAGE: Final = 64
PORT: Final = 15672
_TLS_PORT: Final = 15671
_FILE_KEYS: Final = ("url", "user", "password", "vhost", "ca_file", "timeout_s")
_TIMEOUT_S: Final = 60.0


@final
class Address:
    """One broker's API and the login for it.  Never shows the password by itself."""

    def __init__(self, url: str = "") -> None:
        self.is_tls = False
        self.host = "127.0.0.1"
        self.port = PORT
        self.prefix = ""
        self.user = ""
        self.password: str | None = None
        self.vhost = "/"
        self.ca_file = ""
        self.timeout_s = _TIMEOUT_S
        # The place that was named together with the password, if one was: it is sent nowhere else.
        self._meant_for = ""
        if url:
            self.take_url(url)

    @property
    def url(self) -> str:
        """As people write it, without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.is_tls else ''}://{host}:{self.port}{self.prefix}"

    def take_url(self, text: str) -> None:
        """Have all that ``text`` says.  Raises Failure when it is not the URL of an HTTP API."""
        parts, port = split_url(text)
        self.is_tls = parts.scheme == "https"
        self.host = parts.hostname or "127.0.0.1"
        self.port = port or (_TLS_PORT if self.is_tls else PORT)
        self.prefix = parts.path.rstrip("/").removesuffix("/api")
        if parts.username:
            self.user = unquote(parts.username)
        if parts.password is not None:
            self.password = unquote(parts.password)

    def take(self, said: Mapping[str, str | None]) -> None:
        """Have what a file, the environment or options say, and keep the rest.

        A password that came with a host is for that host: it goes when another is named.
        """
        before = self.password
        if said.get("url"):
            self.take_url(str(said["url"]))
        self.host = said.get("host") or self.host
        if said.get("port"):
            self.port = number(str(said["port"]), "port", 65_535)
        if self._meant_for not in ("", self.host):
            self._meant_for = ""
            if self.password == before:
                self.user, self.password = "", None
        if said.get("user"):
            # Somebody else's password would be wrong for this user.
            self.password = None if said["user"] != self.user else self.password
            self.user = str(said["user"])
        if said.get("password") is not None:
            self.password = said["password"]
        if self.password != before and (said.get("url") or said.get("host")):
            self._meant_for = self.host
        self.vhost = said.get("vhost") or self.vhost
        self.ca_file = said.get("ca_file") or self.ca_file
        if said.get("timeout_s"):
            self.timeout_s = float(number(str(said["timeout_s"]), "timeout", 86_400))

    def settle(self) -> None:
        """Log in as guest where nobody said who; guest's password is the one all know."""
        self.user = self.user or "guest"
        if self.password is None and self.user == "guest":
            self.password = "guest"


def split_url(text: str) -> tuple[SplitResult, int | None]:
    """The parts and the port.  Raises Failure."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError as error:
        # It is not repeated: there may be a password in it.
        raise Failure(f"the URL of the broker is not a URL: {error}", USAGE) from None
    if parts.scheme not in ("http", "https"):
        raise Failure(
            f"the URL begins with {parts.scheme}://, but the command line speaks HTTP: pass that of"
            f" the management port, such as http://{parts.hostname or 'localhost'}:{PORT}",
            USAGE,
        )
    return parts, port


def number(text: str, name: str, most: int) -> int:
    """A whole number from 0 on.  Raises Failure."""
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise Failure(f"{text!r} is not a {name}: give a whole number up to {most}", USAGE)
    return int(text)


def find_address(options: Mapping[str, str | None], environment: Mapping[str, str]) -> Address:
    """The address that options, environment and file together say."""
    address = Address()
    address.take(read_file(config_path(environment)))
    names = {"url": "LEVERET_URL", "user": "LEVERET_USER", "password": "LEVERET_PASSWORD"}
    address.take({key: environment.get(name) for key, name in names.items()})
    address.take(options)
    address.settle()
    return address


def config_path(environment: Mapping[str, str]) -> Path:
    """Where the user's file is, if there is one."""
    home = environment.get("XDG_CONFIG_HOME") or os.path.join(
        environment.get("HOME") or os.path.expanduser("~"), ".config"
    )
    return Path(home, "leveret", "ctl.toml")


def read_file(path: Path) -> dict[str, str]:
    """What the file says; nothing where there is none.  Raises BadConfig."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"cannot read {path}: {error}") from None
    unknown = sorted(set(said) - set(_FILE_KEYS))
    if unknown:
        known = ", ".join(_FILE_KEYS)
        raise BadConfig(f"{path}: there is no key {unknown[0]!r}; the keys are {known}")
    return {key: str(value) for key, value in said.items()}
