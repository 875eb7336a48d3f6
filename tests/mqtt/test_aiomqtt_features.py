"""aiomqtt against the broker: retained messages, groups, properties, aliases, $SYS topics."""

import asyncio

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tests.mqtt.test_aiomqtt import PATIENCE_S, both, client, take

import leveret

V5 = aiomqtt.ProtocolVersion.V5


@both
@pytest.mark.asyncio
async def test_retained_messages(broker: leveret.Broker, version: aiomqtt.ProtocolVersion) -> None:
    top = f"aio/retained/{version.value}"
    async with client(broker, version) as writer:
        for number in range(3):
            await writer.publish(f"{top}/{number}", payload=f"{number}", qos=1, retain=True)
        await writer.publish(f"{top}/1", payload=b"", qos=1, retain=True)
    async with client(broker, version) as reader:
        await reader.subscribe(f"{top}/+", qos=2)
        found = await take(reader, 2)
        assert sorted((str(m.topic), m.payload, m.qos, m.retain) for m in found) == [
            (f"{top}/0", b"0", 1, True),
            (f"{top}/2", b"2", 1, True),
        ]


@both
@pytest.mark.asyncio
async def test_a_group(broker: leveret.Broker, version: aiomqtt.ProtocolVersion) -> None:
    got: list[bytes] = []
    done = asyncio.Event()

    async def work(ready: asyncio.Event) -> None:
        async with client(broker, version) as worker:
            await worker.subscribe("$share/aio/aio/jobs", qos=1)
            ready.set()
            async for message in worker.messages:
                assert isinstance(message.payload, bytes)
                got.append(message.payload)
                if len(got) == 100:
                    done.set()

    async with asyncio.timeout(PATIENCE_S):
        ready = [asyncio.Event() for _ in range(4)]
        workers = [asyncio.create_task(work(each)) for each in ready]
        for each in ready:
            await each.wait()
        async with client(broker, version) as boss:
            for number in range(100):
                await boss.publish("aio/jobs", payload=f"{number}", qos=1)
        await done.wait()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    assert sorted(map(int, got)) == list(range(100))


@pytest.mark.asyncio
async def test_properties_and_aliases(broker: leveret.Broker) -> None:
    async with client(broker, V5) as reader, client(broker, V5) as writer:
        await reader.subscribe("aio/props", qos=1)
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = "application/json"
        properties.ResponseTopic = "aio/answer"
        properties.CorrelationData = b"\xff"
        properties.UserProperty = [("z", "1"), ("a", "2"), ("z", "3")]
        properties.TopicAlias = 1
        await writer.publish("aio/props", payload=b"1", qos=1, properties=properties)
        (message,) = await take(reader, 1)
        said = message.properties
        assert said is not None
        assert (said.ContentType, said.ResponseTopic) == ("application/json", "aio/answer")
        assert (said.CorrelationData, said.UserProperty) == (b"\xff", properties.UserProperty)
        assert not hasattr(said, "TopicAlias")  # that was between the writer and the broker


@both
@pytest.mark.asyncio
async def test_sys_topics(broker: leveret.Broker, version: aiomqtt.ProtocolVersion) -> None:
    async with client(broker, version) as reader:
        await reader.subscribe("$SYS/broker/clients/connected")
        (message,) = await take(reader, 1)
        assert isinstance(message.payload, bytes)
        assert int(message.payload) >= 1
