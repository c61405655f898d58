"""The client library against the real thing: pusher-js in Node, the embedded Channels server, the API.

What a browser adds to it (frames, storage, sleeping laptops) the tests in TypeScript stand in for.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketplace.dev.stack import Stack
from tests.clients import PATIENCE_SECONDS, Bidder, House

#: How long after Channels has gone a page may take to poll.
POLLING_WITHIN_SECONDS = 15.0


@pytest.fixture(scope="module")
def house(stack: Stack) -> House:
    house = House(stack)
    stack.start("web", "cron", "relay-1", "clock-1")
    return house


class Page:
    """``page.ts`` in a process of its own."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, command: str) -> None:
        assert self._process.stdin
        print(command, file=self._process.stdin, flush=True)

    def wait_for(
        self, what: str, matches: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """The next thing it tells that is this; what it tells before that is forgotten."""
        until = time.monotonic() + seconds
        seen = []
        while (left := until - time.monotonic()) > 0:
            try:
                seen.append(self._told.get(timeout=left))
            except queue.Empty:
                break
            if matches(seen[-1]):
                return seen[-1]
        pytest.fail(f"{what}: not within {seconds:.0f} s; last told: {seen[-5:]}")

    def close(self) -> None:
        self.say("close")
        assert self._process.wait(PATIENCE_SECONDS) == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._told.put(json.loads(line))


@pytest.fixture
def open_page(stack: Stack, node: str, bundles: Path) -> Iterator[Callable[[Bidder, int], Page]]:
    pages = []

    def open_(who: Bidder, auction_id: int) -> Page:
        token = str(who.http.headers["Authorization"]).removeprefix("Bearer ")
        settings = {"base": stack.url, "token": token, "userId": who.id, "auctionId": auction_id}
        pages.append(Page([node, str(bundles / "page.mjs"), json.dumps(settings)]))
        return pages[-1]

    yield open_
    for page in pages:
        page.kill()


def test_a_page_stays_true_while_channels_goes_and_comes_back(
    stack: Stack, house: House, open_page: Callable[[Bidder, int], Page]
) -> None:
    auction_id = house.auction()
    ann, bob = house.bidder("Ann"), house.bidder("Bob")
    page = open_page(ann, auction_id)
    page.wait_for("live", lambda told: told.get("state") == "live")

    assert bob.bid(stack.url, auction_id, 1_000).status_code == 201
    page.wait_for("Bob's bid", lambda told: told.get("price") == 1_000)
    page.say("bid 1100")
    page.wait_for("Ann's answer", lambda told: told.get("bid") == "accepted")
    assert bob.bid(stack.url, auction_id, 1_200).status_code == 201
    page.wait_for("word that she was outbid", lambda told: told.get("message") == "bid:outbid")
    page.say("bid 1")
    refused = page.wait_for("a refusal", lambda told: "bid" in told)
    assert (refused["bid"], refused["code"]) == ("refused", "bid_too_low")

    stack.stop("channels")
    page.wait_for("polling", lambda told: told.get("state") == "polling", POLLING_WITHIN_SECONDS)
    assert bob.bid(stack.url, auction_id, 1_300).status_code == 409  # he leads
    carl = house.bidder("Carl")
    assert carl.bid(stack.url, auction_id, 1_400).status_code == 201
    page.wait_for("a bid, by polling", lambda told: told.get("price") == 1_400)

    stack.start("channels")
    page.wait_for("live again", lambda told: told.get("state") == "live")
    assert bob.bid(stack.url, auction_id, 1_500).status_code == 201
    last = page.wait_for("a bid, live again", lambda told: told.get("price") == 1_500)
    assert last["seq"] == last["events"] + 1 == len(house.events(auction_id)), (
        "each event once, after the first"
    )

    page.say("clock")
    clock = page.wait_for("the clock", lambda told: "off" in told)
    assert abs(clock["off"]) < clock["uncertainty"] + 100
    page.close()
    page.wait_for("a beacon that was taken", lambda told: told.get("beacon") == 204)


def test_those_who_watch_see_each_other(house: House, open_page: Callable[[Bidder, int], Page]) -> None:
    auction_id = house.auction()
    first, second = house.bidder("First"), house.bidder("Second")
    page = open_page(first, auction_id)
    page.wait_for("nobody else", lambda told: told.get("others") == [])
    other = open_page(second, auction_id)
    other.wait_for("the first", lambda told: told.get("others") == ["First"])
    page.wait_for("the second", lambda told: told.get("others") == ["Second"])
    other.kill()
    page.wait_for("the second gone", lambda told: told.get("others") == [])
