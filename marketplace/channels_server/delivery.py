"""Posts webhooks: in order, one request at a time per address, tried again until it is taken or too old."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

import aiohttp

from marketplace.channels_server import webhooks

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""Events that may wait for one address. Beyond that the oldest go: the newest say what is still true."""
MAX_BODY = 32 * 1024
"""Bytes of one request, unless a single event is larger: receivers have limits too."""
POST_TIMEOUT = 5.0


class Delivery:
    """The way to one address. What arrives while a request is under way goes out together in the next one."""

    def __init__(self, url: str, *, key: str, secret: str, count: Callable[[str], None]) -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._count = count
        self._waiting: deque[str] = deque(maxlen=MAX_WAITING)
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, events: Iterable[str]) -> None:
        """Take these events, which are JSON, for delivery."""
        self._waiting.extend(events)
        if self._waiting:
            self._idle.clear()
            self._arrived.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    await self._deliver_somehow(session, self._next_batch())
                self._idle.set()

    async def flush(self) -> None:
        """Wait until everything added so far is delivered or given up."""
        await self._idle.wait()

    def _next_batch(self) -> list[str]:
        batch = [self._waiting.popleft()]
        size = len(batch[0])
        while self._waiting and size + len(self._waiting[0]) <= MAX_BODY:
            size += len(self._waiting[0])
            batch.append(self._waiting.popleft())
        return batch

    async def _deliver_somehow(self, session: aiohttp.ClientSession, events: list[str]) -> None:
        try:
            await self._deliver(session, events)
        except Exception:
            # Without these, but what comes later is still to be delivered.
            self._count("dropped")
            log.exception("Webhook to %s lost: %d events", self._url, len(events))

    async def _deliver(self, session: aiohttp.ClientSession, events: list[str]) -> None:
        # Built once: a repeated delivery is the same to the byte, so that its receiver can tell.
        content = webhooks.body(events, time_ms=time.time_ns() // 1_000_000)
        for delay in (0.0, *webhooks.retry_delays()):
            await asyncio.sleep(delay)
            if await self._post(session, content):
                self._count("delivered")
                return
            self._count("failed")
        self._count("dropped")
        log.error(
            "Webhook to %s dropped after %d s: %d events", self._url, webhooks.GIVE_UP_AFTER, len(events)
        )

    async def _post(self, session: aiohttp.ClientSession, content: bytes) -> bool:
        headers = webhooks.headers(content, key=self._key, secret=self._secret)
        try:
            async with session.post(
                self._url, data=content, headers=headers, allow_redirects=False
            ) as response:
                if 200 <= response.status < 300:
                    return True
                log.warning("Webhook to %s answered %d", self._url, response.status)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("Webhook to %s failed: %r", self._url, error)
        return False
