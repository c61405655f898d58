"""A lot that was not sold, offered by its seller and bought by the next bidder."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.clients import House

from .conftest import Visit


def test_the_bidder_sees_the_offer_live_accepts_it_and_gets_the_order(visitor: Visit, house: House) -> None:
    sue, ann = visitor("Sue"), visitor("Ann")
    lot = sue.sell(title="A brass clock", reservePrice=90_000, premiumRate=1000)
    ann.open(lot)
    ann.bid("200")
    expect(ann.standing).to_have_text("You have the highest bid, but the reserve is not met yet.")
    house.end(lot)
    expect(ann.standing).to_contain_text("The reserve was not met, so it was not sold.")
    offer = ann.page.locator("#offer")
    expect(offer).to_have_count(0)

    sue.page.goto(f"{sue.url}/auctions/{lot}/manage")
    sue.page.get_by_role("button", name="Offer it").click()
    expect(sue.page.locator("[data-offer]")).to_have_text("Open")
    expect(offer).to_contain_text("A second chance for you")
    expect(offer.locator(".price")).to_have_text("$200.00")
    expect(offer).to_contain_text("In all you pay $220.00.")
    toast = ann.page.locator(".toasts")
    expect(toast).to_contain_text("A second chance: A brass clock is offered to you.")
    expect(toast.get_by_role("link", name="See the offer")).to_have_attribute(
        "href", f"/auctions/{lot}#offer"
    )

    offer.get_by_text("Accept", exact=True).click()
    offer.get_by_role("button", name="Yes, buy it for $220.00").click()
    ann.page.wait_for_url("**/orders/*")
    expect(ann.page.get_by_role("heading", level=1)).to_contain_text("A brass clock")
    sue.page.reload()
    expect(sue.page.locator("[data-offer]")).to_have_text("Accepted")
    assert [sue.complaints, ann.complaints] == [[], []]


def test_answered_on_one_page_the_offer_leaves_the_other(visitor: Visit, house: House) -> None:
    sue, ann = visitor("Sue"), visitor("Ann")
    lot = sue.sell(reservePrice=90_000)
    ann.open(lot)
    ann.bid("200")
    expect(ann.standing).to_contain_text("You have the highest bid")
    house.end(lot)
    sue.api("POST", f"/api/auctions/{lot}/second-chance", hours=24)
    expect(ann.page.locator("#offer")).to_be_visible()
    other = ann.context.new_page()
    other.goto(f"{ann.url}/me")
    other.get_by_text("Decline", exact=True).click()
    other.get_by_role("button", name="Yes, decline it").click()
    other.wait_for_url(f"**/auctions/{lot}")
    expect(other.locator("#offer")).to_have_count(0)
    expect(ann.page.locator("#offer")).to_have_count(0)
