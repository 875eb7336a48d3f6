"""STOMP over TLS, with a certificate as the login; and how connections are shown."""

from pathlib import Path
from typing import Any

import pytest
from tests.certificates import Certificates
from tests.stomp_wire import StompWire

import leveret
from leveret.auth.permissions import Permission


def _all() -> Permission:
    return Permission(".*", ".*", ".*")


class TlsStompWire(StompWire):
    """A connection over TLS."""

    def __init__(self, port: int, certificates: Certificates, *, shows_own: bool) -> None:
        super().__init__(port)
        context = certificates.context(with_certificate=shows_own)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


@pytest.mark.parametrize(("is_on", "reply"), [(True, "CONNECTED"), (False, "ERROR")])
def test_a_certificate_is_a_login_where_the_settings_say_so(
    tmp_path: Path, is_on: bool, reply: str
) -> None:
    certificates = Certificates(tmp_path, client="guest")
    settings = certificates.mutual | {
        "stomp_ssl_cert_login": is_on,
        "ssl_cert_login_from": "common_name",
        "stomp_default_user": "",
    }
    with leveret.Broker(stomp=True, settings=settings) as broker:
        places = broker.call(lambda node: [(place.protocol, place.port) for place in node.places])
        port = dict(places)["stomp/ssl"]
        with TlsStompWire(port, certificates, shows_own=True) as wire:
            wire.send("CONNECT", accept_version="1.2", host="/")
            got = wire.expect(reply)
            if is_on:
                wire.send("SUBSCRIBE", destination="/queue/q", id="1")
                wire.send("SEND", {"destination": "/queue/q"}, b"x" * 100_000)
                assert len(wire.expect("MESSAGE").body) == 100_000
            else:
                assert got["message"] == "Bad CONNECT"


def test_connections_and_subscriptions_are_listed() -> None:
    with leveret.Broker(stomp=True) as broker, StompWire(broker.stomp_port) as wire:
        wire.connect("1.1", heart_beat="0,0")
        wire.send("SUBSCRIBE", destination="/queue/q", id="1", ack="client", receipt="1")
        wire.expect("RECEIPT")

        def look(node: Any) -> list[object]:
            (link,) = node.connections.by_id.values()
            (consumer,) = node.vhosts["/"].queues["q"].consumers
            properties = {name: field.value for name, field in link.client_properties.items()}
            view = link.channels[1]
            return [link.protocol, link.user.name, properties, consumer.tag, view.consumer_count]

        assert broker.call(look) == ["STOMP 1.1", "guest", {"product": "STOMP client"}, "T_1", 1]
        broker.call(lambda node: next(iter(node.connections.by_id.values())).shut("go away"))
        assert wire.expect("ERROR")["message"] == "connection_forced"
        wire.expect_end()


def test_a_user_or_vhost_that_is_deleted_takes_its_connections_along() -> None:
    with leveret.Broker(stomp=True) as broker, StompWire(broker.stomp_port) as wire:
        broker.call(lambda node: node.add_vhost("other"))
        broker.call(lambda node: node.users.by_name["guest"].grant("other", _all()))
        connected = wire.connect(host="other")
        assert connected is not None and connected.command == "CONNECTED"
        broker.call(lambda node: node.delete_vhost("other"))
        assert "vhost 'other' is deleted" in wire.expect("ERROR").body.decode()


def test_the_firehose_hears_of_stomp() -> None:
    with leveret.Broker(stomp=True) as broker, StompWire(broker.stomp_port) as wire:
        broker.call(lambda node: node.vhosts["/"].trace(True))
        wire.connect()
        wire.send("SUBSCRIBE", destination="/exchange/amq.rabbitmq.trace/#", id="t", receipt="1")
        wire.expect("RECEIPT")
        wire.send("SUBSCRIBE", destination="/queue/q", id="1", receipt="2")
        wire.expect("RECEIPT")
        wire.send("SEND", {"destination": "/queue/q"}, b"x")
        keys = set()
        while len(keys) < 2:
            got = wire.expect("MESSAGE")
            if got["subscription"] == "t" and got.body == b"x":
                keys.add(got["destination"])
        assert keys == {
            "/exchange/amq.rabbitmq.trace/publish.",
            "/exchange/amq.rabbitmq.trace/deliver.q",
        }
