"""The short cut for polls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from marketplace.polling import FRESH_SECONDS, PollCache, PollShortcut


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(shortcut: PollShortcut, path: str, etag: str | None, method: str = "GET") -> str:
    statuses: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]]) -> None:
        statuses.append(status)

    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
    if etag is not None:
        environ["HTTP_IF_NONE_MATCH"] = etag
    list(shortcut(environ, start_response))
    return statuses[0]


def inner(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 asked Flask", [])
    return []


def test_only_an_unchanged_snapshot_is_answered_from_memory() -> None:
    clock = Clock()
    cache = PollCache(clock)
    shortcut = PollShortcut(inner, cache)
    cache.remember(7, '"abc"')
    for etag in ('"abc"', 'W/"abc"'):
        assert ask(shortcut, "/api/auctions/7", etag).startswith("304")
    for path, etag, method in [
        ("/api/auctions/7", '"other"', "GET"),
        ("/api/auctions/7", None, "GET"),
        ("/api/auctions/8", '"abc"', "GET"),
        ("/api/auctions/07", '"abc"', "GET"),
        ("/api/auctions/7/bids", '"abc"', "GET"),
        ("/api/auctions/7", '"abc"', "PATCH"),
    ]:
        assert ask(shortcut, path, etag, method) == "200 asked Flask", (path, etag, method)


def test_memory_is_trusted_for_a_moment_only() -> None:
    clock = Clock()
    cache = PollCache(clock)
    cache.remember(7, '"abc"')
    clock.now = FRESH_SECONDS - 0.01
    assert cache.unchanged(7, '"abc"')
    clock.now = FRESH_SECONDS
    assert not cache.unchanged(7, '"abc"')


def test_a_bid_makes_it_forget() -> None:
    cache = PollCache(Clock())
    cache.remember(7, '"abc"')
    cache.forget(7)
    assert not cache.unchanged(7, '"abc"')
