# SPDX-License-Identifier: GPL-3.0-or-later
"""The web server of the live page: aiohttp in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import MissingPackageError, ResividError

try:
    from aiohttp import web
except ImportError as error:
    raise MissingPackageError("--web needs aiohttp; install it with: pip install aiohttp") from error

from . import access, metrics, pictures
from .monitor import Monitor
from .viewer import STATE_EVERY_S, Viewer

PAGE = Path(__file__).with_name("page")
FILES = {"page.css": "text/css", "page.js": "text/javascript", "charts.js": "text/javascript"}
MAX_VIEWERS = 16
MAX_CONNECTIONS = 64
FIRST_REQUEST_S = 10.0  # a connection that asks nothing for so long is closed
MAX_REQUEST_BYTES = 1024
START_S = 20.0
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

log = logging.getLogger("resivid.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
        self.num_refused = 0
        self._names = access.machine_names(host)
        self._viewers: set[Viewer] = set()
        self._num_dropped = 0  # of viewers that have left
        self._num_nonsense = 0
        self._encoded: tuple[int, bytes] | None = None
        self._encoding = asyncio.Lock()
        self._silent: set[Any] = set()  # new connections that have asked nothing yet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        # encoding of pictures and statistics: one thread, so that many viewers cannot take more than one core
        self._workers = ThreadPoolExecutor(1, "web-encoder")

    @property
    def url(self) -> str:
        """Address for a browser, with the token."""
        shown = access.shown_host(self.host)
        return f"http://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")

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
        self._workers.shutdown(wait=True)
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
            self._application(),
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
        self.port = server.sockets[0].getsockname()[1]
        self.monitor.on_news = self._tell_from_any_thread
        started.append(None)
        ready.set()
        ticker = asyncio.create_task(self._tick())
        await self._stopping.wait()
        ticker.cancel()
        server.close()
        if self._viewers:  # they see the last state
            await asyncio.sleep(STATE_EVERY_S)
            self._wake_all()
            await asyncio.sleep(STATE_EVERY_S)
        for viewer in list(self._viewers):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await viewer.socket.close(code=1001, message=b"server stops")
        await runner.cleanup()

    def _connection(self, make: Any) -> asyncio.BaseProtocol:
        """The protocol of a new connection: refused when there are too many, closed when it asks nothing."""
        if len(make.connections) >= MAX_CONNECTIONS:
            self.num_refused += 1
            return _Refused()
        protocol = make()
        self._silent.add(protocol)
        asyncio.get_running_loop().call_later(FIRST_REQUEST_S, self._close_silent, protocol)
        return protocol

    def _close_silent(self, protocol: Any) -> None:
        if protocol not in self._silent:
            return
        self._silent.discard(protocol)
        if protocol.transport is not None:
            self.num_refused += 1
            protocol.transport.close()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=MAX_REQUEST_BYTES)
        application.router.add_get("/", self._page)
        for name in FILES:
            application.router.add_get(f"/{name}", self._file)
        application.router.add_get("/live", self._live)
        application.router.add_get("/stats", self._stats)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/snapshot.png", self._snapshot)
        application.router.add_post("/recording", self._recording)
        application.router.add_get("/recordings/{name}", self._download)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Host, Origin and token first, security headers last."""
        self._silent.discard(request.protocol)
        try:
            refusal = self._refusal(request)
            response = refusal if refusal is not None else await handler(request)
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=f"{error.reason}\n")
        except Exception as error:  # ours: said once, and the page lives on
            log.warning("%s: %s: %s", request.path, type(error).__name__, error)
            log.debug("details", exc_info=error)
            response = web.Response(status=500, text="The server made a mistake; its log says which.\n")
        if response.status >= 400:
            self.num_refused += 1
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not access.host_is_ours(request.headers.get("Host", ""), self.host, self._names):
            return web.Response(status=421, text="This server has another name.\n")
        if not access.origin_is_ours(request.headers.get("Origin"), request.headers.get("Host", "")):
            return web.Response(status=403, text="Requests from other sites are refused.\n")
        if not self.token or request.path[1:] in FILES:  # the page's looks are no secret
            return None
        given = access.token_of(request.headers, request.cookies, request.query, self._cookie)
        if access.is_token(given, self.token):
            return None
        if request.path == "/":
            return web.Response(
                status=401, text=(PAGE / "token.html").read_text(encoding="utf-8"), content_type="text/html"
            )
        return web.Response(status=401, text="The address that the receiver printed has a token.\n")

    @property
    def _cookie(self) -> str:
        return f"resivid-{self.port}"  # cookies do not know ports

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if "token" in request.query:  # into a cookie, out of the address bar
            response = web.Response(status=303, headers={"Location": "/"})
            if self.token:
                response.set_cookie(self._cookie, self.token, httponly=True, samesite="Strict", path="/")
            return response
        text = (PAGE / "index.html").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.path[1:]
        text = (PAGE / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=FILES[name])

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= MAX_VIEWERS:
            return web.Response(status=503, text=f"There are {MAX_VIEWERS} viewers already.\n")
        socket = web.WebSocketResponse(heartbeat=10.0, max_msg_size=256, compress=False)
        if not socket.can_prepare(request).ok:
            return web.Response(status=426, text="This is a WebSocket.\n")
        await socket.prepare(request)
        viewer = Viewer(socket, self.monitor, self._encode, self._document)
        self._viewers.add(viewer)
        try:
            await viewer.run()
        finally:
            self._viewers.discard(viewer)
            self._num_dropped += viewer.num_dropped
            self._num_nonsense += viewer.num_nonsense
        return socket

    async def _encode(self) -> tuple[int, bytes] | None:
        """Index and message of the latest pictures, encoded once for all viewers."""
        async with self._encoding:
            latest = self.monitor.latest_pictures()
            if latest is None:
                return None
            if self._encoded is None or self._encoded[0] != latest.frame:
                self._encoded = (latest.frame, await self._in_worker(pictures.to_message, latest))
            return self._encoded

    async def _document(self) -> dict[str, Any]:
        return dict(await self._in_worker(self.monitor.statistics))

    async def _in_worker(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    async def _stats(self, request: web.Request) -> web.StreamResponse:
        text = json.dumps(await self._document(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        return web.Response(text=text, content_type="application/json")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        text = metrics.to_text(await self._document(), self.counters(), self.monitor.latest_figures())
        return web.Response(body=text.encode(), headers={"Content-Type": metrics.CONTENT_TYPE})

    def counters(self) -> dict[str, float]:
        """Viewers now, frames that slow ones missed, requests refused, messages that made no sense."""
        viewers = list(self._viewers)
        return {
            "viewers": len(viewers),
            "frames_dropped_total": self._num_dropped + sum(v.num_dropped for v in viewers),
            "refused_total": self.num_refused,
            "nonsense_total": self._num_nonsense + sum(v.num_nonsense for v in viewers),
        }

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        latest = self.monitor.latest_pictures()
        if latest is None:
            return web.Response(status=404, text="There is no picture yet.\n")
        data = await self._in_worker(pictures.to_png, latest.received)
        name = f"frame-{latest.frame:06d}-{time.strftime('%Y%m%d-%H%M%S')}.png"
        return web.Response(
            body=data,
            content_type="image/png",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _recording(self, request: web.Request) -> web.StreamResponse:
        recorder = self.monitor.recorder
        if recorder is None:
            return web.Response(status=404, text="Recording is not possible here.\n")
        try:
            wanted = json.loads(await request.text())["on"]
        except (ValueError, KeyError, TypeError, RecursionError):
            wanted = None
        if not isinstance(wanted, bool):
            return web.Response(status=400, text='Expected {"on": true} or {"on": false}.\n')
        was_on = recorder.state()["on"]
        try:
            await asyncio.to_thread(recorder.start if wanted else recorder.stop)
        except ResividError as error:
            return web.Response(status=409, text=f"{error}\n")
        if wanted != was_on:
            self.monitor.event("Recording started" if wanted else "Recording stopped")
        return web.json_response(recorder.state())

    async def _download(self, request: web.Request) -> web.StreamResponse:
        recorder = self.monitor.recorder
        path = None if recorder is None else recorder.path(request.match_info["name"])
        if path is None or not path.is_file():
            return web.Response(status=404, text="There is no such recording.\n")
        return web.FileResponse(
            path, headers={"Content-Disposition": f'attachment; filename="{path.name}"', **HEADERS}
        )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(STATE_EVERY_S)
            self._wake_all()

    def _wake_all(self) -> None:
        for viewer in self._viewers:
            viewer.wake.set()

    def _tell_from_any_thread(self) -> None:
        if self._viewers and self._loop is not None:
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
