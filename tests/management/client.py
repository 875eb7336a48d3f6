"""A client of the HTTP API: one request, one answer."""

import base64
import gzip
import http.client
import json
from typing import Any
from urllib.parse import urlsplit


class Answer:
    """What came back: ``status``, ``headers`` (names in small letters) and ``octets``."""

    def __init__(self, status: int, headers: dict[str, str], octets: bytes) -> None:
        self.status = status
        self.headers = headers
        self.octets = octets

    @property
    def json(self) -> Any:
        return json.loads(self.octets)


class Client:
    """Asks ``url`` as ``user``, who may be empty for nobody."""

    def __init__(self, url: str, user: str = "guest", password: str = "guest") -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.user, self.password = user, password

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request: ``body`` is octets, or becomes JSON."""
        all_headers = {**self._authorization(), **(headers or {})}
        octets = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(method, path, octets, all_headers)
            answer = connection.getresponse()
            found = answer.read()
            names = {name.lower(): value for name, value in answer.getheaders()}
            if names.get("content-encoding") == "gzip" and found:
                found = gzip.decompress(found)
            return Answer(answer.status, names, found)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """The JSON at ``path``; anything but 200 is a failure."""
        answer = self.ask("GET", path, None, headers)
        assert answer.status == 200, (path, answer.status, answer.octets)
        return answer.json

    def _authorization(self) -> dict[str, str]:
        if not self.user:
            return {}
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"authorization": f"Basic {pair}"}
