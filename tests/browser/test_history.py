"""The history of an auction with a hundred thousand bids, and the chart of its prices, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import create_engine

from marketplace.dev.stack import Stack
from tests.browser.conftest import Visit, Visitor
from tests.histories import write_bids

BIDS = 100_000
#: In minor units: the bid at position n, of which there are n older ones, is of START + n * STEP.
START, STEP = 10_000, 100

#: Notes how long the page was busy at a stretch, in milliseconds.
NOTE_LONG_TASKS = """
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask" });
"""


@pytest.fixture
def long_auction(market: Stack, visitor: Visit) -> Callable[..., int]:
    """An auction of Sue's with many bids of Ann's and Bob's: ``lot = long_auction(sue, ann, bob)``."""

    def make(sue: Visitor, ann: Visitor, bob: Visitor, *, bids: int = BIDS) -> int:
        lot = sue.sell(startingPrice=START, minIncrement=STEP)
        first, second = (each.api("GET", "/api/me")["id"] for each in (ann, bob))
        engine = create_engine(market.env["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
        with engine.begin() as connection:
            write_bids(connection, lot, bids, ann=first, bob=second)
        engine.dispose()
        return lot

    return make


def open_all(reader: Visitor) -> Locator:
    reader.page.get_by_role("link", name="Show all").click()
    window = reader.page.get_by_role("region", name="All bids")
    expect(window.get_by_role("listitem").first).to_be_visible()
    return window


def scroll_to(window: Locator, share: float) -> None:
    """And wait until the page has made rows for what is in view now, loaded or not."""
    window.evaluate(
        """(window, share) => new Promise((done) => {
            window.scrollTop = share * window.scrollHeight;
            requestAnimationFrame(() => requestAnimationFrame(done));
        })""",
        share,
    )


def rows(window: Locator) -> list[dict[str, Any]]:
    """The rows in the page that are loaded: their place from the top, and the amount they show."""
    return window.evaluate(  # type: ignore[no-any-return]
        """(window) => [...window.querySelectorAll("li[data-seq]")].map((row) => ({
            place: Number(row.ariaPosInSet), of: Number(row.ariaSetSize),
            amount: row.querySelector("[data-amount]").textContent,
        }))"""
    )


def amount_of(place: int, total: int = BIDS) -> str:
    return f"${(START + (total - place) * STEP) / 100:,.2f}"


def expect_right_rows(window: Locator, total: int = BIDS) -> None:
    """Whatever is in view is loaded, and shows what stands at that place of the log."""
    expect(window.locator(".skeleton")).to_have_count(0)
    found = rows(window)
    assert found
    assert {row["of"] for row in found} == {total}
    assert [row["amount"] for row in found] == [amount_of(row["place"], total) for row in found]


def test_a_hundred_thousand_bids_are_scrolled_through(
    visitor: Visit, long_auction: Callable[..., int], record_property: Callable[[str, object], None]
) -> None:
    sue, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = long_auction(sue, ann, bob)
    ann.page.add_init_script(NOTE_LONG_TASKS)
    ann.open(lot)
    window = open_all(ann)
    expect_right_rows(window)
    assert rows(window)[0] == {"place": 1, "of": BIDS, "amount": amount_of(1)}
    most = 0
    for share in (0.013, 0.37, 0.5, 0.811, 0.29, 1, 0.004):
        scroll_to(window, share)
        expect_right_rows(window)
        most = max(most, window.locator("li").count())
    for _ in range(200):
        window.evaluate("(window) => window.scrollBy(0, 700)")
        most = max(most, window.locator("li").count())
    scroll_to(window, 0.002)
    expect_right_rows(window)
    assert most < 200
    record_property("longest task, ms", ann.page.evaluate("window.longest"))
    # The keyboard gets everywhere, too.
    window.press("End")
    expect(window.locator(f"[aria-posinset='{BIDS}']")).to_contain_text("$100.00")
    window.press("Home")
    expect(window.locator("[aria-posinset='1'] [data-amount]")).to_have_text(amount_of(1))
    assert ann.complaints == []


def test_a_live_bid_comes_on_top_and_moves_nothing_that_is_read(
    visitor: Visit, long_auction: Callable[..., int]
) -> None:
    sue, ann, bob, cas = visitor("Sue"), visitor("Ann"), visitor("Bob"), visitor("Cas")
    lot = long_auction(sue, ann, bob, bids=500)
    ann.open(lot)
    window = open_all(ann)
    expect_right_rows(window, 500)
    cas.api("POST", f"/api/auctions/{lot}/bids", amount=START + 500 * STEP)
    top = window.locator("[aria-posinset='1']")
    expect(top).to_contain_text("Cas")
    expect(top.locator("[data-amount]")).to_have_text(amount_of(1, 501))
    expect_right_rows(window, 501)
    keys = window.locator("li").evaluate_all("(rows) => rows.map((row) => Number(row.ariaPosInSet))")
    assert keys == sorted(keys)

    scroll_to(window, 0.5)
    expect_right_rows(window, 501)
    read = window.locator("li", has_text=amount_of(251, 501))
    before = read.bounding_box()
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=START + 501 * STEP)
    expect(read).to_have_attribute("aria-posinset", "252")
    assert read.bounding_box() == before
    # The latest bids on the page itself had them both, too.
    ann.page.get_by_role("button", name="Close").click()
    latest = ann.page.locator("#bids [data-amount]")
    expect(latest).to_have_count(20)
    assert latest.all_text_contents() == [amount_of(place, 502) for place in range(1, 21)]
    assert ann.complaints == []


def test_what_cannot_be_loaded_says_so_and_is_tried_again(
    visitor: Visit, long_auction: Callable[..., int]
) -> None:
    sue, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = long_auction(sue, ann, bob, bids=500)
    ann.open(lot)
    window = open_all(ann)
    expect_right_rows(window, 500)
    ann.page.route(re.compile("position="), lambda route: route.abort())
    scroll_to(window, 0.5)
    problem = ann.page.get_by_text("Some of the bids could not be loaded.")
    expect(problem).to_be_visible()
    expect(window.locator(".skeleton").first).to_be_visible()
    ann.page.unroute(re.compile("position="))
    ann.page.get_by_role("button", name="Try again").click()
    expect_right_rows(window, 500)
    expect(problem).to_be_hidden()


def test_a_bid_taken_back_is_marked_in_all_of_it(visitor: Visit) -> None:
    sue, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = sue.sell(startingPrice=START, minIncrement=STEP)
    people = [ann, bob, *(visitor(name) for name in ("Cas", "Dan", "Eve"))]
    for n in range(24):
        people[n % 5].api("POST", f"/api/auctions/{lot}/bids", amount=START + n * STEP)
    ann.open(lot)
    window = open_all(ann)
    expect_right_rows(window, 24)
    page = ann.api("GET", f"/api/auctions/{lot}/bids?position=11&limit=1")
    sue.api("POST", f"/api/bids/{page['items'][0]['bidId']}/cancel", reason="A joke")
    expect(window.locator("[aria-posinset='1']")).to_contain_text("Cancelled by the seller")
    expect(window.locator("[data-withdrawn] s")).to_have_text(amount_of(13, 24))
    ann.page.get_by_role("button", name="Close").click()
    expect(ann.page.locator("#bids [data-withdrawn]")).to_contain_text("A joke")


def test_the_chart_shows_the_prices_in_both_themes(visitor: Visit, long_auction: Callable[..., int]) -> None:
    sue, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = long_auction(sue, ann, bob, bids=500)
    ann.open(lot)
    chart = ann.page.locator("[data-chart]")
    chart.get_by_text("The price over time").click()
    canvas = chart.locator("canvas")
    expect(canvas).to_be_visible()
    drawn = "(canvas) => canvas.toDataURL()"
    light = canvas.evaluate(drawn)
    ann.page.emulate_media(color_scheme="dark")
    ann.page.wait_for_function(
        "([canvas, light]) => canvas.toDataURL() !== light", arg=[canvas.element_handle(), light]
    )
    chart.get_by_text("As a table").click()
    prices = chart.locator("[data-table] tbody tr")
    expect(prices).to_have_count(500)
    expect(prices.first).to_contain_text(amount_of(1, 500))
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=START + 600 * STEP)
    expect(prices).to_have_count(501)
    expect(prices.first).to_contain_text("$700.00")
    # The content security policy had nothing against it.
    assert ann.complaints == []
