"""The short cut for polls: "has this auction changed?" answered before Flask, when it has not.

A page that has lost Channels asks for the snapshot every few seconds and nearly always hears 304. Those
answers come from memory: for ``FRESH_SECONDS`` after a snapshot was made, a request that names its ETag is
answered at once. Anything else - another ETag, no ETag, an older memory - goes to Flask and the database.
So a new version may reach a poller that much later, and a request without ETag always gets the latest.

Only snapshots that everybody may see are remembered here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

#: For how long a snapshot is known to be current, in seconds.
FRESH_SECONDS = 0.5
_MAX_KEPT = 10_000
_SNAPSHOT_PATH = re.compile(r"/api/auctions/([1-9][0-9]{0,17})")

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PollCache:
    """The ETag of each auction's snapshot, and until when it is known to be current."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[int, tuple[str, float]] = {}

    def remember(self, auction_id: int, etag: str) -> None:
        """The snapshot was just made and has this (quoted) ETag."""
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[auction_id] = (etag, self._clock() + FRESH_SECONDS)

    def forget(self, auction_id: int) -> None:
        """The auction has changed."""
        self._kept.pop(auction_id, None)

    def unchanged(self, auction_id: int, etag: str) -> bool:
        """Whether the snapshot with this ETag is known to be current."""
        kept = self._kept.get(auction_id)
        return kept is not None and kept[0] == etag and self._clock() < kept[1]


class PollShortcut:
    """WSGI middleware that answers unchanged polls."""

    def __init__(self, app: WSGIApp, cache: PollCache) -> None:
        self._app = app
        self._cache = cache

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # A proxy that compresses says of each ETag that it is a weak one.
        etag = environ.get("HTTP_IF_NONE_MATCH", "").removeprefix("W/")
        if etag and environ["REQUEST_METHOD"] == "GET":
            match = _SNAPSHOT_PATH.fullmatch(environ["PATH_INFO"])
            if match and self._cache.unchanged(int(match[1]), etag):
                start_response("304 Not Modified", [("ETag", etag), ("Cache-Control", "no-cache")])
                return []
        return self._app(environ, start_response)
