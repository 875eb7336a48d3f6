"""Asks a broker through its HTTP API.  Knows no command and prints nothing.

Speaks with any broker that has RabbitMQ's API, on one connection that stays open between requests.
"""

import base64
import html
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final, final
from urllib.parse import quote, urlencode

from leveret import __version__
from leveret.cli.address import USAGE, Address
from leveret.cli.refusals import Failure

UNAVAILABLE: Final = 69
SOFTWARE: Final = 70
TRY_LATER: Final = 75
NO_PERMISSION: Final = 77

Path = tuple[str, ...]
# Stands for a request that nobody in particular makes.
_NO_LOGIN: Final[Mapping[str, str]] = {"Accept": "application/json"}


class Refusal(Failure):
    """The broker answered that it will not; ``status`` is that of HTTP, ``reason`` its sentence."""

    def __init__(self, sentence: str, code: int, status: int, reason: str) -> None:
        super().__init__(sentence, code)
        self.status: Final = status
        self.reason: Final = reason


@final
class Api:
    """The API at one address.  Raises Refusal, or Failure when nobody answers."""

    def __init__(self, address: Address) -> None:
        self.address: Final = address
        self._connection: http.client.HTTPConnection | None = None

    def get(self, *path: str, **query: object) -> Any:
        """What lies at a path, decoded."""
        return self.ask("GET", path, query)

    def put(self, *path: str, body: object = None) -> Any:
        """Have something be as ``body`` says."""
        return self.ask("PUT", path, body={} if body is None else body)

    def post(self, *path: str, body: object = None) -> Any:
        """Have something done."""
        return self.ask("POST", path, body={} if body is None else body)

    def delete(self, *path: str, **query: object) -> Any:
        """Have something be no more."""
        return self.ask("DELETE", path, query)

    def find(self, *path: str) -> Any:
        """What lies at a path; None where nothing does."""
        try:
            return self.get(*path)
        except Refusal as refusal:
            if refusal.status != http.client.NOT_FOUND:
                raise
            return None

    def ask(
        self,
        method: str,
        path: Path,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """One request; the decoded answer, None where it has no body."""
        where = "/".join([quote(piece, safe="") for piece in path])
        target = f"{self.address.prefix}/api/{where}"
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if given:
            target += "?" + urlencode(given)
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        status, answer = self._exchange(method, target, content, headers or {})
        if status >= http.client.BAD_REQUEST:
            if status == http.client.METHOD_NOT_ALLOWED and not answer:
                answer = f"this broker's API has no {method} /api/{where}".encode()
            raise self._refusal(status, answer)
        return decode(answer)

    def knock(self) -> None:
        """Return when an API answers, without a login.  Raises Failure when none does."""
        status, _ = self._exchange("GET", f"{self.address.prefix}/api/whoami", None, _NO_LOGIN)
        if status >= http.client.INTERNAL_SERVER_ERROR:
            raise Failure(f"the broker at {self.address.url} answered {status}", UNAVAILABLE)

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(
        self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Send, and read the answer whole."""
        was_open = self._connection is not None
        try:
            return self._send(method, target, content, headers)
        except (http.client.HTTPException, ConnectionError) as error:
            self.close()
            # A server may close a connection that was idle for long.  What is posted might be
            # done twice.
            if was_open and method != "POST" and isinstance(error, ConnectionError):
                return self._send_once_more(method, target, content, headers)
            raise self._nobody(error) from None
        except OSError as error:
            self.close()
            raise self._nobody(error) from None
        except BaseException:
            # Ctrl-C in the middle of an answer: whoever tidies up begins with a connection anew.
            self.close()
            raise

    def _send_once_more(
        self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        try:
            return self._send(method, target, content, headers)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._nobody(error) from None

    def _send(
        self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        every = {"User-Agent": f"leveret/{__version__}", **headers}
        if headers is not _NO_LOGIN:
            login = f"{self.address.user}:{self.address.password or ''}".encode()
            every["Authorization"] = "Basic " + base64.b64encode(login).decode()
        if content is not None:
            every["Content-Type"] = "application/json"
        self._connection.request(method, target, content, every)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _connect(self) -> http.client.HTTPConnection:
        here = self.address
        if not here.is_tls:
            return http.client.HTTPConnection(here.host, here.port, timeout=here.timeout_s)
        try:
            context = ssl.create_default_context(cafile=here.ca_file or None)
        except OSError as error:  # ssl's own errors are of that kind, too
            raise Failure(f"cannot read certificates of {here.ca_file}: {error}", USAGE) from None
        return http.client.HTTPSConnection(
            here.host, here.port, timeout=here.timeout_s, context=context
        )

    def _nobody(self, error: Exception) -> Failure:
        """Why there was no answer, and what to do about it."""
        url = self.address.url
        if isinstance(error, TimeoutError):
            seconds = self.address.timeout_s
            return Failure(
                f"the broker at {url} did not answer within {seconds:g} seconds", TRY_LATER
            )
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLCertVerificationError):
            cure = "if its port is one without TLS, begin --url with http://"
            return Failure(f"no TLS with what answers at {url}: {error}; {cure}", UNAVAILABLE)
        if isinstance(error, ssl.SSLError):
            cure = "pass --ca-file with the certificate that signed its own"
            return Failure(f"cannot trust what answers at {url}: {error}; {cure}", UNAVAILABLE)
        if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
            text = f"what answers at {url} is no management API; is this the port of another one?"
            return Failure(text, UNAVAILABLE)
        if isinstance(error, socket.gaierror):
            return Failure(f"there is no host {self.address.host!r}: {error.strerror}", UNAVAILABLE)
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        return Failure(
            f"no broker answers at {url}{why}: start one with 'leveret serve', or pass --url",
            UNAVAILABLE,
        )

    def _refusal(self, status: int, answer: bytes) -> Refusal:
        reason = reason_of(answer)
        user = self.address.user
        if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            if self.address.password is None:
                why = f"no password was given for user {user!r}"
                cure = "pass --password, or set LEVERET_PASSWORD"
            elif "login failed" in reason.lower() or not reason:
                why = f"{self.address.url} does not let in user {user!r}: {reason or 'no reason'}"
                cure = "pass --user and --password, or set LEVERET_USER and LEVERET_PASSWORD"
            else:
                why = f"user {user!r} may not do that: {reason}"
                cure = "ask as a user whose tags and permissions allow it"
            return Refusal(f"{why}; {cure}", NO_PERMISSION, status, reason)
        code = SOFTWARE if status == http.client.INTERNAL_SERVER_ERROR else UNAVAILABLE
        return Refusal(reason or f"the broker answered {status}", code, status, reason)


def decode(answer: bytes) -> Any:
    """The JSON of an answer; its text where it is none; None where there is nothing."""
    if not answer:
        return None
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode(errors="replace")


def reason_of(answer: bytes) -> str:
    """The sentence in an error's body."""
    said = decode(answer)
    if isinstance(said, dict):
        said = said.get("reason") or said.get("error") or ""
    if isinstance(said, str):
        return html.unescape(said).strip()  # RabbitMQ escapes it for its page
    return "" if said is None else json.dumps(legible(said), ensure_ascii=False)


def legible(said: Any) -> Any:
    """RabbitMQ's API writes some of Erlang's texts as lists of their characters' numbers."""
    if not isinstance(said, list):
        return said
    if said and all(isinstance(one, int) and 32 <= one < 127 for one in said):
        return "".join([chr(one) for one in said])
    return [legible(one) for one in said]
