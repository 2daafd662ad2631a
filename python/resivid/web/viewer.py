# SPDX-License-Identifier: GPL-3.0-or-later
"""One open page: it gets the next message when it has taken the last, so a slow one misses frames and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from aiohttp import WSCloseCode, WSMsgType, web

from .monitor import Monitor

IN_FLIGHT = 2  # messages a page may not have answered yet
STATE_EVERY_S = 0.25
SEND_TIMEOUT_S = 10.0
MAX_NONSENSE = 4  # messages other than "ok" before the connection is closed
ANSWER = "ok"

Encode = Callable[[], Awaitable[tuple[int, bytes] | None]]


class Viewer:
    """The exchange with one page over its WebSocket.

    To the page go JSON texts (`Monitor.state` with the statistics) and binary pictures (`pictures.to_message`);
    it answers each with "ok". Nothing is queued for a page: what it gets is made when it is ready.

    Args:
        socket: prepared WebSocket.
        monitor: what to show.
        encode: gives index and message of the latest pictures, None before the first.
        document: gives the statistics document.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        monitor: Monitor,
        encode: Encode,
        document: Callable[[], Awaitable[dict]],
    ):
        self.socket, self.monitor, self.encode, self.document = socket, monitor, encode, document
        self.num_dropped, self.num_nonsense = 0, 0
        self.wake = asyncio.Event()
        self._in_flight, self._frame = 0, -1
        self._seen = (0, 0)
        self._state_sent = -STATE_EVERY_S

    async def run(self) -> None:
        """Serve the page until it leaves or breaks the rules."""
        sender = asyncio.create_task(self._send())
        try:
            async for message in self.socket:
                if message.type != WSMsgType.TEXT or message.data != ANSWER or not self._in_flight:
                    self.num_nonsense += 1
                    if self.num_nonsense >= MAX_NONSENSE:
                        await self.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"only ok")
                        return
                else:
                    self._in_flight -= 1
                    self.wake.set()
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send(self) -> None:
        try:
            while True:
                while self._in_flight < IN_FLIGHT and (data := await self._next()) is not None:
                    self._in_flight += 1
                    async with asyncio.timeout(SEND_TIMEOUT_S):
                        if isinstance(data, str):
                            await self.socket.send_str(data)
                        else:
                            await self.socket.send_bytes(data)
                await self.wake.wait()
                self.wake.clear()
        except (TimeoutError, ConnectionError):  # gone, or it takes nothing any more
            await self.socket.close(code=WSCloseCode.GOING_AWAY)

    async def _next(self) -> str | bytes | None:
        now = time.monotonic()
        if now - self._state_sent >= STATE_EVERY_S:
            self._state_sent = now
            state = self.monitor.state(*self._seen)
            self._seen = state["seen"]
            return json.dumps({**state, "statistics": await self.document()}, allow_nan=False)
        pictures = self.monitor.latest_pictures()
        if pictures is None or pictures.frame == self._frame:
            return None
        encoded = await self.encode()
        if encoded is None:
            return None
        index, data = encoded
        if self._frame >= 0:
            self.num_dropped += max(0, index - self._frame - 1)
        self._frame = index
        return data
