"""leveret.server: which listeners the settings make."""

import asyncio
import datetime
import socket
from pathlib import Path

import pytest
from tests.certificates import Certificates, TlsWire
from tests.wire import HEADER, Wire

import leveret
from leveret.config.faults import ConfigError
from leveret.config.settings import Settings
from leveret.server import Server


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def places(words: str = "AMQP", **settings: object) -> list[tuple[str, str, int]]:
    listeners = Server(Settings(**settings)).listeners
    every = [(each.protocol, each.host, each.port) for each in listeners]
    return [one for one in every if one[0].startswith(words)]


def test_by_default_there_is_one_listener() -> None:
    assert places() == [("AMQP 0-9-1", "", 5672)]
    assert places(host="::1", port=7) == [("AMQP 0-9-1", "::1", 7)]


def test_a_certificate_makes_a_second_one(certificates: Certificates) -> None:
    plain, tls = ("AMQP 0-9-1", "127.0.0.1", 5672), ("AMQP 0-9-1 over TLS", "127.0.0.1", 5671)
    assert places(host="127.0.0.1", **certificates.settings) == [plain, tls]
    assert places(host="127.0.0.1", listen=["none"], **certificates.settings) == [tls]
    assert places(host="127.0.0.1", tls_listen=["none"], **certificates.settings) == [plain]


def test_there_may_be_several_of_each(certificates: Certificates) -> None:
    listed = {"listen": ["127.0.0.1:1", "[::1]:2"], "tls_listen": ["3", "localhost:4"]}
    assert places(host="192.0.2.1", port=7, **listed, **certificates.settings) == [
        ("AMQP 0-9-1", "127.0.0.1", 1),
        ("AMQP 0-9-1", "::1", 2),
        ("AMQP 0-9-1 over TLS", "", 3),
        ("AMQP 0-9-1 over TLS", "localhost", 4),
    ]


@pytest.mark.parametrize(
    ("title", "sealed", "prefix", "port", "tls_port"),
    [
        ("MQTT", "MQTT over TLS", "mqtt", 1883, 8883),
        ("STOMP", "STOMP over TLS", "stomp", 61613, 61614),
        ("MQTT over WebSockets", "MQTT over WebSockets and TLS", "web_mqtt", 15675, 15676),
        ("STOMP over WebSockets", "STOMP over WebSockets and TLS", "web_stomp", 15674, 15673),
    ],
)
def test_other_protocols_have_ports_of_their_own(
    certificates: Certificates, title: str, sealed: str, prefix: str, port: int, tls_port: int
) -> None:
    def there(**settings: object) -> list[tuple[str, str, int]]:
        return [one for one in places("", **settings) if one[0] in (title, sealed)]

    assert there() == [(title, "", port)]
    assert there(**certificates.settings) == [(title, "", port), (sealed, "", tls_port)]
    listed: dict[str, object] = {
        f"{prefix}_listen": ["127.0.0.1:5"],
        f"{prefix}_tls_listen": ["6"],
    }
    assert there(**listed, **certificates.settings) == [(title, "127.0.0.1", 5), (sealed, "", 6)]
    nowhere: dict[str, object] = {f"{prefix}_listen": ["none"]}
    assert there(**nowhere) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"listen": ["none"]}, "leaves nothing to listen on; set tls_certfile"),
        ({"tls_listen": ["5671"]}, "tls_certfile = '' (default) is needed for TLS"),
        ({"mqtt_tls_listen": ["8883"]}, "tls_certfile = '' (default) is needed for TLS"),
        ({"tls_certfile": "/nowhere/x"}, "tls_certfile = '/nowhere/x' (argument) cannot be read"),
    ],
)
def test_what_cannot_listen_is_a_wrong_setting(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Server(Settings(**settings))
    assert words in str(caught.value)


def test_all_of_them_serve(certificates: Certificates) -> None:
    settings: dict[str, object] = {"listen": ["127.0.0.1:0", "127.0.0.1:0"]}
    with leveret.Broker(settings=settings | certificates.settings) as broker:
        ports = [broker.port]
        with Wire(port=broker.port) as wire:
            assert wire.open().name == "connection.open-ok"
        with TlsWire(broker.tls_port, certificates.context()) as sealed:
            assert sealed.open().name == "connection.open-ok"
        ports.append(broker.tls_port)
    assert len(set(ports)) == 2


def test_a_broker_with_tls_only_has_one_url(certificates: Certificates) -> None:
    settings: dict[str, object] = {"listen": ["none"]}
    with leveret.Broker(settings=settings | certificates.settings) as broker:
        assert broker.url == broker.tls_url
        assert broker.port == broker.tls_port
        with TlsWire(broker.port, certificates.context()) as sealed:
            sealed.send_octets(HEADER)
            assert sealed.expect("connection.start")


def test_a_certificate_that_has_expired_is_told(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    then = datetime.datetime(2024, 2, 3, 4, 5, 6)
    certificates.issue("localhost", name="broker", not_after=then, not_before=then.replace(2023))
    with leveret.Broker(settings=certificates.settings):
        pass
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("The TLS certificate expired at 2024-02-03T04:05:06Z: ")


def test_one_port_that_cannot_be_had_closes_them_all(certificates: Certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(listen=["127.0.0.1:0", f"127.0.0.1:{port}"])
        server = Server(settings)  # AMQP's come first: no other port is opened

        async def scenario() -> None:
            with pytest.raises(OSError):
                await server.start()

        asyncio.run(scenario())
        assert server.failed is server.listeners[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.listeners[0].port), 5)
        broker = leveret.Broker(settings={"listen": ["127.0.0.1:0", f"127.0.0.1:{port}"]})
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: another program"):
            broker.start()
