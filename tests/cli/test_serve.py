"""leveret.cli.serve: the broker as a process."""

import json
import os
import platform
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pika
import pytest

OWN = ("LEVERET_", "RABBITMQ_")
# The folder is the test's own, and no two brokers share the ports for HTTP.
KEPT = ("LEVERET_DATA_DIR", "_LISTEN")
Start = Callable[..., subprocess.Popen[Any]]


class Served:
    """A ``leveret serve`` that has said that it is ready."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            command(*options),
            env=surroundings(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.banner: list[str] = []
        try:
            self._wait_until_ready()
        except BaseException:
            # There is no ``with`` yet that would end it.
            self.__exit__()
            raise

    def _wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        while not self.banner or not self.banner[-1].startswith("What is durable"):
            self.banner.append(self.process.stdout.readline())
            if not self.banner[-1]:
                pytest.fail("".join(self.banner) + self.process.communicate()[1])
        ready = re.search(r"amqp://(\S+)", "".join(self.banner))
        assert ready is not None
        self.url = ready.group()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit status and the log."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def command(*options: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "leveret", "serve", *options]


def surroundings(extra: dict[str, str]) -> dict[str, str]:
    """The environment without the settings that the tests themselves may have been given."""
    inherited = {
        name: text
        for name, text in os.environ.items()
        if name.endswith(KEPT) or not name.startswith(OWN)
    }
    return inherited | extra


def refused(*options: str, **environment: str) -> tuple[int, str]:
    """The exit status and the sentence of a serve that does not start."""
    done = subprocess.run(
        command(*options),
        env=surroundings(environment),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.strip().splitlines()[-1]


LOCAL = ("--host", "127.0.0.1", "--port", "0")


def test_the_banner_says_where_it_listens_and_where_its_folder_is() -> None:
    with Served(*LOCAL) as served:
        first, *_, listener, durable = served.banner
        status, log = served.end()
    assert first.startswith("Leveret ")
    assert re.fullmatch(
        r"AMQP 0-9-1 on 127\.0\.0\.1:\d+: amqp://guest:guest@localhost:\d+/%2F\n", listener
    )
    assert durable.startswith("What is durable is kept in ")
    assert status == 0
    assert f"Server startup complete: {listener.rpartition(': ')[0]}\n" in log
    assert "Traceback" not in log


def test_a_person_at_a_terminal_is_shown_a_first_message_and_nothing_twice(start: Start) -> None:
    ours, theirs = pty.openpty()
    process = start(
        command(*LOCAL), env=surroundings({}), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while b"First message" not in said:
        said += os.read(ours, 65536)
    process.terminate()
    process.wait(timeout=60)
    said += os.read(ours, 65536)
    os.close(ours)
    assert b"Server startup complete" not in said
    assert said.count(b"AMQP 0-9-1 on ") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_tells_the_clients_and_ends_it_in_two_seconds(number: int) -> None:
    with Served(*LOCAL) as served:
        connection = pika.BlockingConnection(pika.URLParameters(served.url))
        silent = socket.create_connection(("127.0.0.1", connection._impl.params.port))
        served.process.send_signal(number)
        began = time.monotonic()
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as caught:
            connection.process_data_events(time_limit=5)
        _, log = served.process.communicate(timeout=60)
        assert time.monotonic() - began < 2
        silent.close()
    assert caught.value.reply_code == 320
    assert caught.value.reply_text == (
        "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
    )
    assert served.process.returncode == 0
    assert log.splitlines()[-1].endswith("Stopped")


def test_a_client_that_does_not_answer_cannot_hold_it_up() -> None:
    with Served(*LOCAL) as served:
        connection = pika.BlockingConnection(pika.URLParameters(served.url))
        began = time.monotonic()
        status, _ = served.end()
        assert time.monotonic() - began < 2
    assert status == 0
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connection.process_data_events(time_limit=5)


def test_a_second_signal_stops_at_once() -> None:
    with Served(*LOCAL) as served:
        # It does not read, so the polite end would wait for it.
        connection = pika.BlockingConnection(pika.URLParameters(served.url))
        served.process.send_signal(signal.SIGINT)
        assert served.process.stderr is not None
        while "a second one stops at once" not in served.process.stderr.readline():
            pass
        status, _ = served.end(signal.SIGINT)
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connection.process_data_events(time_limit=5)
    assert status == -signal.SIGINT


def test_a_port_that_is_taken_is_named_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, sentence = refused("--host", "127.0.0.1", "--port", str(port))
    assert status == 69
    assert sentence == (
        f"Error: cannot listen on 127.0.0.1:{port}: another program listens there."
        f"  Find it with 'ss -ltnp sport = :{port}', or take another port with --port."
    )


def test_a_port_that_is_taken_is_named_with_where_it_is_configured(tmp_path: Path) -> None:
    file = tmp_path / "rabbitmq.conf"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
        status, sentence = refused("--config", str(file))
    assert status == 69
    assert sentence.endswith(f"or take another port in listen ({file}:1).")


def test_an_address_of_another_machine_is_refused() -> None:
    status, sentence = refused("--host", "192.0.2.1")
    assert status == 69
    assert "this machine does not have that address.  Change it with --host" in sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prot", "1"], "No such option"),
        (["--port", "http"], "port = 'http' (--port) is not allowed: it must be a whole number"),
        (["--port", "70000"], "port = '70000' (--port) is not allowed: it must be a whole number"),
        (["--log-level", "loud"], "it must be one of debug, info, warning, error, critical."),
        (["--config"], "Option '--config' requires an argument"),
        (["now"], "unexpected extra argument"),
    ],
)
def test_a_bad_option_is_named(options: list[str], sentence: str) -> None:
    status, said = refused(*options)
    assert status == 2
    assert sentence in said


def test_a_bad_key_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "leveret.toml"
    file.write_text("prot = 1")
    expected = f"Error: There is no setting 'prot' ({file}:1); did you mean port?"
    assert refused("--config", str(file)) == (78, expected)
    assert refused(LEVERET_CONFIG=str(file)) == (78, expected)


def test_a_bad_variable_is_named() -> None:
    status, sentence = refused(LEVERET_HEARTBEAT_S="soon")
    assert status == 78
    assert sentence.startswith("Error: heartbeat_s = 'soon' (LEVERET_HEARTBEAT_S) is not allowed")


def test_a_rabbitmq_conf_is_read_and_what_has_no_effect_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "rabbitmq.conf"
    file.write_text(
        "listeners.tcp.1 = 127.0.0.1:0\ndefault_user = alice\nlog.console.formatter = json\n"
        "net_ticktime = 60\ndisk_free_limit.absolute = 1GB\n"
    )
    with Served(RABBITMQ_CONFIG_FILE=str(file)) as served:
        assert served.url.startswith("amqp://alice:PASSWORD@")
        status, log = served.end()
    lines = [json.loads(line) for line in log.splitlines()]
    assert status == 0
    assert [line["level"] for line in lines].count("warning") == 1
    assert "net_ticktime (one node is all there is yet)" in lines[0]["msg"]
    assert lines[-1]["msg"] == "Stopped"


def test_a_rabbitmq_conf_with_a_fault_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "rabbitmq.conf"
    file.write_text("listeners.tcp.default = 5673\nhartbeat = 5\n")
    assert refused("--config", str(file)) == (
        78,
        f"Error: There is no key 'hartbeat' ({file}:2); did you mean heartbeat?",
    )


def test_definitions_are_there_when_it_is_ready(tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text('{"queues": [{"name": "q", "vhost": "/", "durable": true}]}')
    with Served(*LOCAL, LEVERET_LOAD_DEFINITIONS=str(file)) as served:
        connection = pika.BlockingConnection(pika.URLParameters(served.url))
        connection.channel().queue_declare("q", passive=True)
        connection.close()
        _, log = served.end()
    assert f"Definitions imported from {file}: 1 queues" in log


def test_definitions_that_are_wrong_stop_the_start(tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text('{"queues": [{"name": "q", "vhost": "nix"}]}')
    status, sentence = refused(*LOCAL, LEVERET_LOAD_DEFINITIONS=str(file))
    assert status == 78
    assert sentence == (
        f"Error: load_definitions (LEVERET_LOAD_DEFINITIONS): in {file}, queues[0]: Virtual host"
        " 'nix' does not exist."
    )


def test_a_missing_file_is_named() -> None:
    status, sentence = refused("--config", "missing.toml")
    assert (status, sentence) == (
        78,
        "Error: The config file missing.toml cannot be read: No such file or directory.",
    )


def test_file_environment_and_command_line_reach_the_broker(tmp_path: Path) -> None:
    file = tmp_path / "leveret.toml"
    file.write_text('channel_max = 11\ndefault_pass = "file"\nhost = "192.0.2.1"')
    served = Served(
        *LOCAL,
        *("--config", str(file)),
        RABBITMQ_DEFAULT_USER="alice",
        RABBITMQ_DEFAULT_PASS="hare",
        RABBITMQ_DEFAULT_VHOST="field",
        LEVERET_PROT="1",
        RABBITMQ_NODENAME="hare@localhost",
    )
    with served:
        assert "alice:PASSWORD@" in served.url
        parameters = pika.URLParameters(served.url.replace("PASSWORD", "hare"))
        connection = pika.BlockingConnection(parameters)
        assert connection._impl.params.channel_max == 11
        connection.close()
        _, log = served.end()
    assert "did you mean LEVERET_PORT?" in log
    assert "Without effect: RABBITMQ_NODENAME." in log
    assert "hare" not in log + "".join(served.banner)


def test_a_closed_standard_output_does_not_end_it(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    read, write = os.pipe()
    os.close(read)
    process = start(
        command("--host", "127.0.0.1", "--port", str(port)),
        env=surroundings({}),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert process.stderr is not None
    while "Server startup complete" not in (line := process.stderr.readline()):
        assert line, "it ended"
    pika.BlockingConnection(pika.ConnectionParameters(port=port)).close()
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_port_for_http_that_is_taken_is_named_with_both_cures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, sentence = refused(
            *LOCAL, "--management-port", str(port), LEVERET_MANAGEMENT_LISTEN=""
        )
    assert status == 69
    assert sentence.startswith(f"Error: cannot listen on 127.0.0.1:{port}: another program")
    assert sentence.endswith(
        "or take another port with management_port (--management-port), or have no HTTP API with"
        " management_listen = ['none']."
    )


def test_the_banner_says_where_the_page_is() -> None:
    with Served(*LOCAL, "--management-port", "0", LEVERET_MANAGEMENT_LISTEN="") as served:
        page = next(line for line in served.banner if line.startswith("HTTP API"))
        url = page.split()[-1]
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert b"<html" in answer.read()
        served.end()
    assert re.fullmatch(r"HTTP API on 127\.0\.0\.1:\d+: http://localhost:\d+/\n", page)


FAULTS = """
import resource
from leveret.cli.serve import settle_memory
{}
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    blocks = [bytearray(100_000) for _ in range(20)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back")
def test_memory_that_comes_and_goes_is_kept() -> None:
    def faults(settle: str) -> int:
        command = [sys.executable, "-c", FAULTS.format(settle)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    # Where pages are huge there are few faults either way.
    assert faults("settle_memory()") < max(5_000, faults("") / 5)


def test_a_port_of_another_protocol_that_is_taken_is_named_with_both_cures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, sentence = refused(*LOCAL, LEVERET_MQTT_PORT=port, LEVERET_MQTT_LISTEN="")
    assert status == 69
    assert sentence.endswith(
        "or take another port with mqtt_port (LEVERET_MQTT_PORT), or have no MQTT with"
        " mqtt_listen = ['none']."
    )
