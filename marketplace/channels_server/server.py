"""The shell around the protocol: sockets, HTTP and the clock, on one port.

An event is encoded into one WebSocket frame, and the same bytes are written to every transport. A peer that does
not read is closed once its buffer is full: nothing is skipped on a connection that stays open.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from marketplace.channels_server import frames, rest, wire
from marketplace.channels_server.protocol import App, Close, Connection, Rejected, Send
from marketplace.channels_server.settings import Settings

log = logging.getLogger(__name__)

TICK = 0.1
READ_TIMEOUT = 10.0
CLOSE_TIMEOUT = 10.0
MAX_MESSAGE = 64 * 1024
"""Bytes of one message from a client: an event's 10,240 bytes of data fit even if each is a JSON escape."""


class Server:
    """Carries out what an ``App`` decides.

    ``max_buffer`` is in bytes: what may wait for one peer that does not read, before it is closed with 4100.
    """

    def __init__(self, settings: Settings, *, max_buffer: int = 1024 * 1024) -> None:
        self.app = App(settings)
        self._max_buffer = max_buffer

    def application(self) -> web.Application:
        application = web.Application(client_max_size=rest.MAX_BODY)
        application.router.add_get("/healthz", _health)
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.cleanup_ctx.append(self._run_clock)
        return application

    async def drain(self) -> None:
        """Send everyone away with 4200, on which clients reconnect at once, and give them a moment to go."""
        for connection in list(self.app.connections.values()):
            self.app.disconnect(connection, 4200, "Server is restarting", _now())
        self._perform()

    # HTTP.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._converse(request)
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="The body took too long")
        path = request.rel_url.raw_path
        answer = rest.answer(
            self.app, rest.Request(request.method, path, request.query, body, time.time()), _now()
        )
        # Later in this loop's turn than the writing of the answer: no trigger waits for its own fan-out.
        asyncio.get_running_loop().call_soon(self._perform)
        if isinstance(answer.content, str):
            return web.Response(status=answer.status, text=answer.content)
        return web.json_response(answer.content, status=answer.status, dumps=wire.dump)

    # WebSocket.

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        """The life of one socket, from handshake to close."""
        socket = web.WebSocketResponse(
            compress=False, autoping=False, autoclose=False, max_msg_size=MAX_MESSAGE, timeout=CLOSE_TIMEOUT
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        try:
            connection = self.app.open(request.path, request.query, transport, _now(), secure=_is_secure(request))
        except Rejected as rejection:
            _hang_up(transport, rejection.code, rejection.reason)
            async for _ in socket:
                pass
        else:
            self._perform()
            try:
                await self._listen(socket, connection)
            finally:
                if connection.is_open:
                    _hang_up(transport, socket.close_code or 1000, "")
                    self.app.close(connection, _now())
                    self._perform()
        transport.close()
        return socket

    async def _listen(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._receive(connection, message.data)
            elif message.type is WSMsgType.BINARY:
                # Never valid JSON, and so answered as what it is: not a message of this protocol.
                self._receive(connection, "")
            elif connection.is_open:
                self.app.heard(connection, _now())
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            self.app.receive(connection, text, _now())
        except Exception:
            log.exception("Closing %s: its message could not be handled", connection.socket_id)
            self.app.disconnect(connection, 4200, "Internal error", _now())
        self._perform()

    # Effects.

    def _perform(self) -> None:
        """Carry out everything decided so far, in the order in which it was decided."""
        while effects := self.app.take_effects():
            for effect in effects:
                if isinstance(effect, Send):
                    self._send(effect)
                elif isinstance(effect, Close):
                    _hang_up(effect.connection.outlet, effect.code, effect.reason)

    def _send(self, effect: Send) -> None:
        frame = frames.text(effect.text)
        stalled = []
        for connection in effect.to:
            transport = connection.outlet
            transport.write(frame)
            if transport.get_write_buffer_size() > self._max_buffer:
                stalled.append(connection)
        for connection in stalled:
            self.app.disconnect(connection, 4100, "Over capacity: messages are not being read", _now())

    # The clock.

    async def _run_clock(self, _: web.Application) -> AsyncIterator[None]:
        clock = asyncio.create_task(self._tick())
        yield
        clock.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await clock

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.app.tick(_now())
            self._perform()


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _hang_up(transport: asyncio.Transport, code: int, reason: str) -> None:
    """Write a close frame after whatever still waits, and bound how long the peer may take to react to it."""
    transport.write(frames.close(code, reason))
    asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, transport.abort)


def _is_secure(request: web.Request) -> bool:
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def _now() -> float:
    """Monotonic seconds, as the protocol counts time."""
    return time.monotonic()
