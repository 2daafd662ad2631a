# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server of the live page: aiohttp in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import secrets
import threading
from types import TracebackType
from typing import Any

from ..errors import MissingPackageError, ResividError

try:
    from aiohttp import web
except ImportError as error:
    raise MissingPackageError("--web needs aiohttp; install it with: pip install aiohttp") from error

from . import access
from .monitor import Monitor
from .routes import Routes
from .viewer import STATE_EVERY_S

MAX_CONNECTIONS = 64
FIRST_REQUEST_S = 10.0  # a connection that asks nothing for so long is closed
START_S = 20.0

log = logging.getLogger("resivid.web")


class WebServer:
    """Shows a `Monitor` on a live page, with `/stats` (JSON), `/metrics` (Prometheus) and `/snapshot.png`.

    A context manager; or `start()` and `stop()`. The receiver hands everything to the monitor, see there:

        monitor = Monitor("camera", mcs_labels=[row.label for row in table.rows], document=collector.result)
        with WebServer(monitor, *parse_address("0.0.0.0:8080")) as server:
            print(server.url)       # with the token, where one is needed
            ...                     # monitor.pictures(...), monitor.block(...), monitor.symbols(...)
            monitor.end()

    On a loopback address no token is needed unless one is given; anywhere else there always is one. Viewers,
    connections and what they may send are bounded; nothing that a browser does reaches the receiver.

    Args:
        monitor: what to show.
        host: address or name to bind to.
        port: 0 takes a free one, which is in `port` after `start`.
        token: what a viewer must know; None: a random one, or none on a loopback address.
    Raises:
        SettingsError: the token is easy to guess.
        ResividError: from `start`: the address is in use or not of this machine.
    """

    def __init__(
        self,
        monitor: Monitor,
        host: str = access.DEFAULT_HOST,
        port: int = access.DEFAULT_PORT,
        token: str | None = None,
    ):
        self.monitor, self.host, self.port = monitor, host, port
        if token is None:
            token = "" if access.is_local(host) else secrets.token_urlsafe(16)
        self.token = access.check_token(token) if token else ""
        self._routes = Routes(monitor, host, self.token, self._heard)
        self._silent: set[Any] = set()  # new connections that have asked nothing yet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Address for a browser, with the token."""
        shown = access.shown_host(self.host)
        return f"http://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    @property
    def num_refused(self) -> int:
        """Requests and connections that were refused."""
        return self._routes.num_refused

    def counters(self) -> dict[str, float]:
        """Viewers now, frames that slow ones missed, requests refused, messages that made no sense."""
        return self._routes.counters()

    def __enter__(self) -> WebServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bind and serve from now on.

        Raises:
            ResividError: the address cannot be bound.
        """
        started: list[BaseException | None] = []
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(started, ready), name="web-server", daemon=True
        )
        self._thread.start()
        if not ready.wait(START_S):
            raise ResividError(f"--web: {self.host}:{self.port} does not start")
        if started[0] is not None:
            reason = getattr(started[0], "strerror", None) or started[0]
            if getattr(started[0], "errno", None) == errno.EADDRINUSE:
                other = self.port + 1 if self.port < access.MAX_PORT else self.port - 1
                host = f"[{self.host}]" if ":" in self.host else self.host
                reason = f"{reason}; try another port, such as --web {host}:{other}"
            raise ResividError(f"--web: cannot listen on {self.host}:{self.port}: {reason}") from started[0]

    def stop(self) -> None:
        """Tell the viewers, close everything; may be called twice."""
        self.monitor.on_news = lambda: None
        if self._thread is None:
            return
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._routes.close()
        if self.monitor.recorder is not None:
            self.monitor.recorder.stop(wait=True)

    def _run(self, started: list[BaseException | None], ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(started, ready))
        except Exception as error:
            if not started:
                started.append(error)
            log.warning("server: %s", error)
        finally:
            ready.set()

    async def _serve(self, started: list[BaseException | None], ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(
            self._routes.application(),
            access_log=None,
            logger=_quiet_logger(),
            keepalive_timeout=30.0,
            shutdown_timeout=1.0,
        )
        await runner.setup()
        try:
            server = await self._loop.create_server(
                lambda: self._connection(runner.server), self.host, self.port, backlog=32
            )
        except OSError as error:
            started.append(error)
            await runner.cleanup()
            return
        self.port = self._routes.port = server.sockets[0].getsockname()[1]
        self.monitor.on_news = self._tell_from_any_thread
        started.append(None)
        ready.set()
        ticker = asyncio.create_task(self._tick())
        await self._stopping.wait()
        ticker.cancel()
        server.close()
        if self._routes.viewers:  # they see the last state
            await asyncio.sleep(STATE_EVERY_S)
            self._wake_all()
            await asyncio.sleep(STATE_EVERY_S)
        for viewer in list(self._routes.viewers):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await viewer.socket.close(code=1001, message=b"server stops")
        await runner.cleanup()

    def _connection(self, make: Any) -> asyncio.BaseProtocol:
        """The protocol of a new connection: refused when there are too many, closed when it asks nothing."""
        if len(make.connections) >= MAX_CONNECTIONS:
            self._routes.num_refused += 1
            return _Refused()
        protocol = make()
        self._silent.add(protocol)
        asyncio.get_running_loop().call_later(FIRST_REQUEST_S, self._close_silent, protocol)
        return protocol

    def _heard(self, protocol: Any) -> None:
        self._silent.discard(protocol)

    def _close_silent(self, protocol: Any) -> None:
        if protocol not in self._silent:
            return
        self._silent.discard(protocol)
        if protocol.transport is not None:
            self._routes.num_refused += 1
            protocol.transport.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(STATE_EVERY_S)
            self._wake_all()

    def _wake_all(self) -> None:
        for viewer in self._routes.viewers:
            viewer.wake.set()

    def _tell_from_any_thread(self) -> None:
        if self._routes.viewers and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closing
                self._loop.call_soon_threadsafe(self._wake_all)


class _Refused(asyncio.Protocol):
    """A connection beyond MAX_CONNECTIONS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _quiet_logger() -> logging.Logger:
    """aiohttp's log, without a traceback for each browser that speaks nonsense."""
    logger = logging.getLogger("resivid.web.aiohttp")
    logger.setLevel(logging.CRITICAL)
    return logger
