"""leveret.embedded"""

import asyncio
import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pika
import pytest

import leveret
from leveret.config.faults import ConfigError


def connect(broker: leveret.Broker) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(broker.url))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails the test when it leaves a thread or a file open."""
    with leveret.Broker():  # the first loop of a process opens what libuv keeps for good
        pass
    threads, files = threading.enumerate(), open_files()
    yield
    assert threading.enumerate() == threads
    assert open_files() == files


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.mark.usefixtures("nothing_left")
def test_a_client_connects_when_the_block_begins() -> None:
    with leveret.Broker() as broker:
        connection = connect(broker)
        channel = connection.channel()
        channel.queue_declare("hello")
        channel.basic_publish("", "hello", b"Hello World!")
        assert channel.basic_get("hello", auto_ack=True)[2] == b"Hello World!"
        connection.close()


@pytest.mark.usefixtures("nothing_left")
def test_connected_clients_are_told_and_closed_at_the_end() -> None:
    with leveret.Broker() as broker:
        connection = connect(broker)
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as caught:
        connection.process_data_events(time_limit=5)
    assert caught.value.reply_code == 320
    assert "'shutdown'" in caught.value.reply_text


@pytest.mark.usefixtures("nothing_left")
def test_the_end_waits_for_no_one_who_is_silent() -> None:
    with leveret.Broker() as broker:
        silent = socket.create_connection((broker.host, broker.port))
        connection = connect(broker)  # connected, and not reading
    silent.close()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connection.process_data_events(time_limit=5)


@pytest.mark.usefixtures("nothing_left")
def test_an_async_block_runs_in_the_callers_loop_and_leaves_no_task() -> None:
    async def story() -> None:
        before = asyncio.all_tasks()
        threads = threading.active_count()
        async with leveret.Broker() as broker:
            assert threading.active_count() == threads
            reader, writer = await asyncio.open_connection(broker.host, broker.port)
            writer.write(b"AMQP\x00\x00\x09\x01")
            assert await reader.readexactly(1) == b"\x01"
            writer.close()
            await writer.wait_closed()
        assert asyncio.all_tasks() == before

    asyncio.run(story())


@pytest.mark.usefixtures("nothing_left")
def test_an_async_block_cuts_off_who_is_still_connected() -> None:
    async def story() -> bytes:
        async with leveret.Broker() as broker:
            reader, writer = await asyncio.open_connection(broker.host, broker.port)
        rest = await reader.read()
        writer.close()
        return rest

    assert asyncio.run(story()) == b""


@pytest.mark.usefixtures("nothing_left")
def test_what_the_block_raises_passes_and_the_broker_ends() -> None:
    with pytest.raises(ZeroDivisionError), leveret.Broker() as broker:
        raise ZeroDivisionError
    assert not broker.running


@pytest.mark.usefixtures("nothing_left")
def test_a_port_that_is_taken_is_an_error_in_the_caller(taken: int) -> None:
    broker = leveret.Broker(port=taken)
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{taken}: another program"):
        broker.start()
    assert not broker.running
    broker.stop()

    async def story() -> None:
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{taken}: ") as caught:
            await leveret.Broker(port=taken).start_async()
        assert caught.value.errno == errno.EADDRINUSE

    asyncio.run(story())


def test_a_failed_start_may_be_tried_again(taken: int) -> None:
    broker = leveret.Broker(port=taken)
    with pytest.raises(OSError, match="cannot listen"):
        broker.start()
    broker.settings.port = 0
    broker.start()
    broker.stop()


@pytest.mark.parametrize(
    ("host", "why"),
    [("no-such-host.invalid", "there is no host"), ("192.0.2.1", "does not have that address")],
)
@pytest.mark.usefixtures("nothing_left")
def test_an_address_that_cannot_be_had_is_explained(host: str, why: str) -> None:
    with pytest.raises(OSError, match=why):
        leveret.Broker(host=host).start()


def test_a_second_start_is_refused(broker: leveret.Broker) -> None:
    with pytest.raises(RuntimeError, match="runs already"):
        broker.start()
    with pytest.raises(RuntimeError, match="runs already"):
        asyncio.run(broker.start_async())


def test_a_second_stop_does_nothing() -> None:
    broker = leveret.Broker()
    broker.stop()
    broker.start()
    broker.stop()
    broker.stop()
    asyncio.run(broker.stop_async())
    assert not broker.running


def test_there_is_no_port_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="no port yet"):
        _ = leveret.Broker().url


@pytest.mark.usefixtures("nothing_left")
def test_a_restart_keeps_the_port_and_nothing_else() -> None:
    broker = leveret.Broker()
    broker.start()
    url = broker.url
    connection = connect(broker)
    connection.channel().queue_declare("q", durable=True)
    broker.stop()
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connection.process_data_events(time_limit=5)
    with broker:
        assert broker.url == url
        again = connect(broker)
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="NOT_FOUND"):
            again.channel().queue_declare("q", passive=True)
        again.close()


def test_stopping_in_the_wrong_way_says_the_right_one(broker: leveret.Broker) -> None:
    with pytest.raises(RuntimeError, match=r"stop\(\) after start\(\)"):
        asyncio.run(broker.stop_async())

    async def story() -> None:
        async with leveret.Broker() as own:
            with pytest.raises(RuntimeError, match=r"use stop_async\(\)"):
                own.stop()
            with pytest.raises(RuntimeError, match="not started in this event loop"):
                await asyncio.to_thread(asyncio.run, own.stop_async())
            assert own.running

    asyncio.run(story())


@pytest.mark.usefixtures("nothing_left")
def test_many_run_side_by_side() -> None:
    ports: list[int] = []

    def live() -> None:
        with leveret.Broker() as broker:
            connect(broker).close()
            ports.append(broker.port)
            together.wait()

    together = threading.Barrier(5)
    threads = [threading.Thread(target=live) for _ in range(4)]
    for thread in threads:
        thread.start()
    together.wait(30)
    for thread in threads:
        thread.join()
    assert len(set(ports)) == 4


@pytest.mark.usefixtures("nothing_left")
def test_several_threads_may_stop_the_same() -> None:
    broker = leveret.Broker()
    broker.start()
    threads = [threading.Thread(target=broker.stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not broker.running


def test_user_password_and_vhost_are_the_only_ones_there_are() -> None:
    with leveret.Broker(user="al/ice", password="s@:%", vhost="my/vhost") as broker:
        connect(broker).close()
        guest = pika.URLParameters(f"amqp://guest:guest@{broker.host}:{broker.port}/my%2Fvhost")
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            pika.BlockingConnection(guest)


def test_the_url_of_every_interface_is_a_local_one() -> None:
    with leveret.Broker(host="0.0.0.0") as broker:
        assert broker.url == f"amqp://guest:guest@127.0.0.1:{broker.port}/%2F"
        connect(broker).close()


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert leveret.Broker(host="::1", port=1).url == "amqp://guest:guest@[::1]:1/%2F"


def test_other_settings_go_by_their_names() -> None:
    with leveret.Broker(settings={"channel_max": 7}) as broker:
        connection = connect(broker)
        assert connection._impl.params.channel_max == 7
        connection.close()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"chanel_max": 7}, "did you mean channel_max"), ({"port": "x"}, "port = 'x'")],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        leveret.Broker(settings=settings)


def test_a_broker_that_nobody_stops_does_not_keep_the_program_from_ending() -> None:
    program = "import leveret; b = leveret.Broker(); b.start(); print(b.url)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_that_has_set_up_no_logging_is_told_nothing() -> None:
    program = (
        "import leveret, socket\n"
        "with leveret.Broker() as broker:\n"
        "    one = socket.create_connection((broker.host, broker.port))\n"
        "    one.sendall(b'AMQP' + bytes([0, 0, 9, 1]))\n"
        "    one.recv(100)\n"
        "    one.sendall(bytes(100))\n"
        "    one.recv(100)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_a_module_imports_no_server() -> None:
    program = (
        "import sys, leveret.octets;"
        "assert leveret.__version__;"
        "print(sorted(m for m in sys.modules if m.startswith('leveret')), 'asyncio' in sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    assert "embedded" not in printed
    assert "server" not in printed
    assert printed.endswith("False\n")


def test_the_package_offers_its_one_name_and_no_other() -> None:
    assert leveret.__all__ == ["Broker", "__version__"]
    with pytest.raises(AttributeError, match="no attribute 'Brocker'"):
        _ = leveret.Brocker  # type: ignore[attr-defined]


def test_an_action_is_done_in_the_brokers_thread() -> None:
    with leveret.Broker() as broker:
        name = broker.call(lambda node: threading.current_thread().name)
        assert name == "leveret-broker"
        assert broker.call(lambda node: list(node.vhosts)) == ["/"]
        with pytest.raises(KeyError):
            broker.call(lambda node: node.vhosts["nowhere"])
    with pytest.raises(RuntimeError, match="does not run"):
        broker.call(lambda node: None)


def test_an_action_in_the_callers_loop() -> None:
    async def ask() -> list[str]:
        async with leveret.Broker() as broker:
            return broker.call(lambda node: list(node.users.by_name))

    assert asyncio.run(ask()) == ["guest"]


def test_other_protocols_are_there_when_they_are_wanted() -> None:
    with leveret.Broker(mqtt=True, stomp=True, websockets=True) as broker:
        assert broker.web_mqtt_url == f"ws://127.0.0.1:{broker.web_mqtt_port}/ws"
        assert broker.web_stomp_url == f"ws://127.0.0.1:{broker.web_stomp_port}/ws"
        assert broker.mqtt_url == f"mqtt://guest:guest@127.0.0.1:{broker.mqtt_port}"
        assert broker.stomp_url == f"stomp://guest:guest@127.0.0.1:{broker.stomp_port}"
        for port in (broker.mqtt_port, broker.stomp_port):
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
    with leveret.Broker() as broker:
        with pytest.raises(RuntimeError, match="has no MQTT: make it with mqtt=True"):
            _ = broker.mqtt_port
        with pytest.raises(RuntimeError, match="has no STOMP: make it with stomp=True"):
            _ = broker.stomp_port
