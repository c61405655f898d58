"""Everything that matters can be done with the pages as the server sends them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.clients import House

from .conftest import PASSWORD, Visit, Visitor


@pytest.fixture
def ann(visitor: Visit) -> Visitor:
    return visitor("Ann", java_script_enabled=False)


def test_one_can_search_and_bid_exactly_and_automatically(ann: Visitor, house: House) -> None:
    lot = house.auction(starting_price=10_000, min_increment=500)
    ann.page.goto(ann.url)
    ann.page.get_by_role("searchbox").first.fill("watch")
    ann.page.keyboard.press("Enter")
    ann.page.get_by_role("link", name="A watch").first.click()
    ann.open(lot, live=False)
    ann.bid("100")
    expect(ann.standing).to_have_text("You have the highest bid.")
    assert house.bidder("Bob").bid(ann.url, lot, 12_000).status_code == 201
    ann.page.reload()
    expect(ann.standing).to_contain_text("You were outbid.")
    ann.page.get_by_label("Bid up to").check()
    ann.page.locator("#bid [name=amount]").fill("200")
    ann.button.click()
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(ann.price).to_have_text("$125.00")
    assert ann.page.url.endswith(f"/auctions/{lot}#bid")


def test_one_can_open_an_account_log_out_and_in_again(visitor: Visit) -> None:
    ann = visitor("Ann", registered=False, java_script_enabled=False)
    email = ann.register()
    ann.page.locator(".menu summary").click()
    ann.page.get_by_role("button", name="Log out").click()
    ann.page.get_by_role("link", name="Log in").click()
    ann.page.get_by_label("E-mail address").fill(email)
    ann.page.get_by_label("Password").fill("not the one")
    ann.page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(ann.page.get_by_role("main")).to_contain_text("password")
    ann.page.get_by_label("Password").fill(PASSWORD)
    ann.page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(ann.page.locator(".menu .name")).to_have_text("Ann")


def test_one_can_take_an_item_and_check_out(ann: Visitor, house: House) -> None:
    lot = house.auction(format="DUTCH", starting_price=10_000, floor_price=1_000, quantity=2)
    ann.open(lot, live=False)
    ann.take.click()
    expect(ann.held).to_contain_text("Held for you at $100.00")
    ann.held.get_by_role("link", name="Check out").click()
    ann.page.get_by_label("Where it goes").fill("Ann Okafor\n1 Long Lane")
    ann.page.get_by_label("Pay on invoice").check()
    ann.page.get_by_role("button", name="Buy for $100.00").click()
    expect(ann.page.get_by_role("link", name="Invoice").first).to_be_visible()


def test_one_can_check_out_what_one_has_won(ann: Visitor, house: House) -> None:
    lot = house.auction(starting_price=10_000)
    ann.open(lot, live=False)
    ann.bid("100")
    house.end(lot)
    ann.page.reload()
    expect(ann.standing).to_have_text("You won this auction for $100.00.")
    ann.page.get_by_role("link", name="Check out").click()
    ann.page.get_by_label("Where it goes").fill("Ann Okafor\n1 Long Lane")
    ann.page.get_by_label("Pay on invoice").check()
    ann.page.get_by_role("button", name="Check out").click()
    expect(ann.page.get_by_role("link", name="Invoice").first).to_be_visible()
