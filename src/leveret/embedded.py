"""The broker inside a program: ``leveret.Broker``, for tests above all.

It is the real server on a real socket, not a fake: what works against it works against
``leveret serve``.  Keeps no state of its own outside the object; any number may run side by side.
"""

import asyncio
import atexit
import concurrent.futures
import errno
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar, final
from urllib.parse import quote

from leveret.broker.node import Node
from leveret.config.addresses import NOWHERE
from leveret.config.settings import Settings
from leveret.listeners import SORTS
from leveret.server import Server

_Result = TypeVar("_Result")

new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
try:
    import uvloop

    new_loop = uvloop.new_event_loop
except ImportError:  # no wheel for this platform: asyncio's own loop is slower but does
    pass

# A program that has not set up logging wants no lines from us on its standard error.
logging.getLogger("leveret").addHandler(logging.NullHandler())

# RabbitMQ's words, which clients log and some look for.
SHUTDOWN: Final = "broker forced connection closure with reason 'shutdown'"

# How long a caller waits for the thread to end; the server promises two seconds, and what is on
# the disk is brought in order for half a minute at most.
_PATIENCE_S: Final = 10
_LASTING_PATIENCE_S: Final = 40

FAREWELL_S: Final = 0.1

_ANY: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


@final
class Broker:
    """A broker of your own, ready when the ``with`` block begins and gone when it ends.

    ::

        import leveret, pika

        with leveret.Broker() as broker:
            connection = pika.BlockingConnection(pika.URLParameters(broker.url))
            channel = connection.channel()
            channel.queue_declare("hello")
            channel.basic_publish("", "hello", b"Hello World!")

    As a pytest fixture::

        @pytest.fixture
        def broker():
            with leveret.Broker() as broker:
                yield broker

    ``with`` and ``start`` run it in a thread of its own; ``async with`` and ``start_async`` run it
    in the caller's event loop, and leave no task behind in it.  Either way nothing is written to
    the disk, and nothing remains afterwards: no thread, no socket, no message.

    ``data_dir`` is a folder for what is durable, as that of ``leveret serve --data-dir``; it is
    made if it is not there.  Then definitions and persistent messages are there again when the
    same object, or another one with the same folder, is started: which is how to test what a
    program does after a restart.  ``start`` raises ``leveret.vault.VaultError`` when the folder
    cannot be used, is damaged, or is another broker's at that time.

    ``management=True`` opens the HTTP API and its web page on a port of its own:
    ``management_url`` is its address.  So do ``mqtt=True`` for MQTT (``mqtt_port``, ``mqtt_url``),
    ``stomp=True`` for STOMP (``stomp_port``, ``stomp_url``), and ``websockets=True`` for both over
    WebSockets (``web_mqtt_url`` and ``web_stomp_url``).

    ``host="0.0.0.0"`` lets other machines in, though guest may only come from this one.
    ``port=0`` takes a free port; after ``stop`` the same object starts again on the same port,
    empty without ``data_dir``, which is how to test that a client reconnects.  ``settings`` are
    any others, by the names that ``leveret.config.table`` gives them:
    ``settings={"heartbeat_s": 1}``.  Raises ``leveret.config.faults.ConfigError`` for a setting
    that does not exist or a value out of its limits.

    Its methods may be called from any thread.  An object that is never stopped does not keep the
    program from ending.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        user: str = "guest",
        password: str = "guest",
        vhost: str = "/",
        settings: Mapping[str, object] | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        management: bool = False,
        mqtt: bool = False,
        stomp: bool = False,
        websockets: bool = False,
    ) -> None:
        values: dict[str, object] = {
            "host": host,
            "port": port,
            "default_user": user,
            "default_pass": password,
            "default_vhost": vhost,
            "tls_port": 0,
            "management_port": 0,
            "management_tls_port": 0,
            "management_listen": [] if management else [NOWHERE],
            "prometheus_port": 0,
            "prometheus_listen": [NOWHERE],
            **_places("mqtt", mqtt),
            **_places("stomp", stomp),
            **_places("web_mqtt", websockets),
            **_places("web_stomp", websockets),
            # Most of what the program takes is not the broker's.
            "vm_memory_high_watermark": 1.0,
        }
        if settings is not None:
            values.update(settings)
        if data_dir is not None:
            values["data_dir"] = os.path.abspath(data_dir)
        self._is_lasting: Final = data_dir is not None
        self.settings: Final = Settings(**values)
        self._run: _Run | None = None
        # Guards _run: start and stop may come from several threads.
        self._lock: Final = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether it has started and was not stopped."""
        return self._run is not None

    @property
    def host(self) -> str:
        """An address to connect to; a local one where the broker listens on all of them."""
        return _ANY.get(self.settings.host, self.settings.host)

    @property
    def port(self) -> int:
        """The real port.  Known once it has started, and kept when it stops."""
        if self.settings.port == 0:
            raise RuntimeError("this Broker has no port yet: call start(), or use it in a with")
        return self.settings.port

    @property
    def url(self) -> str:
        """What AMQP clients take: ``amqp://guest:guest@127.0.0.1:40123/%2F``."""
        is_tls = self.settings.listen == [NOWHERE]
        return self._url("amqps" if is_tls else "amqp", self.port)

    @property
    def tls_port(self) -> int:
        """The real port for TLS, which is there with the setting ``tls_certfile``."""
        if self.settings.tls_port == 0:
            raise RuntimeError(
                "this Broker has no port for TLS: set tls_certfile and tls_keyfile, and start it"
            )
        return self.settings.tls_port

    @property
    def tls_url(self) -> str:
        """What AMQP clients take for TLS: ``amqps://guest:guest@127.0.0.1:40124/%2F``."""
        return self._url("amqps", self.tls_port)

    def _url(self, scheme: str, port: int) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = quote(self.settings.default_user, safe="")
        password = quote(self.settings.default_pass, safe="")
        vhost = quote(self.settings.default_vhost, safe="")
        return f"{scheme}://{user}:{password}@{host}:{port}/{vhost}"

    @property
    def management_port(self) -> int:
        """The real port of the HTTP API, which is there with ``management=True``."""
        if self.settings.management_port == 0:
            raise RuntimeError("this Broker has no HTTP API: make it with management=True")
        return self.settings.management_port

    @property
    def management_url(self) -> str:
        """Where the web page is, and the HTTP API below: ``http://127.0.0.1:40125``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.management_port}"

    @property
    def mqtt_port(self) -> int:
        """The real port of MQTT, which is there with ``mqtt=True``."""
        return self._port_of("mqtt", "MQTT", "mqtt=True")

    @property
    def mqtt_url(self) -> str:
        """Where MQTT is, with user and password: ``mqtt://guest:guest@127.0.0.1:40126``."""
        return self._url("mqtt", self.mqtt_port).rpartition("/")[0]

    @property
    def stomp_port(self) -> int:
        """The real port of STOMP, which is there with ``stomp=True``."""
        return self._port_of("stomp", "STOMP", "stomp=True")

    @property
    def stomp_url(self) -> str:
        """Where STOMP is, with user and password: ``stomp://guest:guest@127.0.0.1:40127``."""
        return self._url("stomp", self.stomp_port).rpartition("/")[0]

    @property
    def web_mqtt_port(self) -> int:
        """The real port of MQTT over WebSockets, which is there with ``websockets=True``."""
        return self._port_of("web_mqtt", "MQTT over WebSockets", "websockets=True")

    @property
    def web_mqtt_url(self) -> str:
        """What browsers take for MQTT: ``ws://127.0.0.1:40128/ws``."""
        return self._web_url(self.web_mqtt_port, self.settings.web_mqtt_path)

    @property
    def web_stomp_port(self) -> int:
        """The real port of STOMP over WebSockets, which is there with ``websockets=True``."""
        return self._port_of("web_stomp", "STOMP over WebSockets", "websockets=True")

    @property
    def web_stomp_url(self) -> str:
        """What browsers take for STOMP: ``ws://127.0.0.1:40129/ws``."""
        return self._web_url(self.web_stomp_port, self.settings.web_stomp_path)

    def _port_of(self, prefix: str, what: str, cure: str) -> int:
        port = int(getattr(self.settings, f"{prefix}_port"))
        if port == 0:
            raise RuntimeError(f"this Broker has no {what}: make it with {cure}, and start it")
        return port

    def _web_url(self, port: int, path: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{port}/{path.lstrip('/')}"

    def reload_tls(self) -> bool:
        """Read the certificate files anew, for connections to come; whether they were good."""
        run = self._run
        if run is None:
            raise RuntimeError("this Broker does not run: call start(), or use it in a with")
        return run.reload_tls()

    def start(self) -> None:
        """Start in a thread of its own; ``url`` can be connected to when this returns.

        Raises OSError when it cannot listen (the text says why), RuntimeError when it runs already,
        VaultError when ``data_dir`` cannot be used.
        """
        with self._lock:
            self._refuse_a_second_start()
            run = _Run(self.settings, self._is_lasting)
            run.start_thread()
            self._started(run)
            atexit.register(self.stop)

    def stop(self) -> None:
        """Close every connection and wait until all is gone.  Does nothing when it is stopped."""
        with self._lock:
            run = self._run
            if run is None:
                return
            run.refuse_no_thread()
            self._run = None
            atexit.unregister(self.stop)
            run.stop_thread()

    async def start_async(self) -> None:
        """Start in the running event loop.  Raises what ``start`` raises."""
        self._refuse_a_second_start()
        run = _Run(self.settings, self._is_lasting)
        self._run = run
        try:
            await run.start()
        except BaseException:
            self._run = None
            raise
        self._started(run)

    async def stop_async(self) -> None:
        """Stop what ``start_async`` started, in the same loop.  Does nothing when it is stopped."""
        run = self._run
        if run is None:
            return
        run.refuse_another_loop()
        self._run = None
        await run.stop()

    def call(self, action: Callable[[Node], _Result]) -> _Result:
        """What ``action`` makes of the node behind the protocols, in the broker's own thread.

        For what no client may do over AMQP: ``broker.call(lambda node: node.users.add(...))``.
        Raises what ``action`` raises, and RuntimeError when the broker does not run.
        """
        run = self._run
        if run is None:
            raise RuntimeError("this Broker does not run: call start(), or use it in a with")
        return run.call(action)

    def _refuse_a_second_start(self) -> None:
        if self._run is not None:
            raise RuntimeError("this Broker runs already: stop it first, or make another one")

    def _started(self, run: "_Run") -> None:
        run.note_ports()
        self.settings.port = self.settings.port or self.settings.tls_port
        self._run = run

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await self.start_async()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop_async()


def _places(prefix: str, is_wanted: bool) -> dict[str, object]:
    """The settings of a protocol's listeners: on ports of their own, or nowhere."""
    return {
        f"{prefix}_port": 0,
        f"{prefix}_tls_port": 0,
        f"{prefix}_listen": [] if is_wanted else [NOWHERE],
        f"{prefix}_tls_listen": [] if is_wanted else [NOWHERE],
    }


@final
class _Run:
    """One life of a broker, from start to stop: the server, its loop, and its thread if it has one.

    Invariant: after a failed start and after a stop it holds no thread and no socket.
    """

    def __init__(self, settings: Settings, is_lasting: bool) -> None:
        self._server: Final = Server(settings, is_lasting)
        self._patience_s: Final = _LASTING_PATIENCE_S if is_lasting else _PATIENCE_S
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._ready: Final = threading.Event()
        self._failure: BaseException | None = None

    def note_ports(self) -> None:
        """Have the settings tell the port that the first listener of each sort really has."""
        settings = self._server.node.settings
        listeners = self._server.listeners
        for sort in SORTS.values():
            ports = [listener.port for listener in listeners if listener.protocol == sort.title]
            setattr(settings, sort.one, ports[0] if ports else 0)
        web = {one.is_tls: one.port for one in reversed(self._server.web) if one.is_api}
        settings.management_port = web.get(False, 0)
        settings.management_tls_port = web.get(True, 0)

    def refuse_another_loop(self) -> None:
        """Raises RuntimeError when the caller's loop is not the one it was started in."""
        if self._worker is not None or self._loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "this Broker was not started in this event loop: stop it where it was started,"
                " with stop() after start(), with stop_async() after start_async()"
            )

    def refuse_no_thread(self) -> None:
        """Raises RuntimeError when it has no thread of its own, which the caller could stop."""
        if self._worker is None:
            raise RuntimeError("this Broker was started with start_async(): use stop_async()")

    async def start(self) -> None:
        """Start in the running loop.  Raises OSError."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._server.start()
        except OSError as error:
            failed = self._server.failed
            if failed is None:
                raise
            raise OSError(error.errno, cannot_listen(error, failed.host, failed.port)) from error

    async def stop(self) -> None:
        """Stop in the loop it was started in."""
        # Clients in the same program often cannot answer while it waits for this.
        await self._server.stop(SHUTDOWN, FAREWELL_S)

    def reload_tls(self) -> bool:
        """Read the certificate files anew, in the server's own thread."""
        return self.call(self._reload_tls)

    def _reload_tls(self, node: Node) -> bool:
        return self._server.reload_tls()

    def call(self, action: Callable[[Node], _Result]) -> _Result:
        """Do ``action`` where nothing else is done to the node meanwhile."""
        loop = self._loop
        assert loop is not None
        if self._worker is None:
            self.refuse_another_loop()
            return self._perform(action)
        done: concurrent.futures.Future[_Result] = concurrent.futures.Future()

        def perform() -> None:
            try:
                done.set_result(self._perform(action))
            except BaseException as error:
                done.set_exception(error)

        loop.call_soon_threadsafe(perform)
        return done.result(_PATIENCE_S)

    def _perform(self, action: Callable[[Node], _Result]) -> _Result:
        try:
            return action(self._server.node)
        finally:
            # What it changed is to be written down, though no client did it.
            self._server.wake()

    def start_thread(self) -> None:
        """Start in a new thread and wait for it.  Raises what went wrong there."""
        # A daemon: a Broker that nobody stops must not keep the program from ending.
        worker = threading.Thread(target=self._live, name="leveret-broker", daemon=True)
        self._worker = worker
        worker.start()
        self._ready.wait()
        if self._failure is not None:
            worker.join(_PATIENCE_S)
            raise self._failure

    def stop_thread(self) -> None:
        """Stop and wait for the thread's end.  Raises what went wrong there."""
        worker, loop, stopping = self._worker, self._loop, self._stopping
        assert worker is not None
        assert loop is not None
        assert stopping is not None
        try:
            loop.call_soon_threadsafe(stopping.set)
        except RuntimeError:  # the loop has ended by itself; the failure says why
            pass
        worker.join(self._patience_s)
        if self._failure is not None:
            raise self._failure
        if worker.is_alive():
            raise RuntimeError(f"the broker's thread did not end in {self._patience_s} s")

    def _live(self) -> None:
        """What the thread does."""
        try:
            # The Runner cancels what tasks are left and closes the loop.
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._failure = error
        self._ready.set()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        try:
            await self.start()
        except BaseException as error:
            # Told before the loop is closed: closing must not keep the caller waiting.
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        await self._stopping.wait()
        await self.stop()


def cannot_listen(error: OSError, host: str, port: int) -> str:
    """The sentence about a listener that cannot be opened: what and why, without a cure."""
    where = f"{host or '*'}:{port}"
    if isinstance(error, socket.gaierror):
        return f"cannot listen on {where}: there is no host or address {host!r}"
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {where}: another program listens there"
    if error.errno == errno.EACCES:
        return f"cannot listen on {where}: ports below 1024 need a privilege"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"cannot listen on {where}: this machine does not have that address"
    return f"cannot listen on {where}: {error.strerror or error}"
