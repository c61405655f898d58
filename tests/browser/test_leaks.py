"""An hour at a busy auction leaves a page as light as it was, and 50 events a second leave it smooth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pusher
import pytest
from playwright.sync_api import expect

from marketplace.dev.stack import Stack
from marketplace.money import format_money
from marketplace.realtime.events import BidNew, to_json
from tests.clients import House

from .conftest import Visit, Visitor

#: An event a second.
AN_HOUR = 3600
#: What Channels takes in one request.
BATCH = 10
#: What may be left of an event, in bytes: nothing, but for what engines keep for themselves.
LEFT_BY_EVENT = 100
LEFT_BY_MOUNT = 1_500

#: How often, from each frame to the next, parts of the page are changed and the chart is drawn.
_COUNT_UPDATES = """() => {
  globalThis.perFrame = [];
  let updates = {};
  const count = (name) => { updates[name] = (updates[name] ?? 0) + 1; };
  for (const name of ["[data-price]", "[data-bids]", "#bids", "[data-total]"])
    new MutationObserver(() => count(name)).observe(document.querySelector(name), { childList: true });
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...area) {
    count("chart");
    clear.apply(this, area);
  };
  const frame = () => {
    perFrame.push(updates);
    updates = {};
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""

#: Parts of a page that come and go, with all that the library has for them.
_MOUNT = """async ([id, userId, times]) => {
  const { Client } = await import("/static/dist/client.js");
  globalThis.client ??= new Client({ realtime: JSON.parse(document.body.dataset.realtime), userId });
  for (let time = 0; time < times; time++) {
    const over = new AbortController();
    const auction = client.watch({ id, signal: over.signal });
    client.watchers(id, { signal: over.signal }).on("change", () => {});
    client.userMessages({ signal: over.signal }).on("message", () => {});
    client.clock.at(client.clock.now() + 60_000, () => {}, { signal: over.signal });
    await new Promise((current) => {
      auction.on("change", () => auction.freshness === "current" && current());
    });
    over.abort();
  }
}"""


@dataclass(frozen=True)
class Weight:
    """What a page holds after a garbage collection."""

    heap: int
    listeners: int
    nodes: int


def weigh(visitor: Visitor) -> Weight:
    """Ask Chromium."""
    session = visitor.context.new_cdp_session(visitor.page)
    session.send("Performance.enable")
    for _ in range(2):  # what the first one finalizes is free after the second
        session.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: int(each["value"]) for each in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return Weight(metrics["JSHeapUsedSize"], metrics["JSEventListeners"], metrics["Nodes"])


class Rush:
    """Bids that are told, straight through Channels, faster than they could be placed."""

    def __init__(self, stack: Stack, auction: dict[str, Any]) -> None:
        env = stack.env
        account = (env["PUSHER_APP_ID"], env["PUSHER_KEY"], env["PUSHER_SECRET"])
        self._client = pusher.Pusher(
            *account, host=env["PUSHER_HOST"], port=int(env["PUSHER_PORT"]), ssl=False
        )
        self._id, self._seq, self._bids = auction["id"], auction["seq"], auction["bidCount"]

    @property
    def price(self) -> int:
        """The latest bid."""
        return 1_000 + self._bids

    def tell(self, count: int, *, a_second: int) -> None:
        """Tell of so many further bids."""
        begun = time.monotonic()
        for told in range(BATCH, count + 1, BATCH):
            self._client.trigger_batch([self._next() for _ in range(BATCH)])
            time.sleep(max(0.0, begun + told / a_second - time.monotonic()))

    def _next(self) -> dict[str, str]:
        self._seq += 1
        self._bids += 1
        bid = BidNew(
            current_bid=self.price,
            currency="USD",
            bidder_name=f"Bidder {self._bids % 7}",
            bid_count=self._bids,
            minimum_next_bid=self.price + 1,
            reserve_met=None,
            extended_end_time=None,
        )
        data = to_json(bid.data(self._id, self._seq, datetime.now(UTC)))
        return {"channel": f"auction-{self._id}", "name": "bid:new", "data": data}


@pytest.fixture
def watched(market: Stack, visitor: Visit, house: House) -> tuple[Visitor, Rush]:
    """Somebody at an auction with a first bid, and the bids that are going to be told."""
    ann = visitor("Ann")
    lot = house.auction()
    assert house.bidder("Bob").bid(market.url, lot, 1_001).status_code == 201
    ann.open(lot)
    return ann, Rush(market, ann.api("GET", f"/api/auctions/{lot}"))


def settle(visitor: Visitor, rush: Rush) -> None:
    """Wait until the page has caught up, and with what it does a moment later."""
    expect(visitor.price).to_have_text(format_money(rush.price, "USD"))
    visitor.page.wait_for_timeout(6_000)


def test_an_hour_of_events_leaves_nothing_behind(watched: tuple[Visitor, Rush]) -> None:
    ann, rush = watched
    rush.tell(300, a_second=300)
    settle(ann, rush)
    before = weigh(ann)
    rush.tell(AN_HOUR, a_second=300)
    settle(ann, rush)
    after = weigh(ann)
    print(before, after)
    assert after.heap - before.heap < AN_HOUR * LEFT_BY_EVENT
    assert after.listeners - before.listeners <= 5
    assert after.nodes - before.nodes <= 50
    assert ann.complaints == []


def test_fifty_events_a_second_are_shown_once_a_frame(watched: tuple[Visitor, Rush]) -> None:
    ann, rush = watched
    ann.page.locator("[data-chart] > summary").click()
    expect(ann.page.locator(".uplot")).to_be_visible()
    # It is offered only where there are more bids than the page shows.
    ann.page.locator("[data-all-bids]").dispatch_event("click")
    expect(ann.page.locator("dialog")).to_be_visible()
    ann.page.evaluate(_COUNT_UPDATES)
    rush.tell(500, a_second=50)
    expect(ann.price).to_have_text(format_money(rush.price, "USD"))
    frames: list[dict[str, int]] = ann.page.evaluate("perFrame")
    for part in ("[data-price]", "[data-bids]", "#bids", "[data-total]", "chart"):
        updates = [each.get(part, 0) for each in frames]
        assert max(updates) == 1, part
        assert sum(updates) >= 500 / BATCH / 2, f"{part} follows"


def test_two_hundred_parts_that_come_and_go_leave_nothing_behind(visitor: Visit, house: House) -> None:
    ann = visitor("Ann")
    lot = house.auction()
    ann.page.goto(f"{ann.url}/login")
    user_id = ann.api("GET", "/api/me")["id"]
    ann.page.evaluate(_MOUNT, [lot, user_id, 20])
    before = weigh(ann)
    ann.page.evaluate(_MOUNT, [lot, user_id, 200])
    after = weigh(ann)
    print(before, after)
    assert after.heap - before.heap < 200 * LEFT_BY_MOUNT
    assert after.listeners == before.listeners
