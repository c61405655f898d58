"""People in front of a price that falls."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Route, expect

from .conftest import Visit, Visitor
from .devices import WRONG_CLOCK

THREE_MINUTES = 180_000


def cents(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text))


def test_of_two_buyers_of_one_item_one_holds_it_and_the_other_is_told_the_truth(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell_dutch(quantity=1)
    ann.open(lot)
    bob.open(lot)
    expect(bob.take).to_have_text("Take one at $100.00")
    waiting: list[Route] = []
    bob.page.route("**/bids", lambda route: waiting.append(route))
    bob.take.click()
    expect(bob.take).to_have_text("Taking it…")

    ann.take.click()
    expect(ann.told).to_have_text("One is yours at $100.00. Check out before the time is over.")
    expect(ann.held).to_contain_text("Held for you at $100.00")
    expect(ann.held).to_contain_text(re.compile(r"(10:00|9:\d\d) to check out"))
    expect(bob.page.locator("[data-free]")).to_have_text("0 of 1 left")
    waiting.pop().continue_()
    expect(bob.told).to_have_text("Somebody was faster: 0 left. 1 item is only held, and may come back.")
    expect(bob.take).to_have_text("Sold out")
    expect(bob.held).to_have_count(0)
    for each in (ann, bob):
        expect(each.standing).to_have_text(
            "Sold out. 1 item is only held: what is not checked out in time comes back."
        )
        expect(each.page.locator("#bids li")).to_have_count(1)

    ann.held.get_by_role("link", name="Check out").click()
    ann.page.get_by_label("Where it goes").fill("Ann Okafor\n1 Long Lane")
    expect(ann.held).to_contain_text(re.compile(r"\d:\d\d to check out"))
    ann.page.get_by_role("button", name="Buy for $100.00").click()
    expect(ann.page.get_by_text("Checked out.")).to_be_visible()
    # Nobody tells Bob's page: it asks now and then.
    expect(bob.standing).to_have_text("Sold out: every item is checked out.")
    # A refusal is an answer of 409, which Chromium notes.
    assert ann.complaints == []
    assert all("409" in complaint for complaint in bob.complaints)


@pytest.mark.parametrize("wrong_by", [-THREE_MINUTES, THREE_MINUTES])
def test_the_price_on_screen_is_the_servers_whatever_the_device_thinks(visitor: Visit, wrong_by: int) -> None:
    seller, ann = visitor("Sue"), visitor("Ann", registered=False)
    lot = seller.sell_dutch(startingPrice=10_000, floorPrice=1_000, dropAmount=100, dropEvery=2)
    ann.context.add_init_script(WRONG_CLOCK % (wrong_by, wrong_by))
    ann.open(lot)
    now = ann.page.evaluate("Date.now()") / 1000 - datetime.now(UTC).timestamp()
    assert abs(now - wrong_by / 1000) < 10
    seen = set()
    for _ in range(20):
        before = ann.api("GET", f"/api/auctions/{lot}")["currentPrice"]
        shown = cents(ann.price.inner_text())
        after = ann.api("GET", f"/api/auctions/{lot}")["currentPrice"]
        assert after - 100 <= shown <= before + 100
        seen.add(shown)
        ann.page.wait_for_timeout(300)
    assert len(seen) >= 3
    assert ann.complaints == []


def test_a_hold_that_is_over_brings_the_item_back_and_the_sale_opens_again(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell_dutch(quantity=1, holdSeconds=6)
    ann.open(lot)
    bob.open(lot)
    ann.take.click()
    expect(ann.held).to_contain_text("to check out")
    expect(bob.page.locator(".pill")).to_have_text("Sold out")
    expect(bob.take).to_have_text("Sold out")
    (taken,) = ann.api("GET", "/api/reservations")["items"]
    checkout = ann.context.new_page()
    checkout.goto(f"{ann.url}/reservations/{taken['reservationId']}/checkout")

    expect(bob.take).to_have_text("Take one at $100.00")
    # What is over is not offered there any more, either.
    expect(checkout.get_by_role("button", name="Buy for")).to_be_hidden()
    expect(checkout.get_by_text("Give it back", exact=True)).to_be_hidden()
    expect(bob.page.locator(".pill")).to_have_text("Running")
    expect(bob.page.locator("[data-free]")).to_have_text("1 of 1 left")
    expect(bob.page.locator("#bids li").first).to_contain_text("Came back")
    expect(ann.held).to_contain_text("Not checked out in time, so it went back.")
    bob.take.click()
    expect(bob.held).to_contain_text("Held for you at $100.00")
    # The server's own line has the reason.
    expect(ann.page.locator("#bids")).to_contain_text("not checked out in time")
    assert [ann.complaints, bob.complaints] == [[], []]


def test_an_item_is_taken_once_though_the_answer_gets_lost(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell_dutch(quantity=5)
    ann.open(lot)
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().text())
            route.abort()

    ann.page.route("**/bids", lose_the_first_answer)
    ann.take.click()
    expect(ann.told).to_have_text("One is yours at $100.00. Check out before the time is over.")
    expect(ann.held).to_have_count(1)
    assert lost
    assert ann.api("GET", f"/api/auctions/{lot}")["remainingItems"] == 4


def test_while_it_is_not_known_what_came_of_it_nothing_else_is_bought(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell_dutch(quantity=5, dropEvery=5)
    ann.open(lot)
    ann.page.route("**/bids", lambda route: (route.fetch(), route.abort()))
    agreed = re.sub(r".* at ", "", ann.take.inner_text())
    ann.take.click()
    expect(ann.told).to_contain_text("it is not known whether you got one")
    expect(ann.take).to_have_text(re.compile(r"Ask again for the one at \$\d+\.00"))
    assert cents(ann.take.inner_text()) <= cents(agreed)
    ann.page.unroute_all()
    ann.take.click()
    expect(ann.told).to_contain_text("One is yours at")
    expect(ann.held).to_have_count(1)
    assert ann.api("GET", f"/api/auctions/{lot}")["heldItems"] == 1


def test_after_a_reload_the_same_item_is_asked_for(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell_dutch(quantity=5)
    ann.open(lot)
    ann.page.route("**/bids", lambda route: (route.fetch(), route.abort()))
    ann.take.click()
    expect(ann.take).to_have_text("Ask again for the one at $100.00")
    ann.page.unroute_all()
    ann.open(lot)
    expect(ann.take).to_have_text("Ask again for the one at $100.00")
    ann.take.click()
    expect(ann.told).to_contain_text("One is yours at $100.00")
    expect(ann.held).to_have_count(1)
    assert ann.api("GET", f"/api/auctions/{lot}")["heldItems"] == 1


def test_offline_nothing_is_taken_and_the_button_says_so(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell_dutch(quantity=5)
    ann.open(lot)
    ann.context.set_offline(True)
    expect(ann.take).to_have_text("Not while offline")
    expect(ann.take).to_have_attribute("aria-disabled", "true")
    ann.take.click(force=True)
    ann.context.set_offline(False)
    expect(ann.take).to_have_text("Take one at $100.00")
    expect(ann.badge).to_have_attribute("data-state", "live")
    assert ann.api("GET", f"/api/auctions/{lot}")["remainingItems"] == 5


def test_a_buyer_is_told_their_limit_and_gives_an_item_back(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob", registered=False)
    lot = seller.sell_dutch(quantity=3, perBuyer=1)
    ann.open(lot)
    bob.open(lot)
    ann.take.click()
    expect(bob.page.locator("[data-free]")).to_have_text("2 of 3 left")
    ann.take.click()
    expect(ann.told).to_have_text("You have 1 item, as many as one buyer may have.")
    ann.page.get_by_text("Give it back", exact=True).click()
    ann.page.get_by_role("button", name="Yes, give it back").click()
    expect(ann.held).to_have_count(0)
    expect(bob.page.locator("[data-free]")).to_have_text("3 of 3 left")
    assert bob.complaints == []


def test_another_tab_shows_what_was_taken_in_the_first(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell_dutch(quantity=3)
    ann.open(lot)
    other = Visitor("Ann", ann.context.new_page(), ann.url)
    other.open(lot)
    ann.take.click()
    expect(other.held).to_contain_text("Held for you at $100.00")
    expect(other.page.locator("#bids li")).to_contain_text("Taken")
    expect(other.page.locator("#bids li")).to_have_attribute("data-mine", "")
    ann.page.goto(f"{ann.url}/me")
    expect(ann.held).to_contain_text("A crate of bulbs at $100.00")
    expect(ann.held).to_contain_text(re.compile(r"\d:\d\d to check out"))


def test_the_card_in_the_list_falls_and_sells_live(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob", registered=False)
    lot = seller.sell_dutch(title="A falling card", quantity=2, dropEvery=3, dropAmount=100)
    bob.page.goto(bob.url)
    expect(bob.badge).to_have_attribute("data-state", "live")
    card = bob.page.locator(".card", has_text="A falling card")
    first = cents(card.locator("[data-price]").inner_text())
    expect(card.locator("[data-price]")).not_to_have_text(f"${first / 100:.2f}")
    expect(card).to_contain_text("down to $10.00")
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)
    expect(card).to_contain_text("1 of 2 left")
    assert bob.complaints == []


def test_without_script_one_can_take_an_item_and_is_told_the_truth(visitor: Visit) -> None:
    seller = visitor("Sue")
    ann, bob = (visitor(name, java_script_enabled=False) for name in ("Ann", "Bob"))
    lot = seller.sell_dutch(quantity=1)
    ann.page.goto(ann.url)
    ann.page.get_by_role("link", name="A crate of bulbs").first.click()
    ann.open(lot, live=False)
    bob.open(lot, live=False)
    ann.take.click()
    expect(ann.held).to_contain_text("Held for you at $100.00")
    expect(ann.standing).to_contain_text("Sold out.")
    # Bob's page does not know yet.
    expect(bob.take).to_have_text("Take one at $100.00")
    bob.take.click()
    expect(bob.told).to_have_text("Somebody was faster: 0 left. 1 item is only held, and may come back.")
    ann.page.get_by_text("Give it back", exact=True).click()
    ann.page.get_by_role("button", name="Yes, give it back").click()
    expect(ann.held).to_have_count(0)
    bob.open(lot, live=False)
    bob.take.click()
    expect(bob.held).to_contain_text("Held for you at $100.00")


def test_without_script_one_pays_the_lower_price_and_never_a_higher_one(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann", java_script_enabled=False)
    lot = seller.sell_dutch(quantity=2, dropEvery=2, dropAmount=100)
    ann.open(lot, live=False)
    shown = cents(ann.take.inner_text())
    ann.page.wait_for_timeout(4_000)
    ann.take.click()
    paid = ann.api("GET", "/api/reservations")["items"][0]["price"]
    expect(ann.held).to_contain_text(f"Held for you at ${paid / 100:.2f}")
    assert paid < shown


def test_a_dutch_lot_is_described_with_a_preview_and_published(visitor: Visit) -> None:
    sue = visitor("Sue")
    sue.page.goto(f"{sue.url}/sell")
    expect(sue.page.get_by_label("Each drop")).to_be_hidden()
    sue.page.get_by_label("Dutch").check()
    expect(sue.page.get_by_label("Increment")).to_be_hidden()
    sue.page.get_by_label("Title").fill("Crates of bulbs")
    for label, value in (("Starting price", "500"), ("Each drop", "10"), ("Floor", "95"), ("How many", "4")):
        sue.page.get_by_label(label).fill(value)
    sue.page.get_by_label("Seconds between drops").fill("300")
    prices = [f"after {5 * drop} min ${500 - 10 * drop}.00" for drop in range(1, 5)]
    expect(sue.page.locator("#fall li")).to_have_text(["at the start $500.00", *prices])
    expect(sue.page.locator("[data-floor]")).to_have_text(
        "It is at $95.00, the floor, after 41 drops: 3 h 25 min after the start, unless it ends before."
    )
    sue.page.get_by_role("button", name="Save as draft").click()
    sue.page.get_by_role("button", name="Publish").click()
    expect(sue.page.locator(".pill")).to_have_text("Running")
    expect(sue.page.locator("[data-free]")).to_have_text("4 of 4 left")
    assert sue.complaints == []


def test_without_script_the_form_shows_the_same_preview(visitor: Visit) -> None:
    sue = visitor("Sue", java_script_enabled=False)
    sue.page.goto(f"{sue.url}/sell")
    sue.page.get_by_label("Dutch").check()
    sue.page.get_by_label("Title").fill("Crates of bulbs")
    for label, value in (("Starting price", "500"), ("Each drop", "10"), ("Floor", "600")):
        sue.page.get_by_label(label).fill(value)
    sue.page.get_by_label("Seconds between drops").fill("300")
    sue.page.get_by_role("button", name="show the prices").click()
    expect(sue.page.get_by_role("alert")).to_be_visible()
    sue.page.get_by_label("Floor").fill("95")
    sue.page.get_by_role("button", name="show the prices").click()
    expect(sue.page.locator("#fall li").nth(1)).to_have_text("after 5 min $490.00")
    expect(sue.page.locator("[data-floor]")).to_have_text(
        "It is at $95.00, the floor, after 41 drops: 3 h 25 min after the start, unless it ends before."
    )
    sue.page.get_by_role("button", name="Save as draft").click()
    expect(sue.page.locator(".pill")).to_have_text("Draft")


def test_what_was_paid_is_drawn_and_fits_a_window_that_becomes_narrower(visitor: Visit) -> None:
    sue, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = sue.sell_dutch(quantity=3)
    ann.open(lot)
    bob.open(lot)
    ann.take.click()
    expect(ann.held).to_have_count(1)
    chart = bob.page.locator("[data-chart]")
    chart.get_by_text("What was paid").first.click()
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.locator(".u-legend")).to_contain_text("Planned price")
    chart.get_by_text("As a table").click()
    paid = chart.locator("[data-table] tbody tr")
    expect(paid).to_have_count(1)
    ann.take.click()
    expect(paid).to_have_count(2)
    expect(paid.first).to_contain_text("$100.00")
    bob.page.set_viewport_size({"width": 390, "height": 844})
    bob.page.wait_for_function("document.documentElement.scrollWidth <= 390")
    bob.page.wait_for_function("document.querySelector('.uplot').clientWidth <= 390")
    assert bob.complaints == []
