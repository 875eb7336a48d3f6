"""leveret.perf over TLS: all protocols trust what the system trusts, and say what they do not"""

import asyncio
import io
from collections.abc import Iterator

import pytest
from tests.certificates import Certificates

import leveret
from leveret.perf.amqp.load import AmqpLoad
from leveret.perf.amqp.settings import AmqpSettings
from leveret.perf.faults import BrokerFault
from leveret.perf.load import Load
from leveret.perf.mqtt.load import MqttLoad
from leveret.perf.mqtt.settings import MqttSettings
from leveret.perf.report import LiveLine, Result
from leveret.perf.run import Run
from leveret.perf.settings import Settings
from leveret.perf.stomp.load import StompLoad
from leveret.perf.stomp.settings import StompSettings
from leveret.ports import Clock

PROTOCOLS = ["amqp", "mqtt", "stomp"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def ports(certificates: Certificates) -> Iterator[dict[str, int]]:
    with leveret.Broker(mqtt=True, stomp=True, settings=certificates.settings) as broker:
        settings = broker.settings
        yield {
            "amqp": broker.tls_port,
            "mqtt": settings.mqtt_tls_port,
            "stomp": settings.stomp_tls_port,
        }


def load(protocol: str, port: int) -> Load:
    settings: Settings
    url = f"{protocol}s://guest:guest@localhost:{port}"
    if protocol == "amqp":
        settings = AmqpSettings()
        made: type[Load] = AmqpLoad
    elif protocol == "mqtt":
        settings = MqttSettings()
        made = MqttLoad
    else:
        settings = StompSettings()
        made = StompLoad
    settings.url, settings.duration, settings.messages, settings.verify = url, 0.0, 200, True
    return made(settings, Clock())  # type: ignore[arg-type]


def perform(protocol: str, port: int) -> Result:
    chosen = load(protocol, port)
    line = LiveLine(chosen.settings, io.StringIO())

    async def run() -> Result:
        return await Run(chosen, line).perform()

    return asyncio.run(run())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_everything_comes_once_whole_and_in_order(
    protocol: str,
    ports: dict[str, int],
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificates.ca_file)
    result = perform(protocol, ports[protocol])
    assert result.verdict is not None and result.verdict.is_fine
    assert result.received == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_certificate_of_nobody_is_named(
    protocol: str, ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(BrokerFault, match="its certificate is not trusted"):
        perform(protocol, ports[protocol])
