"""leveret.cli.client"""

import base64
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.certificates import Certificates

from leveret.cli.address import Address
from leveret.cli.client import Api, Refusal
from leveret.cli.refusals import Failure


class Server(HTTPServer):
    """Answers each request with the next of ``answers``, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.answers: list[tuple[int, str]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        self.hangs_up = False

    def api(self, **changes: object) -> Api:
        """For whoever asks it."""
        address = Address(f"http://127.0.0.1:{self.server_address[1]}")
        address.take({name: str(value) for name, value in changes.items()})
        address.settle()
        return Api(address)


class Desk(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), content))
        status, text = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
        # Without saying so, as a server that thinks the connection idle.
        self.close_connection = self.server.hangs_up

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(None) as server:
        yield server


@contextmanager
def serving(tls: ssl.SSLContext | None) -> Iterator[Server]:
    with Server() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_names_are_quoted_and_the_answer_is_decoded(server: Server) -> None:
    server.answers = [(200, '{"name": "ünï"}')]
    api = server.api()
    assert api.get("queues", "/", "a b/ü", columns="name,vhost") == {"name": "ünï"}
    api.close()
    method, path, headers, content = server.asked[0]
    assert (method, content) == ("GET", b"")
    assert path == "/api/queues/%2F/a%20b%2F%C3%BC?columns=name%2Cvhost"
    login = base64.b64decode(headers["Authorization"].removeprefix("Basic "))
    assert login == b"guest:guest"


def test_one_connection_serves_many_requests(server: Server) -> None:
    server.answers = [(204, ""), (201, ""), (200, "[]")]
    api = server.api()
    assert api.delete("a") is None
    assert api.put("b", body={"x": "ü"}) is None
    assert api.post("c") == []
    api.close()
    assert server.connections == 1
    assert [json.loads(content or "0") for *_, content in server.asked] == [0, {"x": "ü"}, {}]


def test_a_connection_that_was_closed_meanwhile_is_opened_again(server: Server) -> None:
    server.answers = [(200, "1"), (200, "2")]
    server.hangs_up = True
    api = server.api()
    assert [api.get("a"), api.get("a")] == [1, 2]
    api.close()
    assert server.connections == 2


def test_what_is_posted_is_not_posted_twice(server: Server) -> None:
    server.answers = [(200, "1"), (200, "2")]
    server.hangs_up = True
    api = server.api()
    api.get("a")
    with pytest.raises(Failure, match="no broker answers"):
        api.post("a")
    api.close()
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "answer", "code", "sentence"),
    [
        (404, '{"error":"Object Not Found","reason":"Not Found"}', 69, "^Not Found$"),
        (400, '{"error":"bad_request","reason":"a &lt;b&gt;"}', 69, "^a <b>$"),
        (400, '{"reason":["invalid_regexp",[40],[[109,105],1]]}', 69, r'"invalid_regexp", "\("'),
        (405, "", 69, "has no GET /api/thing"),
        (500, "oh", 70, "^oh$"),
        (503, "", 69, "answered 503"),
        (
            401,
            '{"error":"not_authorized","reason":"Login failed"}',
            77,
            "does not let in user 'guest': Login",
        ),
        (401, '{"reason":"Not administrator user"}', 77, "may not do that: Not administrator"),
    ],
)
def test_a_refusal_says_why(
    status: int, answer: str, code: int, sentence: str, server: Server
) -> None:
    server.answers = [(status, answer)]
    api = server.api()
    with pytest.raises(Refusal, match=sentence) as refused:
        api.get("thing")
    api.close()
    assert (refused.value.exit_code, refused.value.status) == (code, status)


def test_a_user_without_a_password_is_told_so(server: Server) -> None:
    server.answers = [(401, "{}")]
    api = server.api(user="me")
    with pytest.raises(Refusal, match="no password was given for user 'me'"):
        api.get("thing")
    api.close()


def test_what_is_not_there_need_not_be_a_mistake(server: Server) -> None:
    server.answers = [(404, "{}"), (401, "{}")]
    api = server.api()
    assert api.find("thing") is None
    with pytest.raises(Refusal):
        api.find("thing")
    api.close()


def test_a_knock_needs_no_login(server: Server) -> None:
    server.answers = [(401, "{}"), (503, "")]
    api = server.api()
    api.knock()
    assert "Authorization" not in server.asked[0][2]
    with pytest.raises(Failure, match="answered 503"):
        api.knock()
    api.close()


def test_whoever_was_interrupted_may_still_tidy_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [(200, "1"), (204, "")]
    api = server.api()
    with monkeypatch.context() as patch:
        patch.setattr(http.client.HTTPConnection, "getresponse", interrupted)
        with pytest.raises(KeyboardInterrupt):
            api.get("a")
    assert api.delete("b") is None
    api.close()


def test_nobody_there_is_a_sentence_with_a_cure() -> None:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))  # and does not listen
        port = place.getsockname()[1]
        with pytest.raises(Failure, match=r"no broker answers at .*leveret serve") as failed:
            Api(Address(f"http://127.0.0.1:{port}")).get("overview")
    assert failed.value.exit_code == 69


def test_somebody_silent_is_waited_for_only_so_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        address = Address(f"http://127.0.0.1:{place.getsockname()[1]}")
        address.timeout_s = 0.1
        with pytest.raises(Failure, match="did not answer within") as failed:
            Api(address).get("overview")
    assert failed.value.exit_code == 75


def test_the_port_of_amqp_is_told_from_that_of_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        thread = threading.Thread(target=greet, args=[place])
        thread.start()
        api = Api(Address(f"http://127.0.0.1:{place.getsockname()[1]}"))
        with pytest.raises(Failure, match="no management API") as failed:
            api.get("overview")
        thread.join()
    assert failed.value.exit_code == 69


def test_a_broker_with_tls_has_to_prove_itself(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "known")
    others = Certificates(tmp_path / "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)
    with serving(context) as server:
        server.answers = [(200, "1")]
        url = f"https://127.0.0.1:{server.server_address[1]}"
        api = server.api(url=url, ca_file=certificates.ca_file)
        assert api.get("a") == 1
        api.close()
        with pytest.raises(Failure, match="--ca-file") as failed:
            server.api(url=url, ca_file=others.ca_file).get("a")
        assert failed.value.exit_code == 69
        with pytest.raises(Failure, match="cannot read"):
            server.api(url=url, ca_file=str(tmp_path / "none")).get("a")


def interrupted(connection: http.client.HTTPConnection) -> None:
    """Ctrl-C, while the answer is on its way."""
    raise KeyboardInterrupt


def greet(place: socket.socket) -> None:
    """Answer as a broker does that wants another protocol."""
    peer, _ = place.accept()
    with peer:
        peer.recv(1000)
        peer.sendall(b"AMQP\x00\x00\x09\x01\r\n")


def test_https_at_a_port_without_tls_names_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                with suppress(ConnectionError):  # the client hangs up on it
                    while connection.recv(65536):
                        pass

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = Address(f"https://127.0.0.1:{listener.getsockname()[1]}")
        address.settle()
        with pytest.raises(Failure, match="begin --url with http://"):
            Api(address).get("a")
        thread.join()
