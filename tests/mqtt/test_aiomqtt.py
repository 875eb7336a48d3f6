"""aiomqtt against the broker: what its users write, in both versions."""

import asyncio

import aiomqtt
import pytest

import leveret

PATIENCE_S = 60

both = pytest.mark.parametrize(
    "version", (aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5), ids=("3.1.1", "5.0")
)


def client(broker: leveret.Broker, version: aiomqtt.ProtocolVersion) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1", broker.mqtt_port, username="guest", password="guest", protocol=version
    )


async def take(subscriber: aiomqtt.Client, count: int) -> list[aiomqtt.Message]:
    found: list[aiomqtt.Message] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in subscriber.messages:
            found.append(message)
            if len(found) == count:
                break
    return found


@both
@pytest.mark.asyncio
async def test_publish_and_subscribe(
    broker: leveret.Broker, version: aiomqtt.ProtocolVersion
) -> None:
    async with client(broker, version) as reader, client(broker, version) as writer:
        await reader.subscribe("aio/+/a", qos=2)
        await reader.subscribe("aio/b", qos=1)
        for qos in (0, 1, 2):
            await writer.publish(f"aio/{qos}/a", payload=f"{qos}", qos=qos)
            await writer.publish("aio/b", payload="b", qos=qos)
        found = await take(reader, 6)
        got = [(str(m.topic), m.payload, m.qos) for m in found]
        assert sorted(got) == [
            ("aio/0/a", b"0", 0),
            ("aio/1/a", b"1", 1),
            ("aio/2/a", b"2", 2),
            ("aio/b", b"b", 0),
            ("aio/b", b"b", 1),
            ("aio/b", b"b", 1),
        ]


@both
@pytest.mark.asyncio
async def test_many_at_once(broker: leveret.Broker, version: aiomqtt.ProtocolVersion) -> None:
    async with client(broker, version) as reader, client(broker, version) as writer:
        await reader.subscribe("many", qos=1)
        await asyncio.gather(*(writer.publish("many", payload=f"{n}", qos=1) for n in range(200)))
        found = await take(reader, 200)
        assert sorted(int(m.payload) for m in found) == list(range(200))


@both
@pytest.mark.asyncio
async def test_a_wrong_password(broker: leveret.Broker, version: aiomqtt.ProtocolVersion) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(
            "127.0.0.1", broker.mqtt_port, username="guest", password="x", protocol=version
        ):
            pass
