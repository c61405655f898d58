"""Orders and one's own lists, while they change."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import Visit, Visitor

ADDRESS = {"shipTo": "Ann Okafor\n1 Long Lane", "method": "invoice"}


def buy(seller: Visitor, buyer: Visitor) -> str:
    """The buyer takes an item of the seller's and checks out; returns the path of the order."""
    lot = seller.sell_dutch()
    held = buyer.api("POST", f"/api/auctions/{lot}/bids", amount=10_000)["reservationId"]
    order_id = buyer.api("POST", f"/api/reservations/{held}/checkout", **ADDRESS)["id"]
    return f"/orders/{order_id}"


def look_at(visitor: Visitor, path: str) -> None:
    visitor.page.goto(visitor.url + path)
    expect(visitor.badge).to_have_attribute("data-state", "live")


def test_an_order_moves_on_before_everybodys_eyes(visitor: Visit) -> None:
    sue, ann = visitor("Sue"), visitor("Ann")
    order = buy(sue, ann)
    look_at(ann, order)
    look_at(sue, "/sales")
    row = sue.page.locator(".lot", has_text="A crate of bulbs").first
    expect(row).to_contain_text("to Ann")
    expect(row.locator(".pill")).to_have_text("Awaiting payment")
    expect(ann.page.locator("article .pill")).to_have_text("Awaiting payment")

    sue.api("POST", f"/api{order}/confirm-payment")
    expect(ann.page.locator("article .pill")).to_have_text("Paid")
    expect(ann.page.get_by_label("Where it goes")).to_have_count(0)
    expect(row.locator(".pill")).to_have_text("Paid")
    expect(row).to_have_class(re.compile("changed"))

    sue.api("POST", f"/api{order}/ship", carrier="Post", tracking="XY1")
    expect(ann.page.locator("article .pill")).to_have_text("On its way")
    expect(ann.page.get_by_text("Post, XY1")).to_be_visible()
    ann.page.get_by_role("button", name="I have received it").click()
    expect(row.locator(".pill")).to_have_text("Received")
    assert [ann.complaints, sue.complaints] == [[], []]


def test_what_is_being_typed_stays_when_the_order_moves_on(visitor: Visit) -> None:
    sue, ann = visitor("Sue"), visitor("Ann")
    order = buy(sue, ann)
    sue.api("POST", f"/api{order}/confirm-payment")
    look_at(sue, order)
    tracking = sue.page.get_by_label("Tracking number")
    tracking.fill("AB-12")
    # From another window of hers.
    sue.api("POST", f"/api{order}/ship", carrier="Post", tracking="")
    expect(sue.page.get_by_role("heading", name="It is on its way")).to_be_visible()
    expect(tracking).to_have_value("AB-12")
    expect(tracking).to_be_focused()
    expect(sue.page.get_by_label("With whom")).to_have_value("Post")
    assert sue.complaints == []


def test_ones_own_list_says_who_leads_as_it_changes(visitor: Visit) -> None:
    sue, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = sue.sell(title="A rug")
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=10_000, maxAmount=20_000)
    look_at(ann, "/me")
    row = ann.page.locator(".lot", has_text="A rug")
    expect(row.locator("[data-lead]")).to_have_text("You lead")
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=15_000)
    expect(row.locator("[data-bids]")).not_to_have_text("1 bid")
    expect(row.locator("[data-lead]")).to_have_text("You lead")
    bob.api("POST", f"/api/auctions/{lot}/bids", amount=30_000)
    expect(row.locator("[data-price]")).to_have_text("$300.00")
    expect(row.locator("[data-lead]")).to_have_text("Outbid")
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=40_000)
    expect(row.locator("[data-lead]")).to_have_text("You lead")
    assert ann.complaints == []
