"""Two people in two browsers at one auction."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Route, expect

from marketplace.dev.stack import Stack

from .conftest import Visit


def test_two_people_bid_against_each_other_until_the_auction_ends(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    # Each of the bids leaves at least 12 seconds for the next, however slow the machine.
    lot = seller.sell(title="A brass clock", lasts=30, extensionWindow=60, extension=12)
    ann.open(lot)
    bob.open(lot)
    expect(bob.price).to_have_text("$100.00")

    ann.bid("100")
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(ann.button).to_have_text("Raise to $105.00")
    expect(bob.leader).to_contain_text("Ann")
    expect(bob.page.locator("#bids li").first).to_contain_text("Ann")
    expect(bob.button).to_have_text("Bid $105.00")

    bob.bid("120")
    expect(bob.standing).to_have_text("You have the highest bid.")
    expect(ann.price).to_have_text("$120.00")
    expect(ann.leader).to_contain_text("Bob")
    expect(ann.standing).to_have_text("You were outbid. Bid $125.00 or more to lead again.")

    expect(bob.standing).to_have_text("You won this auction for $120.00.")
    expect(ann.standing).to_have_text("You were outbid. Bob won for $120.00.")
    seller.open(lot)
    expect(seller.standing).to_have_text("This auction has ended. Bob won for $120.00.")
    assert [ann.complaints, bob.complaints, seller.complaints] == [[], [], []]


def test_a_bid_that_is_too_low_says_what_would_do(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    ann.open(seller.sell())
    ann.bid("99")
    expect(ann.message).to_have_text("That is too low by now: bid at least $100.00.")
    expect(ann.button).to_have_text("Bid $100.00")
    # Until then it could not have been read.
    ann.page.wait_for_timeout(500)
    ann.button.click()
    expect(ann.standing).to_have_text("You have the highest bid.")


def test_a_bid_whose_answer_gets_lost_is_placed_once(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell()
    ann.open(lot)
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().text())
            route.abort()

    ann.page.route("**/bids", lose_the_first_answer)
    ann.bid("100")
    expect(ann.message).to_have_text("Your bid of $100.00 was accepted.")
    expect(ann.standing).to_have_text("You have the highest bid.")
    assert lost
    assert ann.api("GET", f"/api/auctions/{lot}")["bidCount"] == 1


def test_a_page_without_network_says_so_and_comes_back(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    bob.open(lot)
    bob.context.set_offline(True)
    expect(bob.badge).to_have_text(re.compile("Offline"))
    expect(bob.page.get_by_text("You are offline, so what you see may be old.")).to_be_visible()
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=15_000)
    bob.context.set_offline(False)
    expect(bob.badge).to_have_text(re.compile("Live"))
    expect(bob.price).to_have_text("$150.00")


def test_the_page_polls_while_channels_is_away_and_is_live_again_afterwards(
    market: Stack, visitor: Visit
) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    ann.open(lot)
    bob.open(lot)

    market.stop("channels")
    expect(bob.badge).to_have_text(re.compile("Polling"))
    ann.bid("150")
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(bob.price).to_have_text("$150.00")

    market.start("channels")
    expect(bob.badge).to_have_text(re.compile("Live"))
    expect(ann.badge).to_have_text(re.compile("Live"))
    bob.bid("200")
    expect(ann.price).to_have_text("$200.00")
    expect(ann.standing).to_have_text("You were outbid. Bid $205.00 or more to lead again.")
    expect(ann.page.locator("#bids li")).to_have_count(2)


def test_the_list_is_live(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob", registered=False)
    lot = seller.sell(title="A live card")
    bob.page.goto(bob.url)
    expect(bob.badge).to_have_attribute("data-state", "live")
    ann.api("POST", f"/api/auctions/{lot}/bids", amount=12_300)
    card = bob.page.locator(".card", has_text="A live card")
    expect(card.locator("[data-price]")).to_have_text("$123.00")
    expect(card).to_contain_text("Ann")
    assert bob.complaints == []


def test_people_see_who_else_is_watching(visitor: Visit) -> None:
    seller, ann, bob = visitor("Sue"), visitor("Ann"), visitor("Bob")
    lot = seller.sell()
    ann.open(lot)
    bob.open(lot)
    expect(ann.page.get_by_text("2 are watching, Bob among them.")).to_be_visible()
    bob.page.close()
    expect(ann.page.get_by_text("are watching")).to_be_hidden()


def test_markup_in_titles_and_names_is_shown_and_not_run(visitor: Visit) -> None:
    seller, bob = visitor("<b>Sue</b>"), visitor("Bob", registered=False)
    title, name = "<script>alert(1)</script>", "<img src=x onerror=alert(2)>"
    lot = seller.sell(title=title, description=f"{title}\n</section>{title}")
    bob.open(lot)
    expect(bob.page.get_by_role("heading", level=1)).to_have_text(title)
    mallory = visitor(name)
    mallory.api("POST", f"/api/auctions/{lot}/bids", amount=20_000)
    expect(bob.leader).to_contain_text(name)
    expect(bob.page.locator("#bids li").first).to_contain_text(name)
    bob.page.goto(bob.url)
    expect(bob.page.locator(".card", has_text=title)).to_contain_text(name)
    assert bob.complaints == []


def test_without_script_one_can_read_log_in_and_bid(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann", java_script_enabled=False)
    lot = seller.sell(title="A plain chair")
    ann.page.goto(ann.url)
    ann.page.get_by_role("link", name="A plain chair").click()
    ann.bid("99")
    expect(ann.message).to_have_text("The bid is below the minimum next bid.")
    ann.bid("1,100.50")
    expect(ann.standing).to_have_text("You have the highest bid.")
    expect(ann.price).to_have_text("$1,100.50")
    assert ann.page.url.endswith(f"/auctions/{lot}#bid")
    ann.page.locator(".menu summary").click()
    ann.page.get_by_role("button", name="Log out").click()
    expect(ann.page.get_by_role("link", name="Log in")).to_be_visible()


def test_a_lot_is_drafted_and_published_in_the_sellers_own_time(visitor: Visit) -> None:
    sue = visitor("Sue", timezone_id="Asia/Karachi")
    sue.page.goto(f"{sue.url}/sell")
    expect(sue.page.get_by_text("Asia/Karachi")).to_be_visible()
    sue.page.get_by_label("Title").fill("A teapot")
    sue.page.get_by_label("Currency").select_option("JPY")
    sue.page.get_by_label("Starting price").fill("4,000")
    sue.page.get_by_label("Increment").fill("100")
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    sue.page.get_by_label("Ends").fill(f"{day}T12:00")
    # Left and come back to, it is as it was typed.
    sue.page.get_by_role("link", name="Marketplace").click()
    sue.page.go_back()
    expect(sue.page.get_by_label("Title")).to_have_value("A teapot")
    expect(sue.page.get_by_label("Ends")).to_have_value(re.compile(f"{day}T12:00"))
    sue.page.get_by_role("button", name="Save as draft").click()
    sue.page.get_by_role("button", name="Publish").click()
    expect(sue.page.locator(".pill")).to_have_text("Running")
    lot = int(sue.page.url.rpartition("/")[2])
    snapshot = sue.api("GET", f"/api/auctions/{lot}")
    assert (snapshot["endsAt"], snapshot["startingPrice"]) == (f"{day}T07:00:00.000Z", 4_000)
    assert sue.complaints == []


def test_an_auction_that_may_be_seen_no_more_says_so(visitor: Visit) -> None:
    seller, ann = visitor("Sue"), visitor("Ann")
    lot = seller.sell()
    ann.open(lot)
    note = ann.page.locator("#gone")
    of_the_auction = re.compile(rf"/api/auctions/{lot}(/events.*)?$")
    ann.page.route(of_the_auction, lambda route: route.fulfill(status=404, json={"code": "not_found"}))
    look_anew = "document.querySelector('[data-refresh]').click()"
    ann.page.evaluate(look_anew)
    expect(note).to_contain_text("You cannot see this auction any more.")
    expect(ann.badge).to_be_hidden()
    expect(ann.page.locator("#auction[inert]")).to_be_visible()
    ann.page.unroute(of_the_auction)
    ann.page.evaluate(look_anew)
    expect(note).to_be_hidden()
    ann.bid("100")
    expect(ann.standing).to_have_text("You have the highest bid.")
