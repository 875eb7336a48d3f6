"""A real RabbitMQ (Debian's rabbitmq-server) to compare with.  For tests and benchmarks only.

Everything the node needs lies in one temporary directory: data, logs, cookie, configuration.  Its
ports, its node name and even its epmd are its own, so that it disturbs no other node of the machine
and leaves nothing behind.  It runs as whoever starts it, root included.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SBIN: Final = Path("/usr/lib/rabbitmq/bin")
PLUGINS: Final = Path("/usr/lib/rabbitmq/lib")
MANAGEMENT: Final = "rabbitmq_management"
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0

# Reads one expression a line, has it evaluated on the node, writes one line of what came of it.
_SHELL: Final = """
Node = list_to_atom(os:getenv("RABBITMQ_NODENAME")),
Serve = fun(Again) ->
    case io:get_line("") of
        eof -> halt();
        Line ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Expressions} = erl_parse:parse_exprs(Tokens),
            Answer = rpc:call(Node, erl_eval, exprs, [Expressions, []]),
            io:format("~0p~n", [Answer]),
            Again(Again)
    end
end,
Serve(Serve).
"""


def missing() -> str | None:
    """Why no oracle can run here, in one line; None when it can."""
    absent = [str(SBIN / "rabbitmq-server")] if not (SBIN / "rabbitmq-server").exists() else []
    absent += [name for name in ("erl", "epmd") if shutil.which(name) is None]
    if absent:
        return (
            f"needs RabbitMQ (Debian: apt install rabbitmq-server); not found: {', '.join(absent)}"
        )
    return None


def is_installed(plugin: str) -> bool:
    """Whether this machine's RabbitMQ comes with the plugin."""
    return any(PLUGINS.glob(f"*/plugins/{plugin}-*"))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class OracleFailed(Exception):
    """RabbitMQ did not start; the message ends with the tail of its log."""


class Oracle:
    """One RabbitMQ node with guest/guest on 127.0.0.1.

    ``stop`` and ``start`` again on the same object restart the node on the same port with its
    durable definitions and messages; ``close`` (or the end of a ``with``) also removes the files.
    """

    def __init__(
        self, port: int = 0, settings: tuple[str, ...] = (), plugins: tuple[str, ...] = ()
    ) -> None:
        """``settings`` are further lines of rabbitmq.conf; port 0 means a free one.

        Of the ``plugins``, those are enabled that are installed; with rabbitmq_management the HTTP
        API answers on ``management_port``.
        """
        self.host: Final = "127.0.0.1"
        self.port: Final = port or free_port()
        self.plugins: Final = tuple(name for name in plugins if is_installed(name))
        self.management_port: Final = free_port() if MANAGEMENT in self.plugins else 0
        self.url: Final = f"amqp://guest:guest@{self.host}:{self.port}/%2F"
        self.home: Final = Path(tempfile.mkdtemp(prefix="oracle-"))
        self.log: Final = self.home / "node.log"
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._shell: subprocess.Popen[bytes] | None = None
        self._environment: Final = self._prepare(settings)

    def _prepare(self, settings: tuple[str, ...]) -> dict[str, str]:
        """Write the node's files; return the environment that points at them."""
        home = self.home
        (home / "plugins").write_text(f"[{','.join(self.plugins)}].\n")
        (home / "env").write_text("")  # stands in for /etc/rabbitmq/rabbitmq-env.conf
        lines = [f"listeners.tcp.1 = {self.host}:{self.port}", *settings]
        if self.management_port:
            lines += [
                f"management.tcp.ip = {self.host}",
                f"management.tcp.port = {self.management_port}",
            ]
        (home / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        return kept | {
            "HOME": str(home),  # the Erlang cookie is made here
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": self.host,
            "RABBITMQ_NODENAME": f"oracle{os.getpid()}p{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(home / "env"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "logs"),
            "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_PID_FILE": str(home / "node.pid"),
            "RABBITMQ_LOGS": "-",
            "LC_ALL": "C.UTF-8",
        }

    @property
    def environment(self) -> dict[str, str]:
        """What a command line tool has to be run with."""
        return self._environment

    @property
    def pid(self) -> int:
        """The process id of the Erlang machine, for reading its CPU time and memory."""
        # Written by the node itself: the process we started is only its shell script.
        return int((self.home / "node.pid").read_text())

    def start(self) -> None:
        """Start the node; return when it answers an AMQP protocol header."""
        assert self._node is None, "started already"
        try:
            # In the foreground and under our eyes: the daemon that Erlang starts would outlive us.
            self._epmd = self._spawn([shutil.which("epmd") or "epmd"])
            self._node = self._spawn([str(SBIN / "rabbitmq-server")])
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_it_answers(self) -> None:
        assert self._node is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        # AMQP comes last: what the plugins listen on is there before.
        while not answers(self.host, self.port):
            if self._node.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise OracleFailed(f"rabbitmq-server (status {self._node.poll()}): {tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the node in good order, by force if that takes too long; harmless when stopped."""
        if self._shell is not None:
            # It ends with its input.
            self._shell.communicate()
        for process in (self._node, self._epmd):
            if process is not None:
                end(process)
        self._node = None
        self._epmd = None
        self._shell = None

    def close(self) -> None:
        """End the node, whatever it is at, and remove its files."""
        if self._node is not None:
            # In good order it takes seconds, and nothing of it will be needed again.
            self._node.kill()
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def ctl(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` prints for ``arguments``; takes a second, on a busy machine many."""
        command = [str(SBIN / "rabbitmqctl"), "--quiet", *arguments]
        return subprocess.run(
            command, env=self._environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def evaluate(self, expression: str) -> str:
        """What the node answers to an Erlang expression: rabbitmqctl's doings without its start."""
        if self._shell is None:
            name = f"shell{self.port}@localhost"
            self._shell = subprocess.Popen(
                ["erl", "-noshell", "-hidden", "-sname", name, "-eval", _SHELL],
                env=self._environment,
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._shell.stdin.write(f"{expression}.\n".encode())
        self._shell.stdin.flush()
        answer = self._shell.stdout.readline().decode().strip()
        if not answer.startswith("{value,"):
            raise OracleFailed(f"{expression}: {answer or 'the shell has died'}")
        return answer.removeprefix("{value,").removesuffix(",[]}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def answers(host: str, port: int) -> bool:
    """Whether an AMQP 0-9-1 broker greets whoever connects there."""
    try:
        with socket.create_connection((host, port), timeout=5) as peer:
            peer.sendall(b"AMQP\x00\x00\x09\x01")
            return peer.recv(1) == b"\x01"  # a method frame: connection.start
    except OSError:
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started (its process group)."""
    try:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(STOP_TIMEOUT_S)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
