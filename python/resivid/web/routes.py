# SPDX-License-Identifier: GPL-3.0-or-later
"""What the live page's addresses answer, and to whom."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiohttp import web

from ..errors import ResividError
from . import access, metrics, pictures
from .monitor import Monitor
from .viewer import Viewer

PAGE = Path(__file__).with_name("page")
FILES = {"page.css": "text/css", "page.js": "text/javascript", "charts.js": "text/javascript"}
MAX_VIEWERS = 16
MAX_REQUEST_BYTES = 1024
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


class Routes:
    """The page, its WebSocket, statistics, snapshot and recordings; to be used in one event loop.

    Args:
        monitor: what to show.
        host: what the server is bound to.
        token: what a viewer must know; empty: nothing.
        on_request: told the protocol of each request's connection.
    """

    def __init__(self, monitor: Monitor, host: str, token: str, on_request: Callable[[Any], None]):
        self.monitor, self.host, self.token, self.port = monitor, host, token, 0
        self.viewers: set[Viewer] = set()
        self.num_refused = 0
        self._on_request = on_request
        self._names = access.machine_names(host)
        self._num_dropped = 0  # of viewers that have left
        self._num_nonsense = 0
        self._encoded: tuple[int, bytes] | None = None
        self._encoding = asyncio.Lock()
        # encoding of pictures and statistics: one thread, so that many viewers cannot take more than one core
        self._workers = ThreadPoolExecutor(1, "web-encoder")

    def close(self) -> None:
        """Wait for what is being encoded."""
        self._workers.shutdown(wait=True)

    def application(self) -> web.Application:
        """The aiohttp application with all of them."""
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
        self._on_request(request.protocol)
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
        if len(self.viewers) >= MAX_VIEWERS:
            return web.Response(status=503, text=f"There are {MAX_VIEWERS} viewers already.\n")
        socket = web.WebSocketResponse(heartbeat=10.0, max_msg_size=256, compress=False)
        if not socket.can_prepare(request).ok:
            return web.Response(status=426, text="This is a WebSocket.\n")
        await socket.prepare(request)
        viewer = Viewer(socket, self.monitor, self._encode, self._document)
        self.viewers.add(viewer)
        try:
            await viewer.run()
        finally:
            self.viewers.discard(viewer)
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
        viewers = list(self.viewers)
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
