"""The HTTP API over TLS, with a certificate of its own that may be renewed."""

import contextlib
import http.client
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Certificates

import leveret
from leveret.config.faults import ConfigError


def settings_of(certificates: Certificates, **more: object) -> dict[str, object]:
    own = {
        "management_tls_certfile": certificates.cert,
        "management_tls_keyfile": certificates.key,
        "management_tls_listen": ["127.0.0.1:0"],
    }
    return {**own, **more}


def https_port(broker: leveret.Broker) -> int:
    places = broker.call(lambda node: [(p.protocol, p.port) for p in node.places])
    return dict(places)["https"]


def status(broker: leveret.Broker, context: ssl.SSLContext) -> int:
    where = "127.0.0.1", https_port(broker)
    connection = http.client.HTTPSConnection(*where, context=context, timeout=60)
    try:
        connection.request("OPTIONS", "/api/whoami")
        return connection.getresponse().status
    finally:
        connection.close()


def serial(broker: leveret.Broker) -> Any:
    """What tells one certificate from another."""
    return ssl.get_server_certificate(("127.0.0.1", https_port(broker)), timeout=60)


def test_https_is_there_beside_http(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "pki")
    with leveret.Broker(management=True, settings=settings_of(certificates)) as broker:
        assert status(broker, certificates.context()) == 200
        names = [p for p, _ in broker.call(lambda n: [(p.protocol, p.expires) for p in n.places])]
        assert sorted(names) == ["amqp", "http", "https"]


def test_browsers_may_have_to_show_a_certificate(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "pki")
    settings = settings_of(
        certificates,
        management_tls_cacertfile=certificates.ca_file,
        management_tls_verify="peer",
        management_tls_fail_if_no_peer_cert=True,
    )
    with leveret.Broker(management=True, settings=settings) as broker:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            status(broker, certificates.context())
        assert status(broker, certificates.context(with_certificate=True)) == 200


def test_a_new_certificate_is_for_connections_to_come(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "pki")
    with leveret.Broker(management=True, settings=settings_of(certificates)) as broker:
        before = serial(broker)
        certificates.issue("localhost", "127.0.0.1", name="broker")
        assert serial(broker) == before
        assert broker.reload_tls()
        assert serial(broker) != before
        Path(certificates.cert).write_text("no certificate")
        assert not broker.reload_tls()
        assert status(broker, certificates.context()) == 200


def test_a_certificate_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = {"management_tls_certfile": str(tmp_path / "nowhere.pem")}
    with pytest.raises(ConfigError, match=r"nowhere\.pem"):
        leveret.Broker(management=True, settings=settings).start()


def test_who_does_not_speak_tls_is_cut_off(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "pki")
    settings = settings_of(certificates, tls_handshake_timeout_ms=200)
    with (
        leveret.Broker(management=True, settings=settings) as broker,
        socket.create_connection(("127.0.0.1", https_port(broker)), timeout=60) as peer,
        contextlib.suppress(ConnectionResetError),
    ):
        assert peer.recv(1) == b""
