"""The shell around the protocol: sockets, HTTP and the clock, on one port.

An event is encoded into one WebSocket frame, and the same bytes are written to every transport. A peer that
does not read is closed once its buffer is full: nothing is skipped on a connection that stays open.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from marketplace.channels_server import frames, rest, wire
from marketplace.channels_server.console import Console, answered
from marketplace.channels_server.delivery import Delivery
from marketplace.channels_server.metrics import Metrics
from marketplace.channels_server.protocol import App, Close, Connection, Effect, Rejected, Send
from marketplace.channels_server.settings import Settings

log = logging.getLogger(__name__)

TICK = 0.1
READ_TIMEOUT = 10.0
FIRST_REQUEST_TIMEOUT = 10.0
"""Seconds a new connection has to ask for something. Later requests have as long as a pause between two."""
CLOSE_TIMEOUT = 10.0
FLUSH_TIMEOUT = 3.0
FAREWELL_TIMEOUT = 0.5
MAX_MESSAGE = 64 * 1024
"""Bytes of one message from a client: an event's 10,240 bytes of data fit even if each is a JSON escape."""


class Server:
    """Carries out what an ``App`` decides.

    ``max_buffer`` is what may wait for a peer that does not read, in bytes, before it is closed with 4100.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        webhook_urls: Sequence[str] = (),
        max_buffer: int = 1024 * 1024,
        console: bool = False,
    ) -> None:
        self.app = App(settings)
        self._max_buffer = max_buffer
        self._transports: set[asyncio.Transport] = set()
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}
        self._everyone_gone = asyncio.Event()
        self._everyone_gone.set()
        self._metrics = Metrics(self.app)
        self._console = Console(self.app, publish=self._publish) if console else None
        self._deliveries = [
            Delivery(url, key=settings.key, secret=settings.secret, count=self._count_webhook)
            for url in webhook_urls
        ]

    def application(self) -> web.Application:
        application = web.Application(client_max_size=rest.MAX_BODY, middlewares=[self._asked])
        application.router.add_get("/healthz", _health)
        application.router.add_get("/metrics", self._show_metrics)
        if self._console:
            self._console.add_routes(application.router)
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.cleanup_ctx.append(self._run)
        return application

    def watched(self, protocol: web.RequestHandler) -> asyncio.BaseProtocol:
        """A connection just made: it is closed unless the headers of a request arrive soon."""
        loop = asyncio.get_running_loop()
        self._silent[protocol] = loop.call_later(FIRST_REQUEST_TIMEOUT, self._give_up, protocol)
        return protocol

    async def drain(self) -> None:
        """Let everyone go, and get the last webhooks out.

        With 4100 clients come back a second later. With 4200 they would come at once and find nobody
        listening, and then pusher-js waits for 15 s. So the goodbyes are also the last thing before the end.
        """
        for connection in list(self.app.connections.values()):
            self.app.disconnect(connection, 4100, "Server is restarting", _now())
        self._deliver_webhooks(until=float("inf"))
        await _within(FLUSH_TIMEOUT, asyncio.gather(*(delivery.flush() for delivery in self._deliveries)))
        self._perform()
        await _within(FAREWELL_TIMEOUT, self._everyone_gone.wait())
        for transport in self._transports:
            transport.abort()

    # HTTP.

    @web.middleware
    async def _asked(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        timer = self._silent.pop(request.protocol, None)
        if timer:
            timer.cancel()
        return await handler(request)

    def _give_up(self, protocol: web.RequestHandler) -> None:
        self._silent.pop(protocol, None)
        protocol.force_close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._converse(request)
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="The body took too long")
        except (ConnectionError, web.RequestPayloadError):
            return web.Response(status=400, text="The body did not arrive")
        path = request.rel_url.raw_path
        signed = rest.Request(request.method, path, request.query, body, received_at=time.time())
        answer = rest.answer(self.app, signed, _now())
        self._metrics.answers.labels(answer.status).inc()
        self._perform_soon()
        return answered(answer)

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": Metrics.CONTENT_TYPE})

    def _publish(self, fields: Any) -> rest.Answer:
        answer = rest.trigger(self.app, fields, _now())
        self._perform_soon()
        return answer

    # WebSocket.

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        """The life of one socket, from handshake to close."""
        socket = _Socket(
            compress=False, autoping=False, autoclose=False, max_msg_size=MAX_MESSAGE, timeout=CLOSE_TIMEOUT
        )
        try:
            await socket.prepare(request)
        except ConnectionError:
            return web.Response(status=400, text="The handshake was not finished")
        transport = request.transport
        if transport is None:
            return socket
        self._transports.add(transport)
        self._everyone_gone.clear()
        try:
            await self._admit(request, socket, transport)
        finally:
            transport.close()
            self._transports.discard(transport)
            if not self._transports:
                self._everyone_gone.set()
        return socket

    async def _admit(
        self, request: web.Request, socket: web.WebSocketResponse, transport: asyncio.Transport
    ) -> None:
        secure = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        try:
            connection = self.app.open(request.path, request.query, transport, _now(), secure=secure)
        except Rejected as rejection:
            self._hang_up(transport, rejection.code, rejection.reason)
            await _outlast(socket)
        else:
            self._perform()
            await self._listen(socket, connection)

    async def _listen(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        try:
            async for message in socket:
                self._metrics.received.inc()
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, message.data)
                elif message.type is WSMsgType.BINARY:
                    # Never valid, and so answered as what it is: not a message of this protocol.
                    self._receive(connection, "")
                elif message.type in (WSMsgType.PING, WSMsgType.PONG) and connection.is_open:
                    self.app.heard(connection, _now())
                    if message.type is WSMsgType.PING:
                        _write(connection.outlet, frames.pong(message.data))
        finally:
            if connection.is_open:
                self._hang_up(connection.outlet, socket.close_code or 1000, "")
                self.app.close(connection, _now())
                self._perform()

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            self.app.receive(connection, text, _now())
        except Exception:
            log.exception("Closing %s: its message could not be handled", connection.socket_id)
            self.app.disconnect(connection, 4200, "Internal error", _now())
        self._perform()

    # Effects.

    def _perform_soon(self) -> None:
        """Perform once the answer under way is written: nobody who triggers waits for the fan-out."""
        asyncio.get_running_loop().call_soon(self._perform)

    def _perform(self) -> None:
        """Carry out everything decided so far, in the order in which it was decided."""
        while effects := self.app.take_effects():
            for effect in effects:
                try:
                    self._carry_out(effect)
                except Exception:
                    # Those after it were decided all the same.
                    log.exception("Not carried out: %s", type(effect).__name__)

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, Send):
            self._send(effect)
        elif isinstance(effect, Close):
            self._metrics.closes.labels(effect.code).inc()
            self._hang_up(effect.connection.outlet, effect.code, effect.reason)
        else:
            self._metrics.happened.labels(effect.kind).inc()
            if self._console:
                self._console.note(effect)

    def _send(self, effect: Send) -> None:
        frame = frames.text(effect.text)
        limit = self._max_buffer
        stalled = []
        for connection in effect.to:
            transport = connection.outlet
            # A crowd that drops off at once is learned of one by one; those known to be gone get nothing.
            if transport.is_closing():
                continue
            transport.write(frame)
            if transport.get_write_buffer_size() > limit:
                stalled.append(connection)
        self._metrics.sent.inc(len(effect.to))
        for connection in stalled:
            self.app.disconnect(connection, 4100, "Over capacity: messages are not being read", _now())

    @staticmethod
    def _hang_up(transport: asyncio.Transport, code: int, reason: str) -> None:
        """Write a close frame after all that still waits; the peer has a bounded time to answer it."""
        _write(transport, frames.close(code, reason))
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, transport.abort)

    def _deliver_webhooks(self, *, until: float) -> None:
        events = [wire.dump(event) for event in self.app.webhooks.take(until)]
        for delivery in self._deliveries:
            delivery.add(events)

    def _count_webhook(self, outcome: str) -> None:
        self._metrics.webhooks.labels(outcome).inc()

    # What runs beside the requests.

    async def _run(self, _: web.Application) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(each) for each in (self._tick(), *(each.run() for each in self._deliveries))
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            _try(lambda: self.app.tick(_now()))
            self._perform()
            _try(lambda: self._deliver_webhooks(until=_now()))


class _Socket(web.WebSocketResponse):
    """A WebSocket that leaves nothing behind for the garbage collector."""

    async def write_eof(self, _: bytes = b"") -> None:
        """Called by aiohttp at the very end, when there is nobody left to say goodbye to.

        How a connection was lost is told by exceptions whose tracebacks lead back to it: a cycle, which would
        keep all of it in memory until the collector comes round.
        """
        error = self.exception()
        while error:
            error.__traceback__ = None
            error = error.__context__


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _write(transport: asyncio.Transport, frame: bytes) -> None:
    # Writing to what is already lost does nothing but fill asyncio's log.
    if not transport.is_closing():
        transport.write(frame)


def _try(step: Callable[[], None]) -> None:
    """One step of the clock: whatever goes wrong in it, the clock goes on."""
    try:
        step()
    except Exception:
        log.exception("The clock stumbled")


async def _outlast(socket: web.WebSocketResponse) -> None:
    """Read until the peer is gone, so that it gets to read the close frame."""
    async for _ in socket:
        pass


async def _within(seconds: float, patience: Awaitable[object]) -> None:
    """Wait for something, but no longer than this."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(patience, seconds)


def _now() -> float:
    """Monotonic seconds, as the protocol counts time."""
    return time.monotonic()
