"""Real clients over TLS, which check the broker's certificate and show their own."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pika
import pytest
from tests.certificates import Certificates
from tests.clients.processes import run

import leveret
from leveret.auth.permissions import Permission
from leveret.broker.node import Node
from leveret.net.certificate import tell
from leveret.session import TlsFacts

SCRIPT = Path(__file__).with_name("bunny_tls.rb")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def sealed(certificates: Certificates) -> Iterator[leveret.Broker]:
    """A broker that asks nobody for a certificate."""
    with leveret.Broker(settings=certificates.settings) as broker:
        yield broker


@pytest.fixture(scope="module")
def mutual(certificates: Certificates) -> Iterator[leveret.Broker]:
    """A broker that lets nobody in without one."""
    with leveret.Broker(settings=certificates.mutual) as broker:
        yield broker


def parameters(url: str, context: ssl.SSLContext) -> pika.URLParameters:
    made = pika.URLParameters(url)
    made.ssl_options = pika.SSLOptions(context, "localhost")
    return made


def echo(url: str, context: ssl.SSLContext) -> bytes:
    """A message's way there and back with pika."""
    with pika.BlockingConnection(parameters(url, context)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.basic_publish("", queue, b"x" * 200_000, mandatory=True)
        body: bytes = channel.basic_get(queue, auto_ack=True)[2]
        return body


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pika(sealed: leveret.Broker, certificates: Certificates, version: ssl.TLSVersion) -> None:
    context = certificates.context()
    context.minimum_version = context.maximum_version = version
    assert echo(sealed.tls_url, context) == b"x" * 200_000


def test_pika_with_a_certificate(mutual: leveret.Broker, certificates: Certificates) -> None:
    assert len(echo(mutual.tls_url, certificates.context(with_certificate=True))) == 200_000
    with pytest.raises(pika.exceptions.AMQPError):
        echo(mutual.tls_url, certificates.context())


def test_pika_refuses_a_stranger(sealed: leveret.Broker, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        echo(sealed.tls_url, Certificates(tmp_path).context())


def test_aio_pika_takes_the_certificates_from_the_url(
    mutual: leveret.Broker, certificates: Certificates
) -> None:
    async def scenario() -> bytes:
        query = (
            f"?cafile={certificates.ca_file}&certfile={certificates.client_cert}"
            f"&keyfile={certificates.client_key}"
        )
        connection = await aio_pika.connect_robust(mutual.tls_url + query)
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True)
            message = aio_pika.Message(b"x" * 200_000)
            await channel.default_exchange.publish(message, queue.name)
            got = await queue.get(timeout=10)
            await got.ack()
            return got.body

    assert asyncio.run(scenario()) == b"x" * 200_000


def admit(node: Node, name: str) -> None:
    """Make a user who has no password and may do everything."""
    node.users.add(name, None, []).grant("/", Permission(".*", ".*", ".*"))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "CN=client,OU="),
        ({"ssl_cert_login_from": "common_name"}, "client"),
        ({"ssl_cert_login_from": "subject_alternative_name"}, "client.example"),
    ],
)
def test_a_certificate_is_a_login(
    certificates: Certificates, settings: dict[str, object], name: str
) -> None:
    external: dict[str, object] = {"auth_mechanisms": ["PLAIN", "EXTERNAL"]}
    if name.endswith("="):
        name = subject(certificates)
        assert name.startswith("CN=client,")
    with leveret.Broker(settings=certificates.mutual | external | settings) as broker:
        made = parameters(broker.tls_url, certificates.context(with_certificate=True))
        made.credentials = pika.credentials.ExternalCredentials()
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            pika.BlockingConnection(made)
        broker.call(lambda node: admit(node, name))
        with pika.BlockingConnection(made) as connection:
            connection.channel().queue_declare("q")
        # Without TLS, or without a certificate, nobody is anybody.
        made = pika.URLParameters(broker.url)
        made.credentials = pika.credentials.ExternalCredentials()
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            pika.BlockingConnection(made)


def subject(certificates: Certificates) -> str:
    """The name in the client's certificate, as RabbitMQ spells it."""
    pem = Path(certificates.client_cert).read_text()
    facts = TlsFacts("", "")
    tell(facts, ssl.PEM_cert_to_DER_cert(pem[: pem.index("END CERTIFICATE-----") + 20] + "\n"))
    return facts.subject


@pytest.mark.usefixtures("bunny")
@pytest.mark.parametrize("with_certificate", [False, True])
def test_bunny(
    sealed: leveret.Broker,
    mutual: leveret.Broker,
    certificates: Certificates,
    with_certificate: bool,
) -> None:
    url = mutual.tls_url if with_certificate else sealed.tls_url
    environment = {"AMQP_URL": url, "CA_FILE": certificates.ca_file}
    if with_certificate:
        environment |= {"CERT": certificates.client_cert, "KEY": certificates.client_key}
    run(["ruby", str(SCRIPT)], environment)


@pytest.mark.parametrize("version", ["-tls1_1", "-tls1_2", "-tls1_3"])
def test_openssls_client_finds_versions_from_12_on(
    sealed: leveret.Broker, certificates: Certificates, version: str
) -> None:
    place = f"127.0.0.1:{sealed.tls_port}"
    command = ["openssl", "s_client", "-connect", place, "-CAfile", certificates.ca_file, version]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)
    assert (done.returncode == 0) is (version != "-tls1_1"), done.stderr
