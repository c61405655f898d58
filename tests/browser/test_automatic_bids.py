"""Automatic bids, retractions, reserve and buy now, as two people see them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import Visit


def test_an_automatic_bid_answers_is_outlived_and_the_lot_is_bought_at_once(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell(startingPrice=5_000, minIncrement=500, buyNowPrice=10_000, buyNowShare=80)
    ann.open(lot)
    bob.open(lot)

    ann.bid_up_to("65")
    expect(ann.message).to_have_text("Accepted: you lead at $50.00 and go up to $65.00.")
    expect(ann.page.get_by_text("You go up to $65.00, which only you see.")).to_be_visible()
    expect(bob.price).to_have_text("$50.00")

    bob.bid("55")
    expect(bob.message).to_have_text(re.compile("of \\$55.00 was accepted and outbid at once"))
    expect(bob.standing).to_have_text("You were outbid. Bid $65.00 or more to lead again.")
    for each in (ann, bob):
        expect(each.price).to_have_text("$60.00")
        expect(each.leader).to_contain_text("Ann")
        expect(each.page.locator("#bids li").first).to_contain_text("automatic")
    expect(ann.standing).to_have_text("You have the highest bid.")
    assert "65.00" not in bob.page.locator(".lot-body").inner_text()

    # Within 30 seconds no reason is asked for.
    bobs = bob.page.locator("#bids li", has_text="Bob")
    bobs.get_by_text("Retract", exact=True).click()
    bobs.get_by_role("button", name="Retract bid").click()
    for each in (ann, bob):
        expect(each.price).to_have_text("$50.00")
        expect(each.page.locator("#bids [data-withdrawn]")).to_contain_text("Retracted")
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(bob.standing).to_have_text("You have no bid on this.")

    bob.page.get_by_text("Buy now for $100.00").click()
    bob.page.get_by_role("button", name="Yes, buy it now").click()
    expect(bob.standing).to_have_text("You won this auction for $100.00.")
    expect(ann.standing).to_have_text("You were outbid. Bob won for $100.00.")
    expect(ann.page.get_by_text("Buy now for")).to_be_hidden()
    # The proof comes without a reload.
    expect(ann.page.get_by_role("heading", name="Proof")).to_be_visible()
    assert [ann.complaints, bob.complaints] == [[], []]


def test_the_leader_raises_their_maximum_and_nobody_sees_it(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell(startingPrice=5_000, minIncrement=500)
    ann.open(lot)
    bob.open(lot)
    ann.bid_up_to("65")
    expect(ann.button).to_have_text("Raise to $70.00")
    ann.page.get_by_label("Raise your maximum to").fill("60")
    ann.button.click()
    expect(ann.message).to_have_text(re.compile("your maximum is not below this already"))
    ann.page.get_by_label("Raise your maximum to").fill("80")
    ann.button.click()
    expect(ann.message).to_have_text("You now go up to $80.00.")
    expect(ann.page.locator("#bids li").first).to_contain_text("maximum raised, seen by you alone")
    expect(ann.price).to_have_text("$50.00")
    bob.page.reload()
    expect(bob.page.locator("#bids li")).to_have_count(1)
    bob.bid("80")
    # The same amount, and Ann named it first.
    expect(bob.standing).to_have_text("You were outbid. Bid $85.00 or more to lead again.")
    expect(ann.standing).to_have_text("You have the highest bid.")
    assert bob.complaints == []


def test_the_reserve_is_met_live_and_a_cancelled_bid_takes_that_back(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob", registered=False)
    lot = seller.sell(startingPrice=5_000, minIncrement=500, reservePrice=9_000)
    for each in (seller, ann, bob):
        each.open(lot)
    reserve = bob.page.locator("[data-reserve]")
    expect(reserve).to_have_text("Reserve not met yet")
    ann.bid("80")
    expect(ann.standing).to_have_text("You have the highest bid, but the reserve is not met yet.")
    ann.page.get_by_label("Raise your maximum to").fill("100")
    ann.button.click()
    expect(bob.price).to_have_text("$90.00")
    expect(reserve).to_have_text("Reserve met")
    expect(ann.standing).to_have_text("You have the highest bid.")

    top = seller.page.locator("#bids li").first
    expect(top).to_contain_text("$90.00")
    top.get_by_text("Cancel this bid").click()
    top.get_by_label("Reason").fill("asked for by the bidder")
    top.get_by_role("button", name="Cancel bid").click()
    expect(bob.price).to_have_text("$80.00")
    expect(reserve).to_have_text("Reserve not met yet")
    expect(ann.page.locator("#bids .why")).to_have_text("Cancelled by the seller: asked for by the bidder")
    expect(ann.standing).to_have_text("You have the highest bid, but the reserve is not met yet.")
    assert [seller.complaints, ann.complaints, bob.complaints] == [[], [], []]


def test_without_script_one_can_bid_automatically_retract_and_buy(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann", java_script_enabled=False)
    lot = seller.sell(startingPrice=5_000, minIncrement=500, buyNowPrice=9_000, buyNowShare=90)
    ann.open(lot, live=False)
    ann.page.get_by_label("Bid up to").check()
    ann.bid("65")
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(ann.page.get_by_text("You go up to $65.00")).to_be_visible()
    ann.page.get_by_label("Raise your maximum to").fill("60")
    ann.button.click()
    expect(ann.message).to_have_text("You lead already, and this maximum is not above your own.")
    ann.page.get_by_text("Retract", exact=True).click()
    ann.page.get_by_role("button", name="Retract bid").click()
    expect(ann.price).to_have_text("$50.00")
    expect(ann.page.get_by_text("0 bids", exact=True)).to_be_visible()
    ann.page.get_by_text("Buy now for $90.00").click()
    ann.page.get_by_role("button", name="Yes, buy it now").click()
    expect(ann.standing).to_have_text("You won this auction for $90.00.")
    expect(ann.page.get_by_role("heading", name="Proof")).to_be_visible()
