"""What a page may cost: little script, and nothing that moves under the reader's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Response, ViewportSize, expect

from marketplace.dev.stack import Stack
from marketplace.web.locales import LANGUAGES
from tests.clients import Bidder, House

from .conftest import Visit, Visitor

#: All the script of an auction's page, pusher-js included, as it goes over the wire.
MOST_SCRIPT_BYTES = 45_000
#: Notes what moved, and from where to where, without anybody having clicked or typed.
_WATCH_SHIFTS = """
  globalThis.shifts = [];
  const place = ({ x, y, width, height }) => `(${[x, y, width, height].map(Math.round)})`;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      const moved = sources.map(({ node, previousRect, currentRect }) => {
        const element = node instanceof Text ? node.parentElement : node;
        return `${element?.outerHTML.slice(0, 90)} ${place(previousRect)} -> ${place(currentRect)}`;
      });
      shifts.push([value.toFixed(5), ...moved].join("\\n"));
    }
  }).observe({ type: "layout-shift", buffered: true });
"""

_HIDE_THE_LIST = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("[data-part=bids] { display: none !important }");
  document.adoptedStyleSheets.push(sheet);
}"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack.temporary(BID_RATE_LIMIT="1000 per second") as stack:
        yield stack


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_of_an_auctions_page_is_small(visitor: Visit, house: House, language: str) -> None:
    ann = visitor("Ann")
    ann.context.add_cookies([{"name": "language", "value": language, "url": ann.url}])
    scripts: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if response.request.resource_type == "script":
            assert response.headers["content-encoding"] in {"br", "gzip"}
            scripts[response.url] = response.request.sizes()["responseBodySize"]

    ann.page.on("response", weigh)
    ann.open(house.auction())
    ann.page.wait_for_load_state("networkidle")
    assert any(f"/auction-{language}-" in url for url in scripts)
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
    assert_nothing_moved(ann)


def test_nothing_moves_while_others_bid(ann: Visitor, house: House) -> None:
    rivals = house.bidder("Bob"), house.bidder("Carl")
    lot = led_by(ann, house, rivals[0])
    ann.open(lot)
    expect(ann.standing).to_have_text("You have the highest bid.")
    take_the_list_away(ann)
    for turn in range(20):
        assert rivals[turn % 2].bid(ann.url, lot, 1_200 + turn * 100).status_code == 201
    expect(ann.standing).to_contain_text("You were outbid.")
    expect(ann.price).to_have_text("$31.00")
    assert_nothing_moved(ann)


@pytest.mark.parametrize(
    ("registered", "language", "width"), [(False, "pl", 360), (True, "ur", 390), (True, "en", 1280)]
)
def test_nothing_moves_from_the_first_bid_on(
    visitor: Visit, house: House, registered: bool, language: str, width: int
) -> None:
    bob = house.bidder("Bob")
    ann = visitor("Ann", registered=registered, viewport=ViewportSize(width=width, height=844))
    ann.context.add_init_script(_WATCH_SHIFTS)
    ann.context.add_cookies([{"name": "language", "value": language, "url": ann.url}])
    lot = house.auction(lasts=90, buy_now_price=100_000, extension_window=300, extension=120)
    ann.open(lot)
    expect(ann.page.locator("[data-buy]")).to_be_visible()
    take_the_list_away(ann)
    assert bob.bid(ann.url, lot, 1_000).status_code == 201
    expect(ann.page.locator("[data-buy]")).to_be_hidden()
    expect(ann.page.locator("[data-extended]")).to_be_visible()
    assert_nothing_moved(ann)
    assert not is_cut_off(ann.page.locator("[data-extended]"))
    if registered:
        return  # The form of whoever could bid goes in the end.
    house.end(lot)
    expect(ann.standing).to_have_attribute("data-standing", "over")
    expect(ann.page.locator("[data-part=proof]")).not_to_be_empty()
    assert_nothing_moved(ann)


def test_nothing_moves_while_a_price_falls_and_others_take_items(ann: Visitor, house: House) -> None:
    bob, carl = house.bidder("Bob"), house.bidder("Carl")
    lot = falling(house)
    assert bob.bid(ann.url, lot, 10_000).status_code == 201
    ann.open(lot)
    expect(ann.page.locator("[data-taken]")).to_have_text("1 held · 0 sold")
    assert_nothing_moved(ann)
    take_the_list_away(ann)
    see_a_drop(ann.page.locator("#auction"))
    taken = carl.bid(ann.url, lot, 10_000).json()
    expect(ann.standing).to_contain_text("Sold out")
    give_back(carl, ann.url, taken)
    expect(ann.page.locator("[data-free]")).to_have_text("1 of 2 left")
    expect(ann.take).to_contain_text("Take one at")
    assert_nothing_moved(ann)


def test_nothing_moves_in_the_list(ann: Visitor, house: House) -> None:
    bob, carl = house.bidder("Bob"), house.bidder("Carl")
    english, dutch = house.auction(lasts=3_605), falling(house)
    ann.page.goto(ann.url)
    expect(ann.badge).to_have_attribute("data-state", "live")
    assert_nothing_moved(ann)

    card = card_of(ann, english)
    for turn in range(12):
        bidder = bob if turn % 2 else carl
        assert bidder.bid(ann.url, english, 1_000 + turn * 10_000).status_code == 201
    expect(card.locator("[data-bids]")).to_have_text("12 bids")
    # The countdown goes from hours to minutes meanwhile.
    expect(card.locator("[data-clock]")).to_contain_text(re.compile(r"^\d\d:\d\d left"))
    assert_nothing_moved(ann)

    card = card_of(ann, dutch)
    see_a_drop(card)
    for bidder in (bob, carl):
        taken = bidder.bid(ann.url, dutch, 10_000).json()
    expect(card.locator("[data-status-text]")).to_have_text("Sold out")
    give_back(carl, ann.url, taken)
    expect(card.locator("[data-free]")).to_have_text("1 of 2 left")
    assert_nothing_moved(ann)


def is_cut_off(text: Locator) -> bool:
    """Whether a part of it is not shown."""
    cut: bool = text.evaluate("(each) => each.scrollWidth > each.clientWidth")
    return cut


def falling(house: House) -> int:
    """A Dutch auction of two items; the price falls while one looks."""
    return house.auction(
        format="DUTCH", starting_price=10_000, floor_price=1_000, drop_amount=50, drop_every=2, quantity=2
    )


def see_a_drop(place: Locator) -> None:
    price = place.locator("[data-price]")
    expect(price).not_to_have_text(price.inner_text())


def give_back(bidder: Bidder, url: str, taken: dict[str, Any]) -> None:
    answer = bidder.http.delete(f"{url}/api/reservations/{taken['reservationId']}", timeout=20)
    assert answer.ok, answer.text


def card_of(visitor: Visitor, auction_id: int) -> Locator:
    """In sight: what moves elsewhere is not reported."""
    card = visitor.page.locator(f".card:has(a[href$='/auctions/{auction_id}'])").first
    card.scroll_into_view_if_needed()
    return card


def take_the_list_away(visitor: Visitor) -> None:
    """That of the bids: a new one on top pushes the others down, which is what it is for.

    Rows that glide there by a transform would not be counted, but they are read while they move, and that
    is worse. The list is hidden rather than overlooked: a report names no more than five things that moved.
    By a rule, because a page may put another list into its place.
    """
    visitor.page.evaluate(_HIDE_THE_LIST)
    drawn(visitor)
    visitor.page.evaluate("globalThis.shifts.length = 0")


def assert_nothing_moved(visitor: Visitor) -> None:
    # What comes and goes by itself, such as a notice, has come by then.
    visitor.page.wait_for_timeout(1_500)
    drawn(visitor)
    shifts: list[str] = visitor.page.evaluate("globalThis.shifts")
    assert not shifts, "\n".join(shifts)


def drawn(visitor: Visitor) -> None:
    """What is drawn is reported a frame later."""
    visitor.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 100)))")
