"""A web service that knows users, for tests: rules in a function, requests written down."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Fields = dict[str, str]
Rule = Callable[[str, Fields], str]


class Service:
    """``rule`` gets the path's last word and the fields, and gives the reply's text.

    A reply that begins with a number is a status: ``500 no``.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.requests: list[tuple[str, str, Fields]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(urlsplit(self.path).query)

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                self.reply(self.rfile.read(size).decode())

            def reply(self, query: str) -> None:
                values = parse_qs(query, keep_blank_values=True)
                fields = {name: value[0] for name, value in values.items()}
                path = urlsplit(self.path).path.split("/")[-1]
                service.requests.append((self.command, path, fields))
                words = service.rule(path, fields)
                status = 200
                if words[:1].isdigit():
                    number, _, words = words.partition(" ")
                    status = int(number)
                self.send_response(status)
                self.send_header("Content-Length", str(len(words.encode())))
                self.end_headers()
                self.wfile.write(words.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    @property
    def settings(self) -> dict[str, object]:
        base = f"http://127.0.0.1:{self.server.server_address[1]}/auth/"
        paths = {f"auth_http_{name}_path": base + name for name in ("user", "vhost")}
        paths |= {f"auth_http_{name}_path": base + name for name in ("resource", "topic")}
        return {"auth_backends": ["http"], **paths}

    def asked(self, path: str) -> list[Fields]:
        return [fields for _, where, fields in self.requests if where == path]

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
