"""What a page may cost: little script, and nothing that moves under the reader's eyes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Response, ViewportSize, expect

from marketplace.dev.stack import Stack
from tests.clients import Bidder, House

from .conftest import Visit, Visitor

#: All the script of an auction's page, pusher-js included, as it goes over the wire.
MOST_SCRIPT_BYTES = 45_000
#: Notes what moved without anybody having clicked or typed; but not bids, which go down as new ones come.
_WATCH_SHIFTS = """
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      const elements = sources.map(({ node }) => node instanceof Text ? node.parentElement : node);
      const moved = elements.filter((each) => each?.isConnected && !each.closest("#bids"));
      const what = moved.map(({ outerHTML }) => outerHTML.slice(0, 90));
      if (what.length) shifts.push(`${value.toFixed(5)}: ${what.join(" and ")}`);
    }
  }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary(BID_RATE_LIMIT="1000 per second") as stack:
        yield stack


def test_the_script_of_an_auctions_page_is_small(visitor: Visit, house: House) -> None:
    ann = visitor("Ann")
    scripts: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if response.request.resource_type == "script":
            assert response.headers["content-encoding"] in {"br", "gzip"}
            scripts[response.url] = response.request.sizes()["responseBodySize"]

    ann.page.on("response", weigh)
    ann.open(house.auction())
    ann.page.wait_for_load_state("networkidle")
    assert scripts
    assert sum(scripts.values()) < MOST_SCRIPT_BYTES, scripts


@pytest.fixture(params=[390, 1280])
def ann(request: pytest.FixtureRequest, visitor: Visit) -> Visitor:
    """On a phone, and on a desk; what moves on her page is noted."""
    ann = visitor("Ann", viewport=ViewportSize(width=request.param, height=844))
    ann.context.add_init_script(_WATCH_SHIFTS)
    return ann


def led_by(ann: Visitor, house: House, rival: Bidder) -> int:
    """An auction that a late bid would extend, and that Ann leads."""
    lot = house.auction(lasts=90, extension_window=300, extension=120)
    assert rival.bid(ann.url, lot, 1_000).status_code == 201
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=1_100)
    return lot


def test_nothing_moves_when_the_script_takes_over(ann: Visitor, house: House) -> None:
    ann.open(led_by(ann, house, house.bidder("Bob")))
    expect(ann.standing).to_have_text("You have the highest bid.")
    assert shifts(ann) == []


def test_nothing_moves_while_others_bid(ann: Visitor, house: House) -> None:
    rivals = house.bidder("Bob"), house.bidder("Carl")
    lot = led_by(ann, house, rivals[0])
    ann.open(lot)
    expect(ann.standing).to_have_text("You have the highest bid.")
    before = shifts(ann)
    for turn in range(20):
        assert rivals[turn % 2].bid(ann.url, lot, 1_200 + turn * 100).status_code == 201
    expect(ann.standing).to_contain_text("You were outbid.")
    expect(ann.price).to_have_text("$31.00")
    # What comes and goes by itself, such as a notice, has come by then.
    ann.page.wait_for_timeout(1_500)
    assert shifts(ann)[len(before) :] == []


def shifts(visitor: Visitor) -> list[Any]:
    """What has moved so far."""
    # What is drawn is reported a frame later.
    visitor.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 100)))")
    found: list[Any] = visitor.page.evaluate("globalThis.shifts")
    return found
