"""Somebody who watches an auction, as the page does: a WebSocket, and the feed for what it missed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import requests
import websocket

from tests.clients import PATIENCE_SECONDS


class Watcher:
    """Applies each event once, in the order of ``seq``, and notes what should never happen.

    The feed is asked only after the connection itself was lost. So whatever is missing while it lasts was
    not delivered: that is a ``gap``.
    """

    def __init__(self, env: Mapping[str, str], urls: Sequence[str], auction_id: int) -> None:
        self._channels = (
            f"ws://{env['PUSHER_HOST']}:{env['PUSHER_PORT']}/app/{env['PUSHER_KEY']}"
            "?protocol=7&client=tests&version=1"
        )
        self._feeds = [f"{url}/api/auctions/{auction_id}/events" for url in urls]
        self._channel = f"auction-{auction_id}"
        #: The events in the order in which they were applied.
        self.applied: list[dict[str, Any]] = []
        #: How many came through Channels, how many from the feed, how many for a second time.
        self.live = self.fetched = self.repeated = 0
        self.connections = 0
        #: What came too early: ``(seq expected, seq that came)``.
        self.gaps: list[tuple[int, int]] = []
        self._subscribed = threading.Event()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, name=f"watch-{self._channel}")

    @property
    def seq(self) -> int:
        """The latest event applied."""
        return int(self.applied[-1]["seq"]) if self.applied else 0

    def start(self) -> None:
        """Returns when subscribed."""
        self._thread.start()
        if not self._subscribed.wait(PATIENCE_SECONDS):
            raise TimeoutError("could not subscribe")

    def has(self, seq: int) -> bool:
        """Whether everything up to this event has come."""
        if self._failure:
            raise self._failure
        return self.seq >= seq

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._watch_once()
                except (OSError, websocket.WebSocketException):
                    time.sleep(0.1)
        except BaseException as error:
            self._failure = error

    def _watch_once(self) -> None:
        socket = websocket.create_connection(self._channels, timeout=1, enable_multithread=False)
        try:
            socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": self._channel}}))
            while not self._stopping.is_set():
                try:
                    text = socket.recv()
                except websocket.WebSocketTimeoutException:
                    continue  # quiet; or the server hangs, and the connection outlives that
                if not text:
                    return  # the server has said goodbye
                self._hear(socket, json.loads(text))
        finally:
            socket.shutdown()  # type: ignore[no-untyped-call]

    def _hear(self, socket: websocket.WebSocket, message: dict[str, Any]) -> None:
        match message["event"]:
            case "pusher_internal:subscription_succeeded":
                # From here on Channels delivers; before, it could not.
                self._catch_up()
                self.connections += 1
                self._subscribed.set()
            case "pusher:ping":
                socket.send(json.dumps({"event": "pusher:pong", "data": {}}))
            case "viewers:count" | "price:drop":
                pass  # have no place in the auction's history
            case event if event.startswith("pusher"):
                pass
            case "bids:batch":
                batch = json.loads(message["data"])
                assert [bid["seq"] for bid in batch["bids"]] == list(
                    range(batch["fromSeq"], batch["seq"] + 1)
                )
                for bid in batch["bids"]:
                    self.live += self._apply("bid:new", bid)
            case event:
                self.live += self._apply(event, json.loads(message["data"]))

    def _apply(self, event: str, data: dict[str, Any]) -> bool:
        if data["seq"] <= self.seq:
            self.repeated += 1
            return False
        if data["seq"] > self.seq + 1:
            self.gaps.append((self.seq + 1, data["seq"]))
        self.applied.append({"seq": data["seq"], "event": event, "data": data})
        return True

    def _catch_up(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._stopping.is_set():
            for feed in self._feeds:
                try:
                    answer = requests.get(feed, params={"after": self.seq}, timeout=5)
                    answer.raise_for_status()
                except requests.RequestException:
                    continue
                page = answer.json()
                for event in page["items"]:
                    self.fetched += self._apply(event["event"], event["data"])
                if page["nextCursor"] is None:
                    return
                break
            else:
                time.sleep(0.1)
            if time.monotonic() > deadline:
                raise TimeoutError("the feed does not answer")
