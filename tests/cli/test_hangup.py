"""leveret.cli.hangup, and what else leveret serve does about certificates."""

import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from tests.certificates import Certificates, TlsWire
from tests.cli.test_serve import Served, Start, command, surroundings


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def environment(certificates: Certificates) -> dict[str, str]:
    return {
        "LEVERET_TLS_CERTFILE": certificates.cert,
        "LEVERET_TLS_KEYFILE": certificates.key,
        "LEVERET_TLS_PORT": "0",
    }


def serial(url: str, certificates: Certificates) -> str:
    """Of the certificate that the broker shows."""
    port = re.search(r":(\d+)/", url)
    assert port is not None
    with TlsWire(int(port.group(1)), certificates.context()) as wire:
        assert isinstance(wire.socket, ssl.SSLSocket)
        shown = wire.socket.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])


def wait_for(served: Served, text: str) -> None:
    """Read the log until ``text`` is in it."""
    assert served.process.stderr is not None
    while text not in (line := served.process.stderr.readline()):
        assert line, f"the log ended without {text!r}"


def test_sighup_reads_certificates_anew(certificates: Certificates) -> None:
    with Served("--host", "127.0.0.1", "--port", "0", **environment(certificates)) as served:
        (line,) = [line for line in served.banner if "amqps://" in line]
        assert line.startswith("AMQP 0-9-1 over TLS on 127.0.0.1:")
        url = line.partition("amqps://")[2]
        first = serial(url, certificates)
        certificates.issue("localhost", name="broker")
        served.process.send_signal(signal.SIGHUP)
        wait_for(served, "The TLS certificate was read anew")
        second = serial(url, certificates)
        assert second != first
        Path(certificates.cert).write_text("half")
        served.process.send_signal(signal.SIGHUP)
        wait_for(served, "The old certificate stays: tls_certfile")
        assert serial(url, certificates) == second
        assert served.end()[0] == 0


def test_sighup_without_tls_ends_nothing() -> None:
    with Served("--host", "127.0.0.1", "--port", "0") as served:
        served.process.send_signal(signal.SIGHUP)
        wait_for(served, "SIGHUP: nothing was read anew")
        assert served.end()[0] == 0


# Gives a program its standard input as the terminal it belongs to.
# The tests may run under nohup, which the broker would respect.
WITH_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def test_a_terminal_that_is_closed_ends_it(start: Start) -> None:
    ours, theirs = pty.openpty()
    process = start(
        [sys.executable, "-c", WITH_TERMINAL, *command("--host", "127.0.0.1", "--port", "0")],
        env=surroundings({}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while b"First message" not in said:
        said += os.read(ours, 65536)
    os.close(ours)
    assert process.wait(timeout=60) == 0


def test_a_bad_certificate_is_a_wrong_configuration(certificates: Certificates) -> None:
    wrong = environment(certificates) | {"LEVERET_TLS_KEYFILE": "/nowhere/key.pem"}
    done = subprocess.run(
        command("--port", "0"),
        env=surroundings(wrong),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr == (
        "Error: tls_keyfile = '/nowhere/key.pem' (LEVERET_TLS_KEYFILE) cannot be read:"
        " No such file or directory; check the path and who may read it.\n"
    )


def test_a_port_for_tls_that_is_taken_is_named(certificates: Certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--host", "127.0.0.1", "--port", "0"),
            env=surroundings(environment(certificates) | {"LEVERET_TLS_PORT": str(port)}),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 69
    assert f"cannot listen on 127.0.0.1:{port}: another program listens there" in done.stderr
    assert "or take another port with tls_port (LEVERET_TLS_PORT)." in done.stderr
